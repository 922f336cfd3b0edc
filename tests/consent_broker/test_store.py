"""Directives in their tables, on each database: what holds, and everything that ever did."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from consent_broker import store
from consent_broker.inheritance import inherit
from consent_broker.model import (
    Directives,
    Grant,
    Helper,
    Level,
    Origin,
    Party,
    PartyKind,
    Period,
    RecordStatus,
    Right,
)
from consent_broker.store import Directive, Kind, TooManyDirectives
from database import Database, open_database

pytestmark = pytest.mark.anyio

PATIENT, OTHER = "p1^^^&2.999.3&ISO", "p2^^^&2.999.3&ISO"
NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)
DR_A = Party(PartyKind.PERSON, "2.999.4|A")
CLINIC = Party(PartyKind.ORGANIZATION, "urn:oid:2.999.5")
DOCUMENT = "urn:uuid:00000001-0000-4000-8000-000000000000"


@pytest.fixture
async def database(migrated_database_url) -> AsyncIterator[Database]:
    database = await open_database(migrated_database_url)
    yield database
    await database.close()


async def held(database, patient=PATIENT) -> Directives:
    return (await store.directives_of((patient,), RecordStatus.NOT_OPENED, database, NOW))[patient]


async def test_a_patient_of_whom_nothing_is_known_has_what_the_domain_says(database):
    """Opt-in and opt-out are a domain's choice."""
    for unopened in (RecordStatus.NOT_OPENED, RecordStatus.OPEN):
        assert await store.directives_of((PATIENT,), unopened, database, NOW) == {
            PATIENT: Directives(unopened)
        }


async def test_the_last_status_counts(database):
    """A record may be closed and opened again."""
    for status in (RecordStatus.OPEN, RecordStatus.CLOSED, RecordStatus.OPEN):
        await store.set_status(PATIENT, status, NOW, "anne", database)
        assert (await held(database)).status is status
    assert (await held(database, OTHER)).status is RecordStatus.NOT_OPENED


async def test_every_kind_of_directive_is_read_as_it_was_given(database):
    """Each with its party, document, rights, level, origin and dates."""
    period = Period(NOW, NOW + timedelta(days=30))
    for directive in (
        Directive(
            Kind.GRANT,
            DR_A,
            rights=frozenset({Right.READ, Right.DEPOSIT}),
            level=Level.RESTRICTED,
            origin=Origin.PRESENCE,
            period=period,
        ),
        Directive(Kind.EXCLUSION, CLINIC),
        Directive(Kind.HELPER, DR_A, manages=True, period=period),
        Directive(Kind.HIDDEN, document=DOCUMENT),
        Directive(Kind.RESERVED, DR_A, document=DOCUMENT),
        Directive(Kind.RESERVED, CLINIC, document=DOCUMENT),
        Directive(Kind.EMERGENCY),
    ):
        await store.add(PATIENT, directive, NOW, "anne", database)
    assert await held(database) == Directives(
        RecordStatus.NOT_OPENED,
        grants=(Grant(DR_A, frozenset(Right), Level.RESTRICTED, Origin.PRESENCE, period),),
        excluded=frozenset({CLINIC}),
        helpers=(Helper("2.999.4|A", manages=True, period=period),),
        hidden=frozenset({DOCUMENT}),
        reserved=((DOCUMENT, frozenset({DR_A, CLINIC})),),
        emergency_level=None,
    )
    assert await held(database, OTHER) == Directives(RecordStatus.NOT_OPENED)


async def test_a_new_directive_takes_the_place_of_one_about_the_same_party(database):
    """décider à tout moment de changer les droits."""
    for level in (Level.NORMAL, Level.SECRET):
        given = Directive(Kind.GRANT, DR_A, rights=frozenset({Right.READ}), level=level, origin=Origin.PORTAL)
        await store.add(PATIENT, given, NOW, "anne", database)
    assert [grant.level for grant in (await held(database)).grants] == [Level.SECRET]


async def test_what_is_taken_back_holds_no_longer_and_stays_in_the_history(database):
    """Who changed what, when, from which state."""
    await store.set_status(PATIENT, RecordStatus.OPEN, NOW, "anne", database)
    hidden = Directive(Kind.HIDDEN, document=DOCUMENT)
    await store.add(PATIENT, hidden, NOW + timedelta(seconds=1), "anne", database)
    assert await store.end(PATIENT, hidden, NOW + timedelta(seconds=2), "bob", database)
    assert not await store.end(PATIENT, hidden, NOW + timedelta(seconds=3), "bob", database)
    assert (await held(database)).hidden == frozenset()


async def test_a_record_has_at_most_as_many_directives_as_a_decision_may_weigh(database, monkeypatch):
    """A limit of ours, which a test need not reach in full."""
    monkeypatch.setattr(store, "MAX_DIRECTIVES", 2)
    for number in (1, 2):
        await store.add(PATIENT, Directive(Kind.HIDDEN, document=f"urn:uuid:{number}"), NOW, "a", database)
    with pytest.raises(TooManyDirectives):
        await store.add(PATIENT, Directive(Kind.HIDDEN, document="urn:uuid:3"), NOW, "a", database)


async def test_a_merge_takes_along_what_was_opposed_and_hidden_and_no_grant(database):
    """ITI TF-2: 3.8.4.2.3; nobody was let into the survivor's documents by the other patient."""
    for directive in (
        Directive(Kind.GRANT, DR_A, rights=frozenset({Right.READ}), level=Level.SECRET, origin=Origin.PORTAL),
        Directive(Kind.EXCLUSION, CLINIC),
        Directive(Kind.HIDDEN, document=DOCUMENT),
        Directive(Kind.RESERVED, DR_A, document=DOCUMENT),
        Directive(Kind.EMERGENCY),
    ):
        await store.add(PATIENT, directive, NOW, "anne", database)
    await store.set_status(PATIENT, RecordStatus.CLOSED, NOW, "anne", database)
    await store.set_status(OTHER, RecordStatus.OPEN, NOW, "bob", database)
    await inherit(PATIENT, OTHER, NOW, database)
    assert await held(database, OTHER) == Directives(
        RecordStatus.CLOSED,
        excluded=frozenset({CLINIC}),
        hidden=frozenset({DOCUMENT}),
        reserved=((DOCUMENT, frozenset({DR_A})),),
        emergency_level=None,
    )
