"""Whose records a request touches that names objects and no patient; asked before anybody's consent is."""

from collections.abc import Collection

from sqlalchemy import bindparam, select, union

from database import Statement, any_of
from ebxml.model import StoredQueryCriteria
from ihe.stored_queries import Match
from registry import tables as t
from registry.iti18_registry_stored_query import whole_query
from registry.store import RegistryStore
from registry.uuids import bare_uuids


async def owners_of_query(criteria: StoredQueryCriteria, store: RegistryStore) -> tuple[str, ...]:
    """The patients whom the query names, or else all whose objects it would find if nothing were hidden."""
    named = {
        str(value)
        for row in criteria.query.parameters
        if row.attribute == "patientId" and row.match in (Match.EQUALS, Match.ANY_OF)
        for values in criteria.values.get(row.slot, ())
        for value in values
    }
    if named:
        return tuple(sorted(named))
    statement, parameters = await whole_query(criteria, store)
    return tuple(row[0] for row in await store.database.fetch(statement, parameters))


async def owners_of_objects(uuids: Collection[str], store: RegistryStore) -> tuple[str, ...]:
    """The patients of the objects with these entryUUIDs or logicalIDs."""
    rows = await store.database.fetch(_OWNERS, {"uuids": bare_uuids(uuids)})
    return tuple(row[0] for row in rows)


_TABLES = (t.document_entry, t.submission_set, t.folder, t.association)
_named = select(t.registered_object.c.id).where(any_of(t.registered_object.c.entry_uuid, bindparam("uuids")))
_owners = union(
    *(select(table.c.patient).where(table.c.id.in_(_named)) for table in _TABLES),
    *(
        select(table.c.patient).where(any_of(table.c.logical_id, bindparam("uuids")))
        for table in (t.document_entry, t.folder)
    ),
).subquery("owners")
_OWNERS = Statement(select(t.patient.c.cx).where(t.patient.c.id.in_(select(_owners.c.patient))))
