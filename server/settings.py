"""The sections of the configuration: what can be set, what it must look like, and what holds without it."""

import re
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from consent_broker.model import Origin
from consent_broker.texts import Language
from ebxml.affinity_domain import Tolerance
from exchange.call import Limits
from hl7v2.datatypes import errors_in_oid_urn
from repository.blob_store import VERIFIED_BYTES
from server.codes import AssigningAuthority, Oid, built_in_code_sets
from server.rules import built_in_rule_packs
from server.syslog_transport import repository_at
from server.tls.contexts import CallingContext, NodeFiles
from server.turns import TurnLimits


def _directory(info: ValidationInfo) -> Path:
    """Where relative paths begin: the directory of the configuration file."""
    return Path(info.context["directory"]) if info.context else Path.cwd()


def _absolute(path: Path, info: ValidationInfo) -> Path:
    return _directory(info) / path


def _absolute_text(text: str, info: ValidationInfo) -> str:
    return str(_directory(info) / text) if text else ""


def _no_path_if_empty(text: object) -> object:
    return None if text == "" else text


def _absolute_if_any(path: Path | None, info: ValidationInfo) -> Path | None:
    return path and _absolute(path, info)


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if text and (
        parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment
    ):
        raise ValueError(f"'{text}' is not an address, expected http:// or https:// and a host")
    return text.rstrip("/")


def _address_of_documents(text: str) -> str:
    parts = urlsplit(text)
    if not text:
        return text
    if parts.scheme not in ("http", "https") or not parts.hostname or "{" in parts.netloc:
        raise ValueError(f"'{text}' is not an address, expected http:// or https:// and a host")
    names = set(re.findall(r"\{(.*?)\}", text))
    if not names or names - {"uniqueId", "entryUUID"}:
        raise ValueError(f"'{text}' must hold {{uniqueId}} or {{entryUUID}}, and nothing else in braces")
    return text


def _fingerprint(text: str) -> str:
    digits = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError(f"'{text}' is no SHA-256, expected 64 hexadecimal digits")
    return digits


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError(f"'{text}' is no IP address or network, such as 10.0.0.1 or 10.0.0.0/24") from None


def _audit_repository_url(text: str) -> str:
    repository_at(text)
    return text


def _database_url(text: str, info: ValidationInfo) -> str:
    # The address is not repeated in the error: it may hold a password.
    if text.startswith("postgresql://"):
        return text
    path = text.removeprefix("sqlite:///")
    if path in (text, ""):
        raise ValueError("expected sqlite:///PATH or postgresql://USER@HOST/DATABASE")
    return f"sqlite:///{_directory(info) / path}"


def _documents(text: str, info: ValidationInfo) -> str:
    bucket = text.removeprefix(OBJECT_STORE_SCHEME)
    if bucket == text:
        return str(_directory(info) / text)
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(
            f"'{text}' is not a directory nor a bucket, expected s3://BUCKET or s3://BUCKET/PREFIX"
        )
    return text.rstrip("/")


def _home_community(text: str) -> str:
    for error in errors_in_oid_urn(text):
        raise ValueError(error)
    return text


def _code_set(text: str, info: ValidationInfo) -> str:
    if text in ("", *built_in_code_sets()):
        return text
    path = _directory(info) / text
    if not path.is_file():
        built_in = ", ".join(built_in_code_sets())
        raise ValueError(f"there is no file {path}, and no built-in code set of that name ({built_in})")
    return str(path)


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"'{text}' is no time zone, expected a name such as Europe/Luxembourg") from None
    return text


def _optional_directory(text: str, info: ValidationInfo) -> str:
    return str(_directory(info) / text) if text else ""


def _rule_pack(text: str, info: ValidationInfo) -> str:
    if text in ("", *built_in_rule_packs()):
        return text
    path = _directory(info) / text
    if not path.is_file():
        built_in = ", ".join(built_in_rule_packs())
        raise ValueError(f"there is no file {path}, and no built-in rule pack of that name ({built_in})")
    return str(path)


OBJECT_STORE_SCHEME = "s3://"
# Names of buckets as Amazon has them; prefixes of characters that need no escape in a URL.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?")


Positive = Annotated[int, Field(ge=1)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
OptionalPath = Annotated[str, AfterValidator(_absolute_text)]
OptionalFile = Annotated[Path | None, BeforeValidator(_no_path_if_empty), AfterValidator(_absolute_if_any)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Text = Annotated[str, Field(min_length=1)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
Network = Annotated[str, AfterValidator(_network)]
Listener = Literal["http", "mllp"]

_LIMITS = Limits()


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Server(Section):
    """The sockets."""

    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    base_url: WebAddress = ""
    workers: Positive = 1
    production: bool = False


class Tls(Section):
    """This node, as it proves itself to others and others prove themselves to it (ITI TF-2: 3.19)."""

    certificate: OptionalFile = None
    key: OptionalFile = None
    client_ca: OptionalFile = None
    crl: OptionalFile = None
    server_ca: OptionalFile = None
    certificate_optional: tuple[Listener, ...] = ()
    plain: tuple[Listener, ...] = ()
    proxies: tuple[Network, ...] = ()

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a certificate and its key go together")
        if self.client_ca and not self.certificate:
            raise ValueError("client_ca needs a certificate and key of our own")
        if self.crl and not self.client_ca:
            raise ValueError("crl says whom of client_ca's nodes not to trust; it needs client_ca")
        return self

    @property
    def files(self) -> NodeFiles | None:
        """The files of the node; None where it has none."""
        if not self.certificate or not self.key:
            return None
        return NodeFiles(self.certificate, self.key, self.client_ca, self.crl)

    def files_for(self, listener: Listener) -> NodeFiles | None:
        """The files of the node as this listener uses them; None where its lines are plain."""
        if listener in self.plain or not self.files:
            return None
        return replace(self.files, certificate_optional=listener in self.certificate_optional)

    def calling(self) -> CallingContext:
        """The context for calling others, as this node; raises UnusableFile."""
        return CallingContext(self.server_ca or self.client_ca, self.certificate, self.key)


class Database(Section):
    """Where the registry and the repository keep their tables."""

    url: Annotated[str, AfterValidator(_database_url)] = Field(default="sqlite:///coffre.db", repr=False)
    password_file: OptionalFile = None


class Repository(Section):
    """The Document Repository."""

    unique_id: Oid = "2.999.352.2"
    documents: Annotated[str, AfterValidator(_documents)] = "documents"
    registry_url: WebAddress = ""
    verified_bytes: Annotated[int, Field(ge=0)] = VERIFIED_BYTES


class OnDemand(Section):
    """Where documents come from that are made when they are asked for."""

    url: Annotated[str, AfterValidator(_address_of_documents)] = ""
    ca: OptionalPath = ""
    certificate: OptionalPath = ""
    key: OptionalPath = ""
    timeout_seconds: Positive = 30
    size_bytes: Positive = 256 * 1024**2
    persist: bool = True

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("a certificate and its key go together")
        return self


class ObjectStorage(Section):
    """The S3 service, where documents lie in a bucket."""

    endpoint: WebAddress = ""
    region: Text = "us-east-1"
    credentials: OptionalPath = ""
    access_key_id: str = ""
    secret_access_key: str = Field(default="", repr=False)
    ca: OptionalPath = ""
    verify: Literal["etag", "read"] = "etag"

    @model_validator(mode="after")
    def _one_pair_of_keys(self) -> Self:
        if bool(self.access_key_id) != bool(self.secret_access_key):
            raise ValueError("access_key_id and secret_access_key go together")
        if self.credentials and self.access_key_id:
            raise ValueError("credentials and access_key_id are two ways to say one thing, expected one")
        return self


class Vault(Section):
    """The encryption of documents at rest."""

    encrypt: bool = True
    master_key: AbsolutePath = "master.key"  # type: ignore[assignment]  # a default is validated as well
    master_key_text: str = Field(default="", repr=False)
    pkcs11_module: OptionalFile = None
    pkcs11_token: str = ""
    pkcs11_pin_file: OptionalFile = None
    pkcs11_pin: str = Field(default="", repr=False)
    pkcs11_retired: bool = False
    read_plain: bool = False

    @model_validator(mode="after")
    def _token_with_pin(self) -> Self:
        if bool(self.pkcs11_module) != bool(self.pkcs11_token):
            raise ValueError("pkcs11_module and pkcs11_token go together")
        if self.pkcs11_module and bool(self.pkcs11_pin_file) == bool(self.pkcs11_pin):
            raise ValueError("a token needs pkcs11_pin_file or pkcs11_pin, one of both")
        return self


class Domain(Section):
    """The XDS Affinity Domain."""

    name: Text = "luxembourg"
    home_community_id: Annotated[str, AfterValidator(_home_community)] = "urn:oid:2.999.352.3"
    assigning_authorities: tuple[AssigningAuthority, ...] = ()
    codes: Annotated[str, AfterValidator(_code_set)] = "luxembourg"
    repositories: tuple[Oid, ...] = ()
    tolerate: tuple[Tolerance, ...] = ()
    unknown_patient_in_query: Literal["empty", "error"] = "empty"
    rules: Annotated[str, AfterValidator(_rule_pack)] = ""
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Europe/Luxembourg"


class Identity(Section):
    """How identity sources reach the registry, besides its SOAP endpoint."""

    mllp_host: Text = "127.0.0.1"
    mllp_port: Annotated[int, Field(ge=0, le=65535)] = 0
    namespaces: dict[str, Oid] = Field(default_factory=dict)


class IdentityProviderAt(Section):
    """An X-Assertion Provider: its assertions' Issuer, and a PEM file of the certificates it signs by."""

    issuer: Text
    certificates: AbsolutePath


class Xua(Section):
    """Whose assertions about users are believed, and what they must say (ITI TF-2: 3.40)."""

    required: bool = True
    identity_providers: tuple[IdentityProviderAt, ...] = ()
    local_provider: Annotated[str, AfterValidator(_optional_directory)] = ""
    audiences: tuple[Text, ...] = ()
    skew_seconds: Annotated[int, Field(ge=0, le=600)] = 60
    minimum_assurance: Literal["none", "low", "substantial", "high"] = "low"
    one_role_and_purpose: bool = True
    decryption_keys: tuple[AbsolutePath, ...] = ()
    system_user: str = ""

    @model_validator(mode="after")
    def _system_user_of_local_provider(self) -> Self:
        if self.system_user and not self.local_provider:
            raise ValueError("system_user is one of the local_provider's, which is not named")
        return self


class Attestation(Section):
    """Whether only attested software may ask, where other software is led, and who attests."""

    required: bool = False
    sandbox: WebAddress = ""
    attesters: tuple[AbsolutePath, ...] = ()

    @model_validator(mode="after")
    def _sandbox_of_whom(self) -> Self:
        if self.sandbox and not self.required:
            raise ValueError("the sandbox is for software that is not attested; it needs required = true")
        return self


class Clients(Section):
    """What one client may hold of each process, so that it cannot starve the others."""

    connections: Positive = TurnLimits().connections_of_one
    requests: Positive = TurnLimits().under_way_of_one
    requests_per_second: Positive = TurnLimits().per_second_of_one


class Api(Section):
    """What is offered as plain HTTP and JSON, beside the web services."""

    enabled: bool = False
    declare: tuple[Origin, ...] = ()
    operators: tuple[Fingerprint, ...] = ()


CodedText = Annotated[str, Field(pattern=r"^[^^]+\^\^[^^]+$")]
"""A code and its coding scheme, as CODE^^SCHEME."""


class ReceiptSection(Section):
    """What the receipts are like that the platform writes of patients' decisions, where the rules say so."""

    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = (Language.FRENCH,)
    custodian: Text = "Coffre"
    class_code: CodedText = "57016-8^^2.16.840.1.113883.6.1"
    type_code: CodedText = "57016-8^^2.16.840.1.113883.6.1"
    confidentiality_code: CodedText = "V^^2.16.840.1.113883.5.25"
    healthcare_facility_type_code: CodedText = "394747008^^2.16.840.1.113883.6.96"
    practice_setting_code: CodedText = "394658006^^2.16.840.1.113883.6.96"
    content_type_code: CodedText = "57016-8^^2.16.840.1.113883.6.1"


class LimitSection(Section):
    """What one request may weigh (see `exchange/call.py`)."""

    metadata_size_bytes: Positive = _LIMITS.metadata_size_bytes
    document_size_bytes: Positive = _LIMITS.document_size_bytes
    request_size_bytes: Positive = _LIMITS.request_size_bytes
    part_header_size_bytes: Positive = _LIMITS.part_header_size_bytes
    documents_per_request: Positive = _LIMITS.documents_per_request
    max_results: Positive = _LIMITS.max_results


class AuditRepositoryAddress(Section):
    """An Audit Record Repository to deliver to, over TLS (RFC 5425) or UDP (RFC 5426)."""

    url: Annotated[str, AfterValidator(_audit_repository_url)]
    ca: AbsolutePath | None = None
    certificate: AbsolutePath | None = None
    key: AbsolutePath | None = None

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a certificate and its key go together")
        if self.ca and self.url.startswith("udp:"):
            raise ValueError("udp:// carries no certificates, expected tls://")
        return self


class Audit(Section):
    """The audit trail."""

    spool: AbsolutePath = "audit"  # type: ignore[assignment]  # a default is validated as well
    source_id: Text = "coffre"
    repositories: tuple[AuditRepositoryAddress, ...] = ()
    fail_open: bool = False


class AuditRepository(Section):
    """The Audit Record Repository: where it hears of other systems, and how its records are kept."""

    host: Text = "127.0.0.1"
    tls_port: Annotated[int, Field(ge=0, le=65535)] = 0
    udp_port: Annotated[int, Field(ge=0, le=65535)] = 0
    signing_key: AbsolutePath = "audit-signing.key"  # type: ignore[assignment]  # a default is validated as well
    checkpoints: AbsolutePath = "audit-checkpoints"  # type: ignore[assignment]  # a default is validated as well
    keep_days: Annotated[int, Field(ge=0)] = 1096


class Configuration(Section):
    """All of it; without a file, everything lies in one directory."""

    server: Server
    tls: Tls
    database: Database
    repository: Repository
    on_demand: OnDemand
    object_storage: ObjectStorage
    vault: Vault
    domain: Domain
    identity: Identity
    xua: Xua
    attestation: Attestation
    api: Api
    receipts: ReceiptSection
    limits: LimitSection
    clients: Clients
    audit: Audit
    audit_repository: AuditRepository

    @model_validator(mode="after")
    def _senders_prove_who_they_are(self) -> Self:
        if self.audit_repository.tls_port and not (self.tls.certificate and self.tls.client_ca):
            raise ValueError("audit_repository.tls_port needs certificate, key and client_ca under [tls]")
        return self

    @model_validator(mode="after")
    def _software_is_known_by_its_certificate(self) -> Self:
        directly = self.tls.client_ca and "http" not in self.tls.plain
        if self.attestation.required and not (directly or self.tls.proxies):
            raise ValueError("attestation.required needs client_ca or proxies under [tls]")
        return self

    @property
    def address(self) -> str:
        """Where peers reach this server: in WSDLs and messages."""
        server = self.server
        if server.base_url:
            return server.base_url
        # A wildcard address is nowhere to connect to.
        host = "localhost" if server.host in ("0.0.0.0", "::") else server.host  # noqa: S104
        scheme = "https" if self.tls.files_for("http") else "http"
        return f"{scheme}://[{host}]:{server.port}" if ":" in host else f"{scheme}://{host}:{server.port}"
