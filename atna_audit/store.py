"""The records of the Audit Record Repository, kept once each (ITI TF-2: 3.20.4.1.3)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate

from sqlalchemy import Integer, bindparam, delete, func, select, true, update

from atna_audit.checkpoints import SigningKey
from atna_audit.iti20_record_audit_event import AuditRecord
from atna_audit.merkle import Tree, leaf_of
from atna_audit.tables import About, audit_leaf, audit_log, audit_record, audit_subject
from database import Database, Parameters, RowsInto, Statement, Transaction, any_of

# Stored in one transaction: some milliseconds in which nobody else writes into an SQLite database.
RECORDS_AT_ONCE = 256

# A record that is sent again was sent first after its own time, give or take the error of its sender's clock.
CLOCK_ERROR = timedelta(days=31)

# PostgreSQL cannot index more of a value, and no text of it may hold NUL.
SUBJECT_LIMIT_CHARACTERS = 500


class AuditStore:
    """Where records are stored, each with its leaf in a tree whose root is signed."""

    def __init__(self, database: Database, key: SigningKey) -> None:
        self.database = database
        self.key = key

    async def add(self, records: Sequence[AuditRecord]) -> int:
        """Keep these durably and return how many were new; the same record is kept once."""
        new = 0
        for start in range(0, len(records), RECORDS_AT_ONCE):
            work = partial(self._add, _once_each(records[start : start + RECORDS_AT_ONCE]))
            new += await self.database.transact(work)
        return new

    async def drop(self, before: datetime) -> int:
        """Drop the contents of the records of all months before that of this time, and say how many.

        Their leaves stay: what was proven of the log can be proven ever after.
        """
        dropped = 0
        while some := await self.database.transact(partial(self._drop, month_of(before))):
            dropped += some
        return dropped

    async def make_room(self, at: datetime) -> None:
        """Have a partition ready for the month of this time, where the database has partitions."""
        if self.database.dialect == "postgresql":
            await self.database.transact(
                lambda transaction: transaction.fetch(_MAKE_MONTH, {"month": month_of(at)})
            )

    async def _add(self, records: Mapping[str, AuditRecord], transaction: Transaction) -> int:
        if self.database.dialect == "postgresql":
            log, _ = await transaction.fetch_each((_LOCK, {}), (_PLAN_ANEW, {}))
        else:
            log = await transaction.fetch(_LOCK)
        [[stored, peaks, dropped, last_month]] = log
        asked = {"digests": list(records), "since": min(map(_earliest_month, records.values()), default=0)}
        known = {row[0] for row in await transaction.fetch(_SELECT_KNOWN, asked)}
        fresh = [record for digest, record in records.items() if digest not in known]
        if not fresh:
            return 0
        months = list(
            accumulate((month_of(one.arrival.received_at) for one in fresh), max, initial=last_month)
        )
        if self.database.dialect == "postgresql":
            for month in sorted({*months} - {last_month}):
                await transaction.fetch(_MAKE_MONTH, {"month": month})
        tree = Tree.stored(stored, bytes(peaks))
        rows, leaves, subjects = [], [], []
        for id_, (month, record) in enumerate(zip(months[1:], fresh, strict=True), stored + 1):
            row, about = _row(id_, record), _subjects(record)
            leaf = leaf_of(row, about)
            tree.append(leaf)
            rows.append({**row, "month": month})
            leaves.append({"id": id_, "hash": leaf})
            for kind, value, at in about:
                subject = {"about": kind, "value": value, "at_milliseconds": at, "record": id_}
                subjects.append({**subject, "month": month})
        await transaction.execute(_INSERT, rows)
        await transaction.execute(_INSERT_LEAF, leaves)
        if subjects:
            await transaction.execute(_INSERT_SUBJECT, subjects)
        at_milliseconds = milliseconds(fresh[-1].arrival.received_at)
        await self._sign(transaction, tree, dropped, months[-1], at_milliseconds)
        return len(fresh)

    async def _drop(self, before: int, transaction: Transaction) -> int:
        [[stored, peaks, dropped, last_month]] = await transaction.fetch(_LOCK)
        by_month = self.database.dialect == "postgresql"
        limit = stored if by_month else dropped + RECORDS_AT_ONCE
        [[last]] = await transaction.fetch(_SELECT_LAST_BEFORE, {"month": before, "limit": limit})
        if last is None:
            return 0
        if by_month:
            await transaction.fetch(_DROP_MONTHS, {"month": before})
        else:
            await transaction.execute(_DELETE_SUBJECTS, {"last": last})
            await transaction.execute(_DELETE_RECORDS, {"last": last})
        at_milliseconds = _begin_milliseconds(before)
        await self._sign(transaction, Tree.stored(stored, bytes(peaks)), last, last_month, at_milliseconds)
        return int(last - dropped)

    async def _sign(
        self, transaction: Transaction, tree: Tree, dropped: int, month: int, at_milliseconds: int
    ) -> None:
        checkpoint = self.key.signed(tree.size, tree.root, dropped, at_milliseconds)
        await transaction.execute(
            _UPDATE_LOG,
            {
                "stored": tree.size,
                "tree": b"".join(tree.peaks),
                "gone": dropped,
                "of_month": month,
                "at": at_milliseconds,
                "signed": bytes.fromhex(checkpoint.signature),
            },
        )


# A time before it is no time; and it leaves room for errors of clocks.
_FIRST_YEAR = 1970


def _once_each(records: Sequence[AuditRecord]) -> dict[str, AuditRecord]:
    found: dict[str, AuditRecord] = {}
    for record in records:
        found.setdefault(record.digest, record)
    return found


def milliseconds(at: datetime) -> int:
    """A time as it is stored."""
    return int(at.timestamp() * 1000)


def month_of(at: datetime) -> int:
    """The month of a time, in UTC, as 203001."""
    here = at.astimezone(UTC)
    return here.year * 100 + here.month


def plain(text: str) -> str:
    """A text as it is stored and looked for."""
    return text.replace("\0", "")[:SUBJECT_LIMIT_CHARACTERS]


def _begin_milliseconds(month: int) -> int:
    return milliseconds(datetime(month // 100, month % 100, 1, tzinfo=UTC))


def _earliest_month(record: AuditRecord) -> int:
    """Since when the same record may have been stored; a sender whose clock is ahead says nothing of that."""
    at, received_at = record.at.astimezone(UTC), record.arrival.received_at
    if at > received_at or at.year < _FIRST_YEAR:
        return 0
    return month_of(at - CLOCK_ERROR)


def _row(id_: int, record: AuditRecord) -> Parameters:
    arrival = record.arrival
    return {
        "id": id_,
        "digest": record.digest,
        "received_milliseconds": milliseconds(arrival.received_at),
        "peer": arrival.peer,
        "transport": arrival.transport,
        "message": arrival.message,
        "at_milliseconds": milliseconds(record.at),
        "outcome": None if record.outcome is None else int(record.outcome),
        "sender": plain(record.sender),
        "diagnosis": "\n".join(" ".join(one.replace("\0", " ").split()) for one in record.diagnosis),
    }


def _subjects(record: AuditRecord) -> list[tuple[int, str, int]]:
    at = milliseconds(record.at)
    found = {(int(about), plain(value), at) for about, value in record.subjects}
    if record.spooled_as:
        series, written_ns = record.spooled_as
        found.add((int(About.SERIES), series, written_ns // 1_000_000))
    return sorted(found)


# An update that changes nothing: in PostgreSQL it locks the row and then reads it.
_LOCK = Statement(
    update(audit_log)
    .values(records=audit_log.c.records)
    .returning(audit_log.c.records, audit_log.c.peaks, audit_log.c.dropped, audit_log.c.month)
)
# A plan that was made while a month was new, and small, reads all of it in search of digests; so it is made
# anew for each batch, which takes less than storing one record.
_PLAN_ANEW = Statement(select(func.set_config("plan_cache_mode", "force_custom_plan", true())))
_UPDATE_LOG = Statement(
    update(audit_log).values(
        records=bindparam("stored"),
        peaks=bindparam("tree"),
        dropped=bindparam("gone"),
        month=bindparam("of_month"),
        signed_milliseconds=bindparam("at"),
        signature=bindparam("signed"),
    )
)
_SELECT_KNOWN = Statement(
    select(audit_record.c.digest).where(
        any_of(audit_record.c.digest, bindparam("digests")), audit_record.c.month >= bindparam("since")
    )
)
_INSERT = RowsInto(audit_record)
_INSERT_SUBJECT = RowsInto(audit_subject)
_INSERT_LEAF = RowsInto(audit_leaf)
_SELECT_LAST_BEFORE = Statement(
    select(func.max(audit_record.c.id)).where(
        audit_record.c.month < bindparam("month"), audit_record.c.id <= bindparam("limit")
    )
)
# Functions that the migration made: what they do has no parameters in SQL.
_MAKE_MONTH = Statement(select(func.audit_make_month(bindparam("month", type_=Integer))))
_DROP_MONTHS = Statement(select(func.audit_drop_months(bindparam("month", type_=Integer))))
_DELETE_SUBJECTS = Statement(delete(audit_subject).where(audit_subject.c.record <= bindparam("last")))
_DELETE_RECORDS = Statement(delete(audit_record).where(audit_record.c.id <= bindparam("last")))
