"""The record that a change owes: it lies in the database with the change until it is in the audit trail.

Between a commit and the record of it a process may be killed, or the audit trail be out of order. The pledge
of that record is committed by the same transaction, and whoever comes after finds it (ITI TF-2: 3.20).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from audit_message.model import AuditMessage


@dataclass(frozen=True, slots=True)
class Pledge:
    """What one change owes; its transaction has to run these calls of the database as well."""

    number: int
    calls: Sequence[Any]


class Pledges(Protocol):
    """Makes pledges, and keeps them in the end."""

    def made(self, *messages: AuditMessage) -> Pledge:
        """A pledge of these records, which stand until others tell better what became of the request."""

    def kept(self, pledge: Pledge) -> None:
        """Its record is in the audit trail."""

    def broken(self, pledge: Pledge) -> None:
        """Its record is not known to be in the audit trail; it is written as soon as that is in order."""


# Each request has its own, also one that a process makes to itself while it answers another.
_under_way: ContextVar[Pledge | None] = ContextVar("pledge", default=None)


@contextmanager
def owing(pledge: Pledge | None) -> Iterator[None]:
    """What is changed in this block owes this record."""
    token = _under_way.set(pledge)
    try:
        yield
    finally:
        _under_way.reset(token)


def due() -> Sequence[Any]:
    """What a transaction has to run besides, because of the request under way."""
    pledge = _under_way.get()
    return pledge.calls if pledge else ()
