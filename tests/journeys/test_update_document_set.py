"""A Document Administrator changes registered metadata by ITI-57 and ITI-92 (MU and RMU supplements)."""

from xml.sax.saxutils import escape

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.requests import (
    APPROVED,
    DEPRECATED,
    FAILURE,
    HAS_MEMBER,
    ITI_42,
    ITI_57,
    ITI_61,
    ITI_92,
    ON_DEMAND,
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
    """MU supplement: 3.57.4.1.3; XDSMetadataVersionError."""
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
    ("action", "expected"),
    [(ITI_57, "XDSMetadataUpdateOperationError"), (ITI_92, "XDSMetadataAnnotationError")],
)
@pytest.mark.parametrize(
    ("old", "new", "context"),
    [
        (
            slot("PreviousVersion", "1"),
            slot("PreviousVersion", "1", "2"),
            "previousVersion has a second value '2', expected one (ITI TF-3: 4.2.2.2)",
        ),
        (
            slot("SubmissionSetStatus", "Original"),
            slot("SubmissionSetStatus", "Original", "Reference"),
            "submissionSetStatus has a second value 'Reference', expected one (ITI TF-3: 4.2.2.2.1)",
        ),
        (
            slot("PreviousVersion", "1"),
            slot("PreviousVersion", "1") + slot("AssociationPropagation", "yes", "no"),
            "associationPropagation has a second value 'no', expected one (ITI TF-3: 4.2.2.2)",
        ),
        (
            slot("PreviousVersion", "1"),
            slot("PreviousVersion", "1") * 2,
            "a second Slot has the name 'PreviousVersion', expected one with all values (ITI TF-3: 4.2.2.2)",
        ),
    ],
    ids=["PreviousVersion", "SubmissionSetStatus", "AssociationPropagation", "Slot"],
)
def test_a_second_value_leaves_no_operation_to_be_decoded(record, action, expected, old, new, context):
    """MU supplement: 3.57.4.1.3.3.1; RMU supplement: 3.92.4.1.3."""
    entry, member = record.version()
    assert old in member
    answer = record.send(entry, member.replace(old, new), action=action)
    assert (answer.status_urn, answer.errors) == (FAILURE, [(expected, f"Association member: {context}")])
    (location,) = answer.locations
    assert location.startswith("Association[@id='member']/Slot[@name='")
    assert [title_of(entry) for entry in record.found()] == ["Report"]


@pytest.mark.parametrize("name", ["OriginalStatus", "NewStatus"])
def test_a_second_value_of_a_status_leaves_no_operation_to_be_decoded(record, name):
    """XDSMetadataUpdateOperationError (MU supplement: 3.57.4.1.3.3.3)."""
    values = {"OriginalStatus": APPROVED, "NewStatus": DEPRECATED}
    change = status_change(record.lid)
    assert slot(name, values[name]) in change
    answer = record.send(change.replace(slot(name, values[name]), slot(name, values[name], APPROVED)))
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSMetadataUpdateOperationError"])
    assert f"has a second value '{APPROVED}', expected one" in answer.errors[0][1]
    assert answer.locations[0].endswith(f"/Slot[@name='{name}']")
    assert len(record.found()) == 1


@pytest.mark.parametrize(
    ("action", "expected"), [(ITI_57, "XDSMetadataUpdateError"), (ITI_92, "XDSInvalidRequestException")]
)
def test_a_registration_is_no_update(record, action, expected):
    """MU supplement: 3.57.4.1.3.3.1: lid is required."""
    entry, member = record.version()
    answer = record.send(entry.replace(f'lid="{record.lid}" ', ""), member, action=action)
    assert (answer.status_urn, answer.codes) == (FAILURE, [expected])


def test_incomplete_metadata_is_refused(record):
    """MU supplement: 3.57.4.1.3; XDSRegistryMetadataError: a whole entry, not a difference."""
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
    """MU supplement: 3.57.4.1.3; XDSMetadataUpdateOperationError."""
    answer = record.send(status_change(record.lid, old, new, more))
    assert (answer.status_urn, set(answer.codes)) == (FAILURE, {"XDSMetadataUpdateOperationError"})


def test_the_original_status_must_hold(record):
    """MU supplement: 3.57.4.1.3; XDSMetadataUpdateError."""
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
    """MU supplement: 3.57.4.1.3; UnmodifiableMetadataError."""
    answer = record.send(*record.version(), status_change(record.lid), action=ITI_92)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["UnmodifiableMetadataError"])


def test_a_restricted_update_moves_no_document(record):
    """MU supplement: 3.57.4.1.3; UnmodifiableMetadataError: repositoryUniqueId."""
    entry, member = record.version()
    moved = entry.replace(
        slot("repositoryUniqueId", requests.REPOSITORY), slot("repositoryUniqueId", "2.999.3")
    )
    answer = record.send(moved, member, action=ITI_92)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["UnmodifiableMetadataError"])


@pytest.mark.parametrize(("action", "number"), [(ITI_57, "ITI-57"), (ITI_92, "ITI-92")])
def test_the_record_names_patient_submission_set_and_document(record, action, number):
    """MU supplement: 3.57.5.1; the document is there for the patient's journal."""
    record.send(*record.version(), action=action)
    (directory,) = record.platform.audit_spools
    (message,) = [
        one
        for one in map(read_audit_message, stored_records(directory))
        if record.set_unique_id in {each.id for each in one.objects}
    ]
    assert [each.code for each in message.event.type_codes] == [number]
    assert (message.event.event_id.code, message.event.outcome) == ("110107", 0)
    assert [each.id for each in message.objects] == [
        record.patient_id,
        record.set_unique_id,
        record.unique_id,
    ]


@pytest.mark.parametrize(
    ("action", "number"), [(ITI_42, "ITI-42"), (ITI_57, "ITI-57"), (ITI_61, "ITI-61"), (ITI_92, "ITI-92")]
)
def test_the_record_of_a_refusal_names_each_patient_whose_objects_were_named(record, action, number):
    """MU supplement: 3.57.5.1: whoever tried must show in the trail of the record that he tried it on."""
    entry, member = record.version()
    owner, record.patient_id = record.patient_id, record.platform.add_patient()
    objects = [entry.replace(escape(owner), escape(record.patient_id)), member]
    if action in (ITI_42, ITI_61):
        on_demand = {"object_type": ON_DEMAND, "creationTime": ""} if action == ITI_61 else {}
        slots = slot("repositoryUniqueId", requests.REPOSITORY) if on_demand else OF_REPOSITORY
        objects = [
            requests.document_entry(record.patient_id, fresh_oid(), slots=slots, **on_demand),
            association("SubmissionSet1", "Document1", status="Original"),
            association("Document1", record.lid, SIGNS, id="signs"),
        ]
    elif action == ITI_57:
        objects.append(status_change(record.lid, DEPRECATED, APPROVED))
    answer = record.send(*objects, action=action)
    assert answer.status_urn == FAILURE
    (directory,) = record.platform.audit_spools
    told = [
        one
        for one in map(read_audit_message, stored_records(directory))
        if record.set_unique_id in {each.id for each in one.objects}
    ]
    assert {each.code for one in told for each in one.event.type_codes} == {number}
    assert {one.event.outcome for one in told} == {4}
    assert [one.objects[0].id for one in told] == [record.patient_id, owner]
