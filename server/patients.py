"""What an operator does to the registry's patients, beside the running server."""

import asyncio
import os

from atna_audit.spool import Spool
from database import open_database
from exchange.operator_audit import patients_unmerged
from registry.merge import NotMerged, Unmerged, undo
from registry.store import RegistryStore
from server.audit_trail import SpooledAuditTrail
from server.composition import new_uuid, now
from server.migrations import migrate
from server.settings import Configuration


async def unmerge(configuration: Configuration, subsumed: str, surviving: str, operator: str) -> Unmerged:
    """Take a merge back, and record who did; raises NotMerged, which is recorded too."""
    # Opened first: what could not be recorded is not begun.
    spool = Spool.open(configuration.audit.spool)
    try:
        await asyncio.to_thread(migrate, configuration.database.url)
        database = await open_database(configuration.database.url)
        trouble = ""
        try:
            return await undo(subsumed, surviving, RegistryStore(database), now, new_uuid)
        except NotMerged:
            trouble = "there is no such merge"
            raise
        except Exception as problem:
            trouble = type(problem).__name__
            raise
        finally:
            await database.close()
            source_id = configuration.audit.source_id
            records = patients_unmerged(
                now(), subsumed, surviving, operator, str(os.getpid()), source_id, trouble
            )
            await SpooledAuditTrail(spool).record(*records)
    finally:
        await spool.close()
