"""What queries compare, derived once more from the stored elements (ITI TF-3: 4.2.3).

For columns that a newer version of this program added, or that were damaged: an element holds all of an
object but its status and whose it is now.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Table, bindparam, func, select, update

from database import Statement, Transaction, any_of
from ebxml.model import Association, DocumentEntry, Folder, RegistryObject, Submission, SubmissionSet
from registry import rows
from registry import tables as t
from registry.fragments import pack, unpack
from registry.situation import numbers_of
from registry.store import RegistryStore
from registry.stored_objects import read_stored

# Objects in one transaction: some 8 KB each in memory, and locks that nobody waits for long.
BATCH_OBJECTS = 500


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many objects were looked at, and how many had a column that differed."""

    objects: int
    changed: int


async def rebuild(store: RegistryStore, after: int, done: Callable[[int], None]) -> Rebuilt:
    """Mend every object numbered under the patients after this one; `done` hears of each patient.

    It may be broken off at any time, and go on after the last patient that was done; servers may run on.
    """
    objects = changed = 0
    while patients := await store.database.fetch(_PATIENTS, {"after": after, "most": BATCH_OBJECTS}):
        for (after,) in patients:
            for table in _TABLES:
                looked_at, mended = await _rebuild(table, after, store)
                objects, changed = objects + looked_at, changed + mended
            done(after)
    return Rebuilt(objects, changed)


_TABLES = (t.document_entry, t.submission_set, t.folder, t.association)
# What an element does not say: whose the object is, what became of it, and what follows from its versions.
_NOT_IN_ELEMENT = frozenset({"id", "patient", "status", "latest", "depositor", "registered"})
_DERIVED = {
    table: tuple(column.name for column in table.c if column.name not in _NOT_IN_ELEMENT) for table in _TABLES
}
_PATIENTS = Statement(
    select(t.patient.c.id)
    .where(t.patient.c.id > bindparam("after"))
    .order_by(t.patient.c.id)
    .limit(bindparam("most"))
)


def _select_ids(table: Table) -> Statement:
    """The next objects that are numbered under one patient: the primary key is searched."""
    element = (
        func.coalesce(table.c.fragment, table.c.large_fragment)
        if table is t.document_entry
        else table.c.fragment
    )
    return Statement(
        select(table.c.id, element)
        .where(table.c.id > bindparam("after"), table.c.id <= bindparam("last"))
        .order_by(table.c.id)
        .limit(bindparam("most"))
    )


def _select_stored(table: Table) -> Statement:
    return Statement(
        select(table.c.id, *(table.c[name] for name in _DERIVED[table]))
        .where(any_of(table.c.id, bindparam("ids")))
        .order_by(table.c.id)
        .with_for_update()
    )


def _update(table: Table) -> Statement:
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in _DERIVED[table]}
    return Statement(update(table).where(table.c.id == bindparam("number")).values(values))


_SELECT_IDS = {table: _select_ids(table) for table in _TABLES}
_SELECT_STORED = {table: _select_stored(table) for table in _TABLES}
_UPDATE = {table: _update(table) for table in _TABLES}


async def _rebuild(table: Table, patient: int, store: RegistryStore) -> tuple[int, int]:
    first = patient * t.OBJECTS_PER_PATIENT
    place = {"after": first, "last": first + t.OBJECTS_PER_PATIENT - 1, "most": BATCH_OBJECTS}
    objects = changed = 0
    while found := await store.database.fetch(_SELECT_IDS[table], place):
        # Before the transaction: codes are for all.
        codes = await store.codes.intern(rows.codes_of(_together([read_stored(row[1]) for row in found])))
        batch = _Batch(table, [row[0] for row in found], codes)
        changed += await store.database.transact(batch.run)
        objects += len(found)
        place["after"] = found[-1][0]
    return objects, changed


@dataclass(frozen=True, slots=True)
class _Batch:
    """Objects of one table whose columns are compared with their elements; `run` may run again."""

    table: Table
    ids: list[int]
    codes: rows.Numbers

    async def run(self, transaction: Transaction) -> int:
        """Read once more what is now locked, write what differs, and say how many that were."""
        stored = await transaction.fetch(_SELECT_STORED[self.table], {"ids": self.ids})
        names = _DERIVED[self.table]
        held = {row[0]: dict(zip(names, row[1:], strict=True)) for row in stored}
        fragments = {number: each["fragment"] or each["large_fragment"] for number, each in held.items()}
        objects = {number: read_stored(fragment) for number, fragment in fragments.items()}
        ends = {
            end
            for each in objects.values()
            if isinstance(each, Association)
            for end in (each.source_object, each.target_object)
        }
        numbers = await numbers_of(ends, transaction) if ends else {}
        updates = []
        for number, obj in objects.items():
            # Packed anew: with the newest dictionary, and where there is room for it.
            row = self._row(obj, number, pack(unpack(fragments[number])), numbers)
            if any(_differs(held[number][name], row[name]) for name in names):
                updates.append({"number": number, **{f"new_{name}": row[name] for name in names}})
        if updates:
            await transaction.execute(_UPDATE[self.table], updates)
        return len(updates)

    def _row(self, obj: RegistryObject, number: int, fragment: bytes, numbers: Mapping[str, int]) -> rows.Row:
        # Whose the object is does not stand in it, and its column is left alone.
        match obj:
            case DocumentEntry():
                return rows.document_entry_row(obj, number, 0, self.codes, fragment)
            case SubmissionSet():
                return rows.submission_set_row(obj, number, 0, self.codes, fragment)
            case Folder():
                return rows.folder_row(obj, number, 0, self.codes, fragment)
            case Association():
                return rows.association_row(obj, number, 0, numbers, fragment)


def _together(objects: Sequence[RegistryObject]) -> Submission:
    return Submission(
        submission_sets=tuple(each for each in objects if isinstance(each, SubmissionSet)),
        document_entries=tuple(each for each in objects if isinstance(each, DocumentEntry)),
        folders=tuple(each for each in objects if isinstance(each, Folder)),
    )


def _differs(held: object, derived: object) -> bool:
    # SQLite keeps a list as JSON.
    return (json.loads(held) if isinstance(derived, list) and isinstance(held, str) else held) != derived
