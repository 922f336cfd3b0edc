"""For whom the request under way speaks, so that what it asks of another actor speaks for the same user."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from xua.user import User


@dataclass(frozen=True, slots=True)
class Bearing:
    """A verified user, and the token by which the next actor can verify him too (ITI TF-2: 3.40)."""

    user: User
    token: bytes = field(repr=False)


# Each request runs in a context of its own, and what it calls, in-process registry included, in the same one.
bearing: ContextVar[Bearing | None] = ContextVar("bearing", default=None)


@contextmanager
def for_nobody() -> Iterator[None]:
    """What is asked of another actor inside is asked for no user."""
    before = bearing.set(None)
    try:
        yield
    finally:
        bearing.reset(before)
