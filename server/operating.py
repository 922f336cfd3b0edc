"""Work of an operator on the database, beside the running servers; none of it without its audit record."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from atna_audit.spool import Spool
from audit_message.model import AuditMessage
from database import Database, open_database
from server.audit_trail import SpooledAuditTrail
from server.migrations import migrate
from server.settings import Configuration


@dataclass(frozen=True, slots=True)
class Done:
    """What an audit record of such work says of its end; `trouble` is why it failed."""

    at: datetime
    process_id: str
    audit_source_id: str
    trouble: str


@asynccontextmanager
async def opened(configuration: Configuration) -> AsyncIterator[Database]:
    """The database, for work that touches no patient's record."""
    await asyncio.to_thread(migrate, configuration.database.url)
    database = await open_database(configuration.database.url)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def recorded_work(
    configuration: Configuration, record: Callable[[Done], AuditMessage]
) -> AsyncIterator[Database]:
    """Lend the database, and record what became of the work."""
    # Opened first: what could not be recorded is not begun.
    spool = Spool.open(configuration.audit.spool)
    try:
        await asyncio.to_thread(migrate, configuration.database.url)
        database = await open_database(configuration.database.url)
        trouble = ""
        try:
            yield database
        except Exception as problem:
            trouble = type(problem).__name__
            raise
        finally:
            await database.close()
            done = Done(datetime.now(UTC), str(os.getpid()), configuration.audit.source_id, trouble)
            await SpooledAuditTrail(spool).record(record(done))
    finally:
        await spool.close()
