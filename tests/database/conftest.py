"""An empty table in each of the two databases."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import ARRAY, Column, Integer, MetaData, Table, Text, text

from database import Database, Limits, Statement, open_database

thing = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("numbers", ARRAY(Integer).with_variant(Text(), "sqlite")),
    Column("words", ARRAY(Text).with_variant(Text(), "sqlite")),
)

_CREATE = {
    "sqlite": "CREATE TABLE thing (id int PRIMARY KEY, name text UNIQUE, numbers text, words text)",
    "postgresql": "CREATE TABLE thing (id int PRIMARY KEY, name text UNIQUE, numbers int[], words text[])",
}


@pytest.fixture
def limits() -> Limits:
    return Limits(connections=3, idle_connections=3, waiting=4, wait_seconds=1.0, statement_seconds=1.0)


@pytest.fixture
async def database(database_url: str, limits: Limits) -> AsyncIterator[Database]:
    opened = await open_database(database_url, limits)
    async with opened.transaction() as transaction:
        await transaction.execute(Statement(text(_CREATE[opened.dialect])))
    yield opened
    await opened.close()
