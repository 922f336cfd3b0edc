"""Both databases reach what a query names by an index, and read no table or index from end to end."""

import json
import sqlite3
from collections.abc import Iterator

import psycopg
import pytest

from database.statements import POSTGRESQL, SQLITE, CompiledStatement
from exchange.visibility import AllOf, AnyOf, CodedAs, DepositedBy, Not, OneOf, View
from ihe import stored_queries as q
from ihe.stored_queries import Match, StoredQuery
from registry.asked import Content, Shape
from registry.conditions import bind_name
from registry.seen import ALL_SEEN, parts_of
from registry.seen import seen as seen_as
from registry.selections import statement_of
from server.migrations import migrate
from tests.registry.full_tables import FILL, scans_in


def given_slots(query: StoredQuery) -> Iterator[tuple[str, ...]]:
    """What must be given, with each way to name an object; and everything that may be."""
    required = tuple(row.slot for row in query.parameters if row.required)
    ways = [(row.slot,) for row in query.parameters if row.either]
    if query.narrowed_by:
        ways = [(slot,) for slot in query.narrowed_by]
    filters = tuple(
        row.slot
        for row in query.parameters
        if not row.either and not row.excludes and row.match is not Match.METADATA_LEVEL
    )
    exclusions = tuple(row.slot for row in query.parameters if row.excludes)
    for way in ways or ((),):
        yield required + way
        yield filters + way
    if exclusions:
        yield required + exclusions


VIEW = View(
    {
        "p7": AllOf(
            (
                AnyOf(
                    (
                        DepositedBy(frozenset({"dr a"})),
                        AllOf(
                            (
                                CodedAs("confidentiality_code", frozenset({("N", "1")})),
                                CodedAs("type_code", frozenset({("A", "1")})),
                            )
                        ),
                    )
                ),
                Not(OneOf(frozenset({"urn:uuid:00000000-0000-4000-8000-000000000001"}))),
            )
        )
    }
)
SEEN = seen_as(parts_of(VIEW), {("N", "1"): 1, ("A", "1"): 1})
# A view changes what is searched, not what is told of what was found.
LOOKS = [*((content, ALL_SEEN) for content in Content), (Content.ELEMENT, SEEN)]
CASES = [
    pytest.param(
        query,
        slots,
        content,
        seen,
        id=f"{query.name}-{len(slots)}-{slots[-1][1:]}-{content.name}{'' if seen is ALL_SEEN else '-seen'}",
    )
    for query in q.STORED_QUERIES.values()
    for slots in given_slots(query)
    for content, seen in LOOKS
]


def compiled_and_arguments(
    query, slots, content, seen, dialect
) -> tuple[CompiledStatement, dict[str, object]]:
    shape = Shape(
        query.id, content, False, tuple((row.slot, 1) for row in query.parameters if row.slot in slots)
    )
    arguments: dict[str, object] = {"limit": 100, **seen.values}
    for row in query.parameters:
        match row.match:
            case Match.FROM | Match.BEFORE:
                value: object = 20240101000000
            case Match.EQUALS if row.attribute == "entryUUID":
                value = "00000000-0000-4000-8000-000000000001"
            case Match.EQUALS:
                value = "p7"
            case Match.OBJECT_IDS:
                value = ["00000000-0000-4000-8000-000000000001"]
            case Match.ANY_OF if row.attribute in ("entryUUID", "logicalID"):
                value = ["00000000-0000-4000-8000-000000000001"]
            case Match.ANY_OF | Match.ANY_LIKE | Match.LISTS_ANY_OF:
                value = ["p7"]
            case _:
                value = [1]
        arguments[bind_name(row)] = value
    return statement_of(shape, seen.sight).compiled(dialect), arguments


@pytest.fixture(scope="module")
def sqlite_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("plans") / "registry"
    migrate(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        yield connection
    connection.close()


@pytest.mark.parametrize(("query", "slots", "content", "seen"), CASES)
def test_sqlite_searches_and_does_not_scan(sqlite_file, query, slots, content, seen):
    statement, arguments = compiled_and_arguments(query, slots, content, seen, SQLITE)
    values = statement.arguments(arguments, _as_json)
    steps = [row[3] for row in sqlite_file.execute("EXPLAIN QUERY PLAN " + statement.text, values)]
    tables = (
        "document_entry",
        "submission_set",
        "folder",
        "association",
        "patient",
        "registered_object",
        "registered_unique_id",
    )
    assert [step for step in steps if step.startswith("SCAN") and step.split()[1] in tables] == []
    if any(slot.endswith("atientId") for slot in slots):
        # What all patients share must not be read to find what one of them has.
        assert [step for step in steps if "code" in step or "list (" in step] == []


def test_postgresql_searches_and_does_not_scan(postgresql_url):
    migrate(postgresql_url)
    with psycopg.connect(postgresql_url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        connection.execute(FILL)
        scans = {case.id: found for case in CASES if (found := list(_scans(connection, case.values)))}
    assert scans == {}


def _as_json(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | tuple) else value


def _scans(connection: psycopg.Connection, case) -> Iterator[str]:
    query, slots, content, seen = case
    statement, arguments = compiled_and_arguments(query, slots, content, seen, POSTGRESQL)
    given = statement.arguments(arguments, lambda value: [*value] if isinstance(value, tuple) else value)
    return scans_in(connection, statement.encoded, given)
