"""Whether what an answer was decided by still stands, asked in the round trip that looks the answer up.

The consent broker knows the question, the registry when to ask it: behind the last thing that it reads.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class Standing:
    """A call of the database, and what its rows say; without rows it is called now."""

    call: Any
    by: Callable[[Sequence[Any] | None, datetime], Awaitable[bool]]
    rows: Sequence[Any] | None = None

    async def holds(self, at: datetime) -> bool:
        """Whether it would be decided the same at this time."""
        return await self.by(self.rows, at)


# Each request has its own, also one that a process makes to itself while it answers another.
_under_way: ContextVar[Standing | None] = ContextVar("standing", default=None)


@contextmanager
def standing_on(standing: Standing | None) -> Iterator[None]:
    """What is looked up in this block is looked up within this decision."""
    token = _under_way.set(standing)
    try:
        yield
    finally:
        _under_way.reset(token)


def decided_by() -> Standing | None:
    """What the request under way was decided by, if it is to be asked whether that stands."""
    return _under_way.get()
