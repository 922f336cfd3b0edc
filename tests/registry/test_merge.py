"""One patient's record becomes part of another's, and comes back (ITI TF-2: 3.8.4.2, 3.44.4.2)."""

import asyncio
import random
import re

import pytest

from ebxml.model import DocumentEntry, LocalizedString
from ebxml.refused import Refused
from exchange.ports import CannotMerge, Obstacle
from hl7v2.datatypes import CX
from ihe import stored_queries as q
from registry import moving
from registry.merge import NotMerged, Unmerged, merge_patients, undo
from registry.patients import add_patient, known
from tests.messages.registry_objects import (
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    ON_DEMAND,
    RPLC,
    STABLE,
    association,
    document_entry,
    folder,
    submission,
)

pytestmark = pytest.mark.anyio

P1, P2, P3, P4 = (CX(f"p{n}^^^&2.999.3&ISO") for n in (1, 2, 3, 4))
UNKNOWN = CX("nobody^^^&2.999.3&ISO")

A = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"
B = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000000b"
C = "urn:uuid:cccccccc-0000-4000-8000-00000000000c"
F = "urn:uuid:ffffffff-0000-4000-8000-00000000000f"


@pytest.fixture
async def patients(registry):
    for patient_id in (P1, P2, P3, P4):
        await add_patient(patient_id, registry.store, registry.clock)
    return registry


async def register(registry, patient_id, entry_uuid="", **attributes):
    entry = document_entry(entry_uuid, patient_id=patient_id, **attributes)
    await registry.register(submission(entry, patient_id=patient_id))
    return entry


async def everything(registry, patient_id, leaf_class=True):
    both = [APPROVED, DEPRECATED]
    return await registry.ask(
        q.GET_ALL,
        leaf_class=leaf_class,
        patientId=patient_id,
        XDSDocumentEntryStatus=both,
        XDSSubmissionSetStatus=both,
        XDSFolderStatus=both,
        XDSDocumentEntryType=[ON_DEMAND, STABLE],
    )


async def content(registry, *patient_ids):
    """All that the registry answers about these patients, in a fixed order."""
    return {
        patient_id: sorted((await everything(registry, patient_id)).objects) for patient_id in patient_ids
    }


def patient_ids_in(objects):
    return {
        found.decode()
        for element in objects
        for found in re.findall(
            rb'value="([^"]*)"><rim:Name><rim:LocalizedString value="[^"]*patientId"', element
        )
    }


async def obstacle(registry, subsumed, surviving):
    with pytest.raises(CannotMerge) as refused:
        await merge_patients(subsumed, surviving, registry.store)
    return refused.value.obstacle


async def take_back(registry, subsumed, surviving):
    return await undo(subsumed, surviving, registry.store, registry.clock, registry.new_uuid)


async def submission_errors(registry, patient_id):
    with pytest.raises(Refused) as refused:
        await register(registry, patient_id)
    return [(error.code, error.context) for error in refused.value.errors]


async def test_queries_by_the_surviving_id_find_everything(patients):
    """ITI TF-2: 3.8.4.2.3."""
    mine = await register(patients, P1, A)
    his = document_entry(B, patient_id=P2)
    folders = (folder(F, patient_id=P2),)
    member = association(HAS_MEMBER, F, B)
    await patients.register(submission(his, folders=folders, associations=(member,), patient_id=P2))
    await merge_patients(P2, P1, patients.store)
    find = {"XDSDocumentEntryPatientId": P1, "XDSDocumentEntryStatus": [APPROVED]}
    assert await patients.found(q.FIND_DOCUMENTS, **find) == sorted([A, B])
    assert mine.entry_uuid == A
    assert await patients.found(q.FIND_FOLDERS, XDSFolderPatientId=P1, XDSFolderStatus=[APPROVED]) == [F]
    sets = {"XDSSubmissionSetPatientId": P1, "XDSSubmissionSetStatus": [APPROVED]}
    assert len(await patients.found(q.FIND_SUBMISSION_SETS, **sets)) == 2
    assert len((await everything(patients, P1)).objects) == 10


async def test_queries_by_the_subsumed_id_find_nothing(patients):
    """ITI TF-2: 3.8.4.2.3: an empty success."""
    await register(patients, P2, B)
    await merge_patients(P2, P1, patients.store)
    assert (await everything(patients, P2)).objects == []
    find = {"XDSDocumentEntryPatientId": P2, "XDSDocumentEntryStatus": [APPROVED]}
    assert await patients.found(q.FIND_DOCUMENTS, **find) == []


async def test_every_returned_object_names_the_surviving_patient(patients):
    """ITI TF-3: 4.2.3.2.16, 4.2.3.3.8, 4.2.3.4.7: of DocumentEntry, SubmissionSet and Folder alike."""
    his = document_entry(B, patient_id=P2)
    await patients.register(submission(his, folders=(folder(F, patient_id=P2),), patient_id=P2))
    await merge_patients(P2, P1, patients.store)
    objects = (await everything(patients, P1)).objects
    assert patient_ids_in(objects) == {"p1^^^&amp;2.999.3&amp;ISO"}
    assert sum(element.count(b"patientId") for element in objects) == 3
    by_id = await patients.ask(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[B])
    assert by_id.patient_ids == (P1,)
    assert patient_ids_in(by_id.objects) == {"p1^^^&amp;2.999.3&amp;ISO"}


async def test_the_source_patient_id_stays(patients):
    """ITI TF-2: 3.8.4.2.3: what the source calls its patient is not the registry's to change."""
    await register(patients, P2, B, source_patient_id=P2)
    await merge_patients(P2, P1, patients.store)
    ((element,)) = (await patients.ask(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[B])).objects
    assert b'<rim:Slot name="sourcePatientId"><rim:ValueList><rim:Value>p2^^^&amp;2.999.3' in element


async def test_submissions_for_the_subsumed_id_are_of_an_unknown_patient(patients):
    """ITI TF-2: 3.8.4.2.3, 3.42.4.1.3."""
    await merge_patients(P2, P1, patients.store)
    assert await submission_errors(patients, P2) == [("XDSUnknownPatientId", P2)]
    assert not await known(P2, patients.store)
    await register(patients, P1)


async def test_a_subsumed_patient_does_not_come_back_by_a_feed(patients):
    """ITI TF-2: 3.8.4.1.3: a registration once more changes nothing."""
    await merge_patients(P2, P1, patients.store)
    await add_patient(P2, patients.store, patients.clock)
    assert not await known(P2, patients.store)


async def test_objects_of_merged_patients_are_of_one_patient(patients):
    """ITI TF-2: 3.18.4.1.2.3.8: no XDSResultNotSinglePatient within a merge."""
    await register(patients, P1, A)
    await register(patients, P2, B)
    with pytest.raises(Refused):
        await patients.ask(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[A, B])
    await merge_patients(P2, P1, patients.store)
    assert len((await patients.ask(q.GET_DOCUMENTS, XDSDocumentEntryEntryUUID=[A, B])).objects) == 2


async def test_a_chain_of_merges_answers_to_its_last_survivor(patients):
    """ITI TF-2: 3.8.4.2.3."""
    for patient_id, entry_uuid in ((P1, A), (P2, B), (P3, C)):
        await register(patients, patient_id, entry_uuid)
    await merge_patients(P1, P2, patients.store)
    await merge_patients(P2, P3, patients.store)
    find = {"XDSDocumentEntryStatus": [APPROVED]}
    assert await patients.found(q.FIND_DOCUMENTS, XDSDocumentEntryPatientId=P3, **find) == [A, B, C]
    assert await patients.found(q.FIND_DOCUMENTS, XDSDocumentEntryPatientId=P2, **find) == []
    assert patient_ids_in((await everything(patients, P3)).objects) == {"p3^^^&amp;2.999.3&amp;ISO"}


async def test_a_document_of_the_subsumed_patient_can_be_replaced_for_the_survivor(patients):
    """ITI TF-3: 4.2.2.2.3: both are one patient now."""
    await register(patients, P2, B)
    await merge_patients(P2, P1, patients.store)
    new = document_entry(C, patient_id=P1)
    await patients.register(submission(new, associations=(association(RPLC, C, B),), patient_id=P1))
    find = {"XDSDocumentEntryPatientId": P1, "XDSDocumentEntryStatus": [APPROVED]}
    assert await patients.found(q.FIND_DOCUMENTS, **find) == [C]


async def test_what_cannot_be_merged_is_told_and_nothing_changes(patients):
    """ITI TF-2: 3.8.4.2.3, 3.44.4.2.3."""
    for patient_id in (P1, P2, P3):
        await register(patients, patient_id)
    await merge_patients(P2, P1, patients.store)
    before = await content(patients, P1, P2, P3)
    assert await obstacle(patients, P1, P1) is Obstacle.SAME_PATIENT
    assert await obstacle(patients, P2, P2) is Obstacle.SAME_PATIENT
    assert await obstacle(patients, UNKNOWN, P1) is Obstacle.SUBSUMED_UNKNOWN
    assert await obstacle(patients, P3, UNKNOWN) is Obstacle.SURVIVING_UNKNOWN
    assert await obstacle(patients, P2, P3) is Obstacle.SUBSUMED_ALREADY
    assert await obstacle(patients, P1, P2) is Obstacle.SURVIVING_SUBSUMED
    assert await obstacle(patients, P3, P2) is Obstacle.SURVIVING_SUBSUMED
    assert await content(patients, P1, P2, P3) == before


async def test_the_same_merge_once_more_is_no_error(patients):
    """ITI TF-2: 3.8.4.2: its sender repeats what was never acknowledged."""
    await register(patients, P2)
    await merge_patients(P2, P1, patients.store)
    before = await content(patients, P1, P2)
    await merge_patients(P2, P1, patients.store)
    assert await content(patients, P1, P2) == before


async def test_an_operator_restores_exactly_what_was_moved(patients):
    """Both records are, byte for byte, what they were before the merge."""
    await register(patients, P1, A)
    his = document_entry(B, patient_id=P2)
    folders = (folder(F, patient_id=P2),)
    member = association(HAS_MEMBER, F, B)
    await patients.register(submission(his, folders=folders, associations=(member,), patient_id=P2))
    before = await content(patients, P1, P2)
    await merge_patients(P2, P1, patients.store)
    assert await take_back(patients, P2, P1) == Unmerged(objects=7, joined=0)
    assert await content(patients, P1, P2) == before
    assert await known(P2, patients.store)
    await register(patients, P2)


async def test_a_patient_is_taken_out_of_the_middle_of_a_chain(patients):
    """P1 into P2 into P3, and then P1 by himself: what he brought along comes back from P3."""
    for patient_id, entry_uuid in ((P1, A), (P2, B), (P3, C)):
        await register(patients, patient_id, entry_uuid)
    before = await content(patients, P1)
    await merge_patients(P1, P2, patients.store)
    await merge_patients(P2, P3, patients.store)
    await take_back(patients, P1, P2)
    assert await content(patients, P1) == before
    find = {"XDSDocumentEntryStatus": [APPROVED]}
    assert await patients.found(q.FIND_DOCUMENTS, XDSDocumentEntryPatientId=P3, **find) == [B, C]


@pytest.mark.parametrize(
    ("subsumed", "surviving"), [(P3, P1), (P1, P2), (P1, P1), (P2, P3), (UNKNOWN, P1), (P2, UNKNOWN)]
)
async def test_only_a_merge_that_stands_is_taken_back(patients, subsumed, surviving):
    """What is not merged, or was merged into somebody else, stays as it is."""
    await merge_patients(P2, P1, patients.store)
    with pytest.raises(NotMerged):
        await take_back(patients, subsumed, surviving)
    assert not await known(P2, patients.store)


async def test_a_large_element_and_more_than_one_batch_move_too(patients, monkeypatch):
    """Elements that do not fit the index stand in a column of their own, and come back from there."""
    monkeypatch.setattr(moving, "BATCH_OBJECTS", 2)
    large = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9000))
    for entry_uuid, comments in ((A, "short"), (B, large), (C, "short")):
        await register(patients, P2, entry_uuid, comments=(LocalizedString(comments),))
    before = await content(patients, P2)
    await merge_patients(P2, P1, patients.store)
    assert len((await everything(patients, P1)).objects) == 9
    await take_back(patients, P2, P1)
    assert await content(patients, P2) == before


async def test_an_element_that_outgrows_the_index_by_its_new_id_is_stored_apart(patients):
    """A patient id may be long; the limit of an index row is not."""
    long_id = CX("x" * 200 + "^^^&2.999.3&ISO")
    await add_patient(long_id, patients.store, patients.clock)
    letters = random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=4000)
    for size in range(1900, 2300, 40):
        await register(patients, P2, comments=(LocalizedString("".join(letters[:size])),))
    await merge_patients(P2, long_id, patients.store)
    assert len((await everything(patients, long_id)).objects) == 30


async def test_merges_in_opposite_directions_end_with_one_of_them(patients):
    """Two feeds at the same instant: one merge is made, the other is told why not."""
    await register(patients, P1, A)
    await register(patients, P2, B)
    ends = await asyncio.gather(
        merge_patients(P1, P2, patients.store),
        merge_patients(P2, P1, patients.store),
        return_exceptions=True,
    )
    (refused,) = (end for end in ends if end is not None)
    assert isinstance(refused, CannotMerge)
    survivor = P2 if ends[0] is None else P1
    assert len((await everything(patients, survivor)).objects) == 6


async def test_a_submission_and_a_merge_at_the_same_instant_lose_nothing(patients):
    """Either the submission was first and its objects moved, or its patient was gone."""
    outcomes = await asyncio.gather(
        *(register(patients, P2) for _ in range(6)),
        merge_patients(P2, P1, patients.store),
        *(register(patients, P2) for _ in range(6)),
        return_exceptions=True,
    )
    assert all(each is None or isinstance(each, Refused | DocumentEntry) for each in outcomes)
    registered = sum(isinstance(each, DocumentEntry) for each in outcomes)
    assert len((await everything(patients, P1)).objects) == 3 * registered
    assert (await everything(patients, P2)).objects == []


@pytest.mark.parametrize("seed", range(6))
async def test_random_merges_and_their_ends_keep_each_object_with_its_last_survivor(patients, seed):
    """A model with nothing but links between patients foretells every answer."""
    dice = random.Random(seed)
    ids = (P1, P2, P3, P4)
    links: dict[str, str] = {}
    owners: dict[str, str] = {}

    def root(patient_id):
        return root(links[patient_id]) if patient_id in links else patient_id

    for step in range(18):
        one, other = dice.choice(ids), dice.choice(ids)
        match dice.choice(["register", "merge", "merge", "undo"]):
            case "register" if one not in links:
                entry_uuid = f"urn:uuid:00000000-0000-4000-9000-{step:012x}"
                await register(patients, one, entry_uuid)
                owners[entry_uuid] = one
            case "merge" if one != other and one not in links and other not in links:
                await merge_patients(one, other, patients.store)
                links[one] = other
            case "undo" if one in links:
                await take_back(patients, one, links.pop(one))
            case _:
                continue
        for patient_id in ids:
            find = {"XDSDocumentEntryPatientId": patient_id, "XDSDocumentEntryStatus": [APPROVED]}
            assert await patients.found(q.FIND_DOCUMENTS, **find) == sorted(
                entry for entry, owner in owners.items() if root(owner) == patient_id
            )
