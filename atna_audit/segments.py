"""The spool's files: segments of framed records, how they are written, read and mended after a crash.

A process writes one series of segments, named `START-PID-SEQUENCE.audit`. A segment is a header and then
records, each framed; zeros behind them are room for more. The header says how many bytes of the segment
before it were durable, so that only the last segment of a series can have an uncertain end; a series that
came to its end is closed by a segment without records. The writer of a segment holds its file lock: what is
locked is nobody else's to mend.
"""

import fcntl
import hashlib
import os
import re
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import groupby, pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

# A query as large as `schemas.parse` admits (32 MiB) takes 43 MiB in base64: a record must never be too
# large to be written, or a peer could choose to go unrecorded.
RECORD_LIMIT_BYTES = 64 * 1024 * 1024

# magic, sequence, durable bytes of the segment before, checksum
_HEADER = struct.Struct(">8sIQ8s")
_HEADER_MAGIC = b"CFAUDIT1"
# magic, length, time of writing in ns since 1970, offset at which this frame's batch begins, checksum
_FRAME = struct.Struct(">4sIQQ8s")
_FRAME_MAGIC = b"\xabREC"
_PIECE_BYTES = 64 * 1024
# 64 bits tell a torn write from a whole one; whoever wants to forge a record is the hash chain's business.
_CHECKSUM_BYTES = 8

# Zeros are written so far ahead of the records: what is written over them needs no new block and no new
# size, and its flush writes nothing besides. A cut-off process leaves no more of them.
RESERVED_BYTES = 256 * 1024

_NAME = re.compile(r"(?P<started>\d{20})-(?P<pid>\d+)-(?P<sequence>\d{6,})\.audit")

Fsync = Callable[[int], None]


def flush(file: int) -> None:
    """Make durable what was written to a file, or the names in a directory."""
    # When a file was written does not matter, and would be written besides.
    (os.fsync if stat.S_ISDIR(os.fstat(file).st_mode) else os.fdatasync)(file)


class SpoolDamaged(Exception):
    """Records that were durable cannot be read again: a file is changed, cut or gone."""


class StoredRecord(NamedTuple):
    """A record as it lies in its segment."""

    written_ns: int
    content: bytes


@dataclass(frozen=True, slots=True)
class TornTail:
    """The end of a segment that a crash left half written; its bytes were kept beside the segment."""

    segment: Path
    whole_bytes: int
    torn_bytes: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One file; `durable_bytes` is None where no successor says how much of it was durable."""

    path: Path
    sequence: int
    previous_bytes: int
    durable_bytes: int | None


@dataclass(frozen=True, slots=True)
class Series:
    """All segments of one process, in order."""

    name: str
    started_ns: int
    segments: tuple[Segment, ...]

    def records(self) -> Iterator[StoredRecord]:
        """Yield the records in the order in which they were written."""
        for segment in self.segments:
            yield from records_of(segment)


class SegmentWriter:
    """Appends batches to the newest segment of this process and starts new ones."""

    def __init__(
        self, directory: Path, started_ns: int, fsync: Fsync, now_ns: Callable[[], int], limit_bytes: int
    ) -> None:
        self._directory = directory
        self.series = f"{started_ns:020}-{os.getpid()}"
        self._fsync = fsync
        self._now_ns = now_ns
        self._limit_bytes = limit_bytes
        self._sequence = 0
        self._file = -1
        self._durable_bytes = 0
        self._reserved_bytes = 0
        self._usable = False
        self.last_ns = started_ns

    def append(self, records: Iterable[bytes]) -> None:
        """Write the batch and return when it is durable; an OSError says that it may not be."""
        if not self._usable or self._durable_bytes >= self._limit_bytes:
            self._begin_segment()
        batch = b"".join(self._frame(record) for record in records)
        try:
            _write_all(self._file, batch, self._durable_bytes)
        except OSError:
            self._usable = False
            os.ftruncate(self._file, self._durable_bytes)
            self._reserved_bytes = self._durable_bytes
            self._usable = True
            raise
        self._reserve(self._durable_bytes + len(batch))
        self._usable = False
        # After a failed fsync the kernel forgets what it could not write and the next fsync succeeds:
        # only a new file can be trusted again, and its header says where this one ends.
        self._fsync(self._file)
        self._usable = True
        self._durable_bytes += len(batch)

    def close(self) -> None:
        """End the series, so that a later cut in its last records is seen as damage."""
        if self._file >= 0:
            file, self._file, self._usable = self._file, -1, False
            try:
                os.close(self._create_next())
            finally:
                os.close(file)

    def _reserve(self, end: int) -> None:
        """See that there is room behind this offset again, as far as the disk has any."""
        if end > self._reserved_bytes:
            with suppress(OSError):
                _write_all(self._file, bytes(RESERVED_BYTES), end)
            self._reserved_bytes = end + RESERVED_BYTES

    def _begin_segment(self) -> None:
        file = self._create_next()
        # The old lock is given up only now that a successor vouches for what it protected.
        if self._file >= 0:
            os.close(self._file)
        self._file, self._usable = file, True
        self._sequence += 1
        self._durable_bytes = self._reserved_bytes = _HEADER.size

    def _create_next(self) -> int:
        return _create_segment(
            self._directory, self.series, self._sequence + 1, self._durable_bytes, self._fsync
        )

    def _frame(self, record: bytes) -> bytes:
        # Within a series time never steps back, whatever the clock does: readers merge by it.
        self.last_ns = max(self.last_ns + 1, self._now_ns())
        head = _FRAME.pack(_FRAME_MAGIC, len(record), self.last_ns, self._durable_bytes, b"")
        checked = head[:-_CHECKSUM_BYTES]
        return checked + _checksum(checked, record) + record


def series_in(directory: Path) -> tuple[Series, ...]:
    """List the series of all processes, oldest first; raises SpoolDamaged where a segment is missing."""
    while True:
        # A delivered segment may be dropped between being listed and being opened: it is not listed again.
        with suppress(FileNotFoundError):
            return _series_listed(directory)


def is_empty(segment: Segment) -> bool:
    """Whether a segment holds no record."""
    return segment.path.stat().st_size <= _HEADER.size


def is_ended(series: Series) -> bool:
    """Whether no process writes to the series any more, and none was cut off while it did."""
    last = series.segments[-1]
    if not is_empty(last):
        return False
    with last.path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _series_listed(directory: Path) -> tuple[Series, ...]:
    found = sorted(
        (m["started"], m["pid"], int(m["sequence"]), m[0])
        for m in map(_NAME.fullmatch, os.listdir(directory))
        if m
    )
    return tuple(
        Series(
            f"{started}-{pid}",
            int(started),
            _linked([_open_segment(directory / name, sequence) for *_, sequence, name in files]),
        )
        for (started, pid), files in groupby(found, key=lambda file: file[:2])
    )


def records_of(segment: Segment) -> Iterator[StoredRecord]:
    """Yield the segment's records; a torn tail ends them, anything else that is wrong is SpoolDamaged."""
    for record, _ in _frames(segment):
        yield record


def records_behind(segment: Segment, offset: int) -> Iterator[tuple[StoredRecord, int]]:
    """Yield each whole record from this offset on, or from the first, and the offset behind it."""
    return _frames(segment, max(offset, _HEADER.size))


def is_written(segment: Segment, offset: int) -> bool:
    """Whether anything but room for records lies behind this offset."""
    with segment.path.open("rb") as file:
        file.seek(offset)
        while piece := file.read(_PIECE_BYTES):
            if piece != bytes(len(piece)):
                return True
    return False


def mend(directory: Path, fsync: Fsync) -> tuple[TornTail, ...]:
    """Cut off what crashes left half written and close the series of processes that are gone."""
    torn = (_mend_end(directory, series, fsync) for series in series_in(directory))
    return tuple(tail for tail in torn if tail)


def sync_directory(directory: Path, fsync: Fsync) -> None:
    """Make the directory's names durable."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fsync(file)
    finally:
        os.close(file)


def _open_segment(path: Path, sequence: int) -> Segment:
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    checked = header[:-_CHECKSUM_BYTES]
    # A segment gets its name when its header is durable, so a bad header is never a torn one.
    if len(header) < _HEADER.size or header[-_CHECKSUM_BYTES:] != _checksum(checked):
        raise SpoolDamaged(f"{path.name}: the header is damaged")
    magic, stated_sequence, previous_bytes, _ = _HEADER.unpack(header)
    if magic != _HEADER_MAGIC or stated_sequence != sequence:
        raise SpoolDamaged(f"{path.name}: not segment {sequence} of an audit spool")
    return Segment(path, sequence, previous_bytes, None)


def _linked(segments: list[Segment]) -> tuple[Segment, ...]:
    for before, after in pairwise(segments):
        if after.sequence != before.sequence + 1:
            raise SpoolDamaged(f"{before.path.name}: the segment after it is missing")
    return (
        *(replace(before, durable_bytes=after.previous_bytes) for before, after in pairwise(segments)),
        segments[-1],
    )


def _frames(segment: Segment, begin: int = _HEADER.size) -> Iterator[tuple[StoredRecord, int]]:
    """Yield each whole record from offset `begin` on, and the offset behind it."""
    with segment.path.open("rb") as file:
        # The size is taken once: what a living writer appends meanwhile is not looked at.
        size_bytes = os.fstat(file.fileno()).st_size
        end = size_bytes if segment.durable_bytes is None else segment.durable_bytes
        file.seek(begin)
        offset = begin
        while offset < end:
            frame = _frame_at(file, end - offset)
            if frame is None:
                if segment.durable_bytes is not None or _was_durable(file, offset, end):
                    raise SpoolDamaged(f"{segment.path.name}: no whole record at byte {offset}")
                return
            offset += _FRAME.size + len(frame.content)
            yield StoredRecord(frame.written_ns, frame.content), offset


class _Frame(NamedTuple):
    written_ns: int
    batch_offset: int
    content: bytes


def _frame_at(file: BinaryIO, available_bytes: int) -> _Frame | None:
    head = file.read(_FRAME.size)
    if len(head) < _FRAME.size:
        return None
    magic, length, written_ns, batch_offset, checksum = _FRAME.unpack(head)
    if magic != _FRAME_MAGIC or length > min(RECORD_LIMIT_BYTES, available_bytes - _FRAME.size):
        return None
    content = file.read(length)
    if checksum != _checksum(head[:-_CHECKSUM_BYTES], content):
        return None
    return _Frame(written_ns, batch_offset, content)


def _was_durable(file: BinaryIO, offset: int, end: int) -> bool:
    """Say whether a batch was begun behind `offset`: that happens only when all before it is durable."""
    file.seek(offset)
    rest = file.read(end - offset)
    at = rest.find(_FRAME_MAGIC, 1)
    while at >= 0:
        frame = _frame_at(BytesIO(rest[at:]), len(rest) - at)
        if frame and frame.batch_offset > offset:
            return True
        at = rest.find(_FRAME_MAGIC, at + 1)
    return False


def _mend_end(directory: Path, series: Series, fsync: Fsync) -> TornTail | None:
    last = series.segments[-1]
    if last.path.stat().st_size == _HEADER.size:
        return None  # closed, or just begun by a living process
    with last.path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None  # its process lives, or another one is mending it
        if _path(directory, series.name, last.sequence + 1).exists():
            return None  # it got its successor after we had listed the directory
        size_bytes = os.fstat(file.fileno()).st_size
        whole_bytes = max((end for _, end in _frames(last)), default=_HEADER.size)
        torn_bytes = size_bytes - whole_bytes if is_written(last, whole_bytes) else 0
        if torn_bytes:
            _keep_aside(file, last.path, whole_bytes, fsync)
        file.truncate(whole_bytes)
        # The crash may have come between write and fsync: whole records may still be in memory only.
        fsync(file.fileno())
        os.close(_create_segment(directory, series.name, last.sequence + 1, whole_bytes, fsync))
    return TornTail(last.path, whole_bytes, torn_bytes) if torn_bytes else None


def _keep_aside(file: BinaryIO, segment: Path, whole_bytes: int, fsync: Fsync) -> None:
    # Nobody was told that these bytes are stored; still an audit trail throws nothing away.
    file.seek(whole_bytes)
    with segment.with_suffix(".torn").open("wb") as aside:
        aside.write(file.read())
        aside.flush()
        fsync(aside.fileno())


def _create_segment(directory: Path, series: str, sequence: int, previous_bytes: int, fsync: Fsync) -> int:
    """Create the segment with a durable header and a durable name; return it open and locked."""
    path = _path(directory, series, sequence)
    unfinished = path.with_suffix(".new")
    file = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        checked = _HEADER.pack(_HEADER_MAGIC, sequence, previous_bytes, b"")[:-_CHECKSUM_BYTES]
        _write_all(file, checked + _checksum(checked), 0)
        fsync(file)
        # `link` refuses a name that is taken, `rename` would overwrite it.
        os.link(unfinished, path)
        try:
            sync_directory(directory, fsync)
        except OSError:
            path.unlink()
            raise
    except OSError:
        os.close(file)
        raise
    finally:
        unfinished.unlink(missing_ok=True)
    return file


def _path(directory: Path, series: str, sequence: int) -> Path:
    return directory / f"{series}-{sequence:06}.audit"


def _write_all(file: int, content: bytes, offset: int) -> None:
    with memoryview(content) as rest:
        written = 0
        while written < len(rest):
            written += os.pwrite(file, rest[written:], offset + written)


def _checksum(*pieces: bytes) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()[:_CHECKSUM_BYTES]
