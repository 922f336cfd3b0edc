"""What the Audit Record Repository does unasked: checkpoints outside of the database, and retention."""

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from atna_audit.checkpoints import BadSigningKey, Checkpoint, SigningKey
from atna_audit.reconciliation import Reconciled, reconcile
from atna_audit.store import AuditStore
from atna_audit.verification import newest_checkpoint
from database import Database, DatabaseError
from server.settings import AuditRepository

log = logging.getLogger("coffre.audit")

# How much of the log whoever can write into the database could cut off its end unseen.
CHECKPOINT_SECONDS = 300.0

# A month's partition is there some days before its first record.
ROOM_AHEAD = timedelta(days=7)

# The end of a server waits so long for a database that may be gone.
LAST_CHECKPOINT_SECONDS = 3.0

# Some checkpoints, of which the last is looked at.
TAIL_BYTES = 4096

# What is reconciled each day: the day before, and another in case a node could not deliver.
RECONCILED_DAYS = 2


async def signing_key(settings: AuditRepository, database: Database) -> SigningKey:
    """The key of this log; made with the first record, and never anew for records that another one signed."""
    if not settings.signing_key.exists() and (await newest_checkpoint(database)).signature:
        raise BadSigningKey(
            f"{settings.signing_key} is gone: the audit records are signed with it, bring it back"
        )
    return await asyncio.to_thread(SigningKey.of_file, settings.signing_key)


@dataclass(slots=True)
class AuditCare:
    """Checkpoints by the minute; by the day, retention, and a count of what is here."""

    store: AuditStore
    settings: AuditRepository
    clock: Callable[[], datetime]
    reconciled: Reconciled | None = None
    reconciled_at: datetime | None = None
    _next_day: datetime | None = None

    @property
    def state(self) -> str:
        """In a few words, for those who watch the server."""
        if self.reconciled is None:
            return "not reconciled yet"
        gaps = self.reconciled.gaps
        if not gaps:
            return f"complete, {self.reconciled.answered} answers have their records"
        nodes = ", ".join(sorted({gap.node for gap in gaps}))
        return f"INCOMPLETE, {len(gaps)} gaps at {nodes}: see coffre audit reconcile"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Care until the block ends."""
        caring = asyncio.create_task(self._care())
        try:
            yield
        finally:
            caring.cancel()
            await asyncio.gather(caring, return_exceptions=True)
            with suppress(DatabaseError, OSError):
                async with asyncio.timeout(LAST_CHECKPOINT_SECONDS):
                    await keep_checkpoint(self.store.database, self.settings.checkpoints)

    async def _care(self) -> None:
        while True:
            try:
                await keep_checkpoint(self.store.database, self.settings.checkpoints)
                await self.store.make_room(self.clock() + ROOM_AHEAD)
                if self._next_day is None or self.clock() >= self._next_day:
                    await self.daily()
                    self._next_day = self.clock() + timedelta(days=1)
            except (DatabaseError, OSError) as problem:
                log.error("the audit log waits for care: %s", type(problem).__name__)
            await asyncio.sleep(CHECKPOINT_SECONDS)

    async def daily(self) -> None:
        """Drop what is old, and reconcile."""
        now = self.clock()
        if self.settings.keep_days:
            dropped = await self.store.drop(now - timedelta(days=self.settings.keep_days))
            log.info("%d audit records were dropped at the end of %d days", dropped, self.settings.keep_days)
        self.reconciled = await reconcile(self.store.database, now - timedelta(days=RECONCILED_DAYS))
        self.reconciled_at = now
        if self.reconciled.gaps:
            log.critical("the audit log is not complete: %d gaps", len(self.reconciled.gaps))


async def keep_checkpoint(database: Database, file: Path) -> None:
    """Add the newest checkpoint to the file, durably, unless it is there already."""
    newest = await newest_checkpoint(database)
    if newest.signature:
        await asyncio.to_thread(_append, file, newest)


def _append(file: Path, checkpoint: Checkpoint) -> None:
    line = checkpoint.written().encode() + b"\n"
    with open(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        end = opened.seek(0, os.SEEK_END)
        begin = opened.seek(max(0, end - TAIL_BYTES))
        # What a crash left half written goes.
        tail = opened.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        if whole.endswith(line):
            return
        opened.seek(begin + len(whole))
        opened.truncate()
        opened.write(line)
        opened.flush()
        os.fsync(opened.fileno())
