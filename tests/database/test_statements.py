"""SQLAlchemy Core statements as text for the raw drivers; conditions that both dialects answer alike."""

import pytest
from sqlalchemy import ARRAY, Column, Integer, MetaData, Table, Text, bindparam, insert, select

from database import Database, Statement, any_like, any_of, overlaps
from database.statements import POSTGRESQL, SQLITE

thing = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("numbers", ARRAY(Integer).with_variant(Text(), "sqlite")),
    Column("words", ARRAY(Text).with_variant(Text(), "sqlite")),
)
INSERT = Statement(insert(thing).inline())


async def ids(database: Database, condition, **parameters) -> list[int]:
    statement = Statement(select(thing.c.id).where(condition).order_by(thing.c.id))
    return [row[0] for row in await database.fetch(statement, parameters)]


async def words_that_fit(database: Database, pattern: str, words: list[str]) -> list[str]:
    async with database.transaction() as transaction:
        rows = [{"id": n, "name": str(n), "numbers": [], "words": [word]} for n, word in enumerate(words)]
        await transaction.execute(INSERT, rows)
    found = await ids(database, any_like(thing.c.words, bindparam("patterns")), patterns=[pattern])
    return [words[n] for n in found]


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_a_statement_is_text_and_parameter_order_for_each_dialect():
    statement = Statement(select(thing.c.id).where(thing.c.name == bindparam("name"), thing.c.id > 7))
    assert one_line(statement.compiled(SQLITE).text) == (
        "SELECT thing.id FROM thing WHERE thing.name = ? AND thing.id > ?"
    )
    assert one_line(statement.compiled(POSTGRESQL).text) == (
        "SELECT thing.id FROM thing WHERE thing.name = $1::VARCHAR AND thing.id > $2::INTEGER"
    )
    assert statement.compiled(SQLITE).arguments({"name": "a"}) == ["a", 7]


def test_a_statement_is_compiled_once():
    statement = Statement(select(thing.c.id))
    assert statement.compiled(SQLITE) is statement.compiled(SQLITE)


def test_a_missing_parameter_is_an_error_and_not_null():
    statement = Statement(select(thing.c.id).where(thing.c.name == bindparam("name")))
    with pytest.raises(KeyError, match="name"):
        statement.compiled(SQLITE).arguments({})


@pytest.mark.anyio
async def test_any_of_finds_each_element_and_an_empty_list_finds_nothing(database):
    async with database.transaction() as transaction:
        rows = [{"id": n, "name": name, "numbers": [], "words": []} for n, name in enumerate("abc")]
        await transaction.execute(INSERT, rows)
    condition = any_of(thing.c.name, bindparam("names"))
    assert await ids(database, condition, names=["a", "c", "'; --"]) == [0, 2]
    assert await ids(database, condition, names=[]) == []
    assert await ids(database, any_of(thing.c.id, bindparam("ids")), ids=[1, 9]) == [1]


@pytest.mark.anyio
async def test_overlaps_finds_rows_that_share_an_element(database):
    async with database.transaction() as transaction:
        await transaction.execute(INSERT, [
            {"id": 1, "name": "a", "numbers": [1, 2], "words": []},
            {"id": 2, "name": "b", "numbers": [3], "words": []},
            {"id": 3, "name": "c", "numbers": [], "words": []},
        ])  # fmt: skip
    condition = overlaps(thing.c.numbers, bindparam("numbers"))
    assert await ids(database, condition, numbers=[2, 3]) == [1, 2]
    assert await ids(database, condition, numbers=[2, 9]) == [1]
    assert await ids(database, condition, numbers=[]) == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("%^Smith^%", ["12^Smith^John"]),
        ("12^_mith%", ["12^Smith^John"]),
        ("12^smith%", []),
        ("a\\%", ["a\\b"]),
        ("[x]*?", ["[x]*?"]),
        ("é_", ["é€"]),
        ("", []),
    ],
)
async def test_only_percent_and_underscore_are_special_in_a_pattern(database, pattern, fitting):
    """ITI TF-2: 3.18.4.1.2.3.5; case, backslash, brackets, stars and question marks stand for themselves."""
    words = ["12^Smith^John", "a\\b", "a%b", "[x]*?", "xq", "é€", "é"]
    assert await words_that_fit(database, pattern, words) == fitting
