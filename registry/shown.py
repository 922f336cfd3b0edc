"""The documents of a record that somebody would see now: for the patient who asks what follows for whom."""

import json
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, func, select

from database import Statement, constant
from exchange.visibility import View, Visibility
from registry import tables as t
from registry.seen import OPEN_SIGHT, Sight, seen_through, through
from registry.store import RegistryStore
from registry.uuids import urn

# More than anybody reads; how many there are is told as well.
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """What a patient calls one of his documents, and what its directives call it."""

    logical_id: str
    unique_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest of the documents that are seen, how many are, and of how many that are not deprecated."""

    documents: tuple[ShownDocument, ...]
    count: int
    of: int


async def documents_shown(patient_id: str, visible: Visibility, store: RegistryStore) -> Shown:
    """What somebody would find of a record by FindDocuments (ITI TF-2: 3.18.4.1.2.3.7.1)."""
    seen = await seen_through(View({patient_id: visible}), store.codes)
    asked = {"patient": patient_id}
    count, shown = _statements(seen.sight)
    async with store.database.reading() as reading:
        ((of,),), ((number,),), rows = await reading.fetch_each(
            (_statements(OPEN_SIGHT)[0], asked),
            (count, {**asked, **seen.values}),
            (shown, {**asked, **seen.values, "limit": MOST_SHOWN}),
        )
    documents = (
        ShownDocument(urn(logical_id), unique_id, _first(title)) for logical_id, unique_id, title in rows
    )
    return Shown(tuple(documents), number, of)


@lru_cache
def _statements(sight: Sight) -> tuple[Statement, Statement]:
    """How many there are, and the newest of them."""
    entry = t.document_entry.c
    theirs = (
        entry.patient
        == select(t.patient.c.id).where(t.patient.c.cx == bindparam("patient")).scalar_subquery(),
        entry.status == constant(t.APPROVED),
        entry.latest,
    )
    newest = select(entry.logical_id, entry.unique_id, entry.title).order_by(entry.id.desc())
    return (
        Statement(through(select(func.count(entry.id)).where(*theirs), sight)),
        Statement(through(newest.where(*theirs).limit(bindparam("limit")), sight)),
    )


def _first(titles: str | list[str]) -> str:
    """One text, whatever its language; SQLite keeps them as JSON."""
    texts = json.loads(titles) if isinstance(titles, str) else titles
    return texts[0] if texts else ""
