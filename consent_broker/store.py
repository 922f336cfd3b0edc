"""Directives in their tables: read at every decision, so that a change counts from the next request on."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Table, bindparam, func, insert, select, update

from consent_broker import tables as t
from consent_broker.model import (
    ALWAYS,
    Directives,
    Grant,
    Helper,
    Level,
    Origin,
    Party,
    PartyKind,
    Period,
    RecordStatus,
    Right,
)
from database import Database, Statement, Transaction, any_of


class Kind(StrEnum):
    """What a directive says."""

    GRANT = "grant"
    EXCLUSION = "exclusion"
    HELPER = "helper"
    HIDDEN = "hidden"
    RESERVED = "reserved"
    EMERGENCY = "emergency"


class TooManyDirectives(Exception):
    """A record has as many directives as one decision may weigh."""


# A thousand are more than anyone has been seen to keep; ten times as many are still decided in milliseconds.
MAX_DIRECTIVES = 10_000


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive as it is stored; what its kind does not need is empty."""

    kind: Kind
    party: Party | None = None
    document: str = ""
    rights: frozenset[Right] = frozenset()
    manages: bool = False
    level: Level | None = None
    origin: Origin | None = None
    period: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a record's history."""

    at: datetime
    by: str
    what: str


async def directives_of(
    patients: Collection[str], unopened: RecordStatus, database: Database
) -> Mapping[str, Directives]:
    """What each of these patients has decided; one of whom nothing is known has an `unopened` record."""
    async with database.reading() as reading:
        wanted = {"patients": sorted(patients)}
        statuses, rows = await reading.fetch_each((_STATUSES, wanted), (_DIRECTIVES, wanted))
    status = {patient: RecordStatus(text) for patient, text in statuses}
    held: dict[str, list[Directive]] = {patient: [] for patient in patients}
    for patient, *columns in rows:
        held[patient].append(_directive(columns))
    return {patient: _joined(status.get(patient, unopened), held[patient]) for patient in patients}


async def set_status(patient: str, status: RecordStatus, at: datetime, by: str, database: Database) -> None:
    """Open or close a record, or leave it as one that was never opened."""
    row = {"patient": patient, "status": status, "made": _seconds(at), "made_by": by}
    await database.transact(lambda transaction: transaction.execute(_SET_STATUS, row))


async def add(patient: str, directive: Directive, at: datetime, by: str, database: Database) -> None:
    """Let this directive hold; it takes the place of one about the same party and document."""

    async def put(transaction: Transaction) -> None:
        ((count,),) = await transaction.fetch(_COUNT, {"patient": patient})
        if count >= MAX_DIRECTIVES:
            raise TooManyDirectives
        await _end(patient, directive, at, by, transaction)
        await transaction.execute(_ADD, _row(patient, directive, at, by))

    await database.transact(put)


async def end(patient: str, directive: Directive, at: datetime, by: str, database: Database) -> int:
    """Take back what holds about the same party and document; how many directives that were."""

    async def take_back(transaction: Transaction) -> int:
        return await _end(patient, directive, at, by, transaction)

    return await database.transact(take_back)


async def inherit(subsumed: str, surviving: str, at: datetime, database: Database) -> None:
    """Let what one patient opposed and hid hold for the record that takes in his own (ITI TF-2: 3.8.4.2.3).

    To be done before the records are joined, so that nothing is seen in between. What he granted does not go
    over, for nobody was let into the other's documents; a record that he had closed closes the other's.
    """
    held = await directives_of((subsumed, surviving), RecordStatus.NOT_OPENED, database)
    by = f"merge of {subsumed}"
    if held[subsumed].status is RecordStatus.CLOSED and held[surviving].status is not RecordStatus.CLOSED:
        await set_status(surviving, RecordStatus.CLOSED, at, by, database)
    for directive in _restrictions(held[subsumed]):
        await add(surviving, directive, at, by, database)


def _restrictions(held: Directives) -> Iterator[Directive]:
    for party in sorted(held.excluded):
        yield Directive(Kind.EXCLUSION, party)
    for document in sorted(held.hidden):
        yield Directive(Kind.HIDDEN, document=document)
    for document, parties in held.reserved:
        for party in sorted(parties):
            yield Directive(Kind.RESERVED, party, document)
    if held.emergency_level is None:
        yield Directive(Kind.EMERGENCY)


async def history(patient: str, database: Database) -> tuple[Change, ...]:
    """Every change of this record, the first one first."""
    async with database.reading() as reading:
        statuses, rows = await reading.fetch_each(
            (_STATUS_CHANGES, {"patient": patient}), (_DIRECTIVE_CHANGES, {"patient": patient})
        )
    changes = [Change(_moment(made), by, f"the record is {status}") for status, made, by in statuses]
    for *columns, made, made_by, ended, ended_by in rows:
        said = described(_directive(columns))
        changes.append(Change(_moment(made), made_by, said))
        if ended is not None:
            changes.append(Change(_moment(ended), ended_by, f"no longer: {said}"))
    return tuple(sorted(changes, key=lambda change: change.at))


_COLUMNS = ("kind", "party_kind", "party", "document", "rights", "level", "origin", "starts", "ends")
_directive_table = t.consent_directive.c
_columns = [_directive_table[name] for name in _COLUMNS]
_last = (
    select(func.max(t.consent_status.c.id))
    .where(any_of(t.consent_status.c.patient, bindparam("patients")))
    .group_by(t.consent_status.c.patient)
)
_STATUSES = Statement(
    select(t.consent_status.c.patient, t.consent_status.c.status).where(t.consent_status.c.id.in_(_last))
)
_DIRECTIVES = Statement(
    select(_directive_table.patient, *_columns).where(
        any_of(_directive_table.patient, bindparam("patients")), _directive_table.ended.is_(None)
    )
)
_COUNT = Statement(
    select(func.count()).where(
        _directive_table.patient == bindparam("patient"), _directive_table.ended.is_(None)
    )
)


def _insert(table: Table) -> Statement:
    """The database gives the number."""
    given: dict[str, Any] = {column.name: bindparam(column.name) for column in table.c if column.name != "id"}
    return Statement(insert(table).inline().values(given))


_SET_STATUS = _insert(t.consent_status)
_ADD = _insert(t.consent_directive)
_END = Statement(
    update(t.consent_directive)
    .where(
        _directive_table.patient == bindparam("whose"),
        _directive_table.ended.is_(None),
        *(_directive_table[name] == bindparam(f"same_{name}") for name in _COLUMNS[:4]),
    )
    .values(ended=bindparam("at"), ended_by=bindparam("by"))
    .returning(_directive_table.id)
)
_STATUS_CHANGES = Statement(
    select(t.consent_status.c.status, t.consent_status.c.made, t.consent_status.c.made_by)
    .where(t.consent_status.c.patient == bindparam("patient"))
    .order_by(t.consent_status.c.id)
)
_DIRECTIVE_CHANGES = Statement(
    select(
        *_columns,
        *(_directive_table[name] for name in ("made", "made_by", "ended", "ended_by")),
    )
    .where(_directive_table.patient == bindparam("patient"))
    .order_by(_directive_table.id)
)


async def _end(patient: str, directive: Directive, at: datetime, by: str, transaction: Transaction) -> int:
    same = {f"same_{name}": value for name, value in _key(directive).items()}
    return len(await transaction.fetch(_END, {"whose": patient, "at": _seconds(at), "by": by, **same}))


def _key(directive: Directive) -> dict[str, str]:
    party = directive.party
    return {
        "kind": directive.kind,
        "party_kind": party.kind if party else "",
        "party": party.id if party else "",
        "document": directive.document,
    }


_MANAGES = "manage"


def _row(patient: str, directive: Directive, at: datetime, by: str) -> dict[str, object]:
    period = directive.period
    rights = [*sorted(directive.rights), *([_MANAGES] if directive.manages else [])]
    return {
        "patient": patient,
        **_key(directive),
        "rights": " ".join(rights),
        "level": directive.level or 0,
        "origin": directive.origin or "",
        "starts": None if period.start is None else _seconds(period.start),
        "ends": None if period.end is None else _seconds(period.end),
        "made": _seconds(at),
        "made_by": by,
        "ended": None,
        "ended_by": None,
    }


def _directive(columns: Sequence[Any]) -> Directive:
    kind, party_kind, party, document, rights, level, origin, starts, ends = columns
    words = rights.split()
    return Directive(
        Kind(kind),
        Party(PartyKind(party_kind), party) if party_kind else None,
        document,
        frozenset(Right(word) for word in words if word != _MANAGES),
        _MANAGES in words,
        Level(level) if level else None,
        Origin(origin) if origin else None,
        Period(_moment_or_none(starts), _moment_or_none(ends)),
    )


def _joined(status: RecordStatus, directives: Iterable[Directive]) -> Directives:
    grants: list[Grant] = []
    helpers: list[Helper] = []
    excluded: set[Party] = set()
    hidden: set[str] = set()
    reserved: dict[str, set[Party]] = {}
    emergency: Level | None = Level.NORMAL
    for one in directives:
        match one.kind, one.party:
            case Kind.GRANT, Party() as party if one.level and one.origin:
                grants.append(Grant(party, one.rights, one.level, one.origin, one.period))
            case Kind.EXCLUSION, Party() as party:
                excluded.add(party)
            case Kind.HELPER, Party() as party:
                helpers.append(Helper(party.id, one.manages, one.period))
            case Kind.HIDDEN, _:
                hidden.add(one.document)
            case Kind.RESERVED, Party() as party:
                reserved.setdefault(one.document, set()).add(party)
            case Kind.EMERGENCY, _:
                emergency = one.level
    return Directives(
        status,
        tuple(grants),
        frozenset(excluded),
        tuple(helpers),
        frozenset(hidden),
        tuple((document, frozenset(parties)) for document, parties in sorted(reserved.items())),
        emergency,
    )


def described(directive: Directive) -> str:
    """A directive in words, for its history and for audit records."""
    words = [
        directive.kind,
        directive.document,
        f"{directive.party.kind} {directive.party.id}" if directive.party else "",
        " and ".join(sorted(directive.rights)),
        _MANAGES if directive.manages else "",
        directive.level.name.lower() if directive.level else "",
        directive.origin or "",
        f"from {directive.period.start:%Y-%m-%d}" if directive.period.start else "",
        f"until {directive.period.end:%Y-%m-%d}" if directive.period.end else "",
    ]
    return " ".join(filter(None, words))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _moment_or_none(seconds: int | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)
