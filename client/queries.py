"""What the client asks the registry (ITI TF-2: 3.18.4.1.2.3)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ebxml.model import Code, Slot, StoredQueryRequest
from hl7v2.datatypes import CX, DTM
from ihe.object_types import Status
from ihe.stored_queries import FIND_DOCUMENTS, GET_DOCUMENTS, StoredQuery

# ebRIM 3.0 LongName: a rim:Value holds no more; a longer list goes on in the next one.
VALUE_CHARACTERS = 256

LEAF_CLASS = "LeafClass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What documents must have: one of the values of each field (ITI TF-2: 3.18.4.1.2.3.7.1).

    `author` are LIKE patterns with % and _; the end of an interval is not part of it.
    """

    status: tuple[Status, ...] = (Status.APPROVED,)
    type_code: tuple[Code, ...] = ()
    class_code: tuple[Code, ...] = ()
    format_code: tuple[Code, ...] = ()
    confidentiality_code: tuple[Code, ...] = ()
    event_code_list: tuple[Code, ...] = ()
    healthcare_facility_type_code: tuple[Code, ...] = ()
    practice_setting_code: tuple[Code, ...] = ()
    author: tuple[str, ...] = ()
    created_from: DTM | None = None
    created_before: DTM | None = None


def find_documents(patient_id: CX, search: Search) -> StoredQueryRequest:
    """FindDocuments (ITI TF-2: 3.18.4.1.2.3.7.1)."""
    return _request(FIND_DOCUMENTS, _find_slots(patient_id, search))


def get_documents(id: str) -> StoredQueryRequest:
    """GetDocuments, by entryUUID or by uniqueId (ITI TF-2: 3.18.4.1.2.3.7.5)."""
    by = "EntryUUID" if id.startswith("urn:uuid:") else "UniqueId"
    return _request(GET_DOCUMENTS, [Slot(f"$XDSDocumentEntry{by}", _list(map(_quoted, [id])))])


def _find_slots(patient_id: CX, search: Search) -> Iterator[Slot]:
    yield Slot("$XDSDocumentEntryPatientId", (_quoted(patient_id),))
    yield Slot("$XDSDocumentEntryStatus", _list(map(_quoted, search.status)))
    for name, codes in (
        ("ClassCode", search.class_code),
        ("TypeCode", search.type_code),
        ("PracticeSettingCode", search.practice_setting_code),
        ("HealthcareFacilityTypeCode", search.healthcare_facility_type_code),
        ("EventCodeList", search.event_code_list),
        ("ConfidentialityCode", search.confidentiality_code),
        ("FormatCode", search.format_code),
    ):
        if codes:
            values = _list(_quoted(f"{code.code}^^{code.scheme}") for code in codes)
            yield Slot(f"$XDSDocumentEntry{name}", values)
    if search.author:
        yield Slot("$XDSDocumentEntryAuthorPerson", _list(map(_quoted, search.author)))
    if search.created_from:
        yield Slot("$XDSDocumentEntryCreationTimeFrom", (search.created_from,))
    if search.created_before:
        yield Slot("$XDSDocumentEntryCreationTimeTo", (search.created_before,))


def _request(query: StoredQuery, slots: Iterable[Slot]) -> StoredQueryRequest:
    return StoredQueryRequest(query_id=query.id, return_type=LEAF_CLASS, slots=tuple(slots))


def _quoted(text: str) -> str:
    """ITI TF-2: 3.18.4.1.2.3.5."""
    return "'" + text.replace("'", "''") + "'"


def _list(values: Iterable[str]) -> tuple[str, ...]:
    """Parenthesised lists, none longer than a Value may be (ITI TF-2: 3.18.4.1.2.3.5)."""
    return tuple(f"({','.join(line)})" for line in _lines(values))


def _lines(values: Iterable[str]) -> Iterator[Sequence[str]]:
    line: list[str] = []
    for value in values:
        if line and sum(map(len, line)) + len(line) + len(value) + len("()") > VALUE_CHARACTERS:
            yield line
            line = []
        line.append(value)
    yield line
