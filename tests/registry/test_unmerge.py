"""What came after a merge and belongs to what the merge moved goes back with it (docs/decisions/0007)."""

import asyncio

import pytest

from ebxml.refused import Refused
from hl7v2.datatypes import CX
from ihe import stored_queries as q
from registry.iti57_update_document_set import update_document_set
from registry.merge import Unmerged, merge_patients, undo
from registry.patients import add_patient
from tests.messages.registry_objects import (
    APND,
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    IS_SNAPSHOT_OF,
    ON_DEMAND,
    RPLC,
    SIGNS,
    STABLE,
    XFRM,
    XFRM_RPLC,
    association,
    document_entry,
    folder,
    submission,
)
from tests.messages.updates import submitted, update
from tests.registry.updating import A2, A3, ABSENT, B2, F2, LINK, A, B, C, F, folder_time, get, version_of

pytestmark = pytest.mark.anyio

HIS, MINE, THIRD = (CX(f"{name}^^^&2.999.3&ISO") for name in ("subsumed", "surviving", "third"))

UNIQUE_IDS = {A: "2.999.57.1", B: "2.999.57.2"}


@pytest.fixture
async def merged(registry):
    """A, of a patient who was merged into another, to whom B belongs."""
    for patient_id in (HIS, MINE, THIRD):
        await add_patient(patient_id, registry.store, registry.clock)
    await registry.register(submission(entry_of(A, HIS), patient_id=HIS))
    await registry.register(submission(entry_of(B, MINE), patient_id=MINE))
    await merge_patients(HIS, MINE, registry.store)
    return registry


async def change(registry, *objects, patient_id=MINE, **options):
    request = update(*objects, patient_id=patient_id, **options)
    await update_document_set(request, registry.store, registry.clock, registry.new_uuid)


def entry_of(entry_uuid, patient_id):
    return document_entry(entry_uuid, unique_id=UNIQUE_IDS[entry_uuid], patient_id=patient_id)


async def new_version(registry, entry_uuid, of=A, patient_id=MINE, previous="1"):
    obj = version_of(entry_of(of, patient_id), entry_uuid)
    await change(registry, obj, patient_id=patient_id, previous=previous)


async def related(registry, kind, entry_uuid, *targets, **attributes):
    entry = document_entry(entry_uuid, patient_id=MINE, **attributes)
    links = tuple(association(kind, entry_uuid, each) for each in targets)
    await registry.register(submission(entry, associations=links, patient_id=MINE))


async def take_back(registry, subsumed=HIS, surviving=MINE):
    return await undo(subsumed, surviving, registry.store, registry.clock, registry.new_uuid)


async def documents(registry, patient_id, *status, **values):
    return await registry.found(
        q.FIND_DOCUMENTS,
        XDSDocumentEntryPatientId=patient_id,
        XDSDocumentEntryStatus=[*(status or (APPROVED,))],
        XDSDocumentEntryType=[STABLE, ON_DEMAND],
        **values,
    )


async def sets(registry, patient_id):
    asked = {"XDSSubmissionSetPatientId": patient_id, "XDSSubmissionSetStatus": [APPROVED]}
    return len(await registry.found(q.FIND_SUBMISSION_SETS, **asked))


async def test_versions_made_since_the_merge_go_back_with_the_first(merged):
    """MU supplement: 3.57.4.1.3.3.1: a chain of versions is one patient's, with its SubmissionSets."""
    await new_version(merged, A2)
    await new_version(merged, A3, previous="2")
    assert await take_back(merged) == Unmerged(objects=9, joined=0)
    assert await documents(merged, HIS) == [A3]
    assert await documents(merged, HIS, DEPRECATED, MetadataLevel="2") == sorted([A, A2])
    assert await documents(merged, MINE, APPROVED, DEPRECATED, MetadataLevel="2") == [B]
    assert (await sets(merged, HIS), await sets(merged, MINE)) == (3, 1)


async def test_the_chain_goes_on_after_the_merge_is_taken_back(merged):
    """The next version follows for the restored patient, and comes along in a further merge."""
    await new_version(merged, A2)
    await take_back(merged)
    await new_version(merged, A3, patient_id=HIS, previous="2")
    assert await get(merged, A3) == ("Approved", "3", A)
    await merge_patients(HIS, MINE, merged.store)
    assert await documents(merged, MINE) == sorted([A3, B])
    await take_back(merged)
    assert await documents(merged, HIS) == [A3]


@pytest.mark.parametrize("kind", [RPLC, XFRM, XFRM_RPLC, APND, SIGNS])
async def test_what_is_derived_from_a_restored_document_goes_with_it(merged, kind):
    """ITI TF-3: 4.2.2.2: also what is derived from that in turn; a record has its own current documents."""
    await related(merged, kind, C, A)
    await related(merged, RPLC, ABSENT, C)
    assert await take_back(merged) == Unmerged(objects=11, joined=0)
    assert set(await documents(merged, HIS, APPROVED, DEPRECATED)) == {A, C, ABSENT}
    assert await documents(merged, MINE, APPROVED, DEPRECATED) == [B]


async def test_a_snapshot_goes_with_its_on_demand_entry(merged):
    """ITI TF-2: 3.61.4.1.3: what was made on demand holds what the entry stands for."""
    await take_back(merged)
    entry = document_entry(F, patient_id=HIS, object_type=ON_DEMAND)
    await merged.register(submission(entry, patient_id=HIS))
    await merge_patients(HIS, MINE, merged.store)
    await related(merged, IS_SNAPSHOT_OF, C, F)
    await take_back(merged)
    assert await documents(merged, HIS) == sorted([A, C, F])


async def test_what_is_derived_from_documents_of_both_stays_and_is_parted(merged):
    """No answer about the one names a document of the other; the operator hears how many links there were."""
    await related(merged, RPLC, C, A, B)
    assert await take_back(merged) == Unmerged(objects=3, joined=1)
    assert await documents(merged, HIS, DEPRECATED) == [A]
    assert await documents(merged, MINE) == [C]
    answer = await merged.ask(q.GET_RELATED_DOCUMENTS, XDSDocumentEntryEntryUUID=A, AssociationTypes=[RPLC])
    assert answer.objects == []


async def test_a_document_that_belongs_to_nothing_restored_stays(merged):
    """It was submitted for the survivor, and nothing tells that it is not about him."""
    await related(merged, RPLC, C)
    assert await take_back(merged) == Unmerged(objects=3, joined=0)
    assert await documents(merged, MINE) == sorted([B, C])


async def test_documents_derived_from_each_other_alone_stay(merged):
    """A circle of signatures continues nobody's record."""
    one, other = (document_entry(each, patient_id=MINE) for each in (C, ABSENT))
    links = (association(SIGNS, C, ABSENT), association(SIGNS, ABSENT, C), association(APND, C, A))
    await merged.register(submission(one, other, associations=links, patient_id=MINE))
    await take_back(merged)
    assert await documents(merged, MINE) == sorted([B, C, ABSENT])


async def test_a_submission_set_of_both_stays_with_the_survivor(merged):
    """ITI TF-3: 4.2.1.2: it holds what was submitted together, and that is not changed."""
    await change(merged, version_of(entry_of(A, MINE), A2), version_of(entry_of(B, MINE), B2))
    assert await take_back(merged) == Unmerged(objects=4, joined=1)
    assert (await documents(merged, HIS), await documents(merged, MINE)) == ([A2], [B2])
    assert (await sets(merged, HIS), await sets(merged, MINE)) == (1, 2)


async def test_folders_go_back_and_members_of_another_leave_them(merged):
    """ITI TF-3: 4.2.2.1: a Folder and its members are one patient's; the Folder says that it changed."""
    await take_back(merged)
    members = submission(folders=[folder(F, patient_id=HIS)], patient_id=HIS)
    await merged.register(members)
    await merge_patients(HIS, MINE, merged.store)
    payloads = (
        *submitted(association(HAS_MEMBER, F, A)),
        *submitted(association(HAS_MEMBER, F, B, entry_uuid=LINK)),
    )
    await change(merged, associations=payloads)
    before = await folder_time(merged, F)
    assert (await take_back(merged)).joined == 1
    assert await folder_time(merged, F) > before
    content = await merged.found(q.GET_FOLDER_AND_CONTENTS, XDSFolderEntryUUID=F)
    assert {A, F} < set(content)
    assert not {B, LINK} & set(content)


async def test_a_folder_version_made_since_the_merge_goes_back_with_its_members(merged):
    """MU supplement: 3.57.4.1.3.3.2."""
    await take_back(merged)
    given = folder(F, patient_id=HIS)
    entry = document_entry(C, patient_id=HIS)
    members = (association(HAS_MEMBER, F, C),)
    await merged.register(submission(entry, folders=[given], associations=members, patient_id=HIS))
    await merge_patients(HIS, MINE, merged.store)
    await change(merged, version_of(given, F2, patient_id=MINE))
    assert (await take_back(merged)).joined == 0
    found = {"XDSFolderPatientId": HIS, "XDSFolderStatus": [APPROVED]}
    assert await merged.found(q.FIND_FOLDERS, **found) == [F2]
    assert {C, F2} < set(await merged.found(q.GET_FOLDER_AND_CONTENTS, XDSFolderEntryUUID=F2))


async def test_a_document_that_an_update_gave_to_another_patient_stays_his(merged):
    """MU supplement: 3.57.4.1.3.3.1: who said so knew of which patient he spoke."""
    await new_version(merged, A2, patient_id=THIRD)
    await take_back(merged)
    assert await documents(merged, THIRD) == [A2]
    assert await documents(merged, HIS, DEPRECATED, MetadataLevel="2") == [A]


async def test_versions_come_out_of_the_middle_of_a_chain_of_merges(merged):
    """Registered for the last survivor, they are still versions of what the first patient brought."""
    await merge_patients(MINE, THIRD, merged.store)
    await new_version(merged, A2, patient_id=THIRD)
    await take_back(merged, MINE, THIRD)
    assert await documents(merged, MINE) == sorted([A2, B])
    await take_back(merged)
    assert (await documents(merged, HIS), await documents(merged, MINE)) == ([A2], [B])


async def test_replacements_while_a_merge_is_taken_back_go_one_way_or_the_other(merged):
    """The one that is first decides; nobody's record is torn, and nobody waits for ever."""
    outcomes = await asyncio.gather(
        related(merged, RPLC, C, A), take_back(merged), new_version(merged, B2, of=B), return_exceptions=True
    )
    assert all(each is None or isinstance(each, Refused | Unmerged) for each in outcomes), outcomes
    replaced = outcomes[0] is None
    assert await documents(merged, HIS) == ([C] if replaced else [A])
    assert await documents(merged, MINE) == [B2]
