"""A Document Administrator changes registered metadata by ITI-57 and ITI-92 (MU and RMU supplements)."""

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.requests import (
    APPROVED,
    DEPRECATED,
    FAILURE,
    HAS_MEMBER,
    ITI_57,
    ITI_92,
    SUCCESS,
    association,
    find_documents,
    fresh_oid,
    slot,
    status_change,
    submit,
)
from tests.wire import envelope, post

SUBMIT = "urn:ihe:iti:2010:AssociationType:SubmitAssociation"
SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
OF_REPOSITORY = requests.registered("da39a3ee5e6b4b0d3255bfef95601890afd80709", 0)
TITLE = '<rim:LocalizedString value="Report"/>'


class Record:
    """One registered document of one patient, and what the tests need to name it by."""

    def __init__(self, platform):
        self.platform = platform
        self.patient_id = platform.add_patient()
        self.unique_id, self.set_unique_id = fresh_oid(), ""
        self.register(self.unique_id)
        (entry,) = self.found()
        self.lid = str(entry.get("id"))

    def register(self, unique_id):
        body = submit(
            requests.submission_set(self.patient_id, fresh_oid()),
            requests.document_entry(self.patient_id, unique_id, slots=OF_REPOSITORY),
            association("SubmissionSet1", "Document1", status="Original"),
        )
        assert self.platform.register(body).status_urn == SUCCESS

    def found(self, status=APPROVED, *slots):
        answer = self.platform.query(find_documents(self.patient_id, *slots, status=status))
        assert answer.status_urn == SUCCESS
        return answer.found("ExtrinsicObject")

    def send(self, *objects, action=ITI_57):
        self.set_unique_id = fresh_oid()
        body = submit(requests.submission_set(self.patient_id, self.set_unique_id), *objects)
        return post(self.platform.registry_url, envelope(action, body))

    def version(self, title="Corrected", lid=None, previous="1"):
        """The next version of the document and its HasMember."""
        entry = requests.document_entry(self.patient_id, self.unique_id, slots=OF_REPOSITORY)
        entry = entry.replace(TITLE, TITLE.replace("Report", title), 1)
        entry = entry.replace("<rim:ExtrinsicObject ", f'<rim:ExtrinsicObject lid="{lid or self.lid}" ', 1)
        return entry, self.member(slot("PreviousVersion", previous) if previous else "")

    def member(self, slots):
        return (
            f'<rim:Association id="member" sourceObject="SubmissionSet1" targetObject="Document1" '
            f'associationType="{HAS_MEMBER}">{slot("SubmissionSetStatus", "Original")}{slots}'
            "</rim:Association>"
        )


@pytest.fixture
def record(platform):
    return Record(platform)


def title_of(entry):
    return entry.find("{*}Name/{*}LocalizedString").get("value")


@pytest.mark.parametrize("action", [ITI_57, ITI_92])
def test_new_metadata_becomes_a_new_version(record, action):
    """MU supplement: 3.57.4.1.3; RMU supplement: 3.92.4.1.3."""
    answer = record.send(*record.version(), action=action)
    assert answer.status_urn == SUCCESS, answer.errors
    (told,) = answer.envelope.iter("{http://www.w3.org/2005/08/addressing}Action")
    assert told.text == f"{action}Response"
    (entry,) = record.found()
    assert (title_of(entry), entry.get("lid")) == ("Corrected", record.lid)
    assert entry.find("{*}VersionInfo").get("versionName") == "2"
    (old,) = record.found(DEPRECATED, ("$MetadataLevel", "2"))
    assert (title_of(old), old.get("id")) == ("Report", record.lid)


@pytest.mark.parametrize("action", [ITI_57, ITI_92])
@pytest.mark.parametrize("wrong", [{"previous": "2"}, {"lid": requests.fresh_uuid()}], ids=["version", "lid"])
def test_only_the_latest_version_is_updated(record, action, wrong):
    """XDSMetadataVersionError."""
    answer = record.send(*record.version(**wrong), action=action)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSMetadataVersionError"])
    assert [title_of(entry) for entry in record.found()] == ["Report"]


@pytest.mark.parametrize(
    ("action", "expected"),
    [(ITI_57, "XDSMetadataUpdateOperationError"), (ITI_92, "XDSMetadataAnnotationError")],
)
def test_the_previous_version_is_named(record, action, expected):
    """MU supplement: 3.57.4.1.3.3.1; RMU supplement: 3.92.4.1.3."""
    answer = record.send(*record.version(previous=""), action=action)
    assert (answer.status_urn, answer.codes) == (FAILURE, [expected])


@pytest.mark.parametrize(
    ("action", "expected"), [(ITI_57, "XDSMetadataUpdateError"), (ITI_92, "XDSInvalidRequestException")]
)
def test_a_registration_is_no_update(record, action, expected):
    """MU supplement: 3.57.4.1.3.3.1: lid is required."""
    entry, member = record.version()
    answer = record.send(entry.replace(f'lid="{record.lid}" ', ""), member, action=action)
    assert (answer.status_urn, answer.codes) == (FAILURE, [expected])


def test_incomplete_metadata_is_refused(record):
    """XDSRegistryMetadataError: a whole entry, not a difference."""
    entry, member = record.version()
    answer = record.send(entry.replace(slot("languageCode", "fr-LU"), ""), member)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryMetadataError"])
    assert "languageCode" in answer.errors[0][1]


def test_a_document_is_deprecated_and_approved_again(record):
    """MU supplement: 3.57.4.1.3.3.3."""
    assert record.send(status_change(record.lid)).status_urn == SUCCESS
    assert (len(record.found()), len(record.found(DEPRECATED))) == (0, 1)
    assert record.send(status_change(record.lid, DEPRECATED, APPROVED)).status_urn == SUCCESS
    assert (len(record.found()), len(record.found(DEPRECATED))) == (1, 0)


@pytest.mark.parametrize(
    ("old", "new", "more"),
    [
        ("", DEPRECATED, ""),
        (APPROVED, "", ""),
        (APPROVED, "Deprecated", ""),
        (APPROVED, APPROVED, ""),
        (APPROVED, DEPRECATED, slot("OtherStatus", DEPRECATED)),
    ],
    ids=["no original", "no new", "short form", "the same", "another Slot"],
)
def test_a_status_change_that_cannot_be_read_is_no_operation(record, old, new, more):
    """XDSMetadataUpdateOperationError."""
    answer = record.send(status_change(record.lid, old, new, more))
    assert (answer.status_urn, set(answer.codes)) == (FAILURE, {"XDSMetadataUpdateOperationError"})


def test_the_original_status_must_hold(record):
    """XDSMetadataUpdateError."""
    answer = record.send(status_change(record.lid, DEPRECATED, APPROVED))
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSMetadataUpdateError"])
    assert record.lid in answer.errors[0][1]


def test_an_association_is_submitted(record):
    """MU supplement: 3.57.4.1.3.3.4; once it is there, not again."""
    record.register(fresh_oid())
    (other,) = {str(entry.get("id")) for entry in record.found()} - {record.lid}
    payload = association(other, record.lid, SIGNS, id="payload")
    trigger = association("SubmissionSet1", "payload", SUBMIT)
    assert record.send(payload, trigger).status_urn == SUCCESS
    everything = record.platform.query(requests.get_all(record.patient_id))
    kinds = [str(one.get("associationType")) for one in everything.found("Association")]
    assert (kinds.count(SIGNS), kinds.count(SUBMIT)) == (1, 0)
    answer = record.send(payload, trigger)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSMetadataUpdateError"])


def test_a_restricted_update_changes_no_status(record):
    """UnmodifiableMetadataError."""
    answer = record.send(*record.version(), status_change(record.lid), action=ITI_92)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["UnmodifiableMetadataError"])


def test_a_restricted_update_moves_no_document(record):
    """UnmodifiableMetadataError: repositoryUniqueId."""
    entry, member = record.version()
    moved = entry.replace(
        slot("repositoryUniqueId", requests.REPOSITORY), slot("repositoryUniqueId", "2.999.3")
    )
    answer = record.send(moved, member, action=ITI_92)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["UnmodifiableMetadataError"])


@pytest.mark.parametrize(("action", "number"), [(ITI_57, "ITI-57"), (ITI_92, "ITI-92")])
def test_the_record_names_patient_and_submission_set(record, action, number):
    """MU supplement: 3.57.5.1."""
    record.send(*record.version(), action=action)
    (directory,) = record.platform.audit_spools
    (message,) = [
        one
        for one in map(read_audit_message, stored_records(directory))
        if record.set_unique_id in {each.id for each in one.objects}
    ]
    assert [each.code for each in message.event.type_codes] == [number]
    assert (message.event.event_id.code, message.event.outcome) == ("110107", 0)
    assert [each.id for each in message.objects] == [record.patient_id, record.set_unique_id]
