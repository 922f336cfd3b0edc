"""What a new version makes of registered objects, and what it may not (MU supplement: 3.57.4.1.3)."""

import asyncio
from dataclasses import replace

import pytest

from ebxml.refused import Refused
from ihe import stored_queries as q
from tests.messages.registry_objects import (
    DEPRECATED,
    ON_DEMAND,
    OTHER_PATIENT,
    PATIENT,
    RPLC,
    association,
    code,
    submission,
)
from tests.messages.updates import status_change
from tests.registry.updating import (
    A2,
    A3,
    ABSENT,
    B2,
    ENTRY,
    F2,
    FOLDER,
    SECOND,
    A,
    B,
    C,
    F,
    appended,
    do,
    find,
    folder_time,
    get,
    in_folder,
    joined,
    refusal,
    version_of,
)

pytestmark = pytest.mark.anyio

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
