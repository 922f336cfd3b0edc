"""What actors may ask of a database, and what they are told when it cannot."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from database.statements import Statement

Result = TypeVar("Result")

# The driver decides a value's type; SQL text and table declare it.
Row = tuple[Any, ...]
Parameters = Mapping[str, object]
NO_PARAMETERS: Parameters = MappingProxyType({})
Call = tuple[Statement, Parameters | Sequence[Parameters]]
"""A statement with its parameters, or with many rows of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a database one process may hold, and how long it waits for it."""

    # Two worker processes and their neighbours stay below PostgreSQL's own default of 100.
    connections: int = 16
    # Kept open when idle, so that the first requests after a pause do not pay for a handshake.
    idle_connections: int = 2
    # Waiters beyond this are told "busy" at once: more would only time out together.
    waiting: int = 256
    wait_seconds: float = 5.0
    # No answer is worth a longer statement; a migration has its own connection.
    statement_seconds: float = 10.0
    # A deadlock's or a race's loser runs again; three losses in a row mean overload.
    attempts: int = 4


# Some hundred bytes each: a batch that is thrown away at once costs no memory that would be noticed.
BATCH_ROWS = 1_000

# A list parameter that is a tuple comes again and again, and is written as text once: what patients keep
# back from somebody.
KEPT_TEXTS = 64


class DatabaseError(Exception):
    """The database did not do what it was asked; the driver's own error is the cause."""


class DatabaseBusy(DatabaseError):
    """No connection, lock or answer within the limits."""


class DatabaseFull(DatabaseError):
    """No room is left for what is to be written."""


class DatabaseUnavailable(DatabaseError):
    """The server cannot be reached, or went away."""


class ConnectionLost(DatabaseUnavailable):
    """The server went away before anything was committed: the work may safely run again."""


class OutcomeUnknown(DatabaseUnavailable):
    """The server went away while it committed: the work is done, or nothing of it is."""


class ConflictingWrite(DatabaseError):
    """Another transaction was there first: a broken uniqueness, a deadlock, a serialization failure."""


class Reading(Protocol):
    """A consistent view: everything read through it was true at one moment."""

    async def fetch(self, statement: Statement, parameters: Parameters = ...) -> list[Row]:
        """Run one statement and return its rows."""

    async def fetch_each(self, *calls: Call) -> list[list[Row]]:
        """Run several statements in one round trip; a call of many rows of parameters returns nothing."""


class Transaction(Reading, Protocol):
    """A reading that may also write; nothing of it is seen by others before it ends well."""

    async def execute(
        self, statement: Statement, parameters: Parameters | Sequence[Parameters] = ...
    ) -> None:
        """Run one statement, once for each row of parameters."""


class Database(ABC):
    """PostgreSQL or SQLite behind one door."""

    dialect: str
    limits: Limits

    @abstractmethod
    async def fetch(self, statement: Statement, parameters: Parameters = NO_PARAMETERS) -> list[Row]:
        """Run one reading statement by itself, in one round trip."""

    @abstractmethod
    async def fetch_each(self, *calls: Call) -> list[list[Row]]:
        """Run several reading statements, each by itself and one after the other, in one round trip."""

    @abstractmethod
    def batches(
        self, statement: Statement, parameters: Parameters = NO_PARAMETERS, size: int = BATCH_ROWS
    ) -> AsyncGenerator[list[Row]]:
        """The rows of one reading statement, as of one moment, so many at a time.

        A connection is held until the last batch was taken or the generator closed: use `aclosing`, and wait
        for no peer in between.
        """

    @abstractmethod
    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Several statements that must see the same moment."""

    @abstractmethod
    def transaction(self, along: Sequence[Call] = ()) -> AbstractAsyncContextManager[Transaction]:
        """Commit when the block ends, roll back when it raises; a lost race raises ConflictingWrite.

        Calls that go `along` are run right before the commit and travel with it, if anything was run at all.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of every connection."""

    async def transact(
        self, work: Callable[[Transaction], Awaitable[Result]], along: Sequence[Call] = ()
    ) -> Result:
        """Do the work in a transaction, again from its start if it lost a race or its connection."""
        for attempt in range(1, self.limits.attempts + 1):
            try:
                async with self.transaction(along) as transaction:
                    return await work(transaction)
            except (ConflictingWrite, ConnectionLost):
                if attempt == self.limits.attempts:
                    raise
        raise AssertionError("a limit of attempts is at least one")
