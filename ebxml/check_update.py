"""Every rule of an update that needs no store (MU supplement: 3.57.4.1.3; RMU supplement: 3.92.4.1.3)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ebxml.affinity_domain import AffinityDomain
from ebxml.check import MAX_ERRORS, errors_in_ids, errors_in_patient_ids, errors_in_unique_ids
from ebxml.check_attributes import errors_in_object
from ebxml.model import Association, DocumentEntry, Folder, RegistryObject, Submission
from ebxml.places import error_of
from ebxml.updates import Operations, contents_of, operations_of
from hl7v2.datatypes import errors_in_uuid_urn
from hl7v2.er7 import shown
from ihe.associations import ASSOCIATION_TYPES, HAS_MEMBER, ORIGINAL, UPDATE_AVAILABILITY_STATUS
from ihe.error_codes import (
    INVALID_REQUEST,
    METADATA_ANNOTATION_ERROR,
    METADATA_UPDATE_ERROR,
    METADATA_UPDATE_OPERATION_ERROR,
    OBJECT_TYPE_ERROR,
    PATIENT_ID_DOES_NOT_MATCH,
    PATIENT_ID_RECONCILIATION_ERROR,
    REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE,
    REGISTRY_METADATA_ERROR,
    UNMODIFIABLE_METADATA_ERROR,
    UNRESOLVED_REFERENCE,
    ErrorCode,
    RegistryError,
)
from ihe.object_types import Status
from ihe.transactions import ITI_42


def errors_in_update(submission: Submission, domain: AffinityDomain) -> Iterator[RegistryError]:
    """Yield the errors of an ITI-57 (MU supplement: 3.57.4.1.3), at most MAX_ERRORS."""
    return islice(_errors_in_update(submission, domain), MAX_ERRORS)


def errors_in_restricted_update(submission: Submission, domain: AffinityDomain) -> Iterator[RegistryError]:
    """Yield the errors of an ITI-92 (RMU supplement: 3.92.4.1.3), at most MAX_ERRORS."""
    return islice(_errors_in_restricted_update(submission, domain), MAX_ERRORS)


@dataclass(frozen=True, slots=True)
class _Codes:
    """How each of the two transactions reports the same slip of a new version."""

    initial_version: ErrorCode
    no_membership: ErrorCode
    annotation: ErrorCode
    patient: ErrorCode


_UPDATE = _Codes(
    METADATA_UPDATE_ERROR, METADATA_UPDATE_ERROR, METADATA_UPDATE_OPERATION_ERROR, PATIENT_ID_DOES_NOT_MATCH
)
_RESTRICTED = _Codes(
    INVALID_REQUEST, METADATA_ANNOTATION_ERROR, METADATA_ANNOTATION_ERROR, PATIENT_ID_RECONCILIATION_ERROR
)


def _errors_in_update(submission: Submission, domain: AffinityDomain) -> Iterator[RegistryError]:
    if len(submission.submission_sets) == 1:
        operations = operations_of(submission)
        yield from _errors_in_versions(submission, operations, _UPDATE)
        yield from _errors_in_status_changes(submission, operations)
        yield from _errors_in_submitted(submission, operations)
        for association in operations.leftover:
            yield error_of(
                METADATA_UPDATE_ERROR,
                association,
                "it belongs to no operation, expected one of the five of ITI-57",
            )
        if not contents_of(submission) and not submission.associations:
            yield METADATA_UPDATE_ERROR.error(
                f"SubmissionSet {shown(submission.submission_set.entry_uuid)}: nothing is to be changed, "
                "expected an operation"
            )
    yield from _errors_in_metadata(submission, domain, _UPDATE)


def _errors_in_restricted_update(submission: Submission, domain: AffinityDomain) -> Iterator[RegistryError]:
    if len(submission.submission_sets) == 1:
        operations = operations_of(submission)
        for folder in submission.folders:
            yield error_of(OBJECT_TYPE_ERROR, folder, "a Folder is given, expected DocumentEntries only")
        for association in operations.status_changes:
            yield error_of(
                UNMODIFIABLE_METADATA_ERROR,
                association,
                "it changes an availabilityStatus, expected that to stay",
            )
        for association in operations.triggers:
            yield error_of(
                METADATA_UPDATE_ERROR, association, "it submits an Association, expected DocumentEntries only"
            )
        for association in operations.leftover:
            yield error_of(
                METADATA_ANNOTATION_ERROR,
                association,
                "it annotates no DocumentEntry of the request, expected it to",
            )
        yield from _errors_in_versions(replace(submission, folders=()), operations, _RESTRICTED)
        for each in operations.versions:
            if not each.propagates:
                yield error_of(
                    METADATA_ANNOTATION_ERROR,
                    each.membership,
                    "AssociationPropagation is 'no', expected 'yes' or none",
                    "associationPropagation",
                )
        if not submission.document_entries:
            yield INVALID_REQUEST.error("the request has no DocumentEntry, expected a new version of one")
    for entry in submission.document_entries:
        if entry.home_community_id not in (None, domain.home_community_id):
            yield error_of(
                UNMODIFIABLE_METADATA_ERROR,
                entry,
                f"homeCommunityId is {shown(entry.home_community_id or '')}, expected it unchanged",
                "homeCommunityId",
            )
    yield from _errors_in_metadata(submission, domain, _RESTRICTED)


def _errors_in_versions(
    submission: Submission, operations: Operations, codes: _Codes
) -> Iterator[RegistryError]:
    """Each object is a new version of another, and says of which (MU supplement: 3.57.4.1.3.3.1)."""
    memberships = {each.obj.entry_uuid: each.membership for each in operations.versions}
    seen: set[str] = set()
    for obj in contents_of(submission):
        if obj.logical_id is None:
            yield error_of(
                codes.initial_version,
                obj,
                "lid is missing, expected that of a registered object",
                "logicalID",
            )
        elif obj.logical_id == obj.entry_uuid:
            yield error_of(
                codes.initial_version,
                obj,
                "lid is its own id, expected that of a registered object",
                "logicalID",
            )
        elif any(errors_in_uuid_urn(obj.logical_id)):
            yield error_of(
                METADATA_UPDATE_ERROR, obj, f"lid is {shown(obj.logical_id)}, expected a UUID", "logicalID"
            )
        elif obj.logical_id in seen:
            yield error_of(
                METADATA_UPDATE_OPERATION_ERROR,
                obj,
                f"the lid {obj.logical_id} is updated twice, expected once",
                "logicalID",
            )
        seen.add(obj.logical_id or "")
        if membership := memberships.get(obj.entry_uuid):
            for problem, attribute in _problems_in_annotation(obj, membership):
                yield error_of(codes.annotation, membership, problem, attribute)
        else:
            yield error_of(
                codes.no_membership, obj, "no HasMember comes from the SubmissionSet, expected one"
            )


def _problems_in_annotation(
    obj: DocumentEntry | Folder, membership: Association
) -> Iterator[tuple[str, str]]:
    version = membership.previous_version
    if version is None:
        yield "PreviousVersion is missing, expected the latest version's number", "previousVersion"
    elif not (version.isascii() and version.isdigit()):
        problem = f"PreviousVersion is {shown(version)}, expected the latest version's number"
        yield problem, "previousVersion"
    if isinstance(obj, DocumentEntry) and membership.submission_set_status != ORIGINAL:
        seen = membership.submission_set_status
        problem = f"SubmissionSetStatus is {shown(seen) if seen else 'missing'}, expected {ORIGINAL}"
        yield problem, "submissionSetStatus"
    if membership.association_propagation not in (None, "yes", "no"):
        problem = f"AssociationPropagation is {shown(membership.association_propagation)}, expected yes or no"
        yield problem, "associationPropagation"


def _errors_in_status_changes(submission: Submission, operations: Operations) -> Iterator[RegistryError]:
    """MU supplement: 3.57.4.1.3.3.3."""
    entries = {entry.entry_uuid for entry in submission.document_entries}
    others = {each.entry_uuid for each in submission.submission_sets}
    others |= {each.entry_uuid for each in submission.folders}
    others |= {each.entry_uuid for each in submission.associations}
    seen: set[str] = set()
    for change in operations.status_changes:
        for problem, attribute in _problems_in_statuses(change):
            yield error_of(METADATA_UPDATE_OPERATION_ERROR, change, problem, attribute)
        yield from _errors_in_trigger_source(submission, change)
        target = change.target_object
        if target in others:
            problem = (
                f"targetObject {shown(target)} is new, expected a DocumentEntry or a registered Association"
            )
            yield error_of(METADATA_UPDATE_ERROR, change, problem, "targetObject")
        elif target not in entries and any(errors_in_uuid_urn(target)):
            problem = f"targetObject {shown(target)} is no object of the request, expected the id of one"
            yield error_of(UNRESOLVED_REFERENCE, change, f"{problem} or a UUID", "targetObject")
        if target in seen:
            problem = f"the status of {shown(target)} is changed twice, expected once"
            yield error_of(METADATA_UPDATE_OPERATION_ERROR, change, problem, "targetObject")
        seen.add(target)


def _problems_in_statuses(change: Association) -> Iterator[tuple[str, str]]:
    for name, attribute, value in (
        ("OriginalStatus", "originalStatus", change.original_status),
        ("NewStatus", "newStatus", change.new_status),
    ):
        if value not in tuple(Status):
            seen = "missing" if value is None else shown(value)
            yield f"{name} is {seen}, expected {Status.APPROVED} or {Status.DEPRECATED}", attribute
    if change.original_status is not None and change.original_status == change.new_status:
        yield f"NewStatus is {shown(change.new_status)} like OriginalStatus, expected another", "newStatus"
    others = (change.submission_set_status, change.previous_version, change.association_propagation)
    if change.extra or any(value is not None for value in others):
        yield "it has other Slots, expected OriginalStatus and NewStatus only", ""


def _errors_in_trigger_source(submission: Submission, trigger: Association) -> Iterator[RegistryError]:
    if trigger.source_object != submission.submission_set.entry_uuid:
        problem = f"sourceObject is {shown(trigger.source_object)}, expected the request's SubmissionSet"
        yield error_of(METADATA_UPDATE_ERROR, trigger, problem, "sourceObject")


def _errors_in_submitted(submission: Submission, operations: Operations) -> Iterator[RegistryError]:
    """MU supplement: 3.57.4.1.3.3.4."""
    payloads = {each.entry_uuid for each in operations.payloads}
    seen: set[str] = set()
    for trigger in operations.triggers:
        yield from _errors_in_trigger_source(submission, trigger)
        if trigger.target_object not in payloads or trigger.target_object in seen:
            problem = (
                f"targetObject is {shown(trigger.target_object)}, expected an Association of the request"
            )
            yield error_of(METADATA_UPDATE_ERROR, trigger, f"{problem}, each once", "targetObject")
        seen.add(trigger.target_object)
    new = {each.entry_uuid for each in contents_of(submission)}
    for payload in operations.payloads:
        yield from _errors_in_payload(submission, payload, new)


def _errors_in_payload(
    submission: Submission, payload: Association, new: set[str]
) -> Iterator[RegistryError]:
    kind = ASSOCIATION_TYPES.get(payload.association_type)
    if kind is None or not (kind is HAS_MEMBER or kind.relationship):
        problem = f"associationType {shown(payload.association_type)} is not allowed here"
        problem = f"{problem}, expected a HasMember or a relationship"
        yield error_of(REGISTRY_METADATA_ERROR, payload, problem, "associationType")
    if kind is HAS_MEMBER and payload.association_documentation:
        yield error_of(
            REGISTRY_METADATA_ERROR,
            payload,
            "a HasMember has an associationDocumentation, expected it on relationships only",
            "associationDocumentation",
        )
    if payload.logical_id not in (None, payload.entry_uuid):
        problem = f"lid is {shown(payload.logical_id or '')}, expected none: Associations have no versions"
        yield error_of(METADATA_UPDATE_ERROR, payload, problem, "logicalID")
    for name, end in (("sourceObject", payload.source_object), ("targetObject", payload.target_object)):
        if end == submission.submission_set.entry_uuid:
            problem = f"it joins the SubmissionSet {shown(end)}, expected DocumentEntries and Folders"
            yield error_of(METADATA_UPDATE_ERROR, payload, problem, name)
        elif end not in new and any(errors_in_uuid_urn(end)):
            problem = f"{shown(end)} is no new version of the request, expected the id of one or a UUID"
            yield error_of(UNRESOLVED_REFERENCE, payload, problem, name)


def _errors_in_metadata(
    submission: Submission, domain: AffinityDomain, codes: _Codes
) -> Iterator[RegistryError]:
    """The new metadata is complete and right, as in a registration (MU supplement: 3.57.4.1.3.1)."""
    for fault in submission.faults:
        # What says which operation is wanted cannot be decoded; anything else is metadata.
        yield fault.error(codes.annotation if fault.attribute in _ANNOTATIONS else REGISTRY_METADATA_ERROR)
    if (number := len(submission.submission_sets)) != 1:
        yield REGISTRY_METADATA_ERROR.error(
            f"the submission has {number} SubmissionSets, expected exactly one (ITI TF-3: 4.2.1)",
            "RegistryObjectList",
        )
    objects: tuple[RegistryObject, ...] = (
        *submission.submission_sets,
        *submission.document_entries,
        *submission.folders,
        *submission.associations,
    )
    for obj in objects:
        for problem in errors_in_object(_without_annotation(obj), domain, ITI_42):
            yield problem.error(REGISTRY_METADATA_ERROR)
    yield from errors_in_ids(objects, REGISTRY_METADATA_ERROR)
    yield from errors_in_unique_ids(submission, REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE)
    yield from errors_in_patient_ids(submission, codes.patient)


# The Slots that say what an update's Associations want done (MU supplement: 3.57.4.1.3.3).
_ANNOTATIONS = frozenset(
    {"submissionSetStatus", "previousVersion", "associationPropagation", "originalStatus", "newStatus"}
)


def _without_annotation(obj: RegistryObject) -> RegistryObject:
    """The object without what its operation has already been asked about, under codes of its own."""
    if not isinstance(obj, Association):
        return replace(obj, logical_id=None)
    plain = replace(
        obj,
        logical_id=None,
        previous_version=None,
        association_propagation=None,
        original_status=None,
        new_status=None,
    )
    return replace(plain, extra=()) if obj.association_type == UPDATE_AVAILABILITY_STATUS.urn else plain
