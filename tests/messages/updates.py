"""Updates of registered objects: each builder takes what a test wants otherwise (MU supplement: 3.57)."""

from ebxml.model import Association, DocumentEntry, Folder, Submission
from hl7v2.datatypes import CX
from tests.messages.registry_objects import (
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    PATIENT,
    association,
    submission_set,
)

UPDATE_AVAILABILITY_STATUS = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"
SUBMIT_ASSOCIATION = "urn:ihe:iti:2010:AssociationType:SubmitAssociation"
PACKAGE = "package"


def membership(obj: DocumentEntry | Folder, previous: str = "1", **attributes) -> Association:
    """The HasMember that says of which version this is the next one."""
    status = {"submission_set_status": "Original"} if isinstance(obj, DocumentEntry) else {}
    return association(
        HAS_MEMBER, PACKAGE, obj.entry_uuid, **{**status, "previous_version": previous, **attributes}
    )


def status_change(target: str, old: str = APPROVED, new: str = DEPRECATED, **attributes) -> Association:
    given = {"original_status": old, "new_status": new, **attributes}
    return association(UPDATE_AVAILABILITY_STATUS, PACKAGE, target, **given)


def submitted(payload: Association) -> tuple[Association, Association]:
    """The payload and what triggers its submission."""
    return payload, association(SUBMIT_ASSOCIATION, PACKAGE, payload.entry_uuid)


def update(
    *objects: DocumentEntry | Folder,
    associations: tuple[Association, ...] = (),
    previous: str = "1",
    propagate: str | None = None,
    patient_id: CX = PATIENT,
    unannotated: bool = False,
) -> Submission:
    """A request of these new versions, each with its HasMember, and of further Associations."""
    members = () if unannotated else tuple(
        membership(each, previous, association_propagation=propagate) for each in objects
    )  # fmt: skip
    return Submission(
        submission_sets=(submission_set(PACKAGE, patient_id=patient_id),),
        document_entries=tuple(each for each in objects if isinstance(each, DocumentEntry)),
        folders=tuple(each for each in objects if isinstance(each, Folder)),
        associations=(*members, *associations),
    )
