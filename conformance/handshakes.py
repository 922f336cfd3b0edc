"""TLS handshakes with a target, right and wrong ones [ITI-19]: whether it speaks with such a node at all."""

import socket
import ssl
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from conformance.plan import BadPlan
from conformance.target import Target

# A handshake takes milliseconds; a busy target takes longer.
TIMEOUT_SECONDS = 30.0
_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def handshake(target: Target, url: str, said: Mapping[str, Any]) -> str:
    """ "accepted" where the target answers a request over such a connection, else "refused: " and why."""
    address = urlsplit(url)
    with _context(target, said) as context:
        try:
            with (
                socket.create_connection(
                    (address.hostname or "", address.port or 443), TIMEOUT_SECONDS
                ) as plain,
                context.wrap_socket(plain, server_hostname=address.hostname) as connection,
            ):
                # With TLS 1.3 a refusal of our certificate comes only when something is read.
                connection.sendall(f"GET / HTTP/1.1\r\nhost: {address.hostname}\r\n\r\n".encode())
                answer = connection.recv(16)
        except (OSError, ssl.SSLError) as problem:
            return f"refused: {getattr(problem, 'reason', None) or problem}"
    return "accepted" if answer.startswith(b"HTTP/") else "refused: closed without an answer"


@contextmanager
def _context(target: Target, said: Mapping[str, Any]) -> Iterator[ssl.SSLContext]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if said.get("verify", True):
        context.load_verify_locations(target.ca)
    else:
        # That it is refused must be the target's doing, not ours.
        context.verify_mode = ssl.CERT_NONE
    version = _VERSIONS.get(str(said.get("version", "")))
    with warnings.catch_warnings():
        # That these versions are old is why they are tried.
        warnings.simplefilter("ignore", DeprecationWarning)
        if version:
            if version < ssl.TLSVersion.TLSv1_2:
                context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
    if "ciphers" in said:
        context.set_ciphers(str(said["ciphers"]))
    match said.get("certificate", "ours"):
        case "ours":
            if target.certificate:
                context.load_cert_chain(target.certificate, target.key)
            yield context
        case "none":
            yield context
        case "foreign":
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "foreign.pem"
                path.write_bytes(_foreign())
                context.load_cert_chain(path)
                yield context
        case "refused" if target.refused:
            context.load_cert_chain(target.refused)
            yield context
        case other:
            raise BadPlan(f"there is no certificate {other!r} to show")


def _foreign() -> bytes:
    """A certificate of an authority that nobody knows: its own, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a node that nobody knows")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM) + secret
