"""Patients are told what their records tell of, as the rules say, on each database."""

import asyncio
import fcntl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import server.notices
from atna_audit.checkpoints import SigningKey
from atna_audit.iti20_record_audit_event import Arrival, record_of
from atna_audit.store import AuditStore
from consent_broker.notifications import NotificationKind, Notifications
from database import open_database
from server.notices import notices_written, write_notices
from server.rules import read_rule_pack
from tests.messages.audit import HEADER, RETRIEVED

pytestmark = pytest.mark.anyio

PATIENT = "p1^^^&2.999.5&ISO"
RULES = replace(
    read_rule_pack("luxembourg"),
    patients=frozenset({("PAT", "2.999.7")}),
    tells=frozenset({NotificationKind.FIRST_ACCESS, NotificationKind.OPENED}),
)
DR = b'<ActiveParticipant UserID="&lt;jdoe@https://idp.example&gt;" UserIsRequestor="true"/>'
HIMSELF = DR.replace(
    b"/>", b'><RoleIDCode csd-code="PAT" codeSystemName="2.999.7" originalText="patient"/>'
) + (b"</ActiveParticipant>")


@pytest.fixture
async def store(migrated_database_url, tmp_path: Path) -> AsyncIterator[AuditStore]:
    database = await open_database(migrated_database_url)
    yield AuditStore(database, SigningKey.of_file(tmp_path / "key"))
    await database.close()


async def came(store: AuditStore, message: bytes) -> None:
    at = datetime(2030, 1, 1, 12, tzinfo=UTC)
    await store.add([record_of(Arrival(HEADER + message, "10.0.0.9", "tls", at))])


async def told(store: AuditStore) -> list[tuple[str, str]]:
    while await write_notices(store.database, RULES):
        pass
    return [(one.kind, one.person) for one in await Notifications(store.database).of(PATIENT)]


async def test_a_patient_is_told_once_of_who_opened_what(store):
    """EHDS art. 9: the same on the same day by the same person is one thing to tell."""
    await came(store, RETRIEVED)
    once = [("opened", "<jdoe@https://idp.example>"), ("first-access", "<jdoe@https://idp.example>")]
    assert await told(store) == once
    await came(store, RETRIEVED.replace(b"12:00:00.000Z", b"12:30:00.000Z"))
    assert await told(store) == once
    await came(store, RETRIEVED.replace(b"2030-01-01T", b"2030-01-02T"))
    assert await told(store) == [*once, ("opened", "<jdoe@https://idp.example>")]


@pytest.mark.parametrize(
    "message",
    [
        RETRIEVED.replace(DR, HIMSELF),
        RETRIEVED.replace(DR, b""),
        RETRIEVED.replace(b'OutcomeIndicator="0"', b'OutcomeIndicator="4"'),
        b"nonsense",
    ],
    ids=["himself", "a machine", "refused", "unreadable"],
)
async def test_nobody_is_told_of_what_is_no_access_of_another_person(store, message):
    """EHDS art. 9."""
    await came(store, message)
    assert await told(store) == []


async def test_of_the_workers_of_a_server_one_at_a_time_looks(store, tmp_path, monkeypatch):
    """Each of them would read every record."""
    monkeypatch.setattr(server.notices, "POLL_SECONDS", 0.01)
    notifications = Notifications(store.database)
    await came(store, RETRIEVED)
    with (tmp_path / "notices.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        async with notices_written(store.database, RULES, tmp_path):
            await asyncio.sleep(0.1)
            assert not await notifications.of(PATIENT)
            fcntl.flock(other, fcntl.LOCK_UN)
            while not await notifications.of(PATIENT):
                await asyncio.sleep(0.01)
