"""SQLite: one writer thread that commits in groups, a few reader threads, all off the event loop."""

import asyncio
import json
import os
import sqlite3
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import TypeVar

from database.port import (
    BATCH_ROWS,
    KEPT_TEXTS,
    NO_PARAMETERS,
    Call,
    ConflictingWrite,
    Database,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    DatabaseUnavailable,
    Limits,
    Parameters,
    Reading,
    Row,
    Transaction,
)
from database.statements import SQLITE, Statement
from database.turns import Turns

Result = TypeVar("Result")

# Readers share one disk and one interpreter lock: more threads than this only queue elsewhere.
READERS = 4
# Transactions that share one fsync; a longer group would make its first member wait too long.
GROUP = 64
# Statements each connection keeps parsed.
CACHED_STATEMENTS = 512

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA temp_store = MEMORY",
)


class SqliteDatabase(Database):
    """A file, its one writer and its readers."""

    dialect = "sqlite"

    def __init__(self, writer: "_Worker", readers: "Sequence[_Worker]", limits: Limits) -> None:
        self.limits = limits
        self._workers = (writer, *readers)
        self._readers = Turns(readers, limits)
        self._writers = Turns([writer], limits, abandoned=self._pass_writer_on)
        self._writer = writer
        self._group: list[asyncio.Future[None]] = []
        self._ends: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, path: str, limits: Limits) -> "SqliteDatabase":
        """Open the file, or make it, readable by its owner alone."""
        # Never a file that is there: to close it would let go of the locks that SQLite holds on it here.
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            pass
        except OSError as error:
            raise DatabaseUnavailable("the database file cannot be opened") from error
        workers = [_Worker(path, limits) for _ in range(1 + READERS)]
        try:
            for worker in workers:
                await worker.run(worker.connect)
            for reader in workers[1:]:
                await reader.run(reader.execute, "PRAGMA query_only = ON")
        except BaseException:
            for worker in workers:
                await worker.close()
            raise
        return cls(workers[0], workers[1:], limits)

    async def close(self) -> None:
        """Let go of every connection, after what is under way."""
        await asyncio.gather(*self._ends, return_exceptions=True)
        for worker in self._workers:
            await worker.close()

    async def fetch(self, statement: Statement, parameters: Parameters = NO_PARAMETERS) -> list[Row]:
        """Run one reading statement by itself."""
        return (await self.fetch_each((statement, parameters)))[0]

    async def fetch_each(self, *calls: Call) -> list[list[Row]]:
        """Run reading statements, each on a snapshot of its own."""
        reader = await self._readers.take()
        try:
            return await reader.run(reader.perform, (), calls)
        finally:
            self._readers.give(reader)

    async def batches(
        self, statement: Statement, parameters: Parameters = NO_PARAMETERS, size: int = BATCH_ROWS
    ) -> AsyncGenerator[list[Row]]:
        """The rows of one reading statement, stepped through in a reader's thread."""
        reader = await self._readers.take()
        try:
            await reader.run(reader.open, statement, parameters)
            while rows := await reader.run(reader.fetch_some, size):
                yield rows
        finally:
            # Not waited for: the thread does it before whatever its next holder wants.
            self._detach(reader.next(reader.close_cursor))
            self._readers.give(reader)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Several statements on one snapshot; its end is not waited for, the thread does it in order."""
        reader = await self._readers.take()
        transaction = _Transaction(reader, ("BEGIN",))
        try:
            yield transaction
        finally:
            if transaction.begun:
                self._detach(reader.next(reader.undo_all))
            self._readers.give(reader)

    @asynccontextmanager
    async def transaction(self, along: Sequence[Call] = ()) -> AsyncIterator[Transaction]:
        """A member of the group that the next commit makes durable; returns when it is."""
        writer = await self._writers.take()
        begin = ("SAVEPOINT member",) if self._group else ("BEGIN IMMEDIATE", "SAVEPOINT member")
        transaction = _Transaction(writer, begin)
        durable: asyncio.Future[None] | None = None
        try:
            yield transaction
            if transaction.begun:
                await writer.run(writer.release, along)
                durable = asyncio.get_running_loop().create_future()
                self._group.append(durable)
        except BaseException:
            if transaction.begun:
                await asyncio.shield(self._detach(self._withdraw(writer)))
            raise
        finally:
            ended = self._detach(self._next_writer())
        await asyncio.shield(ended)
        if durable is not None:
            await durable

    async def _withdraw(self, writer: "_Worker") -> None:
        """Undo the member that failed; the others of its group stand, unless SQLite undid them all."""
        if not await writer.run(writer.undo_member):
            self._settle(ConflictingWrite("rolled back together with another transaction"))

    def _pass_writer_on(self, _: "_Worker") -> None:
        self._detach(self._next_writer())

    async def _next_writer(self) -> None:
        """Pass the writer on; if nobody waits for it, or the group is full, commit first."""
        if self._group and (len(self._group) >= GROUP or not self._writers.waited_for):
            try:
                await self._writer.run(self._writer.execute, "COMMIT")
            except DatabaseError as error:
                await self._writer.run(self._writer.undo_all)
                self._settle(error)
            else:
                self._settle(None)
        elif not self._group:
            await self._writer.run(self._writer.undo_all)
        self._writers.give(self._writer)

    def _settle(self, error: DatabaseError | None) -> None:
        group, self._group = self._group, []
        for durable in group:
            if not durable.done():
                durable.set_result(None) if error is None else durable.set_exception(error)

    def _detach(self, work: Awaitable[None]) -> "asyncio.Future[None]":
        """Run to the end even if who asked for it is cancelled."""
        task = asyncio.ensure_future(work)
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)
        return task


class _Transaction:
    """One member of the writer's group, or one reader's snapshot; each call is one hop to the thread."""

    def __init__(self, worker: "_Worker", begin: tuple[str, ...]) -> None:
        self._worker = worker
        self._begin = begin
        self.begun = False

    async def fetch(self, statement: Statement, parameters: Parameters = NO_PARAMETERS) -> list[Row]:
        return (await self.fetch_each((statement, parameters)))[0]

    async def execute(
        self, statement: Statement, parameters: Parameters | Sequence[Parameters] = NO_PARAMETERS
    ) -> None:
        await self.fetch_each((statement, parameters))

    async def fetch_each(self, *calls: Call) -> list[list[Row]]:
        begin = () if self.begun else self._begin
        self.begun = True
        return await self._worker.run(self._worker.perform, begin, calls)


class _Worker:
    """One thread with the one connection that only it touches."""

    def __init__(self, path: str, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._connection: sqlite3.Connection
        self._cursor: sqlite3.Cursor

    async def run(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Run in the thread; a statement over its time is interrupted."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._limits.statement_seconds, self._interrupt)
        try:
            return await loop.run_in_executor(self._thread, function, *arguments)
        finally:
            timer.cancel()

    def next(self, function: Callable[[], None]) -> "asyncio.Future[None]":
        """Give it to the thread at once, so that it is done before whatever the next holder asks for."""
        return asyncio.wrap_future(self._thread.submit(function))

    async def close(self) -> None:
        """Close the connection and end the thread, after what it was given."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    # Below here: in the thread.

    def connect(self) -> None:
        with _translated():
            self._connection = sqlite3.connect(
                self._path,
                timeout=self._limits.wait_seconds,
                isolation_level=None,
                cached_statements=CACHED_STATEMENTS,
            )
            for pragma in _PRAGMAS:
                self._connection.execute(pragma)

    def _disconnect(self) -> None:
        if hasattr(self, "_connection"):
            self._connection.close()

    def _interrupt(self) -> None:
        if hasattr(self, "_connection"):
            self._connection.interrupt()

    def execute(self, text: str) -> None:
        with _translated():
            self._connection.execute(text)

    def perform(self, begin: tuple[str, ...], calls: Sequence[Call]) -> list[list[Row]]:
        with _translated():
            for text in begin:
                self._connection.execute(text)
            return [self._perform(statement, parameters) for statement, parameters in calls]

    def _perform(self, statement: Statement, parameters: Parameters | Sequence[Parameters]) -> list[Row]:
        compiled = statement.compiled(SQLITE)
        if isinstance(parameters, Mapping):
            cursor = self._connection.execute(compiled.text, compiled.arguments(parameters, _written))
            return cursor.fetchall()
        self._connection.executemany(compiled.text, [compiled.arguments(row, _written) for row in parameters])
        return []

    def open(self, statement: Statement, parameters: Parameters) -> None:
        compiled = statement.compiled(SQLITE)
        with _translated():
            self._cursor = self._connection.execute(compiled.text, compiled.arguments(parameters, _written))

    def fetch_some(self, size: int) -> list[Row]:
        with _translated():
            return self._cursor.fetchmany(size)

    def close_cursor(self) -> None:
        if hasattr(self, "_cursor"):
            self._cursor.close()

    def release(self, along: Sequence[Call]) -> None:
        self.perform((), along)
        self.execute("RELEASE member")

    def undo_member(self) -> bool:
        """Whether the members before this one still stand."""
        if not self._connection.in_transaction:
            return False
        try:
            self._connection.execute("ROLLBACK TO member")
            self._connection.execute("RELEASE member")
        except sqlite3.Error:
            self.undo_all()
            return False
        return True

    def undo_all(self) -> None:
        with _translated():
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _written(value: object) -> object:
    """Lists travel as JSON, which SQLite opens again with json_each."""
    if isinstance(value, tuple):
        return _kept_text(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


@lru_cache(maxsize=KEPT_TEXTS)
def _kept_text(values: tuple[object, ...]) -> str:
    return json.dumps(values, ensure_ascii=False)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _told(error) from error


def _told(error: sqlite3.Error) -> DatabaseError:
    """Say it in the door's words; SQLite's text stays in the cause."""
    code = getattr(error, "sqlite_errorcode", 0)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        return ConflictingWrite(name)
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return DatabaseFull(name)
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT):
        return DatabaseBusy(name)
    if code & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOTADB):
        return DatabaseUnavailable(name)
    return DatabaseError(name)
