"""What an operator does to the directory of professionals; it counts at the next request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from audit_message.model import AuditMessage
from consent_broker.directory import Directory, Line, Listed, described
from consent_broker.store import Change
from exchange.operator_audit import directory_changed
from server.operating import Done, opened, recorded_work
from server.settings import Configuration

# The directory in audit records; no address, for nobody reaches it but by its commands.
DIRECTORY_URI = "urn:coffre:professionals"


async def put(configuration: Configuration, listed: Listed, operator: str) -> Change:
    """Let an entry stand in place of the one about the same."""
    changes: list[Change] = []
    async with _directory(configuration, described(listed), changes, operator) as directory:
        changes.append(await directory.put(listed, datetime.now(UTC), operator))
    return changes[0]


async def strike(configuration: Configuration, listed: Listed, operator: str) -> Change | None:
    """Take away what stands about the same, if anything does."""
    changes: list[Change] = []
    async with _directory(configuration, f"no longer: {described(listed)}", changes, operator) as directory:
        if change := await directory.strike(listed, datetime.now(UTC), operator):
            changes.append(change)
    return changes[0] if changes else None


async def lines(configuration: Configuration, kind: type[Listed]) -> tuple[Line, ...]:
    """Every entry of a kind that ever stood."""
    async with opened(configuration) as database:
        return await Directory(database).lines(kind)


@asynccontextmanager
async def _directory(
    configuration: Configuration, intended: str, changes: list[Change], operator: str
) -> AsyncIterator[Directory]:
    def record(done: Done) -> AuditMessage:
        change = "; ".join(map(str, changes)) or intended
        return directory_changed(
            done.at, DIRECTORY_URI, change, operator, done.process_id, done.audit_source_id, done.trouble
        )

    async with recorded_work(configuration, record) as database:
        yield Directory(database)
