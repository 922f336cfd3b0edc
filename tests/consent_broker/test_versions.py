"""Nobody decides by what holds no longer (RFC 9110: 13.1.1)."""

import asyncio
from datetime import UTC, datetime

import pytest

from consent_broker import store
from consent_broker.model import Party, PartyKind, RecordStatus
from consent_broker.store import Directive, Kind
from consent_broker.versions import Stale, only_at, version_of
from database import open_database

pytestmark = pytest.mark.anyio

PATIENT = "p1^^^&2.999.3&ISO"
NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
async def database(migrated_database_url):
    """A fresh database of each kind."""
    database = await open_database(migrated_database_url)
    yield database
    await database.close()


def excluding(extension: str) -> Directive:
    return Directive(Kind.EXCLUSION, Party(PartyKind.PERSON, f"2.999.4|{extension}"))


async def test_every_change_of_a_patient_is_one_version(database):
    """One that changes nothing is none."""
    assert await version_of(PATIENT, database) == 0
    await store.set_status(PATIENT, RecordStatus.OPEN, NOW, "portal", database)
    await store.add(PATIENT, excluding("A"), NOW, "portal", database)
    await store.end(PATIENT, excluding("A"), NOW, "portal", database)
    await store.end(PATIENT, excluding("A"), NOW, "portal", database)
    assert await version_of(PATIENT, database) == 3
    assert await version_of("p2^^^&2.999.3&ISO", database) == 0


async def test_a_change_decided_by_an_older_version_is_not_made(database):
    await store.set_status(PATIENT, RecordStatus.OPEN, NOW, "portal", database)
    with pytest.raises(Stale), only_at(0):
        await store.add(PATIENT, excluding("A"), NOW, "portal", database)
    held = await store.directives_of((PATIENT,), RecordStatus.NOT_OPENED, database, NOW)
    assert held[PATIENT].excluded == frozenset()
    with only_at(1):
        await store.add(PATIENT, excluding("A"), NOW, "portal", database)
        await store.add(PATIENT, excluding("B"), NOW, "portal", database)
    assert await version_of(PATIENT, database) == 3


async def test_of_changes_at_once_by_the_same_version_one_is_made(database):
    """Each of them waits for those before it, and finds that they were there."""

    async def change(number: int) -> bool:
        try:
            with only_at(0):
                await store.add(PATIENT, excluding(str(number)), NOW, "portal", database)
        except Stale:
            return False
        return True

    assert sorted(await asyncio.gather(*map(change, range(8)))) == [False] * 7 + [True]
    assert await version_of(PATIENT, database) == 1
