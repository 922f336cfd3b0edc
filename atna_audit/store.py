"""The records of the Audit Record Repository, kept once each (ITI TF-2: 3.20.4.1.3)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import bindparam, insert, select, update

from atna_audit.iti20_record_audit_event import AuditRecord
from atna_audit.tables import audit_log, audit_record, audit_subject
from database import Database, Parameters, Statement, Transaction, any_of

# Stored in one transaction: some milliseconds in which nobody else writes into an SQLite database.
RECORDS_AT_ONCE = 256

# PostgreSQL cannot index more of a value, and no text of it may hold NUL.
SUBJECT_LIMIT_CHARACTERS = 500


class AuditStore:
    """Where records are stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, records: Sequence[AuditRecord]) -> int:
        """Keep these durably and return how many were new; the same record is kept once."""
        new = 0
        for start in range(0, len(records), RECORDS_AT_ONCE):
            work = partial(_add, _once_each(records[start : start + RECORDS_AT_ONCE]))
            new += await self._database.transact(work)
        return new


def _once_each(records: Sequence[AuditRecord]) -> dict[str, AuditRecord]:
    found: dict[str, AuditRecord] = {}
    for record in records:
        found.setdefault(record.digest, record)
    return found


async def _add(records: Mapping[str, AuditRecord], transaction: Transaction) -> int:
    [[stored]] = await transaction.fetch(_LOCK)
    known = {row[0] for row in await transaction.fetch(_SELECT_KNOWN, {"digests": list(records)})}
    fresh = [record for digest, record in records.items() if digest not in known]
    numbered = list(enumerate(fresh, stored + 1))
    if fresh:
        await transaction.execute(_INSERT, [_row(id_, record) for id_, record in numbered])
        subjects = [row for id_, record in numbered for row in _subject_rows(id_, record)]
        if subjects:
            await transaction.execute(_INSERT_SUBJECT, subjects)
        await transaction.execute(_COUNT, {"stored": stored + len(fresh)})
    return len(fresh)


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


def _subject_rows(id_: int, record: AuditRecord) -> Iterator[Parameters]:
    at = milliseconds(record.at)
    for about, value in {(about, plain(value)) for about, value in record.subjects}:
        yield {"about": about, "value": value, "at_milliseconds": at, "record": id_}


# An update that changes nothing: in PostgreSQL it locks the row and then reads it.
_LOCK = Statement(update(audit_log).values(records=audit_log.c.records).returning(audit_log.c.records))
_COUNT = Statement(update(audit_log).values(records=bindparam("stored")))
_SELECT_KNOWN = Statement(
    select(audit_record.c.digest).where(any_of(audit_record.c.digest, bindparam("digests")))
)
_INSERT = Statement(
    insert(audit_record).values({column.name: bindparam(column.name) for column in audit_record.columns})
)
_INSERT_SUBJECT = Statement(
    insert(audit_subject).values({column.name: bindparam(column.name) for column in audit_subject.columns})
)
