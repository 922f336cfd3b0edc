"""`location` of an error leads to the element or attribute of the message (ITI TF-3: 4.2.4.2)."""

from dataclasses import replace

import pytest

from ebxml.check import errors_in_submission
from ebxml.check_query import criteria_of
from ebxml.model import Slot, StoredQueryRequest, Submission
from ebxml.refused import Refused
from hl7v2.datatypes import CX, DTM
from ihe.transactions import ITI_42
from tests.messages.submissions import DOMAIN, document_entry, folder, submission


def locations(of: Submission) -> list[str]:
    return [error.location for error in errors_in_submission(of, DOMAIN, ITI_42)]


@pytest.mark.parametrize(
    ("attributes", "location"),
    [
        ({"hash": "xyz"}, "Slot[@name='hash']"),
        ({"creation_time": None}, "Slot[@name='creationTime']"),
        (
            {"service_start_time": DTM("2025"), "service_stop_time": DTM("2024")},
            "Slot[@name='serviceStopTime']",
        ),
        (
            {"class_code": None},
            "Classification[@classificationScheme='urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a']",
        ),
        (
            {"patient_id": CX("p9^^^&2.999.3&ISO")},
            "ExternalIdentifier[@identificationScheme='urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427']",
        ),
        ({"mime_type": "?"}, "@mimeType"),
        ({"object_type": "?"}, "@objectType"),
    ],
)
def test_an_attribute_is_found_by_its_carrier(attributes, location):
    """ITI TF-3: 4.2.3.2."""
    entry = replace(document_entry(), **attributes)
    assert f"ExtrinsicObject[@id='{entry.entry_uuid}']/{location}" in locations(
        submission(document_entries=[entry])
    )


def test_the_name_of_a_folder_is_found():
    """ITI TF-3: 4.2.3.4.8."""
    given = replace(folder(), title=())
    assert f"RegistryPackage[@id='{given.entry_uuid}']/Name" in locations(submission(folders=[given]))


def test_a_second_submission_set_stands_in_the_list():
    """ITI TF-3: 4.2.1."""
    of = submission()
    assert "RegistryObjectList" in locations(replace(of, submission_sets=of.submission_sets * 2))


def test_every_wrong_parameter_is_found_at_once():
    """ITI TF-2: 3.18.4.1.3."""
    find_documents = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
    slots = (
        Slot("$XDSDocumentEntryPatientId", ("p1",)),
        Slot("$XDSDocumentEntryCreationTimeFrom", ("2024", "2025")),
        Slot("$XDSDocumentEntryClassCode", ("('a')",)),
    )
    with pytest.raises(Refused) as refused:
        criteria_of(StoredQueryRequest(query_id=find_documents, return_type="All", slots=slots))
    assert [(error.code, error.location) for error in refused.value.errors] == [
        ("XDSRegistryError", "ResponseOption/@returnType"),
        ("XDSRegistryError", "AdhocQuery/Slot[@name='$XDSDocumentEntryPatientId']"),
        ("XDSRegistryError", "AdhocQuery/Slot[@name='$XDSDocumentEntryClassCode']"),
        ("XDSStoredQueryParamNumber", "AdhocQuery/Slot[@name='$XDSDocumentEntryCreationTimeFrom']"),
        ("XDSStoredQueryMissingParam", "AdhocQuery/Slot[@name='$XDSDocumentEntryStatus']"),
    ]
