"""What a submission may not do to what is registered already (ITI TF-2: 3.42.4.1.3, ITI TF-3: 4.2.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

from ebxml.model import Association, DocumentEntry, Folder, Submission, SubmissionSet
from ebxml.places import error_of, place_of
from ihe.associations import (
    APND,
    ASSOCIATION_TYPES,
    HAS_MEMBER,
    IS_SNAPSHOT_OF,
    REFERENCE,
    XFRM,
    XFRM_RPLC,
    AssociationType,
)
from ihe.error_codes import (
    DUPLICATE_UNIQUE_ID_IN_REGISTRY,
    NON_IDENTICAL_HASH,
    NON_IDENTICAL_SIZE,
    PATIENT_ID_DOES_NOT_MATCH,
    REGISTRY_DEPRECATED_DOCUMENT,
    REGISTRY_METADATA_ERROR,
    UNKNOWN_PATIENT_ID,
    UNRESOLVED_REFERENCE,
    RegistryError,
)
from ihe.object_types import DocumentEntryType
from registry.final_metadata import objects_of
from registry.found import Found, FoundObject
from registry.numbering import RECORD_FULL
from registry.tables import APPROVED, OBJECT_TYPE_NUMBERS, OBJECTS_PER_PATIENT, ON_DEMAND, STABLE, Kind


def errors_in_registration(submission: Submission, found: Found) -> Iterator[RegistryError]:
    """Yield everything that only the registry's contents can tell (ITI TF-2: 3.42.4.1.3)."""
    yield from errors_in_patient(submission, found)
    yield from errors_in_entry_uuids(submission, found)
    yield from errors_in_unique_ids(submission, found)
    ends = _Ends(submission, found)
    for association in submission.associations:
        yield from _errors_in_association(association, ends)


def errors_in_patient(submission: Submission, found: Found) -> Iterator[RegistryError]:
    """Yield a patient who is unknown, or whose record is full (ITI TF-2: 3.42.4.1.3)."""
    if found.patient is None:
        submission_set = submission.submission_set
        location = place_of(submission_set, "patientId")
        yield UNKNOWN_PATIENT_ID.error(str(submission_set.patient_id), location)
    elif found.last_object >= OBJECTS_PER_PATIENT:
        yield RECORD_FULL


def errors_in_entry_uuids(submission: Submission, found: Found) -> Iterator[RegistryError]:
    """Yield each object whose id is taken (ITI TF-3: 4.2.3.1.5)."""
    for each in objects_of(submission):
        if each.entry_uuid in found.taken:
            problem = "its id is that of a registered object, expected a new one (ITI TF-3: 4.2.3.1.5)"
            yield error_of(REGISTRY_METADATA_ERROR, each, problem, "entryUUID")


def errors_in_unique_ids(submission: Submission, found: Found) -> Iterator[RegistryError]:
    """Yield each uniqueId that is taken, or stands for other bytes (ITI TF-2: 3.42.4.1.3)."""
    packages: tuple[SubmissionSet | Folder, ...] = (*submission.submission_sets, *submission.folders)
    for package in packages:
        if package.unique_id in found.unique_ids:
            problem = f"uniqueId {package.unique_id} is registered already, expected a new one"
            yield error_of(DUPLICATE_UNIQUE_ID_IN_REGISTRY, package, problem, "uniqueId")
    for entry in submission.document_entries:
        yield from _errors_in_second_copy(entry, found)


def _errors_in_second_copy(entry: DocumentEntry, found: Found) -> Iterator[RegistryError]:
    """A uniqueId names one sequence of bytes, however often it is registered (ITI TF-3: 4.2.3.2.26)."""
    first = found.unique_ids.get(entry.unique_id or "")
    if first is None or first.kind is not Kind.DOCUMENT_ENTRY:
        return
    if entry.object_type == DocumentEntryType.ON_DEMAND and first.object_type == STABLE:
        # It stands for documents yet to be made, and never for one (ITI TF-2: 3.61.4.1.3).
        problem = f"uniqueId {entry.unique_id} is that of a registered stable entry, expected another"
        yield error_of(DUPLICATE_UNIQUE_ID_IN_REGISTRY, entry, problem, "uniqueId")
    # What was registered is not told: the document may be one that the submitter must not know of.
    expected = f"expected that with which uniqueId {entry.unique_id} is registered (ITI TF-3: 4.2.3.2.26)"
    if entry.hash is not None and first.hash is not None and bytes.fromhex(entry.hash) != first.hash:
        yield error_of(NON_IDENTICAL_HASH, entry, f"hash is {entry.hash}, {expected}", "hash")
    if entry.size is not None and first.size_bytes is not None and int(entry.size) != first.size_bytes:
        yield error_of(NON_IDENTICAL_SIZE, entry, f"size is {entry.size}, {expected}", "size")


@dataclass(frozen=True, slots=True)
class _End:
    """What stands at one end of an Association; `registered` is None for an object of the submission."""

    entry_uuid: str
    kind: Kind
    object_type: int | None
    registered: FoundObject | None


class _Ends:
    """Finds the ends of Associations in the submission first, then in the registry."""

    def __init__(self, submission: Submission, found: Found) -> None:
        self.patient = found.patient
        self.transformed = found.transformed | {
            each.source_object
            for each in submission.associations
            if each.association_type in (XFRM.urn, XFRM_RPLC.urn)
        }
        self._registered = found.objects
        self._submitted: dict[str, _End] = {}
        for kind, objects in (
            (Kind.SUBMISSION_SET, submission.submission_sets),
            (Kind.FOLDER, submission.folders),
            (Kind.ASSOCIATION, submission.associations),
        ):
            for each in objects:
                self._submitted[each.entry_uuid] = _End(each.entry_uuid, kind, None, None)
        for entry in submission.document_entries:
            object_type = OBJECT_TYPE_NUMBERS[entry.object_type]
            self._submitted[entry.entry_uuid] = _End(entry.entry_uuid, Kind.DOCUMENT_ENTRY, object_type, None)

    def find(self, entry_uuid: str) -> _End | None:
        if end := self._submitted.get(entry_uuid):
            return end
        if registered := self._registered.get(entry_uuid):
            return _End(entry_uuid, registered.kind, registered.object_type, registered)
        return None


def _errors_in_association(association: Association, ends: _Ends) -> Iterator[RegistryError]:
    source, target = ends.find(association.source_object), ends.find(association.target_object)
    for end, name, entry_uuid in (
        (source, "sourceObject", association.source_object),
        (target, "targetObject", association.target_object),
    ):
        if end is None:
            problem = (
                f"{name} {entry_uuid} is neither in the submission nor registered, expected the id of one"
            )
            yield error_of(UNRESOLVED_REFERENCE, association, problem, name)
        elif end.registered is not None and end.registered.status != APPROVED:
            problem = f"{name} {entry_uuid} is Deprecated, expected an Approved object (ITI TF-3: 4.2.2)"
            yield error_of(REGISTRY_DEPRECATED_DOCUMENT, association, problem, name)
    if source is None or target is None:
        return
    kind = ASSOCIATION_TYPES[association.association_type]
    if kind is HAS_MEMBER:
        yield from _errors_in_membership(association, source, target, ends)
    elif kind.relationship:
        yield from _errors_in_relationship(association, kind, source, target, ends)


_MEMBERS = {
    (Kind.SUBMISSION_SET, Kind.DOCUMENT_ENTRY),
    (Kind.SUBMISSION_SET, Kind.FOLDER),
    (Kind.SUBMISSION_SET, Kind.ASSOCIATION),
    (Kind.FOLDER, Kind.DOCUMENT_ENTRY),
}


def _errors_in_membership(
    association: Association, source: _End, target: _End, ends: _Ends
) -> Iterator[RegistryError]:
    """ITI TF-3: 4.2.2.1."""
    if (source.kind, target.kind) not in _MEMBERS:
        problem = (
            f"a HasMember makes the {_said(target)} {target.entry_uuid} a member of the {_said(source)} "
            f"{source.entry_uuid}, expected DocumentEntries, Folders and Associations in a SubmissionSet, "
            "or DocumentEntries in a Folder (ITI TF-3: 4.2.2.1)"
        )
        yield error_of(REGISTRY_METADATA_ERROR, association, problem, "targetObject")
        return
    if source.kind is Kind.SUBMISSION_SET and source.registered is not None:
        problem = (
            f"sourceObject {source.entry_uuid} is a registered SubmissionSet, to which nothing is added: "
            "expected that of the submission (ITI TF-3: 4.2.1.2)"
        )
        yield error_of(REGISTRY_METADATA_ERROR, association, problem, "sourceObject")
    by_reference = (
        source.kind is Kind.SUBMISSION_SET
        and target.kind is Kind.DOCUMENT_ENTRY
        and association.submission_set_status == REFERENCE
    )
    if source.kind is Kind.SUBMISSION_SET and target.registered is not None:
        if target.kind is Kind.FOLDER:
            problem = (
                f"targetObject {target.entry_uuid} is a registered Folder, expected one of the submission"
            )
            yield error_of(REGISTRY_METADATA_ERROR, association, problem, "targetObject")
        elif target.kind is Kind.DOCUMENT_ENTRY and not by_reference:
            seen = association.submission_set_status or "missing"
            problem = (
                f"SubmissionSetStatus is {seen}, expected Reference: targetObject {target.entry_uuid} "
                "is registered already (ITI TF-3: 4.2.2.1.2)"
            )
            yield error_of(REGISTRY_METADATA_ERROR, association, problem, "submissionSetStatus")
    # A document by reference may be another patient's, a mother's in her child's submission.
    if not by_reference:
        yield from _errors_in_patients(association, source, target, ends)


def _errors_in_relationship(
    association: Association, kind: AssociationType, source: _End, target: _End, ends: _Ends
) -> Iterator[RegistryError]:
    """ITI TF-3: 4.2.2.2."""
    for name, end in (("sourceObject", source), ("targetObject", target)):
        if end.kind is not Kind.DOCUMENT_ENTRY:
            problem = f"{kind.name} has the {name} {end.entry_uuid}, a {_said(end)}, expected a DocumentEntry"
            yield error_of(REGISTRY_METADATA_ERROR, association, problem, name)
    if source.registered is not None:
        problem = f"{kind.name} has the registered sourceObject {source.entry_uuid}, expected a submitted one"
        yield error_of(UNRESOLVED_REFERENCE, association, problem, "sourceObject")
    if (kind.deprecates_target or kind is IS_SNAPSHOT_OF) and target.registered is None:
        problem = f"{kind.name} has the targetObject {target.entry_uuid}, expected a registered one"
        yield error_of(UNRESOLVED_REFERENCE, association, problem, "targetObject")
    if kind is IS_SNAPSHOT_OF and (source.object_type, target.object_type) != (STABLE, ON_DEMAND):
        problem = (
            f"{kind.name} goes from {source.entry_uuid} to {target.entry_uuid}, "
            "expected a stable and an on-demand DocumentEntry"
        )
        yield error_of(REGISTRY_METADATA_ERROR, association, problem)
    if kind is APND and target.entry_uuid in ends.transformed:
        problem = (
            f"{kind.name} has the targetObject {target.entry_uuid}, a transformation, "
            "expected the document that was transformed (ITI TF-3: 4.2.2.2.1)"
        )
        yield error_of(REGISTRY_METADATA_ERROR, association, problem, "targetObject")
    yield from _errors_in_patients(association, source, target, ends)


def _errors_in_patients(
    association: Association, source: _End, target: _End, ends: _Ends
) -> Iterator[RegistryError]:
    # The other patient is not named: the submitter may have no business with him.
    for name, end in (("sourceObject", source), ("targetObject", target)):
        if ends.patient is not None and end.registered is not None and end.registered.patient != ends.patient:
            problem = (
                f"{name} {end.entry_uuid} belongs to another patient, expected one of the SubmissionSet's"
            )
            yield error_of(PATIENT_ID_DOES_NOT_MATCH, association, problem, name)


def _said(end: _End) -> str:
    return end.kind.name.title().replace("_", "")
