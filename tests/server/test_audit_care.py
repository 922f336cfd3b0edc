"""Checkpoints are kept outside of the database, and old records go (ITI TF-2: 3.20.4.1.3)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from atna_audit.checkpoints import BadSigningKey, read_checkpoints
from atna_audit.iti20_record_audit_event import Arrival, record_of
from atna_audit.search import Search, find
from atna_audit.store import AuditStore
from database import open_database
from server.audit_care import AuditCare, keep_checkpoint, signing_key
from server.settings import AuditRepository
from tests.messages.audit import HEADER, RETRIEVED

pytestmark = pytest.mark.anyio

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> AuditRepository:
    return AuditRepository(
        signing_key=tmp_path / "audit-signing.key", checkpoints=tmp_path / "audit-checkpoints", keep_days=10
    )


@pytest.fixture
async def store(migrated_sqlite_url: str, settings: AuditRepository) -> AsyncIterator[AuditStore]:
    database = await open_database(migrated_sqlite_url)
    yield AuditStore(database, await signing_key(settings, database))
    await database.close()


async def fill(store: AuditStore, number: int) -> None:
    message = HEADER.replace(b" p ", b" %d " % number) + RETRIEVED
    await store.add([record_of(Arrival(message, "10.0.0.9", "tls", NOON + timedelta(days=number - 2)))])


async def test_a_checkpoint_is_kept_whenever_there_are_new_records(store, settings):
    await keep_checkpoint(store.database, settings.checkpoints)
    for number in (1, 2):
        await fill(store, number)
        await keep_checkpoint(store.database, settings.checkpoints)
        await keep_checkpoint(store.database, settings.checkpoints)
    assert [one.size for one in read_checkpoints(settings.checkpoints)] == [1, 2]


async def test_a_line_that_a_crash_cut_off_is_written_over(store, settings):
    for number in (1, 2):
        await fill(store, number)
        await keep_checkpoint(store.database, settings.checkpoints)
    whole = settings.checkpoints.read_bytes()
    settings.checkpoints.write_bytes(whole[:-20])
    await keep_checkpoint(store.database, settings.checkpoints)
    assert settings.checkpoints.read_bytes() == whole


async def test_a_running_server_drops_what_is_old_and_keeps_a_last_checkpoint(store, settings):
    for number in range(5):
        await fill(store, number)
    async with AuditCare(store, settings, clock=lambda: NOON + timedelta(days=12)).running():
        while len(await find(store.database, Search(), 10)) > 3:
            pass
        await fill(store, 5)
    *_, last = read_checkpoints(settings.checkpoints)
    assert (last.size, last.dropped) == (6, 2)


async def test_a_log_that_is_signed_is_not_signed_by_another_key(store, settings):
    await fill(store, 1)
    settings.signing_key.unlink()
    with pytest.raises(BadSigningKey, match=r"audit-signing\.key is gone"):
        await signing_key(settings, store.database)
