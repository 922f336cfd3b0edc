"""What the registry makes of a submission, and what it refuses (ITI TF-2: 3.42, ITI TF-3: 4.2)."""

import asyncio
import re

import pytest

from ebxml.model import Submission
from ebxml.refused import Refused
from hl7v2.datatypes import CX, DTM
from ihe import stored_queries as q
from tests.messages.registry_objects import (
    APND,
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    IS_SNAPSHOT_OF,
    ON_DEMAND,
    OTHER_PATIENT,
    PATIENT,
    RPLC,
    SIGNS,
    XFRM,
    XFRM_RPLC,
    association,
    code,
    document_entry,
    folder,
    submission,
    submission_set,
)

pytestmark = pytest.mark.anyio

A = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"
B = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000000b"
C = "urn:uuid:cccccccc-0000-4000-8000-00000000000c"
D = "urn:uuid:dddddddd-0000-4000-8000-00000000000d"
F = "urn:uuid:ffffffff-0000-4000-8000-00000000000f"
ABSENT = "urn:uuid:eeeeeeee-0000-4000-8000-00000000000e"


async def refusal(registry, submitted: Submission) -> list[str]:
    with pytest.raises(Refused) as refused:
        await registry.register(submitted)
    return [error.code for error in refused.value.errors]


async def context(registry, submitted: Submission) -> str:
    with pytest.raises(Refused) as refused:
        await registry.register(submitted)
    return refused.value.errors[0].context


async def status_of(registry, entry_uuid):
    (element,) = (await registry.ask(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[entry_uuid])).objects
    return element.partition(b'status="')[2].partition(b'"')[0].decode()


async def everything(registry, patient_id=PATIENT):
    both = [APPROVED, DEPRECATED]
    return await registry.found(
        q.GET_ALL,
        patientId=patient_id,
        XDSDocumentEntryStatus=both,
        XDSSubmissionSetStatus=both,
        XDSFolderStatus=both,
        XDSDocumentEntryType=[ON_DEMAND, "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"],
    )


async def folder_members(registry, entry_uuid):
    objects = await registry.found(q.GET_FOLDER_AND_CONTENTS, XDSFolderEntryUUID=entry_uuid)
    documents = await registry.found(
        q.FIND_DOCUMENTS,
        XDSDocumentEntryPatientId=PATIENT,
        XDSDocumentEntryStatus=[APPROVED, DEPRECATED],
    )
    return sorted(set(objects) & set(documents))


async def with_folder(registry, *entry_uuids: str) -> None:
    """Register these documents inside the Folder F."""
    entries = [document_entry(entry_uuid) for entry_uuid in entry_uuids]
    members = [association(HAS_MEMBER, F, entry_uuid) for entry_uuid in entry_uuids]
    await registry.register(submission(*entries, folders=[folder(F)], associations=members))


async def test_an_accepted_document_is_approved_version_1_of_itself(registry):
    """ITI TF-2: 3.42.4.1.3.3; Metadata Update: lid = id."""
    response = await registry.register(submission(document_entry(A)))
    assert str(response.status) == "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
    assert response.errors == ()
    (element,) = (await registry.ask(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[A])).objects
    assert b'status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"' in element
    assert b'lid="' + A.encode() + b'"' in element
    assert b'versionName="1"' in element


async def test_each_symbolic_id_becomes_one_uuid_wherever_it_stands(registry):
    """ITI TF-3: 4.2.1.5."""
    submitted = submission(
        document_entry("doc"), folders=[folder("fold")], associations=[association(HAS_MEMBER, "fold", "doc")]
    )
    await registry.register(submitted)
    result = await registry.ask(
        q.FIND_DOCUMENTS, XDSDocumentEntryPatientId=PATIENT, XDSDocumentEntryStatus=[APPROVED]
    )
    (document,) = result.objects
    uuid = document.partition(b' id="')[2][: len(A)].decode()
    assert re.fullmatch("urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid)
    assert b'"doc"' not in document
    joined = (await registry.ask(q.GET_ASSOCIATIONS, uuid=[uuid])).objects
    assert len(joined) == 2
    assert all(f'targetObject="{uuid}"'.encode() in each for each in joined)


async def test_a_submitted_uuid_is_kept(registry):
    """ITI TF-3: 4.2.1.5."""
    await registry.register(submission(document_entry(A)))
    assert await registry.found(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[A]) == [A]


async def test_a_submitted_home_is_not_kept(registry):
    await registry.register(submission(document_entry(A, home_community_id="urn:oid:2.999.77")))
    (element,) = (await registry.ask(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[A])).objects
    assert b"2.999.77" not in element


async def test_a_new_folder_bears_the_registrys_time_not_its_senders(registry):
    """ITI TF-3: 4.2.3.4.6."""
    await registry.register(submission(folders=[folder(F, last_update_time=DTM("19990101000000"))]))
    (element,) = (await registry.ask(q.GET_FOLDERS, XDSFolderEntryUUID=[F])).objects
    assert registry.now.strftime("%Y%m%d%H%M%S").encode() in element
    assert b"19990101000000" not in element


async def test_a_registered_folder_that_gains_a_member_bears_the_new_time_and_keeps_the_rest(registry):
    """ITI TF-3: 4.2.3.4.6."""
    await with_folder(registry, A)
    (before,) = (await registry.ask(q.GET_FOLDERS, XDSFolderEntryUUID=[F])).objects
    earlier = registry.now.strftime("%Y%m%d%H%M%S").encode()
    await registry.register(submission(document_entry(B), associations=[association(HAS_MEMBER, F, B)]))
    (after,) = (await registry.ask(q.GET_FOLDERS, XDSFolderEntryUUID=[F])).objects
    later = registry.now.strftime("%Y%m%d%H%M%S").encode()
    generated = rb"urn:uuid:0[0-9a-f]{7}-0000-4000-8000-[0-9a-f]{12}"
    assert re.sub(generated, b"", after) == re.sub(generated, b"", before).replace(earlier, later)
    assert await registry.found(
        q.FIND_FOLDERS,
        XDSFolderPatientId=PATIENT,
        XDSFolderStatus=[APPROVED],
        XDSFolderLastUpdateTimeFrom=int(later),
    ) == [F]


async def test_two_registered_objects_may_be_joined_without_any_new_document(registry):
    """ITI TF-3: 4.2.2.1.2; NIST 12326: no link from the SubmissionSet to the document is needed."""
    await with_folder(registry, A)
    await registry.register(submission(document_entry(B)))
    await registry.register(submission(associations=[association(HAS_MEMBER, F, B)]))
    assert await folder_members(registry, F) == [A, B]


async def test_an_unknown_patient_is_named(registry):
    """ITI TF-2: 3.42.4.1.3; the context holds the id."""
    nobody = CX("p9^^^&2.999.3&ISO")
    submitted = submission(document_entry(patient_id=nobody), patient_id=nobody)
    assert await refusal(registry, submitted) == ["XDSUnknownPatientId"]
    assert await context(registry, submitted) == "p9^^^&2.999.3&ISO"


async def test_an_id_that_is_registered_cannot_be_registered_again(registry):
    """ITI TF-3: 4.2.1.5; NIST 15806. Whatever kind of object bears it."""
    await registry.register(submission(document_entry(A)))
    assert await refusal(registry, submission(document_entry(A))) == ["XDSRegistryMetadataError"]
    assert await refusal(registry, submission(folders=[folder(A)])) == ["XDSRegistryMetadataError"]
    assert A in await context(registry, submission(folders=[folder(A)]))


async def test_the_same_bytes_may_be_registered_twice_under_their_unique_id(registry):
    """ITI TF-3: 4.2.3.2.26; SHA-1 in upper case is the same hash."""
    await registry.register(submission(document_entry(A, unique_id="2.999.7")))
    upper = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"
    await registry.register(submission(document_entry(B, unique_id="2.999.7", hash=upper)))
    assert await registry.found(q.GET_DOCUMENTS, XDSDocumentEntryUniqueId=["2.999.7"]) == [A, B]


async def test_other_bytes_under_a_registered_unique_id_are_refused(registry):
    """ITI TF-3: Table 4.2.4.1-2; the context names the uniqueId."""
    await registry.register(submission(document_entry(A, unique_id="2.999.7")))
    other_hash = document_entry(unique_id="2.999.7", hash="0000000000000000000000000000000000000000")
    other_size = document_entry(unique_id="2.999.7", size="13")
    assert await refusal(registry, submission(other_hash)) == ["XDSNonIdenticalHash"]
    assert await refusal(registry, submission(other_size)) == ["XDSNonIdenticalSize"]
    assert "2.999.7" in await context(registry, submission(other_size))


async def test_the_unique_id_of_a_submission_set_or_folder_is_used_once_among_all_objects(registry):
    """ITI TF-3: 4.2.3.3.12, 4.2.3.4.9."""
    await registry.register(
        submission(
            document_entry(unique_id="2.999.7"), folders=[folder(unique_id="2.999.6")], unique_id="2.999.5"
        )
    )
    for used in ("2.999.7", "2.999.6", "2.999.5"):
        assert await refusal(registry, submission(unique_id=used)) == ["XDSDuplicateUniqueIdInRegistry"]
        assert await refusal(registry, submission(folders=[folder(unique_id=used)])) == [
            "XDSDuplicateUniqueIdInRegistry"
        ]
    again = submission(unique_id="2.999.5")
    assert await context(registry, again) == (
        f"SubmissionSet {again.submission_set.entry_uuid}: uniqueId 2.999.5 is registered already, "
        "expected a new one"
    )


async def test_an_error_names_objects_by_the_ids_that_their_sender_gave_them(registry):
    """ITI TF-3: 4.2.3.1.5, 4.2.4.2: nobody has seen the UUIDs of a submission that was refused."""
    link = association(RPLC, "the report", ABSENT, entry_uuid="the replacement")
    with pytest.raises(Refused) as refused:
        await registry.register(submission(document_entry("the report"), associations=[link]))
    (error,) = refused.value.errors
    assert (error.code, error.context, error.location) == (
        "UnresolvedReferenceException",
        f"Association the replacement: targetObject {ABSENT} is neither in the submission nor registered, "
        "expected the id of one",
        "Association[@id='the replacement']/@targetObject",
    )


async def test_every_error_is_reported_at_once_and_nothing_is_stored(registry):
    """ITI TF-2: 3.42.4.1.3; ITI TF-3: 4.2.4."""
    await registry.register(submission(document_entry(A, unique_id="2.999.7"), unique_id="2.999.5"))
    before = await everything(registry)
    wrong = submission(
        document_entry(A, unique_id="2.999.7", size="13"),
        document_entry("new"),
        unique_id="2.999.5",
        associations=[association(APND, "new", ABSENT), association(XFRM, "new", "symbolic")],
    )
    assert await refusal(registry, wrong) == [
        "XDSRegistryMetadataError",
        "XDSDuplicateUniqueIdInRegistry",
        "XDSNonIdenticalSize",
        "UnresolvedReferenceException",
        "UnresolvedReferenceException",
    ]
    assert await everything(registry) == before


async def test_a_reference_to_nothing_is_unresolved(registry):
    """ITI TF-3: 4.2.1.5; the context holds the id."""
    submitted = submission(document_entry("new"), associations=[association(RPLC, "new", ABSENT)])
    assert await refusal(registry, submitted) == ["UnresolvedReferenceException"]
    assert ABSENT in await context(registry, submitted)


@pytest.mark.parametrize("kind", [RPLC, XFRM_RPLC, IS_SNAPSHOT_OF])
async def test_only_a_registered_document_can_be_replaced_or_snapped(registry, kind):
    """ITI TF-3: 4.2.2.2."""
    submitted = submission(
        document_entry("new"), document_entry("old"), associations=[association(kind, "new", "old")]
    )
    assert "UnresolvedReferenceException" in await refusal(registry, submitted)


@pytest.mark.parametrize("kind", [APND, XFRM, SIGNS])
async def test_a_document_of_the_same_submission_can_be_appended_to_transformed_or_signed(registry, kind):
    """ITI TF-3: 4.2.2.2."""
    await registry.register(
        submission(document_entry(A), document_entry(B), associations=[association(kind, A, B)])
    )
    assert await status_of(registry, B) == APPROVED


@pytest.mark.parametrize("kind", [RPLC, XFRM_RPLC])
async def test_a_replaced_document_is_deprecated_with_all_that_derives_from_it(registry, kind):
    """ITI TF-3: 4.2.2.2.3: A is transformed into B, to which C is appended; D only signs A."""
    await registry.register(submission(document_entry(A)))
    await registry.register(submission(document_entry(B), associations=[association(XFRM, B, A)]))
    await registry.register(submission(document_entry(D), associations=[association(SIGNS, D, A)]))
    await registry.register(submission(document_entry(C), associations=[association(XFRM, C, B)]))
    await registry.register(submission(document_entry("new"), associations=[association(kind, "new", A)]))
    assert [await status_of(registry, each) for each in (A, B, C, D)] == [
        DEPRECATED, DEPRECATED, DEPRECATED, APPROVED
    ]  # fmt: skip
    approved = await registry.found(
        q.FIND_DOCUMENTS, XDSDocumentEntryPatientId=PATIENT, XDSDocumentEntryStatus=[APPROVED]
    )
    assert len(approved) == 2


@pytest.mark.parametrize("kind", [APND, XFRM, SIGNS])
async def test_other_relationships_leave_their_target_approved(registry, kind):
    """ITI TF-3: 4.2.2.2."""
    await registry.register(submission(document_entry(A)))
    await registry.register(submission(document_entry(B), associations=[association(kind, B, A)]))
    assert await status_of(registry, A) == APPROVED


@pytest.mark.parametrize("kind", [RPLC, XFRM, APND, XFRM_RPLC, SIGNS, HAS_MEMBER])
async def test_nothing_may_be_joined_to_a_deprecated_document(registry, kind):
    """ITI TF-3: Table 4.2.4.1-2; the context holds the id."""
    await with_folder(registry, B)
    await registry.register(submission(document_entry(A)))
    await registry.register(submission(document_entry("new"), associations=[association(RPLC, "new", A)]))
    source = F if kind == HAS_MEMBER else "newer"
    submitted = submission(document_entry("newer"), associations=[association(kind, source, A)])
    assert await refusal(registry, submitted) == ["XDSRegistryDeprecatedDocumentError"]
    assert A in await context(registry, submitted)


async def test_a_replacement_joins_the_folders_of_what_it_replaces(registry):
    """ITI TF-3: 4.2.2.2.3: FD-DE and SS-HM HasMember, lastUpdateTime; the original stays a member."""
    await with_folder(registry, A)
    await registry.register(
        submission(document_entry(B), entry_uuid=D, associations=[association(RPLC, B, A)])
    )
    assert await folder_members(registry, F) == [A, B]
    (element,) = (await registry.ask(q.GET_FOLDERS, XDSFolderEntryUUID=[F])).objects
    assert registry.now.strftime("%Y%m%d%H%M%S").encode() in element
    # D: to B, to F's new HasMember; the RPLC is no member of it.
    assert len(await registry.found(q.GET_ASSOCIATIONS, uuid=[D])) == 2


async def test_a_replacement_that_names_the_folder_itself_joins_it_once(registry):
    """ITI TF-3: 4.2.2.2.3."""
    await with_folder(registry, A)
    await registry.register(
        submission(document_entry(B), associations=[association(RPLC, B, A), association(HAS_MEMBER, F, B)])
    )
    joined = (await registry.ask(q.GET_ASSOCIATIONS, uuid=[B])).objects
    assert sum(b'sourceObject="' + F.encode() in each for each in joined) == 1


async def test_nothing_may_be_appended_to_a_transformation(registry):
    """ITI TF-3: 4.2.2.2.1."""
    await registry.register(submission(document_entry(A)))
    await registry.register(submission(document_entry(B), associations=[association(XFRM, B, A)]))
    assert await refusal(
        registry, submission(document_entry("new"), associations=[association(APND, "new", B)])
    ) == ["XDSRegistryMetadataError"]


async def test_a_snapshot_is_stable_and_taken_of_an_on_demand_entry(registry):
    """ITI TF-3: 4.2.2.2.6."""
    await registry.register(submission(document_entry(A)))
    await registry.register(submission(document_entry(B, object_type=ON_DEMAND, hash=None, size=None)))
    snapshot = document_entry("new")
    assert await refusal(
        registry, submission(snapshot, associations=[association(IS_SNAPSHOT_OF, "new", A)])
    ) == ["XDSRegistryMetadataError"]
    await registry.register(submission(snapshot, associations=[association(IS_SNAPSHOT_OF, "new", B)]))
    assert await registry.found(
        q.FIND_DOCUMENTS,
        XDSDocumentEntryPatientId=PATIENT,
        XDSDocumentEntryStatus=[APPROVED],
        XDSDocumentEntryType=[ON_DEMAND],
    ) == [B]


@pytest.mark.parametrize("kind", [RPLC, XFRM, APND, SIGNS, HAS_MEMBER])
async def test_joined_objects_belong_to_one_patient_and_the_other_is_not_named(registry, kind):
    """ITI TF-3: 4.2.2."""
    other = document_entry(A, patient_id=OTHER_PATIENT)
    await registry.register(submission(other, patient_id=OTHER_PATIENT))
    submitted = submission(
        document_entry("new"),
        folders=[folder("fold")],
        associations=[association(kind, "fold" if kind == HAS_MEMBER else "new", A)],
    )
    assert await refusal(registry, submitted) == ["XDSPatientIdDoesNotMatch"]
    assert "p2" not in await context(registry, submitted)


async def test_another_patients_document_may_be_a_member_by_reference(registry):
    """ITI TF-3: 4.2.2.1.1: a mother's document in her child's submission."""
    await registry.register(submission(document_entry(A, patient_id=OTHER_PATIENT), patient_id=OTHER_PATIENT))
    package = submission_set(D)
    member = association(HAS_MEMBER, D, A, submission_set_status="Reference")
    await registry.register(Submission(submission_sets=(package,), associations=(member,)))
    contents = await registry.ask(
        q.GET_SUBMISSION_SET_AND_CONTENTS, leaf_class=False, XDSSubmissionSetEntryUUID=D
    )
    assert any(A.encode() in each for each in contents.objects)


async def test_a_member_by_value_must_be_in_the_submission(registry):
    """ITI TF-3: 4.2.2.1.1."""
    await registry.register(submission(document_entry(A)))
    member = association(HAS_MEMBER, D, A, submission_set_status="Original")
    submitted = Submission(submission_sets=(submission_set(D),), associations=(member,))
    assert await refusal(registry, submitted) == ["XDSRegistryMetadataError"]


async def test_nothing_is_added_to_a_registered_submission_set(registry):
    """ITI TF-3: 4.2.2.1."""
    await registry.register(submission(document_entry(A), entry_uuid=D))
    late = association(HAS_MEMBER, D, "new", submission_set_status="Original")
    assert await refusal(registry, submission(document_entry("new"), associations=[late])) == [
        "XDSRegistryMetadataError"
    ]


@pytest.mark.parametrize("target", [F, D])
async def test_relationships_join_documents_only(registry, target):
    """ITI TF-3: 4.2.2.2."""
    await registry.register(submission(document_entry(A), folders=[folder(F)], entry_uuid=D))
    wrong = submission(document_entry("new"), associations=[association(APND, "new", target)])
    assert await refusal(registry, wrong) == ["XDSRegistryMetadataError"]


async def test_folders_do_not_nest(registry):
    """ITI TF-3: 4.2.2.1.2."""
    await registry.register(submission(folders=[folder(F)]))
    nested = submission(folders=[folder("fold")], associations=[association(HAS_MEMBER, "fold", F)])
    assert await refusal(registry, nested) == ["XDSRegistryMetadataError"]


async def test_of_two_replacements_of_one_document_the_first_wins(registry):
    """ITI TF-3: 4.2.2.2.3; at the same moment on connections of their own."""
    await registry.register(submission(document_entry(A)))

    async def replacement(n: int) -> str:
        new = document_entry()
        try:
            await registry.register(submission(new, associations=[association(RPLC, new.entry_uuid, A)]))
        except Refused as refused:
            return refused.errors[0].code
        return "won"

    outcomes = await asyncio.gather(*(replacement(n) for n in range(6)))
    assert sorted(outcomes) == ["XDSRegistryDeprecatedDocumentError"] * 5 + ["won"]
    assert await status_of(registry, A) == DEPRECATED


async def test_one_unique_id_claimed_at_once_for_two_patients_names_one_document(registry):
    """ITI TF-3: 4.2.3.2.26."""

    async def claim(patient_id: CX, hash_: str) -> str:
        entry = document_entry(patient_id=patient_id, unique_id="2.999.7", hash=hash_)
        try:
            await registry.register(submission(entry, patient_id=patient_id))
        except Refused as refused:
            return refused.errors[0].code
        return "won"

    outcomes = await asyncio.gather(claim(PATIENT, "00" * 20), claim(OTHER_PATIENT, "11" * 20))
    assert sorted(outcomes) == ["XDSNonIdenticalHash", "won"]


async def test_many_submissions_at_once_all_keep_their_objects_apart(registry):
    patients = (PATIENT, OTHER_PATIENT)
    await asyncio.gather(
        *(
            registry.register(submission(document_entry(patient_id=each), patient_id=each))
            for each in patients * 10
        )
    )
    assert [len(await everything(registry, each)) for each in patients] == [30, 30]


async def test_a_document_with_thousands_of_codes_is_stored_and_found(registry):
    """An element that is too big for the index goes elsewhere and comes back whole."""
    many = tuple(code(f"{n:x}" * 7) for n in range(3000))
    await registry.register(submission(document_entry(A, event_code_list=many)))
    (element,) = (
        await registry.ask(
            q.FIND_DOCUMENTS,
            XDSDocumentEntryPatientId=PATIENT,
            XDSDocumentEntryStatus=[APPROVED],
            XDSDocumentEntryEventCodeList=[("bb7" * 7, "2.999.1")],
        )
    ).objects
    assert b"bb7" * 7 in element
