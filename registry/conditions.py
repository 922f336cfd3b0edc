"""Each Match word of `ihe.stored_queries` as SQL, and how its values are bound (ITI TF-2: 3.18.4.1.2.3)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, not_, or_, select
from sqlalchemy.sql.elements import BindParameter

from database import any_like, any_of, overlaps, overlaps_by_index
from ihe.attributes import ASSOCIATION, AUTHOR_PARTS, DOCUMENT_ENTRY, FOLDER, SUBMISSION_SET
from ihe.stored_queries import Match, Parameter
from registry import tables as t
from registry.codes import Pair
from registry.uuids import bare_uuids

TABLES = {
    "DocumentEntry": t.document_entry,
    "SubmissionSet": t.submission_set,
    "Folder": t.folder,
    "Association": t.association,
}
_ATTRIBUTES = {
    "DocumentEntry": DOCUMENT_ENTRY,
    "SubmissionSet": SUBMISSION_SET,
    "Folder": FOLDER,
    "Association": ASSOCIATION,
}

Bind = BindParameter[Any]
Condition = ColumnElement[Any]


def bind_name(parameter: Parameter, repetition: int = 0) -> str:
    """The name under which a Slot's list travels; a repeated Slot has one list for each time it stands."""
    return f"{parameter.slot.removeprefix('$')}_{repetition}"


def condition(
    parameter: Parameter, repetition: int = 0, of: str = "", across_patients: bool = False
) -> Condition:
    """The condition that one list of this parameter puts on its object's table, or on that `of` another.

    `across_patients` says that no patient narrows the search.
    """
    bind: Bind = bindparam(bind_name(parameter, repetition))
    parameter = replace(parameter, of=of or parameter.of)
    if across_patients and parameter.match in (Match.ANY_CODE_OF, Match.LISTS_ANY_OF):
        column = _column(parameter)
        if any(column is each for each in t.INDEXED_LISTS):
            return overlaps_by_index(column, bind)
    wanted = _WORDS[parameter.match].condition(parameter, bind)
    # An object without the attribute has none of the values.
    return or_(_column(parameter).is_(None), not_(wanted)) if parameter.excludes else wanted


def bound(parameter: Parameter, values: Collection[object], codes: Mapping[Pair, int]) -> object:
    """The values as the statement takes them; those that nothing can equal are left out."""
    return _WORDS[parameter.match].bound(parameter, values, codes)


def _column(parameter: Parameter) -> ColumnElement[Any]:
    """The column named after the field of the attribute that the parameter compares."""
    fields = {row.name: row.field for row in _ATTRIBUTES[parameter.of]}
    fields |= {row.name: f"author_{row.field}" for row in AUTHOR_PARTS}
    return TABLES[parameter.of].c[fields[parameter.attribute]]


# Attributes that lead to an object by a directory: (column here, what it equals there, value there).
def _directory(parameter: Parameter) -> tuple[ColumnElement[Any], Select[Any], ColumnElement[Any]] | None:
    table = TABLES[parameter.of]
    if parameter.attribute == "entryUUID":
        return table.c.id, select(t.registered_object.c.id), t.registered_object.c.entry_uuid
    if parameter.attribute == "patientId":
        return table.c.patient, select(t.patient.c.id), t.patient.c.cx
    if parameter.attribute == "uniqueId" and "unique_id" not in table.c:
        held = t.registered_unique_id
        if "logical_id" not in table.c:
            return table.c.id, select(held.c.id), held.c.unique_id
        # The directory leads to one version of a Folder; all of them bear its uniqueId.
        holder = table.alias("holder")
        versions = select(holder.c.logical_id).join_from(held, holder, holder.c.id == held.c.id)
        return table.c.logical_id, versions, held.c.unique_id
    return None


def _equals(parameter: Parameter, bind: Bind) -> Condition:
    if directory := _directory(parameter):
        here, there, value = directory
        return here == there.where(value == bind).scalar_subquery()
    return _column(parameter) == bind


def _any_of(parameter: Parameter, bind: Bind) -> Condition:
    if directory := _directory(parameter):
        here, there, value = directory
        return here.in_(there.where(any_of(value, bind)))
    return any_of(_column(parameter), bind)


def _any_code_of(parameter: Parameter, bind: Bind) -> Condition:
    # A code's number stands for code and scheme together: A^^2 is never found by A^^1 and B^^2.
    column = _column(parameter)
    return overlaps(column, bind) if _is_list(parameter) else any_of(column, bind)


def _lists_any_of(parameter: Parameter, bind: Bind) -> Condition:
    return overlaps(_column(parameter), bind)


def _is_list(parameter: Parameter) -> bool:
    return _column(parameter).type.python_type is list


def _any_like(parameter: Parameter, bind: Bind) -> Condition:
    return any_like(_column(parameter), bind)


def _from(parameter: Parameter, bind: Bind) -> Condition:
    column = _column(parameter)
    return or_(column.is_(None), column >= bind)


def _before(parameter: Parameter, bind: Bind) -> Condition:
    # An object without the time is found whatever is asked of it (ITI TF-2: 3.18.4.1.2.3.7.1).
    column = _column(parameter)
    return or_(column.is_(None), column < bind)


def _status_of(parameter: Parameter, bind: Bind) -> Condition:
    return any_of(TABLES[parameter.of].c.status, bind)


def _type_of(parameter: Parameter, bind: Bind) -> Condition:
    return any_of(t.document_entry.c.object_type, bind)


def _availability_of(parameter: Parameter, bind: Bind) -> Condition:
    return any_of(t.document_entry.c.availability, bind)


def _object_ids(parameter: Parameter, bind: Bind) -> Condition:
    return any_of(t.registered_object.c.entry_uuid, bind)


def _association_types(parameter: Parameter, bind: Bind) -> Condition:
    return any_of(t.association.c.association_type, bind)


def _one(parameter: Parameter, values: Collection[object], codes: Mapping[Pair, int]) -> object:
    # No object equals null, and none equals what is not a UUID where a UUID is compared.
    return next(iter(_list(parameter, values, codes)), None)


def _list(parameter: Parameter, values: Collection[object], codes: Mapping[Pair, int]) -> list[object]:
    return [*bare_uuids(values)] if parameter.attribute in ("entryUUID", "logicalID") else [*values]


def _code_numbers(parameter: Parameter, values: Collection[object], codes: Mapping[Pair, int]) -> object:
    return [codes[value] for value in values if isinstance(value, tuple) and value in codes]


def _numbers_in(numbers: Mapping[Any, int]) -> "Callable[..., list[int]]":
    def bound(parameter: Parameter, values: Collection[object], codes: Mapping[Pair, int]) -> list[int]:
        return [numbers[value] for value in values if value in numbers]

    return bound


@dataclass(frozen=True, slots=True)
class _Word:
    condition: Callable[[Parameter, Bind], Condition]
    bound: Callable[[Parameter, Collection[object], Mapping[Pair, int]], object]


_WORDS: Mapping[Match, _Word] = {
    Match.EQUALS: _Word(_equals, _one),
    Match.ANY_OF: _Word(_any_of, _list),
    Match.ANY_CODE_OF: _Word(_any_code_of, _code_numbers),
    Match.ANY_LIKE: _Word(_any_like, _list),
    Match.LISTS_ANY_OF: _Word(_lists_any_of, _list),
    Match.FROM: _Word(_from, _one),
    Match.BEFORE: _Word(_before, _one),
    Match.STATUS_OF: _Word(_status_of, _numbers_in(t.STATUS_NUMBERS)),
    Match.TYPE_OF: _Word(_type_of, _numbers_in(t.OBJECT_TYPE_NUMBERS)),
    Match.AVAILABILITY_OF: _Word(_availability_of, _numbers_in(t.AVAILABILITY_NUMBERS)),
    Match.OBJECT_IDS: _Word(_object_ids, _list),
    Match.ASSOCIATION_TYPES: _Word(_association_types, _numbers_in(t.ASSOCIATION_TYPE_NUMBERS)),
}
