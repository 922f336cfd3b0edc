"""Answers of thousands of objects, of each of which a few bytes are kept until its turn (ITI TF-2: 3.18)."""

from array import array
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import lru_cache
from typing import Protocol

from sqlalchemy import Table, bindparam, func, select

from database import Database, Row, Statement, any_of
from ebxml.write import with_last_update_time, with_status, write_object_ref
from registry import tables as t
from registry.asked import Content
from registry.fragments import unpack
from registry.seen import KEPT_SIGHTS, Seen, Sight, through
from registry.uuids import urn

# Some 4 MB of elements are in memory at a time, whatever the size of the answer.
OBJECTS_PER_PIECE = 500
_UUID_BYTES = 16


class LargeAnswer(Protocol):
    """What is kept of the objects found, and how it becomes the answer."""

    content: Content

    def __len__(self) -> int: ...

    def add(self, rows: Iterable[Row]) -> None:
        """Keep what the answer will need of these rows."""

    def pieces(self, database: Database) -> AsyncIterator[bytes]:
        """The answer's elements, many in a piece."""


class LargeLeafClass:
    """Kind, number and status of each object as they were found; its element is read when it leaves."""

    content = Content.STATUS

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._kinds = array("b")
        self._numbers = array("q")
        self._statuses = array("b")

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, rows: Iterable[Row]) -> None:
        """Keep ten bytes of each."""
        for kind, number, status, *_ in rows:
            self._kinds.append(kind)
            self._numbers.append(number)
            self._statuses.append(status)

    async def pieces(self, database: Database) -> AsyncIterator[bytes]:
        """Each stored element with the status that was found; one removed meanwhile is left out."""
        if not self._seen.sight.unrestricted:
            self._put_in_order()
        for first in range(0, len(self), OBJECTS_PER_PIECE):
            part = slice(first, first + OBJECTS_PER_PIECE)
            kinds, numbers = self._kinds[part], self._numbers[part]
            fragments = await stored_fragments(database, kinds, numbers)
            folders = [number for kind, number in zip(kinds, numbers, strict=True) if kind == t.Kind.FOLDER]
            times = await last_update_times(folders, self._seen, database)
            yield b"".join(
                as_seen(fragments[number], t.STATUS_OF_NUMBER[status], times.get(number))
                for number, status in zip(numbers, self._statuses[part], strict=True)
                if number in fragments
            )

    def _put_in_order(self) -> None:
        """In what order they were found follows what is stored, and not what is seen of it."""
        ordered = sorted(range(len(self)), key=lambda one: (self._kinds[one], self._numbers[one]))
        self._kinds = array("b", [self._kinds[one] for one in ordered])
        self._statuses = array("b", [self._statuses[one] for one in ordered])
        self._numbers = array("q", [self._numbers[one] for one in ordered])


class LargeObjectRefs:
    """The entryUUID of each object, which is all that a reference says."""

    content = Content.REFERENCE

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._uuids = bytearray()

    def __len__(self) -> int:
        return len(self._uuids) // _UUID_BYTES

    def add(self, rows: Iterable[Row]) -> None:
        """Keep sixteen bytes of each."""
        for _, _, entry_uuid, *_ in rows:
            self._uuids += bytes.fromhex(entry_uuid.replace("-", ""))

    async def pieces(self, database: Database) -> AsyncIterator[bytes]:
        """The references, with nothing left to be read for them."""
        step = OBJECTS_PER_PIECE * _UUID_BYTES
        if not self._seen.sight.unrestricted:
            # In what order they were found follows what is stored, and not what is seen of it.
            each = range(0, len(self._uuids), _UUID_BYTES)
            self._uuids = bytearray().join(sorted(self._uuids[one : one + _UUID_BYTES] for one in each))
        for first in range(0, len(self._uuids), step):
            digits = self._uuids[first : first + step].hex()
            yield b"".join(
                write_object_ref(urn(_dashed(digits[each : each + 2 * _UUID_BYTES])))
                for each in range(0, len(digits), 2 * _UUID_BYTES)
            )


async def stored_fragments(
    database: Database, kinds: Sequence[int], numbers: Sequence[int]
) -> dict[int, bytes]:
    """The stored elements of these objects by their numbers."""
    fragments: dict[int, bytes] = {}
    for kind, statement in _FRAGMENTS.items():
        if ids := [number for of, number in zip(kinds, numbers, strict=True) if of == kind]:
            fragments.update(await database.fetch(statement, {"ids": ids}))
    return fragments


async def last_update_times(numbers: Sequence[int], seen: Seen, database: Database) -> dict[int, int]:
    """The lastUpdateTime of these Folders for whoever does not see all of them; else their own is right."""
    if seen.sight.unrestricted or not numbers:
        return {}
    return dict(await database.fetch(_times_seen(seen.sight), {**seen.values, "ids": numbers}))


def as_seen(stored: bytes, status: str, last_update_time: int | None) -> bytes:
    """A stored element with its status, and a Folder's with the time of the last change that is seen."""
    element = unpack(stored)
    if last_update_time is not None:
        element = with_last_update_time(element, str(last_update_time))
    return with_status(element, status)


@lru_cache(maxsize=KEPT_SIGHTS)
def _times_seen(sight: Sight) -> Statement:
    times = select(t.folder.c.id, t.folder.c.last_update_time).where(any_of(t.folder.c.id, bindparam("ids")))
    return Statement(through(times, sight))


def _fragments_of(table: Table) -> Statement:
    whole = [table.c[name] for name in ("fragment", "large_fragment") if name in table.c]
    fragment = func.coalesce(*whole) if len(whole) > 1 else whole[0]
    return Statement(select(table.c.id, fragment).where(any_of(table.c.id, bindparam("ids"))))


_FRAGMENTS = {
    t.Kind.DOCUMENT_ENTRY: _fragments_of(t.document_entry),
    t.Kind.SUBMISSION_SET: _fragments_of(t.submission_set),
    t.Kind.FOLDER: _fragments_of(t.folder),
    t.Kind.ASSOCIATION: _fragments_of(t.association),
}


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
