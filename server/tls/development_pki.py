"""An authority for development and tests: its key lies unprotected in a directory (ITI TF-2: 3.19)."""

import errno
import ipaddress
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Whoever meets one of these certificates must see what it is worth.
AUTHORITY_NAME = "Coffre DEVELOPMENT authority"
ORGANIZATION = "FOR DEVELOPMENT ONLY"

# Long enough not to surprise a developer; ITI TF-2: 3.19.6.1 recommends two years at most for nodes.
AUTHORITY_VALID = timedelta(days=3650)
NODE_VALID = timedelta(days=365)
# Clocks of test machines differ a little.
BEFOREHAND = timedelta(hours=1)


class NoAuthority(Exception):
    """The directory holds none, or one that cannot be used."""


class UnknownNode(Exception):
    """No certificate of that name was issued here."""


@dataclass(frozen=True, slots=True)
class Issued:
    """Where the files of one certificate are."""

    certificate: Path
    key: Path


def make_authority(directory: Path) -> Issued:
    """Make an authority and an empty revocation list; raises FileExistsError if there is one already."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = Issued(directory / "ca.pem", directory / "ca.key")
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(AUTHORITY_NAME)
    usage = _usage(key_cert_sign=True, crl_sign=True)
    certificate = (
        _builder(name, name, key.public_key(), AUTHORITY_VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(files, certificate, key)
    _write_revocations(directory, certificate, key, ())
    return files


def issue_server(directory: Path, name: str, hosts: Sequence[str]) -> Issued:
    """Issue a certificate for a node that others call by these names, and that calls others."""
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return _issue(directory, name, uses, x509.SubjectAlternativeName([_general_name(one) for one in hosts]))


def issue_client(directory: Path, name: str) -> Issued:
    """Issue a certificate for a node that only calls others."""
    return _issue(directory, name, [ExtendedKeyUsageOID.CLIENT_AUTH], None)


def revoke(directory: Path, names: Iterable[str]) -> Path:
    """Put these on the revocation list as well; where the list is."""
    certificate, key = _authority(directory)
    crl = x509.load_pem_x509_crl((directory / "crl.pem").read_bytes())
    revoked = {one.serial_number: one for one in crl}
    for name in names:
        path = directory / f"{name}.pem"
        if name == "ca" or not path.is_file():
            raise UnknownNode(f"{path} is no certificate that was issued here")
        serial = x509.load_pem_x509_certificate(path.read_bytes()).serial_number
        if serial not in revoked:
            builder = x509.RevokedCertificateBuilder().serial_number(serial)
            revoked[serial] = builder.revocation_date(datetime.now(UTC)).build()
    return _write_revocations(directory, certificate, key, revoked.values())


def _issue(
    directory: Path,
    name: str,
    uses: list[x509.ObjectIdentifier],
    hosts: x509.SubjectAlternativeName | None,
) -> Issued:
    authority, signing_key = _authority(directory)
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_name(name), authority.subject, key.public_key(), NODE_VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
    )
    if hosts:
        builder = builder.add_extension(hosts, critical=False)
    files = Issued(directory / f"{name}.pem", directory / f"{name}.key")
    _write(files, builder.sign(signing_key, hashes.SHA256()), key)
    return files


def _authority(directory: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), None)
    except FileNotFoundError:
        raise NoAuthority(f"there is no authority in {directory}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise NoAuthority(f"{directory / 'ca.key'} was not made here")
    return certificate, key


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFOREHAND)
        .not_valid_after(now + valid)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(files: Issued, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    if files.certificate.exists():
        raise FileExistsError(errno.EEXIST, "is there already", str(files.certificate))
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(files.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_revocations(
    directory: Path,
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    revoked: Iterable[x509.RevokedCertificate],
) -> Path:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(datetime.now(UTC) - BEFOREHAND)
        .next_update(certificate.not_valid_after_utc)
    )
    for one in revoked:
        builder = builder.add_revoked_certificate(one)
    # Moved over the old one: a server that looks at this moment sees one or the other.
    path, new = directory / "crl.pem", directory / "crl.pem.new"
    new.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    new.replace(path)
    return path
