"""Answers of thousands of objects, of each of which a few bytes are kept until its turn (ITI TF-2: 3.18)."""

from array import array
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from sqlalchemy import Table, bindparam, func, select

from database import Database, Row, Statement, any_of
from ebxml.write import with_status, write_object_ref
from registry import tables as t
from registry.asked import Content
from registry.fragments import unpack
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

    def __init__(self) -> None:
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
        for first in range(0, len(self), OBJECTS_PER_PIECE):
            part = slice(first, first + OBJECTS_PER_PIECE)
            fragments = await stored_fragments(database, self._kinds[part], self._numbers[part])
            yield b"".join(
                with_status(unpack(fragments[number]), t.STATUS_OF_NUMBER[status])
                for number, status in zip(self._numbers[part], self._statuses[part], strict=True)
                if number in fragments
            )


class LargeObjectRefs:
    """The entryUUID of each object, which is all that a reference says."""

    content = Content.REFERENCE

    def __init__(self) -> None:
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
