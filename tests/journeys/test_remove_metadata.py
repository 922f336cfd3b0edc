"""Metadata leaves a running registry by ITI-62 (RMD supplement: 3.62)."""

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.named_record import NamedRecord
from tests.messages.requests import FAILURE, ITI_62, NAMESPACES, SUCCESS, submission
from tests.wire import envelope, post

LETTER = b"Dear colleague,\r\nall is well.\r\n"


def remove(platform, *entry_uuids, attributes="", before=""):
    named = "".join(f'<rim:ObjectRef id="{one}"/>' for one in entry_uuids)
    body = (
        f"<lcm:RemoveObjectsRequest {NAMESPACES}{attributes}>{before}"
        f"<rim:ObjectRefList>{named}</rim:ObjectRefList></lcm:RemoveObjectsRequest>"
    )
    return post(platform.registry_url, envelope(ITI_62, body))


def record_of(platform, patient_id):
    """The ids of the patient's (SubmissionSet, DocumentEntry, Association)."""
    answer = platform.query(requests.get_all(patient_id))
    return [
        str(one.get("id"))
        for name in ("RegistryPackage", "ExtrinsicObject", "Association")
        for one in answer.found(name)
    ]


@pytest.fixture
def record(platform):
    patient_id = platform.add_patient()
    assert platform.provide(submission(patient_id), LETTER).status_urn == SUCCESS
    return patient_id, *record_of(platform, patient_id)


def test_a_whole_submission_is_removed(platform, record):
    """3.62.4.1.3."""
    patient_id, *everything = record
    answer = remove(platform, *everything)
    assert answer.status_urn == SUCCESS
    (action,) = answer.envelope.iter("{http://www.w3.org/2005/08/addressing}Action")
    assert action.text == "urn:ihe:iti:2010:DeleteDocumentSetResponse"
    assert record_of(platform, patient_id) == []


def test_the_document_itself_stays_in_its_repository(platform):
    """3.62.4.1.3: the registry touches metadata only."""
    patient_id = platform.add_patient()
    sent = submission(patient_id)
    platform.provide(sent, LETTER)
    assert remove(platform, *record_of(platform, patient_id)).status_urn == SUCCESS
    assert platform.retrieve(sent.unique_id).parts[1][1] == LETTER


def test_an_unknown_id_removes_nothing(platform, record):
    """3.62.4.1.3; UnresolvedReferenceException."""
    patient_id, *everything = record
    absent = requests.fresh_uuid()
    answer = remove(platform, *everything, absent)
    assert answer.status_urn == FAILURE
    context = f"{absent} is not registered, expected the id of an object that is"
    assert answer.errors == [("UnresolvedReferenceException", context)]
    assert answer.locations == [f"ObjectRefList/ObjectRef[@id='{absent}']"]
    assert record_of(platform, patient_id) == everything


def test_a_set_that_still_has_members_stays(platform, record):
    """3.62.4.1.3; ReferencesExistException."""
    _, submission_set, *_ = record
    answer = remove(platform, submission_set)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["ReferencesExistException"])
    assert submission_set in answer.errors[0][1]


def test_a_document_does_not_leave_an_empty_set_behind(platform, record):
    """3.62.4.1.3; XDSUnreferencedObjectException."""
    patient_id, submission_set, document, association = record
    answer = remove(platform, document, association)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSUnreferencedObjectException"])
    assert submission_set in answer.errors[0][1]
    assert len(record_of(platform, patient_id)) == 3


def test_an_original_stays_while_something_is_appended_to_it(platform):
    """3.62.4.1.3; NIST 30004: it goes with the Association that appends, and what was appended may stay."""
    named = NamedRecord(platform)
    id = named.names.uuid
    named.register("S1", documents="A")
    named.register("S2", documents="B", links=["B APND A"])
    original = (id("S1"), id("A"), id("S1>A"))
    answer = remove(platform, *original)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["ReferencesExistException"])
    assert id("B>A") in answer.errors[0][1]
    assert remove(platform, *original, id("B>A")).status_urn == SUCCESS
    assert named.held() == "B S2 S2>B"


def test_a_replacement_goes_with_its_association_and_what_it_replaced(platform):
    """3.62.4.1.3; NIST 30005: either side, with the Association between them."""
    named = NamedRecord(platform)
    id = named.names.uuid
    named.register("S1", documents="A")
    named.register("S2", documents="B", links=["B RPLC A"])
    assert remove(platform, id("S2"), id("B"), id("S2>B")).codes == ["ReferencesExistException"]
    assert remove(platform, id("S1"), id("A"), id("S1>A"), id("B>A")).status_urn == SUCCESS
    assert named.held() == "B S2 S2>B"


def test_what_was_removed_may_be_registered_again(platform):
    """3.62.4.1.3; under the very same ids."""
    named = NamedRecord(platform)
    named.register("S1", documents="A")
    id = named.names.uuid
    assert remove(platform, id("S1"), id("A"), id("S1>A")).status_urn == SUCCESS
    named.register("S1", documents="A")
    assert named.held() == "A S1 S1>A"


DOCUMENT_ONLY = "urn:oasis:names:tc:ebxml-regrep:DeletionScopeType:DeleteRepositoryItemOnly"
ONE = (requests.fresh_uuid(),)


@pytest.mark.parametrize(
    ("named", "attributes", "before"),
    [
        ((), "", ""),
        (ONE, f' deletionScope="{DOCUMENT_ONLY}"', ""),
        (ONE, "", f'<rim:AdhocQuery id="{requests.FIND_DOCUMENTS}"/>'),
        (ONE, "", '<rim:ExtrinsicObject id="x"/>'),
    ],
    ids=["nothing named", "the document only", "by query", "by object"],
)
def test_objects_are_removed_by_their_ids_alone(platform, named, attributes, before):
    """3.62.4.1.2."""
    answer = remove(platform, *named, attributes=attributes, before=before)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryError"])


def test_the_record_of_a_refusal_names_each_patient_whose_objects_were_named(platform, record):
    """3.62.5.1: whoever tried must show in the trail of every record that he tried it on."""
    patient_id, document = record[0], record[2]
    other = platform.add_patient()
    assert platform.provide(requests.submission(other), LETTER).status_urn == SUCCESS
    others = record_of(platform, other)
    absent = requests.fresh_uuid()
    assert remove(platform, document, others[0], absent).status_urn == FAILURE
    (directory,) = platform.audit_spools
    told = [
        [each.id for each in message.objects]
        for message in map(read_audit_message, stored_records(directory))
        if absent in {each.id for each in message.objects} and message.event.outcome == 4
    ]
    named = [document, others[0], absent]
    assert told == [[each, *named] for each in sorted([patient_id, other])]


def test_the_record_names_the_patient_and_each_object(platform, record):
    """3.62.5.1: Patient Record, Delete."""
    patient_id, *everything = record
    remove(platform, *everything)
    (directory,) = platform.audit_spools
    told = [
        message
        for message in map(read_audit_message, stored_records(directory))
        if everything[0] in {each.id for each in message.objects}
    ]
    (message,) = told
    assert (message.event.event_id.code, message.event.action, message.event.outcome) == ("110110", "D", 0)
    assert [each.code for each in message.event.type_codes] == ["ITI-62"]
    assert [each.id for each in message.objects] == [patient_id, *everything]
