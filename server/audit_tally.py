"""This process's counts of what it answered and recorded, told in its spool for whoever reconciles them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from atna_audit.reconciliation import Counts
from atna_audit.spool import Spool
from exchange.audit_trail import requests_counted
from exchange.diary import Node
from exchange.ports import AuditUnavailable
from exchange.tally import Tally
from server.audit_trail import SpooledAuditTrail

# A gap is told to this minute; whoever is killed leaves less than that uncounted.
TALLY_SECONDS = 60.0


@asynccontextmanager
async def counting(
    spool: Spool, tally: Tally, node: Node, address: str, clock: Callable[[], datetime]
) -> AsyncIterator[None]:
    """Tell the counts every minute in which there was something, and at the end."""

    async def tell() -> None:
        # Read in this order and without a pause: a record precedes its answer.
        answered, recorded, written = tally.answered, tally.recorded - tally.lost, spool.written
        counts = Counts(
            node.audit_source_id, written.series, written.last_ns, written.records, answered, recorded
        )
        message = requests_counted(clock(), counts.written(), address, node.process_id, node.audit_source_id)
        with suppress(AuditUnavailable):
            await SpooledAuditTrail(spool).record(message)

    async def tell_by_the_minute() -> None:
        told = 0
        while True:
            await asyncio.sleep(TALLY_SECONDS)
            if tally.answered != told:
                told = tally.answered
                await tell()

    telling = asyncio.create_task(tell_by_the_minute())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await tell()
