"""A stored query's parameters, checked and decoded (ITI TF-2: 3.18.4.1.2.3, 3.18.4.1.3, 3.51.4.1.2)."""

from collections.abc import Iterator, Mapping

from ebxml.model import Slot, StoredQueryCriteria, StoredQueryRequest
from ebxml.query_values import NotReadable, QueryValue, read_query_value
from ebxml.refused import Refused
from hl7v2.datatypes import DTM, errors_in_cx, errors_in_dtm, errors_in_uuid_urn
from hl7v2.er7 import shown
from ihe.error_codes import (
    REGISTRY_ERROR,
    STORED_QUERY_MISSING_PARAM,
    STORED_QUERY_PARAM_NUMBER,
    UNKNOWN_STORED_QUERY,
    ErrorCode,
    RegistryError,
)
from ihe.object_types import Status
from ihe.stored_queries import STORED_QUERIES, Match, Parameter, StoredQuery
from ihe.transactions import ITI_18, ITI_51

# A consumer that fetches what it found by GetDocuments sends its entryUUIDs in slices; this is a large one.
MAX_VALUES_OF_PARAMETER = 10_000
# No attribute is longer (ebRIM 3.0, LongName), so nothing longer can match; it also bounds a LIKE pattern.
MAX_VALUE_CHARACTERS = 256
# Every list is one more condition that each row must meet.
MAX_LISTS_OF_PARAMETER = 32
# Whoever mends this many will see the next ones then; an answer stays below a megabyte.
MAX_ERRORS = 200


def criteria_of(request: StoredQueryRequest, multi_patient: bool = False) -> StoredQueryCriteria:
    """Decode an ITI-18 or, `multi_patient`, an ITI-51 query; raise Refused with every error of it."""
    errors = list(_errors_in_return_type(request))
    query = STORED_QUERIES.get(request.query_id)
    if query is None or query.multi_patient != multi_patient:
        transaction = ITI_51 if multi_patient else ITI_18
        problem = f"the query id {shown(request.query_id)} is unknown, expected one of {transaction.number}"
        raise Refused(UNKNOWN_STORED_QUERY.error(problem, "AdhocQuery/@id"), *errors)
    decoder = _Decoder(query)
    decoder.decode(request.slots)
    errors.extend(decoder.errors)
    errors.extend(_errors_in_combination(query, decoder.given, decoder.values))
    if errors:
        raise Refused(*errors[:MAX_ERRORS])
    return StoredQueryCriteria(
        query=query, leaf_class=request.return_type == _LEAF_CLASS, values=decoder.values
    )


def _errors_in_return_type(request: StoredQueryRequest) -> Iterator[RegistryError]:
    """ITI TF-2: 3.18.4.1.2.4."""
    if request.return_type not in (_LEAF_CLASS, _OBJECT_REF):
        problem = f"returnType is {shown(request.return_type)}, expected {_LEAF_CLASS} or {_OBJECT_REF}"
        yield REGISTRY_ERROR.error(problem, "ResponseOption/@returnType")


class _Decoder:
    """Collects the values of the parameters that the query knows, and no others (ebRS 3.0: 6.3.2.1)."""

    def __init__(self, query: StoredQuery) -> None:
        self._query = query
        self.values: dict[str, tuple[tuple[object, ...], ...]] = {}
        self.given: set[str] = set()
        self.errors: list[RegistryError] = []

    def decode(self, slots: tuple[Slot, ...]) -> None:
        """Take the request's Slots; `given` then names each that had values, were they right or wrong."""
        by_name: dict[str, list[Slot]] = {}
        for slot in slots:
            by_name.setdefault(slot.name, []).append(slot)
        for row in self._query.parameters:
            if repeated := by_name.get(row.slot):
                self._take(row, repeated)

    def _take(self, row: Parameter, slots: list[Slot]) -> None:
        most = MAX_LISTS_OF_PARAMETER if row.conjoined else 1
        if len(slots) > most:
            self.given.add(row.slot)
            problem = f"is given in {len(slots)} Slots, expected at most {most}"
            self._error(row, STORED_QUERY_PARAM_NUMBER, problem)
            return
        lists = []
        for slot in slots:
            if (raw := self._read(row, slot)) is None:
                self.given.add(row.slot)
            elif raw:
                self.given.add(row.slot)
                if decoded := self._decode(row, raw):
                    lists.append(decoded)
        if lists:
            self.values[row.slot] = tuple(lists)

    def _read(self, row: Parameter, slot: Slot) -> list[QueryValue] | None:
        """Every value of a Slot as spelled; None where that is wrong."""
        if not row.many and len(slot.values) > 1:
            self._error(row, STORED_QUERY_PARAM_NUMBER, f"has {len(slot.values)} values, expected one")
            return None
        values: list[QueryValue] = []
        errors = len(self.errors)
        for text in filter(str.strip, slot.values):
            try:
                found, listed = read_query_value(text)
            except NotReadable as problem:
                self._error(row, REGISTRY_ERROR, f"{shown(text)} {problem}")
                continue
            if not row.many and (listed or len(found) > 1):
                self._error(row, STORED_QUERY_PARAM_NUMBER, f"{shown(text)} is a list, expected one value")
            elif row.many and not listed:
                expected = "expected a list in parentheses"
                self._error(row, REGISTRY_ERROR, f"{shown(text)} is not in parentheses, {expected}")
            values.extend(found)
        if len(values) > MAX_VALUES_OF_PARAMETER:
            most = MAX_VALUES_OF_PARAMETER
            self._error(row, REGISTRY_ERROR, f"has {len(values)} values, expected at most {most}")
        return values if len(self.errors) == errors else None

    def _decode(self, row: Parameter, raw: list[QueryValue]) -> tuple[object, ...]:
        """What the values mean; those of a status that nobody knows mean nothing (3.18.4.1.2.3.6)."""
        if errors := [error for value in raw for error in _errors_in_value(row, value)]:
            for error in errors:
                self._error(row, REGISTRY_ERROR, error)
            return ()
        decoded: list[object] = []
        for value in raw:
            match row.match:
                case Match.FROM | Match.BEFORE:
                    decoded.append(DTM(value.text).lower_bound)
                case Match.ANY_CODE_OF:
                    code, _, scheme = value.text.split("^")
                    decoded.append((code, scheme))
                case Match.STATUS_OF if value.text not in _STATUSES:
                    pass
                case _:
                    decoded.append(value.text)
        if not decoded and row.match is Match.STATUS_OF:
            expected = " or ".join(_STATUSES)
            self._error(row, STORED_QUERY_MISSING_PARAM, f"names no known status, expected {expected}")
        return tuple(decoded)

    def _error(self, row: Parameter, code: ErrorCode, problem: str) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(_error(code, self._query, f"{row.slot} {problem}", row.slot))


def _errors_in_value(row: Parameter, value: QueryValue) -> Iterator[str]:
    """ITI TF-2: 3.18.4.1.2.3.5; a value that only matches nothing is no error."""
    text = value.text
    if len(text) > MAX_VALUE_CHARACTERS:
        yield f"{shown(text)} has {len(text)} characters, expected at most {MAX_VALUE_CHARACTERS}"
        return
    match row.match:
        case Match.FROM | Match.BEFORE:
            yield from errors_in_dtm(text)
        case Match.METADATA_LEVEL:
            if text not in ("1", _ALL_VERSIONS):
                yield f"{shown(text)} is unknown, expected 1 or {_ALL_VERSIONS}"
        case _ if not value.quoted:
            yield f"{text} is not in apostrophes, expected '{text}'"
        case Match.ANY_CODE_OF:
            parts = text.split("^")
            if len(parts) != 3 or not parts[0] or parts[1] or not parts[2]:
                yield f"{shown(text)} is not a code with its scheme, expected code^^scheme"
        case _ if row.attribute == "patientId":
            yield from errors_in_cx(text)
        case _ if row.attribute in ("entryUUID", "logicalID"):
            yield from errors_in_uuid_urn(text)


def _errors_in_combination(
    query: StoredQuery, given: set[str], values: Mapping[str, tuple[tuple[object, ...], ...]]
) -> Iterator[RegistryError]:
    """What must be there, and what must not be there together (ITI TF-2: 3.18.4.1.2.3.7)."""
    groups: dict[str, list[str]] = {}
    for row in query.parameters:
        if row.either:
            groups.setdefault(row.either, []).append(row.slot)
        elif row.required and row.slot not in given:
            yield _error(
                STORED_QUERY_MISSING_PARAM, query, f"{row.slot} is missing, expected a value", row.slot
            )
        if row.excludes in given and row.slot in given:
            problem = f"{row.excludes} and {row.slot} are given, expected one"
            yield _error(STORED_QUERY_PARAM_NUMBER, query, problem, row.slot)
    for slots in groups.values():
        chosen = [slot for slot in slots if slot in given]
        if not chosen:
            problem = f"{' or '.join(slots)} is missing, expected one"
            yield _error(STORED_QUERY_MISSING_PARAM, query, problem, *slots)
        elif len(chosen) > 1:
            problem = f"{' and '.join(chosen)} are given, expected one"
            yield _error(STORED_QUERY_PARAM_NUMBER, query, problem, *chosen)
    if query.narrowed_by and given.isdisjoint(query.narrowed_by):
        problem = f"none of {', '.join(query.narrowed_by)} is given, expected at least one"
        yield _error(STORED_QUERY_MISSING_PARAM, query, problem, *query.narrowed_by)
    level_is_wrong = _METADATA_LEVEL in given and _METADATA_LEVEL not in values
    if not level_is_wrong and values.get(_METADATA_LEVEL) != ((_ALL_VERSIONS,),):
        for row in query.parameters:
            if row.attribute == "logicalID" and row.slot in given:
                problem = f"{row.slot} is given, expected {_METADATA_LEVEL} {_ALL_VERSIONS} beside it"
                yield _error(REGISTRY_ERROR, query, problem, row.slot)


def _error(code: ErrorCode, query: StoredQuery, problem: str, *slots: str) -> RegistryError:
    names = " or ".join(f"@name='{slot}'" for slot in slots)
    return code.error(f"{query.name}: {problem} (ITI TF-2: {query.section})", f"AdhocQuery/Slot[{names}]")


_LEAF_CLASS = "LeafClass"
_OBJECT_REF = "ObjectRef"
_STATUSES = tuple(Status)
_METADATA_LEVEL = "$MetadataLevel"
# The level that shows more than the latest versions (Metadata Update Option of ITI-18).
_ALL_VERSIONS = "2"
