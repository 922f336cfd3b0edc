"""The outbox of receipts, and what they say."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from consent_broker import operations, store
from consent_broker.directory import Directory, Institution, Professional
from consent_broker.inheritance import inherit
from consent_broker.model import Basis, Level, Origin, Party, PartyKind, Period, RecordStatus, Right
from consent_broker.receipt_texts import Telling, title
from consent_broker.receipts import AGAIN_AFTER, Receipt, Receipts
from consent_broker.rules import Policy
from consent_broker.store import Directive, Kind
from consent_broker.texts import Language
from database import open_database
from tests.consent_broker.test_consent_documents import DR_A, NOW, PATIENT, RULES

RECEIPTS_ON = RULES
RECEIPTS_OFF = replace(
    RULES, policies={pair: one for pair, one in RULES.policies.items() if one != Policy(receipt=True)}
)
CLINIC = Party(PartyKind.ORGANIZATION, "urn:oid:2.999.61")
IN_ENGLISH = Telling(Language.ENGLISH, UTC, {})
PERIOD = Period(NOW, NOW + timedelta(days=30))
EVERY_KIND = (
    Directive(
        Kind.GRANT,
        CLINIC,
        rights=frozenset(Right),
        level=Level.RESTRICTED,
        origin=Origin.PORTAL,
        period=PERIOD,
    ),
    Directive(Kind.GRANT, DR_A, rights=frozenset({Right.DEPOSIT}), level=Level.NORMAL, origin=Origin.PORTAL),
    Directive(Kind.EXCLUSION, DR_A),
    Directive(Kind.HELPER, DR_A, manages=True, period=PERIOD),
    Directive(Kind.REPRESENTATIVE, DR_A, basis=Basis.MINOR),
    Directive(Kind.HIDDEN, document="urn:uuid:1"),
    Directive(Kind.RESERVED, DR_A, "urn:uuid:1"),
    Directive(Kind.LEVEL, document="urn:uuid:1", level=Level.SECRET),
    Directive(Kind.MINIMUM, level=Level.RESTRICTED),
    Directive(Kind.EMERGENCY, level=Level.RESTRICTED),
    Directive(Kind.EMERGENCY),
    Directive(Kind.BORN, period=Period(datetime(2015, 4, 1, tzinfo=UTC))),
    Directive(Kind.PILOT),
)


@pytest.fixture
async def database(migrated_database_url):
    database = await open_database(migrated_database_url)
    yield database
    await database.close()


async def told(database) -> list[tuple[str, ...]]:
    return [IN_ENGLISH.sentences(one) for one in await Receipts(database).due(NOW)]


@pytest.mark.anyio
async def test_every_change_owes_a_receipt_where_the_domain_says_so(database):
    """By whichever door: each is decided by the same operations (docs/consent.md)."""
    for rules in (RECEIPTS_OFF, RECEIPTS_ON):
        by_rules = (rules, database, NOW, "anne")
        await operations.open_record(PATIENT, *by_rules)
        await operations.give(PATIENT, Directive(Kind.EXCLUSION, DR_A), *by_rules)
        await operations.take_back(PATIENT, Directive(Kind.EXCLUSION, DR_A), *by_rules)
        await operations.take_back(PATIENT, Directive(Kind.EXCLUSION, CLINIC), *by_rules)
        await operations.close_record(PATIENT, *by_rules)
    done = "Decided on 15.01.2030 at 12:00, by: anne."
    excluded = "The person 2.999.4|A may neither read your record nor add to it."
    assert await told(database) == [
        ("Your record is open.", done),
        (excluded, done),
        (f"This holds no longer: {excluded}", done),
        ("Your record is closed.", done),
    ]


@pytest.mark.anyio
async def test_a_merge_owes_receipts_of_what_it_brings(database):
    """To the patient whose record takes in the other (ITI TF-2: 3.8.4.2.3)."""
    await store.add(PATIENT, Directive(Kind.EXCLUSION, DR_A), NOW, "anne", database)
    await inherit(PATIENT, "p2^^^&2.999.3&ISO", NOW, database, receipt=True)
    (receipt,) = await Receipts(database).due(NOW)
    assert receipt.patient == "p2^^^&2.999.3&ISO"
    assert receipt.by == f"merge of {PATIENT}"


@pytest.mark.anyio
async def test_each_receipt_is_taken_by_one_and_again_when_he_does_not_finish(database):
    """Of two processes, and after one was killed."""
    await store.set_status(PATIENT, RecordStatus.OPEN, NOW, "anne", database, receipt=True)
    receipts = Receipts(database)
    (receipt,) = await receipts.due(NOW)
    assert not receipt.tried
    assert [await receipts.take(receipt, NOW), await receipts.take(receipt, NOW)] == [True, False]
    assert await receipts.due(NOW) == ()
    later = NOW + AGAIN_AFTER
    (again,) = await receipts.due(later)
    assert again.tried
    assert await receipts.take(again, later)
    await receipts.written(again, later)
    assert await receipts.due(later + AGAIN_AFTER) == ()


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("directive", EVERY_KIND, ids=lambda one: one.kind)
def test_every_kind_of_change_is_told_in_every_language(directive, language):
    """Whole sentences, with nothing left to fill in."""
    row = store.row_of(PATIENT, directive, NOW, "anne", "")
    columns = [row[name] for name in store.COLUMNS]
    for changed in ({"given": [columns]}, {"ended": [columns]}):
        said, done = Telling(language, UTC, {}).sentences(Receipt(1, PATIENT, NOW, "anne", changed, False))
        assert said.endswith(".")
        assert done.endswith("anne.")
        assert not any(field for text in (said, done) for _, field, _, _ in string.Formatter().parse(text))
        if directive.party:
            assert directive.party.id in said
    assert title(language)


@pytest.mark.parametrize("status", RecordStatus)
def test_every_status_is_told(status):
    """With the day on which a record opens by itself."""
    changed = {"status": status, "opens": int(NOW.timestamp())}
    (said, _) = IN_ENGLISH.sentences(Receipt(1, PATIENT, NOW, "anne", changed, False))
    assert (
        said
        == {
            RecordStatus.NOT_OPENED: "Your record is not opened.",
            RecordStatus.OBJECTION_WINDOW: "Your record will open on 15.01.2030 unless you object.",
            RecordStatus.OPEN: "Your record is open.",
            RecordStatus.CLOSED: "Your record is closed.",
        }[status]
    )


@pytest.mark.anyio
async def test_people_are_called_by_their_names_and_times_are_the_domain_s(database):
    """What the directory knows; of whom it does not know, the id alone."""
    directory = Directory(database)
    await directory.put(Professional(DR_A.id, "Dr Anne Muller", "L1", ("DOCTOR", "2.999.7")), NOW, "op")
    await directory.put(Institution(CLINIC.id, "Clinique du Nord"), NOW, "op")
    names = {party: await directory.name_of(party) for party in (DR_A, CLINIC)}
    assert await directory.name_of(Party(PartyKind.PERSON, "2.999.4|B")) == ""
    telling = Telling(Language.FRENCH, ZoneInfo("Europe/Luxembourg"), names)
    rows = [store.row_of(PATIENT, Directive(Kind.EXCLUSION, one), NOW, "anne", "") for one in names]
    columns = [[row[name] for name in store.COLUMNS] for row in rows]
    receipt = Receipt(1, PATIENT, NOW, "anne", {"given": columns}, False)
    assert receipt.parties == {DR_A, CLINIC}
    assert telling.sentences(receipt) == (
        "La personne Dr Anne Muller (2.999.4|A) ne peut ni consulter ni alimenter votre dossier.",
        "L'établissement Clinique du Nord (urn:oid:2.999.61) ne peut ni consulter ni alimenter "
        "votre dossier.",
        "Décidé le 15.01.2030 à 13:00, par : anne.",
    )
