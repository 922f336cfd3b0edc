"""Step 3: who is asking (ITI TF-2: 3.19, 3.40)."""

from dataclasses import dataclass

from xua.user import PersonId, Principal, Role, User

__all__ = ["NodeCertificate", "PersonId", "Principal", "Role", "Software", "Subject", "User"]


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    """The certificate that a node has proved to hold: its names as RFC 4514 writes them, and its SHA-256."""

    subject: str
    sha256: str
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Software:
    """A product as it was attested."""

    name: str
    version: str
    vendor: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} of {self.vendor}"


@dataclass(frozen=True, slots=True)
class Subject:
    """The requester, as far as transport and message prove it: a machine, and the person if one is named."""

    address: str
    user: User | None = None
    certificate: NodeCertificate | None = None
    is_ourselves: bool = False
    """Another actor of this process asks, for the user if there is one."""
    software: Software | None = None
    """What the machine runs, where this domain asks for attested software."""
