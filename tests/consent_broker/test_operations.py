"""What is decided about a record, within the domain's rules, on each database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consent_broker import operations, store
from consent_broker.directory import Directory, Professional
from consent_broker.model import Directives, Level, Origin, Party, PartyKind, Period, RecordStatus, Right
from consent_broker.operations import NotPossible
from consent_broker.rules import Duration
from consent_broker.store import Directive, Kind
from database import Database, open_database
from tests.consent_broker.test_decide import NURSE, RULES

pytestmark = pytest.mark.anyio

PATIENT = "p1^^^&2.999.3&ISO"
NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)
PERSON = Party(PartyKind.PERSON, "2.999.4|N")
READ = frozenset({Right.READ})
ANNOUNCING = replace(RULES, objection_days=30)
PILOT = replace(RULES, pilot=True)


@pytest.fixture
async def database(migrated_database_url) -> AsyncIterator[Database]:
    database = await open_database(migrated_database_url)
    yield database
    await database.close()


async def held(database) -> Directives:
    return (await store.directives_of((PATIENT,), RecordStatus.NOT_OPENED, database, NOW))[PATIENT]


async def test_a_record_is_announced_once_and_opens_by_itself(database):
    """il sera initialisé automatiquement."""
    change = await operations.announce_new(PATIENT, ANNOUNCING, database, NOW, "feed")
    assert change
    assert str(change) == "the record is objection-window until 2030-02-14 (before: nothing)"
    assert await operations.announce_new(PATIENT, ANNOUNCING, database, NOW, "feed") is None
    announced = await held(database)
    assert announced.status_at(NOW + timedelta(days=29)) is RecordStatus.OBJECTION_WINDOW
    assert announced.status_at(NOW + timedelta(days=30)) is RecordStatus.OPEN
    with pytest.raises(NotPossible, match="objection-window already"):
        await operations.announce_record(PATIENT, ANNOUNCING, database, NOW, "anne")


async def test_whoever_objects_in_time_has_no_record(database):
    """il sera initialisé automatiquement: unless the patient objects."""
    await operations.announce_record(PATIENT, ANNOUNCING, database, NOW, "feed")
    await operations.close_record(PATIENT, ANNOUNCING, database, NOW + timedelta(days=3), "anne")
    assert (await held(database)).status_at(NOW + timedelta(days=99)) is RecordStatus.CLOSED


async def test_where_patients_opt_in_nothing_is_announced(database):
    """demande explicite par voie écrite («opt-in»)."""
    assert await operations.announce_new(PATIENT, RULES, database, NOW, "feed") is None
    with pytest.raises(NotPossible):
        await operations.announce_record(PATIENT, RULES, database, NOW, "anne")


async def test_only_a_closed_record_is_opened_again(database):
    """il peut fermer son DSP à tout moment: reopening."""
    with pytest.raises(NotPossible):
        await operations.reopen_record(PATIENT, RULES, database, NOW, "anne")
    await operations.close_record(PATIENT, ANNOUNCING, database, NOW, "anne")
    change = await operations.reopen_record(PATIENT, RULES, database, NOW, "anne")
    assert str(change) == "the record is open (before: the record is closed)"


async def test_a_referring_doctor_takes_his_patient_into_a_pilot(database):
    """patients retenus: ceux suivis par un médecin référent."""
    with pytest.raises(NotPossible, match="does not take part"):
        await operations.open_record(PATIENT, PILOT, database, NOW, "anne")
    directive = Directive(Kind.GRANT, PERSON, rights=READ, level=Level.NORMAL, origin=Origin.REFERRING_DOCTOR)
    changes = await operations.give(PATIENT, directive, PILOT, database, NOW, "anne")
    assert [change.what for change in changes][1:] == ["pilot", "the record is open"]
    now = await held(database)
    assert (now.pilot, now.status) == (True, RecordStatus.OPEN)


async def test_whoever_closed_his_record_is_not_taken_into_a_pilot_against_his_will(database):
    """patients retenus: a closed record stays so."""
    await operations.close_record(PATIENT, ANNOUNCING, database, NOW, "anne")
    await operations.take_into_pilot(PATIENT, PILOT, database, NOW, "anne")
    assert (await held(database)).status is RecordStatus.CLOSED


@pytest.mark.parametrize(
    "directive",
    [
        Directive(Kind.GRANT, PERSON, rights=READ, level=Level.SECRET, origin=Origin.PORTAL),
        Directive(Kind.EMERGENCY, level=Level.SECRET),
    ],
)
async def test_what_is_secret_is_opened_to_nobody(database, directive):
    """secret: patient only."""
    with pytest.raises(NotPossible):
        await operations.give(PATIENT, directive, RULES, database, NOW, "anne")
    assert await held(database) == Directives(RecordStatus.NOT_OPENED)


async def test_a_relationship_lasts_as_its_origin_and_the_profession_of_the_directory_say(database):
    """Care relationships with durations per origin and profession; what is said goes before both."""
    rules = replace(
        RULES,
        durations_days={**RULES.durations_days, Origin.PRESENCE: 30},
        durations_by_profession=(Duration(Origin.PRESENCE, frozenset({NURSE}), 3),),
    )

    async def ends(**more) -> timedelta | None:
        granted = await operations.care_relationship(
            PERSON, READ, Level.NORMAL, Origin.PRESENCE, rules, database, NOW, **more
        )
        return granted.period.end - NOW if granted.period.end else None

    assert await ends() == timedelta(days=30)
    assert await ends(profession=NURSE) == timedelta(days=3)
    assert await ends(days=7) == timedelta(days=7)
    assert await ends(days=0) is None
    await Directory(database).put(Professional("2.999.4|N", "N", "", NURSE, period=Period()), NOW, "anne")
    assert await ends() == timedelta(days=3)
    with pytest.raises(NotPossible):
        await operations.care_relationship(
            PERSON, frozenset(), Level.NORMAL, Origin.PORTAL, rules, database, NOW
        )
