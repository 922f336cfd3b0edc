"""New objects on their way into the tables (ITI TF-2: 3.42.4.1.3.3)."""

from collections.abc import Iterator, Mapping

from sqlalchemy import insert

from database import Call, RowsInto, Statement
from ebxml.model import Association, DocumentEntry, Folder, RegistryObject, Submission, SubmissionSet
from registry import rows
from registry import tables as t
from registry.final_metadata import objects_of
from registry.found import Found
from registry.uuids import bare

_INSERT_OBJECT = RowsInto(t.registered_object)
_INSERT_UNIQUE_ID = RowsInto(t.registered_unique_id)
_INSERT_SUBMISSION_SET = Statement(insert(t.submission_set).inline())
_INSERT_DOCUMENT_ENTRY = Statement(insert(t.document_entry).inline())
_INSERT_FOLDER = Statement(insert(t.folder).inline())
_INSERT_ASSOCIATION = RowsInto(t.association)


def inserts(
    submission: Submission,
    found: Found,
    numbers: Mapping[str, int],
    codes: rows.Numbers,
    packed: Mapping[str, bytes],
    now: int,
    depositors: Mapping[str, str | None],
) -> Iterator[Call]:
    """Store every object of a submission in its final form; `numbers` knows the ends of Associations too.

    `depositors` knows, by its entryUUID, who sent each document.
    """
    patient = found.patient or 0
    yield (_INSERT_OBJECT, list(_directory(submission, numbers)))
    yield (_INSERT_UNIQUE_ID, list(_unique_ids(submission, found, numbers)))
    submission_set = submission.submission_set
    yield (
        _INSERT_SUBMISSION_SET,
        rows.submission_set_row(
            submission_set,
            numbers[submission_set.entry_uuid],
            patient,
            codes,
            packed[submission_set.entry_uuid],
        ),
    )
    yield (
        _INSERT_DOCUMENT_ENTRY,
        [
            rows.document_entry_row(
                each,
                numbers[each.entry_uuid],
                patient,
                codes,
                packed[each.entry_uuid],
                depositors[each.entry_uuid],
            )
            for each in submission.document_entries
        ],
    )
    yield (
        _INSERT_FOLDER,
        [
            rows.folder_row(each, numbers[each.entry_uuid], patient, codes, packed[each.entry_uuid])
            for each in submission.folders
        ],
    )
    yield (
        _INSERT_ASSOCIATION,
        [
            rows.association_row(
                each, numbers[each.entry_uuid], patient, numbers, packed[each.entry_uuid], now
            )
            for each in submission.associations
        ],
    )


def _directory(submission: Submission, numbers: Mapping[str, int]) -> Iterator[rows.Row]:
    for each in objects_of(submission):
        yield {
            "entry_uuid": bare(each.entry_uuid),
            "id": numbers[each.entry_uuid],
            "kind": _KINDS[type(each)],
        }


def _unique_ids(submission: Submission, found: Found, numbers: Mapping[str, int]) -> Iterator[rows.Row]:
    bearers: tuple[SubmissionSet | DocumentEntry | Folder, ...] = (
        *submission.submission_sets,
        *submission.document_entries,
        *submission.folders,
    )
    for each in bearers:
        if each.unique_id not in found.unique_ids:
            yield {"unique_id": each.unique_id, "id": numbers[each.entry_uuid], "kind": _KINDS[type(each)]}


_KINDS: Mapping[type[RegistryObject], t.Kind] = {
    DocumentEntry: t.Kind.DOCUMENT_ENTRY,
    SubmissionSet: t.Kind.SUBMISSION_SET,
    Folder: t.Kind.FOLDER,
    Association: t.Kind.ASSOCIATION,
}
