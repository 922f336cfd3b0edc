"""The records of the Audit Record Repository, kept once each (ITI TF-2: 3.20.4.1.3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import takewhile

from sqlalchemy import bindparam, delete, select, update

from atna_audit.checkpoints import SigningKey
from atna_audit.iti20_record_audit_event import AuditRecord
from atna_audit.merkle import Tree, leaf_of
from atna_audit.tables import About, audit_leaf, audit_log, audit_record, audit_subject
from database import Database, Parameters, RowsInto, Statement, Transaction, any_of

# Stored in one transaction: some milliseconds in which nobody else writes into an SQLite database.
RECORDS_AT_ONCE = 256

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
        """Drop the contents of the oldest records, if all of them came before this time, and say how many.

        Their leaves stay: what was proven of the log can be proven ever after.
        """
        dropped = 0
        while some := await self.database.transact(partial(self._drop, milliseconds(before))):
            dropped += some
        return dropped

    async def _add(self, records: Mapping[str, AuditRecord], transaction: Transaction) -> int:
        [[stored, peaks, dropped]] = await transaction.fetch(_LOCK)
        known = {row[0] for row in await transaction.fetch(_SELECT_KNOWN, {"digests": list(records)})}
        fresh = [record for digest, record in records.items() if digest not in known]
        if not fresh:
            return 0
        tree = Tree.stored(stored, bytes(peaks))
        rows, leaves, subjects = [], [], []
        for id_, record in enumerate(fresh, stored + 1):
            row, about = _row(id_, record), _subjects(record)
            leaf = leaf_of(row, about)
            tree.append(leaf)
            rows.append(row)
            leaves.append({"id": id_, "hash": leaf})
            for kind, value, at in about:
                subjects.append({"about": kind, "value": value, "at_milliseconds": at, "record": id_})
        await transaction.execute(_INSERT, rows)
        await transaction.execute(_INSERT_LEAF, leaves)
        if subjects:
            await transaction.execute(_INSERT_SUBJECT, subjects)
        await self._sign(transaction, tree, dropped, milliseconds(fresh[-1].arrival.received_at))
        return len(fresh)

    async def _drop(self, before: int, transaction: Transaction) -> int:
        [[stored, peaks, dropped]] = await transaction.fetch(_LOCK)
        oldest = await transaction.fetch(_SELECT_OLDEST, {"limit": RECORDS_AT_ONCE})
        old = list(takewhile(lambda row: row[1] < before, oldest))
        if not old:
            return 0
        last = old[-1][0]
        await transaction.execute(_DELETE_SUBJECTS, {"last": last})
        await transaction.execute(_DELETE_RECORDS, {"last": last})
        await self._sign(transaction, Tree.stored(stored, bytes(peaks)), last, before)
        return int(last - dropped)

    async def _sign(self, transaction: Transaction, tree: Tree, dropped: int, at_milliseconds: int) -> None:
        checkpoint = self.key.signed(tree.size, tree.root, dropped, at_milliseconds)
        await transaction.execute(
            _UPDATE_LOG,
            {
                "stored": tree.size,
                "tree": b"".join(tree.peaks),
                "gone": dropped,
                "at": at_milliseconds,
                "signed": bytes.fromhex(checkpoint.signature),
            },
        )


def _once_each(records: Sequence[AuditRecord]) -> dict[str, AuditRecord]:
    found: dict[str, AuditRecord] = {}
    for record in records:
        found.setdefault(record.digest, record)
    return found


def milliseconds(at: datetime) -> int:
    """A time as it is stored."""
    return int(at.timestamp() * 1000)


def plain(text: str) -> str:
    """A text as it is stored and looked for."""
    return text.replace("\0", "")[:SUBJECT_LIMIT_CHARACTERS]


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
        "outcome": record.outcome,
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
    .returning(audit_log.c.records, audit_log.c.peaks, audit_log.c.dropped)
)
_UPDATE_LOG = Statement(
    update(audit_log).values(
        records=bindparam("stored"),
        peaks=bindparam("tree"),
        dropped=bindparam("gone"),
        signed_milliseconds=bindparam("at"),
        signature=bindparam("signed"),
    )
)
_SELECT_KNOWN = Statement(
    select(audit_record.c.digest).where(any_of(audit_record.c.digest, bindparam("digests")))
)
_INSERT = RowsInto(audit_record)
_INSERT_SUBJECT = RowsInto(audit_subject)
_INSERT_LEAF = RowsInto(audit_leaf)
_SELECT_OLDEST = Statement(
    select(audit_record.c.id, audit_record.c.received_milliseconds)
    .order_by(audit_record.c.id)
    .limit(bindparam("limit"))
)
_DELETE_SUBJECTS = Statement(delete(audit_subject).where(audit_subject.c.record <= bindparam("last")))
_DELETE_RECORDS = Statement(delete(audit_record).where(audit_record.c.id <= bindparam("last")))
