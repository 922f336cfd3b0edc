"""The directory of licensed professionals, of institutions, and of who works where, each with its dates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update

from consent_broker import tables as t
from consent_broker.model import ALWAYS, Asker, Pair, Party, PartyKind, Period
from consent_broker.rules import Rules
from consent_broker.store import Change
from consent_broker.texts import Why
from database import Database, Statement, Transaction


@dataclass(frozen=True, slots=True)
class Professional:
    """A person, root|extension, licensed for one profession and specialty between two dates."""

    person: str
    name: str
    licence: str
    profession: Pair
    specialty: Pair = ("", "")
    period: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Institution:
    """An institution, as assertions name it."""

    organization: str
    name: str
    period: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Membership:
    """Who works where, between two dates: an institution's rights come and go with it."""

    person: str
    organization: str
    period: Period = ALWAYS


Listed = Professional | Institution | Membership


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the directory, with who put it there and who took it away; None while it stands."""

    listed: Listed
    made: datetime
    made_by: str
    ended: datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory on its tables; nothing is overwritten."""

    database: Database

    async def put(self, listed: Listed, at: datetime, by: str) -> Change:
        """Let this entry stand in place of the one about the same."""

        async def work(transaction: Transaction) -> Change:
            before = await _end(listed, at, by, transaction)
            row = {**_row(listed), "made": _seconds(at), "made_by": by, "ended": None, "ended_by": None}
            await transaction.execute(_ADD[type(listed)], row)
            return Change(at, by, described(listed), before)

        return await self.database.transact(work)

    async def strike(self, listed: Listed, at: datetime, by: str) -> Change | None:
        """Take away what stands about the same, if anything does."""

        async def work(transaction: Transaction) -> Change | None:
            before = await _end(listed, at, by, transaction)
            return Change(at, by, f"no longer: {before}", before) if before else None

        return await self.database.transact(work)

    async def lines(self, kind: type[Listed]) -> tuple[Line, ...]:
        """Every entry of a kind that ever stood, the first one first."""
        async with self.database.reading() as reading:
            rows = await reading.fetch(_ALL[kind])
        return tuple(
            Line(_listed(kind, columns), _moment(made), made_by, _moment_or_none(ended), ended_by or "")
            for *columns, made, made_by, ended, ended_by in rows
        )

    async def name_of(self, party: Party) -> str:
        """How people call a person or an institution; empty for who is not in it."""
        rows = await self.database.fetch(_NAME[party.kind], {"party": party.id})
        return str(rows[0][0]) if rows else ""

    async def licences(self, person: str, at: datetime) -> tuple[Professional, ...]:
        """As what this person is licensed at that moment."""
        rows = await self.database.fetch(_LICENCES, {"person": person})
        found = (_professional(columns) for columns in rows)
        return tuple(one for one in found if one.period.covers(at))

    async def checked(self, asker: Asker, rules: Rules, at: datetime) -> Asker:
        """What an assertion claims, held against the directory as far as the domain asks for it."""
        if not asker.person or not (rules.listed_only or rules.members_only):
            return asker
        async with self.database.reading() as reading:
            wanted = {"person": asker.person}
            licences, memberships = await reading.fetch_each((_LICENCES, wanted), (_MEMBERSHIPS, wanted))
        professionals = [_professional(columns) for columns in licences]
        member_of = frozenset(
            one.organization for one in map(_membership, memberships) if one.period.covers(at)
        )
        return asker.as_listed(
            _why_unlisted(asker, professionals, at) if rules.listed_only else None,
            member_of if rules.members_only else None,
        )


def described(listed: Listed) -> str:
    """An entry in words, for its history and for audit records."""
    match listed:
        case Professional():
            words = [
                f"professional {listed.person} {listed.name}",
                f"profession {'|'.join(listed.profession)}",
                f"specialty {'|'.join(listed.specialty)}" if listed.specialty[0] else "",
                f"licence {listed.licence}" if listed.licence else "",
            ]
        case Institution():
            words = [f"institution {listed.organization} {listed.name}"]
        case _:
            words = [f"{listed.person} works at {listed.organization}"]
    period = listed.period
    words += [
        f"from {period.start:%Y-%m-%d}" if period.start else "",
        f"until {period.end:%Y-%m-%d}" if period.end else "",
    ]
    return " ".join(filter(None, words))


def _why_unlisted(asker: Asker, professionals: list[Professional], at: datetime) -> Why | None:
    today = [one for one in professionals if one.period.covers(at)]
    if not today:
        return Why.NOT_LISTED
    claimed = (asker.profession, asker.specialty)
    # Whoever claims no specialty is one of his profession, whatever else he is.
    known = {(one.profession, specialty) for one in today for specialty in (one.specialty, ("", ""))}
    return None if claimed in known else Why.OTHER_PROFESSION


# The columns by which an entry takes the place of another.
_KEYS = {
    Professional: ("person", "profession", "specialty"),
    Institution: ("organization",),
    Membership: ("person", "organization"),
}
_TABLES: Mapping[type[Listed], Table] = {
    Professional: t.professional,
    Institution: t.institution,
    Membership: t.membership,
}
_WHEN = ("made", "made_by", "ended", "ended_by")


def _columns_of(kind: type[Listed]) -> list[Any]:
    table = _TABLES[kind]
    return [column for column in table.c if column.name not in ("id", *_WHEN)]


def _all(kind: type[Listed]) -> Statement:
    table = _TABLES[kind]
    return Statement(select(*_columns_of(kind), *(table.c[name] for name in _WHEN)).order_by(table.c.id))


def _add(kind: type[Listed]) -> Statement:
    table = _TABLES[kind]
    given: dict[str, Any] = {column.name: bindparam(column.name) for column in table.c if column.name != "id"}
    return Statement(insert(table).inline().values(given))


def _ending(kind: type[Listed]) -> Statement:
    table = _TABLES[kind]
    same = (table.c[name] == bindparam(f"same_{name}") for name in _KEYS[kind])
    return Statement(
        update(table)
        .where(*same, table.c.ended.is_(None))
        .values(ended=bindparam("at"), ended_by=bindparam("by"))
        .returning(*_columns_of(kind))
    )


def _standing(kind: type[Listed]) -> Statement:
    table = _TABLES[kind]
    return Statement(
        select(*_columns_of(kind)).where(table.c.person == bindparam("person"), table.c.ended.is_(None))
    )


_NAME = {
    kind: Statement(
        select(table.c.name)
        .where(table.c[column] == bindparam("party"), table.c.ended.is_(None))
        .order_by(table.c.id)
        .limit(1)
    )
    for kind, table, column in (
        (PartyKind.PERSON, t.professional, "person"),
        (PartyKind.ORGANIZATION, t.institution, "organization"),
    )
}
_ALL = {kind: _all(kind) for kind in _TABLES}
_ADD = {kind: _add(kind) for kind in _TABLES}
_END = {kind: _ending(kind) for kind in _TABLES}
_LICENCES = _standing(Professional)
_MEMBERSHIPS = _standing(Membership)


async def _end(listed: Listed, at: datetime, by: str, transaction: Transaction) -> str:
    kind = type(listed)
    row = _row(listed)
    same = {f"same_{name}": row[name] for name in _KEYS[kind]}
    rows = await transaction.fetch(_END[kind], {"at": _seconds(at), "by": by, **same})
    return "; ".join(described(_listed(kind, columns)) for columns in rows)


def _row(listed: Listed) -> dict[str, object]:
    period = {
        "starts": None if listed.period.start is None else _seconds(listed.period.start),
        "ends": None if listed.period.end is None else _seconds(listed.period.end),
    }
    match listed:
        case Professional():
            return {
                "person": listed.person,
                "name": listed.name,
                "licence": listed.licence,
                "profession": "|".join(listed.profession),
                "specialty": "|".join(listed.specialty),
                **period,
            }
        case Institution():
            return {"organization": listed.organization, "name": listed.name, **period}
        case Membership():
            return {"person": listed.person, "organization": listed.organization, **period}


def _listed(kind: type[Listed], columns: Any) -> Listed:
    if kind is Professional:
        return _professional(columns)
    if kind is Membership:
        return _membership(columns)
    organization, name, starts, ends = columns
    return Institution(organization, name, _period(starts, ends))


def _professional(columns: Any) -> Professional:
    person, name, licence, profession, specialty, starts, ends = columns
    return Professional(person, name, licence, _pair(profession), _pair(specialty), _period(starts, ends))


def _membership(columns: Any) -> Membership:
    person, organization, starts, ends = columns
    return Membership(person, organization, _period(starts, ends))


def _pair(text: str) -> Pair:
    code, _, system = text.partition("|")
    return code, system


def _period(starts: int | None, ends: int | None) -> Period:
    return Period(_moment_or_none(starts), _moment_or_none(ends))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _moment_or_none(seconds: int | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)
