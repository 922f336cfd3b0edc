"""The pieces of stored queries: each kind of object, as far as it was asked for (ITI TF-2: 3.18.4.1.2.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Select, SelectBase, Table, select, union

from database import constant
from ihe.associations import HAS_MEMBER
from ihe.stored_queries import STORED_QUERIES, Match
from registry import tables as t
from registry.conditions import TABLES, Condition, condition

Rows = Select[Any]
Numbers = SelectBase

IS_HAS_MEMBER = t.association.c.association_type == constant(t.ASSOCIATION_TYPE_NUMBERS[HAS_MEMBER.urn])
_KINDS = {
    t.document_entry: t.Kind.DOCUMENT_ENTRY,
    t.submission_set: t.Kind.SUBMISSION_SET,
    t.folder: t.Kind.FOLDER,
    t.association: t.Kind.ASSOCIATION,
}


class Content(Enum):
    """What is selected of each object found, besides its kind and number."""

    ELEMENT = "its status and its stored element"
    STATUS = "its status, the element being fetched later"
    REFERENCE = "its entryUUID"


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a query decides its SQL: `given` counts the lists of each Slot that has any."""

    query_id: str
    content: Content
    every_version: bool
    given: tuple[tuple[str, int], ...]


class Asked:
    """One query's parameters as conditions, and the rows of each kind of object that pass them."""

    def __init__(self, shape: Shape) -> None:
        counts = dict(shape.given)
        query = STORED_QUERIES[shape.query_id]
        self._content = shape.content
        self._every_version = shape.every_version
        self._given = [(row, counts[row.slot]) for row in query.parameters if row.slot in counts]
        self._types = [row for row in query.parameters if row.match is Match.TYPE_OF]
        named = any(row.attribute == "patientId" for row, _ in self._given)
        # Nothing says whose objects are wanted: other attributes must lead to them.
        self._across_patients = query.multi_patient and not named

    @property
    def names_patient(self) -> bool:
        """Whether the query itself says whose objects it wants."""
        return any(row.attribute == "patientId" and row.match is Match.EQUALS for row, _ in self._given)

    def documents(self, *conditions: Condition) -> Rows:
        """DocumentEntries under the query's own filters; stable ones unless it asks otherwise."""
        return self.rows(t.document_entry, *self._filters("DocumentEntry"), *conditions)

    def submission_sets(self, *conditions: Condition) -> Rows:
        """SubmissionSets under the query's own filters."""
        return self.rows(t.submission_set, *self._filters("SubmissionSet"), *conditions)

    def folders(self, *conditions: Condition) -> Rows:
        """Folders under the query's own filters."""
        return self.rows(t.folder, *self._filters("Folder"), *conditions)

    def associations(self, *conditions: Condition) -> Rows:
        """Associations under the query's own filters; Approved ones unless it asks otherwise."""
        return self.rows(t.association, *self.association_filters(), *conditions)

    def association_filters(self) -> Iterator[Condition]:
        """What an Association must fulfil to be followed or returned."""
        yield from self._filters("Association")
        stated = any(row.of == "Association" and row.match is Match.STATUS_OF for row, _ in self._given)
        if not stated and not self._every_version:
            yield t.association.c.status == constant(t.APPROVED)

    def latest(self, table: Table) -> Iterator[Condition]:
        """At metadata level 1, superseded versions are not there (Metadata Update supplement)."""
        if not self._every_version:
            yield table.c.latest.is_(True)

    def named(self, of: str) -> Iterator[Condition]:
        """The object that one of the either-or parameters names; by entryUUID any version may be named."""
        for row, _ in self._given:
            if row.either and row.of == of:
                yield condition(row)
                if row.attribute != "entryUUID" and "latest" in TABLES[of].c:
                    yield from self.latest(TABLES[of])

    def patient(self, table: Table) -> Condition:
        """The patient that the query names, whichever object its parameter speaks of."""
        (row,) = (row for row, _ in self._given if row.attribute == "patientId")
        of = next(name for name, named in TABLES.items() if named is table)
        return condition(row, of=of)

    def object_numbers(self) -> Numbers:
        """The numbers of the objects listed in $uuid, whatever their kind."""
        (row,) = (row for row, _ in self._given if row.match is Match.OBJECT_IDS)
        return select(t.registered_object.c.id).where(condition(row))

    def rows(self, table: Table, *conditions: Condition) -> Rows:
        """The columns that an answer needs of an object, the same for each kind."""
        kind: Condition = constant(_KINDS[table]).label("kind")
        content = {
            Content.ELEMENT: (table.c.status, table.c.fragment),
            Content.STATUS: (table.c.status,),
            Content.REFERENCE: (table.c.entry_uuid,),
        }
        return select(kind, table.c.id, table.c.patient, *content[self._content]).where(*conditions)

    def _filters(self, of: str) -> Iterator[Condition]:
        for row, count in self._given:
            if row.of == of and not row.either and row.match is not Match.OBJECT_IDS:
                for repetition in range(count):
                    yield condition(row, repetition, across_patients=self._across_patients)
        if any(row.of == of for row in self._types) and not any(row in self._types for row, _ in self._given):
            yield t.document_entry.c.object_type == constant(t.STABLE)


def touching(objects: Numbers) -> Numbers:
    """The numbers of the Associations that have one of these objects at either end."""
    # A union of two index searches; an OR of both would read the whole table.
    return union(
        select(t.association.c.id).where(t.association.c.source.in_(objects)),
        select(t.association.c.id).where(t.association.c.target.in_(objects)),
    )
