"""What an update may not do to what is registered (MU supplement: 3.57.4.1.3; RMU supplement: 3.92.4.1.3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ebxml.model import Association, DocumentEntry, Submission
from ebxml.places import error_of
from ebxml.updates import Operations, VersionUpdate
from ihe.associations import (
    APND,
    ASSOCIATION_TYPES,
    HAS_MEMBER,
    IS_SNAPSHOT_OF,
    AssociationType,
)
from ihe.error_codes import (
    METADATA_IDENTIFIER_ERROR,
    METADATA_UPDATE_ERROR,
    METADATA_UPDATE_OPERATION_ERROR,
    METADATA_VERSION_ERROR,
    PATIENT_ID_RECONCILIATION_ERROR,
    REGISTRY_METADATA_ERROR,
    UNMODIFIABLE_METADATA_ERROR,
    UNRESOLVED_REFERENCE,
    RegistryError,
)
from ihe.object_types import Status
from registry import tables as t
from registry.found import Found
from registry.registration_rules import errors_in_entry_uuids, errors_in_patient, errors_in_unique_ids
from registry.versions import Copy, Latest


@dataclass(frozen=True, slots=True)
class Version:
    """Which logical object a registered DocumentEntry or Folder is a version of, and whether the latest."""

    logical_id: str
    latest: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """All that is registered and that an update touches."""

    found: Found
    latest: Mapping[str, Latest]
    versions: Mapping[str, Version]
    of_sets: frozenset[str]
    """The registered Associations among the request's targets that come from a SubmissionSet."""
    joined: frozenset[tuple[int, int, int]]
    """Type, source and target of Approved Associations between registered ends."""
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class _End:
    """What stands at an end of a submitted Association once the operations before it are done."""

    kind: t.Kind
    object_type: int | None
    status: int
    logical_id: str
    number: int | None
    foreign: bool


def errors_in_operations(
    submission: Submission, operations: Operations, situation: Situation
) -> Iterator[RegistryError]:
    """Yield everything that keeps an ITI-57 from being done (MU supplement: 3.57.4.1.3)."""
    yield from _errors_in_new_objects(submission, situation.found)
    for update in operations.versions:
        latest = situation.latest.get(update.logical_id)
        if latest is None:
            yield _not_registered(update)
            continue
        yield from _errors_in_version(update, latest)
        if latest.status != t.APPROVED:
            problem = f"{latest.entry_uuid}, the latest version, is Deprecated, expected it Approved"
            yield error_of(METADATA_UPDATE_ERROR, update.obj, problem, "logicalID")
        for name, old, new in _identity(latest, update):
            if old != new:
                problem = f"{name} is {new}, expected {old} as in the version before"
                yield error_of(METADATA_UPDATE_ERROR, update.obj, problem, name)
    yield from _errors_in_copies(situation)
    for change in operations.status_changes:
        yield from _errors_in_status_change(change, operations, situation)
    for payload in operations.payloads:
        yield from _errors_in_payload(payload, operations, situation)


def errors_in_restricted(
    submission: Submission, operations: Operations, situation: Situation
) -> Iterator[RegistryError]:
    """Yield everything that keeps an ITI-92 from being done (RMU supplement: 3.92.4.1.3)."""
    yield from _errors_in_new_objects(submission, situation.found)
    for update in operations.versions:
        latest = situation.latest.get(update.logical_id)
        if latest is None:
            yield _not_registered(update)
            continue
        yield from _errors_in_version(update, latest)
        if situation.found.patient not in (None, latest.patient):
            problem = f"{update.logical_id} belongs to another patient, expected the patientId it has"
            yield error_of(PATIENT_ID_RECONCILIATION_ERROR, update.obj, problem, "patientId")
        old, new = latest.obj, update.obj
        if old.unique_id != new.unique_id:
            problem = f"uniqueId is {new.unique_id}, expected {old.unique_id} as in the version before"
            yield error_of(METADATA_IDENTIFIER_ERROR, new, problem, "uniqueId")
        if isinstance(old, DocumentEntry) and isinstance(new, DocumentEntry):
            for name, before, after in _unmodifiable(old, new):
                if before != after:
                    seen = f"{name} is {after or 'missing'}"
                    problem = f"{seen}, expected {before or 'none'} as in the version before"
                    yield error_of(UNMODIFIABLE_METADATA_ERROR, new, problem, name)


def _errors_in_new_objects(submission: Submission, found: Found) -> Iterator[RegistryError]:
    yield from errors_in_patient(submission, found)
    yield from errors_in_entry_uuids(submission, found)
    # A new version bears the uniqueId of the old one, and may correct its hash and size.
    yield from errors_in_unique_ids(replace(submission, document_entries=(), folders=()), found)


def _not_registered(update: VersionUpdate) -> RegistryError:
    code = METADATA_VERSION_ERROR if isinstance(update.obj, DocumentEntry) else METADATA_UPDATE_ERROR
    problem = f"lid is {update.logical_id}, expected that of a registered {type(update.obj).__name__}"
    return error_of(code, update.obj, problem, "logicalID")


def _errors_in_version(update: VersionUpdate, latest: Latest) -> Iterator[RegistryError]:
    if update.previous_version != latest.version:
        problem = (
            f"PreviousVersion is {update.previous_version}, expected {latest.version}, "
            f"the latest registered version of {update.logical_id}"
        )
        yield error_of(METADATA_VERSION_ERROR, update.membership, problem, "previousVersion")


def _identity(latest: Latest, update: VersionUpdate) -> Iterator[tuple[str, str | None, str | None]]:
    old, new = latest.obj, update.obj
    yield "uniqueId", old.unique_id, new.unique_id
    if isinstance(old, DocumentEntry) and isinstance(new, DocumentEntry):
        yield "objectType", old.object_type, new.object_type


def _unmodifiable(old: DocumentEntry, new: DocumentEntry) -> Iterator[tuple[str, object, object]]:
    """RMU supplement: 3.92.4.1.3; what the update's patientId must be is another error."""
    yield "objectType", old.object_type, new.object_type
    yield "sourcePatientId", old.source_patient_id, new.source_patient_id
    yield "repositoryUniqueId", old.repository_unique_id, new.repository_unique_id
    before, after = (t.AVAILABILITY_NUMBERS.get(each.document_availability) for each in (old, new))
    if before != after:
        yield "documentAvailability", old.document_availability, new.document_availability


def _errors_in_copies(situation: Situation) -> Iterator[RegistryError]:
    for copy in situation.copies:
        if copy.across_patients:
            yield PATIENT_ID_RECONCILIATION_ERROR.error(
                f"{copy.association.entry_uuid} would join an object that changes its patient to one that "
                "does not, expected both or none"
            )


def _errors_in_status_change(
    change: Association, operations: Operations, situation: Situation
) -> Iterator[RegistryError]:
    """MU supplement: 3.57.4.1.3.3.3."""
    target = change.target_object
    original = t.STATUS_NUMBERS[change.original_status or ""]
    if target in {update.obj.entry_uuid for update in operations.versions}:
        # The update comes first, and its version begins as Approved.
        if original != t.APPROVED:
            problem = (
                f"OriginalStatus is {change.original_status}, expected {Status.APPROVED}: {target} is new"
            )
            yield error_of(METADATA_UPDATE_ERROR, change, problem, "originalStatus")
        return
    registered = situation.found.objects.get(target)
    if registered is None:
        problem = f"targetObject {target} is not registered, expected an object that is"
        yield error_of(UNRESOLVED_REFERENCE, change, problem, "targetObject")
        return
    if registered.kind not in (t.Kind.DOCUMENT_ENTRY, t.Kind.ASSOCIATION) or target in situation.of_sets:
        problem = (
            f"the status of targetObject {target} does not change, expected a DocumentEntry, a relationship "
            "or a membership of a Folder"
        )
        yield error_of(METADATA_UPDATE_ERROR, change, problem, "targetObject")
        return
    if situation.found.patient not in (None, registered.patient):
        problem = f"targetObject {target} belongs to another patient, expected one of the SubmissionSet's"
        yield error_of(PATIENT_ID_RECONCILIATION_ERROR, change, problem, "targetObject")
    if original != registered.status:
        expected = t.STATUS_OF_NUMBER[registered.status]
        problem = f"OriginalStatus is {change.original_status}, expected {expected}, the status of {target}"
        yield error_of(METADATA_UPDATE_ERROR, change, problem, "originalStatus")
    version = situation.versions.get(target)
    updated = {update.logical_id for update in operations.versions}
    if version is not None and (not version.latest or version.logical_id in updated):
        problem = f"targetObject {target} is superseded, expected the latest version of {version.logical_id}"
        yield error_of(METADATA_UPDATE_ERROR, change, problem, "targetObject")


def _errors_in_payload(
    payload: Association, operations: Operations, situation: Situation
) -> Iterator[RegistryError]:
    """MU supplement: 3.57.4.1.3.3.4."""
    uuids = (payload.source_object, payload.target_object)
    ends = [_end(entry_uuid, operations, situation) for entry_uuid in uuids]
    propagating = {update.logical_id for update in operations.versions if update.propagates}
    for name, entry_uuid, end in zip(("sourceObject", "targetObject"), uuids, ends, strict=True):
        if end is None:
            problem = f"{name} {entry_uuid} is not registered, expected an object that is"
            yield error_of(UNRESOLVED_REFERENCE, payload, problem, name)
            continue
        if end.logical_id in propagating:
            problem = f"the update of {name} {entry_uuid} propagates what joins it, expected one of both"
            yield error_of(METADATA_UPDATE_OPERATION_ERROR, payload, problem, name)
        elif end.status != t.APPROVED:
            problem = f"{name} {entry_uuid} is Deprecated, expected an Approved object"
            yield error_of(METADATA_UPDATE_ERROR, payload, problem, name)
        if end.foreign:
            problem = f"{name} {entry_uuid} belongs to another patient, expected one of the SubmissionSet's"
            yield error_of(PATIENT_ID_RECONCILIATION_ERROR, payload, problem, name)
    source, target = ends
    if source is None or target is None:
        return
    kind = ASSOCIATION_TYPES[payload.association_type]
    first = t.Kind.FOLDER if kind is HAS_MEMBER else t.Kind.DOCUMENT_ENTRY
    if (source.kind, target.kind) != (first, t.Kind.DOCUMENT_ENTRY) or uuids[0] == uuids[1]:
        seen = f"{kind.name} goes from {uuids[0]} to {uuids[1]}"
        problem = f"{seen}, expected a {_said(first)} and another DocumentEntry"
        yield error_of(METADATA_UPDATE_ERROR, payload, problem)
        return
    yield from _errors_in_relationship(kind, payload, source, target, situation)
    number = t.ASSOCIATION_TYPE_NUMBERS[kind.urn]
    if (number, source.number, target.number) in situation.joined:
        problem = f"an Approved {kind.name} joins {uuids[0]} and {uuids[1]} already, expected none"
        yield error_of(METADATA_UPDATE_ERROR, payload, problem)


def _errors_in_relationship(
    kind: AssociationType, payload: Association, source: _End, target: _End, situation: Situation
) -> Iterator[RegistryError]:
    if kind is IS_SNAPSHOT_OF and (source.object_type, target.object_type) != (t.STABLE, t.ON_DEMAND):
        problem = (
            f"{kind.name} goes from {payload.source_object} to {payload.target_object}, "
            "expected a stable and an on-demand DocumentEntry"
        )
        yield error_of(REGISTRY_METADATA_ERROR, payload, problem)
    if kind is APND and payload.target_object in situation.found.transformed:
        problem = (
            f"{kind.name} has the targetObject {payload.target_object}, a transformation, "
            "expected the document that was transformed (ITI TF-3: 4.2.2.2.1)"
        )
        yield error_of(REGISTRY_METADATA_ERROR, payload, problem, "targetObject")


def _said(kind: t.Kind) -> str:
    return kind.name.title().replace("_", "")


def _end(entry_uuid: str, operations: Operations, situation: Situation) -> _End | None:
    changed = {change.target_object: change.new_status or "" for change in operations.status_changes}
    for update in operations.versions:
        if update.obj.entry_uuid == entry_uuid:
            status = t.STATUS_NUMBERS.get(changed.get(entry_uuid, ""), t.APPROVED)
            if isinstance(update.obj, DocumentEntry):
                object_type = t.OBJECT_TYPE_NUMBERS[update.obj.object_type]
                return _End(t.Kind.DOCUMENT_ENTRY, object_type, status, update.logical_id, None, False)
            return _End(t.Kind.FOLDER, None, status, update.logical_id, None, False)
    registered = situation.found.objects.get(entry_uuid)
    if registered is None:
        return None
    version = situation.versions.get(entry_uuid)
    logical_id = version.logical_id if version else ""
    superseded = version is not None and (
        not version.latest or logical_id in {update.logical_id for update in operations.versions}
    )
    status = t.STATUS_NUMBERS.get(changed.get(entry_uuid, ""), registered.status)
    return _End(
        registered.kind,
        registered.object_type,
        t.DEPRECATED if superseded else status,
        logical_id,
        registered.id,
        situation.found.patient not in (None, registered.patient),
    )
