"""Step 3: who is asking (ITI TF-2: 3.19, 3.40)."""

from dataclasses import dataclass

from xua.user import PersonId, Principal, Role, User

__all__ = ["NodeCertificate", "PersonId", "Principal", "Role", "Subject", "User"]


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    """The certificate that a node has proved to hold: its subject as RFC 4514 writes it, and its SHA-256."""

    subject: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The requester, as far as transport and message prove it: a machine, and the person if one is named."""

    address: str
    user: User | None = None
    certificate: NodeCertificate | None = None
    is_ourselves: bool = False
    """Another actor of this process asks, for the user if there is one."""
