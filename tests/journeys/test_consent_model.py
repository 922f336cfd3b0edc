"""A domain that opens records by itself, knows minors, and checks assertions against its directory."""

import asyncio
import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from atna_audit.spool import stored_records
from consent_broker import store
from consent_broker.directory import Membership, Professional
from consent_broker.model import Basis, Level, Party, PartyKind, Period, RecordStatus, Right
from consent_broker.store import Directive, Kind
from database import open_database
from server import directory, matrix
from tests.messages.requests import SUCCESS
from tests.services.platform import Platform, running
from tests.services.ruled import RULED_DOMAIN, STRICTER_RULES, Person, Record, write_rules

DOCTOR = ("DOCTOR", "2.999.7")
CLINIC = "urn:oid:2.999.50"
REFUSED = [("XDSRepositoryError", "not permitted")]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def domain(request, tmp_path_factory) -> Iterator[Platform]:
    """A server of such a domain, on each database."""
    files = write_rules(tmp_path_factory.mktemp("stricter"), STRICTER_RULES)
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with running(files, toml=RULED_DOMAIN, environment=environment) as platform:
        yield platform


@pytest.fixture
def record(domain) -> Record:
    return Record(domain)


def licensed(record: Record, extension: str, period: Period | None = None) -> Person:
    """A doctor of the directory."""
    person = Person(extension)
    record.enter(Professional(person.party.id, f"Dr {extension}", "L", DOCTOR, period=period or Period()))
    return person


def encoded(text: str) -> str:
    """A text as it stands in the detail of an audit record."""
    return base64.b64encode(text.encode()).decode()


def audited(record: Record) -> str:
    """Everything in the audit trail that speaks of this patient."""
    id_ = record.patient_id.split("^")[0].encode()
    return "\n".join(
        one.decode() for spool in record.platform.audit_spools for one in stored_records(spool) if id_ in one
    )


def test_il_sera_initialise_automatiquement(domain):
    """Announced as the patient comes to be known, not there in his window, open when it ends.

    docs/consent.md.
    """
    record = Record(domain, opened=False)
    assert record.provide(record.patient, record.document()).errors == REFUSED
    ends = datetime.now(UTC) - timedelta(seconds=1)

    async def let_the_window_end() -> None:
        database = await open_database(record.configuration.database.url)
        window = RecordStatus.OBJECTION_WINDOW
        await store.set_status(record.patient_id, window, ends, "clock", database, ends)
        await database.close()

    asyncio.run(let_the_window_end())
    assert record.provide(record.patient, record.document()).status_urn == SUCCESS
    assert "Consent Changed" in audited(record)


def test_whoever_objects_in_his_window_has_no_record_and_may_have_it_opened_again(domain):
    """Closing within the window is objecting (docs/consent.md)."""
    record = Record(domain, opened=False)
    record.turn(RecordStatus.CLOSED)
    assert record.provide(record.patient, record.document()).errors == REFUSED
    record.reopen()
    assert record.provide(record.patient, record.document()).status_urn == SUCCESS


def test_professionnels_de_sante_agrees(record):
    """Whoever is not in the directory, with the profession he claims and today, finds and deposits nothing.

    docs/consent.md.
    """
    over = Period(end=datetime.now(UTC) - timedelta(days=1))
    listed, former, never = licensed(record, "L1"), licensed(record, "L2", over), Person("L3")
    for person in (listed, former, never):
        record.grant(person.party)
    sent = record.deposit(record.patient)
    assert record.seen_by(listed) == [sent.unique_id]
    for person in (former, never):
        assert record.seen_by(person) == []
        assert record.retrieve(person, sent.unique_id).codes == ["XDSDocumentUniqueIdError"]
        assert record.provide(person, record.document()).errors == REFUSED
    assert "he is not in the directory of licensed professionals" in audited(record)


def test_an_institution_s_rights_come_and_go_with_the_membership(record):
    """gérées différemment (libéral / institutionnel): also for who claims to work there.

    docs/consent.md.
    """
    doctor = licensed(record, "M1")
    at_clinic = Person("M1", organization=CLINIC)
    sent = record.deposit(record.patient)
    record.grant(Party(PartyKind.ORGANIZATION, CLINIC), Right.READ)
    assert record.seen_by(at_clinic) == []
    membership = Membership(doctor.party.id, CLINIC)
    record.enter(membership)
    assert record.seen_by(at_clinic) == [sent.unique_id]
    assert record.seen_by(doctor) == []
    asyncio.run(directory.strike(record.configuration, membership, "operator"))
    assert record.seen_by(at_clinic) == []


def test_a_minor_is_represented_until_he_comes_into_his_own(record):
    """Ages are data of the rule pack; a representative reads only, or manages, for a time.

    docs/consent.md.
    """
    mother = Person("MOTHER", role="HELPER")
    record.let(Directive(Kind.REPRESENTATIVE, mother.party, manages=True, basis=Basis.MINOR))
    this_year = datetime.now(UTC).year
    sent = record.deposit(record.patient)
    for years, child_may_read, mother_may_read, mother_may_deposit in (
        (5, False, True, True),
        (13, True, True, True),
        (17, True, True, False),
        (19, True, False, False),
    ):
        born = date(this_year - years, 1, 1)
        start = datetime(born.year, born.month, born.day, tzinfo=UTC)
        record.let(Directive(Kind.BORN, period=Period(start)))
        for person, may_read in ((record.patient, child_may_read), (mother, mother_may_read)):
            assert (sent.unique_id in record.seen_by(person)) is may_read
        answer = record.provide(mother, record.document())
        assert (answer.status_urn == SUCCESS) is mother_may_deposit


def test_a_minimum_level_for_new_documents_and_the_level_of_one(record):
    """définir le niveau de confidentialité: what is less than the minimum is not taken from professionals.

    docs/consent.md.
    """
    doctor = licensed(record, "C1")
    record.grant(doctor.party, level=Level.RESTRICTED)
    before = record.deposit(doctor)
    record.let(Directive(Kind.MINIMUM, level=Level.RESTRICTED))
    refused = record.provide(doctor, record.document())
    assert refused.errors[0][1].endswith("such a document is not accepted from its sender")
    after = record.deposit(doctor, level="R")
    assert sorted(record.seen_by(doctor)) == sorted([before.unique_id, after.unique_id])
    record.let(Directive(Kind.LEVEL, document=record.entry_uuid(before), level=Level.SECRET))
    assert record.seen_by(doctor) == [after.unique_id]
    assert len(record.seen_by(record.patient)) == 2


def test_authors_see_no_more_than_others_where_the_domain_says_so(record):
    """A domain switch, off in this one (docs/consent.md)."""
    doctor = licensed(record, "A1")
    granted = record.grant(doctor.party, Right.DEPOSIT)
    record.deposit(doctor)
    assert record.seen_by(doctor) == []
    record.no_longer(granted)
    assert record.seen_by(doctor) == []


def test_every_change_is_in_the_audit_trail_with_the_state_before(record):
    """Who changed what, when, from which state (docs/consent.md)."""
    record.let(Directive(Kind.MINIMUM, level=Level.RESTRICTED))
    record.turn(RecordStatus.CLOSED)
    told = [str(change) for change in record.history()]
    assert told[0].startswith("the record is objection-window until ")
    assert told[1].startswith("the record is open (before: the record is objection-window until ")
    # Statuses and directives made within one second stand next to each other.
    assert sorted(told[2:]) == [
        "minimum restricted (before: nothing)",
        "the record is closed (before: the record is open)",
    ]
    trail = audited(record)
    assert all(encoded(each) in trail for each in told)


def test_break_glass_needs_a_reason_is_recorded_as_such_and_told_to_the_patient(record):
    """An emergency lifts what the rule pack says, and nothing else; its purpose of use carries the reason.

    ITI TF-2: 3.40.4.1.2, docs/consent.md.
    """
    doctor = licensed(record, "E1")
    normal, secret = record.deposit(record.patient), record.deposit(record.patient, level="V")
    hidden = record.deposit(record.patient)
    record.hide(hidden)
    refused = record.all_of_it(doctor.in_emergency())
    assert refused.fault == (
        "Sender",
        "FailedAuthentication",
        "an emergency needs its reason, as the originalText of the purpose of use",
    )
    assert refused.status == 400
    assert record.notifications() == []
    assert record.seen_by(doctor.in_emergency("found unconscious & alone".replace("&", "&amp;"))) == [
        normal.unique_id
    ]
    assert record.retrieve(doctor.in_emergency("again"), secret.unique_id).codes == [
        "XDSDocumentUniqueIdError"
    ]
    assert record.retrieve(doctor.in_emergency("again"), normal.unique_id).parts[1][1] == b"Dear colleague"
    assert [(one.name, one.reason) for one in record.notifications()] == [
        ("Dr E1", "found unconscious & alone"), ("Dr E1", "again"), ("Dr E1", "again"),
    ]  # fmt: skip
    trail = audited(record)
    assert 'csd-code="ETREAT" codeSystemName="2.16.840.1.113883.5.8"' in trail
    assert 'originalText="found unconscious &amp; alone"' in trail
    assert trail.count("Emergency Override Started") == 3


def test_the_patient_s_switch_closes_his_record_to_emergencies(record):
    """Emergency access: level and switch; what nobody got is told to nobody (docs/consent.md)."""
    doctor = licensed(record, "E2")
    sent = record.deposit(record.patient, level="R")
    emergency = doctor.in_emergency("found unconscious")
    assert record.seen_by(emergency) == []
    record.let(Directive(Kind.EMERGENCY, level=Level.RESTRICTED))
    assert record.seen_by(emergency) == [sent.unique_id]
    told = len(record.notifications())
    record.let(Directive(Kind.EMERGENCY))
    assert record.seen_by(emergency) == []
    assert len(record.notifications()) == told


def test_a_new_version_of_the_matrix_counts_from_the_next_request_on(record):
    """en fonction de la profession et de la spécialité: versioned data, first tried on decisions made.

    docs/consent.md.
    """
    doctor = licensed(record, "X1")
    record.grant(doctor.party)
    note, lab = record.deposit(record.patient), record.deposit(record.patient, type_code="LAB")
    assert sorted(record.seen_by(doctor)) == sorted([note.unique_id, lab.unique_id])
    cells = asyncio.run(matrix.cells(record.configuration, 0))
    without = frozenset(cell for cell in cells if cell.type[0] != "LAB")
    decisions, effects = asyncio.run(matrix.would_change(record.configuration, without))
    assert decisions > 0
    assert {(one.profession, one.right): one.lost for one in effects}[DOCTOR, Right.READ] == {
        ("LAB", "2.999.1")
    }
    for version, seen in ((without, [note]), (cells, [note, lab])):
        asyncio.run(matrix.add(record.configuration, version, None, "operator", "journey"))
        assert sorted(record.seen_by(doctor)) == sorted(one.unique_id for one in seen)
