"""Directives in their tables: read at every decision, so that a change counts from the next request on."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import chain, islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    not_,
    null,
    or_,
    select,
    union_all,
    update,
)

from consent_broker import tables as t
from consent_broker.matrix import IN_FORCE
from consent_broker.model import (
    ALWAYS,
    Basis,
    Directives,
    Grant,
    Helper,
    Level,
    Origin,
    Party,
    PartyKind,
    Period,
    RecordStatus,
    Representative,
    Right,
)
from consent_broker.versions import count_change
from database import Call, Database, Row, Statement, Transaction, any_of, constant
from exchange.pledge import due


class Kind(StrEnum):
    """What a directive says."""

    GRANT = "grant"
    EXCLUSION = "exclusion"
    HELPER = "helper"
    REPRESENTATIVE = "representative"
    HIDDEN = "hidden"
    RESERVED = "reserved"
    LEVEL = "level"
    """How confidential one document is, whatever it says of itself."""
    MINIMUM = "minimum"
    """The least level of new documents."""
    EMERGENCY = "emergency"
    BORN = "born"
    """The patient's birth date, where his period begins."""
    PILOT = "pilot"
    """The patient takes part in a trial."""


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
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a record's history: what holds from then on, and what did before; nothing is empty."""

    at: datetime
    by: str
    what: str
    before: str = ""

    def __str__(self) -> str:
        return f"{self.what} (before: {self.before or 'nothing'})"


async def directives_of(
    patients: Collection[str], unopened: RecordStatus, database: Database, as_of: datetime | None = None
) -> Mapping[str, Directives]:
    """What each of these patients has decided; one of whom nothing is known has an `unopened` record.

    With `as_of`, what he had decided by then.
    """
    wanted: dict[str, object] = {"patients": sorted(patients)}
    calls: tuple[Call, Call] = (_STATUSES, wanted), (_DIRECTIVES, wanted)
    if as_of is not None:
        wanted["then"] = _seconds(as_of)
        calls = (_STATUSES_THEN, wanted), (_DIRECTIVES_THEN, wanted)
    async with database.reading() as reading:
        statuses, rows = await reading.fetch_each(*calls)
    return _by_patient(patients, unopened, statuses, rows)


async def directives_about(
    parties: Collection[Party],
    patients: Collection[str],
    unopened: RecordStatus,
    day: date,
    database: Database,
) -> tuple[Mapping[str, Directives], int]:
    """What concerns these parties of what each patient has decided, and which access matrix is in force.

    All by one statement, so that it is of one moment. Most of what a patient decides is about one party,
    and of it nothing is read that is about others. Matrix 0 is that of the rules.
    """
    wanted = {
        "patients": sorted(patients),
        "parties": sorted({party.id for party in parties}),
        "day": day.isoformat(),
    }
    statuses: list[Row] = []
    directives: list[Row] = []
    matrix = 0
    for part, opens_or_version, *columns in await database.fetch(_ABOUT, wanted):
        if part == _STATUS_PART:
            statuses.append((*columns[:2], opens_or_version))
        elif part == _DIRECTIVE_PART:
            directives.append(tuple(columns))
        else:
            matrix = opens_or_version
    return _by_patient(patients, unopened, statuses, directives), matrix


def _by_patient(
    patients: Collection[str], unopened: RecordStatus, statuses: list[Row], rows: list[Row]
) -> Mapping[str, Directives]:
    status = {patient: (RecordStatus(text), _moment_or_none(opens)) for patient, text, opens in statuses}
    held: dict[str, list[Directive]] = {patient: [] for patient in patients}
    for patient, *columns in rows:
        held[patient].append(directive_in(columns))
    return {patient: _joined(*status.get(patient, (unopened, None)), held[patient]) for patient in patients}


async def set_status(
    patient: str,
    status: RecordStatus,
    at: datetime,
    by: str,
    database: Database,
    opens: datetime | None = None,
) -> Change:
    """Let a record have this status; one that is announced `opens` by itself."""

    async def put(transaction: Transaction) -> Change:
        await count_change(patient, transaction)
        former = await transaction.fetch(_STATUSES, {"patients": [patient]})
        until = None if opens is None else _seconds(opens)
        row = {"patient": patient, "status": status, "opens": until}
        before = described_status(former[0][1], former[0][2]) if former else ""
        await transaction.execute(_SET_STATUS, {**row, "made": _seconds(at), "made_by": by, "before": before})
        return Change(at, by, described_status(status, until), before)

    return await database.transact(put, due())


async def add(patient: str, directive: Directive, at: datetime, by: str, database: Database) -> Change:
    """Let this directive hold; it takes the place of one about the same party and document."""

    async def put(transaction: Transaction) -> Change:
        await count_change(patient, transaction)
        ((count,),) = await transaction.fetch(_COUNT, {"patient": patient})
        if count >= MAX_DIRECTIVES:
            raise TooManyDirectives
        before = await _end(patient, directive, at, by, transaction)
        await transaction.execute(_ADD, _row(patient, directive, at, by, before))
        return Change(at, by, described(directive), before)

    return await database.transact(put, due())


async def end(patient: str, directive: Directive, at: datetime, by: str, database: Database) -> Change | None:
    """Take back what holds about the same party and document, if anything does."""

    async def take_back(transaction: Transaction) -> Change | None:
        before = await _end(patient, directive, at, by, transaction)
        if not before:
            return None
        await count_change(patient, transaction)
        return Change(at, by, f"no longer: {before}", before)

    return await database.transact(take_back, due())


async def inherit(subsumed: str, surviving: str, at: datetime, database: Database) -> tuple[Change, ...]:
    """Let what one patient opposed and hid hold for the record that takes in his own (ITI TF-2: 3.8.4.2.3).

    To be done before the records are joined, so that nothing is seen in between. What he granted does not go
    over, for nobody was let into the other's documents; a record that he had closed closes the other's.
    """
    held = await directives_of((subsumed, surviving), RecordStatus.NOT_OPENED, database)
    by = f"merge of {subsumed}"
    changes = []
    if held[subsumed].status is RecordStatus.CLOSED and held[surviving].status is not RecordStatus.CLOSED:
        changes.append(await set_status(surviving, RecordStatus.CLOSED, at, by, database))
    for directive in _restrictions(held[subsumed], held[surviving]):
        changes.append(await add(surviving, directive, at, by, database))
    return tuple(changes)


def _restrictions(held: Directives, by_survivor: Directives) -> Iterator[Directive]:
    for party in sorted(held.excluded):
        yield Directive(Kind.EXCLUSION, party)
    for document in sorted(held.hidden):
        yield Directive(Kind.HIDDEN, document=document)
    for document, parties in held.reserved:
        for party in sorted(parties):
            yield Directive(Kind.RESERVED, party, document)
    for document, level in held.levels:
        yield Directive(Kind.LEVEL, document=document, level=level)
    if held.minimum > by_survivor.minimum:
        yield Directive(Kind.MINIMUM, level=held.minimum)
    if held.emergency_level is None:
        yield Directive(Kind.EMERGENCY)


COLUMNS = ("kind", "party_kind", "party", "document", "rights", "level", "origin", "starts", "ends")
_directive_table = t.consent_directive.c
_columns = [_directive_table[name] for name in COLUMNS]
_later = t.consent_status.alias("later")
_last = (
    select(func.max(_later.c.id))
    .where(_later.c.patient == t.consent_status.c.patient)
    .correlate(t.consent_status)
)
_is_last = (
    any_of(t.consent_status.c.patient, bindparam("patients")),
    t.consent_status.c.id == _last.scalar_subquery(),
)
_was_last = t.consent_status.c.id == _last.where(_later.c.made <= bindparam("then")).scalar_subquery()
_statuses = select(t.consent_status.c.patient, t.consent_status.c.status, t.consent_status.c.opens)
_STATUSES = Statement(_statuses.where(*_is_last))
_STATUSES_THEN = Statement(_statuses.where(_is_last[0], _was_last))
_of_patients = select(_directive_table.patient, *_columns).where(
    any_of(_directive_table.patient, bindparam("patients"))
)
_DIRECTIVES = Statement(_of_patients.where(_directive_table.ended.is_(None)))
_of_one_party = _directive_table.kind.in_(
    [literal_column(f"'{kind}'", Text) for kind in (Kind.GRANT, Kind.EXCLUSION, Kind.HELPER)]
)
_about = _of_patients.where(
    _directive_table.ended.is_(None),
    or_(not_(_of_one_party), any_of(_directive_table.party, bindparam("parties"))),
)


_STATUS_PART, _DIRECTIVE_PART, _MATRIX_PART = range(3)
_in_force = IN_FORCE.subquery()


def _part(number: int, opens_or_version: Any, *columns: Any) -> Select[Any]:
    """What part it is, when a status opens or a version of the matrix, and the patient's columns, if any."""
    nulls = (null() if isinstance(each.type, Text) else cast(null(), each.type) for each in _columns)
    filled = chain(columns, islice((null(), *nulls), len(columns), None))
    return select(constant(number), opens_or_version, *filled)


_status = t.consent_status.c
_ABOUT = Statement(
    union_all(
        _part(_STATUS_PART, _status.opens, _status.patient, _status.status).where(*_is_last),
        _about.with_only_columns(
            constant(_DIRECTIVE_PART), cast(null(), BigInteger), _directive_table.patient, *_columns
        ),
        _part(_MATRIX_PART, _in_force.c.id),
    )
)
_DIRECTIVES_THEN = Statement(
    _of_patients.where(
        _directive_table.made <= bindparam("then"),
        or_(_directive_table.ended.is_(None), _directive_table.ended > bindparam("then")),
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
        *(_directive_table[name] == bindparam(f"same_{name}") for name in COLUMNS[:4]),
    )
    .values(ended=bindparam("at"), ended_by=bindparam("by"))
    .returning(*_columns)
)


async def _end(patient: str, directive: Directive, at: datetime, by: str, transaction: Transaction) -> str:
    """What held until now about the same, in words."""
    same = {f"same_{name}": value for name, value in _key(directive).items()}
    rows = await transaction.fetch(_END, {"whose": patient, "at": _seconds(at), "by": by, **same})
    return "; ".join(described(directive_in(columns)) for columns in rows)


def _key(directive: Directive) -> dict[str, str]:
    party = directive.party
    return {
        "kind": directive.kind,
        "party_kind": party.kind if party else "",
        "party": party.id if party else "",
        "document": directive.document,
    }


_MANAGES = "manage"


def _row(patient: str, directive: Directive, at: datetime, by: str, before: str) -> dict[str, object]:
    period = directive.period
    rights = [*sorted(directive.rights), *([_MANAGES] if directive.manages else [])]
    return {
        "patient": patient,
        **_key(directive),
        "rights": " ".join(rights),
        "level": directive.level or 0,
        "origin": directive.origin or directive.basis or "",
        "starts": None if period.start is None else _seconds(period.start),
        "ends": None if period.end is None else _seconds(period.end),
        "made": _seconds(at),
        "made_by": by,
        "before": before,
        "ended": None,
        "ended_by": None,
    }


def directive_in(columns: Sequence[Any]) -> Directive:
    """A directive from its columns, in the order of `COLUMNS`."""
    kind, party_kind, party, document, rights, level, origin, starts, ends = columns
    words = rights.split()
    return Directive(
        Kind(kind),
        Party(PartyKind(party_kind), party) if party_kind else None,
        document,
        frozenset(Right(word) for word in words if word != _MANAGES),
        _MANAGES in words,
        Level(level) if level else None,
        Origin(origin) if origin and kind == Kind.GRANT else None,
        Period(_moment_or_none(starts), _moment_or_none(ends)),
        Basis(origin) if origin and kind == Kind.REPRESENTATIVE else None,
    )


def _joined(status: RecordStatus, opens: datetime | None, directives: Iterable[Directive]) -> Directives:
    of: dict[Kind, list[Directive]] = {kind: [] for kind in Kind}
    for one in directives:
        of[one.kind].append(one)
    reserved: dict[str, set[Party]] = {}
    for one in of[Kind.RESERVED]:
        reserved.setdefault(one.document, set()).update({one.party} if one.party else ())
    return Directives(
        status,
        opens,
        tuple(
            Grant(one.party, one.rights, one.level, one.origin, one.period)
            for one in of[Kind.GRANT]
            if one.party and one.level and one.origin
        ),
        frozenset(one.party for one in of[Kind.EXCLUSION] if one.party),
        tuple(Helper(one.party.id, one.manages, one.period) for one in of[Kind.HELPER] if one.party),
        tuple(
            Representative(one.party.id, one.basis, one.manages, one.period)
            for one in of[Kind.REPRESENTATIVE]
            if one.party and one.basis
        ),
        frozenset(one.document for one in of[Kind.HIDDEN]),
        tuple((document, frozenset(parties)) for document, parties in sorted(reserved.items())),
        tuple(sorted((one.document, one.level) for one in of[Kind.LEVEL] if one.level)),
        next((one.level for one in of[Kind.MINIMUM] if one.level), Level.NORMAL),
        next((one.level for one in of[Kind.EMERGENCY]), Level.NORMAL),
        next((one.period.start.date() for one in of[Kind.BORN] if one.period.start), None),
        bool(of[Kind.PILOT]),
    )


def described_status(status: str, opens: int | None) -> str:
    """A status in words, for its history and for audit records."""
    return f"the record is {status}" + ("" if opens is None else f" until {moment(opens):%Y-%m-%d}")


def described(directive: Directive) -> str:
    """A directive in words, for its history and for audit records."""
    words = [
        directive.kind,
        directive.document,
        f"{directive.party.kind} {directive.party.id}" if directive.party else "",
        " and ".join(sorted(directive.rights)),
        _MANAGES if directive.manages else "",
        directive.level.name.lower() if directive.level else "",
        directive.origin or directive.basis or "",
        f"from {directive.period.start:%Y-%m-%d}" if directive.period.start else "",
        f"until {directive.period.end:%Y-%m-%d}" if directive.period.end else "",
    ]
    return " ".join(filter(None, words))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def moment(seconds: int) -> datetime:
    """A moment, as the tables have it."""
    return datetime.fromtimestamp(seconds, UTC)


def _moment_or_none(seconds: int | None) -> datetime | None:
    return None if seconds is None else moment(seconds)
