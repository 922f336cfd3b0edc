"""Whether every request that was answered has its record here (ITI TF-2: 3.20).

A process counts what it answers, what it records and what it spools, each where it happens, and writes the
counts into its spool. Here the records that came from the spool are counted, between any two of its counts.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise

from sqlalchemy import and_, bindparam, func, select

from atna_audit.following import spooled_as
from atna_audit.store import milliseconds
from atna_audit.tables import About, audit_record, audit_subject
from audit_message.read import NotAnAuditMessage, read_audit_message
from audit_message.syslog import read_syslog
from database import Database, Statement
from ihe.audit_events import REQUESTS_COUNTED

_NS = 1_000_000_000
_NS_IN_MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Counts:
    """What one process said of itself: how many records it had spooled by `until_ns`."""

    node: str
    series: str
    until_ns: int
    records: int
    answered: int
    recorded: int

    def written(self) -> dict[str, object]:
        """As the details of an audit message."""
        return {
            "series": self.series,
            "until": self.until_ns,
            "records": self.records,
            "answered": self.answered,
            "recorded": self.recorded,
        }


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing from one node in one stretch of time."""

    node: str
    series: str
    since: datetime
    until: datetime
    missing_records: int
    unrecorded_requests: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How much was held against each other, and what is missing."""

    records: int
    answered: int
    gaps: tuple[Gap, ...]


async def reconcile(database: Database, since: datetime) -> Reconciled:
    """Count what came in since then against what its nodes say that they answered."""
    told = sorted(
        [one async for one in _counts_since(database, since)], key=lambda one: (one.series, one.until_ns)
    )
    records = answered = 0
    gaps: list[Gap] = []
    for _, counts in groupby(told, key=lambda one: one.series):
        for before, after in _stretches(counts, since):
            stored = await _stored(database, after) - await _stored(database, before)
            records += after.records - before.records
            answered += after.answered - before.answered
            missing = after.records - before.records - stored
            # What was answered before it was recorded: there is no such moment.
            unrecorded = (after.answered - after.recorded) - max(0, before.answered - before.recorded)
            if missing > 0 or unrecorded > 0:
                gaps.append(
                    Gap(
                        after.node,
                        after.series,
                        _time(before.until_ns),
                        _time(after.until_ns),
                        max(0, missing),
                        max(0, unrecorded),
                    )
                )
    return Reconciled(records, answered, tuple(gaps))


def _stretches(counts: Iterable[Counts], since: datetime) -> Iterator[tuple[Counts, Counts]]:
    """Between any two counts; from the beginning if the series began in the time asked for."""
    first, *rest = counts
    begun_ns = int(first.series.partition("-")[0])
    beginning = Counts(first.node, first.series, begun_ns, 0, 0, 0)
    yield from pairwise((beginning, first, *rest) if begun_ns >= since.timestamp() * _NS else (first, *rest))


async def _counts_since(database: Database, since: datetime) -> AsyncIterator[Counts]:
    async for rows in database.batches(_SELECT_COUNTS, {"since": milliseconds(since)}):
        for (message,) in rows:
            counts = _counts(bytes(message))
            if counts:
                yield counts


def _counts(message: bytes) -> Counts | None:
    try:
        read = read_audit_message(read_syslog(message).content)
        told = {detail.type: detail.value for one in read.objects for detail in one.details}
        numbers = (int(told[name]) for name in ("until", "records", "answered", "recorded"))
        return Counts(read.source.id, told["series"], *numbers)
    except (NotAnAuditMessage, KeyError, ValueError):
        return None  # nobody of ours wrote it


async def _stored(database: Database, counts: Counts) -> int:
    """How many records of the series are here that were spooled until then, to the nanosecond."""
    at = counts.until_ns // _NS_IN_MILLISECOND
    [[before]] = await database.fetch(_COUNT_BEFORE, {"series": counts.series, "at": at})
    rows = await database.fetch(_SELECT_AT, {"series": counts.series, "at": at})
    spooled = (spooled_as(read_syslog(bytes(message)).process_id) for (message,) in rows)
    return int(before) + sum(1 for one in spooled if one and one[1] <= counts.until_ns)


def _time(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / _NS, UTC)


_SAME = and_(audit_subject.c.record == audit_record.c.id, audit_subject.c.month == audit_record.c.month)
_OF_SERIES = (audit_subject.c.about == int(About.SERIES), audit_subject.c.value == bindparam("series"))
_COUNT_BEFORE = Statement(
    select(func.count()).where(*_OF_SERIES, audit_subject.c.at_milliseconds < bindparam("at"))
)
_SELECT_AT = Statement(
    select(audit_record.c.message)
    .join(audit_subject, _SAME)
    .where(*_OF_SERIES, audit_subject.c.at_milliseconds == bindparam("at"))
)
_SELECT_COUNTS = Statement(
    select(audit_record.c.message)
    .join(audit_subject, _SAME)
    .where(
        audit_subject.c.about == int(About.EVENT),
        audit_subject.c.value == REQUESTS_COUNTED.code,
        audit_subject.c.at_milliseconds >= bindparam("since"),
    )
)
