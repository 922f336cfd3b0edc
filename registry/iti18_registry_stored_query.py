"""Stored queries [ITI-18, ITI-51]: stored elements, or references to them (ITI TF-2: 3.18.4.1.3)."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from operator import itemgetter

from database import Row, Statement
from ebxml.model import StoredQueryCriteria
from ebxml.refused import Refused
from ebxml.write import write_object_ref
from exchange.visibility import OPEN_VIEW, View
from ihe.error_codes import RESULT_NOT_SINGLE_PATIENT, TOO_MANY_RESULTS, UNKNOWN_PATIENT_ID
from ihe.stored_queries import Match, Parameter
from registry.asked import Content, Shape
from registry.conditions import bind_name, bound
from registry.large_answers import (
    LargeAnswer,
    LargeLeafClass,
    LargeObjectRefs,
    as_seen,
    last_update_times,
    stored_fragments,
)
from registry.patients import known
from registry.seen import Seen, seen_through
from registry.selections import owners_statement_of, statement_of
from registry.store import RegistryStore
from registry.tables import STATUS_OF_NUMBER, Kind
from registry.uuids import urn


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryLimits:
    """What one query may ask for; ITI TF-2: 3.18.4.1.2.4 leaves the choice to the registry."""

    # A large answer streams: this guards the time it takes, not memory.
    leaf_class_objects: int = 100_000
    # Higher, so that a consumer may always ask for references and then for entries in slices.
    object_refs: int = 500_000
    # The audit record of an answer names them all, in some 400 bytes each.
    patients: int = 2_000
    # No more than this is selected at once, elements included, and is answered in one piece of some 4 MB.
    objects_at_once: int = 500


DEFAULT_LIMITS = QueryLimits()


@dataclass(frozen=True, slots=True)
class StoredQueryResult:
    """The elements of the answer, in no order, and whose they are; those of a large one come `later`."""

    patient_ids: tuple[str, ...]
    objects: Sequence[bytes] = ()
    later: AsyncIterator[bytes] | None = None


async def registry_stored_query(
    criteria: StoredQueryCriteria,
    store: RegistryStore,
    limits: QueryLimits = DEFAULT_LIMITS,
    refuse_unknown_patient: bool = False,
    view: View = OPEN_VIEW,
) -> StoredQueryResult:
    """Answer a checked query as if the registry held no more than this View shows, or raise Refused."""
    seen = await seen_through(view, store.codes)
    parameters = {**await _parameters(criteria, store), **seen.values}
    at_once = min(limits.objects_at_once, _limit(criteria, limits))
    content = Content.ELEMENT if criteria.leaf_class else Content.REFERENCE
    statement = statement_of(_shape(criteria, content), seen.sight)
    rows = await store.look_up(statement, {**parameters, "limit": at_once + 1})
    if refuse_unknown_patient and not rows:
        await _refuse_unknown_patient(criteria, store)
    owners = _Owners(criteria, limits)
    if len(rows) > at_once:
        store.look_further()
        large = await _find_all(criteria, parameters, seen, owners, store, limits)
        return StoredQueryResult(owners.patient_ids, later=large.pieces(store.database))
    owners.add(rows)
    if not seen.sight.unrestricted:
        # The order in which an index finds them follows what is stored, and not what is seen of it.
        rows = sorted(rows, key=itemgetter(0, 1))
    objects = await _elements(rows, seen, store) if criteria.leaf_class else _references(rows)
    return StoredQueryResult(owners.patient_ids, objects)


async def _find_all(
    criteria: StoredQueryCriteria,
    parameters: Mapping[str, object],
    seen: Seen,
    owners: "_Owners",
    store: RegistryStore,
    limits: QueryLimits,
) -> LargeAnswer:
    """Which objects, all as of one moment, before any of them leaves: no peer is waited for meanwhile."""
    limit = _limit(criteria, limits)
    found: LargeAnswer = LargeLeafClass(seen) if criteria.leaf_class else LargeObjectRefs(seen)
    statement = statement_of(_shape(criteria, found.content), seen.sight)
    async with aclosing(store.database.batches(statement, {**parameters, "limit": limit + 1})) as batches:
        async for rows in batches:
            owners.add(rows)
            found.add(rows)
    if len(found) > limit:
        raise Refused(TOO_MANY_RESULTS.error(f"more than {limit} objects match"))
    return found


async def whole_query(
    criteria: StoredQueryCriteria, store: RegistryStore
) -> tuple[Statement, Mapping[str, object]]:
    """The statement that tells the patients of all that a query finds, and its parameters."""
    return owners_statement_of(_shape(criteria, Content.REFERENCE)), await _parameters(criteria, store)


def _limit(criteria: StoredQueryCriteria, limits: QueryLimits) -> int:
    return limits.leaf_class_objects if criteria.leaf_class else limits.object_refs


def _shape(criteria: StoredQueryCriteria, content: Content) -> Shape:
    given = tuple((row.slot, len(lists)) for row, lists in _given(criteria))
    levels = criteria.values.get("$MetadataLevel", ())
    every_version = any(level == "2" for values in levels for level in values)
    return Shape(criteria.query.id, content, every_version, given)


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


class _Owners:
    """Whose objects are found; no row repeats the one patient whom a query names itself."""

    def __init__(self, criteria: StoredQueryCriteria, limits: QueryLimits) -> None:
        named = [
            (row.match, str(value))
            for row, lists in _given(criteria)
            if row.attribute == "patientId"
            for values in lists
            for value in values
        ]
        self._most = limits.patients
        self._told_by_rows = all(match is not Match.EQUALS for match, _ in named)
        self._only_one = criteria.leaf_class and criteria.query.single_patient
        self._patient_ids = {value for _, value in named}
        self._of_objects: set[str] = set()

    @property
    def patient_ids(self) -> tuple[str, ...]:
        """Those the query names and those found."""
        return tuple(sorted(self._patient_ids))

    def add(self, rows: Iterable[Row]) -> None:
        """Take note of whose these are; Refused if they are of more patients than may be."""
        if not self._told_by_rows:
            return
        for row in rows:
            self._patient_ids.add(row[-1])
            # An Association is nobody's, what it joins is (ITI TF-2: 3.18.4.1.2.3.8).
            if self._only_one and row[0] != Kind.ASSOCIATION:
                self._of_objects.add(row[-1])
        if len(self._of_objects) > 1:
            problem = "the objects found belong to more than one patient"
            raise Refused(RESULT_NOT_SINGLE_PATIENT.error(problem))
        if len(self._patient_ids) > self._most:
            raise Refused(TOO_MANY_RESULTS.error(f"objects of more than {self._most} patients match"))


async def _refuse_unknown_patient(criteria: StoredQueryCriteria, store: RegistryStore) -> None:
    """Where the domain wants it, a query names only a patient whom the identity feed made known."""
    for row, lists in _given(criteria):
        if row.attribute == "patientId" and row.match is Match.EQUALS:
            for patient_id in lists[0]:
                if not await known(str(patient_id), store):
                    raise Refused(UNKNOWN_PATIENT_ID.error(str(patient_id)))


def _references(rows: Sequence[Row]) -> list[bytes]:
    return [write_object_ref(urn(entry_uuid)) for _, _, entry_uuid, *_ in rows]


async def _elements(rows: Sequence[Row], seen: Seen, store: RegistryStore) -> list[bytes]:
    """Each stored element with its present status; the few large ones are fetched in a second step."""
    large = [number for _, number, _, fragment, *_ in rows if fragment is None]
    folders = [number for kind, number, *_ in rows if kind == Kind.FOLDER]
    if large or folders:
        store.look_further()
    apart = await stored_fragments(store.database, [Kind.DOCUMENT_ENTRY] * len(large), large)
    times = await last_update_times(folders, seen, store.database)
    return [
        as_seen(stored, STATUS_OF_NUMBER[status], times.get(number))
        for _, number, status, fragment, *_ in rows
        if (stored := fragment or apart.get(number)) is not None
    ]
