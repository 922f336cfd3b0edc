"""What Associations may join, and what must be joined (ITI TF-3: 4.2.2)."""

from collections.abc import Iterator, Mapping

from ebxml.kinds import kind_of
from ebxml.model import Association, DocumentEntry, Folder, RegistryObject, Submission, SubmissionSet
from ebxml.places import error_of
from hl7v2.er7 import shown
from ihe.associations import (
    ASSOCIATION_TYPES,
    HAS_MEMBER,
    IS_SNAPSHOT_OF,
    ORIGINAL,
    REFERENCE,
    AssociationType,
)
from ihe.error_codes import UNRESOLVED_REFERENCE, ErrorCode, RegistryError
from ihe.object_types import DocumentEntryType

_UUID_PREFIX = "urn:uuid:"


def errors_in_associations(
    submission: Submission, objects: Mapping[str, RegistryObject], metadata_error: ErrorCode
) -> Iterator[RegistryError]:
    """Yield every Association that is wrong, and every object that lacks one; `objects` are by their id."""
    for association in submission.associations:
        for error in _errors_in_documentation(association):
            yield _error(metadata_error, association, error, "associationDocumentation")
        if unresolved := tuple(_unresolved_ends(association, objects)):
            for end, entry_uuid in unresolved:
                error = f"{end} {shown(entry_uuid)} is no object of the submission, expected the id of one"
                yield _error(UNRESOLVED_REFERENCE, association, f"{error} or a UUID", end)
            continue
        association_type = ASSOCIATION_TYPES.get(association.association_type)
        if association_type is HAS_MEMBER:
            for error, attribute in _errors_in_member(association, objects):
                yield _error(metadata_error, association, error, attribute)
        elif association_type is not None and association_type.relationship:
            yield from _errors_in_relationship(association, association_type, objects, metadata_error)
        else:
            problem = f"associationType {shown(association.association_type)} is not allowed here"
            yield _error(metadata_error, association, f"{problem}, expected {_ALLOWED}", "associationType")
    yield from _errors_in_membership(submission, objects, metadata_error)


def _error(code: ErrorCode, association: Association, problem: str, attribute: str = "") -> RegistryError:
    return error_of(code, association, f"{problem} (ITI TF-3: 4.2.2)", attribute)


def _errors_in_documentation(association: Association) -> Iterator[str]:
    """ITI TF-3: 4.2.2.2: a reason is given for a relationship, not for a membership."""
    if association.association_documentation and association.association_type == HAS_MEMBER.urn:
        code = association.association_documentation.code
        yield f"a HasMember has the associationDocumentation {shown(code)}, expected it on relationships only"


def _unresolved_ends(
    association: Association, objects: Mapping[str, RegistryObject]
) -> Iterator[tuple[str, str]]:
    """A symbolic id means an object of the same message (ITI TF-3: 4.2.3.1.5)."""
    for end, entry_uuid in (
        ("sourceObject", association.source_object),
        ("targetObject", association.target_object),
    ):
        # A UUID may be that of a registered object; one written wrong is an error of its attribute.
        if entry_uuid not in objects and not entry_uuid.lower().startswith(_UUID_PREFIX):
            yield end, entry_uuid


def _errors_in_member(
    association: Association, objects: Mapping[str, RegistryObject]
) -> Iterator[tuple[str, str]]:
    """Each with its attribute; an end not in `objects` is registered, if it exists at all (4.2.2.1)."""
    source = objects.get(association.source_object)
    target = objects.get(association.target_object)
    match source, target:
        case SubmissionSet(), DocumentEntry():
            yield from _errors_in_submission_set_status(association, ORIGINAL, "is in the submission")
        case SubmissionSet(), None:
            yield from _errors_in_submission_set_status(association, REFERENCE, "is not in the submission")
        case SubmissionSet(), Association() if isinstance(objects.get(target.source_object), SubmissionSet):
            yield (
                f"its target {shown(target.entry_uuid)} is a membership of the SubmissionSet itself, "
                "expected one of a Folder",
                "targetObject",
            )
        case SubmissionSet(), Folder() | Association():
            pass
        case ((Folder() | None), (DocumentEntry() | None)):
            pass
        case _, _:
            yield (
                f"{_what(target)} {shown(association.target_object)} is made a member of {_what(source)} "
                f"{shown(association.source_object)}, expected DocumentEntries, Folders and Associations "
                "in a SubmissionSet, or DocumentEntries in a Folder",
                "targetObject",
            )


def _what(obj: RegistryObject | None) -> str:
    return kind_of(obj).name if obj else "registered object"


def _errors_in_submission_set_status(
    association: Association, expected: str, where: str
) -> Iterator[tuple[str, str]]:
    """ITI TF-3: 4.2.2.1.1, 4.2.2.1.2."""
    status = association.submission_set_status
    if status != expected:
        seen = "missing" if status is None else shown(status)
        problem = f"SubmissionSetStatus is {seen}, expected {expected}: its target {where}"
        yield problem, "submissionSetStatus"


def _errors_in_relationship(
    association: Association,
    association_type: AssociationType,
    objects: Mapping[str, RegistryObject],
    metadata_error: ErrorCode,
) -> Iterator[RegistryError]:
    """ITI TF-3: 4.2.2.2: from a DocumentEntry that is new to one that, in general, is registered."""
    name = association_type.name
    source = objects.get(association.source_object)
    target = objects.get(association.target_object)
    if not isinstance(source, DocumentEntry):
        problem = f"{name} has the sourceObject {shown(association.source_object)}"
        problem = f"{problem}, expected a DocumentEntry of the submission"
        yield _error(UNRESOLVED_REFERENCE, association, problem, "sourceObject")
    elif association_type is IS_SNAPSHOT_OF and source.object_type == DocumentEntryType.ON_DEMAND:
        problem = f"{name} comes from the on-demand {shown(association.source_object)}"
        problem = f"{problem}, expected a stable DocumentEntry"
        yield _error(metadata_error, association, problem, "sourceObject")
    if target is None:
        return
    problem = f"{name} has the targetObject {shown(association.target_object)} of the same submission"
    if association_type.deprecates_target or association_type is IS_SNAPSHOT_OF:
        problem = f"{problem}, expected a registered one"
        yield _error(UNRESOLVED_REFERENCE, association, problem, "targetObject")
    elif not isinstance(target, DocumentEntry):
        problem = f"{problem}, a {_what(target)}, expected a DocumentEntry"
        yield _error(metadata_error, association, problem, "targetObject")
    elif target is source:
        problem = f"{problem}, which is its sourceObject too, expected two DocumentEntries"
        yield _error(metadata_error, association, problem, "targetObject")


def _errors_in_membership(
    submission: Submission, objects: Mapping[str, RegistryObject], code: ErrorCode
) -> Iterator[RegistryError]:
    """Every object belongs to the SubmissionSet, and so does every new place in a Folder (4.2.2.1)."""
    if len(submission.submission_sets) != 1:
        return
    submission_set = submission.submission_set
    members, unclear = _members(submission, objects)
    if unclear:
        return
    contents: tuple[DocumentEntry | Folder, ...] = (*submission.document_entries, *submission.folders)
    for obj in contents:
        if obj.entry_uuid not in members:
            problem = f"no HasMember comes from the SubmissionSet {shown(submission_set.entry_uuid)}"
            yield error_of(code, obj, f"{problem}, expected one (ITI TF-3: 4.2.2.1)")
    for association in submission.associations:
        if _fills_folder(association, objects) and association.entry_uuid not in members:
            problem = "no HasMember comes to it from the SubmissionSet, expected one beside the Folder's own"
            yield _error(code, association, problem)
    if not submission.associations and not submission.document_entries and not submission.folders:
        problem = "nothing is submitted with it, expected at least one Association (ITI TF-3: 4.2.1)"
        yield error_of(code, submission_set, problem)


def _members(submission: Submission, objects: Mapping[str, RegistryObject]) -> tuple[set[str], bool]:
    """What may well be meant to belong to the SubmissionSet, and whether that cannot be known.

    An Association that is itself reported counts as the one that is looked for: one slip, one error.
    """
    members = set()
    unclear = False
    for association in submission.associations:
        source = objects.get(association.source_object)
        known = association.association_type in ASSOCIATION_TYPES
        ends = [end for end, _ in _unresolved_ends(association, objects)]
        if association.association_type == HAS_MEMBER.urn and isinstance(source, SubmissionSet):
            unclear = unclear or "targetObject" in ends
            members.add(association.target_object)
        elif not known or "sourceObject" in ends:
            members.add(association.target_object)
    return members, unclear


def _fills_folder(association: Association, objects: Mapping[str, RegistryObject]) -> bool:
    source, target = objects.get(association.source_object), objects.get(association.target_object)
    return (
        association.association_type == HAS_MEMBER.urn
        and (source is None or isinstance(source, Folder))
        and (target is None or isinstance(target, DocumentEntry))
        and not any(_unresolved_ends(association, objects))
    )


_ALLOWED = ", ".join(row.urn for row in ASSOCIATION_TYPES.values() if row is HAS_MEMBER or row.relationship)
