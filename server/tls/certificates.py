"""The certificate of a peer, read once for all its connections (ITI TF-2: 3.19.4)."""

import ssl
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from exchange.subject import NodeCertificate

# The nodes of a community, and their next certificates; beyond that they are read again.
REMEMBERED_CERTIFICATES = 1024


@lru_cache(REMEMBERED_CERTIFICATES)
def node_certificate(pem: str) -> NodeCertificate:
    """What the journey of a request needs to know of it; ValueError if this is none."""
    certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
    return NodeCertificate(
        certificate.subject.rfc4514_string(),
        certificate.fingerprint(hashes.SHA256()).hex(),
        certificate.issuer.rfc4514_string(),
    )


def distinguished_name(text: str) -> str:
    """A name as `node_certificate` writes names; ValueError if this is none (RFC 4514)."""
    return x509.Name.from_rfc4514_string(text).rfc4514_string()


def pem_of_peer(tls: ssl.SSLObject | None) -> str | None:
    """What the peer has proved to hold; None on a plain line, or if it showed none."""
    der = tls.getpeercert(True) if tls else None
    return ssl.DER_cert_to_PEM_cert(der) if der else None
