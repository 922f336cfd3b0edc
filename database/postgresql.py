"""PostgreSQL through psycopg 3: prepared statements, binary results, a first-come-first-served pool."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from struct import pack
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor, AsyncRawCursor, AsyncRawServerCursor
from psycopg.adapt import Dumper, Loader
from psycopg.errors import Diagnostic
from psycopg.pq import Format
from psycopg.types.numeric import Int8Dumper
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from database.port import (
    BATCH_ROWS,
    KEPT_TEXTS,
    NO_PARAMETERS,
    Call,
    ConflictingWrite,
    ConnectionLost,
    Database,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    DatabaseUnavailable,
    Limits,
    OutcomeUnknown,
    Parameters,
    Reading,
    Row,
    Transaction,
)
from database.statements import POSTGRESQL, RowsInto, Statement

Connection = AsyncConnection[Row]

# Prepared statements a connection keeps: every shape of query in use, and no more than a few MB of plans.
PREPARED_STATEMENTS = 512

# The type in PostgreSQL's own catalogue (pg_type.dat).
_BYTEA = 17

# SQLSTATE classes and codes (PostgreSQL manual, appendix A).
_CONFLICTS = {"23505", "40001", "40P01"}
_BUSY = {"55P03", "57014", "53300", "53400"}
_FULL = {"53100", "53200"}
_GONE_CLASSES = {"08"}
_GONE = {"57P01", "57P02", "57P03"}


class PostgresqlDatabase(Database):
    """A pool of connections in autocommit; a transaction's BEGIN travels with its first statement."""

    dialect = "postgresql"

    def __init__(self, pool: "AsyncConnectionPool[Connection]", limits: Limits) -> None:
        self._pool = pool
        self.limits = limits

    @classmethod
    async def open(cls, url: str, limits: Limits) -> "PostgresqlDatabase":
        """Connect, or raise DatabaseUnavailable when the server does not answer in time."""

        async def configure(connection: Connection) -> None:
            # Statements come with $1, $2 as the server wants them: nothing is looked for in their texts.
            connection.cursor_factory = AsyncRawCursor
            connection.server_cursor_factory = AsyncRawServerCursor
            connection.prepare_threshold = 0
            connection.prepared_max = PREPARED_STATEMENTS
            connection.adapters.register_loader("uuid", _UuidText)
            # One integer type whatever the value: else each size of number prepares a statement of its own.
            connection.adapters.register_dumper(int, Int8Dumper)
            connection.adapters.register_dumper(_ByteaArray, _ByteaArrayDumper)
            milliseconds = int(limits.statement_seconds * 1000)
            await connection.execute(
                "SELECT set_config('statement_timeout', $1, false), set_config('timezone', 'UTC', false)",
                (str(milliseconds),),
            )
            # A plan for any values: making one for each value anew takes longer than most of them run.
            await connection.execute("SELECT set_config('plan_cache_mode', 'force_generic_plan', false)")
            # What is answered must be on the disk, whatever the server's default; an operator who asked for
            # more, such as remote_apply, keeps it.
            await connection.execute(
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') = 'off'"
            )

        pool = AsyncConnectionPool(
            url,
            connection_class=AsyncConnection[Row],
            kwargs={"autocommit": True, "connect_timeout": max(2, int(limits.wait_seconds))},
            min_size=min(limits.idle_connections, limits.connections),
            max_size=limits.connections,
            max_waiting=limits.waiting,
            timeout=limits.wait_seconds,
            configure=configure,
            open=False,
        )
        try:
            await pool.open(wait=True, timeout=limits.wait_seconds)
        except PoolTimeout as error:
            await pool.close()
            raise DatabaseUnavailable("no connection to the server") from error
        return cls(pool, limits)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._pool.close()

    async def fetch(self, statement: Statement, parameters: Parameters = NO_PARAMETERS) -> list[Row]:
        """Run one reading statement by itself, in one round trip."""
        return (await self.fetch_each((statement, parameters)))[0]

    async def fetch_each(self, *calls: Call) -> list[list[Row]]:
        """Run reading statements in autocommit, in one round trip."""
        try:
            return await self._fetch_once(calls)
        except ConnectionLost:
            # The server was restarted: every idle connection is as dead as this one was.
            await self._pool.check()
            return await self._fetch_once(calls)

    async def _fetch_once(self, calls: Sequence[Call]) -> list[list[Row]]:
        async with self._connection() as connection:
            with _translated():
                async with connection.pipeline() if len(calls) > 1 else nullcontext():
                    cursors = [await _send_all(connection, *call) for call in calls]
                return [await _rows(cursor) for cursor in cursors]

    async def batches(
        self, statement: Statement, parameters: Parameters = NO_PARAMETERS, size: int = BATCH_ROWS
    ) -> AsyncGenerator[list[Row]]:
        """The rows of one reading statement through a cursor of the server's."""
        compiled = statement.compiled(POSTGRESQL)
        async with self._connection() as connection:
            with _translated():
                async with connection.transaction(), connection.cursor("batches") as cursor:
                    arguments = compiled.arguments(parameters, _written)
                    await cursor.execute(compiled.encoded, arguments, binary=True)
                    while rows := await cursor.fetchmany(size):
                        yield rows

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Several statements on one snapshot."""
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        async with self._transaction(begin, commit_lost=ConnectionLost) as transaction:
            yield transaction

    @asynccontextmanager
    async def transaction(self, along: Sequence[Call] = ()) -> AsyncIterator[Transaction]:
        """A read committed transaction: what must not change is locked or claimed by a unique key."""
        async with self._transaction("BEGIN", along, commit_lost=OutcomeUnknown) as transaction:
            yield transaction

    @asynccontextmanager
    async def _transaction(
        self, begin: str, along: Sequence[Call] = (), *, commit_lost: type[DatabaseUnavailable]
    ) -> AsyncIterator["_Transaction"]:
        try:
            async with self._connection() as connection:
                transaction = _Transaction(connection, begin)
                try:
                    yield transaction
                except BaseException:
                    await transaction.roll_back()
                    raise
                try:
                    await transaction.commit(along)
                except ConnectionLost as error:
                    raise commit_lost("the connection was lost while committing") from error
        except (ConnectionLost, OutcomeUnknown):
            await self._pool.check()
            raise

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            connection = await self._pool.getconn()
        except TooManyRequests as error:
            raise DatabaseBusy(f"{self.limits.waiting} requests wait for a connection already") from error
        except PoolTimeout as error:
            if self._pool.get_stats().get("pool_size", 0) == 0:
                raise DatabaseUnavailable("no connection to the server") from error
            raise DatabaseBusy(f"no connection within {self.limits.wait_seconds} s") from error
        try:
            yield connection
        finally:
            await self._pool.putconn(connection)


class _Transaction:
    """One transaction; a pipeline carries several statements in one round trip."""

    def __init__(self, connection: Connection, begin: str) -> None:
        self._connection = connection
        self._begin: str | None = begin

    async def fetch(self, statement: Statement, parameters: Parameters = NO_PARAMETERS) -> list[Row]:
        return (await self.fetch_each((statement, parameters)))[0]

    async def execute(
        self, statement: Statement, parameters: Parameters | Sequence[Parameters] = NO_PARAMETERS
    ) -> None:
        await self.fetch_each((statement, parameters))

    async def fetch_each(self, *calls: Call) -> list[list[Row]]:
        with _translated():
            if self._begin is None and len(calls) == 1 and isinstance(calls[0][1], Mapping):
                cursor = await _send(self._connection, calls[0][0], calls[0][1])
                return [await _rows(cursor)]
            async with self._connection.pipeline():
                if self._begin is not None:
                    begin, self._begin = self._begin, None
                    await self._connection.execute(begin.encode(), prepare=False)
                cursors = [await _send_all(self._connection, *call) for call in calls]
            return [await _rows(cursor) for cursor in cursors]

    async def commit(self, along: Sequence[Call]) -> None:
        """End well; when the connection is lost meanwhile, nobody knows whether it did."""
        if self._begin is None:
            with _translated():
                # Outside of a pipeline COMMIT is one message less.
                async with self._connection.pipeline() if along else nullcontext():
                    for statement, parameters in along:
                        await _send_all(self._connection, statement, parameters)
                    await self._connection.execute(b"COMMIT", prepare=False)

    async def roll_back(self) -> None:
        """End as if nothing had been; a connection that cannot is closed, which does the same."""
        if self._begin is None and not self._connection.closed:
            try:
                await self._connection.execute(b"ROLLBACK", prepare=False)
            except psycopg.Error:
                await self._connection.close()


async def _send_all(
    connection: Connection, statement: Statement, parameters: Parameters | Sequence[Parameters]
) -> AsyncCursor[Row] | None:
    if isinstance(parameters, Mapping):
        return await _send(connection, statement, parameters)
    if isinstance(statement, RowsInto) and parameters:
        at_once = statement.at_once
        columns = [_written([row[name] for row in parameters]) for name in at_once.order]
        await connection.cursor(binary=True).execute(at_once.encoded, columns, prepare=True)
        return None
    for row in parameters:
        await _send(connection, statement, row)
    return None


async def _send(connection: Connection, statement: Statement, parameters: Parameters) -> AsyncCursor[Row]:
    cursor = connection.cursor(binary=True)
    compiled = statement.compiled(POSTGRESQL)
    await cursor.execute(compiled.encoded, compiled.arguments(parameters, _written), prepare=True)
    return cursor


async def _rows(cursor: AsyncCursor[Row] | None) -> list[Row]:
    return [] if cursor is None or cursor.description is None else await cursor.fetchall()


def _written(value: object) -> object:
    """A plain list as the text of an array; the driver would look at each of its elements."""
    if isinstance(value, tuple):
        return _kept_text(value)
    return _array(value) if isinstance(value, list) else value


@lru_cache(maxsize=KEPT_TEXTS)
def _kept_text(values: tuple[object, ...]) -> object:
    return _array([*values])


def _array(value: list[Any]) -> object:
    kinds = {*map(type, value)}
    if kinds <= {int}:
        return f"{{{','.join(map(str, value))}}}"
    if kinds == {bytes}:
        return _ByteaArray(value)
    if kinds == {str}:
        quoted = '","'.join(each.replace("\\", "\\\\").replace('"', '\\"') for each in value)
        return f'{{"{quoted}"}}'
    return value


@dataclass(frozen=True, slots=True)
class _ByteaArray:
    """Long values, as they are: the text of an array has each byte of them as two digits."""

    values: Sequence[bytes]


class _ByteaArrayDumper(Dumper):
    """As array_recv reads it: dimensions, flags, type, how many from which index on; each with its size."""

    format = Format.BINARY
    oid = 1001

    def dump(self, array: _ByteaArray) -> bytes:
        sized = (pack(">i", len(each)) + each for each in array.values)
        return pack(">iiIii", 1, 0, _BYTEA, len(array.values), 1) + b"".join(sized)


class _UuidText(Loader):
    """A UUID as its 36 characters, as SQLite stores it."""

    format = Format.BINARY

    def load(self, data: Any) -> str:
        digits = bytes(data).hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise _told(error, error.diag) from error


def _told(error: psycopg.Error, diagnostic: Diagnostic) -> DatabaseError:
    """Say it in the door's words; the server's text may hold values, so it stays in the cause."""
    state = error.sqlstate or ""
    if state in _CONFLICTS:
        return ConflictingWrite(f"{state} {diagnostic.constraint_name or ''}".strip())
    if state in _BUSY:
        return DatabaseBusy(state)
    if state in _FULL:
        return DatabaseFull(state)
    if (
        state in _GONE
        or state[:2] in _GONE_CLASSES
        or (not state and isinstance(error, psycopg.OperationalError))
    ):
        return ConnectionLost(state or "the connection was lost")
    return DatabaseError(state or type(error).__name__)
