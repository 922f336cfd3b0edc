"""The durable store of audit records: what `record` has returned from is on the disk (ITI TF-2: 3.20.4.1)."""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple, Self

from atna_audit.segments import (
    RECORD_LIMIT_BYTES,
    Fsync,
    SegmentWriter,
    Series,
    StoredRecord,
    TornTail,
    flush,
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

# While other requests are being worked on, records wait for theirs, and one flush does for all: it costs more
# than building a record. No longer than this.
GATHERING_SECONDS = 0.01

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
    since: float
    done: asyncio.Future[None]


class Spool:
    """One process's door to the spool directory; used from one event loop."""

    def __init__(
        self,
        directory: Path,
        writer: SegmentWriter,
        torn_tails: tuple[TornTail, ...],
        under_way: Callable[[], int],
    ) -> None:
        self.directory = directory
        self.torn_tails = torn_tails
        self._under_way = under_way
        self._writer = writer
        self._disk = _Disk(writer)
        self._waiting: list[_Waiting] = []
        self._written_now: list[_Waiting] = []
        self._waiting_bytes = 0
        self._watch: asyncio.TimerHandle | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._closed = False
        self.written = Written(writer.series, 0, writer.last_ns)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        segment_limit_bytes: int = SEGMENT_LIMIT_BYTES,
        fsync: Fsync = flush,
        now_ns: Callable[[], int] = time.time_ns,
        under_way: Callable[[], int] = lambda: 0,
    ) -> Self:
        """Open the directory for writing; `torn_tails` says what crashed processes left half written.

        `under_way` says how many requests are being worked on whose records are still to come.
        """
        missing = [path for path in (directory, *directory.parents) if not path.exists()]
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in missing:
            sync_directory(path.parent, fsync)
        torn_tails = mend(directory, fsync)
        writer = SegmentWriter(directory, now_ns(), fsync, now_ns, segment_limit_bytes)
        return cls(directory, writer, torn_tails, under_way)

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
        waiting = _Waiting(records, size_bytes, loop.time(), loop.create_future())
        self._waiting.append(waiting)
        self._waiting_bytes += size_bytes
        if self._at_rest.is_set():
            self._at_rest.clear()
            self._gather(loop)
        elif self._gathering and not self._under_way():
            self._gathering.cancel()
            self._hand_over(loop)
        if self._watch is None:
            self._watch = loop.call_later(RECORD_TIMEOUT_SECONDS, self._give_up, loop)
        await waiting.done

    def records(self) -> Iterator[bytes]:
        """Yield the records of all processes, ordered by the time of writing; raises SpoolDamaged."""
        return stored_records(self.directory)

    async def close(self) -> None:
        """Let waiting records become durable, then end this process's series."""
        self._closed = True
        await self._at_rest.wait()
        if self._watch:
            self._watch.cancel()
        await asyncio.to_thread(self._disk.close)

    def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the disk have what waits when nobody is about to add to it, or it has waited enough."""
        if self._under_way():
            self._gathering = loop.call_later(GATHERING_SECONDS, self._hand_over, loop)
        else:
            self._hand_over(loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the disk all that came while it was busy, with one fsync."""
        self._gathering = None
        self._written_now, self._waiting = self._waiting, []
        content = [record for waiting in self._written_now for record in waiting.records]

        def written(problem: BaseException | None) -> None:
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(self._answer, loop, len(content), problem)

        self._disk.write(content, written)

    def _answer(self, loop: asyncio.AbstractEventLoop, count: int, problem: BaseException | None) -> None:
        batch, self._written_now = self._written_now, []
        if problem is None:
            self.written = Written(self._writer.series, self.written.records + count, self._writer.last_ns)
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
        if self._waiting:
            self._gather(loop)
        else:
            self._at_rest.set()

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell those who have waited for too long; one timer serves all, for nearly none of them needs it."""
        latest = loop.time() - RECORD_TIMEOUT_SECONDS
        pending = [one for one in (*self._written_now, *self._waiting) if not one.done.done()]
        for waiting in pending:
            if waiting.since <= latest:
                problem = SpoolUnavailable(f"the disk took more than {RECORD_TIMEOUT_SECONDS} seconds")
                waiting.done.set_exception(problem)
        rest = [one.since for one in pending if one.since > latest]
        self._watch = None
        if rest:
            self._watch = loop.call_at(min(rest) + RECORD_TIMEOUT_SECONDS, self._give_up, loop)


class _Disk:
    """The thread that writes and waits for the disk; a queue costs less than an executor's futures."""

    def __init__(self, writer: SegmentWriter) -> None:
        self._writer = writer
        self._work: SimpleQueue[tuple[list[bytes], Callable[[BaseException | None], None]] | None]
        self._work = SimpleQueue()
        self._thread = Thread(target=self._run, name="audit-spool", daemon=True)
        self._thread.start()

    def write(self, records: list[bytes], written: Callable[[BaseException | None], None]) -> None:
        """Append these; `written` is called in the thread, with what went wrong if it did."""
        self._work.put((records, written))

    def close(self) -> None:
        """End the thread, and with it the series; raises what goes wrong with that."""
        self._work.put(None)
        self._thread.join()
        self._writer.close()

    def _run(self) -> None:
        while work := self._work.get():
            records, written = work
            problem: BaseException | None = None
            try:
                self._writer.append(records)
            except BaseException as failure:
                problem = failure
            written(problem)


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
