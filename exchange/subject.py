"""Step 3: who is asking (ITI TF-2: 3.19, 3.40)."""

from dataclasses import dataclass

from xua.user import PersonId, Principal, Role, User

__all__ = ["PersonId", "Principal", "Role", "Subject", "User"]


@dataclass(frozen=True, slots=True)
class Subject:
    """The requester, as far as transport and message prove it: a machine, and the person if one is named."""

    address: str
    user: User | None = None
    is_ourselves: bool = False
    """Another actor of this process asks, for the user if there is one."""
