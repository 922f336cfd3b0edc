"""The history of a record, on each database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from consent_broker import store
from consent_broker.history import history
from consent_broker.model import Level, Party, PartyKind, RecordStatus
from consent_broker.store import Directive, Kind
from database import Database, open_database

pytestmark = pytest.mark.anyio

PATIENT = "p1^^^&2.999.3&ISO"
NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)
DOCUMENT = "urn:uuid:00000001-0000-4000-8000-000000000000"


@pytest.fixture
async def database(migrated_database_url) -> AsyncIterator[Database]:
    database = await open_database(migrated_database_url)
    yield database
    await database.close()


async def told(database) -> list[tuple[str, str]]:
    return [(change.by, str(change)) for change in await history(PATIENT, database)]


async def test_who_changed_what_when_and_from_which_state(database):
    """All that ever held, once; what gave way is told with what took its place."""
    await store.set_status(PATIENT, RecordStatus.OPEN, NOW, "anne", database)
    await store.set_status(PATIENT, RecordStatus.CLOSED, NOW + timedelta(seconds=1), "bob", database)
    restricted = Directive(Kind.LEVEL, document=DOCUMENT, level=Level.RESTRICTED)
    secret = Directive(Kind.LEVEL, document=DOCUMENT, level=Level.SECRET)
    await store.add(PATIENT, restricted, NOW + timedelta(seconds=2), "anne", database)
    await store.add(PATIENT, secret, NOW + timedelta(seconds=3), "anne", database)
    await store.end(PATIENT, secret, NOW + timedelta(seconds=4), "bob", database)
    assert await told(database) == [
        ("anne", "the record is open (before: nothing)"),
        ("bob", "the record is closed (before: the record is open)"),
        ("anne", f"level {DOCUMENT} restricted (before: nothing)"),
        ("anne", f"level {DOCUMENT} secret (before: level {DOCUMENT} restricted)"),
        ("bob", f"no longer: level {DOCUMENT} secret (before: level {DOCUMENT} secret)"),
    ]


async def test_what_is_done_and_undone_within_a_second_is_all_told(database):
    """Two acts are two lines, however close."""
    hidden = Directive(Kind.HIDDEN, document=DOCUMENT)
    await store.add(PATIENT, hidden, NOW, "anne", database)
    await store.end(PATIENT, hidden, NOW, "bob", database)
    await store.add(PATIENT, hidden, NOW, "anne", database)
    said = [what.partition(" (")[0] for _, what in await told(database)]
    assert said == [f"hidden {DOCUMENT}", f"no longer: hidden {DOCUMENT}", f"hidden {DOCUMENT}"]


async def test_what_held_at_a_moment_is_found_again(database):
    """Also what has been taken back since, and not what came later."""
    party = Party(PartyKind.PERSON, "2.999.4|A")
    excluded = Directive(Kind.EXCLUSION, party)
    await store.set_status(PATIENT, RecordStatus.OPEN, NOW, "anne", database)
    await store.add(PATIENT, excluded, NOW + timedelta(hours=1), "anne", database)
    await store.end(PATIENT, excluded, NOW + timedelta(hours=2), "anne", database)
    await store.set_status(PATIENT, RecordStatus.CLOSED, NOW + timedelta(hours=3), "anne", database)
    found = []
    for hours in (-1, 0, 1, 2, 3):
        then = NOW + timedelta(hours=hours)
        held = (await store.directives_of((PATIENT,), RecordStatus.NOT_OPENED, database, then, then))[PATIENT]
        found.append((held.status, bool(held.excluded)))
    assert found == [
        (RecordStatus.NOT_OPENED, False),
        (RecordStatus.OPEN, False),
        (RecordStatus.OPEN, True),
        (RecordStatus.OPEN, False),
        (RecordStatus.CLOSED, False),
    ]
