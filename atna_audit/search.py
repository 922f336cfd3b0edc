"""Stored records found again: by time, sender and outcome, and by whom and what they are about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import and_, bindparam, func, or_, select

from atna_audit.store import milliseconds, plain
from atna_audit.tables import About, audit_record, audit_subject
from database import Database, Row, Statement

# Twice the ways in which the parameters can be combined that anybody uses.
STATEMENTS_KEPT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is asked for; all of it must hold, and what is empty is not asked. `until` is exclusive.

    `before` is the place of a record, as `FoundRecord.place` tells it: what is found comes behind it.
    """

    since: datetime | None = None
    until: datetime | None = None
    outcome: int | None = None
    sender: str = ""
    about: Mapping[About, str] = field(default_factory=dict)
    before: tuple[int, int] | None = None

    @property
    def words(self) -> str:
        """What is asked, to be recorded."""
        asked = {"since": self.since, "until": self.until, "outcome": self.outcome, "sender": self.sender}
        asked.update({about.name.lower(): value for about, value in self.about.items()})
        return ", ".join(f"{name} {value}" for name, value in asked.items() if value not in (None, ""))


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A stored message, who delivered it and when, and what is not right about it."""

    id: int
    message: bytes
    sender: str
    peer: str
    transport: str
    received_at: datetime
    diagnosis: tuple[str, ...]
    at_milliseconds: int

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands among all that is found."""
        return self.at_milliseconds, self.id


@dataclass(frozen=True, slots=True)
class SenderDiagnosis:
    """What is not right about the messages of one sender, and how many have it."""

    sender: str
    diagnosis: str
    messages: int


async def find(database: Database, search: Search, limit: int) -> list[FoundRecord]:
    """The latest records of which all this holds, the latest first."""
    asked: dict[str, object] = {
        "since": None if search.since is None else milliseconds(search.since),
        "until": None if search.until is None else milliseconds(search.until),
        "outcome": search.outcome,
        "sender": plain(search.sender) or None,
        **{about.name: plain(value) for about, value in search.about.items() if value},
    }
    if search.before:
        asked["before_at"], asked["before_id"] = search.before
    parameters = {name: value for name, value in asked.items() if value is not None}
    rows = await database.fetch(_statement(frozenset(parameters)), {**parameters, "limit": limit})
    return [_found(row) for row in rows]


async def diagnoses(database: Database) -> list[SenderDiagnosis]:
    """What is not right, by sender."""
    counts: dict[tuple[str, str], int] = {}
    for sender, lines, messages in await database.fetch(_SELECT_DIAGNOSES):
        for line in lines.splitlines():
            counts[sender, line] = counts.get((sender, line), 0) + messages
    return [SenderDiagnosis(*key, messages) for key, messages in sorted(counts.items())]


@lru_cache(maxsize=STATEMENTS_KEPT)
def _statement(asked: frozenset[str]) -> Statement:
    record = audit_record.c
    query = _COLUMNS
    at, id_ = record.at_milliseconds, record.id
    for position, about in enumerate(one for one in About if one.name in asked):
        subject = audit_subject.alias(f"subject_{about}").c
        query = query.where(
            subject.record == record.id,
            subject.month == record.month,
            subject.about == int(about),
            subject.value == bindparam(about.name),
            subject.at_milliseconds == record.at_milliseconds,
        )
        if position == 0:
            # The index of the first has the order of the answer.
            at, id_ = subject.at_milliseconds, subject.record
    conditions = {
        "since": at >= bindparam("since"),
        "until": at < bindparam("until"),
        "outcome": record.outcome == bindparam("outcome"),
        "sender": record.sender == bindparam("sender"),
    }
    if "before_id" in asked:
        earlier = and_(at == bindparam("before_at"), id_ < bindparam("before_id"))
        query = query.where(at <= bindparam("before_at"), or_(at < bindparam("before_at"), earlier))
    query = query.where(*(condition for name, condition in conditions.items() if name in asked))
    return Statement(query.order_by(at.desc(), id_.desc()).limit(bindparam("limit")))


def _found(row: Row) -> FoundRecord:
    id_, message, sender, peer, transport, received_milliseconds, diagnosis, at = row
    received_at = datetime.fromtimestamp(received_milliseconds / 1000, UTC)
    return FoundRecord(
        id_, bytes(message), sender, peer, transport, received_at, tuple(diagnosis.splitlines()), at
    )


_COLUMNS = select(
    audit_record.c.id,
    audit_record.c.message,
    audit_record.c.sender,
    audit_record.c.peer,
    audit_record.c.transport,
    audit_record.c.received_milliseconds,
    audit_record.c.diagnosis,
    audit_record.c.at_milliseconds,
)
_SELECT_DIAGNOSES = Statement(
    select(audit_record.c.sender, audit_record.c.diagnosis, func.count())
    .where(audit_record.c.diagnosis != "")
    .group_by(audit_record.c.sender, audit_record.c.diagnosis)
)
