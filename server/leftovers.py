"""Settles, while the server runs, what processes that ended left pending (see `repository/leftovers.py`)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from database import DatabaseError
from exchange.ports import AuditUnavailable, Clock, RegistryPort, RegistryUnreachable, StorageError
from repository.leftovers import UNDER_WAY, settle_leftovers
from repository.store import RepositoryStore

log = logging.getLogger("coffre.server")

# One indexed read when there is nothing to do, and a leftover is some minutes old anyway.
INTERVAL_SECONDS = 60.0


@asynccontextmanager
async def leftovers_settled(
    store: RepositoryStore, registry: RegistryPort, clock: Clock
) -> AsyncIterator[None]:
    """Look at the start, and every minute as long as the block lasts."""
    looking = asyncio.create_task(_look(store, registry, clock))
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


async def _look(store: RepositoryStore, registry: RegistryPort, clock: Clock) -> None:
    while True:
        try:
            await settle_leftovers(store, registry, clock() - UNDER_WAY)
            await store.recover()
        except (AuditUnavailable, DatabaseError, RegistryUnreachable, StorageError) as problem:
            log.warning("documents stay pending for now: %s", type(problem).__name__)
        await asyncio.sleep(INTERVAL_SECONDS)
