"""Every rule of a submission that needs no store (ITI TF-2: 3.42.4.1.3; ITI TF-3: 4.2, 4.3.1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ebxml.affinity_domain import AffinityDomain
from ebxml.check_associations import errors_in_associations
from ebxml.check_attributes import errors_in_object
from ebxml.kinds import cut, kind_of
from ebxml.model import DocumentEntry, Folder, RegistryObject, Submission, SubmissionSet
from ebxml.places import error_of, place_of
from ebxml.problem import Problem
from hl7v2.datatypes import errors_in_cx
from hl7v2.er7 import shown
from ihe.error_codes import (
    PATIENT_ID_DOES_NOT_MATCH,
    REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE,
    REGISTRY_METADATA_ERROR,
    REPOSITORY_DUPLICATE_UNIQUE_ID_IN_MESSAGE,
    REPOSITORY_METADATA_ERROR,
    ErrorCode,
    RegistryError,
)
from ihe.object_types import DocumentEntryType
from ihe.transactions import ITI_61, Transaction

# Whoever mends this many will see the next ones then; an answer stays below a megabyte.
MAX_ERRORS = 200


def errors_in_submission(
    submission: Submission, domain: AffinityDomain, transaction: Transaction
) -> Iterator[RegistryError]:
    """Yield every error of an ITI-41, ITI-42 or ITI-61 (ITI TF-2: 3.41.4.1.3, 3.42.4.1.3, 3.61.4.1.3)."""
    codes = _REPOSITORY_CODES if transaction.actor == "repository" else _REGISTRY_CODES
    for number, error in enumerate(_errors_in(submission, domain, transaction, codes)):
        if number == MAX_ERRORS:
            yield codes.metadata.error(
                f"the submission has more than {MAX_ERRORS} errors, not all are listed"
            )
            return
        yield error


@dataclass(frozen=True, slots=True)
class _Codes:
    """The two errors that each actor reports under its own name (ITI TF-3: Table 4.2.4.1-2)."""

    metadata: ErrorCode
    duplicate_unique_id: ErrorCode


_REGISTRY_CODES = _Codes(REGISTRY_METADATA_ERROR, REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE)
_REPOSITORY_CODES = _Codes(REPOSITORY_METADATA_ERROR, REPOSITORY_DUPLICATE_UNIQUE_ID_IN_MESSAGE)


def _errors_in(
    submission: Submission, domain: AffinityDomain, transaction: Transaction, codes: _Codes
) -> Iterator[RegistryError]:
    objects: tuple[RegistryObject, ...] = (
        *submission.submission_sets,
        *submission.document_entries,
        *submission.folders,
        *submission.associations,
    )
    for problem in (*submission.faults, *_errors_in_content(submission, transaction)):
        yield problem.error(codes.metadata)
    for obj in objects:
        for problem in errors_in_object(obj, domain, transaction):
            yield problem.error(codes.metadata)
    yield from errors_in_ids(objects, codes.metadata)
    yield from errors_in_unique_ids(submission, codes.duplicate_unique_id)
    yield from errors_in_patient_ids(submission, PATIENT_ID_DOES_NOT_MATCH)
    by_id = {obj.entry_uuid: obj for obj in reversed(objects)}
    yield from errors_in_associations(submission, by_id, codes.metadata)


def errors_in_ids(objects: Iterable[RegistryObject], code: ErrorCode) -> Iterator[RegistryError]:
    """Yield each object whose id another one before it has (ITI TF-3: 4.2.3.1.5)."""
    by_id: dict[str, RegistryObject] = {}
    for obj in objects:
        first = by_id.setdefault(obj.entry_uuid, obj)
        if first is not obj:
            problem = f"the {kind_of(first).name} before it has the same id, expected each id once"
            yield error_of(code, obj, f"{problem} (ITI TF-3: 4.2.3.1.5)", "entryUUID")


def _errors_in_content(submission: Submission, transaction: Transaction) -> Iterator[Problem]:
    """Which objects there are (ITI TF-3: 4.2.1; ITI TF-2: 3.61.4.1.2)."""
    if (number := len(submission.submission_sets)) != 1:
        yield Problem(
            f"the submission has {number} SubmissionSets, expected exactly one (ITI TF-3: 4.2.1)",
            "RegistryObjectList",
        )
    on_demand = transaction is ITI_61
    wanted = DocumentEntryType.ON_DEMAND if on_demand else DocumentEntryType.STABLE
    for entry in submission.document_entries:
        if entry.object_type in _TYPE_NAMES and entry.object_type != wanted:
            yield Problem(
                f"DocumentEntry {cut(entry.entry_uuid)}: it is {_TYPE_NAMES[entry.object_type]}, expected "
                f"{_TYPE_NAMES[wanted]} ones only in {transaction.number} (ITI TF-3: 4.2.3.2.29)",
                place_of(entry, "objectType"),
            )
    if on_demand and not submission.document_entries:
        yield Problem(
            "the submission has no DocumentEntry, expected an on-demand one (ITI TF-2: 3.61.4.1.2)",
            "RegistryObjectList",
        )


def errors_in_unique_ids(submission: Submission, code: ErrorCode) -> Iterator[RegistryError]:
    """ITI TF-2: 3.42.4.1.3: no two objects of a message share a uniqueId."""
    objects: tuple[SubmissionSet | DocumentEntry | Folder, ...] = (
        *submission.submission_sets,
        *submission.document_entries,
        *submission.folders,
    )
    holders: dict[str, list[SubmissionSet | DocumentEntry | Folder]] = {}
    for obj in objects:
        if obj.unique_id:
            holders.setdefault(obj.unique_id, []).append(obj)
    for unique_id, bearers in holders.items():
        if len(bearers) > 1:
            yield code.error(
                f"the uniqueId {shown(unique_id)} stands on {len(bearers)} objects, expected it on one",
                place_of(bearers[1], "uniqueId"),
            )


def errors_in_patient_ids(submission: Submission, code: ErrorCode) -> Iterator[RegistryError]:
    """ITI TF-2: 3.42.4.1.3: one submission is about one patient."""
    contents: tuple[DocumentEntry | Folder, ...] = (*submission.document_entries, *submission.folders)
    for submission_set in submission.submission_sets[:1]:
        expected = submission_set.patient_id
        for obj in contents:
            seen = obj.patient_id
            if seen is None or expected is None or seen == expected:
                continue
            # An id that is written wrong is named as such, not once more for what it differs from.
            if not any(errors_in_cx(seen)) and not any(errors_in_cx(expected)):
                problem = (
                    f"patientId {shown(seen)} differs from {shown(expected)} of the SubmissionSet, "
                    "expected the same (ITI TF-2: 3.42.4.1.3)"
                )
                yield error_of(code, obj, problem, "patientId")


_TYPE_NAMES: dict[str, str] = {DocumentEntryType.STABLE: "stable", DocumentEntryType.ON_DEMAND: "on-demand"}
