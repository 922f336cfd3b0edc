"""Status changes and submitted Associations of an update (MU supplement: 3.57.4.1.3)."""

import pytest

from hl7v2.datatypes import DTM
from ihe import stored_queries as q
from tests.messages.registry_objects import (
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    IS_SNAPSHOT_OF,
    OTHER_PATIENT,
    RPLC,
    SIGNS,
    association,
    document_entry,
    submission,
)
from tests.messages.updates import status_change, submitted
from tests.registry.updating import (
    A2,
    ABSENT,
    ENTRY,
    F2,
    FOLDER,
    LINK,
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
