"""The access matrix as versions in a table: imported as CSV, in force from a day on, compared, tried out."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import bindparam, insert, select

from consent_broker import tables as t
from consent_broker.model import Pair, Right
from consent_broker.rules import Access, Rules
from database import Database, Statement, Transaction

COLUMNS = (
    "profession", "profession_scheme", "specialty", "specialty_scheme", "type", "type_scheme",
    "read", "deposit", "valid_from", "valid_until",
)  # fmt: skip

# A matrix of every profession and specialty with every type is a hundred thousand rows; more is a mistake.
MAX_ROWS = 100_000


class BadMatrix(Exception):
    """A CSV that is no matrix; each line of it that is wrong, and why."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One row of the CSV: what one profession, or one specialty of it, may do with documents of one type."""

    profession: Pair
    specialty: Pair
    type: Pair
    right: Right
    valid_from: str = ""
    valid_until: str = ""

    def __str__(self) -> str:
        specialty = f" ({self.specialty[0]})" if self.specialty[0] else ""
        between = f" {self.valid_from or ''}..{self.valid_until or ''}" if self.dated else ""
        return f"{self.profession[0]}{specialty} {self.right} {self.type[0]}{between}"

    @property
    def dated(self) -> bool:
        """Whether it holds between two dates only."""
        return bool(self.valid_from or self.valid_until)


@dataclass(frozen=True, slots=True)
class Version:
    """A matrix that was imported; the newest whose day has come is in force. Number 0 is the rule pack's."""

    number: int
    valid_from: date
    made: datetime
    made_by: str
    note: str


@dataclass(frozen=True, slots=True)
class Decided:
    """How often somebody of one profession and specialty was decided about, on a day, for a right."""

    day: date
    profession: Pair
    specialty: Pair
    right: Right
    count: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What another matrix would have changed for those decisions."""

    profession: Pair
    specialty: Pair
    right: Right
    decisions: int
    gained: frozenset[Pair]
    lost: frozenset[Pair]


@dataclass(slots=True)
class Matrices:
    """The versions on their tables, over the matrix of the rule pack.

    A version never changes, so the one last asked for is kept; which one is in force is asked each time.
    """

    database: Database
    rules: Rules
    known: tuple[int, tuple[Access, ...]] = (0, ())

    async def versions(self) -> tuple[Version, ...]:
        """Every version, the first one first; before them all the rule pack's own."""
        return tuple(map(_version, await self.database.fetch(_VERSIONS)))

    async def cells(self, number: int) -> frozenset[Cell]:
        """The rows of a version; those of the rule pack are number 0."""
        if not number:
            return cells_of(self.rules.access)
        return frozenset(map(_cell, await self.database.fetch(_CELLS, {"version": number})))

    async def add(
        self, cells: frozenset[Cell], valid_from: date, at: datetime, by: str, note: str
    ) -> Version:
        """Keep a matrix as a new version, in force from that day on in every process."""

        async def put(transaction: Transaction) -> int:
            given = {"valid_from": valid_from.isoformat(), "made": int(at.timestamp()), "made_by": by}
            ((number,),) = await transaction.fetch(_ADD, {**given, "note": note})
            if cells:
                await transaction.execute(
                    _FILL, [{"version": number, **_row(cell)} for cell in sorted(cells)]
                )
            return int(number)

        return Version(await self.database.transact(put), valid_from, at, by, note)

    async def number_on(self, day: date) -> int:
        """Which version is in force on a day."""
        rows = await self.database.fetch(_IN_FORCE, {"day": day.isoformat()})
        return int(rows[0][0]) if rows else 0

    async def rules_on(self, day: date) -> Rules:
        """The rules with the matrix that is in force on a day."""
        return await self.rules_by(await self.number_on(day))

    async def rules_by(self, number: int) -> Rules:
        """The rules with this version of the matrix."""
        if not number:
            return self.rules
        if self.known[0] != number:
            self.known = (number, access_of(await self.cells(number)))
        return replace(self.rules, access=self.known[1])

    async def decisions(self) -> tuple[Decided, ...]:
        """What was decided, as far as it is remembered."""
        rows = await self.database.fetch(_DECISIONS)
        return tuple(
            Decided(date.fromisoformat(day), _pair(profession), _pair(specialty), Right(right), count)
            for day, profession, specialty, right, count in rows
        )

    async def would_change(self, cells: frozenset[Cell]) -> tuple[Effect, ...]:
        """What this matrix would have changed for the decisions that are remembered."""
        in_force = {0: self.rules}
        tried = replace(self.rules, access=access_of(cells))
        effects: dict[tuple[Pair, Pair, Right], Effect] = {}
        for one in await self.decisions():
            number = await self.number_on(one.day)
            if number not in in_force:
                in_force[number] = replace(self.rules, access=access_of(await self.cells(number)))
            who = (one.profession, one.specialty, one.right)
            was = in_force[number].types_for(*who, one.day)
            would = tried.types_for(*who, one.day)
            if was != would:
                so_far = effects.get(who, Effect(*who, 0, frozenset(), frozenset()))
                effects[who] = Effect(
                    *who, so_far.decisions + one.count, so_far.gained | would - was, so_far.lost | was - would
                )
        return tuple(effects[who] for who in sorted(effects))


def cells_of(access: Iterable[Access]) -> frozenset[Cell]:
    """A matrix, row for row."""
    return frozenset(
        Cell(
            row.profession,
            specialty,
            type_,
            right,
            row.valid_from.isoformat() if row.valid_from else "",
            row.valid_until.isoformat() if row.valid_until else "",
        )
        for row in access
        for specialty in row.specialties or {("", "")}
        for type_ in row.types
        for right in row.rights
    )


def access_of(cells: Iterable[Cell]) -> tuple[Access, ...]:
    """A matrix as decisions read it: the types of each profession, specialty, right and time together."""
    types: dict[tuple[Pair, Pair, Right, str, str], set[Pair]] = {}
    for cell in cells:
        key = (cell.profession, cell.specialty, cell.right, cell.valid_from, cell.valid_until)
        types.setdefault(key, set()).add(cell.type)
    return tuple(
        Access(
            profession,
            frozenset({specialty}) if specialty[0] else None,
            frozenset(of_them),
            frozenset({right}),
            date.fromisoformat(since) if since else None,
            date.fromisoformat(until) if until else None,
        )
        for (profession, specialty, right, since, until), of_them in sorted(types.items())
    )


def write_csv(cells: Iterable[Cell]) -> str:
    """A matrix as CSV (RFC 4180): a line for each profession, specialty, type and time."""
    lines: dict[tuple[Pair, Pair, Pair, str, str], set[Right]] = {}
    for cell in cells:
        key = (cell.profession, cell.specialty, cell.type, cell.valid_from, cell.valid_until)
        lines.setdefault(key, set()).add(cell.right)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for (profession, specialty, type_, since, until), rights in sorted(lines.items()):
        said = ["yes" if right in rights else "no" for right in (Right.READ, Right.DEPOSIT)]
        writer.writerow([*profession, *specialty, *type_, *said, since, until])
    return text.getvalue()


def read_csv(text: str) -> frozenset[Cell]:
    """A matrix from CSV, or BadMatrix with every line that is wrong."""
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise BadMatrix(f"line 1: expected the columns {','.join(COLUMNS)}")
    if len(rows) - 1 > MAX_ROWS:
        raise BadMatrix(f"more than {MAX_ROWS} lines")
    cells: set[Cell] = set()
    wrong: list[str] = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            cells.update(_cells_in(row))
        except ValueError as problem:
            wrong.append(f"line {number}: {problem}")
    if wrong:
        raise BadMatrix(*wrong)
    return frozenset(cells)


_YES_OR_NO = {"yes": True, "no": False}


def _cells_in(row: list[str]) -> Iterator[Cell]:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns; {len(COLUMNS)} were expected")
    said = dict(zip(COLUMNS, row, strict=True))
    for name in ("profession", "profession_scheme", "type", "type_scheme"):
        if not said[name]:
            raise ValueError(f"{name} is missing")
    if any("|" in said[name] for name in COLUMNS):
        raise ValueError("there is no | in a code")
    since, until = (date.fromisoformat(said[name]) if said[name] else None for name in COLUMNS[8:])
    if since and until and until <= since:
        raise ValueError("valid_until is the first day on which it no longer holds, after valid_from")
    for right in Right:
        if said[right] not in _YES_OR_NO:
            raise ValueError(f"{right} is yes or no")
        if _YES_OR_NO[said[right]]:
            yield Cell(
                (said["profession"], said["profession_scheme"]),
                (said["specialty"], said["specialty_scheme"]),
                (said["type"], said["type_scheme"]),
                right,
                said["valid_from"],
                said["valid_until"],
            )


_v, _c, _d = t.matrix_version.c, t.matrix_cell.c, t.decision_count.c
_CELL = ("profession", "specialty", "type", "allows", "valid_from", "valid_until")
_VERSIONS = Statement(select(_v.id, _v.valid_from, _v.made, _v.made_by, _v.note).order_by(_v.id))
_CELLS = Statement(select(*(_c[name] for name in _CELL)).where(_c.version == bindparam("version")))
_ADD = Statement(
    insert(t.matrix_version)
    .values({name: bindparam(name) for name in ("valid_from", "made", "made_by", "note")})
    .returning(_v.id)
)
_FILL = Statement(
    insert(t.matrix_cell).inline().values({name: bindparam(name) for name in ("version", *_CELL)})
)
# By its id, the version that is in force on a day.
IN_FORCE = (
    select(_v.id)
    .where(_v.valid_from <= bindparam("day"))
    .order_by(_v.valid_from.desc(), _v.id.desc())
    .limit(1)
)
_IN_FORCE = Statement(IN_FORCE)
_DECISIONS = Statement(
    select(_d.day, _d.profession, _d.specialty, _d.allows, _d.decisions).order_by(
        _d.day, _d.profession, _d.specialty, _d.allows
    )
)


def _version(row: Any) -> Version:
    number, valid_from, made, made_by, note = row
    return Version(number, date.fromisoformat(valid_from), datetime.fromtimestamp(made, UTC), made_by, note)


def _row(cell: Cell) -> dict[str, str]:
    return {
        "profession": "|".join(cell.profession),
        "specialty": "|".join(cell.specialty),
        "type": "|".join(cell.type),
        "allows": cell.right,
        "valid_from": cell.valid_from,
        "valid_until": cell.valid_until,
    }


def _cell(row: Any) -> Cell:
    profession, specialty, type_, right, since, until = row
    return Cell(_pair(profession), _pair(specialty), _pair(type_), Right(right), since, until)


def _pair(text: str) -> Pair:
    code, _, scheme = text.partition("|")
    return code, scheme
