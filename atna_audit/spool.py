"""The durable store of audit records: what `record` has returned from is on the disk (ITI TF-2: 3.20.4.1)."""

import asyncio
import heapq
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from atna_audit.segments import (
    RECORD_LIMIT_BYTES,
    Fsync,
    SegmentWriter,
    Series,
    StoredRecord,
    TornTail,
    mend,
    series_in,
    sync_directory,
)
from exchange.ports import AuditUnavailable

# A new file is begun at this size, so that whoever archives the spool can take finished files away.
SEGMENT_LIMIT_BYTES = 64 * 1024 * 1024

# What may wait for a slow disk before further requests are refused: one record of the largest size and
# some ten thousand usual ones of 2 KB.
WAITING_LIMIT_BYTES = RECORD_LIMIT_BYTES + 32 * 1024 * 1024

# A disk that does not answer for so long is taken as gone; peers give up after 30 to 60 seconds.
RECORD_TIMEOUT_SECONDS = 20.0


class SpoolUnavailable(AuditUnavailable):
    """The records are not known to be durable: what they tell of must not be answered."""


class Written(NamedTuple):
    """What is durable of this process's series: how many records, the last of them at this time."""

    series: str
    records: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    records: tuple[bytes, ...]
    size_bytes: int
    done: asyncio.Future[None]


class Spool:
    """One process's door to the spool directory; used from one event loop."""

    def __init__(self, directory: Path, writer: SegmentWriter, torn_tails: tuple[TornTail, ...]) -> None:
        self.directory = directory
        self.torn_tails = torn_tails
        self._writer = writer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit-spool")
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False
        self.written = Written(writer.series, 0, writer.last_ns)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        segment_limit_bytes: int = SEGMENT_LIMIT_BYTES,
        fsync: Fsync = os.fsync,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> Self:
        """Open the directory for writing; `torn_tails` says what crashed processes left half written."""
        missing = [path for path in (directory, *directory.parents) if not path.exists()]
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in missing:
            sync_directory(path.parent, fsync)
        torn_tails = mend(directory, fsync)
        writer = SegmentWriter(directory, now_ns(), fsync, now_ns, segment_limit_bytes)
        return cls(directory, writer, torn_tails)

    async def record(self, *records: bytes) -> None:
        """Store the records and return when they are durable; raises SpoolUnavailable if they may not be."""
        size_bytes = sum(map(len, records))
        if self._closed:
            raise SpoolUnavailable("the spool is closed")
        if max(map(len, records), default=0) > RECORD_LIMIT_BYTES:
            raise SpoolUnavailable(f"a record is larger than {RECORD_LIMIT_BYTES} bytes")
        if self._waiting_bytes + size_bytes > WAITING_LIMIT_BYTES:
            raise SpoolUnavailable(f"{self._waiting_bytes} bytes wait for the disk already")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(records, size_bytes, loop.create_future())
        self._waiting.append(waiting)
        self._waiting_bytes += size_bytes
        if self._flushing is None:
            self._flushing = loop.create_task(self._flush())
        try:
            async with asyncio.timeout(RECORD_TIMEOUT_SECONDS):
                await waiting.done
        except TimeoutError as problem:
            raise SpoolUnavailable(f"the disk took more than {RECORD_TIMEOUT_SECONDS} seconds") from problem

    def records(self) -> Iterator[bytes]:
        """Yield the records of all processes, ordered by the time of writing; raises SpoolDamaged."""
        return stored_records(self.directory)

    async def close(self) -> None:
        """Let waiting records become durable, then end this process's series."""
        self._closed = True
        if self._flushing:
            await self._flushing
        await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.close)
        self._thread.shutdown()

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            # All that came while the disk was busy goes with the next fsync.
            while self._waiting:
                batch, self._waiting = self._waiting, []
                content = [record for waiting in batch for record in waiting.records]
                problem: BaseException | None = None
                try:
                    await loop.run_in_executor(self._thread, self._writer.append, content)
                    records = self.written.records + len(content)
                    self.written = Written(self._writer.series, records, self._writer.last_ns)
                except BaseException as failure:
                    problem = failure
                    if not isinstance(failure, Exception):
                        raise
                finally:
                    self._answer(batch, problem)
        finally:
            self._flushing = None

    def _answer(self, batch: list[_Waiting], problem: BaseException | None) -> None:
        for waiting in batch:
            self._waiting_bytes -= waiting.size_bytes
            if waiting.done.done():
                continue  # its caller has given up
            if problem is None:
                waiting.done.set_result(None)
            else:
                unavailable = SpoolUnavailable(f"the audit records could not be stored: {problem!r}")
                unavailable.__cause__ = problem
                waiting.done.set_exception(unavailable)


def stored_records(directory: Path) -> Iterator[bytes]:
    """Yield the records that all processes have stored there, ordered by time, without changing a file."""
    for record in _by_time(series_in(directory)):
        yield record.content


def _by_time(series: tuple[Series, ...]) -> Iterator[StoredRecord]:
    """Merge the series; one is opened only when its time has come, so that open files stay few."""
    upcoming = deque(sorted(series, key=lambda one: (one.started_ns, one.name)))
    heads: list[tuple[int, str, StoredRecord, Iterator[StoredRecord]]] = []
    while heads or upcoming:
        while upcoming and (not heads or upcoming[0].started_ns <= heads[0][0]):
            begun = upcoming.popleft()
            _push(heads, begun.name, begun.records())
        if heads:
            _, name, record, rest = heapq.heappop(heads)
            yield record
            _push(heads, name, rest)


def _push(
    heads: list[tuple[int, str, StoredRecord, Iterator[StoredRecord]]],
    name: str,
    rest: Iterator[StoredRecord],
) -> None:
    if record := next(rest, None):
        heapq.heappush(heads, (record.written_ns, name, record, rest))
