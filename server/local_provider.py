"""A local identity provider, for development and small sites: a key and users (ITI TF-2: 3.40).

Whoever can read its key can be anyone: it is as strong as the protection of that directory, and no stronger.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ihe.xua import AUTHENTICATION_CLASSES
from server.codes import Oid, Text
from server.toml_file import BadFile, read_file, read_toml, reasons, validated
from xua.issue import Signer, issue_assertion
from xua.user import PersonId, Role, User

KEY, CERTIFICATE, USERS = "key.pem", "certificate.pem", "users.toml"
# BSI TR-02102 and NIST SP 800-57 ask for 3,000 bits beyond 2030.
KEY_BITS = 3072
# As long as nodes' certificates are recommended to live (ITI TF-2: 3.19).
CERTIFICATE_LIFETIME = timedelta(days=730)

PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # noqa: S105  # a class of logins


class Coded(BaseModel):
    """A code with its system and its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Text
    system: str = ""
    name: str = ""

    @property
    def role(self) -> Role:
        """The code as assertions say it."""
        return Role(self.code, self.system, self.name)


# ISCO-08 as the European eHealth services write it, and HL7 V3 ActReason.
DOCTOR = Coded(code="221", system="2.16.840.1.113883.2.9.6.2.7", name="Medical doctor")
TREATMENT = Coded(code="TREAT", system="2.16.840.1.113883.5.8", name="treatment")


# What a repository asks of its registry when nobody has asked it.
SYSTEM = Coded(code="system", name="Technical user")
ADMINISTRATION = Coded(code="HSYSADMIN", system="2.16.840.1.113883.5.8", name="health system administration")
KEY_HOLDER = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509"


class LocalUser(BaseModel):
    """One user, as users.toml has him."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    id: str = ""
    authority: Oid | None = None
    role: Coded = DOCTOR
    specialty: Coded | None = None
    purpose: Coded = TREATMENT
    organization: str = ""
    organization_id: str = ""
    login: Text = PASSWORD


class UsersFile(BaseModel):
    """The content of users.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Text
    users: dict[str, LocalUser] = Field(default_factory=dict)


class NoSuchUser(Exception):
    """The provider knows nobody of this name."""

    def __init__(self, name: str, known: Mapping[str, LocalUser]) -> None:
        super().__init__(name)
        self.known = tuple(known)


@dataclass(frozen=True)
class LocalProvider:
    """An opened provider."""

    directory: Path
    content: UsersFile
    signer: Signer

    def user(self, name: str, purpose: Coded | None = None, patient_id: str = "", reason: str = "") -> User:
        """Who that is, for a new assertion, and why he asks; raises NoSuchUser."""
        user = self.content.users.get(name)
        if user is None:
            raise NoSuchUser(name, self.content.users)
        issuer = self.content.issuer
        return User(
            name=user.name,
            id=PersonId(user.authority, user.id or name) if user.authority else PersonId(issuer, name),
            name_id=name,
            issuer=issuer,
            assertion_id=f"_{uuid4()}",
            role=user.role.role,
            specialty=user.specialty.role if user.specialty else None,
            purpose_of_use=replace((purpose or user.purpose).role, original_text=reason),
            organization_name=user.organization,
            organization_id=user.organization_id,
            patient_id=patient_id,
            assurance=user.login,
        )

    def token(self, user: User, audience: str, lifetime: timedelta) -> bytes:
        """A signed assertion about this user, valid from now on."""
        return issue_assertion(user, audience, self.signer, datetime.now(UTC), lifetime)


def create_provider(directory: Path) -> None:
    """Make the directory with a key, its certificate and a users.toml; one that is there keeps its users."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = rsa.generate_private_key(65537, KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Coffre local identity provider")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=10))
        .not_valid_after(now + CERTIFICATE_LIFETIME)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(directory / KEY, private)
    _write(directory / CERTIFICATE, certificate.public_bytes(encoding))
    if not (directory / USERS).exists():
        _write(directory / USERS, f"{_HEAD}issuer = {json.dumps(uuid4().urn)}\n".encode())


def open_provider(directory: Path) -> LocalProvider:
    """Open it to issue assertions; raises BadFile."""
    key = serialization.load_pem_private_key(read_file(directory / KEY), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{directory / KEY} holds no RSA key")
    certificate = x509.load_pem_x509_certificate(read_file(directory / CERTIFICATE))
    return LocalProvider(directory, read_users(directory), Signer(key, certificate))


def read_users(directory: Path) -> UsersFile:
    """The issuer's name and its users; raises BadFile."""
    file = read_toml(read_file(directory / USERS), str(directory / USERS))
    try:
        return validated(UsersFile, file.content)
    except ValidationError as error:
        raise BadFile(*(file.problem(key, reason) for key, reason in reasons(error, UsersFile))) from None


def add_user(directory: Path, name: str, user: LocalUser) -> None:
    """Write one more user at the end of users.toml, which keeps its comments."""
    lines = [f"\n[users.{json.dumps(name)}]"]
    for key, value in user.model_dump(exclude_defaults=True).items():
        if isinstance(value, dict):
            inside = ", ".join(f"{part} = {json.dumps(text)}" for part, text in value.items() if text)
            lines.append(f"{key} = {{ {inside} }}")
        else:
            lines.append(f"{key} = {json.dumps(value)}")
    with (directory / USERS).open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def add_system_user(directory: Path, name: str) -> None:
    """Add the user for whom this repository itself speaks, if there is none of that name."""
    if name not in read_users(directory).users:
        row = LocalUser(name="Coffre repository", role=SYSTEM, purpose=ADMINISTRATION, login=KEY_HOLDER)
        add_user(directory, name, row)


_HEAD = f"""# The users of a LOCAL IDENTITY PROVIDER, for development and small sites: whoever can read the
# {KEY} beside this file can be any of them. `coffre idp user add` writes here, and so may you:
#
# [users.amuller]
# name = "Dr Anne Muller"
# authority = "2.999.9"                 # who gave her id; without it she is known by the name in brackets
# id = "4711"
# role = {{ code = "221", system = "2.16.840.1.113883.2.9.6.2.7", name = "Medical doctor" }}
# specialty = {{ code = "394579002", system = "2.16.840.1.113883.6.96", name = "Cardiology" }}
# purpose = {{ code = "TREAT", system = "2.16.840.1.113883.5.8", name = "treatment" }}
# organization = "Hôpital de la Vallée"
# organization_id = "urn:oid:2.999.7"
# login = "{next(iter(AUTHENTICATION_CLASSES))}"

"""


def _write(path: Path, content: bytes) -> None:
    """To a file of its owner only that was not there before."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
