"""What an update makes of registered objects, and what it may not (MU supplement: 3.57.4.1.3)."""

import asyncio
import re
from dataclasses import replace

import pytest

from ebxml.refused import Refused
from hl7v2.datatypes import DTM
from ihe import stored_queries as q
from registry.iti57_update_document_set import update_document_set
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
    association,
    code,
    document_entry,
    folder,
    submission,
)
from tests.messages.updates import status_change, submitted, update

pytestmark = pytest.mark.anyio

A = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"
A2 = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000002a"
A3 = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000003a"
B = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000000b"
B2 = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000002b"
C = "urn:uuid:cccccccc-0000-4000-8000-00000000000c"
F = "urn:uuid:ffffffff-0000-4000-8000-00000000000f"
F2 = "urn:uuid:ffffffff-0000-4000-8000-00000000002f"
LINK = "urn:uuid:11111111-0000-4000-8000-000000000001"
LINK2 = "urn:uuid:11111111-0000-4000-8000-000000000002"
ABSENT = "urn:uuid:eeeeeeee-0000-4000-8000-00000000000e"

ENTRY = document_entry(A, unique_id="2.999.57.1")
SECOND = document_entry(B, unique_id="2.999.57.2")
FOLDER = folder(F, unique_id="2.999.57.3")


def version_of(obj, entry_uuid, **changes):
    return replace(obj, entry_uuid=entry_uuid, logical_id=obj.entry_uuid, **changes)


def first(pattern, text):
    found = re.search(pattern, text)
    assert found is not None, text
    return found[1]


async def do(registry, *objects, **options):
    request = update(*objects, **options)
    return await update_document_set(request, registry.store, registry.clock, registry.new_uuid)


async def refusal(registry, *objects, **options):
    with pytest.raises(Refused) as refused:
        await do(registry, *objects, **options)
    return [error.code for error in refused.value.errors]


async def get(registry, entry_uuid):
    """(status, version, lid) of a DocumentEntry or Folder."""
    for query, name in ((q.GET_DOCUMENTS, "XDSDocumentEntry"), (q.GET_FOLDERS, "XDSFolder")):
        for element in (await registry.ask(query, **{f"{name}EntryUUID": [entry_uuid]})).objects:
            text = element.decode()
            status = first('status="[^"]*:([^":]*)"', text)
            return status, first('versionName="([^"]*)"', text), first('lid="([^"]*)"', text)


async def find(registry, status=APPROVED, patient_id=PATIENT, **values):
    return await registry.found(
        q.FIND_DOCUMENTS, XDSDocumentEntryPatientId=patient_id, XDSDocumentEntryStatus=[status], **values
    )


async def joined(registry, *entry_uuids, **values):
    """(type, source, target) of every Association of these objects, those of SubmissionSets left out."""
    answer = await registry.ask(q.GET_ASSOCIATIONS, uuid=list(entry_uuids), **values)
    texts = [element.decode() for element in answer.objects]
    ends = [
        tuple(
            first(f' {name}="([^"]*)"', text) for name in ("associationType", "sourceObject", "targetObject")
        )
        for text in texts
    ]
    named = {A, A2, A3, B, B2, C, F, F2}
    return sorted(
        (kind.rpartition(":")[2], source, target)
        for kind, source, target in ends
        if {source, target} <= named
    )


async def folder_time(registry, entry_uuid):
    (element,) = (await registry.ask(q.GET_FOLDERS, XDSFolderEntryUUID=[entry_uuid])).objects
    return int(first('"lastUpdateTime"><rim:ValueList><rim:Value>([0-9]*)', element.decode()))


async def in_folder(registry):
    """Register A and B inside F."""
    members = [association(HAS_MEMBER, F, each) for each in (A, B)]
    await registry.register(submission(ENTRY, SECOND, folders=[FOLDER], associations=members))


async def appended(registry):
    """Register A, and B appended to it by LINK."""
    await registry.register(submission(ENTRY))
    link = association(APND, B, A, entry_uuid=LINK)
    await registry.register(submission(SECOND, associations=[link]))


# New versions of DocumentEntries.


async def test_a_new_version_is_approved_and_the_old_one_deprecated(registry):
    """MU supplement: 3.57.4.1.3.3.1: same lid, version + 1."""
    await registry.register(submission(ENTRY))
    await do(registry, version_of(ENTRY, A2, class_code=code("OTHER")))
    assert await get(registry, A) == ("Deprecated", "1", A)
    assert await get(registry, A2) == ("Approved", "2", A)
    assert await find(registry, XDSDocumentEntryClassCode=[("OTHER", "2.999.1")]) == [A2]


async def test_old_versions_are_shown_at_metadata_level_2_only(registry):
    """MU supplement: 3.18.4.1.2.3.5.1."""
    await registry.register(submission(ENTRY))
    await do(registry, version_of(ENTRY, A2))
    assert await find(registry, DEPRECATED) == []
    assert await find(registry, DEPRECATED, MetadataLevel="2") == [A]
    unique_id = {"XDSDocumentEntryUniqueId": ["2.999.57.1"]}
    assert await registry.found(q.GET_DOCUMENTS, **unique_id) == [A2]
    assert await registry.found(q.GET_DOCUMENTS, **unique_id, MetadataLevel="2") == [A, A2]


async def test_a_symbolic_id_becomes_a_version_of_its_own(registry):
    """ITI TF-3: 4.2.3.1.5."""
    await registry.register(submission(ENTRY))
    await do(registry, version_of(ENTRY, "new version"))
    (found,) = await find(registry)
    assert await get(registry, found) == ("Approved", "2", A)


async def test_versions_count_on(registry):
    """MU supplement: 3.57.4.1.3.3.1."""
    await registry.register(submission(ENTRY))
    await do(registry, version_of(ENTRY, A2))
    await do(registry, version_of(ENTRY, A3), previous="2")
    assert await get(registry, A3) == ("Approved", "3", A)
    assert await find(registry) == [A3]


async def test_hash_and_size_may_be_corrected(registry):
    """MU supplement: 3.57: Delayed Document Assembly; later copies are compared with the new values."""
    await registry.register(submission(ENTRY))
    await do(registry, version_of(ENTRY, A2, hash="1" * 40, size="99"))
    await registry.register(submission(replace(ENTRY, entry_uuid=C, hash="1" * 40, size="99")))
    with pytest.raises(Refused):
        await registry.register(submission(replace(ENTRY, entry_uuid=B)))


@pytest.mark.parametrize("previous", ["0", "2"])
async def test_the_previous_version_must_be_the_latest(registry, previous):
    """XDSMetadataVersionError."""
    await registry.register(submission(ENTRY))
    assert await refusal(registry, version_of(ENTRY, A2), previous=previous) == ["XDSMetadataVersionError"]
    assert await get(registry, A) == ("Approved", "1", A)


async def test_there_must_be_something_to_update(registry):
    """XDSMetadataVersionError; a Folder's lid is none of a DocumentEntry."""
    await registry.register(submission(ENTRY, folders=[FOLDER]))
    for lid in (ABSENT, F):
        new = version_of(ENTRY, A2)
        assert await refusal(registry, replace(new, logical_id=lid)) == ["XDSMetadataVersionError"]


async def test_a_deprecated_document_is_not_updated(registry):
    """XDSMetadataUpdateError."""
    await registry.register(submission(ENTRY))
    await do(registry, associations=(status_change(A),))
    assert await refusal(registry, version_of(ENTRY, A2)) == ["XDSMetadataUpdateError"]


@pytest.mark.parametrize("changes", [{"unique_id": "2.999.57.99"}, {"object_type": ON_DEMAND}])
async def test_unique_id_and_type_are_those_of_the_old_version(registry, changes):
    """XDSMetadataUpdateError."""
    await registry.register(submission(ENTRY))
    assert await refusal(registry, version_of(ENTRY, A2, **changes)) == ["XDSMetadataUpdateError"]


async def test_the_new_version_needs_an_id_of_its_own(registry):
    """XDSRegistryMetadataError: the id is taken."""
    await registry.register(submission(ENTRY, SECOND))
    assert await refusal(registry, version_of(ENTRY, B)) == ["XDSRegistryMetadataError"]


async def test_of_two_updates_at_the_same_instant_one_is_refused(registry):
    """XDSMetadataVersionError: the second has not seen the first."""
    await registry.register(submission(ENTRY))
    outcomes = await asyncio.gather(
        *(do(registry, version_of(ENTRY, each)) for each in (A2, A3)), return_exceptions=True
    )
    (refused,) = [each for each in outcomes if isinstance(each, Refused)]
    assert "XDSMetadataVersionError" in [error.code for error in refused.errors]
    assert len(await find(registry)) == 1


# Patients.


async def test_a_lone_document_may_move_to_another_patient(registry):
    """MU supplement: 3.57.4.1.3.3.1."""
    await registry.register(submission(ENTRY))
    await do(registry, version_of(ENTRY, A2, patient_id=OTHER_PATIENT), patient_id=OTHER_PATIENT)
    assert await find(registry) == []
    assert await find(registry, patient_id=OTHER_PATIENT) == [A2]


async def test_a_document_in_a_folder_does_not_move_alone(registry):
    """XDSPatientIDReconciliationError; without propagation it may."""
    await in_folder(registry)
    new = version_of(ENTRY, A2, patient_id=OTHER_PATIENT)
    options = {"patient_id": OTHER_PATIENT}
    assert await refusal(registry, new, **options) == ["XDSPatientIDReconciliationError"]
    await do(registry, new, propagate="no", **options)


async def test_the_patient_must_be_known(registry):
    """XDSUnknownPatientId."""
    nobody = type(PATIENT)("nobody^^^&2.999.3&ISO")
    await registry.register(submission(ENTRY))
    new = version_of(ENTRY, A2, patient_id=nobody)
    assert await refusal(registry, new, patient_id=nobody) == ["XDSUnknownPatientId"]


# Propagation.


async def test_a_new_version_takes_its_place_in_the_folder(registry):
    """MU supplement: 3.57.4.1.3.3.1.3: the Folder's contents change, and so does its time."""
    await in_folder(registry)
    before = await folder_time(registry, F)
    await do(registry, version_of(ENTRY, A2))
    contents = await registry.found(q.GET_FOLDER_AND_CONTENTS, XDSFolderEntryUUID=F)
    assert {A2, B, F} <= set(contents)
    assert A not in contents
    assert await folder_time(registry, F) > before


async def test_without_propagation_the_folder_keeps_the_old_version(registry):
    """MU supplement: 3.57.4.1.3.3.1.3."""
    await in_folder(registry)
    before = await folder_time(registry, F)
    await do(registry, version_of(ENTRY, A2), propagate="no")
    assert await joined(registry, F, MetadataLevel="2") == [("HasMember", F, A), ("HasMember", F, B)]
    assert await folder_time(registry, F) == before


async def test_relationships_at_either_end_follow_the_new_version(registry):
    """MU supplement: 3.57.4.1.3.3.1.3."""
    await appended(registry)
    await do(registry, version_of(ENTRY, A2))
    await do(registry, version_of(SECOND, B2))
    assert await joined(registry, A, B, A2, B2) == [("APND", B, A), ("APND", B, A2), ("APND", B2, A2)]


async def test_two_ends_updated_at_once_are_joined_once(registry):
    """MU supplement: 3.57.4.1.3.3.1.3."""
    await appended(registry)
    await do(registry, version_of(ENTRY, A2), version_of(SECOND, B2))
    assert await joined(registry, A, B, A2, B2) == [("APND", B, A), ("APND", B2, A2)]


async def test_a_replacement_hands_on_what_it_replaces(registry):
    """MU supplement: 3.57.4.1.3.3.1.3: the original stays Deprecated."""
    await registry.register(submission(ENTRY))
    await registry.register(submission(SECOND, associations=[association(RPLC, B, A)]))
    await do(registry, version_of(SECOND, B2))
    assert ("RPLC", B2, A) in await joined(registry, A)
    assert (await get(registry, A))[0] == "Deprecated"


# Folders.


async def test_a_new_version_of_a_folder_holds_its_documents(registry):
    """MU supplement: 3.57.4.1.3.3.2: two new memberships beside the two old ones."""
    await in_folder(registry)
    before = await folder_time(registry, F)
    await do(registry, version_of(FOLDER, F2, code_list=(code("OTHER"),)))
    assert await get(registry, F) == ("Deprecated", "1", F)
    assert await get(registry, F2) == ("Approved", "2", F)
    memberships = [("HasMember", each, document) for each in (F, F2) for document in (A, B)]
    assert await joined(registry, F, F2, MetadataLevel="2") == sorted(memberships)
    assert await folder_time(registry, F2) > before


async def test_a_folders_unique_id_names_its_versions(registry):
    """MU supplement: 3.18.4.1.2.3.5.1."""
    await registry.register(submission(ENTRY, folders=[FOLDER]))
    await do(registry, version_of(FOLDER, F2))
    unique_id = {"XDSFolderUniqueId": ["2.999.57.3"]}
    assert await registry.found(q.GET_FOLDERS, **unique_id) == [F2]


async def test_a_folder_and_its_document_are_updated_together(registry):
    """MU supplement: 3.57.4.1.3: each membership is copied once."""
    await in_folder(registry)
    await do(registry, version_of(ENTRY, A2), version_of(FOLDER, F2))
    assert await joined(registry, F2) == sorted([("HasMember", F2, A2), ("HasMember", F2, B)])


@pytest.mark.parametrize(
    ("changes", "previous", "expected"),
    [
        ({"logical_id": ABSENT}, "1", "XDSMetadataUpdateError"),
        ({}, "2", "XDSMetadataVersionError"),
        ({"unique_id": "2.999.57.98"}, "1", "XDSMetadataUpdateError"),
    ],
)
async def test_a_folder_is_updated_by_the_same_rules(registry, changes, previous, expected):
    """MU supplement: 3.57.4.1.3.3.2."""
    await registry.register(submission(ENTRY, folders=[FOLDER]))
    new = replace(version_of(FOLDER, F2), **changes)
    assert await refusal(registry, new, previous=previous) == [expected]


# Availability.


async def test_a_document_is_deprecated_and_approved_again(registry):
    """MU supplement: 3.57.4.1.3.3.3; the trigger is not stored."""
    await registry.register(submission(ENTRY))
    change = status_change(A, entry_uuid=LINK)
    await do(registry, associations=(change,))
    assert (await find(registry), await find(registry, DEPRECATED)) == ([], [A])
    assert LINK not in await registry.found(q.GET_ASSOCIATIONS, uuid=[A], MetadataLevel="2")
    await do(registry, associations=(status_change(A, DEPRECATED, APPROVED),))
    assert (await find(registry), await find(registry, DEPRECATED)) == ([A], [])


async def test_an_association_is_deprecated_and_hidden(registry):
    """MU supplement: 3.57.4.1.3.3.5, 3.18.4.1.2.3.5.1."""
    await appended(registry)
    await do(registry, associations=(status_change(LINK),))
    assert await joined(registry, A) == []
    assert await joined(registry, A, MetadataLevel="2") == [("APND", B, A)]
    assert await joined(registry, A, XDSAssociationStatus=[DEPRECATED]) == [("APND", B, A)]


async def test_the_original_status_must_be_the_present_one(registry):
    """XDSMetadataUpdateError."""
    await registry.register(submission(ENTRY))
    change = status_change(A, DEPRECATED, APPROVED)
    assert await refusal(registry, associations=(change,)) == ["XDSMetadataUpdateError"]


async def test_the_status_of_a_superseded_version_stays(registry):
    """XDSMetadataUpdateError."""
    await registry.register(submission(ENTRY))
    await do(registry, version_of(ENTRY, A2))
    change = status_change(A, DEPRECATED, APPROVED)
    assert await refusal(registry, associations=(change,)) == ["XDSMetadataUpdateError"]


async def test_sets_folders_and_memberships_of_sets_have_no_status_to_change(registry):
    """XDSMetadataUpdateError."""
    await registry.register(submission(ENTRY, folders=[FOLDER], entry_uuid=C))
    of_set = (await registry.found(q.GET_ASSOCIATIONS, uuid=[C]))[0]
    for target in (C, F, of_set):
        assert await refusal(registry, associations=(status_change(target),)) == ["XDSMetadataUpdateError"]


async def test_a_status_changes_only_for_what_is_there_and_of_this_patient(registry):
    """UnresolvedReferenceException, XDSPatientIDReconciliationError."""
    await registry.register(submission(ENTRY))
    absent, foreign = (status_change(ABSENT),), (status_change(A),)
    assert await refusal(registry, associations=absent) == ["UnresolvedReferenceException"]
    assert await refusal(registry, associations=foreign, patient_id=OTHER_PATIENT) == [
        "XDSPatientIDReconciliationError"
    ]


async def test_an_update_and_a_status_change_of_the_new_version(registry):
    """MU supplement: 3.57.4.1.3: the update comes first."""
    await registry.register(submission(ENTRY))
    new = version_of(ENTRY, A2)
    back = status_change(A2, DEPRECATED, APPROVED)
    assert await refusal(registry, new, associations=(back,)) == ["XDSMetadataUpdateError"]
    await do(registry, new, associations=(status_change(A2),))
    assert await get(registry, A2) == ("Deprecated", "2", A)


async def test_a_replaced_document_is_not_approved_beside_its_replacement(registry):
    """ITI TF-3: 4.2.2.2.3: of a chain of replacements one is Approved."""
    await registry.register(submission(ENTRY))
    link = association(RPLC, B, A, entry_uuid=LINK)
    await registry.register(submission(SECOND, associations=[link]))
    again = status_change(A, DEPRECATED, APPROVED)
    assert await refusal(registry, associations=(again,)) == ["XDSMetadataUpdateError"]
    await do(registry, associations=(again, status_change(LINK)))
    assert await find(registry) == [A, B]
    back = status_change(LINK, DEPRECATED, APPROVED)
    assert await refusal(registry, associations=(back,)) == ["XDSMetadataUpdateError"]


# Submitted Associations.


async def test_an_association_between_registered_documents_is_stored(registry):
    """MU supplement: 3.57.4.1.3.3.4: with a membership in the SubmissionSet."""
    await registry.register(submission(ENTRY, SECOND))
    await do(registry, associations=submitted(association(SIGNS, B, A, entry_uuid=LINK)))
    assert await joined(registry, A) == [("signs", B, A)]
    assert len(await registry.found(q.GET_ASSOCIATIONS, uuid=[LINK])) == 1


async def test_a_submitted_member_touches_its_folder(registry):
    """ITI TF-3: 4.2.3.4.6."""
    await registry.register(submission(ENTRY, folders=[FOLDER]))
    before = await folder_time(registry, F)
    await do(registry, associations=submitted(association(HAS_MEMBER, F, A)))
    assert await joined(registry, F) == [("HasMember", F, A)]
    assert await folder_time(registry, F) > before


async def test_a_submitted_replacement_replaces(registry):
    """ITI TF-3: 4.2.2.2.3."""
    await registry.register(submission(ENTRY, folders=[FOLDER], associations=[association(HAS_MEMBER, F, A)]))
    await registry.register(submission(SECOND))
    await do(registry, associations=submitted(association(RPLC, B, A)))
    assert (await find(registry), await find(registry, DEPRECATED)) == ([B], [A])
    assert ("HasMember", F, B) in await joined(registry, F)


@pytest.mark.parametrize(
    ("kind", "source", "target", "expected"),
    [
        (SIGNS, A, ABSENT, ["UnresolvedReferenceException"]),
        (SIGNS, A, F, ["XDSMetadataUpdateError"]),
        (SIGNS, A, A, ["XDSMetadataUpdateError"]),
        (HAS_MEMBER, A, B, ["XDSMetadataUpdateError"]),
        (HAS_MEMBER, F, A, ["XDSMetadataUpdateError"]),
        (SIGNS, A, C, ["XDSPatientIDReconciliationError"]),
        (IS_SNAPSHOT_OF, A, B, ["XDSRegistryMetadataError"]),
    ],
    ids=["absent", "kind", "itself", "member", "twice", "patient", "type"],
)
async def test_what_a_submitted_association_may_not_join(registry, kind, source, target, expected):
    """MU supplement: 3.57.4.1.3.3.4."""
    await in_folder(registry)
    await registry.register(submission(document_entry(C, patient_id=OTHER_PATIENT), patient_id=OTHER_PATIENT))
    payload = submitted(association(kind, source, target))
    assert await refusal(registry, associations=payload) == expected


async def test_nothing_is_joined_to_what_is_deprecated(registry):
    """XDSMetadataUpdateError."""
    await registry.register(submission(ENTRY, SECOND))
    await do(registry, associations=(status_change(A),))
    payload = submitted(association(SIGNS, B, A))
    assert await refusal(registry, associations=payload) == ["XDSMetadataUpdateError"]


async def test_a_propagating_update_and_an_association_of_it_do_not_go_together(registry):
    """XDSMetadataUpdateOperationError; without propagation they do."""
    await registry.register(submission(ENTRY, SECOND))
    new, payload = version_of(ENTRY, A2), submitted(association(SIGNS, B, A2))
    assert await refusal(registry, new, associations=payload) == ["XDSMetadataUpdateOperationError"]
    await do(registry, new, associations=payload, propagate="no")
    assert await joined(registry, A2) == [("signs", B, A2)]


async def test_one_wrong_operation_undoes_all(registry):
    """MU supplement: 3.57.4.1.3: all or nothing, and every error at once."""
    await registry.register(submission(ENTRY, SECOND))
    wrong = (status_change(B, DEPRECATED, APPROVED), *submitted(association(SIGNS, A, ABSENT)))
    assert await refusal(registry, version_of(ENTRY, A2), associations=wrong) == [
        "XDSMetadataUpdateError",
        "XDSMetadataUpdateOperationError",
        "UnresolvedReferenceException",
    ]
    assert await find(registry) == [A, B]


async def test_a_folders_time_is_not_turned_back_by_a_clock_that_lags(registry):
    """ITI TF-3: 4.2.3.4.6."""
    await in_folder(registry)
    before = await folder_time(registry, F)
    registry.now = registry.now.replace(year=2020)
    await do(registry, version_of(ENTRY, A2))
    await do(registry, version_of(FOLDER, F2, last_update_time=DTM("20200101000000")))
    assert (await folder_time(registry, F), await folder_time(registry, F2)) == (before, before)
