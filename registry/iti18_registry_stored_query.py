"""Stored queries [ITI-18, ITI-51]: stored elements, or references to them (ITI TF-2: 3.18.4.1.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from database import Row, Statement, any_of
from ebxml.model import StoredQueryCriteria
from ebxml.refused import Refused
from ebxml.write import with_status, write_object_ref
from ihe.error_codes import (
    RESULT_NOT_SINGLE_PATIENT,
    TOO_MANY_RESULTS,
    UNKNOWN_PATIENT_ID,
)
from ihe.stored_queries import Match, Parameter
from registry.asked import Shape
from registry.conditions import bind_name, bound
from registry.fragments import unpack
from registry.patients import known
from registry.selections import statement_of
from registry.store import RegistryStore
from registry.tables import STATUS_OF_NUMBER, Kind, document_entry
from registry.uuids import urn


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryLimits:
    """What one query may ask for; ITI TF-2: 3.18.4.1.2.4 leaves the choice to the registry."""

    # An entry's element is some 8 KB: an answer stays below 16 MB.
    leaf_class_objects: int = 2_000
    # High, so that a consumer may always ask for references and then for entries in slices.
    object_refs: int = 100_000
    # The audit record of an answer names them all, in some 400 bytes each.
    patients: int = 2_000


DEFAULT_LIMITS = QueryLimits()

_LARGE_FRAGMENTS = Statement(
    select(document_entry.c.id, document_entry.c.large_fragment).where(
        any_of(document_entry.c.id, bindparam("ids"))
    )
)


@dataclass(frozen=True, slots=True)
class StoredQueryResult:
    """The elements of the answer, whole and in no order, and whose they are."""

    patient_ids: tuple[str, ...]
    objects: Sequence[bytes]


async def registry_stored_query(
    criteria: StoredQueryCriteria,
    store: RegistryStore,
    limits: QueryLimits = DEFAULT_LIMITS,
    refuse_unknown_patient: bool = False,
) -> StoredQueryResult:
    """Answer a checked query, or raise Refused."""
    limit = limits.leaf_class_objects if criteria.leaf_class else limits.object_refs
    parameters = {**await _parameters(criteria, store), "limit": limit + 1}
    rows = await store.database.fetch(statement_of(_shape(criteria)), parameters)
    if len(rows) > limit:
        raise Refused(TOO_MANY_RESULTS.error(f"more than {limit} objects match"))
    patient_ids = _patients(criteria, rows)
    if refuse_unknown_patient and not rows:
        await _refuse_unknown_patient(criteria, store)
    if len(patient_ids) > limits.patients:
        raise Refused(TOO_MANY_RESULTS.error(f"objects of more than {limits.patients} patients match"))
    if criteria.leaf_class and criteria.query.single_patient:
        _refuse_many_patients(rows)
    objects = await _elements(rows, store) if criteria.leaf_class else _references(rows)
    return StoredQueryResult(patient_ids, objects)


def _shape(criteria: StoredQueryCriteria) -> Shape:
    given = tuple((row.slot, len(lists)) for row, lists in _given(criteria))
    levels = criteria.values.get("$MetadataLevel", ())
    every_version = any(level == "2" for values in levels for level in values)
    return Shape(criteria.query.id, criteria.leaf_class, every_version, given)


async def _parameters(criteria: StoredQueryCriteria, store: RegistryStore) -> dict[str, object]:
    """What each list of each parameter is bound to."""
    pairs = {
        (str(value[0]), str(value[1]))
        for row, lists in _given(criteria)
        if row.match is Match.ANY_CODE_OF
        for values in lists
        for value in values
        if isinstance(value, tuple)
    }
    codes = await store.codes.find(pairs) if pairs else {}
    return {
        bind_name(row, repetition): bound(row, values, codes)
        for row, lists in _given(criteria)
        for repetition, values in enumerate(lists)
    }


def _given(criteria: StoredQueryCriteria) -> Iterator[tuple[Parameter, tuple[tuple[object, ...], ...]]]:
    for row in criteria.query.parameters:
        if row.match is not Match.METADATA_LEVEL and (lists := criteria.values.get(row.slot)):
            yield row, lists


def _patients(criteria: StoredQueryCriteria, rows: Sequence[Row]) -> tuple[str, ...]:
    """The one patient whom the query names, as no row then repeats it, or all whose objects were found."""
    named = {
        str(value): row.match
        for row, lists in _given(criteria)
        if row.attribute == "patientId"
        for values in lists
        for value in values
    }
    if Match.EQUALS in named.values():
        return tuple(named)
    return tuple(sorted({*named, *(row[-1] for row in rows)}))


async def _refuse_unknown_patient(criteria: StoredQueryCriteria, store: RegistryStore) -> None:
    """Where the domain wants it, a query names only a patient whom the identity feed made known."""
    for row, lists in _given(criteria):
        if row.attribute == "patientId" and row.match is Match.EQUALS:
            for patient_id in lists[0]:
                if not await known(str(patient_id), store):
                    raise Refused(UNKNOWN_PATIENT_ID.error(str(patient_id)))


def _refuse_many_patients(rows: Sequence[Row]) -> None:
    """ITI TF-2: 3.18.4.1.2.3.8; an Association is nobody's, what it joins is."""
    if len({row[-1] for row in rows if row[0] != Kind.ASSOCIATION}) > 1:
        raise Refused(RESULT_NOT_SINGLE_PATIENT.error("the objects found belong to more than one patient"))


def _references(rows: Sequence[Row]) -> list[bytes]:
    return [write_object_ref(urn(entry_uuid)) for _, _, entry_uuid, *_ in rows]


async def _elements(rows: Sequence[Row], store: RegistryStore) -> list[bytes]:
    """Each stored element with its present status; the few large ones are fetched in a second step."""
    large = [number for _, number, _, fragment, *_ in rows if fragment is None]
    apart: dict[int, bytes] = (
        dict(await store.database.fetch(_LARGE_FRAGMENTS, {"ids": large})) if large else {}
    )
    return [
        with_status(unpack(stored), STATUS_OF_NUMBER[status])
        for _, number, status, fragment, *_ in rows
        if (stored := fragment or apart.get(number)) is not None
    ]
