"""Stored queries as they go over the wire (ITI TF-2: 3.18.4.1.2.3)."""

from client.queries import Search, find_documents, get_documents
from ebxml.model import Code, Slot
from hl7v2.datatypes import CX, DTM
from ihe.object_types import Status

PATIENT = CX("O'Hara^^^&2.999.1&ISO")


def slots(request):
    return {slot.name: slot.values for slot in request.slots}


def test_find_documents_asks_for_approved_ones():
    """ITI TF-2: 3.18.4.1.2.3.7.1: both are required; 3.18.4.1.2.3.5: an apostrophe is doubled."""
    request = find_documents(PATIENT, Search())
    assert (request.query_id, request.return_type) == (
        "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
        "LeafClass",
    )
    assert slots(request) == {
        "$XDSDocumentEntryPatientId": ("'O''Hara^^^&2.999.1&ISO'",),
        "$XDSDocumentEntryStatus": ("('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')",),
    }


def test_every_field_has_its_parameter():
    code = (Code("a", "2.999.7"), Code("b", "2.999.7"))
    search = Search(
        status=(Status.APPROVED, Status.DEPRECATED), type_code=code, class_code=code, format_code=code,
        confidentiality_code=code, event_code_list=code, healthcare_facility_type_code=code,
        practice_setting_code=code, author=("%Muller%",),
        created_from=DTM("2023"), created_before=DTM("2024"),
    )  # fmt: skip
    codes = "('a^^2.999.7','b^^2.999.7')"
    assert find_documents(PATIENT, search).slots[1:] == (
        Slot(
            "$XDSDocumentEntryStatus",
            (
                "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved',"
                "'urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated')",
            ),
        ),
        Slot("$XDSDocumentEntryClassCode", (codes,)),
        Slot("$XDSDocumentEntryTypeCode", (codes,)),
        Slot("$XDSDocumentEntryPracticeSettingCode", (codes,)),
        Slot("$XDSDocumentEntryHealthcareFacilityTypeCode", (codes,)),
        Slot("$XDSDocumentEntryEventCodeList", (codes,)),
        Slot("$XDSDocumentEntryConfidentialityCode", (codes,)),
        Slot("$XDSDocumentEntryFormatCode", (codes,)),
        Slot("$XDSDocumentEntryAuthorPerson", ("('%Muller%')",)),
        Slot("$XDSDocumentEntryCreationTimeFrom", ("2023",)),
        Slot("$XDSDocumentEntryCreationTimeTo", ("2024",)),
    )


def test_a_long_list_goes_on_in_the_next_value():
    """ITI TF-2: 3.18.4.1.2.3.5: a Value holds 256 characters, and lists of several Values are one."""
    codes = tuple(Code(f"{number:090}", "2.999.7") for number in range(5))
    values = slots(find_documents(PATIENT, Search(type_code=codes)))["$XDSDocumentEntryTypeCode"]
    assert [value.count("2.999.7") for value in values] == [2, 2, 1]
    assert all(len(value) <= 256 and value[0] + value[-1] == "()" for value in values)


def test_get_documents_knows_an_entry_uuid_from_a_unique_id():
    """ITI TF-2: 3.18.4.1.2.3.7.5."""
    by_uuid = get_documents("urn:uuid:08a15a6f-5b4a-42de-8f95-89474f83abdf")
    assert by_uuid.query_id == "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
    assert slots(by_uuid) == {
        "$XDSDocumentEntryEntryUUID": ("('urn:uuid:08a15a6f-5b4a-42de-8f95-89474f83abdf')",)
    }
    assert slots(get_documents("2.999.3^7")) == {"$XDSDocumentEntryUniqueId": ("('2.999.3^7')",)}
