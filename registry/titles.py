"""What people call the documents that other records name by their ids."""

import json
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import bindparam, select

from database import Row, Statement, any_of
from registry import tables as t
from registry.store import RegistryStore
from registry.uuids import bare_uuids, urn


async def titles_of_documents(unique_ids: Collection[str], store: RegistryStore) -> Mapping[str, str]:
    """The title of the newest version of each document that is registered and has one."""
    return _titles(await store.database.fetch(_TITLES_OF_DOCUMENTS, {"unique_ids": sorted(set(unique_ids))}))


async def titles_of_entries(entry_uuids: Collection[str], store: RegistryStore) -> Mapping[str, str]:
    """The title of each DocumentEntry that is registered and has one."""
    rows = await store.database.fetch(_TITLES_OF_ENTRIES, {"entry_uuids": bare_uuids(entry_uuids)})
    return _titles((urn(entry_uuid), titles) for entry_uuid, titles in rows)


async def documents_of_patient(patient_id: str, store: RegistryStore) -> Collection[str]:
    """The uniqueIds of all that is registered for a patient now, hidden or not."""
    return {row[0] for row in await store.database.fetch(_DOCUMENTS_OF_PATIENT, {"patient": patient_id})}


async def merged_into(patient_id: str, store: RegistryStore) -> tuple[str, ...]:
    """The ids that were merged into this one, under which the patient was known before."""
    return tuple(row[0] for row in await store.database.fetch(_MERGED_INTO, {"patient": patient_id}))


def _titles(rows: Iterable[Row]) -> Mapping[str, str]:
    """The first of the texts, whatever its language; SQLite keeps them as JSON."""
    texts = ((id_, json.loads(found) if isinstance(found, str) else found) for id_, found in rows)
    return {id_: each[0] for id_, each in texts if each}


_object, _entry, _patient = t.registered_object.c, t.document_entry.c, t.patient.c
_TITLES_OF_DOCUMENTS = Statement(
    select(_entry.unique_id, _entry.title)
    .where(any_of(_entry.unique_id, bindparam("unique_ids")), _entry.latest)
    .order_by(_entry.id)
)
_TITLES_OF_ENTRIES = Statement(
    select(_object.entry_uuid, _entry.title).where(
        _entry.id == _object.id, any_of(_object.entry_uuid, bindparam("entry_uuids"))
    )
)
_DOCUMENTS_OF_PATIENT = Statement(
    select(_entry.unique_id)
    .distinct()
    .where(_entry.patient == select(_patient.id).where(_patient.cx == bindparam("patient")).scalar_subquery())
)
_survivor = t.patient.alias("survivor").c
_MERGED_INTO = Statement(
    select(_patient.cx)
    .where(_patient.survivor == _survivor.id, _survivor.cx == bindparam("patient"))
    .order_by(_patient.cx)
)
