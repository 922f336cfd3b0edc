"""What was read of directives, for as long as the database says at each decision that it still holds."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from itertools import chain, islice
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
    union_all,
)

from consent_broker import tables as t
from consent_broker.matrix import IN_FORCE
from consent_broker.model import Directives, Party
from consent_broker.rules import Rules
from consent_broker.store import COLUMNS, IS_LAST, OF_PATIENTS, Kind, by_patient
from consent_broker.times import seconds_of
from database import Call, Database, Row, Statement, any_of, constant

# A professional's working day of patients for each process. A record of a thousand directives is some 50 KB.
MOST_KEPT = 500

# To find, to retrieve, for a treatment and in an emergency.
MOST_FOLLOWS = 4

_Key = tuple[str, frozenset[Party]]
Result = TypeVar("Result")


class _Part(IntEnum):
    """What a row of the statement is about."""

    STATUS = 0
    DIRECTIVE = 1
    MATRIX = 2
    VERSION = 3
    BOUNDARY = 4


@dataclass(frozen=True, slots=True)
class _Held:
    """What held of a record from this second on: until it is changed, or a period in it begins or ends."""

    version: int
    since: int
    until: float
    directives: Directives
    # By what is asked, and the day and the matrix.
    follows: dict[Hashable, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What some patients have decided about somebody, and which access matrix is in force.

    Matrix 0 is that of the rules.
    """

    directives: Mapping[str, Directives]
    matrix: int
    _held: Mapping[str, _Held]
    _day: str

    def covers(self, at: datetime) -> bool:
        """Whether no period of it has begun or ended by then, if nothing was changed."""
        second = seconds_of(at)
        return self._day == _day_of(at) and all(
            one.since <= second < one.until for one in self._held.values()
        )

    def follows(self, patient: str, asked: Hashable, find_out: Callable[[], Result]) -> Result:
        """What follows for one patient from nothing but this and what is asked; found out once."""
        kept = self._held[patient].follows
        key = (self._day, self.matrix, asked)
        if key not in kept:
            while len(kept) >= MOST_FOLLOWS:
                kept.pop(next(iter(kept)))
            kept[key] = find_out()
        found: Result = kept[key]
        return found

    def is_of(self, versions: Mapping[str, int | None]) -> bool:
        """Whether these are the versions of the records and the number of the matrix by which it was read."""
        return (versions.get(_MATRIX) or 0) == self.matrix and all(
            versions.get(patient, 0) == one.version for patient, one in self._held.items()
        )


@dataclass(slots=True)
class Kept:
    """The directives of the records last decided about.

    Each change counts its record's version in its own transaction. Each decision asks for the versions of
    the records that it is about, so that what is kept here is never older than what the database holds.
    """

    database: Database
    rules: Rules
    _held: OrderedDict[_Key, _Held] = field(default_factory=OrderedDict)
    _matrix: tuple[str, int] = ("", 0)

    async def now(self, parties: frozenset[Party], patients: Collection[str], at: datetime) -> Known:
        """What these patients have decided about these parties."""
        known = self.lately(parties, patients, at)
        if known and await self.holds(known, at):
            return known
        wanted = {**_asked(patients, at), "parties": sorted({party.id for party in parties})}
        rows = await self.database.fetch(_ABOUT, {**wanted, "at": seconds_of(at)})
        return self._read(parties, patients, at, rows)

    def lately(self, parties: frozenset[Party], patients: Collection[str], at: datetime) -> Known | None:
        """The same, if all of it is kept, as it was when somebody last asked: ask whether it still holds."""
        found: dict[str, _Held] = {}
        for patient in patients:
            if (held := self._held.get((patient, parties))) is None:
                return None
            self._held.move_to_end((patient, parties))
            found[patient] = held
        day, matrix = self._matrix
        known = Known({patient: one.directives for patient, one in found.items()}, matrix, found, day)
        return known if known.covers(at) else None

    def question(self, known: Known, at: datetime) -> Call:
        """What to ask the database for `holds`."""
        return _NUMBERS, _asked(known.directives, at)

    async def holds(self, known: Known, at: datetime, rows: Sequence[Row] | None = None) -> bool:
        """Whether it is what holds now, or did when the database answered so."""
        if not known.covers(at):
            return False
        if rows is None:
            rows = await self.database.fetch(_NUMBERS, _asked(known.directives, at))
        return known.is_of(dict(rows))

    def _read(
        self, parties: frozenset[Party], patients: Collection[str], at: datetime, rows: Iterable[Row]
    ) -> Known:
        matrix = 0
        version = dict.fromkeys(patients, 0)
        until = dict.fromkeys(patients, float("inf"))
        statuses: list[Row] = []
        directives: list[Row] = []
        for part, number, *columns in rows:
            match part:
                case _Part.STATUS:
                    statuses.append((*columns[:2], number))
                    # Where an objection window ends by itself.
                    if number is not None and number > seconds_of(at):
                        until[columns[0]] = min(until[columns[0]], number)
                case _Part.DIRECTIVE:
                    directives.append((number, *columns))
                case _Part.MATRIX:
                    matrix = number
                case _Part.VERSION:
                    version[columns[0]] = number
                case _:
                    until[columns[0]] = min(until[columns[0]], number)
        # The last word last; nothing else orders what several statements in one find.
        in_order = [tuple(columns) for _, *columns in sorted(directives, key=itemgetter(0))]
        found = by_patient(patients, self.rules.unopened, at, statuses, in_order)
        held = {
            patient: _Held(version[patient], seconds_of(at), until[patient], one)
            for patient, one in found.items()
        }
        self._matrix = (_day_of(at), matrix)
        for patient, one in held.items():
            self._held[patient, parties] = one
            self._held.move_to_end((patient, parties))
        while len(self._held) > MOST_KEPT:
            self._held.popitem(last=False)
        return Known(found, matrix, held, _day_of(at))


def _asked(patients: Collection[str], at: datetime) -> dict[str, object]:
    return {"patients": sorted(patients), "day": _day_of(at)}


def _day_of(at: datetime) -> str:
    return at.date().isoformat()


_status, _directive, _version = t.consent_status.c, t.consent_directive.c, t.consent_version.c
_in_force = IN_FORCE.subquery()
_of_these = any_of(_version.patient, bindparam("patients"))
_versions = select(_version.patient, _version.version).where(any_of(_version.patient, bindparam("patients")))
# The name of no patient.
_MATRIX = ""
_NUMBERS = Statement(
    union_all(_versions, select(literal_column(f"'{_MATRIX}'", Text), IN_FORCE.scalar_subquery()))
)
_columns = [_directive[name] for name in COLUMNS]
# Most of what a patient decides is about one party, and of it nothing is read that is about others.
_of_one_party = _directive.kind.in_(
    [literal_column(f"'{kind}'", Text) for kind in (Kind.GRANT, Kind.EXCLUSION, Kind.HELPER)]
)
_about = OF_PATIENTS.where(
    _directive.ended.is_(None),
    or_(not_(_of_one_party), any_of(_directive.party, bindparam("parties"))),
)


def _part(part: int, number: ColumnElement[Any], *columns: ColumnElement[Any]) -> Select[Any]:
    """Which part it is, its number, and the patient's columns, if any."""
    nulls = (null() if isinstance(each.type, Text) else cast(null(), each.type) for each in _columns)
    filled = chain(columns, islice((null(), *nulls), len(columns), None))
    return select(constant(part), number, *filled)


def _next(time: ColumnElement[Any], patient: ColumnElement[Any], ended: ColumnElement[Any]) -> Select[Any]:
    """The next of these times, for each patient."""
    return (
        _part(_Part.BOUNDARY, func.min(time), patient)
        .where(any_of(patient, bindparam("patients")), ended.is_(None), time > bindparam("at"))
        .group_by(patient)
    )


# By one statement, so that all of it is of one moment.
_ABOUT = Statement(
    union_all(
        _part(_Part.STATUS, _status.opens, _status.patient, _status.status).where(*IS_LAST),
        _about.with_only_columns(constant(_Part.DIRECTIVE), _directive.id, _directive.patient, *_columns),
        _part(_Part.MATRIX, _in_force.c.id),
        _part(_Part.VERSION, _version.version, _version.patient).where(
            any_of(_version.patient, bindparam("patients"))
        ),
        *(
            _next(time, table.patient, table.ended)
            for table in (_status, _directive)
            for time in (table.starts, table.ends)
        ),
    )
)
