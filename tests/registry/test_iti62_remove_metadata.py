"""What may be removed from a registry, and what else must go with it (RMD supplement: 3.62.4.1.3)."""

import asyncio

import pytest

from ebxml.model import RemoveObjectsRequest
from ebxml.refused import Refused
from ihe import stored_queries as q
from registry.iti62_remove_metadata import remove_metadata
from tests.messages.registry_objects import (
    APND,
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    OTHER_PATIENT,
    PATIENT,
    RPLC,
    association,
    document_entry,
    folder,
    submission,
)

pytestmark = pytest.mark.anyio

A = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"
B = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000000b"
F = "urn:uuid:ffffffff-0000-4000-8000-00000000000f"
S = "urn:uuid:55555555-0000-4000-8000-000000000005"
T = "urn:uuid:77777777-0000-4000-8000-000000000007"
LINK = "urn:uuid:11111111-0000-4000-8000-000000000001"
ABSENT = "urn:uuid:eeeeeeee-0000-4000-8000-00000000000e"


async def remove(registry, *entry_uuids):
    return await remove_metadata(RemoveObjectsRequest(entry_uuids), registry.store)


async def refusal(registry, *entry_uuids):
    with pytest.raises(Refused) as refused:
        await remove(registry, *entry_uuids)
    return [(error.code, error.context.partition(" ")[0]) for error in refused.value.errors]


async def associations(registry, *entry_uuids):
    return await registry.found(q.GET_ASSOCIATIONS, uuid=list(entry_uuids), MetadataLevel="2")


async def everything(registry):
    both = [APPROVED, DEPRECATED]
    return await registry.found(
        q.GET_ALL,
        patientId=PATIENT,
        XDSDocumentEntryStatus=both,
        XDSSubmissionSetStatus=both,
        XDSFolderStatus=both,
    )


async def test_a_set_goes_with_its_document_and_what_joins_them(registry):
    """3.62.4.1.3: SubmissionSet, HasMember and DocumentEntry together."""
    await registry.register(submission(document_entry(A), entry_uuid=S))
    patients = await remove(registry, S, A, *await associations(registry, A))
    assert patients == ("p1^^^&2.999.3&ISO",)
    assert await everything(registry) == []
    assert await registry.found(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[A]) == []


async def test_what_was_removed_may_be_registered_again(registry):
    """3.62.4.1.3: ids and uniqueIds are free again, whatever the new document's hash."""
    entry = document_entry(A, unique_id="2.999.77.1")
    await registry.register(submission(entry, entry_uuid=S, unique_id="2.999.77.2"))
    await remove(registry, S, A, *await associations(registry, A))
    again = document_entry(A, unique_id="2.999.77.1", hash="0" * 40)
    await registry.register(submission(again, entry_uuid=S, unique_id="2.999.77.2"))
    assert await registry.found(q.GET_DOCUMENTS, XDSDocumentEntryUniqueId=["2.999.77.1"]) == [A]


async def test_each_id_that_is_not_registered_is_named(registry):
    """UnresolvedReferenceException; a symbolic id names nothing here."""
    await registry.register(submission(document_entry(A)))
    assert await refusal(registry, ABSENT, "document1", ABSENT) == [
        ("UnresolvedReferenceException", ABSENT),
        ("UnresolvedReferenceException", "document1"),
    ]


async def test_a_set_alone_cannot_go_while_an_association_comes_from_it(registry):
    """ReferencesExistException."""
    await registry.register(submission(document_entry(A), entry_uuid=S))
    assert await refusal(registry, S) == [("ReferencesExistException", S)]
    assert len(await everything(registry)) == 3


async def test_a_document_cannot_leave_its_set_behind_empty(registry):
    """XDSUnreferencedObjectException."""
    await registry.register(submission(document_entry(A), entry_uuid=S))
    assert await refusal(registry, A, *await associations(registry, A)) == [
        ("XDSUnreferencedObjectException", S)
    ]


async def test_one_of_two_documents_of_a_set_may_go(registry):
    """3.62.4.1.3: the SubmissionSet keeps an Association."""
    await registry.register(submission(document_entry(A), document_entry(B), entry_uuid=S))
    await remove(registry, A, *await associations(registry, A))
    assert sorted(set(await everything(registry)) & {A, B, S}) == sorted([B, S])


async def test_all_errors_come_at_once_and_nothing_is_removed(registry):
    """3.62.4.1.3: all or nothing."""
    await registry.register(submission(document_entry(A), document_entry(B), entry_uuid=S))
    before = await everything(registry)
    assert await refusal(registry, ABSENT, A, B) == [
        ("UnresolvedReferenceException", ABSENT),
        ("ReferencesExistException", A),
        ("ReferencesExistException", B),
    ]
    assert await everything(registry) == before


async def test_an_original_stays_while_something_is_appended_to_it(registry):
    """3.62.4.1.3: the APND and its document's set must go too."""
    await registry.register(submission(document_entry(A), entry_uuid=S))
    link = association(APND, B, A, entry_uuid=LINK)
    await registry.register(submission(document_entry(B), associations=[link], entry_uuid=T))
    of_set = await associations(registry, S)
    assert await refusal(registry, S, A, *of_set) == [("ReferencesExistException", A)]
    await remove(registry, S, A, *of_set, LINK)
    assert sorted(set(await everything(registry)) & {A, B, S, T}) == sorted([B, T])


async def test_an_appendix_may_be_taken_off_by_its_association_alone(registry):
    """3.62.4.1.3: both ends keep another Association."""
    await registry.register(submission(document_entry(A)))
    link = association(APND, B, A, entry_uuid=LINK)
    await registry.register(submission(document_entry(B), associations=[link]))
    await remove(registry, LINK)
    assert LINK not in await everything(registry)


async def test_a_replacement_stays_until_its_association_goes_with_the_original(registry):
    """3.62.4.1.3."""
    await registry.register(submission(document_entry(A), entry_uuid=S))
    link = association(RPLC, B, A, entry_uuid=LINK)
    await registry.register(submission(document_entry(B), associations=[link], entry_uuid=T))
    of_replacement = [each for each in await associations(registry, T) if each != LINK]
    assert await refusal(registry, T, B, *of_replacement) == [("ReferencesExistException", B)]
    await remove(registry, S, A, LINK, *await associations(registry, S))
    assert sorted(set(await everything(registry)) & {A, B}) == [B]


async def test_a_place_in_a_folder_goes_with_the_association_that_submitted_it(registry):
    """ITI TF-3: 4.2.2.1: the SS-HM joins the set and the FD-DE, which is an object like others."""
    member = association(HAS_MEMBER, F, A, entry_uuid=LINK)
    await registry.register(
        submission(document_entry(A), folders=[folder(F)], associations=[member], entry_uuid=S)
    )
    (of_member,) = [each for each in await associations(registry, LINK) if each != LINK]
    assert await refusal(registry, LINK) == [("ReferencesExistException", LINK)]
    assert await refusal(registry, of_member) == [("XDSUnreferencedObjectException", LINK)]
    await remove(registry, LINK, of_member)
    assert sorted(set(await everything(registry)) & {A, F, LINK}) == sorted([A, F])


async def test_a_document_in_another_patients_submission_stays(registry):
    """ITI TF-3: 4.2.2.1.2: a mother's document in her child's SubmissionSet."""
    await registry.register(submission(document_entry(A), entry_uuid=S))
    by_reference = association(HAS_MEMBER, T, A, submission_set_status="Reference", entry_uuid=LINK)
    entry = document_entry(B, patient_id=OTHER_PATIENT)
    await registry.register(
        submission(entry, associations=[by_reference], entry_uuid=T, patient_id=OTHER_PATIENT)
    )
    own, reference = await associations(registry, S), await associations(registry, LINK)
    assert await refusal(registry, S, A, *own) == [("ReferencesExistException", A)]
    assert await remove(registry, S, A, LINK, *own, *reference) == ("p1^^^&2.999.3&ISO", "p2^^^&2.999.3&ISO")


async def test_a_unique_id_passes_to_the_next_entry_of_the_same_document(registry):
    """ITI TF-3: 4.2.3.2.26: it still names one sequence of bytes."""
    for entry_uuid, package in ((A, S), (B, T)):
        entry = document_entry(entry_uuid, unique_id="2.999.77.3")
        await registry.register(submission(entry, entry_uuid=package))
    await remove(registry, S, A, *await associations(registry, S))
    with pytest.raises(Refused) as refused:
        await registry.register(submission(document_entry(unique_id="2.999.77.3", hash="0" * 40)))
    assert [error.code for error in refused.value.errors] == ["XDSNonIdenticalHash"]


async def test_a_removal_and_a_reference_at_the_same_instant_leave_nothing_dangling(registry):
    """3.62.4.1.3: whichever comes second is refused."""
    await registry.register(submission(document_entry(A), entry_uuid=S))
    of_set = await associations(registry, S)
    by_reference = association(HAS_MEMBER, T, A, submission_set_status="Reference", entry_uuid=LINK)
    entry = document_entry(B, patient_id=OTHER_PATIENT)
    mentioned = submission(entry, associations=[by_reference], entry_uuid=T, patient_id=OTHER_PATIENT)
    outcomes = await asyncio.gather(
        remove(registry, S, A, *of_set), registry.register(mentioned), return_exceptions=True
    )
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert refused.errors[0].code in ("ReferencesExistException", "UnresolvedReferenceException")
