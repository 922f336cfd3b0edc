"""What each stored query finds and leaves out (ITI TF-2: 3.18.4.1.2.3.7), in both return types.

`registry.found` asks for LeafClass and ObjectRef, and holds the two answers equal and free of duplicates.
"""

import pytest

from ebxml.model import Author, LocalizedString, StoredQueryCriteria, Submission
from ebxml.refused import Refused
from hl7v2.datatypes import DTM, XCN
from ihe import stored_queries as q
from registry.iti18_registry_stored_query import QueryLimits, registry_stored_query
from tests.messages.registry_objects import (
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    IS_SNAPSHOT_OF,
    ON_DEMAND,
    OTHER_PATIENT,
    PATIENT,
    RPLC,
    STABLE,
    XFRM,
    association,
    code,
    document_entry,
    folder,
    submission,
    submission_set,
)

pytestmark = pytest.mark.anyio


def uuid(number: int) -> str:
    return f"urn:uuid:{number:08x}-0000-4000-8000-000000000000"


# The record of PATIENT: SET brought A, B and the Folder F with A in it; SECOND_SET brought C, which replaced
# A and so joined F; THIRD_SET brought D, on demand, and E, its snapshot. The other patient has G.
A, B, C, D, E, F, G = (uuid(0xA0 + n) for n in range(7))
SET, SECOND_SET, THIRD_SET = uuid(1), uuid(2), uuid(3)
SET_A, SET_B, SET_F, F_A, SET_F_A = (uuid(0x10 + n) for n in range(5))
SECOND_SET_C, C_RPLC_A = uuid(0x20), uuid(0x21)
THIRD_SET_D, THIRD_SET_E, E_OF_D = uuid(0x30), uuid(0x31), uuid(0x32)
BOTH = [APPROVED, DEPRECATED]


def member(entry_uuid: str, source: str, target: str, status: str | None = None):
    return association(HAS_MEMBER, source, target, entry_uuid=entry_uuid, submission_set_status=status)


@pytest.fixture
async def record(registry):
    await registry.register(
        Submission(
            submission_sets=(submission_set(SET, unique_id="2.999.1"),),
            document_entries=(
                document_entry(A, unique_id="2.999.2", confidentiality_code=(code("N"), code("X"))),
                document_entry(B, format_code=code("PDF")),
            ),
            folders=(folder(F, unique_id="2.999.3"),),
            associations=(
                member(SET_A, SET, A, "Original"),
                member(SET_B, SET, B, "Original"),
                member(SET_F, SET, F),
                member(F_A, F, A),
                member(SET_F_A, SET, F_A),
            ),
        )
    )
    await registry.register(
        Submission(
            submission_sets=(submission_set(SECOND_SET),),
            document_entries=(document_entry(C),),
            associations=(
                member(SECOND_SET_C, SECOND_SET, C, "Original"),
                association(RPLC, C, A, entry_uuid=C_RPLC_A),
            ),
        )
    )
    await registry.register(
        Submission(
            submission_sets=(submission_set(THIRD_SET),),
            document_entries=(on_demand_entry(D),),
            associations=(member(THIRD_SET_D, THIRD_SET, D, "Original"),),
        )
    )
    snapshot = association(IS_SNAPSHOT_OF, E, D, entry_uuid=E_OF_D)
    await registry.register(submission(document_entry(E), associations=[snapshot]))
    await registry.register(submission(document_entry(G, patient_id=OTHER_PATIENT), patient_id=OTHER_PATIENT))
    return registry


def on_demand_entry(entry_uuid: str):
    return document_entry(entry_uuid, object_type=ON_DEMAND, hash=None, size=None, creation_time=None)


def find(**values):
    return {"XDSDocumentEntryPatientId": PATIENT, "XDSDocumentEntryStatus": [APPROVED], **values}


async def test_find_documents_answers_with_one_patients_documents_of_the_status_asked_for(record):
    """ITI TF-2: 3.18.4.1.2.3.7.1; stable ones alone unless $XDSDocumentEntryType says otherwise."""
    assert await record.found(q.FIND_DOCUMENTS, **find()) == [B, C, E]
    assert await record.found(q.FIND_DOCUMENTS, **find(XDSDocumentEntryStatus=[DEPRECATED])) == [A]
    assert await record.found(q.FIND_DOCUMENTS, **find(XDSDocumentEntryStatus=BOTH)) == [A, B, C, E]
    assert await record.found(q.FIND_DOCUMENTS, **find(XDSDocumentEntryType=[ON_DEMAND])) == [D]
    assert await record.found(q.FIND_DOCUMENTS, **find(XDSDocumentEntryType=[STABLE, ON_DEMAND])) == [
        B,
        C,
        D,
        E,
    ]
    assert await record.found(q.FIND_DOCUMENTS, **find(XDSDocumentEntryPatientId="nobody^^^&1.2&ISO")) == []


async def test_the_patients_of_an_answer_are_told_for_its_audit_record(record):
    """ITI TF-2: 3.18.5.1: also of an empty answer, if the query named one."""
    assert (await record.ask(q.FIND_DOCUMENTS, **find())).patient_ids == ("p1^^^&2.999.3&ISO",)
    nobody = find(XDSDocumentEntryPatientId="nobody^^^&1.2&ISO")
    assert (await record.ask(q.FIND_DOCUMENTS, **nobody)).patient_ids == ("nobody^^^&1.2&ISO",)
    both = await record.ask(q.GET_DOCUMENTS, leaf_class=False, XDSDocumentEntryEntryUUID=[A, G])
    assert both.patient_ids == ("p1^^^&2.999.3&ISO", "p2^^^&2.999.3&ISO")


async def test_an_element_is_whole_and_bears_its_present_status(record):
    """ITI TF-2: 3.18.4.1.2.6: what was registered before its replacement says Deprecated after it."""
    (element,) = (await record.ask(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[A])).objects
    assert element.startswith(
        b'<rim:ExtrinsicObject status="urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"'
    )
    assert element.endswith(b"</rim:ExtrinsicObject>")


async def test_a_reference_is_an_object_ref_with_the_entry_uuid(record):
    """ITI TF-2: 3.18.4.1.2.4."""
    answer = await record.ask(q.GET_DOCUMENTS, leaf_class=False, XDSDocumentEntryEntryUUID=[A])
    assert answer.objects == [
        b'<rim:ObjectRef xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"'
        b' id="urn:uuid:000000a0-0000-4000-8000-000000000000"/>'
    ]


async def test_codes_are_compared_with_their_scheme_as_a_pair(registry):
    """ITI TF-2: 3.18.4.1.2.3.4: A^^1 and B^^2 do not find A^^2."""
    await registry.register(submission(document_entry(A, class_code=code("A", "1"))))
    await registry.register(submission(document_entry(B, class_code=code("B", "2"))))
    await registry.register(submission(document_entry(C, class_code=code("A", "2"))))
    wanted = [("A", "1"), ("B", "2"), ("never", "seen")]
    assert await registry.found(q.FIND_DOCUMENTS, **find(XDSDocumentEntryClassCode=wanted)) == [A, B]
    assert await registry.found(q.FIND_DOCUMENTS, **find(XDSDocumentEntryClassCode=[("a", "1")])) == []


async def test_a_slot_given_again_must_match_as_well(registry):
    """ITI TF-2: 3.18.4.1.2.3.5: ('a','b') and again ('c') is (a or b) and c."""
    one, two, three = code("1"), code("2"), code("3")
    await registry.register(submission(document_entry(A, event_code_list=(one, three))))
    await registry.register(submission(document_entry(B, event_code_list=(two,))))
    await registry.register(submission(document_entry(C, event_code_list=(two, three))))
    either = [("1", "2.999.1"), ("2", "2.999.1")]
    asked = find(XDSDocumentEntryEventCodeList=either)
    assert await registry.found(q.FIND_DOCUMENTS, **asked) == [A, B, C]
    asked = find(XDSDocumentEntryEventCodeList=[either, [("3", "2.999.1")]])
    assert await registry.found(q.FIND_DOCUMENTS, **asked) == [A, C]


async def test_the_lower_edge_of_a_time_range_is_in_and_the_upper_is_out(registry):
    """ITI TF-2: 3.18.4.1.2.3.4; NIST 11897; a shorter time means its first second."""
    await registry.register(submission(document_entry(A, creation_time=DTM("20240102"))))
    for lower, upper, expected in (
        (20240102000000, 20240102000001, [A]),
        (20240101000000, 20240102000000, []),
        (20240102000001, 20250101000000, []),
    ):
        asked = find(XDSDocumentEntryCreationTimeFrom=lower, XDSDocumentEntryCreationTimeTo=upper)
        assert await registry.found(q.FIND_DOCUMENTS, **asked) == expected


async def test_an_entry_without_a_service_time_is_found_whatever_the_range(registry):
    """ITI TF-2: 3.18.4.1.2.3.7.1."""
    await registry.register(submission(document_entry(A)))
    await registry.register(submission(document_entry(B, service_start_time=DTM("2020"))))
    asked = find(XDSDocumentEntryServiceStartTimeFrom=20230101000000)
    assert await registry.found(q.FIND_DOCUMENTS, **asked) == [A]
    asked = find(XDSDocumentEntryServiceStopTimeTo=20230101000000)
    assert await registry.found(q.FIND_DOCUMENTS, **asked) == [A, B]


async def test_an_absent_document_availability_means_online(registry):
    """ITI TF-3: 4.2.3.2.30."""
    offline = "urn:ihe:iti:2010:DocumentAvailability:Offline"
    online = "urn:ihe:iti:2010:DocumentAvailability:Online"
    await registry.register(submission(document_entry(A), document_entry(B, document_availability=offline)))
    asked = find(XDSDocumentEntryDocumentAvailability=[online])
    assert await registry.found(q.FIND_DOCUMENTS, **asked) == [A]
    asked = find(XDSDocumentEntryDocumentAvailability=[offline])
    assert await registry.found(q.FIND_DOCUMENTS, **asked) == [B]
    assert await registry.found(q.FIND_DOCUMENTS, **find()) == [A, B]


async def test_author_person_and_reference_id_are_compared_with_patterns(registry):
    """ITI TF-2: 3.18.4.1.2.3.5, 3.18.4.1.2.3.7.14."""
    reference = "77^^^&2.999.4&ISO^urn:ihe:iti:xds:2013:accession"
    await registry.register(
        submission(document_entry(A, reference_id_list=("1^^^&2.999.4&ISO^urn:x", reference)))
    )
    await registry.register(submission(document_entry(B, author=())))
    assert await registry.found(
        q.FIND_DOCUMENTS, **find(XDSDocumentEntryAuthorPerson=["%^SMITH^%", "_^Smi%"])
    ) == [A]
    assert await registry.found(q.FIND_DOCUMENTS, **find(XDSDocumentEntryAuthorPerson=["%^smith^%"])) == []
    for pattern, expected in ((reference, [A]), ("77^%", [A]), ("7^%", [])):
        asked = find(XDSDocumentEntryReferenceIdList=[[pattern], ["1^%"]])
        assert await registry.found(q.FIND_DOCUMENTS_BY_REFERENCE_ID, **asked) == expected


async def test_find_submission_sets(record):
    """ITI TF-2: 3.18.4.1.2.3.7.2."""
    asked = {"XDSSubmissionSetPatientId": PATIENT, "XDSSubmissionSetStatus": [APPROVED]}
    everything = await record.found(q.FIND_SUBMISSION_SETS, **asked)
    assert len(everything) == 4
    for narrowed, count in (
        ({"XDSSubmissionSetSourceId": ["2.999.8", "2.999.0"]}, 4),
        ({"XDSSubmissionSetSourceId": ["2.999.0"]}, 0),
        ({"XDSSubmissionSetAuthorPerson": ["%Jones%"]}, 4),
        ({"XDSSubmissionSetAuthorPerson": ["Jones%"]}, 0),
        ({"XDSSubmissionSetContentType": [("SUBMISSION", "2.999.1")]}, 4),
        ({"XDSSubmissionSetSubmissionTimeTo": 20240102030406}, 0),
        ({"XDSSubmissionSetSubmissionTimeFrom": 20240102030406}, 4),
        ({"XDSSubmissionSetStatus": [DEPRECATED]}, 0),
    ):
        assert len(await record.found(q.FIND_SUBMISSION_SETS, **{**asked, **narrowed})) == count


async def test_find_folders(record):
    """ITI TF-2: 3.18.4.1.2.3.7.3."""
    asked = {"XDSFolderPatientId": PATIENT, "XDSFolderStatus": [APPROVED]}
    assert await record.found(q.FIND_FOLDERS, **asked) == [F]
    episode, other = [("EPISODE", "2.999.1")], [("OTHER", "2.999.1")]
    assert await record.found(q.FIND_FOLDERS, **asked, XDSFolderCodeList=episode) == [F]
    assert await record.found(q.FIND_FOLDERS, **asked, XDSFolderCodeList=[episode, other]) == []
    assert await record.found(q.FIND_FOLDERS, **asked, XDSFolderLastUpdateTimeTo=20240101000000) == []


async def test_get_all_answers_with_the_record_and_every_association_that_touches_it(record):
    """ITI TF-2: 3.18.4.1.2.3.7.4; filters of documents apply to documents alone."""
    asked = {
        "patientId": PATIENT,
        "XDSDocumentEntryStatus": [APPROVED],
        "XDSSubmissionSetStatus": [APPROVED],
        "XDSFolderStatus": [APPROVED],
    }
    found = await record.found(q.GET_ALL, **asked)
    assert {B, C, E, SET, SECOND_SET, THIRD_SET, F} <= set(found)
    assert {A, D, G}.isdisjoint(found)
    # The ends of these stand outside: A is deprecated, D is on demand.
    assert {SET_A, F_A, C_RPLC_A, THIRD_SET_D, E_OF_D} <= set(found)
    found = await record.found(q.GET_ALL, **asked, XDSDocumentEntryFormatCode=[("PDF", "2.999.1")])
    assert {B, SET, F, SET_A} <= set(found)
    assert {A, C, D, E, G}.isdisjoint(found)


async def test_get_documents_by_id_finds_any_status_and_type(record):
    """ITI TF-2: 3.18.4.1.2.3.7.5."""
    assert await record.found(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[A, D, F, uuid(0)]) == [A, D]
    assert await record.found(q.GET_DOCUMENTS, XDSDocumentEntryUniqueId=["2.999.2", "2.999.3"]) == [A]
    assert await record.found(q.GET_DOCUMENTS, XDSDocumentEntryLogicalID=[A], MetadataLevel="2") == [A]


async def test_get_folders(record):
    """ITI TF-2: 3.18.4.1.2.3.7.6."""
    assert await record.found(q.GET_FOLDERS, XDSFolderEntryUUID=[F, A]) == [F]
    assert await record.found(q.GET_FOLDERS, XDSFolderUniqueId=["2.999.3", "2.999.2", "2.999.1"]) == [F]
    assert await record.found(q.GET_FOLDERS, XDSFolderLogicalID=[F], MetadataLevel="2") == [F]


async def test_get_associations_finds_them_by_either_end(record):
    """ITI TF-2: 3.18.4.1.2.3.7.7."""
    assert await record.found(q.GET_ASSOCIATIONS, uuid=[A]) == [SET_A, F_A, C_RPLC_A]
    assert await record.found(q.GET_ASSOCIATIONS, uuid=[F_A, D]) == [SET_F_A, THIRD_SET_D, E_OF_D]
    assert await record.found(q.GET_ASSOCIATIONS, uuid=[A], XDSAssociationStatus=[DEPRECATED]) == []


async def test_get_documents_and_associations(record):
    """ITI TF-2: 3.18.4.1.2.3.7.8."""
    expected = [SET_A, F_A, C_RPLC_A, A]
    assert await record.found(q.GET_DOCUMENTS_AND_ASSOCIATIONS, XDSDocumentEntryEntryUUID=[A]) == expected
    assert (
        await record.found(q.GET_DOCUMENTS_AND_ASSOCIATIONS, XDSDocumentEntryUniqueId=["2.999.2"]) == expected
    )


async def test_get_submission_sets_answers_with_the_sets_and_their_links_alone(record):
    """ITI TF-2: 3.18.4.1.2.3.7.9: F's own link to A is not one of them."""
    assert await record.found(q.GET_SUBMISSION_SETS, uuid=[A, C]) == [SET, SECOND_SET, SET_A, SECOND_SET_C]
    assert await record.found(q.GET_SUBMISSION_SETS, uuid=[F]) == [SET, SET_F]


async def test_get_submission_set_and_contents(record):
    """ITI TF-2: 3.18.4.1.2.3.7.10: no Association without both its ends."""
    whole = [SET, SET_A, SET_B, SET_F, F_A, SET_F_A, A, B, F]
    query = q.GET_SUBMISSION_SET_AND_CONTENTS
    assert await record.found(query, XDSSubmissionSetEntryUUID=SET) == whole
    assert await record.found(query, XDSSubmissionSetUniqueId="2.999.1") == whole
    pdf = [("PDF", "2.999.1")]
    assert await record.found(query, XDSSubmissionSetEntryUUID=SET, XDSDocumentEntryFormatCode=pdf) == [
        SET, SET_B, SET_F, B, F
    ]  # fmt: skip
    restricted = [[("N", "2.999.1")], [("X", "2.999.1")]]
    assert await record.found(
        query, XDSSubmissionSetEntryUUID=SET, XDSDocumentEntryConfidentialityCode=restricted
    ) == [SET, SET_A, SET_F, F_A, SET_F_A, A, F]
    assert await record.found(query, XDSSubmissionSetEntryUUID=THIRD_SET) == [THIRD_SET]
    on_demand = {"XDSSubmissionSetEntryUUID": THIRD_SET, "XDSDocumentEntryType": [ON_DEMAND]}
    assert await record.found(query, **on_demand) == [THIRD_SET, THIRD_SET_D, D]
    # What the replacement added to F belongs to the second set, but F itself does not.
    assert await record.found(query, XDSSubmissionSetEntryUUID=SECOND_SET) == [SECOND_SET, SECOND_SET_C, C]
    assert await record.found(query, XDSSubmissionSetEntryUUID=F) == []


async def test_get_folder_and_contents(record):
    """ITI TF-2: 3.18.4.1.2.3.7.11."""
    found = await record.found(q.GET_FOLDER_AND_CONTENTS, XDSFolderUniqueId="2.999.3")
    assert {F, A, C, F_A} < set(found)
    assert len(found) == 5
    restricted = {"XDSFolderEntryUUID": F, "XDSDocumentEntryConfidentialityCode": [("X", "2.999.1")]}
    assert await record.found(q.GET_FOLDER_AND_CONTENTS, **restricted) == [F_A, A, F]


async def test_get_folders_for_document(record):
    """ITI TF-2: 3.18.4.1.2.3.7.12: Folders alone."""
    assert await record.found(q.GET_FOLDERS_FOR_DOCUMENT, XDSDocumentEntryEntryUUID=A) == [F]
    assert await record.found(q.GET_FOLDERS_FOR_DOCUMENT, XDSDocumentEntryUniqueId="2.999.2") == [F]
    assert await record.found(q.GET_FOLDERS_FOR_DOCUMENT, XDSDocumentEntryEntryUUID=B) == []


async def test_get_related_documents_goes_one_step_and_says_nothing_of_a_lonely_document(record):
    """ITI TF-2: 3.18.4.1.2.3.7.13."""
    query = q.GET_RELATED_DOCUMENTS
    both_ways = [C_RPLC_A, A, C]
    assert await record.found(query, XDSDocumentEntryEntryUUID=A, AssociationTypes=[RPLC, XFRM]) == both_ways
    assert await record.found(query, XDSDocumentEntryEntryUUID=C, AssociationTypes=[RPLC]) == both_ways
    assert await record.found(query, XDSDocumentEntryUniqueId="2.999.2", AssociationTypes=[RPLC]) == both_ways
    assert await record.found(query, XDSDocumentEntryEntryUUID=A, AssociationTypes=[XFRM]) == []
    assert await record.found(query, XDSDocumentEntryEntryUUID=A, AssociationTypes=[HAS_MEMBER]) == []
    asked = {"XDSDocumentEntryEntryUUID": E, "AssociationTypes": [IS_SNAPSHOT_OF]}
    assert await record.found(query, **asked) == []
    assert await record.found(query, **asked, XDSDocumentEntryType=[STABLE, ON_DEMAND]) == [E_OF_D, D, E]


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (q.GET_DOCUMENTS, {"XDSDocumentEntryEntryUUID": [A, G]}),
        (q.GET_DOCUMENTS_AND_ASSOCIATIONS, {"XDSDocumentEntryEntryUUID": [A, G]}),
        (q.GET_SUBMISSION_SETS, {"uuid": [A, G]}),
    ],
)
async def test_elements_of_two_patients_are_refused_and_references_are_not(record, query, values):
    """ITI TF-2: 3.18.4.1.2.3.8; NIST 12368."""
    with pytest.raises(Refused) as refused:
        await record.ask(query, **values)
    assert [error.code for error in refused.value.errors] == ["XDSResultNotSinglePatient"]
    assert len((await record.ask(query, leaf_class=False, **values)).objects) >= 2


async def test_too_many_elements_are_refused_and_as_many_references_are_not(record):
    """ITI TF-2: 3.18.4.1.2.4."""

    def asked(leaf_class: bool) -> StoredQueryCriteria:
        values = {"$XDSDocumentEntryPatientId": ((PATIENT,),), "$XDSDocumentEntryStatus": (tuple(BOTH),)}
        return StoredQueryCriteria(query=q.FIND_DOCUMENTS, leaf_class=leaf_class, values=values)

    exact, less = QueryLimits(leaf_class_objects=4), QueryLimits(leaf_class_objects=3)
    assert len((await registry_stored_query(asked(True), record.store, exact)).objects) == 4
    assert len((await registry_stored_query(asked(False), record.store, less)).objects) == 4
    with pytest.raises(Refused) as refused:
        await registry_stored_query(asked(True), record.store, less)
    assert [error.code for error in refused.value.errors] == ["XDSTooManyResults"]


@pytest.mark.parametrize(
    ("query", "parameter", "statuses"),
    [
        (q.FIND_DOCUMENTS, "XDSDocumentEntryPatientId", ["XDSDocumentEntryStatus"]),
        (q.FIND_SUBMISSION_SETS, "XDSSubmissionSetPatientId", ["XDSSubmissionSetStatus"]),
        (q.FIND_FOLDERS, "XDSFolderPatientId", ["XDSFolderStatus"]),
        (
            q.GET_ALL,
            "patientId",
            ["XDSDocumentEntryStatus", "XDSSubmissionSetStatus", "XDSFolderStatus"],
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_an_unknown_patient_is_an_error_where_the_domain_says_so(registry, query, parameter, statuses):
    """ITI TF-2: 3.18.4.1.3; a patient who is known and has nothing is none."""
    nobody = "nobody^^^&1.2&ISO"

    async def ask(patient_id):
        values = {f"${parameter}": ((patient_id,),), **{f"${each}": ((APPROVED,),) for each in statuses}}
        criteria = StoredQueryCriteria(query=query, leaf_class=False, values=values)
        return await registry_stored_query(criteria, registry.store, refuse_unknown_patient=True)

    with pytest.raises(Refused) as refused:
        await ask(nobody)
    assert [(error.code, error.context) for error in refused.value.errors] == [
        ("XDSUnknownPatientId", nobody)
    ]
    assert (await ask(PATIENT)).objects == []


@pytest.fixture
async def various(registry):
    """Three documents that differ; none has an event code but the first."""
    await registry.register(
        submission(
            document_entry(
                A,
                class_code=code("REPORT"),
                event_code_list=(code("E1"),),
                confidentiality_code=(code("N"), code("R")),
                title=(LocalizedString("Lung X-ray"), LocalizedString("Röntgen der Lunge")),
                author=(Author(institution=("Clinic A^^^^^&2.999.6&ISO^^^^1",)),),
                reference_id_list=("order1^^^^urn:ihe:iti:xds:2013:order",),
            ),
            document_entry(
                B,
                class_code=code("IMAGE"),
                title=(LocalizedString("Lung"),),
                author=(Author(person=XCN("^Weber^Anne")), Author(institution=("Clinic B",))),
            ),
            document_entry(C, class_code=code("IMAGE", "2.999.2"), title=(LocalizedString("100 % lung"),)),
        )
    )
    await registry.register(submission(on_demand_entry(D)))
    return registry


@pytest.mark.parametrize(
    ("excluded", "left"),
    [
        ({}, [A, B, C]),
        ({"ClassCodeExclude": [("IMAGE", "2.999.1")]}, [A, C]),
        ({"ClassCodeExclude": [("IMAGE", "2.999.1"), ("REPORT", "2.999.1")]}, [C]),
        ({"EventCodeListExclude": [("E1", "2.999.1")]}, [B, C]),
        ({"ConfidentialityCodeExclude": [("R", "2.999.1")]}, [B, C]),
        ({"ConfidentialityCodeExclude": [("N", "2.999.1")]}, []),
        ({"AuthorPersonExclude": ["%Weber%"]}, [A, C]),
        ({"ReferenceIdListExclude": ["order1%"]}, [B, C]),
        ({"TypeExclude": [STABLE]}, [D]),
        ({"TypeExclude": [ON_DEMAND]}, [A, B, C]),
        ({"ClassCode": [("IMAGE", "2.999.1")], "AuthorPersonExclude": ["%Weber%"]}, []),
        ({"FormatCodeExclude": [("never", "seen")]}, [A, B, C]),
    ],
    ids=str,
)
async def test_find_documents_exclude_leaves_out_what_has_an_excluded_value(various, excluded, left):
    """CP-ITI-1323; a document without the attribute has none of the values."""
    given = {f"XDSDocumentEntry{name}": value for name, value in excluded.items()}
    assert await various.found(q.FIND_DOCUMENTS_EXCLUDE, **find(**given)) == left


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"Title": ["Lung"]}, [B]),
        ({"Title": ["Lung%"]}, [A, B]),
        ({"Title": ["%Lunge"]}, [A]),
        ({"Title": ["%lung%"]}, [C]),
        ({"Title": ["Lung", "100 _ lung"]}, [B, C]),
        ({"Title": ["Lung%"], "AuthorInstitution": ["Clinic A^%"]}, [A]),
        ({"Title": ["%"], "AuthorInstitution": ["Clinic _%"]}, [A, B]),
    ],
    ids=str,
)
async def test_find_documents_by_title_compares_each_language_of_the_title(various, asked, expected):
    """FindDocumentsByTitle of gematik; otherwise as ITI TF-2: 3.18.4.1.2.3.7.1."""
    given = {f"XDSDocumentEntry{name}": value for name, value in asked.items()}
    assert await various.found(q.FIND_DOCUMENTS_BY_TITLE, **find(**given)) == expected
