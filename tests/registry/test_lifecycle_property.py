"""Whatever is done to a record in whatever order, it stays in one piece (ITI TF-3: 4.2; MU, RMU, RMD)."""

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, select

from database import Statement, any_of
from ebxml.model import RemoveObjectsRequest
from ebxml.refused import Refused
from exchange.ports import CannotMerge
from hl7v2.datatypes import CX
from registry import tables as t
from registry.iti57_update_document_set import update_document_set
from registry.iti62_remove_metadata import remove_metadata
from registry.iti92_restricted_update_document_set import restricted_update_document_set
from registry.merge import NotMerged, merge_patients, undo
from registry.patients import add_patient
from registry.stored_objects import read_stored
from tests.messages.registry_objects import (
    APND,
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    RPLC,
    SIGNS,
    XFRM,
    XFRM_RPLC,
    association,
    document_entry,
    folder,
    submission,
)
from tests.messages.updates import status_change, submitted, update

pytestmark = pytest.mark.anyio

ACTIONS = (
    "add", "add to folder", "add folder", "replace", "replace", "append", "transform", "update", "update",
    "update alone", "restrict", "update folder", "turn document", "turn association", "join", "fill folder",
    "remove one", "remove set", "merge", "unmerge", "lag",
)  # fmt: skip
steps = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 99), st.integers(0, 99))
_examples = count(1)


def _rows(table):
    """Everything of these patients."""
    theirs = any_of(table.c.patient, bindparam("numbers"))
    return Statement(select(*table.c).where(theirs).order_by(table.c.id))


TABLES = (t.document_entry, t.folder, t.association, t.submission_set)
ROWS = {table: _rows(table) for table in TABLES}
SURVIVORS = Statement(
    select(t.patient.c.id, t.patient.c.survivor).where(any_of(t.patient.c.id, bindparam("numbers")))
)
PATIENT_NUMBER = Statement(select(t.patient.c.id).where(t.patient.c.cx == bindparam("cx")))
DIRECTORY = Statement(select(t.registered_object.c.id, t.registered_object.c.entry_uuid))
UNIQUE_IDS = Statement(select(t.registered_unique_id.c.unique_id, t.registered_unique_id.c.id))


class Record:
    """Three patients' records, acted on at random and looked at from below."""

    def __init__(self, registry):
        self.registry = registry
        number = next(_examples)
        self.patients = [CX(f"p{number}-{n}^^^&2.999.3.2&ISO") for n in (1, 2, 3)]
        self.moved: set[str] = set()
        self.folder_times: dict[int, int] = {}
        self.document_entry: list[dict[str, Any]] = []
        self.folder: list[dict[str, Any]] = []
        self.association: list[dict[str, Any]] = []
        self.submission_set: list[dict[str, Any]] = []

    async def begin(self):
        store = self.registry.store
        for one in self.patients:
            await add_patient(one, store, self.registry.clock)
        numbers = [(await store.database.fetch(PATIENT_NUMBER, {"cx": one}))[0][0] for one in self.patients]
        self.numbers = {"numbers": numbers}

    async def look(self):
        """The rows of each table, by the names of their columns."""
        for table in TABLES:
            rows = await self.registry.store.database.fetch(ROWS[table], self.numbers)
            names = [column.name for column in table.c]
            setattr(self, table.name, [dict(zip(names, row, strict=True)) for row in rows])

    async def act(self, action, first, second):
        await self.look()
        with suppress(Refused, CannotMerge, NotMerged):
            await getattr(self, action.replace(" ", "_"))(first, second)
        await self.look()

    # What may be done.

    async def _register(self, first, *kinds, member_of=None, targets=()):
        patient_id = self.patients[first % 3]
        entry = document_entry(patient_id=patient_id)
        links = [association(kind, entry.entry_uuid, each) for kind, each in zip(kinds, targets, strict=True)]
        if member_of:
            links.append(association(HAS_MEMBER, member_of, entry.entry_uuid))
        await self.registry.register(submission(entry, associations=links, patient_id=patient_id))

    async def add(self, first, second):
        await self._register(first)

    async def add_folder(self, first, second):
        patient_id = self.patients[first % 3]
        entry, new = document_entry(patient_id=patient_id), folder(patient_id=patient_id)
        member = association(HAS_MEMBER, new.entry_uuid, entry.entry_uuid)
        await self.registry.register(
            submission(entry, folders=[new], associations=[member], patient_id=patient_id)
        )

    async def add_to_folder(self, first, second):
        if self.folder:
            await self._register(first, member_of=uuid_of(pick(self.folder, second)))

    async def _relate(self, kind, first, second):
        if self.document_entry:
            await self._register(first, kind, targets=[uuid_of(pick(self.document_entry, second))])

    async def replace(self, first, second):
        await self._relate((RPLC, RPLC, XFRM_RPLC)[first % 3], first, second)

    async def append(self, first, second):
        await self._relate(APND, first, second)

    async def transform(self, first, second):
        await self._relate(XFRM, first, second)

    def _owner(self, row):
        return dict(zip(self.numbers["numbers"], self.patients, strict=True))[row["patient"]]

    async def _send(self, transaction, patient_id, *objects, **options):
        request = update(*objects, patient_id=patient_id, **options)
        await transaction(request, self.registry.store, self.registry.clock, self.registry.new_uuid)

    async def _update(self, transaction, rows, first, second, propagate=None):
        if rows:
            row = pick(rows, second)
            obj = read_stored(row["fragment"] or row["large_fragment"])
            patient_id = self._owner(row) if first % 5 else self.patients[first % 3]
            new = replace(obj, entry_uuid="new", version=None, patient_id=patient_id)
            previous = str(row["version"])
            await self._send(transaction, patient_id, new, previous=previous, propagate=propagate)
            if patient_id != self._owner(row):
                self.moved.add(row["logical_id"])

    async def update(self, first, second):
        await self._update(update_document_set, self.document_entry, first, second)

    async def update_alone(self, first, second):
        await self._update(update_document_set, self.document_entry, first, second, "no")

    async def restrict(self, first, second):
        await self._update(restricted_update_document_set, self.document_entry, first, second)

    async def update_folder(self, first, second):
        await self._update(update_document_set, self.folder, first, second, ("yes", "no")[first // 2 % 2])

    async def _turn(self, rows, first, second):
        if rows:
            row = pick(rows, second)
            both = (DEPRECATED, APPROVED) if row["status"] else (APPROVED, DEPRECATED)
            change = (status_change(uuid_of(row), *both),)
            await self._send(update_document_set, self._owner(row), associations=change)

    async def turn_document(self, first, second):
        await self._turn(self.document_entry, first, second)

    async def turn_association(self, first, second):
        await self._turn(self.association, first, second)

    async def join(self, first, second):
        if self.document_entry:
            ends = [pick(self.document_entry, each) for each in (first, second)]
            payload = submitted(association((SIGNS, APND, RPLC)[first % 3], *map(uuid_of, ends)))
            await self._send(update_document_set, self._owner(ends[0]), associations=payload)

    async def fill_folder(self, first, second):
        if self.document_entry and self.folder:
            ends = pick(self.folder, first), pick(self.document_entry, second)
            payload = submitted(association(HAS_MEMBER, *map(uuid_of, ends)))
            await self._send(update_document_set, self._owner(ends[0]), associations=payload)

    async def _remove(self, rows):
        request = RemoveObjectsRequest(tuple(uuid_of(row) for row in rows))
        await remove_metadata(request, self.registry.store)

    async def remove_one(self, first, second):
        rows = (self.association, self.document_entry, self.folder, self.submission_set)[first % 4]
        if rows:
            await self._remove([pick(rows, second)])

    async def remove_set(self, first, second):
        """A SubmissionSet, all that came with it, and all that touches any of it."""
        if self.submission_set:
            going = {pick(self.submission_set, second)["id"]}
            going |= {each["target"] for each in self.association if each["source"] in going}
            going |= {each["id"] for each in self.association if {each["source"], each["target"]} & going}
            going |= {each["id"] for each in self.association if {each["source"], each["target"]} & going}
            every = (*self.submission_set, *self.document_entry, *self.folder, *self.association)
            await self._remove([row for row in every if row["id"] in going])

    async def merge(self, first, second):
        gone, stays = pick(self.patients, first), pick(self.patients, second)
        await merge_patients(gone, stays, self.registry.store)

    async def unmerge(self, first, second):
        survivors = dict(await self.registry.store.database.fetch(SURVIVORS, self.numbers))
        if gone := [number for number, survivor in survivors.items() if survivor]:
            number = pick(gone, first)
            ends = self._owner({"patient": number}), self._owner({"patient": survivors[number]})
            await undo(*ends, self.registry.store, self.registry.clock, self.registry.new_uuid)

    async def lag(self, first, second):
        self.registry.now -= timedelta(seconds=first)

    # What holds all the same.

    async def hold(self):
        database = self.registry.store.database
        self._one_latest_version(self.document_entry)
        self._one_latest_version(self.folder)
        self._one_head()
        self._times_go_on()
        directory = dict(await database.fetch(DIRECTORY))
        ends = {end for each in self.association for end in (each["source"], each["target"])}
        assert ends <= directory.keys()
        # A SubmissionSet of status changes alone has no members: what triggers them is not stored.
        assert {row["id"] for row in (*self.document_entry, *self.folder)} <= ends
        rows = (*self.document_entry, *self.folder, *self.submission_set)
        assert all(directory[row["id"]] == row["entry_uuid"] for row in (*rows, *self.association))
        unique_ids = dict(await database.fetch(UNIQUE_IDS))
        assert set(unique_ids.values()) <= directory.keys()
        assert {row["unique_id"] for row in self.document_entry} <= unique_ids.keys()

        await self._each_with_its_survivor()

    async def _each_with_its_survivor(self):
        """What an object's number names is whose record it is in, before and after merges and their ends."""
        survivors = dict(await self.registry.store.database.fetch(SURVIVORS, self.numbers))

        def last(patient):
            return last(survivors[patient]) if survivors[patient] else patient

        for row in (*self.document_entry, *self.folder, *self.association, *self.submission_set):
            assert row["patient"] == last(row["id"] // t.OBJECTS_PER_PATIENT)
        versions = defaultdict(set)
        for row in (*self.document_entry, *self.folder):
            versions[row["logical_id"]].add(row["id"] // t.OBJECTS_PER_PATIENT)
        assert all(len(each) == 1 for lid, each in versions.items() if lid not in self.moved)
        # What a SubmissionSet refers to may be another's; nothing else joins two patients.
        owners = {row["id"]: row["patient"] for row in (*self.document_entry, *self.folder)}
        for row in self.association:
            if row["status"] == t.APPROVED and row["source"] in owners:
                assert owners[row["source"]] == owners[row["target"]] == row["patient"]

    def _one_latest_version(self, rows):
        by_logical_id = defaultdict(list)
        for row in rows:
            by_logical_id[row["logical_id"]].append(row)
        for versions in by_logical_id.values():
            numbers = [row["version"] for row in versions]
            assert len(set(numbers)) == len(numbers)
            assert [row["version"] for row in versions if row["latest"]] == [max(numbers)]
            assert all(row["status"] == t.DEPRECATED for row in versions if not row["latest"])

    def _one_head(self):
        replaces = {t.ASSOCIATION_TYPE_NUMBERS[RPLC], t.ASSOCIATION_TYPE_NUMBERS[XFRM_RPLC]}
        approved = {row["id"] for row in self.document_entry if row["status"] == t.APPROVED}
        links = {
            (row["source"], row["target"])
            for row in self.association
            if row["association_type"] in replaces and row["status"] == t.APPROVED
        }
        heads = Counter(target for source, target in links if source in approved)
        heads.update({target for _, target in links if target in approved})
        assert all(number == 1 for number in heads.values())

    def _times_go_on(self):
        newest: dict[str, int] = defaultdict(int)
        for row in sorted(self.folder, key=lambda row: row["version"]):
            time = row["last_update_time"]
            assert time >= self.folder_times.get(row["id"], 0)
            self.folder_times[row["id"]] = time
            assert time >= newest[row["logical_id"]]
            newest[row["logical_id"]] = time


def pick(rows, number):
    return rows[number % len(rows)]


def uuid_of(row):
    return f"urn:uuid:{row['entry_uuid']}"


# Shrinking would take minutes, for each step is a transaction; sixteen steps are short enough to read.
@settings(
    max_examples=50, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(steps, min_size=8, max_size=16))
async def test_a_record_stays_in_one_piece(registry, taken):
    record = Record(registry)
    await record.begin()
    for step in taken:
        await record.act(*step)
        await record.hold()
