"""What transactions read and write is found by an index too, however many other patients there are.

ITI-42, 57, 61, 62, 92 and the identity feeds: every statement of every module, so that none is forgotten.
"""

import ast
import json
import pkgutil
import sqlite3
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import types
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler

import registry
from database import Statement
from database.statements import POSTGRESQL, SQLITE, _ListCondition
from server.migrations import migrate
from tests.registry.full_tables import FILL, scans_in

MODULES = [import_module(f"registry.{module.name}") for module in pkgutil.iter_modules(registry.__path__)]


def statements_of(module) -> Iterator[tuple[str, Statement]]:
    for name, value in vars(module).items():
        held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        for number, each in enumerate(held):
            if isinstance(each, Statement):
                yield f"{module.__name__}.{name}.{number}", each


STATEMENTS = {name: each for module in MODULES for name, each in statements_of(module)}


def arguments_of(statement: Statement) -> dict[str, object]:
    """A value of its type for each parameter."""
    clause = statement._clause
    compiled = clause.compile(dialect=POSTGRESQL)
    assert isinstance(compiled, SQLCompiler)
    given = {name: _value(bind.type) for name, bind in compiled.binds.items()}
    for element in visitors.iterate(clause):
        if isinstance(element, _ListCondition):
            column, values = element.clauses
            given[str(values.key)] = [_value(column.type)]
    return given


def _value(type_: types.TypeEngine[Any]) -> object:
    match type_:
        case types.Uuid():
            return "00000000-0000-4000-8000-000000000001"
        case types.Boolean():
            return True
        case types.LargeBinary():
            return b"x"
        case types.ARRAY():
            return []
        case types.String():
            return "p7"
        case _:
            return 7


@pytest.fixture(scope="module")
def sqlite_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("plans") / "registry"
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


@pytest.mark.parametrize("name", STATEMENTS)
def test_sqlite_searches_and_does_not_scan(sqlite_file, name):
    """A full table of other patients costs a transaction nothing."""
    statement = STATEMENTS[name].compiled(SQLITE)
    given = arguments_of(STATEMENTS[name])
    values = [
        json.dumps(each) if isinstance(each, list) else each
        for each in statement.arguments({**dict.fromkeys(statement.order), **given})
    ]
    steps = [row[3] for row in sqlite_file.execute("EXPLAIN QUERY PLAN " + statement.text, values)]
    tables = {row[0] for row in sqlite_file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert [step for step in steps if step.startswith("SCAN") and step.split()[1] in tables] == []


def test_postgresql_searches_and_does_not_scan(postgresql_url):
    """The same, with the plans that PostgreSQL makes over full tables."""
    migrate(postgresql_url)
    found = {}
    with psycopg.connect(postgresql_url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        connection.execute(FILL)
        for name, each in STATEMENTS.items():
            statement = each.compiled(POSTGRESQL)
            given = {**dict.fromkeys(statement.order), **arguments_of(each)}
            if scans := list(scans_in(connection, statement.encoded, statement.arguments(given))):
                found[name] = scans
    assert found == {}


def test_every_statement_stands_in_its_module():
    """One that a transaction made for itself would be seen by no test of plans."""
    made = [
        f"{path.name}:{call.lineno}"
        for path in Path(registry.__path__[0]).glob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Statement"
    ]
    assert made == []
    assert len(STATEMENTS) > 50
