from dataclasses import replace
from typing import Any

import pytest

from ebxml.affinity_domain import AffinityDomain, Tolerance
from ebxml.check import errors_in_submission
from ebxml.model import Author, Code, Slot, Submission
from hl7v2.datatypes import CX, DTM, XCN
from ihe.transactions import ITI_41, ITI_42, ITI_61, Transaction
from tests.messages.submissions import (
    DOMAIN,
    code,
    document_entry,
    folder,
    on_demand_entry,
    original,
    submission,
    submission_set,
    text,
)


def contexts(of: Submission, domain: AffinityDomain = DOMAIN, transaction: Transaction = ITI_42) -> list[str]:
    """What the sender of this submission is told, all of it metadata errors of the actor's own name."""
    errors = list(errors_in_submission(of, domain, transaction))
    names = {"registry": "XDSRegistryMetadataError", "repository": "XDSRepositoryMetadataError"}
    assert {error.code for error in errors} <= {names[transaction.actor]}
    return [error.context for error in errors]


def of_entry(domain: AffinityDomain = DOMAIN, **changes: Any) -> list[str]:
    """What is said of Document01, without its name."""
    said = contexts(submission(document_entries=[document_entry(**changes)]), domain)
    assert all(one.startswith("DocumentEntry Document01: ") for one in said)
    return [one.removeprefix("DocumentEntry Document01: ") for one in said]


def of_set(**changes: Any) -> list[str]:
    """What is said of SubmissionSet01, without its name."""
    said = contexts(submission(submission_sets=(submission_set(**changes),)))
    assert all(one.startswith("SubmissionSet SubmissionSet01: ") for one in said)
    return [one.removeprefix("SubmissionSet SubmissionSet01: ") for one in said]


def of_folder(**changes: Any) -> list[str]:
    """What is said of Folder01, without its name."""
    said = contexts(submission(folders=[folder(**changes)]))
    assert all(one.startswith("Folder Folder01: ") for one in said)
    return [one.removeprefix("Folder Folder01: ") for one in said]


@pytest.mark.parametrize("transaction", [ITI_41, ITI_42], ids=lambda one: one.number)
def test_a_valid_submission_has_no_errors(transaction):
    """ITI TF-3: 4.3.1."""
    assert contexts(submission(folders=[folder()]), transaction=transaction) == []


def test_a_valid_on_demand_submission_has_no_errors():
    """ITI TF-2: 3.61.4.1.2."""
    assert contexts(submission(document_entries=[on_demand_entry()]), transaction=ITI_61) == []


@pytest.mark.parametrize(
    ("field", "name", "section"),
    [
        ("class_code", "classCode", "4.2.3.2.3"),
        ("confidentiality_code", "confidentialityCode", "4.2.3.2.5"),
        ("creation_time", "creationTime", "4.2.3.2.6"),
        ("format_code", "formatCode", "4.2.3.2.9"),
        ("hash", "hash", "4.2.3.2.10"),
        ("healthcare_facility_type_code", "healthcareFacilityTypeCode", "4.2.3.2.11"),
        ("language_code", "languageCode", "4.2.3.2.13"),
        ("mime_type", "mimeType", "4.2.3.2.15"),
        ("patient_id", "patientId", "4.2.3.2.16"),
        ("practice_setting_code", "practiceSettingCode", "4.2.3.2.17"),
        ("repository_unique_id", "repositoryUniqueId", "4.2.3.2.18"),
        ("size", "size", "4.2.3.2.21"),
        ("source_patient_id", "sourcePatientId", "4.2.3.2.22"),
        ("type_code", "typeCode", "4.2.3.2.25"),
        ("unique_id", "uniqueId", "4.2.3.2.26"),
    ],
)
def test_a_required_attribute_of_a_document_entry_is_missed(field, name, section):
    """ITI TF-3: 4.3.1.1."""
    absent: Any = () if field == "confidentiality_code" else None
    assert of_entry(**{field: absent}) == [f"{name} is missing, ITI-42 requires it (ITI TF-3: {section})"]


@pytest.mark.parametrize(
    ("field", "name", "section"),
    [
        ("content_type_code", "contentTypeCode", "4.2.3.3.4"),
        ("patient_id", "patientId", "4.2.3.3.8"),
        ("source_id", "sourceId", "4.2.3.3.9"),
        ("submission_time", "submissionTime", "4.2.3.3.10"),
        ("unique_id", "uniqueId", "4.2.3.3.12"),
    ],
)
def test_a_required_attribute_of_a_submission_set_is_missed(field, name, section):
    """ITI TF-3: 4.3.1.2."""
    assert of_set(**{field: None}) == [f"{name} is missing, ITI-42 requires it (ITI TF-3: {section})"]


@pytest.mark.parametrize(
    ("field", "absent", "name", "section"),
    [
        ("code_list", (), "codeList", "4.2.3.4.2"),
        ("patient_id", None, "patientId", "4.2.3.4.7"),
        ("title", (), "title", "4.2.3.4.8"),
        ("unique_id", None, "uniqueId", "4.2.3.4.9"),
    ],
)
def test_a_required_attribute_of_a_folder_is_missed(field, absent, name, section):
    """ITI TF-3: 4.3.1.3."""
    assert of_folder(**{field: absent}) == [f"{name} is missing, ITI-42 requires it (ITI TF-3: {section})"]


def test_optional_attributes_are_not_missed():
    """ITI TF-3: 4.3.1."""
    assert of_entry(author=(), title=()) == []
    assert of_set(author=()) == []


def test_a_document_source_need_not_know_what_the_repository_adds():
    """ITI TF-2: 3.41.4.1.3."""
    entry = document_entry(hash=None, size=None, repository_unique_id=None)
    assert contexts(submission(document_entries=[entry]), transaction=ITI_41) == []


def test_an_on_demand_entry_has_no_content_yet():
    """ITI TF-3: 4.3.1.1, column of the On-Demand Document Source."""
    entry = document_entry(object_type="urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248")
    assert contexts(submission(document_entries=[entry]), transaction=ITI_61) == [
        "DocumentEntry Document01: creationTime is given, ITI-61 does not allow it (ITI TF-3: 4.2.3.2.6)",
        "DocumentEntry Document01: hash is given, ITI-61 does not allow it (ITI TF-3: 4.2.3.2.10)",
        "DocumentEntry Document01: size is given, ITI-61 does not allow it (ITI TF-3: 4.2.3.2.21)",
    ]


UUID = "urn:uuid:AAAAAAAA-0000-4000-8000-000000000001"
WRONG_IN_ENTRY = [
    ({"creation_time": DTM("2024-01-01")},
     "creationTime '2024-01-01' is not a time, expected YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only "
     "(ITI TF-3: 4.2.3.2.6)"),
    ({"document_availability": "online"},
     "documentAvailability 'online' is not a URN, expected urn:, a namespace, a colon and a name "
     "(ITI TF-3: 4.2.3.2.30)"),
    ({"hash": "abc"}, "hash 'abc' is not a SHA-1, expected 40 hexadecimal digits (ITI TF-3: 4.2.3.2.10)"),
    ({"home_community_id": "2.999.9"},
     "homeCommunityId '2.999.9' does not begin with urn:oid:, expected an OID as a URN, such as "
     "urn:oid:2.999.1 (ITI TF-3: 4.2.3.2.12)"),
    ({"language_code": "French (LU)"},
     "languageCode 'French (LU)' is not a language tag, expected letters and digits joined by hyphens, "
     "such as fr-LU (ITI TF-3: 4.2.3.2.13)"),
    ({"legal_authenticator": XCN("^^Ann")},
     "legalAuthenticator '^^Ann' has neither an id in component 1 nor a family name in component 2, "
     "expected one (ITI TF-3: 4.2.3.2.14)"),
    ({"logical_id": UUID},
     f"logicalID '{UUID}' has upper case letters, expected '{UUID.lower()}' (ITI TF-3: 4.2.3.2.31)"),
    ({"mime_type": "text"},
     "mimeType 'text' is not a MIME type, expected type/subtype without parameters (ITI TF-3: 4.2.3.2.15)"),
    ({"object_type": ""},
     "objectType '' is unknown, expected urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1 (stable) or "
     "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248 (on-demand) (ITI TF-3: 4.2.3.2.29)"),
    ({"patient_id": CX("P1")},
     "patientId 'P1' names no assigning authority in component 4, expected id^^^&OID&ISO "
     "(ITI TF-3: 4.2.3.2.16)"),
    ({"reference_id_list": ("1^^^&2.999.1&ISO",)},
     "referenceIdList '1^^^&2.999.1&ISO' names no type in component 5, expected id^^^&OID&ISO^type "
     "(ITI TF-3: 4.2.3.2.28)"),
    ({"repository_unique_id": "repository"},
     "repositoryUniqueId 'repository' is not an OID, expected numbers joined by dots, without leading zeros, "
     "such as 2.999.1 (ITI TF-3: 4.2.3.2.18)"),
    ({"service_start_time": DTM("20240230")},
     "serviceStartTime '20240230' is not a day of the calendar, expected a day that 2024-02 has "
     "(ITI TF-3: 4.2.3.2.19)"),
    ({"service_stop_time": DTM("")},
     "serviceStopTime '' is not a time, expected YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only "
     "(ITI TF-3: 4.2.3.2.20)"),
    ({"size": "31 KB"}, "size '31 KB' is not a number, expected decimal digits only (ITI TF-3: 4.2.3.2.21)"),
    ({"source_patient_id": CX("^^^&2.999.7&ISO")},
     "sourcePatientId '^^^&2.999.7&ISO' has no id in component 1, expected id^^^&OID&ISO "
     "(ITI TF-3: 4.2.3.2.22)"),
    ({"source_patient_info": ("PID-7|1970", "PID-7|1971")},
     "sourcePatientInfo PID-7 is given 2 times, expected once (ITI TF-3: 4.2.3.2.23)"),
    ({"source_patient_info": ("DOB|1970",)},
     "sourcePatientInfo 'DOB|1970' is not a patient field, expected PID-1 to PID-39, a bar and the value "
     "(ITI TF-3: 4.2.3.2.23)"),
    ({"title": text("a" * 129)},
     f"title '{'a' * 100}...' has 129 characters, expected at most 128 (ITI TF-3: 4.2.3.2.24)"),
    ({"unique_id": "2.999 5"},
     "uniqueId '2.999 5' is not an identifier, expected printable ASCII without spaces "
     "(ITI TF-3: 4.2.3.2.26)"),
    ({"uri": "a b.xml"},
     "URI 'a b.xml' is not a URI, expected RFC 2396 characters without spaces (ITI TF-3: 4.2.3.2.27)"),
    ({"limited_metadata": True}, "limitedMetadata is given, XDS.b does not allow it (ITI TF-3: 4.3.1)"),
    ({"service_start_time": DTM("20240103"), "service_stop_time": DTM("20240102235959")},
     "serviceStartTime '20240103' is after serviceStopTime '20240102235959', expected before "
     "(ITI TF-3: 4.2.3.2.20)"),
    ({"class_code": Code("REPORT", "", text("Report"))},
     "classCode 'REPORT' has no codingScheme, expected one (ITI TF-3: 4.2.3.2.3)"),
    ({"class_code": Code("", "2.999.1", text("Report"))},
     "classCode has no code, expected one as nodeRepresentation (ITI TF-3: 4.2.3.2.3)"),
    ({"event_code_list": (code("E1"), Code("E2", "2.999.1"))},
     "eventCodeList 'E2' has no display name, expected one as Name (ITI TF-3: 4.2.3.2.8)"),
    ({"type_code": code("T", display_name="")},
     "typeCode 'T' has no display name, expected one as Name (ITI TF-3: 4.2.3.2.25)"),
    ({"author": (Author(role=("surgeon",)),)},
     "author names nobody, expected an authorPerson, authorInstitution or authorTelecommunication "
     "(ITI TF-3: 4.2.3.2.1)"),
    ({"author": (Author(person=XCN("^A"), institution=("Clinic^^^^^^^^^1",)),)},
     "author has an authorInstitution: 'Clinic^^^^^^^^^1' has the id '1' and no assigning authority "
     "in component 6, expected &OID&ISO there or an OID as id (ITI TF-3: 4.2.3.2.1)"),
    ({"author": (Author(person=XCN("^A"), telecommunication=("^NET^Internet",)),)},
     "author has an authorTelecommunication: '^NET^Internet' has no address in component 4, "
     "expected ^NET^Internet^address (ITI TF-3: 4.2.3.2.1)"),
    ({"extra": (Slot("urn:ihe:iti:xds:2099:unheard", ("1",)),)},
     "it has a Slot with the name 'urn:ihe:iti:xds:2099:unheard', expected one that the framework knows "
     "(ITI TF-3: 4.2.3.1.6)"),
    ({"extra": (Slot("room", ("1",)),)},
     "it has a Slot with the name 'room', expected a URN for extra metadata (ITI TF-3: 4.2.3.1.6)"),
    ({"author": (Author(person=XCN("^A"), extra=(Slot("authorSpeciality", ("1",)),)),)},
     "author has a Slot with the name 'authorSpeciality', expected a URN for extra metadata "
     "(ITI TF-3: 4.2.3.2.1)"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "context"), WRONG_IN_ENTRY, ids=[str(one) for one, _ in WRONG_IN_ENTRY])
def test_a_wrong_value_is_named_once_with_what_was_expected(changes, context):
    """ITI TF-3: 4.2.3.1.7, 4.2.3.2."""
    assert of_entry(**changes) == [context]


def test_what_the_registry_writes_itself_is_passed_over():
    """ITI TF-2: 3.42.4.1.3; ebRS senders give the schema's default version 1.1."""
    assert of_entry(availability_status="whatever", version="1.1") == []
    assert of_folder(last_update_time=None, availability_status="", version="x") == []


def test_a_service_may_stop_in_the_month_it_began_in():
    """ITI TF-3: 4.2.3.2.20: times compare as far as both go."""
    assert of_entry(service_start_time=DTM("20240115"), service_stop_time=DTM("202401")) == []


def test_a_wrong_time_does_not_compare():
    """ITI TF-2: 3.42.4.1.3: one slip is one error."""
    assert len(of_entry(service_start_time=DTM("9999x"), service_stop_time=DTM("2024"))) == 1


def test_extra_metadata_is_no_error():
    """ITI TF-3: 4.2.3.1.6."""
    assert of_entry(extra=(Slot("urn:example:room", ("12",)),)) == []


def test_a_domain_may_tolerate_plain_slot_names():
    """ITI TF-3: 4.2.3.1.6: real senders misspell what an author is."""
    tolerant = replace(DOMAIN, tolerances=frozenset({Tolerance.PLAIN_SLOT_NAMES}))
    author = Author(person=XCN("^A"), extra=(Slot("authorSpeciality", ("1",)),))
    assert of_entry(tolerant, extra=(Slot("room", ("1",)),), author=(author,)) == []
    assert of_entry(tolerant, extra=(Slot("URN:IHE:x", ()),)) == [
        "it has a Slot with the name 'URN:IHE:x', expected one that the framework knows (ITI TF-3: 4.2.3.1.6)"
    ]


def test_titles_of_sets_and_folders_may_be_longer():
    """ITI TF-3: 4.2.3.3.11, 4.2.3.4.8."""
    assert of_set(title=text("a" * 256)) == []
    assert of_set(title=text("a" * 257)) == [
        f"title '{'a' * 100}...' has 257 characters, expected at most 256 (ITI TF-3: 4.2.3.3.11)"
    ]
    assert of_folder(title=text("a" * 256)) == []
    assert of_folder(title=text("")) == ["title is empty, expected a text (ITI TF-3: 4.2.3.4.8)"]


@pytest.mark.parametrize(
    ("changes", "context"),
    [
        (
            {"intended_recipient": ("|^A", "")},
            "intendedRecipient '' names nobody, expected organization|person|telecommunication "
            "(ITI TF-3: 4.2.3.3.7)",
        ),
        (
            {"source_id": "source"},
            "sourceId 'source' is not an OID, expected numbers joined by dots, without leading zeros, "
            "such as 2.999.1 (ITI TF-3: 4.2.3.3.9)",
        ),
        (
            {"unique_id": "2.999.4^1"},
            "uniqueId '2.999.4^1' is not an OID, expected numbers joined by dots, without leading zeros, "
            "such as 2.999.1 (ITI TF-3: 4.2.3.3.12)",
        ),
        (
            {"limited_metadata": True},
            "limitedMetadata is given, XDS.b does not allow it (ITI TF-3: 4.3.1)",
        ),
    ],
)
def test_a_wrong_value_of_a_submission_set_is_named(changes, context):
    """ITI TF-3: 4.2.3.3."""
    assert of_set(**changes) == [context]


def test_a_uuid_is_written_in_lower_case():
    """ITI TF-3: 4.2.3.1.5; RFC 4122."""
    entry = document_entry(entry_uuid=UUID)
    assert contexts(submission(document_entries=[entry], associations=(original(UUID, entry_uuid="a"),))) == [
        f"DocumentEntry {UUID}: entryUUID '{UUID}' has upper case letters, expected '{UUID.lower()}' "
        "(ITI TF-3: 4.2.3.2.7)",
        f"Association a: targetObject '{UUID}' has upper case letters, expected '{UUID.lower()}' "
        "(ITI TF-3: 4.2.2)",
    ]


def test_codes_are_those_that_the_domain_agreed_on():
    """ITI TF-2: 3.42.4.1.3: code and scheme count, as a pair; the display name does not."""
    domain = replace(DOMAIN, codes={"classCode": frozenset({("REPORT", "2.999.1"), ("IMAGE", "2.999.2")})})
    assert of_entry(domain, class_code=code("REPORT", display_name="anything")) == []
    assert of_entry(domain, class_code=code("REPORT", "2.999.2")) == [
        "classCode 'REPORT' of codingScheme '2.999.2' is not in the value set of the affinity domain, "
        "expected one that is (ITI TF-3: 4.2.3.2.3)"
    ]
    assert of_entry(domain, class_code=Code("REPORT", "", text("Report"))) == [
        "classCode 'REPORT' has no codingScheme, expected one (ITI TF-3: 4.2.3.2.3)"
    ]


def test_mime_types_are_those_that_the_domain_agreed_on():
    """ITI TF-3: 4.2.3.2.15."""
    domain = replace(DOMAIN, mime_types=frozenset({"application/pdf"}))
    assert of_entry(domain, mime_type="application/pdf") == []
    assert of_entry(domain) == [
        "mimeType 'text/xml' is not agreed in the affinity domain, expected a type that is "
        "(ITI TF-3: 4.2.3.2.15)"
    ]


def test_repositories_are_those_of_the_domain_but_a_source_cannot_know():
    """ITI TF-3: 4.2.3.2.18; ITI TF-2: 3.41.4.1.3: the repository puts its own in the place."""
    domain = replace(DOMAIN, repository_unique_ids=frozenset({"2.999.2.9"}))
    assert of_entry(domain, repository_unique_id="2.999.2.9") == []
    assert of_entry(domain) == [
        "repositoryUniqueId '2.999.2.1' is no repository of the affinity domain, expected one that is "
        "(ITI TF-3: 4.2.3.2.18)"
    ]
    assert contexts(submission(), domain, ITI_41) == []


def test_one_wrong_attribute_hides_no_other():
    """ITI TF-2: 3.42.4.1.3."""
    found = of_entry(creation_time=DTM("x"), class_code=None, hash="x", author=(Author(),))
    assert [one.split()[0] for one in found] == ["author", "classCode", "creationTime", "hash"]
