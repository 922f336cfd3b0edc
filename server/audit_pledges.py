"""Keeps, while the server runs, what its changes have pledged to the audit trail (ITI TF-2: 3.20)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from atna_audit.pledges import PledgedRecords
from atna_audit.segments import SpoolDamaged
from database import DatabaseError
from exchange.ports import AuditUnavailable

log = logging.getLogger("coffre.audit")

# What a process that is killed leaves to be looked up; each look is one statement for all of it.
CLEAR_SECONDS = 1.0


@asynccontextmanager
async def pledging(pledges: PledgedRecords) -> AsyncIterator[None]:
    """Keep the pledges of processes that ended, then until the block ends those of this one."""

    async def as_far_as_possible(work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (AuditUnavailable, DatabaseError, OSError, SpoolDamaged) as problem:
            log.warning("pledged audit records wait: %s", type(problem).__name__)

    async def clear_by_the_second() -> None:
        while True:
            await asyncio.sleep(CLEAR_SECONDS)
            await as_far_as_possible(pledges.clear)

    await as_far_as_possible(pledges.keep_those_of_ended)
    clearing = asyncio.create_task(clear_by_the_second())
    try:
        yield
    finally:
        clearing.cancel()
        await asyncio.gather(clearing, return_exceptions=True)
        await as_far_as_possible(pledges.clear)
