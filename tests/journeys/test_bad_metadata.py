"""Metadata that breaks a rule: by ITI-42 and ITI-41 in real bytes, with every error that comes back."""

import hashlib

import pytest

from tests.messages import requests
from tests.messages.bad_attributes import DATATYPES, MISSING
from tests.messages.bad_references import ASSOCIATIONS, IDENTITIES
from tests.messages.bad_structure import SCHEMA, STRUCTURE
from tests.messages.changes import METADATA_ERROR, all_of, identified, instead, no_slot, values
from tests.messages.requests import (
    DEPRECATED,
    FAILURE,
    ITI_41,
    SUCCESS,
    Submission,
    association,
    provide,
    registered,
    submission,
)
from tests.services.platform import OPEN_DOMAIN, Platform, storing_nothing
from tests.wire import MTOM_TYPE, envelope, include, mtom, post

DOCUMENT = b"all is well\r\n"
SHA1 = hashlib.sha1(DOCUMENT).hexdigest()  # noqa: S324
APPROVED_EXPECTED = "expected an Approved object (ITI TF-3: 4.2.2)"
ANOTHERS = "belongs to another patient, expected one of the SubmissionSet's"
CASES = {**MISSING, **DATATYPES, **STRUCTURE, **ASSOCIATIONS, **IDENTITIES, **SCHEMA}


@pytest.mark.parametrize(("change", "expected"), CASES.values(), ids=CASES.keys())
def test_a_broken_rule_is_refused_by_registry_and_repository(platform, change, expected):
    """ITI TF-2: 3.42.4.1.3, 3.41.4.1.3; ITI TF-3: 4.2, 4.3.1; nothing is stored by either."""
    patient_id = platform.add_patient()
    good = submission("PATIENT", with_folder=True, slots=registered(SHA1, len(DOCUMENT)))
    bad = change(good.submit_objects_request).replace("PATIENT", patient_id.replace("&", "&amp;"))
    errors = [(METADATA_ERROR, expected)] if isinstance(expected, str) else expected
    errors = [(code, context.replace("PATIENT", patient_id)) for code, context in errors]
    with storing_nothing(platform, patient_id):
        assert errors_by_iti_42(platform, bad) == errors
        assert errors_by_iti_41(platform, bad) == as_repository(errors)


def errors_by_iti_42(platform: Platform, xml: str) -> list[tuple[str, str]]:
    answer = platform.register(xml)
    assert (answer.status, answer.status_urn) == (200, FAILURE), answer.body
    assert all(answer.locations), answer.body
    return answer.errors


def errors_by_iti_41(platform: Platform, xml: str, document: bytes = DOCUMENT) -> list[tuple[str, str]]:
    body = provide(xml, ("Document1", include("part1@wire")))
    message = mtom(envelope(ITI_41, body), ("part1@wire", "text/plain", document))
    answer = post(platform.repository_url, message, MTOM_TYPE)
    assert (answer.status, answer.status_urn) == (200, FAILURE), answer.body
    return answer.errors


def as_repository(errors: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The repository reports these two under names of its own (ITI TF-3: Table 4.2.4.1-2)."""
    names = {
        "XDSRegistryMetadataError": "XDSRepositoryMetadataError",
        "XDSRegistryDuplicateUniqueIdInMessage": "XDSRepositoryDuplicateUniqueIdInMessage",
    }
    return [(names.get(name, name), context.replace("ITI-42", "ITI-41")) for name, context in errors]


@pytest.mark.parametrize("name", ["hash", "size", "repositoryUniqueId"])
def test_what_a_repository_adds_only_a_registry_misses(platform, name):
    """ITI TF-2: 3.41.4.1.3, 3.42.4.1.2."""
    patient_id = platform.add_patient()
    sent = submission(patient_id, slots=registered(SHA1, len(DOCUMENT)))
    bare = no_slot(name)(sent.submit_objects_request)
    sections = {"hash": "4.2.3.2.10", "size": "4.2.3.2.21", "repositoryUniqueId": "4.2.3.2.18"}
    context = f"DocumentEntry Document1: {name} is missing, ITI-42 requires it (ITI TF-3: {sections[name]})"
    with storing_nothing(platform, patient_id):
        assert errors_by_iti_42(platform, bare) == [("XDSRegistryMetadataError", context)]
    answer = platform.provide(Submission(patient_id, bare, "", sent.unique_ids), DOCUMENT)
    assert answer.status_urn == SUCCESS


def test_all_errors_of_a_message_come_together(platform):
    """ITI TF-3: 4.2.4; metadata, patients, uniqueIds, references and documents in one answer."""
    patient_id = platform.add_patient()
    sent = submission(patient_id, with_folder=True)
    bad = all_of(
        no_slot("creationTime"),
        values("languageCode", "fr_LU"),
        values("submissionTime", "today"),
        identified("XDSDocumentEntry.uniqueId-Document1", "2.999.77"),
        identified("XDSFolder.uniqueId-Folder1", "2.999.77"),
        identified("XDSFolder.patientId-Folder1", "P2^^^&amp;2.999.5&amp;ISO"),
        instead('targetObject="Folder1"', 'targetObject="Folder9"'),
    )(sent.submit_objects_request)
    with storing_nothing(platform, patient_id):
        body = provide(bad, ("Document9", include("part1@wire")))
        message = mtom(envelope(ITI_41, body), ("part1@wire", "text/plain", DOCUMENT))
        answer = post(platform.repository_url, message, MTOM_TYPE)
    assert answer.status_urn == FAILURE
    assert answer.codes == [
        "XDSRepositoryMetadataError",  # submissionTime
        "XDSRepositoryMetadataError",  # creationTime
        "XDSRepositoryMetadataError",  # languageCode
        "XDSRepositoryDuplicateUniqueIdInMessage",
        "XDSPatientIdDoesNotMatch",
        "UnresolvedReferenceException",  # Folder9
        "XDSMissingDocument",
        "XDSMissingDocumentMetadata",
    ]
    severities = {one.get("severity") for one in answer.found("RegistryError")}
    assert severities == {"urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"}


def test_a_message_with_thousands_of_errors_is_told_two_hundred(platform):
    """The answer stays small whatever is sent."""
    patient_id = platform.add_patient()
    sent = submission(patient_id, slots="".join(requests.slot(f"room{n}", "x") for n in range(3000)))
    with storing_nothing(platform, patient_id):
        errors = errors_by_iti_41(platform, sent.submit_objects_request)
    assert len(errors) == 201
    assert errors[-1][1] == "the submission has more than 200 errors, not all are listed"


@pytest.mark.parametrize("name", ["hash", "size"])
def test_a_document_is_measured_against_its_metadata(platform, name):
    """ITI TF-2: 3.41.4.1.3."""
    patient_id = platform.add_patient()
    zeros = "0" * 40
    stated = registered(zeros, 13) if name == "hash" else registered(SHA1.upper(), 12)
    contexts = {
        "hash": f"DocumentEntry Document1: hash is {zeros}, the document's SHA-1 is {SHA1}",
        "size": "DocumentEntry Document1: size is 12, the document has 13 bytes",
    }
    sent = submission(patient_id, slots=stated)
    with storing_nothing(platform, patient_id):
        errors = errors_by_iti_41(platform, sent.submit_objects_request)
    assert errors == [("XDSRepositoryMetadataError", contexts[name])]


def test_documents_and_entries_belong_together(platform):
    """ITI TF-2: 3.41.4.1.3; what one lacks and what the other has too much."""
    sent = submission(platform.add_patient(), 2)
    body = provide(
        sent.submit_objects_request,
        ("Document1", include("part1@wire")),
        ("Document9", include("part9@wire")),
    )
    parts = [("part1@wire", "text/plain", DOCUMENT), ("part9@wire", "text/plain", b"nine")]
    with storing_nothing(platform, sent.patient_id):
        answer = post(platform.repository_url, mtom(envelope(ITI_41, body), *parts), MTOM_TYPE)
    assert answer.errors == [
        ("XDSMissingDocument", "DocumentEntry Document2 has no Document in the message"),
        ("XDSMissingDocumentMetadata", "Document Document9 has no DocumentEntry in the message"),
    ]


def test_one_wrong_document_keeps_the_others_out(platform):
    """ITI TF-2: 3.41.4.1.3; all or nothing, in files and in tables."""
    sent = submission(platform.add_patient(), 3, with_folder=True)
    second = sent.submit_objects_request.replace(
        f'value="{sent.unique_ids[1]}"', f'value="{sent.unique_ids[0]}"'
    )
    broken = Submission(sent.patient_id, second, sent.submission_set_unique_id, sent.unique_ids)
    with storing_nothing(platform, sent.patient_id):
        answer = platform.provide(broken, b"one", b"two", b"three")
        assert answer.errors == [
            (
                "XDSRepositoryDuplicateUniqueIdInMessage",
                f"the uniqueId '{sent.unique_ids[0]}' stands on 2 objects, expected it on one",
            )
        ]
    assert platform.query(requests.get_all(sent.patient_id)).found("RegistryPackage") == []
    assert platform.provide(sent, b"one", b"two", b"three").status_urn == SUCCESS


def provided(platform: Platform, with_folder: bool = False) -> tuple[Submission, str]:
    """A document that is registered, and its entryUUID."""
    sent = submission(platform.add_patient(), with_folder=with_folder)
    assert platform.provide(sent, DOCUMENT).status_urn == SUCCESS
    (entry,) = platform.query(requests.find_documents(sent.patient_id)).found("ExtrinsicObject")
    return sent, str(entry.get("id"))


def refused(platform: Platform, sent: Submission, document: bytes = DOCUMENT) -> list[tuple[str, str]]:
    """What ITI-41 says, after seeing that it left all as it was."""
    with storing_nothing(platform, sent.patient_id):
        return errors_by_iti_41(platform, sent.submit_objects_request, document)


def with_ids_of(sent: Submission, earlier: Submission, name: str) -> Submission:
    """The submission with one uniqueId of an earlier one."""
    pairs = {
        "DocumentEntry": (sent.unique_id, earlier.unique_id),
        "SubmissionSet": (sent.submission_set_unique_id, earlier.submission_set_unique_id),
        "Folder": (sent.folder_unique_id, earlier.folder_unique_id),
    }
    fresh, used = pairs[name]
    xml = instead(f'value="{fresh}"', f'value="{used}"')(sent.submit_objects_request)
    return Submission(sent.patient_id, xml, "", sent.unique_ids)


def test_a_replaced_document_is_not_replaced_again(platform):
    """ITI TF-2: 3.42.4.1.3; ITI TF-3: 4.2.2.2."""
    first, entry_uuid = provided(platform)
    second = submission(first.patient_id, replaces=entry_uuid)
    assert platform.provide(second, b"second").status_urn == SUCCESS
    third = submission(first.patient_id, replaces=entry_uuid)
    errors = refused(platform, third, b"third")
    context = f"Association Replaces1: targetObject {entry_uuid} is Deprecated, {APPROVED_EXPECTED}"
    assert errors == [("XDSRegistryDeprecatedDocumentError", context)]
    deprecated = platform.query(requests.find_documents(first.patient_id, status=DEPRECATED))
    assert [one.get("id") for one in deprecated.found("ExtrinsicObject")] == [entry_uuid]


def test_a_document_of_another_patient_is_not_replaced(platform):
    """ITI TF-3: 4.2.2.2; and stays as it is."""
    first, entry_uuid = provided(platform)
    errors = refused(platform, submission(platform.add_patient(), replaces=entry_uuid))
    context = f"Association Replaces1: targetObject {entry_uuid} {ANOTHERS}"
    assert errors == [("XDSPatientIdDoesNotMatch", context)]
    assert len(platform.query(requests.find_documents(first.patient_id)).found("ExtrinsicObject")) == 1


def test_a_folder_of_another_patient_takes_no_document(platform):
    """ITI TF-3: 4.2.2.1.3."""
    first, _ = provided(platform, with_folder=True)
    everything = platform.query(requests.get_all(first.patient_id))
    (folder_uuid,) = (
        str(one.get("classifiedObject"))
        for one in everything.found("Classification")
        if one.get("classificationNode") == "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
    )
    into_folder = (
        association(folder_uuid, "Document1", id="A8"),
        association("SubmissionSet1", "A8", id="A9"),
    )
    errors = refused(platform, submission(platform.add_patient(), more=into_folder))
    context = f"Association A8: sourceObject {folder_uuid} {ANOTHERS}"
    assert errors == [("XDSPatientIdDoesNotMatch", context)]


@pytest.mark.parametrize("name", ["SubmissionSet", "Folder"])
def test_a_unique_id_is_used_once(platform, name):
    """ITI TF-2: 3.42.4.1.3."""
    first, _ = provided(platform, with_folder=True)
    again = with_ids_of(submission(first.patient_id, with_folder=True), first, name)
    unique_id = {"SubmissionSet": first.submission_set_unique_id, "Folder": first.folder_unique_id}[name]
    context = f"{name} {name}1: uniqueId {unique_id} is registered already, expected a new one"
    assert refused(platform, again) == [("XDSDuplicateUniqueIdInRegistry", context)]


def test_other_bytes_under_a_known_unique_id_are_refused(platform):
    """ITI TF-2: 3.42.4.1.3; ITI TF-3: 4.2.3.2.26; by the repository and by the registry."""
    first, _ = provided(platform)
    again = with_ids_of(submission(first.patient_id), first, "DocumentEntry")
    same_size, longer = DOCUMENT.replace(b"well", b"ill."), DOCUMENT * 2
    named = f"the document stored with uniqueId {first.unique_id} has another"
    assert refused(platform, again, same_size) == [("XDSNonIdenticalHash", f"{named} hash")]
    assert refused(platform, again, longer) == [
        ("XDSNonIdenticalHash", f"{named} hash"),
        ("XDSNonIdenticalSize", f"{named} size"),
    ]
    stated = submission(first.patient_id, slots=registered("0" * 40, 99))
    stated = with_ids_of(stated, first, "DocumentEntry")
    expected = f"expected that with which uniqueId {first.unique_id} is registered (ITI TF-3: 4.2.3.2.26)"
    with storing_nothing(platform, first.patient_id):
        assert errors_by_iti_42(platform, stated.submit_objects_request) == [
            ("XDSNonIdenticalHash", f"DocumentEntry Document1: hash is {'0' * 40}, {expected}"),
            ("XDSNonIdenticalSize", f"DocumentEntry Document1: size is 99, {expected}"),
        ]


def test_what_is_registered_is_not_registered_again(platform):
    """ITI TF-3: 4.2.3.1.5; every object is named."""
    patient_id = platform.add_patient()
    sent = submission(patient_id)
    xml = sent.submit_objects_request
    uuids = {one: requests.fresh_uuid() for one in ("Document1", "SubmissionSet1")}
    for symbolic, entry_uuid in uuids.items():
        xml = xml.replace(f'"{symbolic}"', f'"{entry_uuid}"')
    body = provide(xml, (uuids["Document1"], include("part1@wire")))
    message = mtom(envelope(ITI_41, body), ("part1@wire", "text/plain", DOCUMENT))
    assert post(platform.repository_url, message, MTOM_TYPE).status_urn == SUCCESS
    with storing_nothing(platform, patient_id):
        answer = post(platform.repository_url, message, MTOM_TYPE)
    taken = "its id is that of a registered object, expected a new one (ITI TF-3: 4.2.3.1.5)"
    assert answer.errors == [
        ("XDSRegistryMetadataError", f"SubmissionSet {uuids['SubmissionSet1']}: {taken}"),
        ("XDSRegistryMetadataError", f"DocumentEntry {uuids['Document1']}: {taken}"),
        (
            "XDSDuplicateUniqueIdInRegistry",
            f"SubmissionSet {uuids['SubmissionSet1']}: uniqueId {sent.submission_set_unique_id} "
            "is registered already, expected a new one",
        ),
    ]


def test_a_registered_document_may_not_be_submitted_as_new(platform):
    """ITI TF-3: 4.2.2.1.2; nor may a replaced one be referred to."""
    first, entry_uuid = provided(platform)
    link = association("SubmissionSet1", entry_uuid, status="Original", id="A9")
    context = (
        "Association A9: SubmissionSetStatus is 'Original', expected Reference: "
        "its target is not in the submission (ITI TF-3: 4.2.2)"
    )
    errors = refused(platform, submission(first.patient_id, more=[link]))
    assert errors == [("XDSRepositoryMetadataError", context)]
    assert platform.provide(submission(first.patient_id, replaces=entry_uuid), b"new").status_urn == SUCCESS
    link = association("SubmissionSet1", entry_uuid, status="Reference", id="A9")
    errors = refused(platform, submission(first.patient_id, more=[link]))
    context = f"Association A9: targetObject {entry_uuid} is Deprecated, {APPROVED_EXPECTED}"
    assert errors == [("XDSRegistryDeprecatedDocumentError", context)]


def test_a_snapshot_is_of_an_on_demand_document(platform):
    """ITI TF-3: 4.2.2.2.7."""
    first, entry_uuid = provided(platform)
    type = "urn:ihe:iti:2010:AssociationType:IsSnapshotOf"
    snapshot = association("Document1", entry_uuid, type, id="A9")
    errors = refused(platform, submission(first.patient_id, more=[snapshot]))
    context = (
        f"Association A9: IsSnapshotOf goes from Document1 to {entry_uuid}, "
        "expected a stable and an on-demand DocumentEntry"
    )
    assert errors == [("XDSRegistryMetadataError", context)]


def test_codes_and_types_outside_the_affinity_domain_are_refused(fresh_platform, migrated_database_url):
    """ITI TF-3: 4.2.3.1.2; each of them, and the display name is never among them."""
    toml = OPEN_DOMAIN.replace('codes = ""', 'codes = "luxembourg"\nrepositories = ["2.999.2.3"]')
    platform = fresh_platform(toml=toml, database_url=migrated_database_url)
    patient_id = platform.add_patient()
    sent = submission(patient_id, with_folder=True, mime_type="application/x-tar", slots=registered(SHA1, 13))
    with storing_nothing(platform, patient_id):
        xml = sent.submit_objects_request.replace(requests.REPOSITORY, "2.999.2.9")
        errors = errors_by_iti_42(platform, xml)
        assert {code for code, _ in errors} == {"XDSRegistryMetadataError"}
        assert sorted(context for _, context in errors) == sorted(OUTSIDE)
        errors = errors_by_iti_41(platform, sent.submit_objects_request)
        assert {code for code, _ in errors} == {"XDSRepositoryMetadataError"}
        assert sorted(context for _, context in errors) == sorted(
            one for one in OUTSIDE if "repositoryUniqueId" not in one
        )


def outside(obj: str, name: str, code: str, section: str) -> str:
    return (
        f"{obj}: {name} '{code}' of codingScheme '2.999.1' is not in the value set of the affinity domain, "
        f"expected one that is (ITI TF-3: {section})"
    )


OUTSIDE = [
    outside("SubmissionSet SubmissionSet1", "contentTypeCode", "VISIT", "4.2.3.3.4"),
    outside("DocumentEntry Document1", "classCode", "REPORT", "4.2.3.2.3"),
    outside("DocumentEntry Document1", "confidentialityCode", "N", "4.2.3.2.5"),
    outside("DocumentEntry Document1", "formatCode", "TEXT", "4.2.3.2.9"),
    outside("DocumentEntry Document1", "healthcareFacilityTypeCode", "CLINIC", "4.2.3.2.11"),
    outside("DocumentEntry Document1", "practiceSettingCode", "GENERAL", "4.2.3.2.17"),
    outside("DocumentEntry Document1", "typeCode", "NOTE", "4.2.3.2.25"),
    "DocumentEntry Document1: mimeType 'application/x-tar' is not agreed in the affinity domain, "
    "expected a type that is (ITI TF-3: 4.2.3.2.15)",
    "DocumentEntry Document1: repositoryUniqueId '2.999.2.9' is no repository of the affinity domain, "
    "expected one that is (ITI TF-3: 4.2.3.2.18)",
]
