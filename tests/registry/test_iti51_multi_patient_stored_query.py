"""What the queries for several patients find, with and without naming them (ITI TF-2: 3.51.4.1.2.3)."""

import pytest

from ebxml.model import StoredQueryCriteria
from ebxml.refused import Refused
from ihe import stored_queries as q
from registry.iti18_registry_stored_query import QueryLimits, registry_stored_query
from tests.messages.registry_objects import (
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    OTHER_PATIENT,
    PATIENT,
    RPLC,
    association,
    code,
    document_entry,
    folder,
    submission,
)

pytestmark = pytest.mark.anyio


def uuid(number: int) -> str:
    return f"urn:uuid:{number:08x}-0000-4000-8000-000000000000"


# A and F belong to PATIENT, B, C and G to OTHER_PATIENT; C replaced B.
A, B, C, F, G = (uuid(0xA0 + n) for n in range(5))
ORDER = "order1^^^&2.999.7&ISO^urn:ihe:iti:xds:2013:order"


@pytest.fixture
async def records(registry):
    letter = document_entry(
        A, event_code_list=(code("E1"), code("E2")), reference_id_list=(ORDER, "other^^^^x")
    )
    await registry.register(submission(letter, folders=[folder(F, code_list=(code("K1"), code("K2")))]))
    image = document_entry(
        B, patient_id=OTHER_PATIENT, class_code=code("IMAGE"), event_code_list=(code("E2"),)
    )
    theirs = folder(G, patient_id=OTHER_PATIENT, code_list=(code("K2"),))
    joined = association(HAS_MEMBER, G, B)
    await registry.register(
        submission(image, folders=[theirs], associations=[joined], patient_id=OTHER_PATIENT)
    )
    newer = document_entry(
        C,
        patient_id=OTHER_PATIENT,
        class_code=code("IMAGE"),
        healthcare_facility_type_code=code("PRACTICE"),
        reference_id_list=(ORDER,),
    )
    replacing = association(RPLC, C, B)
    await registry.register(submission(newer, associations=[replacing], patient_id=OTHER_PATIENT))
    return registry


def documents(**values):
    given = {"XDSDocumentEntryStatus": [APPROVED]}
    return given | {f"XDSDocumentEntry{name}": value for name, value in values.items()}


async def test_documents_of_several_patients_are_found_by_their_ids(records):
    """ITI TF-2: 3.51.4.1.2.3.1."""
    query = q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS
    assert await records.found(query, **documents(PatientId=[PATIENT, OTHER_PATIENT])) == [A, C]
    assert await records.found(query, **documents(PatientId=[OTHER_PATIENT, "nobody^^^&1.2&ISO"])) == [C]
    narrowed = documents(PatientId=[PATIENT, OTHER_PATIENT], ClassCode=[("IMAGE", "2.999.1")])
    assert await records.found(query, **narrowed) == [C]
    both = documents(PatientId=[OTHER_PATIENT], Status=[APPROVED, DEPRECATED])
    assert await records.found(query, **both) == [B, C]


async def test_documents_of_all_patients_are_found_by_what_they_are(records):
    """ITI TF-2: 3.51.4.1.2.3.1: by class, facility or event, without a patient."""
    query = q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS
    everywhere = {"Status": [APPROVED, DEPRECATED]}
    assert await records.found(query, **documents(ClassCode=[("IMAGE", "2.999.1")], **everywhere)) == [B, C]
    practice = [("PRACTICE", "2.999.1")]
    assert await records.found(query, **documents(HealthcareFacilityTypeCode=practice)) == [C]
    event = [("E2", "2.999.1")]
    assert await records.found(query, **documents(EventCodeList=event, **everywhere)) == [A, B]
    both_events = [[("E2", "2.999.1")], [("E1", "2.999.1"), ("E3", "2.999.1")]]
    assert await records.found(query, **documents(EventCodeList=both_events, **everywhere)) == [A]
    assert await records.found(query, **documents(EventCodeList=[("E2", "2.999.2")], **everywhere)) == []


async def test_folders_of_several_patients_are_found_by_id_or_code(records):
    """ITI TF-2: 3.51.4.1.2.3.2."""
    query, status = q.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS, {"XDSFolderStatus": [APPROVED]}
    assert await records.found(query, XDSFolderPatientId=[PATIENT, OTHER_PATIENT], **status) == [F, G]
    assert await records.found(query, XDSFolderCodeList=[("K2", "2.999.1")], **status) == [F, G]
    two_lists = [[("K2", "2.999.1")], [("K1", "2.999.1")]]
    assert await records.found(query, XDSFolderCodeList=two_lists, **status) == [F]
    of_one = {"XDSFolderPatientId": [OTHER_PATIENT], "XDSFolderCodeList": [("K2", "2.999.1")]}
    assert await records.found(query, **of_one, **status) == [G]


async def test_documents_of_all_patients_are_found_by_a_reference_id_as_it_is(records):
    """ITI TF-2: 3.18.4.1.2.3.7.14 for several patients, as peers know it."""
    query = q.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS
    assert await records.found(query, **documents(ReferenceIdList=[ORDER])) == [A, C]
    assert await records.found(query, **documents(ReferenceIdList=[[ORDER], ["other^^^^x"]])) == [A]
    assert await records.found(query, **documents(ReferenceIdList=["order1%"])) == []
    assert await records.found(query, **documents(ReferenceIdList=[ORDER], PatientId=[PATIENT])) == [A]


async def test_an_answer_may_span_patients_and_tells_the_audit_record_of_all(records):
    """ITI TF-2: 3.51.4.1.3, 3.51.5.1."""
    query = q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS
    by_class = await records.ask(query, **documents(ClassCode=[("IMAGE", "2.999.1"), ("REPORT", "2.999.1")]))
    assert by_class.patient_ids == ("p1^^^&2.999.3&ISO", "p2^^^&2.999.3&ISO")
    named = await records.ask(query, **documents(PatientId=[PATIENT, "nobody^^^&1.2&ISO"]))
    assert named.patient_ids == ("nobody^^^&1.2&ISO", "p1^^^&2.999.3&ISO")


async def test_an_answer_of_too_many_patients_is_refused(records):
    """ITI TF-2: 3.51.4.1.3."""
    values = {
        "$XDSDocumentEntryStatus": ((APPROVED,),),
        "$XDSDocumentEntryPatientId": ((PATIENT, OTHER_PATIENT),),
    }
    criteria = StoredQueryCriteria(
        query=q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS, leaf_class=False, values=values
    )
    with pytest.raises(Refused) as refused:
        await registry_stored_query(criteria, records.store, QueryLimits(patients=1))
    assert [error.code for error in refused.value.errors] == ["XDSTooManyResults"]
