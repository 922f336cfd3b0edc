"""Reading the spool while it is written, from where a forwarder stood (ITI TF-2: 3.20.4.1)."""

import fcntl
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from atna_audit.segments import (
    Segment,
    SpoolDamaged,
    StoredRecord,
    is_empty,
    is_ended,
    is_written,
    records_behind,
    series_in,
    sync_directory,
)


class Position(NamedTuple):
    """Behind which record of one series a forwarder stands: its segment, the offset behind it, its time."""

    sequence: int
    offset: int
    written_ns: int


class CursorTaken(Exception):
    """Another process forwards to this destination already."""


@dataclass(frozen=True, slots=True)
class SpooledRecord:
    """A record that is to be delivered, and where a cursor stands when it is."""

    series: str
    content: bytes
    written_ns: int
    position: Position

    @property
    def id(self) -> str:
        """The same whenever the record is sent, and of no other record: within a series time never stands."""
        return f"{self.series}-{self.written_ns}"


_ID = re.compile(r"(?P<series>\d{20}-\d+)-(?P<written_ns>\d{1,20})")


def spooled_as(id_: str) -> tuple[str, int] | None:
    """The series and the time of a record's id; nothing if it is none of a spool."""
    found = _ID.fullmatch(id_)
    return (found["series"], int(found["written_ns"])) if found else None


@dataclass(slots=True)
class Cursor:
    """How far each series was delivered to one destination; what is saved is durable."""

    path: Path
    confirmed: dict[str, Position] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def held(cls, directory: Path, destination: str) -> Iterator[Self]:
        """Lend the destination's cursor to one holder at a time; raises CursorTaken."""
        with (directory / f"{destination}.cursor-lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                raise CursorTaken(destination) from problem
            yield cls(_cursor_path(directory, destination), confirmed_positions(directory, destination))

    def save(self, positions: Mapping[str, Position]) -> None:
        """Stand at these positions from now on, also after a crash; series that are gone are forgotten."""
        self.confirmed.update(positions)
        there = {series.name for series in series_in(self.path.parent)}
        self.confirmed = {name: one for name, one in self.confirmed.items() if name in there}
        unfinished = self.path.with_suffix(".cursor-new")
        with unfinished.open("w") as file:
            json.dump(self.confirmed, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.path)
        sync_directory(self.path.parent, os.fsync)


def confirmed_positions(directory: Path, destination: str) -> dict[str, Position]:
    """How far each series was delivered, as it was last saved."""
    path = _cursor_path(directory, destination)
    stored = json.loads(path.read_bytes()) if path.exists() else {}
    return {series: Position(*position) for series, position in stored.items()}


def undelivered(directory: Path, confirmed: Mapping[str, Position]) -> Iterator[SpooledRecord]:
    """Yield what lies behind these positions, oldest series first; raises SpoolDamaged."""
    for series in series_in(directory):
        position = confirmed.get(series.name, Position(0, 0, 0))
        for segment in series.segments:
            if segment.sequence < position.sequence:
                continue
            offset = position.offset if segment.sequence == position.sequence else 0
            for record, end in _behind(segment, offset):
                if record.written_ns > position.written_ns:
                    position = Position(segment.sequence, end, record.written_ns)
                    yield SpooledRecord(series.name, record.content, record.written_ns, position)


def drop_delivered(directory: Path, destinations: Collection[str], needed: Collection[str] = ()) -> int:
    """Remove the segments that every destination has, but for the last of a living process; says how many.

    Of processes that ended, those series stay that are still `needed` here.
    """
    positions = [confirmed_positions(directory, name) for name in destinations]
    dropped = 0
    for series in series_in(directory):
        *finished, last = series.segments
        if is_ended(series):
            if series.name in needed:
                continue
            finished.append(last)
        # From the first on: what is left of a series has no gap, whenever this ends.
        for segment in finished:
            if not all(_is_delivered(segment, one.get(series.name)) for one in positions):
                break
            segment.path.unlink()
            dropped += 1
    return dropped


def _is_delivered(segment: Segment, position: Position | None) -> bool:
    if is_empty(segment):
        return True
    if position is None or position.sequence < segment.sequence:
        return False
    return position.sequence > segment.sequence or not is_written(segment, position.offset)


def _cursor_path(directory: Path, destination: str) -> Path:
    return directory / f"{destination}.cursor"


def _behind(segment: Segment, offset: int) -> Iterator[tuple[StoredRecord, int]]:
    """Yield records from the offset on; all of them if no record begins there."""
    if offset:
        if not is_written(segment, offset):
            return
        try:
            first = next(records_behind(segment, offset), None)
        except SpoolDamaged:
            first = None
        if first is not None:
            yield from records_behind(segment, offset)
            return
    # A write that failed is taken back, and another record may then lie across the offset: whoever asks
    # begins anew and tells by the time what was sent.
    yield from records_behind(segment, 0)
