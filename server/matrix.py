"""What an operator does with the access matrix; a version counts from its day on, at the next request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

from audit_message.model import AuditMessage
from consent_broker.matrix import Cell, Effect, Matrices, Version
from database import Database
from exchange.operator_audit import matrix_changed
from server.consent import rules_of
from server.operating import Done, opened, recorded_work
from server.settings import Configuration

# The matrix in audit records; no address, for nobody reaches it but by its commands.
MATRIX_URI = "urn:coffre:access-matrix"


async def add(
    configuration: Configuration, cells: frozenset[Cell], valid_from: date | None, operator: str, note: str
) -> Version:
    """Keep a matrix as a new version, in force from a day on, or from today."""
    rules = rules_of(configuration)
    now = datetime.now(UTC)
    day = valid_from or now.date()

    def record(done: Done) -> AuditMessage:
        change = f"a matrix of {len(cells)} rows from {day} on: {note or 'no note'}"
        return matrix_changed(
            done.at, MATRIX_URI, change, operator, done.process_id, done.audit_source_id, done.trouble
        )

    async with recorded_work(configuration, record) as database:
        return await Matrices(database, rules).add(cells, day, now, operator, note)


async def versions(configuration: Configuration) -> tuple[tuple[Version, ...], int]:
    """Every version, and the number of the one in force today."""
    async with _matrices(configuration) as matrices:
        return await matrices.versions(), await matrices.number_on(datetime.now(UTC).date())


async def cells(configuration: Configuration, number: int | None) -> frozenset[Cell]:
    """The rows of a version, or of the one in force today; NoSuchVersion."""
    async with _matrices(configuration) as matrices:
        if number is None:
            number = await matrices.number_on(datetime.now(UTC).date())
        elif number and number not in {one.number for one in await matrices.versions()}:
            raise NoSuchVersion(number)
        return await matrices.cells(number)


async def would_change(
    configuration: Configuration, tried: frozenset[Cell]
) -> tuple[int, tuple[Effect, ...]]:
    """How many decisions are remembered, and what this matrix would have changed for them."""
    async with _matrices(configuration) as matrices:
        remembered = sum(one.count for one in await matrices.decisions())
        return remembered, await matrices.would_change(tried)


class NoSuchVersion(Exception):
    """No matrix has this number."""


@asynccontextmanager
async def _matrices(configuration: Configuration) -> AsyncIterator[Matrices]:
    rules = rules_of(configuration)
    database: Database
    async with opened(configuration) as database:
        yield Matrices(database, rules)
