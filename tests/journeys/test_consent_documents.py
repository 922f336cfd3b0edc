"""Consent documents over the wire: submitted, checked, registered, and in force at once (ITI TF-3: 5.1)."""

import base64
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha1

import pytest

from atna_audit.spool import stored_records
from consent_broker.model import Basis, Level, RecordStatus, Right
from consent_broker.store import Directive, Kind
from tests.journeys.test_pledged_records import LONG_QUERY_BYTES, WAIT_SECONDS, without_room_for_records
from tests.messages import requests
from tests.messages.acknowledgements import FORMATS, Acknowledgement
from tests.messages.requests import APPROVED, DEPRECATED, ITI_57, ITI_62, SUCCESS
from tests.services.platform import Platform, running, running_apart
from tests.services.ruled import RULED_DOMAIN, RULES, Person, Record, write_rules
from tests.wire import HttpAnswer, envelope, post

DR_A, DR_B = Person("A", organization="urn:oid:2.999.61"), Person("B")
NURSE = Person("N", "NURSE")
ADMIN = Person("X", "ADMIN")

OPEN, CLOSED, CLINIC, DR_B_READS, NO_EMERGENCY, NOT_DR_B, BY_DOCTORS = range(1, 8)
POLICIES = """
[[policy]]
id = "2.999.40.1"
domain = "2.999.40"
record = "open"

[[policy]]
id = "2.999.40.2"
domain = "2.999.40"
record = "closed"

[[policy]]
id = "2.999.40.3"
domain = "2.999.40"
grant = [{to = "author", rights = ["read", "deposit"], level = "restricted"}]

[[policy]]
id = "2.999.40.4"
domain = "2.999.40"
grant = [{person = "2.999.4|B", rights = ["read"]}]

[[policy]]
id = "2.999.40.5"
domain = "2.999.40"
emergency = "none"
minimum = "restricted"

[[policy]]
id = "2.999.40.6"
domain = "2.999.40"
exclude = [{person = "2.999.4|B"}]

[[policy]]
id = "2.999.40.7"
domain = "2.999.40"
record = "open"
professions = ["DOCTOR"]
signed = true
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def domain(request, tmp_path_factory) -> Iterator[Platform]:
    """A server whose domain knows policies, on each database."""
    directory = write_rules(tmp_path_factory.mktemp("policies"), RULES + POLICIES)
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with running(directory, toml=RULED_DOMAIN, environment=environment) as platform:
        yield platform


@pytest.fixture
def record(domain) -> Record:
    return Record(domain)


def acknowledging(record: Record, *policies: int, **said) -> Acknowledgement:
    return Acknowledgement(record.patient_id, policies, **said)


def submit(
    record: Record, by: Person, document: Acknowledgement, replaces: str = "", **attributes
) -> HttpAnswer:
    return record.provide(
        by, document.submission(replaces=replaces, **attributes), document.document, "text/xml"
    )


def given(record: Record, by: Person, document: Acknowledgement, replaces: str = "") -> str:
    """A consent document that must be accepted; the answer is its entryUUID."""
    answer = submit(record, by, document, replaces)
    assert answer.status_urn == SUCCESS, answer.body
    return record.entry_uuid(document.submission())


def encoded(text: str) -> str:
    """A text as it stands in the detail of an audit record."""
    return base64.b64encode(text.encode()).decode()


def audited(record: Record) -> str:
    """Everything in the audit trail that speaks of this patient."""
    id_ = record.patient.extension.encode()
    return "\n".join(
        one.decode() for spool in record.platform.audit_spools for one in stored_records(spool) if id_ in one
    )


def sha1_of(content: bytes) -> str:
    return sha1(content, usedforsecurity=False).hexdigest()


def register(record: Record, by: Person, document: Acknowledgement) -> HttpAnswer:
    """What the repository of somebody else says of a document."""
    known = requests.registered(sha1_of(document.document), len(document.document))
    time = requests.slot("creationTime", "20240102030405") + known
    body = document.submission(creationTime=time).submit_objects_request
    return post(record.platform.registry_url, envelope(requests.ITI_42, body, more_headers=by.headers))


def told(record: Record) -> list[str]:
    return [str(change) for change in record.history()]


def ask(record: Record, by: Person, action: str, *objects: str) -> HttpAnswer:
    """A change of what is registered, by ITI-57 or ITI-62."""
    if action == ITI_62:
        refs = "".join(f'<rim:ObjectRef id="{each}"/>' for each in objects)
        body = (
            f"<lcm:RemoveObjectsRequest {requests.NAMESPACES}><rim:ObjectRefList>{refs}</rim:ObjectRefList>"
            "</lcm:RemoveObjectsRequest>"
        )
    else:
        body = requests.submit(requests.submission_set(record.patient_id, requests.fresh_oid()), *objects)
    return post(record.platform.registry_url, envelope(action, body, more_headers=by.headers))


def test_a_consent_document_opens_a_record_and_lets_in_whom_it_names(domain):
    """All at once, from the next request on; it is a document of the record like others (ITI TF-3: 5.1.2)."""
    record = Record(domain, opened=False)
    note = record.document()
    assert record.provide(record.patient, note).errors == [("XDSRepositoryError", "not permitted")]
    consent = acknowledging(record, OPEN, DR_B_READS)
    given(record, record.patient, consent)
    assert record.provide(record.patient, note).status_urn == SUCCESS
    assert record.seen_by(DR_B) == [note.unique_id]
    assert sorted(record.seen_by(record.patient)) == sorted([note.unique_id, consent.unique_id])
    assert record.retrieve(record.patient, consent.unique_id).parts[1][1] == consent.document
    origin = f"of consent document {consent.unique_id} (before: nothing)"
    expected = {
        f"the record is open by policy 2.999.40.1 {origin}",
        f"acknowledgement from 2020-01-01 by policy 2.999.40.1 {origin}",
        f"acknowledgement from 2020-01-01 by policy 2.999.40.4 {origin}",
        f"grant person 2.999.4|B read normal portal from 2020-01-01 by policy 2.999.40.4 {origin}",
    }
    assert {*told(record)} == expected
    changes = record.history()
    assert {change.by for change in changes} == {f"Dr {record.patient.extension} ({record.patient.party.id})"}
    trail = audited(record)
    assert all(encoded(line) in trail for line in expected)


def test_a_doctor_submits_the_scanned_form_that_the_patient_signed(domain):
    """The domain's rules say who besides the patient may, and that it be signed (ITI TF-3: 5.1.2, 5.2)."""
    record = Record(domain, opened=False)
    form = acknowledging(record, BY_DOCTORS, scanned=True)
    assert submit(record, NURSE, form).errors == [("XDSRepositoryError", "not permitted")]
    unsigned = submit(record, DR_A, acknowledging(record, BY_DOCTORS, scanned=True, signed=False))
    assert unsigned.errors == [
        (
            "XDSRegistryMetadataError",
            "DocumentEntry Document1: legalAuthenticator is missing, expected who has signed the document",
        )
    ]
    assert told(record) == []
    assert submit(record, DR_A, form).status_urn == SUCCESS
    assert record.seen_by(record.patient) == [form.unique_id]
    assert record.retrieve(record.patient, form.unique_id).parts[1][1] == form.document


def test_only_who_may_decide_for_a_patient_acknowledges_in_his_name(record):
    """Representatives do as he does, helpers do not open and close, and nobody else gives rights to himself.

    ITI TF-3: 5.1, docs/consent.md.
    """
    record.grant(DR_A.party)
    record.grant(DR_B.party)
    refused = ("XDSRepositoryError", "Document1: such a document is not accepted from its sender")
    for person in (DR_A, DR_B):
        assert submit(record, person, acknowledging(record, CLINIC)).errors == [refused]
    record.let(Directive(Kind.HELPER, DR_B.party, manages=True))
    assert submit(record, DR_B, acknowledging(record, CLOSED)).errors == [refused]
    given(record, DR_B, acknowledging(record, NO_EMERGENCY))
    opened = given(record, record.patient, acknowledging(record, OPEN))
    not_his = ("XDSRegistryError", "a consent document is not given or taken back by its sender")
    assert submit(record, DR_B, acknowledging(record, NO_EMERGENCY), opened).errors == [not_his]
    assert ask(record, DR_B, ITI_57, requests.status_change(opened)).errors == [not_his]
    guardian = Person("G")
    basis = Directive(Kind.REPRESENTATIVE, guardian.party, manages=True, basis=Basis.GUARDIANSHIP)
    record.let(basis)
    answer = submit(record, guardian, acknowledging(record, CLOSED))
    assert answer.status_urn == SUCCESS
    assert record.seen_by(record.patient) == []
    assert submit(record, ADMIN, acknowledging(record, OPEN)).status_urn == SUCCESS
    assert len(record.seen_by(record.patient)) == 4


def test_a_replacement_takes_back_what_was_given_and_gives_what_it_says(record):
    """All or nothing, with the registration itself (ITI TF-3: 4.2.2.2.3, 5.1.2)."""
    sent = record.deposit(record.patient, level="R")
    first = given(record, record.patient, acknowledging(record, CLINIC))
    assert record.seen_by(DR_A) == [sent.unique_id]
    # A doctor sees nothing of the document, and cannot take it back by another.
    refused = submit(record, DR_A, acknowledging(record, BY_DOCTORS), first)
    assert refused.codes == ["UnresolvedReferenceException"]
    assert record.seen_by(DR_A) == [sent.unique_id]
    # What is refused changes nothing, neither the old nor the new.
    wrong = submit(record, record.patient, acknowledging(record, CLINIC, 99), first)
    assert wrong.codes == ["XDSRegistryMetadataError"]
    assert record.seen_by(DR_A) == [sent.unique_id]
    second = acknowledging(record, NOT_DR_B)
    given(record, record.patient, second, first)
    assert record.seen_by(DR_A) == []
    record.grant(DR_B.party, level=Level.RESTRICTED)
    assert record.seen_by(DR_B) == []
    assert any(
        line.startswith("no longer: grant organization urn:oid:2.999.61 deposit and read restricted")
        for line in told(record)
    )


@pytest.mark.parametrize("way", ["deprecated", "removed"])
def test_what_a_document_gave_ends_when_it_is_deprecated_or_removed(record, way):
    """MU supplement: 3.57.4.1.3.3.3; RMD supplement: 3.62.4.1.3."""
    sent = record.deposit(record.patient)
    by_hand = record.grant(DR_B.party, Right.DEPOSIT)
    document = acknowledging(record, DR_B_READS)
    entry_uuid = given(record, record.patient, document)
    assert record.seen_by(DR_B) == [sent.unique_id]
    if way == "deprecated":
        for old, new, seen in (
            (APPROVED, DEPRECATED, 0),
            (DEPRECATED, APPROVED, 1),
            (APPROVED, DEPRECATED, 0),
        ):
            change = requests.status_change(entry_uuid, old, new)
            assert ask(record, record.patient, ITI_57, change).status_urn == SUCCESS
            assert len(record.seen_by(DR_B)) == seen
    else:
        answer = record.ask(record.patient, "GetSubmissionSets", ("$uuid", f"('{entry_uuid}')"))
        objects = [one.get("id") for name in ("RegistryPackage", "Association") for one in answer.found(name)]
        assert ask(record, record.patient, ITI_62, entry_uuid, *objects).status_urn == SUCCESS
    assert record.seen_by(DR_B) == []
    # What the patient gave otherwise stays.
    record.no_longer(by_hand)


def test_what_the_patient_decides_later_counts(record):
    """To take back a right takes it back, whatever gave it; the document stays (docs/consent.md)."""
    sent = record.deposit(record.patient)
    given(record, record.patient, acknowledging(record, DR_B_READS, OPEN))
    assert record.seen_by(DR_B) == [sent.unique_id]
    record.no_longer(Directive(Kind.GRANT, DR_B.party))
    assert record.seen_by(DR_B) == []
    record.turn(RecordStatus.CLOSED)
    assert record.seen_by(record.patient) == []


def test_a_document_counts_in_its_time_only(domain):
    """From serviceStartTime to serviceStopTime, without anybody's doing (ITI TF-3: 5.1.2)."""
    past, coming = (f"{datetime.now(UTC) + timedelta(days=days):%Y%m%d}" for days in (-2, 2))
    for start, stop, opened in (
        ("20200101", past, False),
        ("20200101", coming, True),
        (coming, "", False),
        (past, "9999", True),
    ):
        record = Record(domain, opened=False)
        document = acknowledging(record, OPEN, start=start, stop=stop)
        assert submit(record, record.patient, document).status_urn == SUCCESS
        assert bool(record.seen_by(record.patient)) is opened, (start, stop)


def of_document(attribute: str, *values: str) -> dict[str, str]:
    return {attribute: requests.codes("Document1", attribute, *values)}


SAME = Acknowledgement("", (OPEN,))
# What a document says, what its metadata say instead of the same, and the error.
WRONG = {
    "a policy that the domain does not know": (
        replace(SAME, policies=(1, 99)), {}, "XDSRegistryMetadataError",
        "eventCodeList names 2.999.40.99^^2.999.40, which is no policy of this domain",
    ),
    "no policy at all": (
        SAME, {"eventCodeList": ""}, "XDSRepositoryMetadataError",
        "eventCodeList is missing, the document says 2.999.40.1^^2.999.40",
    ),
    "another policy": (
        SAME, of_document("eventCodeList", "2.999.40.2^^2.999.40"), "XDSRepositoryMetadataError",
        "eventCodeList is 2.999.40.2^^2.999.40, the document says 2.999.40.1^^2.999.40",
    ),
    "another time": (
        replace(SAME, stop="20300101"), {"serviceStopTime": ""}, "XDSRepositoryMetadataError",
        "serviceStopTime is missing, the document says 20300101",
    ),
    "a signature that is not there": (
        replace(SAME, signed=False),
        {"legalAuthenticator": requests.slot("legalAuthenticator", "^Muller^Jeanne")},
        "XDSRepositoryMetadataError", "legalAuthenticator has signed no such document",
    ),
    "a scan that is none": (
        SAME, of_document("formatCode", f"urn:ihe:iti:bppc-sd:2007^^{FORMATS}"),
        "XDSRepositoryMetadataError",
        "formatCode is urn:ihe:iti:bppc-sd:2007, the document says urn:ihe:iti:bppc:2007",
    ),
    "an institution that did not write it": (
        replace(SAME, policies=(3,)),
        {
            "author": requests.author(
                "Document1",
                requests.AUTHOR_OF_DOCUMENT,
                requests.slot("authorInstitution", "X^^^^^^^^^2.999.62"),
            )
        },
        "XDSRepositoryMetadataError", "author is urn:oid:2.999.62, which has not written the document",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_document_that_says_otherwise_than_its_metadata_is_refused_whole(record, what):
    """Nothing is stored, nothing registered, nothing changes (ITI TF-2: 3.41.4.1.3; ITI TF-3: 5.1.2.1.1)."""
    document, attributes, code, problem = WRONG[what]
    document = replace(document, patient_id=record.patient_id, unique_id=requests.fresh_oid())
    before, stored = told(record), record.platform.stored_files
    answer = submit(record, record.patient, document, **attributes)
    assert answer.errors == [(code, f"DocumentEntry Document1: {problem}")]
    assert told(record) == before
    assert record.platform.stored_files == stored
    assert record.seen_by(record.patient) == []


def test_the_document_of_another_patient_or_of_nobody_is_refused(record):
    """ITI TF-3: 5.1.2.1.1.1."""
    document = acknowledging(record, DR_B_READS)
    other = replace(document, patient_id=requests.fresh_patient_id()).document
    for content, problem in (
        (other, "patientId is not that of the document"),
        (
            b"<not/>",
            "formatCode is wrong, the document is no acknowledgement of policies: it is no ClinicalDocument",
        ),
        (
            b"",
            "formatCode is wrong, the document is no acknowledgement of policies: "
            "it cannot be parsed: there is no XML element here",
        ),
        (
            document.document.replace(b"57016-8", b"11502-2"),
            "formatCode is wrong, the document is no acknowledgement of policies: "
            "code is not 57016-8^^2.16.840.1.113883.6.1",
        ),
    ):
        answer = record.provide(record.patient, document.submission(), content, "text/xml")
        assert answer.errors == [("XDSRepositoryMetadataError", f"DocumentEntry Document1: {problem}")]
    assert record.seen_by(record.patient) == []


def test_an_update_of_metadata_does_not_change_what_was_signed(record):
    """MU supplement: 3.57.4.1.3.3.1; what a document says is changed by another in its place."""
    document = acknowledging(record, DR_B_READS)
    entry_uuid = given(record, record.patient, document)
    known = requests.registered(sha1_of(document.document), len(document.document))
    version = document.submission(
        creationTime=requests.slot("creationTime", "20240102030405") + known,
        eventCodeList=requests.codes("Document1", "eventCodeList", "2.999.40.2^^2.999.40"),
    ).submit_objects_request
    version = version.replace(
        '<rim:ExtrinsicObject id="Document1"', f'<rim:ExtrinsicObject lid="{entry_uuid}" id="Document1"'
    )
    version = version.replace(
        "</rim:Association>", requests.slot("PreviousVersion", "1") + "</rim:Association>"
    )
    message = envelope(ITI_57, version, more_headers=record.patient.headers)
    answer = post(record.platform.registry_url, message)
    assert answer.errors == [
        (
            "XDSMetadataUpdateError",
            "DocumentEntry Document1: an update changes what a consent document says, "
            "expected another document in its place",
        )
    ]


def test_a_registry_without_the_documents_acts_on_their_metadata(record):
    """The repository may be anybody's: what ITI-42 says takes effect with it (docs/decisions/0020)."""
    sent = record.deposit(record.patient)

    assert register(record, DR_B, acknowledging(record, 4)).errors == [("XDSRegistryError", "not permitted")]
    assert register(record, record.patient, acknowledging(record, 99)).codes == ["XDSRegistryMetadataError"]
    assert record.seen_by(DR_B) == []
    assert register(record, record.patient, acknowledging(record, 4)).status_urn == SUCCESS
    assert record.seen_by(DR_B) == [sent.unique_id]


def test_a_registry_and_a_repository_in_two_processes(migrated_postgresql_url, tmp_path):
    """The repository refuses what does not agree, the registry's transaction does the rest (3.42)."""
    for actor in ("registry", "repository"):
        write_rules(tmp_path / actor, RULES + POLICIES)
    environment = {"COFFRE_DATABASE_URL": migrated_postgresql_url}
    with running_apart(tmp_path, toml=RULED_DOMAIN, environment=environment) as platform:
        record = Record(platform, opened=False)
        document = acknowledging(record, OPEN, DR_B_READS)
        other = replace(document, policies=(OPEN,)).document
        answer = record.provide(record.patient, document.submission(), other, "text/xml")
        assert answer.codes == ["XDSRepositoryMetadataError"]
        assert record.seen_by(record.patient) == []
        assert submit(record, record.patient, document).status_urn == SUCCESS
        assert record.seen_by(record.patient) == [document.unique_id]
        sent = record.deposit(record.patient)
        assert record.seen_by(DR_B) == [sent.unique_id]


def test_what_a_document_changed_is_recorded_though_the_audit_trail_was_out_of_order(tmp_path):
    """ITI TF-2: 3.20: the record is owed by the transaction that changes the directives."""
    directory = write_rules(tmp_path, RULES + POLICIES)
    with running(directory, actors="registry", toml=RULED_DOMAIN) as platform:
        record = Record(platform)
        patient = ("$XDSDocumentEntryPatientId", f"'{record.patient_id}'")
        status = ("$XDSDocumentEntryStatus", "'" + "x" * LONG_QUERY_BYTES + "'")
        record.ask(record.patient, "FindDocuments", patient, status)
        document = acknowledging(record, DR_B_READS)
        with without_room_for_records(platform):
            assert register(record, record.patient, document).status == 500
        given_then = encoded(
            "grant person 2.999.4|B read normal portal from 2020-01-01 by policy 2.999.40.4 "
            f"of consent document {document.unique_id} (before: nothing)"
        )
        deadline = time.monotonic() + WAIT_SECONDS
        while given_then not in audited(record):
            assert time.monotonic() < deadline, platform.log
            time.sleep(0.1)
        assert audited(record).count(given_then) == 1
