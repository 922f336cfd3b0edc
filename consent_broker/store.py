"""Directives in their tables: read at every decision, so that a change counts from the next request on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Table,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from consent_broker import tables as t
from consent_broker.model import (
    ALWAYS,
    Acknowledgement,
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
from consent_broker.receipts import owe
from consent_broker.times import moment, moment_or_none, seconds_of
from consent_broker.versions import count_change
from database import Call, Database, Row, Statement, Transaction, any_of
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
    ACKNOWLEDGEMENT = "acknowledgement"
    """A consent document acknowledges a policy; what follows from that has rows of its own."""


class TooManyDirectives(Exception):
    """A record has as many directives as one decision may weigh."""


# A thousand are more than anyone has been seen to keep; ten times as many are still decided in milliseconds.
MAX_DIRECTIVES = 10_000


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive as it is stored; what its kind does not need is empty.

    With a `source`, the uniqueId of a consent document, it holds in its period by that document's `policy`.
    """

    kind: Kind
    party: Party | None = None
    document: str = ""
    rights: frozenset[Right] = frozenset()
    manages: bool = False
    level: Level | None = None
    origin: Origin | None = None
    period: Period = ALWAYS
    basis: Basis | None = None
    policy: str = ""
    source: str = ""


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
    patients: Collection[str],
    unopened: RecordStatus,
    database: Database,
    at: datetime,
    as_of: datetime | None = None,
) -> Mapping[str, Directives]:
    """What holds of each of these patients then; one of whom nothing is known has an `unopened` record.

    With `as_of`, by what he had decided then.
    """
    wanted: dict[str, object] = {"patients": sorted(patients)}
    of_then = {**wanted, "at": seconds_of(at)}
    calls: tuple[Call, Call] = (_STATUSES, of_then), (_DIRECTIVES, wanted)
    if as_of is not None:
        then = {"then": seconds_of(as_of)}
        calls = (_STATUSES_THEN, of_then | then), (_DIRECTIVES_THEN, wanted | then)
    async with database.reading() as reading:
        statuses, rows = await reading.fetch_each(*calls)
    return by_patient(patients, unopened, at, statuses, rows)


def by_patient(
    patients: Collection[str],
    unopened: RecordStatus,
    at: datetime,
    statuses: list[Row],
    rows: list[Row],
) -> Mapping[str, Directives]:
    """What holds then of each of these patients, from the rows of his status and of his directives."""
    status = {patient: (RecordStatus(text), moment_or_none(opens)) for patient, text, opens in statuses}
    held: dict[str, list[Directive]] = {patient: [] for patient in patients}
    for patient, *columns in rows:
        directive = directive_in(columns)
        if directive.kind not in _TIMED or directive.period.covers(at):
            held[patient].append(directive)
    return {patient: _joined(*status.get(patient, (unopened, None)), held[patient]) for patient in patients}


async def set_status(
    patient: str,
    status: RecordStatus,
    at: datetime,
    by: str,
    database: Database,
    opens: datetime | None = None,
    *,
    receipt: bool = False,
) -> Change:
    """Let a record have this status; one that is announced `opens` by itself. A `receipt` may be owed."""

    async def put(transaction: Transaction) -> Change:
        await count_change(patient, transaction)
        until = None if opens is None else seconds_of(opens)
        before = await status_before(patient, at, transaction)
        await transaction.execute(
            SET_STATUS,
            {
                **dict.fromkeys(t.consent_status.c.keys()[1:]),
                "patient": patient,
                "status": status,
                "opens": until,
                "made": seconds_of(at),
                "made_by": by,
                "before": before,
                "policy": "",
                "source": "",
            },
        )
        if receipt:
            await owe(patient, {"status": status, "opens": until}, at, by, transaction)
        return Change(at, by, described_status(status, until), before)

    return await database.transact(put, due())


async def add(
    patient: str, directive: Directive, at: datetime, by: str, database: Database, *, receipt: bool = False
) -> Change:
    """Let this directive hold; it takes the place of one about the same party and document."""

    async def put(transaction: Transaction) -> Change:
        await count_change(patient, transaction)
        await refuse_too_many(patient, transaction)
        before = _all_described(await _end(patient, directive, at, by, transaction))
        row = row_of(patient, directive, at, by, before)
        await transaction.execute(ADD, row)
        if receipt:
            await owe(patient, {"given": [[row[name] for name in COLUMNS]]}, at, by, transaction)
        return Change(at, by, described(directive), before)

    return await database.transact(put, due())


async def status_before(patient: str, at: datetime, transaction: Transaction) -> str:
    """The status that a change is to take the place of, in words."""
    rows = await transaction.fetch(_STATUSES, {"patients": [patient], "at": seconds_of(at)})
    return described_status(rows[0][1], rows[0][2]) if rows else ""


async def refuse_too_many(patient: str, transaction: Transaction, more: int = 1) -> None:
    """Raise TooManyDirectives if a record cannot hold so many more."""
    ((count,),) = await transaction.fetch(_COUNT, {"patient": patient})
    if count + more > MAX_DIRECTIVES:
        raise TooManyDirectives


async def end(
    patient: str, directive: Directive, at: datetime, by: str, database: Database, *, receipt: bool = False
) -> Change | None:
    """Take back what holds about the same party and document, if anything does."""

    async def take_back(transaction: Transaction) -> Change | None:
        ended = await _end(patient, directive, at, by, transaction)
        if not ended:
            return None
        await count_change(patient, transaction)
        before = _all_described(ended)
        if receipt:
            await owe(patient, {"ended": [list(columns) for columns in ended]}, at, by, transaction)
        return Change(at, by, f"no longer: {before}", before)

    return await database.transact(take_back, due())


# What holds of these in its period only; the others tell their period to whoever weighs them.
_TIMED = frozenset({Kind.EXCLUSION, Kind.MINIMUM, Kind.EMERGENCY, Kind.ACKNOWLEDGEMENT})

COLUMNS = (
    "kind", "party_kind", "party", "document",
    "rights", "level", "origin", "starts", "ends", "policy", "source",
)  # fmt: skip
_directive_table = t.consent_directive.c
_columns = [_directive_table[name] for name in COLUMNS]
_status = t.consent_status.c
_later = t.consent_status.alias("later")
_last = (
    select(func.max(_later.c.id))
    .where(
        _later.c.patient == _status.patient,
        or_(_later.c.starts.is_(None), _later.c.starts <= bindparam("at")),
        or_(_later.c.ends.is_(None), _later.c.ends > bindparam("at")),
    )
    .correlate(t.consent_status)
)
IS_LAST = (
    any_of(_status.patient, bindparam("patients")),
    _status.id == _last.where(_later.c.ended.is_(None)).scalar_subquery(),
)
_was_last = (
    _status.id
    == _last.where(
        _later.c.made <= bindparam("then"),
        or_(_later.c.ended.is_(None), _later.c.ended > bindparam("then")),
    ).scalar_subquery()
)
_statuses = select(_status.patient, _status.status, _status.opens)
_STATUSES = Statement(_statuses.where(*IS_LAST))
_STATUSES_THEN = Statement(_statuses.where(IS_LAST[0], _was_last))
OF_PATIENTS = select(_directive_table.patient, *_columns).where(
    any_of(_directive_table.patient, bindparam("patients"))
)
_DIRECTIVES = Statement(OF_PATIENTS.where(_directive_table.ended.is_(None)).order_by(_directive_table.id))
_DIRECTIVES_THEN = Statement(
    OF_PATIENTS.where(
        _directive_table.made <= bindparam("then"),
        or_(_directive_table.ended.is_(None), _directive_table.ended > bindparam("then")),
    ).order_by(_directive_table.id)
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


SET_STATUS = _insert(t.consent_status)
ADD = _insert(t.consent_directive)
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


async def _end(
    patient: str, directive: Directive, at: datetime, by: str, transaction: Transaction
) -> list[Row]:
    """What held until now about the same."""
    same = {f"same_{name}": value for name, value in _key(directive).items()}
    return await transaction.fetch(_END, {"whose": patient, "at": seconds_of(at), "by": by, **same})


def _all_described(rows: Iterable[Row]) -> str:
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


def row_of(patient: str, directive: Directive, at: datetime, by: str, before: str) -> dict[str, object]:
    """A directive as its table has it."""
    period = directive.period
    rights = [*sorted(directive.rights), *([_MANAGES] if directive.manages else [])]
    return {
        "patient": patient,
        **_key(directive),
        "rights": " ".join(rights),
        "level": directive.level or 0,
        "origin": directive.origin or directive.basis or "",
        "starts": None if period.start is None else seconds_of(period.start),
        "ends": None if period.end is None else seconds_of(period.end),
        "made": seconds_of(at),
        "made_by": by,
        "before": before,
        "policy": directive.policy,
        "source": directive.source,
        "ended": None,
        "ended_by": None,
    }


def directive_in(columns: Sequence[Any]) -> Directive:
    """A directive from its columns, in the order of `COLUMNS`."""
    kind, party_kind, party, document, rights, level, origin, starts, ends, policy, source = columns
    words = rights.split()
    return Directive(
        Kind(kind),
        Party(PartyKind(party_kind), party) if party_kind else None,
        document,
        frozenset(Right(word) for word in words if word != _MANAGES),
        _MANAGES in words,
        Level(level) if level else None,
        Origin(origin) if origin and kind == Kind.GRANT else None,
        Period(moment_or_none(starts), moment_or_none(ends)),
        Basis(origin) if origin and kind == Kind.REPRESENTATIVE else None,
        policy,
        source,
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
        # Of these the last word counts.
        next((one.level for one in reversed(of[Kind.MINIMUM]) if one.level), Level.NORMAL),
        next((one.level for one in reversed(of[Kind.EMERGENCY])), Level.NORMAL),
        next((one.period.start.date() for one in of[Kind.BORN] if one.period.start), None),
        bool(of[Kind.PILOT]),
        tuple(Acknowledgement(one.policy, one.source, one.period) for one in of[Kind.ACKNOWLEDGEMENT]),
    )


def described_status(status: str, opens: int | None, by_document: str = "") -> str:
    """A status in words, for its history and for audit records."""
    until = "" if opens is None else f" until {moment(opens):%Y-%m-%d}"
    return " ".join(filter(None, (f"the record is {status}{until}", by_document)))


def described_source(policy: str, source: str) -> str:
    """By which consent document something holds, in words; nothing if by none."""
    return f"by policy {policy} of consent document {source}" if source else ""


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
        described_source(directive.policy, directive.source),
    ]
    return " ".join(filter(None, words))
