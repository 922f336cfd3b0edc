"""Many rows come in batches, as of one moment, and hold a connection only while they are wanted."""

import asyncio
from contextlib import aclosing

import pytest
from sqlalchemy import column, insert, select, table, text

from database import DatabaseError, Statement

pytestmark = pytest.mark.anyio

thing = table("thing", column("id"), column("name"))

INSERT = Statement(insert(thing).inline())
IDS = Statement(select(thing.c.id).order_by(thing.c.id))


@pytest.fixture
async def filled(database):
    async with database.transaction() as transaction:
        await transaction.execute(INSERT, [{"id": n, "name": str(n)} for n in range(2500)])
    return database


async def test_rows_come_in_batches_of_the_size_asked_for(filled):
    sizes, ids = [], []
    async for rows in filled.batches(IDS, size=1000):
        sizes.append(len(rows))
        ids += [number for (number,) in rows]
    assert sizes == [1000, 1000, 500]
    assert ids == list(range(2500))


async def test_nothing_found_is_no_batch(database):
    assert [rows async for rows in database.batches(IDS)] == []


async def test_batches_are_of_one_moment(filled):
    seen = 0
    async with aclosing(filled.batches(IDS, size=1000)) as batches:
        async for rows in batches:
            seen += len(rows)
            if seen == 1000:
                async with filled.transaction() as transaction:
                    await transaction.execute(INSERT, {"id": 9999, "name": "late"})
    assert seen == 2500


async def test_whoever_stops_early_gives_the_connection_back(filled, limits):
    for _ in range(2 * limits.connections):
        async with aclosing(filled.batches(IDS, size=10)) as batches:
            async for rows in batches:
                assert len(rows) == 10
                break
    assert len(await filled.fetch(IDS)) == 2500


async def test_many_may_read_at_once(filled, limits):
    async def count() -> int:
        return sum([len(rows) async for rows in filled.batches(IDS, size=100)])

    assert await asyncio.gather(*(count() for _ in range(limits.connections))) == [2500] * limits.connections


async def test_a_statement_that_cannot_be_run_is_told_in_the_doors_words(database):
    with pytest.raises(DatabaseError):
        async for _ in database.batches(Statement(text("SELECT 1 FROM nowhere"))):
            pass
    assert await database.fetch(IDS) == []
