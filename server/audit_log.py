"""The audit log as operators see it: what they look for is recorded before they see it."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path

from atna_audit.checkpoints import Checkpoint, SigningKey, read_checkpoints
from atna_audit.following import confirmed_positions, undelivered
from atna_audit.reconciliation import Reconciled, reconcile
from atna_audit.search import Search, SenderDiagnosis, diagnoses, find
from atna_audit.spool import Spool
from atna_audit.verification import Damage, damage_in, newest_checkpoint
from audit_message.syslog import read_syslog
from database import Database, open_database
from exchange.operator_audit import audit_log_read
from server.audit_forwarding import OUR_CURSOR, message_of
from server.audit_trail import SpooledAuditTrail
from server.migrations import migrate
from server.settings import AuditRepository, Configuration


class NoAuditLog(Exception):
    """Neither database nor spool is where the configuration says."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was verified, and what is not as it was."""

    newest: Checkpoint
    checkpoints: int
    damage: tuple[Damage, ...]


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The stored records, and those that are still on their way here."""

    database: Database
    spool: Path

    async def latest(self, number: int) -> list[bytes]:
        """The latest records, the newest last."""
        # In this order, so that what is stored in between is seen twice and not missed.
        waiting = await asyncio.to_thread(self._waiting)
        stored = [one.message for one in await find(self.database, Search(), number)]
        messages = [*(one for one in reversed(stored) if one not in waiting), *waiting]
        return [read_syslog(message).content for message in messages[-number:]]

    async def search(self, search: Search, number: int) -> list[bytes]:
        """Those of which all this holds, the newest last."""
        found = await find(self.database, search, number)
        return [read_syslog(one.message).content for one in reversed(found)]

    async def damage(self, settings: AuditRepository, against: Sequence[Path], number: int) -> Verdict:
        """Verify all records, against the checkpoints of these files too; so many findings are told."""
        files = [*against, *(one for one in (settings.checkpoints,) if one.exists())]
        known = [one for file in files for one in read_checkpoints(file)]
        key = SigningKey.of_file(settings.signing_key)
        newest = await newest_checkpoint(self.database)
        found: list[Damage] = []
        async with aclosing(damage_in(self.database, key, known)) as damages:
            async for damage in damages:
                found.append(damage)
                if len(found) == number:
                    break
        return Verdict(newest, len(known), tuple(found))

    async def reconciled(self, since: datetime) -> Reconciled:
        """Hold what is here against what was answered since then."""
        return await reconcile(self.database, since)

    async def newest_checkpoint(self) -> Checkpoint:
        """The checkpoint that was signed with the last record."""
        return await newest_checkpoint(self.database)

    async def diagnoses(self) -> list[SenderDiagnosis]:
        """What is not right about the messages of each sender."""
        return await diagnoses(self.database)

    def _waiting(self) -> Collection[bytes]:
        confirmed = confirmed_positions(self.spool, OUR_CURSOR)
        records = sorted(undelivered(self.spool, confirmed), key=lambda record: record.written_ns)
        return dict.fromkeys(map(message_of, records))


@asynccontextmanager
async def audit_log(
    configuration: Configuration, query: str, patient_id: str = ""
) -> AsyncIterator[AuditLog]:
    """Lend the log to whoever runs this process, and record it at the end; raises NoAuditLog.

    What was read may be shown when the block has ended well (DICOM PS3.15 A.5.3.2).
    """
    _expect_log(configuration)
    url = configuration.database.url
    # Opened first: what could not be recorded is not begun.
    spool = Spool.open(configuration.audit.spool)
    try:
        await asyncio.to_thread(migrate, url)
        database = await open_database(url)
        try:
            yield AuditLog(database, configuration.audit.spool)
        finally:
            await database.close()
        reading = audit_log_read(
            datetime.now(UTC),
            f"{configuration.address}/audit",
            query,
            patient_id,
            getuser(),
            str(os.getpid()),
            configuration.audit.source_id,
        )
        await SpooledAuditTrail(spool).record(reading)
    finally:
        await spool.close()


def _expect_log(configuration: Configuration) -> None:
    # An operator who forgot --config should not be shown an empty log, made at that moment.
    file = configuration.database.url.removeprefix("sqlite:///")
    there = file == configuration.database.url or Path(file).exists()
    if not there and not configuration.audit.spool.is_dir():
        raise NoAuditLog
