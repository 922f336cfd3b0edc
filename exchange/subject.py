"""Step 3: who is asking (ITI TF-2: 3.19, 3.40)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """The requester, as far as the transport and the message prove it."""

    address: str
