"""What an update may not do to what is registered (MU supplement: 3.57.4.1.3; RMU supplement: 3.92.4.1.3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ebxml.model import Association, DocumentEntry, Submission
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
            yield METADATA_UPDATE_ERROR.error(f"{latest.entry_uuid}, the latest version, is Deprecated")
        for name, old, new in _identity(latest, update):
            if old != new:
                yield METADATA_UPDATE_ERROR.error(f"{update.logical_id}: {name} is {new}, expected {old}")
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
            yield PATIENT_ID_RECONCILIATION_ERROR.error(f"{update.logical_id} belongs to another patient")
        old, new = latest.obj, update.obj
        if old.unique_id != new.unique_id:
            yield METADATA_IDENTIFIER_ERROR.error(
                f"{update.logical_id}: uniqueId is {new.unique_id}, expected {old.unique_id}"
            )
        if isinstance(old, DocumentEntry) and isinstance(new, DocumentEntry):
            for name, before, after in _unmodifiable(old, new):
                if before != after:
                    yield UNMODIFIABLE_METADATA_ERROR.error(
                        f"{update.logical_id}: {name} is {after}, expected {before}"
                    )


def _errors_in_new_objects(submission: Submission, found: Found) -> Iterator[RegistryError]:
    yield from errors_in_patient(submission, found)
    yield from errors_in_entry_uuids(submission, found)
    # A new version bears the uniqueId of the old one, and may correct its hash and size.
    yield from errors_in_unique_ids(replace(submission, document_entries=(), folders=()), found)


def _not_registered(update: VersionUpdate) -> RegistryError:
    code = METADATA_VERSION_ERROR if isinstance(update.obj, DocumentEntry) else METADATA_UPDATE_ERROR
    return code.error(f"no {type(update.obj).__name__} with the lid {update.logical_id} is registered")


def _errors_in_version(update: VersionUpdate, latest: Latest) -> Iterator[RegistryError]:
    if update.previous_version != latest.version:
        yield METADATA_VERSION_ERROR.error(
            f"{update.logical_id}: PreviousVersion is {update.previous_version}, expected {latest.version}"
        )


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
            yield METADATA_UPDATE_ERROR.error(f"{target} is Approved, and OriginalStatus says otherwise")
        return
    registered = situation.found.objects.get(target)
    if registered is None:
        yield UNRESOLVED_REFERENCE.error(f"{target} is not registered")
        return
    if registered.kind not in (t.Kind.DOCUMENT_ENTRY, t.Kind.ASSOCIATION) or target in situation.of_sets:
        yield METADATA_UPDATE_ERROR.error(f"the availabilityStatus of {target} cannot be changed")
        return
    if situation.found.patient not in (None, registered.patient):
        yield PATIENT_ID_RECONCILIATION_ERROR.error(f"{target} belongs to another patient")
    if original != registered.status:
        yield METADATA_UPDATE_ERROR.error(f"{target} has another availabilityStatus than OriginalStatus says")
    version = situation.versions.get(target)
    updated = {update.logical_id for update in operations.versions}
    if version is not None and (not version.latest or version.logical_id in updated):
        yield METADATA_UPDATE_ERROR.error(f"{target} is not the latest version of {version.logical_id}")


def _errors_in_payload(
    payload: Association, operations: Operations, situation: Situation
) -> Iterator[RegistryError]:
    """MU supplement: 3.57.4.1.3.3.4."""
    uuids = (payload.source_object, payload.target_object)
    ends = [_end(entry_uuid, operations, situation) for entry_uuid in uuids]
    propagating = {update.logical_id for update in operations.versions if update.propagates}
    for entry_uuid, end in zip(uuids, ends, strict=True):
        if end is None:
            yield UNRESOLVED_REFERENCE.error(f"{entry_uuid} is not registered")
            continue
        if end.logical_id in propagating:
            yield METADATA_UPDATE_OPERATION_ERROR.error(
                f"{payload.entry_uuid} joins {entry_uuid}, whose update propagates what joins it, "
                "expected one of both"
            )
        elif end.status != t.APPROVED:
            yield METADATA_UPDATE_ERROR.error(f"{entry_uuid} is Deprecated")
        if end.foreign:
            yield PATIENT_ID_RECONCILIATION_ERROR.error(f"{entry_uuid} belongs to another patient")
    source, target = ends
    if source is None or target is None:
        return
    kind = ASSOCIATION_TYPES[payload.association_type]
    first = t.Kind.FOLDER if kind is HAS_MEMBER else t.Kind.DOCUMENT_ENTRY
    if (source.kind, target.kind) != (first, t.Kind.DOCUMENT_ENTRY) or uuids[0] == uuids[1]:
        yield METADATA_UPDATE_ERROR.error(f"{payload.entry_uuid}: {kind.name} cannot join these two objects")
        return
    yield from _errors_in_relationship(kind, payload, source, target, situation)
    number = t.ASSOCIATION_TYPE_NUMBERS[kind.urn]
    if (number, source.number, target.number) in situation.joined:
        yield METADATA_UPDATE_ERROR.error(
            f"{payload.entry_uuid}: an Approved {kind.name} joins the two already"
        )


def _errors_in_relationship(
    kind: AssociationType, payload: Association, source: _End, target: _End, situation: Situation
) -> Iterator[RegistryError]:
    if kind is IS_SNAPSHOT_OF and (source.object_type, target.object_type) != (t.STABLE, t.ON_DEMAND):
        yield REGISTRY_METADATA_ERROR.error(
            f"{payload.entry_uuid}: IsSnapshotOf goes from a stable to an on-demand DocumentEntry"
        )
    if kind is APND and payload.target_object in situation.found.transformed:
        yield REGISTRY_METADATA_ERROR.error(
            f"{payload.target_object} is a transformation: nothing may be appended"
        )


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
