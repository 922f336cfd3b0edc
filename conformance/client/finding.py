"""Stored queries over what the endpoints hold, from their tables (ITI TF-2: 3.18.4.1.2.3.7)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lxml import etree

from conformance.client.store import Held, Store
from conformance.judging.associations import ends
from conformance.xml import select
from ihe.associations import HAS_MEMBER
from ihe.object_types import DocumentEntryType
from ihe.stored_queries import STORED_QUERIES, Match, Parameter, StoredQuery

_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_KINDS = ("DocumentEntry", "SubmissionSet", "Folder")


def found_by(request: etree._Element, store: Store) -> list[Held]:
    """The objects that an AdhocQueryRequest asks for; none for a query that nobody knows."""
    adhoc = next(iter(select(request, "rim:AdhocQuery")), None)
    query = STORED_QUERIES.get(adhoc.get("id", "")) if adhoc is not None else None
    if adhoc is None or query is None:
        return []
    asked = [(slot.get("name", ""), list(_values(slot))) for slot in select(adhoc, "rim:Slot")]
    with store.lock:
        return list({one.id: one for one in _found(query, asked, store)}.values())


def _values(slot: etree._Element) -> Iterator[str]:
    for node in select(slot, "rim:ValueList/rim:Value"):
        text = (node.text or "").strip()
        quoted = _QUOTED.findall(text)
        yield from (one.replace("''", "'") for one in quoted) if quoted else [text]


Asked = Sequence[tuple[str, list[str]]]


def _found(query: StoredQuery, asked: Asked, store: Store) -> Iterator[Held]:
    named = {value for name, values in asked if name == "$uuid" for value in values}
    if query.name == "GetAssociations":
        yield from _touching(store, named)
        return
    if query.name == "GetSubmissionSets":
        for one in _touching(store, named):
            source = store.objects.get(ends(one.node)[1])
            if source and source.kind == "SubmissionSet" and ends(one.node)[2] in named:
                yield from (source, one)
        return
    if query.name == "GetAll":
        yield from _of_patient(query, asked, store)
        return
    kind = next(row.of for row in query.parameters if row.of in _KINDS)
    if query.name == "GetFoldersForDocument":
        for document in _matching(query, asked, "DocumentEntry", store):
            sources = (ends(one.node)[1] for one in _touching(store, {document.id}))
            yield from (store.objects[id] for id in sources if _is_a(store, id, "Folder"))
        return
    matching = list(_matching(query, asked, kind, store))
    if query.name != "GetRelatedDocuments":
        yield from matching
    for one in matching:
        yield from _around(query, asked, one, store)


def _around(query: StoredQuery, asked: Asked, one: Held, store: Store) -> Iterator[Held]:
    if query.name == "GetDocumentsAndAssociations":
        yield from _touching(store, {one.id})
    elif query.name in ("GetSubmissionSetAndContents", "GetFolderAndContents"):
        inside = store.members(one.id)
        folders = [held.id for held in inside if held.kind == "Folder"]
        yield from inside
        for folder in folders:
            yield from (held for held in store.members(folder) if held.kind == "Association")
    elif query.name == "GetRelatedDocuments":
        types = {value for name, values in asked if name == "$AssociationTypes" for value in values}
        for link in _touching(store, {one.id}):
            type, source, target = ends(link.node)
            if type in types and _is_a(store, source, "DocumentEntry") and type != HAS_MEMBER.urn:
                yield from (link, store.objects[source])
                if target in store.objects:
                    yield store.objects[target]


def _of_patient(query: StoredQuery, asked: Asked, store: Store) -> Iterator[Held]:
    patients = {value for name, values in asked if name == "$patientId" for value in values}
    found = {
        one.id
        for kind in _KINDS
        for one in _matching(query, asked, kind, store)
        if patients & set(one.values("patientId"))
    }
    yield from (store.objects[id] for id in found)
    for one in store.of("Association"):
        _, source, target = ends(one.node)
        target_kind = store.objects[target].kind if target in store.objects else ""
        if source in found and (target in found or target_kind == "Association"):
            yield one


def _touching(store: Store, ids: set[str]) -> Iterator[Held]:
    return (one for one in store.of("Association") if {*ends(one.node)[1:]} & ids)


def _is_a(store: Store, id: str, kind: str) -> bool:
    return id in store.objects and store.objects[id].kind == kind


def _matching(query: StoredQuery, asked: Asked, kind: str, store: Store) -> Iterator[Held]:
    rows = [(row, values) for name, values in asked if (row := query.parameter(name)) and row.of == kind]
    types = next((row for row in query.parameters if row.match is Match.TYPE_OF), None)
    if kind == "DocumentEntry" and types and not any(row.match is Match.TYPE_OF for row, _ in rows):
        rows.append((types, [DocumentEntryType.STABLE]))
    return (one for one in store.of(kind) if all(_fits(one, row, values) for row, values in rows))


def _fits(one: Held, row: Parameter, values: Iterable[str]) -> bool:
    values = list(values)
    match row.match:
        case Match.ANY_LIKE:
            patterns = [_like(value) for value in values]
            there = _texts(one, row.attribute)
            return any(pattern.fullmatch(text) for pattern in patterns for text in there)
        case Match.FROM | Match.BEFORE:
            times = [time.ljust(14, "0") for time in one.values(row.attribute)]
            bound = values[0].ljust(14, "0") if values else ""
            return any(time >= bound if row.match is Match.FROM else time < bound for time in times)
        case Match.METADATA_LEVEL | Match.AVAILABILITY_OF:
            return True
        case _ if row.attribute in _XML_ATTRIBUTES:
            return one.node.get(_XML_ATTRIBUTES[row.attribute]) in values
        case _:
            return bool(set(values) & set(one.values(row.attribute)))


_XML_ATTRIBUTES: Mapping[str, str] = {
    "entryUUID": "id",
    "logicalID": "id",
    "availabilityStatus": "status",
    "objectType": "objectType",
}


def _texts(one: Held, attribute: str) -> list[str]:
    path = f".//rim:Slot[@name='{attribute}']/rim:ValueList/rim:Value"
    return [node.text or "" for node in select(one.node, path)] or one.values(attribute)


def _like(value: str) -> re.Pattern[str]:
    signs = {"%": ".*", "_": "."}
    return re.compile("".join(signs.get(sign, re.escape(sign)) for sign in value), re.DOTALL)
