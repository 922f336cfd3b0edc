"""Each object as the row that is stored of it; the columns are what queries compare (ITI TF-3: 4.2.3)."""

from collections.abc import Iterable, Iterator, Mapping

from ebxml.model import Association, Author, Code, DocumentEntry, Folder, Submission, SubmissionSet
from hl7v2.datatypes import DTM
from registry.codes import Pair
from registry.tables import (
    APPROVED,
    ASSOCIATION_TYPE_NUMBERS,
    AVAILABILITY_NUMBERS,
    INDEXED_FRAGMENT_BYTES,
    OBJECT_TYPE_NUMBERS,
)
from registry.uuids import bare

Row = dict[str, object]
Numbers = Mapping[Pair, int]


def codes_of(submission: Submission) -> set[Pair]:
    """Every code that a row of the submission holds."""
    return {(code.code, code.scheme) for code in _codes(submission)}


def _codes(submission: Submission) -> Iterator[Code]:
    for submission_set in submission.submission_sets:
        if submission_set.content_type_code:
            yield submission_set.content_type_code
    for folder in submission.folders:
        yield from folder.code_list
    for entry in submission.document_entries:
        yield from entry.confidentiality_code
        yield from entry.event_code_list
        for code in (
            entry.class_code,
            entry.type_code,
            entry.format_code,
            entry.healthcare_facility_type_code,
            entry.practice_setting_code,
        ):
            if code:
                yield code


def document_entry_row(
    entry: DocumentEntry,
    number: int,
    patient: int,
    codes: Numbers,
    fragment: bytes,
    depositor: str | None = None,
) -> Row:
    """A DocumentEntry; its fragment goes where it fits."""
    small = len(fragment) <= INDEXED_FRAGMENT_BYTES
    return {
        "id": number,
        "patient": patient,
        "entry_uuid": bare(entry.entry_uuid),
        "unique_id": entry.unique_id,
        "logical_id": bare(entry.logical_id or entry.entry_uuid),
        "version": int(entry.version or 1),
        "latest": True,
        "status": APPROVED,
        "object_type": OBJECT_TYPE_NUMBERS[entry.object_type],
        "availability": AVAILABILITY_NUMBERS[entry.document_availability],
        "class_code": _number(entry.class_code, codes),
        "type_code": _number(entry.type_code, codes),
        "format_code": _number(entry.format_code, codes),
        "healthcare_facility_type_code": _number(entry.healthcare_facility_type_code, codes),
        "practice_setting_code": _number(entry.practice_setting_code, codes),
        "confidentiality_code": _numbers(entry.confidentiality_code, codes),
        "event_code_list": _numbers(entry.event_code_list, codes),
        "creation_time": _time(entry.creation_time),
        "service_start_time": _time(entry.service_start_time),
        "service_stop_time": _time(entry.service_stop_time),
        "author_person": _persons(entry.author),
        "author_institution": [str(each) for author in entry.author for each in author.institution],
        "title": [each.value for each in entry.title],
        "reference_id_list": list(entry.reference_id_list),
        "repository_unique_id": entry.repository_unique_id,
        "hash": None if entry.hash is None else bytes.fromhex(entry.hash),
        "size_bytes": None if entry.size is None else int(entry.size),
        "depositor": depositor,
        "fragment": fragment if small else None,
        "large_fragment": None if small else fragment,
    }


def submission_set_row(
    submission_set: SubmissionSet, number: int, patient: int, codes: Numbers, fragment: bytes
) -> Row:
    """A SubmissionSet."""
    return {
        "id": number,
        "patient": patient,
        "entry_uuid": bare(submission_set.entry_uuid),
        "status": APPROVED,
        "source_id": submission_set.source_id,
        "submission_time": _time(submission_set.submission_time),
        "content_type_code": _number(submission_set.content_type_code, codes),
        "author_person": _persons(submission_set.author),
        "fragment": fragment,
    }


def folder_row(folder: Folder, number: int, patient: int, codes: Numbers, fragment: bytes) -> Row:
    """A Folder."""
    return {
        "id": number,
        "patient": patient,
        "entry_uuid": bare(folder.entry_uuid),
        "logical_id": bare(folder.logical_id or folder.entry_uuid),
        "version": int(folder.version or 1),
        "latest": True,
        "status": APPROVED,
        "last_update_time": _time(folder.last_update_time),
        "code_list": _numbers(folder.code_list, codes),
        "fragment": fragment,
    }


def association_row(
    association: Association,
    number: int,
    patient: int,
    ends: Mapping[str, int],
    fragment: bytes,
    registered: int | None = None,
) -> Row:
    """An Association; `ends` knows the numbers of the objects it joins."""
    return {
        "id": number,
        "patient": patient,
        "entry_uuid": bare(association.entry_uuid),
        "status": APPROVED,
        "association_type": ASSOCIATION_TYPE_NUMBERS[association.association_type],
        "source": ends[association.source_object],
        "target": ends[association.target_object],
        "registered": registered,
        "fragment": fragment,
    }


def _number(code: Code | None, codes: Numbers) -> int | None:
    return None if code is None else codes[code.code, code.scheme]


def _numbers(values: Iterable[Code], codes: Numbers) -> list[int]:
    return sorted({codes[code.code, code.scheme] for code in values})


def _time(time: DTM | None) -> int | None:
    return None if time is None else time.lower_bound


def _persons(authors: Iterable[Author]) -> list[str]:
    return [str(author.person) for author in authors if author.person]
