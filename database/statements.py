"""SQLAlchemy Core statements as text and parameter order, compiled once for each dialect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Integer, Table, bindparam, insert, literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter, ClauseElement, ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

POSTGRESQL: Dialect = psycopg.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # untyped there
SQLITE: Dialect = sqlite.dialect(paramstyle="qmark")


class Statement:
    """One statement; its parameters are the names of its `bindparam`s."""

    __slots__ = ("_clause", "_compiled")

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._compiled: dict[Dialect, CompiledStatement] = {}

    def compiled(self, dialect: Dialect) -> "CompiledStatement":
        """The text for one dialect; made at the first call, the same object ever after."""
        found = self._compiled.get(dialect)
        if found is None:
            found = self._compiled[dialect] = _compile(self._clause, dialect)
        return found


class RowsInto(Statement):
    """New rows of a table, with a value for each column; in PostgreSQL all of them by one statement.

    None of the columns is a list.
    """

    __slots__ = ("_at_once", "_table")

    def __init__(self, table: Table) -> None:
        super().__init__(insert(table).inline().values({each.name: bindparam(each.name) for each in table.c}))
        self._table = table
        self._at_once: CompiledStatement | None = None

    @property
    def at_once(self) -> "CompiledStatement":
        """The text for PostgreSQL that takes each column as a list."""
        if self._at_once is None:
            write = POSTGRESQL.identifier_preparer
            names = ", ".join(write.format_column(each) for each in self._table.c)
            types = (each.type.compile(dialect=POSTGRESQL) for each in self._table.c)
            lists = ", ".join(f"${number}::{each}[]" for number, each in enumerate(types, 1))
            table = write.format_table(self._table)
            text = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({lists})"  # noqa: S608  # names only
            order = tuple(each.name for each in self._table.c)
            self._at_once = CompiledStatement(text, text.encode(), order, {})
        return self._at_once


@dataclass(frozen=True, slots=True)
class CompiledStatement:
    """SQL text, the order of its parameters, and the values that stood in the statement itself."""

    text: str
    encoded: bytes
    order: tuple[str, ...]
    constants: Mapping[str, object]

    def arguments(
        self, parameters: Mapping[str, object], written: Callable[[object], object] = lambda value: value
    ) -> list[object]:
        """The parameters in the order of the text, each `written` once; a missing one is a KeyError."""
        if self.constants:
            parameters = {**self.constants, **parameters}
        values = {name: written(parameters[name]) for name in self.order}
        return [values[name] for name in self.order]


def _compile(clause: ClauseElement, dialect: Dialect) -> CompiledStatement:
    compiled = clause.compile(dialect=dialect)
    if not isinstance(compiled, SQLCompiler):
        raise TypeError("only statements that read or write rows are run through this door")
    constants = {
        name: bind.value
        for name, bind in compiled.binds.items()
        if not bind.required and bind.value is not None
    }
    text = str(compiled)
    return CompiledStatement(text, text.encode(), tuple(compiled.positiontup or ()), constants)


def constant(number: int) -> ColumnElement[int]:
    """A number that stands in the text itself, as `in_` of plain numbers could not."""
    return literal_column(str(int(number)), Integer)


class _ListCondition(FunctionElement[Any]):
    """A column compared with a list parameter, which is an array in PostgreSQL and JSON in SQLite."""

    # Left open: after a Boolean SQLAlchemy writes `= 1` for SQLite, and then no index serves.
    type = NullType()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], values: BindParameter[Any]) -> None:
        super().__init__(column, values)


class any_of(_ListCondition):
    """The column equals an element of the list."""

    name = "any_of"
    inherit_cache = True


class overlaps(_ListCondition):
    """The array column shares an element with the list."""

    name = "overlaps"
    inherit_cache = True


class overlaps_by_index(_ListCondition):
    """The same, where nothing but the list says which rows to look at.

    PostgreSQL has an index of the array's elements; in SQLite the table TABLE_COLUMN (value, id) is one,
    which triggers keep.
    """

    name = "overlaps_by_index"
    inherit_cache = True


class within(_ListCondition):
    """The array column has elements, and each of them is in the list."""

    name = "within"
    inherit_cache = True


class any_like(_ListCondition):
    """An element of the text array column fits one of the patterns, where only % and _ are special."""

    name = "any_like"
    inherit_cache = True


def _sides(element: _ListCondition, compiler: SQLCompiler, **options: Any) -> tuple[str, str, str]:
    """Column, parameter, and the PostgreSQL array type that the parameter is cast to."""
    column, values = element.clauses
    array_type = {"INTEGER": "integer[]", "SMALLINT": "smallint[]", "BIGINT": "bigint[]", "UUID": "uuid[]"}
    scalar = column.type.compile(dialect=POSTGRESQL).removesuffix("[]")
    return (
        compiler.process(column, **options),
        compiler.process(values, **options),
        array_type.get(scalar, "text[]"),
    )


# What is put together below is SQL that SQLAlchemy wrote: column names and parameter marks, no values.


@compiles(any_of, "postgresql")
def _(element: any_of, compiler: SQLCompiler, **options: Any) -> str:
    column, values, array_type = _sides(element, compiler, **options)
    return f"{column} = ANY (CAST({values} AS {array_type}))"


@compiles(any_of, "sqlite")
def _(element: any_of, compiler: SQLCompiler, **options: Any) -> str:
    column, values, _ = _sides(element, compiler, **options)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608


@compiles(overlaps, "postgresql")
@compiles(overlaps_by_index, "postgresql")
def _(element: overlaps | overlaps_by_index, compiler: SQLCompiler, **options: Any) -> str:
    column, values, array_type = _sides(element, compiler, **options)
    return f"{column} && CAST({values} AS {array_type})"


@compiles(overlaps, "sqlite")
def _(element: overlaps, compiler: SQLCompiler, **options: Any) -> str:
    column, values, _ = _sides(element, compiler, **options)
    return (
        f"EXISTS (SELECT 1 FROM json_each({column}) AS held"  # noqa: S608
        f" WHERE held.value IN (SELECT value FROM json_each({values})))"
    )


@compiles(overlaps_by_index, "sqlite")
def _(element: overlaps_by_index, compiler: SQLCompiler, **options: Any) -> str:
    column, values, _ = _sides(element, compiler, **options)
    table, _, name = column.rpartition(".")
    return (
        f"{table}.id IN (SELECT id FROM {table}_{name}"  # noqa: S608
        f" WHERE value IN (SELECT value FROM json_each({values})))"
    )


@compiles(within, "postgresql")
def _(element: within, compiler: SQLCompiler, **options: Any) -> str:
    column, values, array_type = _sides(element, compiler, **options)
    return f"({column} <> '{{}}' AND {column} <@ CAST({values} AS {array_type}))"


@compiles(within, "sqlite")
def _(element: within, compiler: SQLCompiler, **options: Any) -> str:
    column, values, _ = _sides(element, compiler, **options)
    return (
        f"({column} <> '[]' AND NOT EXISTS (SELECT 1 FROM json_each({column}) AS held"  # noqa: S608
        f" WHERE held.value NOT IN (SELECT value FROM json_each({values}))))"
    )


@compiles(any_like, "postgresql")
def _(element: any_like, compiler: SQLCompiler, **options: Any) -> str:
    # ESCAPE '' leaves a backslash the plain character it is in metadata.
    column, values, _ = _sides(element, compiler, **options)
    return (
        f"EXISTS (SELECT 1 FROM unnest({column}) AS held, unnest(CAST({values} AS text[])) AS pattern"  # noqa: S608
        " WHERE held LIKE pattern ESCAPE '')"
    )


@compiles(any_like, "sqlite")
def _(element: any_like, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite's LIKE takes a for A; GLOB does not, so the pattern is rewritten into its characters.
    column, values, _ = _sides(element, compiler, **options)
    glob = "pattern.value"
    for plain, written in (("[", "[[]"), ("*", "[*]"), ("?", "[?]"), ("%", "*"), ("_", "?")):
        glob = f"replace({glob}, '{plain}', '{written}')"
    return (
        f"EXISTS (SELECT 1 FROM json_each({column}) AS held, json_each({values}) AS pattern"  # noqa: S608
        f" WHERE held.value GLOB {glob})"
    )
