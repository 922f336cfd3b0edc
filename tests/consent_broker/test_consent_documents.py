"""What consent documents give, each in its time, whatever else is decided in between."""

import asyncio
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from consent_broker import store
from consent_broker.consent_documents import directives_by, end_of, follow, may_follow, problems_in
from consent_broker.history import history
from consent_broker.kept import Kept
from consent_broker.model import Level, Origin, Party, PartyKind, Period, RecordStatus, Right
from consent_broker.rules import Policy, PolicyGrant, Rules
from consent_broker.store import Directive, Kind, TooManyDirectives
from database import Database, open_database
from exchange.consent_documents import ConsentDocument, Signatory
from hl7v2.datatypes import DTM

PATIENT = "p1^^^&2.999.3&ISO"
NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)
DR_A = Party(PartyKind.PERSON, "2.999.4|A")
CLINIC = "urn:oid:2.999.61"
DOMAIN = "2.999.40"
OPEN, CLOSED, AUTHOR, STRICT, LAX, NOT_A, RECEIPT = ((f"{DOMAIN}.{number}", DOMAIN) for number in range(1, 8))
POLICIES = {
    OPEN: Policy(RecordStatus.OPEN),
    CLOSED: Policy(RecordStatus.CLOSED, signed=True),
    AUTHOR: Policy(grants=(PolicyGrant(None, frozenset({Right.READ}), origin=Origin.PRESENCE),)),
    STRICT: Policy(minimum=Level.RESTRICTED, no_emergency=True),
    LAX: Policy(emergency=Level.RESTRICTED),
    NOT_A: Policy(excluded=frozenset({DR_A})),
    RECEIPT: Policy(receipt=True),
}
RULES = Rules(
    unopened=RecordStatus.NOT_OPENED,
    levels={},
    access=(),
    patients=frozenset(),
    emergencies=frozenset(),
    administrators=frozenset(),
    systems=frozenset(),
    durations_days=dict.fromkeys(Origin, 0),
    policies=POLICIES,
)


def document(*policies, start="2020", stop="", unique_id="2.999.9") -> ConsentDocument:
    return ConsentDocument(
        PATIENT,
        unique_id,
        frozenset(policies),
        frozenset({CLINIC}),
        DTM(start) if start else None,
        DTM(stop) if stop else None,
    )


async def change(database: Database, ended=(), begun=(), at=NOW):
    return await database.transact(lambda inside: follow(ended, begun, RULES, at, "Dr A", inside))


@pytest.fixture
async def database(migrated_database_url):
    database = await open_database(migrated_database_url)
    yield database
    await database.close()


async def held(database: Database, at=NOW):
    return (await store.directives_of((PATIENT,), RecordStatus.NOT_OPENED, database, at))[PATIENT]


@pytest.mark.parametrize(
    ("time", "after"),
    [
        ("2030", "2031-01-01T00:00:00"),
        ("203012", "2031-01-01T00:00:00"),
        ("203002", "2030-03-01T00:00:00"),
        ("20281231", "2029-01-01T00:00:00"),
        ("2030010123", "2030-01-02T00:00:00"),
        ("203001012359", "2030-01-02T00:00:00"),
        ("20300101235959", "2030-01-02T00:00:00"),
    ],
)
def test_a_document_holds_to_the_end_of_the_day_or_year_that_it_names(time, after):
    """DocumentEntry.serviceStopTime (ITI TF-3: 4.2.3.2.20)."""
    assert end_of(DTM(time)) == datetime.fromisoformat(after).replace(tzinfo=UTC)


@pytest.mark.parametrize("time", ["9999", "999912", "99991231", "99991231235959"])
def test_whoever_writes_the_end_of_the_calendar_means_for_ever(time):
    """No moment is after it."""
    assert end_of(DTM(time)) is None


@pytest.mark.parametrize(
    ("said", "signed", "problems"),
    [
        (document(OPEN), False, []),
        (document(CLOSED), True, []),
        (document(RECEIPT), False, []),
        (document(), False, [("eventCodeList", "names no policy, expected each that is acknowledged")]),
        (
            document(OPEN, ("X", DOMAIN)),
            False,
            [("eventCodeList", "names X^^2.999.40, which is no policy of this domain")],
        ),
        (document(OPEN, RECEIPT), False, [("eventCodeList", "names a policy beside that of receipts")]),
        (
            document(OPEN, start=""),
            False,
            [("serviceStartTime", "is missing, expected from when the policies are acknowledged")],
        ),
        (
            document(CLOSED),
            False,
            [("legalAuthenticator", "is missing, expected who has signed the document")],
        ),
        (
            ConsentDocument(PATIENT, "2.999.9", frozenset({AUTHOR}), frozenset(), DTM("2020"), None),
            True,
            [
                (
                    "author",
                    "names no institution by its OID, expected the one to which the policy gives rights",
                )
            ],
        ),
    ],
)
def test_every_reason_why_a_document_does_not_count_is_named(said, signed, problems):
    """ITI TF-3: 5.1.2.1.1."""
    assert list(problems_in(said, signed, RULES)) == problems


def test_a_grant_without_a_party_is_for_the_institution_that_wrote_the_document():
    """In the document's own time."""
    period = Period(datetime(2020, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))
    assert list(directives_by(document(AUTHOR, stop="2030"), RULES)) == [
        Directive(Kind.ACKNOWLEDGEMENT, period=period, policy="2.999.40.3", source="2.999.9"),
        Directive(
            Kind.GRANT,
            Party(PartyKind.ORGANIZATION, CLINIC),
            rights=frozenset({Right.READ}),
            level=Level.NORMAL,
            origin=Origin.PRESENCE,
            period=period,
            policy="2.999.40.3",
            source="2.999.9",
        ),
    ]


@pytest.mark.anyio
async def test_what_was_said_before_holds_again_when_a_document_ends(database):
    """A record's status, its minimum and its emergencies have one last word; a document's ends with it."""
    await store.set_status(PATIENT, RecordStatus.CLOSED, NOW, "anne", database)
    await store.add(PATIENT, Directive(Kind.EMERGENCY, level=Level.RESTRICTED), NOW, "anne", database)
    begun = document(OPEN, STRICT, stop="20300120")
    changes = await change(database, begun=[begun])
    assert str(changes[0].change) == (
        "the record is open by policy 2.999.40.1 of consent document 2.999.9 (before: the record is closed)"
    )
    during = await held(database)
    assert (during.status, during.minimum, during.emergency_level) == (
        RecordStatus.OPEN, Level.RESTRICTED, None,
    )  # fmt: skip
    assert [(one.policy, one.document) for one in during.acknowledged] == [
        ("2.999.40.1", "2.999.9"), ("2.999.40.4", "2.999.9"),
    ]  # fmt: skip
    # It expires by itself; or it is withdrawn.
    expired = await held(database, datetime(2030, 1, 21, tzinfo=UTC))
    await change(database, ended=[begun], at=NOW + timedelta(seconds=1))
    for after in (expired, await held(database)):
        assert (after.status, after.minimum, after.emergency_level, after.acknowledged) == (
            RecordStatus.CLOSED, Level.NORMAL, Level.RESTRICTED, (),
        )  # fmt: skip
    assert [str(one) for one in await history(PATIENT, database)][-5:] == [
        f"no longer: {said} (before: {said})"
        for said in (
            f"{each} of consent document 2.999.9"
            for each in (
                "the record is open by policy 2.999.40.1",
                "acknowledgement from 2020-01-01 until 2030-01-21 by policy 2.999.40.1",
                "acknowledgement from 2020-01-01 until 2030-01-21 by policy 2.999.40.4",
                "minimum restricted from 2020-01-01 until 2030-01-21 by policy 2.999.40.4",
                "emergency from 2020-01-01 until 2030-01-21 by policy 2.999.40.4",
            )
        )
    ]


@pytest.mark.anyio
async def test_what_was_so_then_is_told_of_documents_too(database):
    """`explain` on a day of the past: by what held then."""
    await change(database, begun=[document(OPEN, NOT_A)])
    await change(database, ended=[document(OPEN, NOT_A)], at=NOW + timedelta(days=2))
    day = NOW + timedelta(days=1)
    then = await store.directives_of((PATIENT,), RecordStatus.NOT_OPENED, database, day, day)
    assert then[PATIENT].status is RecordStatus.OPEN
    assert then[PATIENT].excluded == {DR_A}
    assert (await held(database, day)).status is RecordStatus.NOT_OPENED


@pytest.mark.anyio
async def test_a_receipt_changes_nothing(database):
    """It tells of a change, and is none."""
    assert await change(database, begun=[document(RECEIPT)]) == ()
    assert await history(PATIENT, database) == ()


@pytest.mark.anyio
async def test_a_record_that_is_full_takes_no_document(database, monkeypatch):
    """All that a document gives, or nothing."""
    monkeypatch.setattr(store, "MAX_DIRECTIVES", 3)
    await change(database, begun=[document(NOT_A)])
    with pytest.raises(TooManyDirectives):
        await change(database, begun=[document(OPEN, STRICT, unique_id="2.999.10")])
    assert (await held(database)).status is RecordStatus.NOT_OPENED


@dataclass
class Said:
    """One thing that was said, by whom, and when it holds; `by` is empty for the patient's own hand."""

    about: str
    what: object
    by: str
    start: date
    stop: date | None
    holds: bool = True


FIRST = date(2030, 1, 1)
_days = some.dates(FIRST, FIRST + timedelta(days=9))
_documents = some.tuples(
    some.just("document"),
    some.integers(0, 3),
    some.frozensets(some.sampled_from([OPEN, CLOSED, STRICT, LAX, NOT_A]), min_size=1),
    _days,
    some.none() | _days,
)
_steps = some.lists(
    _documents
    | some.tuples(some.just("status"), some.sampled_from([RecordStatus.OPEN, RecordStatus.CLOSED]))
    | some.tuples(some.just("emergency"), some.sampled_from([None, Level.NORMAL]))
    | some.tuples(some.just("exclude"), some.booleans()),
    max_size=12,
)
_SAYS: dict[tuple[str, str], list[tuple[str, object]]] = {
    OPEN: [("status", RecordStatus.OPEN)],
    CLOSED: [("status", RecordStatus.CLOSED)],
    STRICT: [("minimum", Level.RESTRICTED), ("emergency", None)],
    LAX: [("emergency", Level.RESTRICTED)],
    NOT_A: [("excluded", DR_A)],
}


@settings(max_examples=30)
@given(_steps, _days)
def test_the_last_word_that_holds_counts_whatever_begins_and_ends(migrated_sqlite_file, steps, day):
    """A model of a few lines says the same as the tables, on any day, after any sequence of changes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "coffre.sqlite"
        shutil.copyfile(migrated_sqlite_file, file)
        asyncio.run(_as_the_model_says(f"sqlite:///{file}", steps, day))


async def _as_the_model_says(url: str, steps, day: date) -> None:
    database = await open_database(url)
    said: list[Said] = []
    in_force: dict[int, ConsentDocument] = {}
    try:
        for kind, *words in steps:
            if kind == "document":
                number, policies, start, stop = words
                ended = [in_force.pop(number)] if number in in_force else []
                for each in said:
                    each.holds &= each.by != f"2.999.{number}"
                begun = []
                if not ended:
                    in_force[number] = document(
                        *policies,
                        start=f"{start:%Y%m%d}",
                        stop=f"{stop:%Y%m%d}" if stop else "",
                        unique_id=f"2.999.{number}",
                    )
                    begun = [in_force[number]]
                    for policy in sorted(policies):
                        for about, what in _SAYS[policy]:
                            said.append(Said(about, what, f"2.999.{number}", start, stop))
                await change(database, ended, begun)
            elif kind == "status":
                await store.set_status(PATIENT, words[0], NOW, "anne", database)
                said.append(Said("status", words[0], "", FIRST, None))
            elif kind == "emergency":
                await store.add(PATIENT, Directive(Kind.EMERGENCY, level=words[0]), NOW, "anne", database)
                _take_back(said, "emergency")
                said.append(Said("emergency", words[0], "", FIRST, None))
            else:
                _take_back(said, "excluded")
                if words[0]:
                    await store.add(PATIENT, Directive(Kind.EXCLUSION, DR_A), NOW, "anne", database)
                    said.append(Said("excluded", DR_A, "", FIRST, None))
                else:
                    await store.end(PATIENT, Directive(Kind.EXCLUSION, DR_A), NOW, "anne", database)
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        found = await held(database, noon)
    finally:
        await database.close()
    now = [one for one in said if one.holds and one.start <= day and (one.stop is None or day <= one.stop)]
    assert found.status == _last(now, "status", RecordStatus.NOT_OPENED)
    assert found.minimum == _last(now, "minimum", Level.NORMAL)
    assert found.emergency_level == _last(now, "emergency", Level.NORMAL)
    assert found.excluded == {one.what for one in now if one.about == "excluded"}
    assert {one.document for one in found.acknowledged} == {
        one.unique_id
        for one in in_force.values()
        if one.start and one.start.start.date() <= day and (not one.stop or day <= one.stop.start.date())
    }


def _take_back(said: list[Said], about: str) -> None:
    """By hand, whatever gave it."""
    for each in said:
        each.holds &= each.about != about


def _last(said: list[Said], about: str, otherwise: object) -> object:
    return next((one.what for one in reversed(said) if one.about == about), otherwise)


FORGOTTEN = ("2.999.40.99", DOMAIN)
EVERY = frozenset(POLICIES) - {RECEIPT}


@pytest.mark.parametrize(
    ("ended", "begun", "may", "follows"),
    [
        ([], [document(OPEN)], {OPEN}, True),
        ([], [document(OPEN, LAX)], {OPEN}, False),
        ([document(OPEN)], [], {OPEN}, True),
        ([document(OPEN)], [document(LAX)], {LAX}, False),
        # A receipt is the platform's own; that it goes changes nothing.
        ([], [document(RECEIPT)], EVERY, False),
        ([], [document(RECEIPT)], {RECEIPT}, True),
        ([document(RECEIPT)], [], frozenset(), True),
        # What the domain knows no longer is taken back by whoever may take back everything.
        ([document(FORGOTTEN)], [], EVERY, True),
        ([document(FORGOTTEN)], [], {OPEN, LAX}, False),
        ([], [document(FORGOTTEN)], EVERY, False),
    ],
)
def test_only_who_may_speak_for_a_policy_gives_it_and_takes_it_back(ended, begun, may, follows):
    """Both ends are looked at (docs/consent.md)."""
    assert may_follow(ended, begun, RULES, Signatory("anne", {PATIENT: frozenset(may)})) is follows


def test_a_domain_without_policies_lets_them_come_and_go():
    """They are documents like others."""
    rules = replace(RULES, policies={})
    assert may_follow([document(OPEN)], [document(LAX)], rules, Signatory())


@pytest.mark.anyio
async def test_what_a_document_says_begins_and_ends_for_whoever_had_looked_before(database):
    """In the second in which it does, and at once where it is withdrawn (docs/consent.md)."""
    kept = Kept(database, RULES)
    begun = document(OPEN, STRICT, start="20300115120002", stop="20300115120003")
    await change(database, begun=[begun])

    async def at(second: int) -> tuple[RecordStatus, Level, Level | None]:
        now = NOW + timedelta(seconds=second)
        found = (await kept.now(frozenset({DR_A}), {PATIENT}, now)).directives[PATIENT]
        return found.status, found.minimum, found.emergency_level

    closed = (RecordStatus.NOT_OPENED, Level.NORMAL, Level.NORMAL)
    opened = (RecordStatus.OPEN, Level.RESTRICTED, None)
    assert [await at(second) for second in range(6)] == [closed, closed, opened, opened, closed, closed]
    await change(database, begun=[document(OPEN, STRICT, unique_id="2.999.10")], at=NOW)
    assert await at(5) == opened
    await change(database, ended=[document(OPEN, STRICT, unique_id="2.999.10")], at=NOW)
    assert await at(5) == closed


@pytest.mark.anyio
async def test_what_was_given_in_a_subsumed_patient_s_name_is_taken_back_with_its_document(database):
    """Should the merge be taken back, it does not hold again (docs/decisions/0007)."""
    given_before = document(OPEN, NOT_A)
    await change(database, begun=[given_before])
    survivor = replace(given_before, patient_id="p2^^^&2.999.3&ISO", subsumed=frozenset({PATIENT}))
    made = await change(database, ended=[survivor])
    assert {one.patient for one in made} == {"p2^^^&2.999.3&ISO"}
    found = await held(database)
    assert (found.status, found.excluded, found.acknowledged) == (RecordStatus.NOT_OPENED, frozenset(), ())
