"""Records that changes owe: whatever became of the process, each is in the spool in the end (ITI TF-2: 3.20).

A pledge is committed by the transaction that makes the change, and is taken back some seconds after the
record is durable: not at once, as that would be one more commit for each request. So what a killed process
leaves behind is mostly recorded, and is looked for in the spool before it is written there.
"""

import asyncio
import fcntl
import json
import logging
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, delete, exists, insert, select, type_coerce

from atna_audit.segments import is_ended, records_of, series_in
from atna_audit.spool import Spool
from atna_audit.tables import audit_pledge
from audit_message.model import AuditMessage
from audit_message.read import read_audit_message
from audit_message.write import write_audit_message
from database import Database, Statement, any_of
from exchange.pledge import Pledge

log = logging.getLogger("coffre.audit")

# Some hundred bytes each: what a process that answered thousands a second leaves is read in a few rounds.
ROWS_AT_ONCE = 1_000

# The times of a clock that is set back, and of file systems that round theirs.
CLOCK_TOLERANCE_SECONDS = 60.0

# Fastest: a few microseconds for each record, which becomes a third as long.
_COMPRESSION = 1

_LOCK = "pledges.lock"

_TIME = re.compile(rb'EventDateTime="([^"]+)"')


class PledgedRecords:
    """The pledges of one process, and at its start those of the processes that ended before it."""

    def __init__(self, database: Database, spool: Spool) -> None:
        self._database, self._spool = database, spool
        self._numbers = count(1)
        self._kept: list[int] = []
        self._broken: list[int] = []

    @property
    def series(self) -> str:
        """Of which spooled series these pledges are."""
        return self._spool.written.series

    def made(self, *messages: AuditMessage) -> Pledge:
        """A pledge of these records."""
        number = next(self._numbers)
        records = [write_audit_message(message).decode() for message in messages]
        row = {
            "series": self.series,
            "number": number,
            "records": zlib.compress(json.dumps(records).encode(), _COMPRESSION),
        }
        return Pledge(number, ((_INSERT, row),))

    def kept(self, pledge: Pledge) -> None:
        """Its record is durable."""
        self._kept.append(pledge.number)

    def broken(self, pledge: Pledge) -> None:
        """Its record may not be durable."""
        self._broken.append(pledge.number)

    async def clear(self) -> None:
        """Take back what was kept, and keep what was broken; raises DatabaseError and AuditUnavailable."""
        kept, self._kept = self._kept, []
        broken, self._broken = self._broken, []
        try:
            await self._take_back(self.series, kept)
            kept = []
            if broken:
                await self._keep(self.series, broken)
            broken = []
        finally:
            self._kept += kept
            self._broken += broken

    async def keep_those_of_ended(self) -> None:
        """Write what processes that ended have changed and not recorded."""
        with (self._spool.directory / _LOCK).open("w") as lock:
            # Another process that starts may be doing the same.
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            ended = await asyncio.to_thread(_ended, self._spool.directory)
            for series in ended & await series_with_pledges(self._database):
                await self._keep(series)

    async def _keep(self, series: str, numbers: Collection[int] = ()) -> None:
        """Write what is pledged there and not in the spool; of all numbers if none is named."""
        written = after = 0
        while rows := await self._database.fetch(
            _SELECT, {"series": series, "after": after, "count": ROWS_AT_ONCE}
        ):
            after = rows[-1][0]
            owed = {number: _records(packed) for number, packed in rows if not numbers or number in numbers}
            recorded = await asyncio.to_thread(_recorded, self._spool.directory, owed)
            if missing := [record for number in owed.keys() - recorded for record in owed[number]]:
                await self._spool.record(*missing)
            await self._take_back(series, owed)
            written += len(owed.keys() - recorded)
        if written:
            log.warning("%d changes had been made and not been recorded; now they are", written)

    async def _take_back(self, series: str, numbers: Iterable[int]) -> None:
        if chosen := sorted(numbers):
            row = {"series": series, "numbers": chosen}
            await self._database.transact(lambda transaction: transaction.execute(_DELETE, row))


async def series_with_pledges(database: Database) -> set[str]:
    """Whose files are still needed: what is not in them may have to be written."""
    return {series for (series,) in await database.fetch(_SELECT_SERIES)}


def _ended(directory: Path) -> set[str]:
    return {series.name for series in series_in(directory) if is_ended(series)}


def _records(packed: bytes) -> tuple[bytes, ...]:
    return tuple(record.encode() for record in json.loads(zlib.decompress(packed)))


def _recorded(directory: Path, owed: Mapping[int, Sequence[bytes]]) -> Collection[int]:
    """Which of these are in the spool, as what was pledged or as what became of it."""
    upcoming: dict[bytes, list[tuple[int, list[AuditMessage]]]] = {}
    for number, records in owed.items():
        messages = [read_audit_message(record) for record in records]
        upcoming.setdefault(_time_of(records[0]), []).append((number, messages))
    began = min(messages[0].event.at for same in upcoming.values() for _, messages in same)
    found: set[int] = set()
    for record in _written_since(directory, began.timestamp() - CLOCK_TOLERANCE_SECONDS):
        if same := upcoming.get(_time_of(record)):
            told = read_audit_message(record)
            found.update(number for number, messages in same if any(_tells(told, one) for one in messages))
    return found


def _written_since(directory: Path, seconds: float) -> Iterator[bytes]:
    for series in series_in(directory):
        for segment in series.segments:
            if segment.path.stat().st_mtime >= seconds:
                yield from (record.content for record in records_of(segment))


def _time_of(record: bytes) -> bytes:
    # A request keeps its time, whenever its record is written.
    found = _TIME.search(record)
    return found[1] if found else b""


def _tells(record: AuditMessage, pledged: AuditMessage) -> bool:
    """Whether this is the record of that request, however it ended.

    It may name but some of the objects that were asked for, and others that became known on the way.
    """
    objects = {one.id for one in pledged.objects}
    return (
        record.event.event_id == pledged.event.event_id
        and record.event.type_codes == pledged.event.type_codes
        and _processes(record) == _processes(pledged)
        and (not objects or any(one.id in objects for one in record.objects))
    )


def _processes(message: AuditMessage) -> Collection[str]:
    return {one.alternative_user_id for one in message.participants}


_pledged = (
    type_coerce(bindparam("series"), Text),
    type_coerce(bindparam("number"), BigInteger),
    type_coerce(bindparam("records"), LargeBinary),
)
# One request may make several changes, each in a transaction of its own; the first takes the pledge along.
_INSERT = Statement(
    insert(audit_pledge)
    .inline()
    .from_select(
        ["series", "number", "records"],
        select(*_pledged).where(
            ~exists().where(audit_pledge.c.series == _pledged[0], audit_pledge.c.number == _pledged[1])
        ),
    )
)
_SELECT_SERIES = Statement(select(audit_pledge.c.series).distinct())
_SELECT = Statement(
    select(audit_pledge.c.number, audit_pledge.c.records)
    .where(audit_pledge.c.series == bindparam("series"), audit_pledge.c.number > bindparam("after"))
    .order_by(audit_pledge.c.number)
    .limit(bindparam("count"))
)
_DELETE = Statement(
    delete(audit_pledge).where(
        audit_pledge.c.series == bindparam("series"), any_of(audit_pledge.c.number, bindparam("numbers"))
    )
)
