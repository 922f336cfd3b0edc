"""The door itself: what is committed, undone, waited for and refused, the same on both databases."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)

from database import (
    ConflictingWrite,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    DatabaseUnavailable,
    Limits,
    RowsInto,
    Statement,
    open_database,
)
from database.sqlite import READERS

pytestmark = pytest.mark.anyio

thing = Table("thing", MetaData(), Column("id", Integer, primary_key=True), Column("name", Text))
INSERT = Statement(insert(thing).inline())
NAMES = Statement(select(thing.c.name).order_by(thing.c.id))
COUNT = Statement(select(func.count()).select_from(thing))
RENAME = Statement(update(thing).where(thing.c.id == bindparam("wanted")).values(name=bindparam("new_name")))
SLOW = {
    "postgresql": "SELECT pg_sleep(20)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
}


async def names(database) -> list[str]:
    return [row[0] for row in await database.fetch(NAMES)]


async def test_a_transaction_that_ends_well_is_seen_afterwards(database):
    async with database.transaction() as transaction:
        await transaction.execute(INSERT, {"id": 1, "name": "a"})
        assert await transaction.fetch(NAMES) == [("a",)]
        assert await names(database) == []
    assert await names(database) == ["a"]


async def test_a_transaction_that_raises_leaves_nothing(database):
    async def fail() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(INSERT, {"id": 1, "name": "a"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await names(database) == []


async def test_rows_go_in_at_once_all_or_none(database):
    """What is null stays so; one that is there already undoes the others."""
    into = RowsInto(thing)
    async with database.transaction() as transaction:
        await transaction.execute(into, [])
        await transaction.execute(into, [{"id": 1, "name": "a"}, {"id": 2, "name": None}])
        await transaction.execute(into, {"id": 3, "name": "c"})
    assert await names(database) == ["a", None, "c"]
    with pytest.raises(ConflictingWrite):
        async with database.transaction() as transaction:
            await transaction.execute(into, [{"id": 4, "name": "d"}, {"id": 1, "name": "again"}])
    assert await names(database) == ["a", None, "c"]


async def test_rows_that_go_in_at_once_keep_every_byte_and_character(database):
    """Long values travel as they are, and texts may hold what marks the places of an array."""
    piece = Table("piece", MetaData(), Column("content", LargeBinary), Column("title", Text))
    types = {"postgresql": "bytea", "sqlite": "blob"}
    rows = [
        {"content": bytes(range(256)) * 40, "title": '{"a","b"}'},
        {"content": b"", "title": ""},
        {"content": b"\\x00", "title": "back\\slash, NULL"},
    ]
    async with database.transaction() as transaction:
        made = f"CREATE TABLE piece (content {types[database.dialect]}, title text)"
        await transaction.execute(Statement(text(made)))
        await transaction.execute(RowsInto(piece), rows)
    found = await database.fetch(Statement(select(piece)))
    assert found == [(row["content"], row["title"]) for row in rows]


async def test_several_statements_travel_together_and_answer_apart(database):
    async with database.transaction() as transaction:
        rows = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
        assert await transaction.fetch_each((INSERT, rows), (NAMES, {}), (COUNT, {})) == [
            [],
            [("a",), ("b",)],
            [(2,)],
        ]


async def test_several_statements_that_read_travel_together_and_stand_alone(database):
    """Each is answered in its place; one that fails fails all of them, and none afterwards."""
    async with database.transaction() as transaction:
        await transaction.execute(INSERT, [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
    assert await database.fetch_each((COUNT, {}), (NAMES, {})) == [[(2,)], [("a",), ("b",)]]
    with pytest.raises(DatabaseError):
        await database.fetch_each((COUNT, {}), (Statement(text("SELECT nothing FROM nowhere")), {}))
    assert await database.fetch_each((NAMES, {}), (COUNT, {})) == [[("a",), ("b",)], [(2,)]]


async def test_what_goes_along_is_committed_with_the_rest_or_not_at_all(database):
    also = (INSERT, {"id": 2, "name": "b"})

    async def change(transaction) -> None:
        await transaction.execute(INSERT, {"id": 1, "name": "a"})
        assert await transaction.fetch(NAMES) == [("a",)]

    async def fail(transaction) -> None:
        await change(transaction)
        raise ZeroDivisionError

    async def do_nothing(transaction) -> None:
        return

    with pytest.raises(ZeroDivisionError):
        await database.transact(fail, [also])
    await database.transact(do_nothing, [also])
    assert await names(database) == []
    await database.transact(change, [also])
    assert await names(database) == ["a", "b"]


async def test_what_cannot_go_along_undoes_the_rest(database):
    async def change(transaction) -> None:
        await transaction.execute(INSERT, {"id": 1, "name": "a"})

    with pytest.raises(ConflictingWrite):
        await database.transact(change, [(INSERT, {"id": 2, "name": "a"})])
    assert await names(database) == []
    await database.transact(change)
    assert await names(database) == ["a"]


async def test_a_reading_sees_one_moment(database):
    async with database.reading() as reading:
        assert await reading.fetch(COUNT) == [(0,)]
        async with database.transaction() as transaction:
            await transaction.execute(INSERT, {"id": 1, "name": "a"})
        assert await reading.fetch(COUNT) == [(0,)]
    assert await database.fetch(COUNT) == [(1,)]


async def test_a_broken_uniqueness_is_a_conflicting_write_and_undoes_the_rest(database):
    with pytest.raises(ConflictingWrite):
        async with database.transaction() as transaction:
            await transaction.execute(INSERT, [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}])
    assert await names(database) == []


async def test_work_that_lost_a_race_runs_again(database):
    attempts = []

    async def work(transaction):
        attempts.append(await transaction.fetch(COUNT))
        await transaction.execute(INSERT, {"id": 1 if len(attempts) == 1 else 2, "name": "b"})

    async with database.transaction() as transaction:
        await transaction.execute(INSERT, {"id": 1, "name": "a"})
    await database.transact(work)
    assert attempts == [[(1,)], [(1,)]]
    assert await names(database) == ["a", "b"]


async def test_work_that_never_wins_is_refused_in_the_end(database):
    async with database.transaction() as transaction:
        await transaction.execute(INSERT, {"id": 1, "name": "a"})
    with pytest.raises(ConflictingWrite):
        await database.transact(lambda transaction: transaction.execute(INSERT, {"id": 1, "name": "b"}))
    async with database.transaction() as transaction:
        await transaction.execute(INSERT, {"id": 2, "name": "b"})


async def test_many_writers_all_commit(database_url, database):
    """More than one group of SQLite's, and more than the pool of PostgreSQL holds."""
    roomy = await open_database(database_url, Limits(connections=4))

    async def write(n: int) -> None:
        async with roomy.transaction() as transaction:
            await transaction.execute(INSERT, {"id": n, "name": str(n)})
            if n % 10 == 3:
                raise LookupError

    results = await asyncio.gather(*(write(n) for n in range(200)), return_exceptions=True)
    assert [n for n, result in enumerate(results) if result is not None] == list(range(3, 200, 10))
    assert sorted(await names(roomy)) == sorted(str(n) for n in range(200) if n % 10 != 3)
    await roomy.close()


async def test_what_a_transaction_returned_from_is_in_the_file_or_on_the_server(database_url, database):
    async with database.transaction() as transaction:
        await transaction.execute(INSERT, {"id": 1, "name": "a"})
    another = await open_database(database_url)
    assert await names(another) == ["a"]
    await another.close()


async def test_a_cancelled_writer_leaves_nothing_and_lets_the_next_one_in(database):
    begun = asyncio.Event()

    async def hesitate() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(INSERT, {"id": 1, "name": "a"})
            begun.set()
            await asyncio.sleep(60)

    async def write() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(INSERT, {"id": 2, "name": "b"})

    first = asyncio.create_task(hesitate())
    await begun.wait()
    impatient, patient = asyncio.create_task(write()), asyncio.create_task(write())
    await asyncio.sleep(0.05)
    impatient.cancel()
    first.cancel()
    await asyncio.wait([first, impatient, patient])
    assert patient.exception() is None or isinstance(patient.exception(), ConflictingWrite)
    assert await names(database) == ["b"]


async def test_a_queue_that_is_full_or_too_slow_is_busy(database, limits):
    """Three connections (or one writer), four may wait: the next hears it at once, the others in time."""
    release = asyncio.Event()

    async def hold(n: int) -> None:
        async with database.transaction() as transaction:
            await transaction.execute(INSERT, {"id": n, "name": str(n)})
            await release.wait()

    holders = limits.connections if database.dialect == "postgresql" else 1
    tasks = [asyncio.create_task(hold(n)) for n in range(holders + limits.waiting)]
    await asyncio.sleep(0.2)
    with pytest.raises(DatabaseBusy):
        await asyncio.wait_for(hold(99), 0.5)
    done, _ = await asyncio.wait(tasks[holders:], timeout=limits.wait_seconds + 2)
    assert {type(task.exception()) for task in done} == {DatabaseBusy}
    assert len(done) == limits.waiting
    release.set()
    await asyncio.gather(*tasks[:holders])
    assert len(await names(database)) == holders


NO_ROOM = {
    "sqlite": ["PRAGMA max_page_count = 1"],
    "postgresql": [
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER no_room BEFORE INSERT ON thing EXECUTE FUNCTION no_room()",
    ],
}


async def test_a_database_without_room_says_so_and_keeps_what_it_has(database):
    async with database.transaction() as transaction:
        await transaction.execute(INSERT, {"id": 1, "name": "a"})
    async with database.transaction() as transaction:
        for statement in NO_ROOM[database.dialect]:
            await transaction.fetch(Statement(text(statement)))
    with pytest.raises(DatabaseFull):
        async with database.transaction() as transaction:
            await transaction.execute(INSERT, {"id": 2, "name": "b" * 10_000_000})
    assert await names(database) == ["a"]


async def test_an_endless_statement_is_stopped(database):
    with pytest.raises(DatabaseBusy):
        await asyncio.wait_for(database.fetch(Statement(text(SLOW[database.dialect]))), 4)
    assert await names(database) == []


async def test_the_event_loop_runs_on_while_a_statement_works(database):
    slow = asyncio.create_task(database.fetch(Statement(text(SLOW[database.dialect]))))
    ticks = 0
    while not slow.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert isinstance(slow.exception(), DatabaseBusy)
    assert ticks > 50


async def test_a_place_that_is_not_there_is_unavailable(tmp_path):
    impatient = Limits(wait_seconds=0.5)
    with pytest.raises(DatabaseUnavailable):
        await open_database(f"postgresql://nobody@/none?host={tmp_path}", impatient)
    with pytest.raises(DatabaseUnavailable):
        await open_database(f"sqlite:///{tmp_path}/absent/file", impatient)
    with pytest.raises(ValueError, match="begins with"):
        await open_database("mysql://localhost/x")


async def test_the_sqlite_file_is_its_owners_alone(tmp_path):
    database = await open_database(f"sqlite:///{tmp_path}/file")
    await database.close()
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


async def test_connections_lost_while_idle_are_replaced(database_url, database):
    if database.dialect == "postgresql":
        another = await open_database(database_url)
        await another.fetch(
            Statement(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        )
        assert await names(database) == []
        await database.fetch(COUNT)
        await another.close()
    await database.transact(lambda transaction: transaction.execute(INSERT, {"id": 1, "name": "a"}))
    assert await names(database) == ["a"]


async def test_work_whose_connection_was_lost_before_the_commit_runs_again(database_url, database):
    if database.dialect == "postgresql":
        another = await open_database(database_url)
        kill = Statement(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'")
        )
        runs = 0

        async def work(transaction) -> None:
            nonlocal runs
            runs += 1
            await transaction.execute(INSERT, {"id": runs, "name": "a"})
            if runs == 1:
                await transaction.execute(Statement(text("SET application_name = 'victim'")))
                await another.fetch(kill)
                await transaction.fetch(COUNT)

        await database.transact(work)
        assert runs == 2
        await another.close()
        assert await names(database) == ["a"]


async def test_a_server_that_acknowledges_early_is_told_not_to(postgresql_url):
    """What is answered is on the disk: the tests' server is set to synchronous_commit = off."""
    database = await open_database(postgresql_url)
    assert await database.fetch(Statement(text("SELECT current_setting('synchronous_commit')"))) == [("on",)]
    await database.close()


async def test_more_than_the_local_disk_may_be_asked_for(postgresql_url):
    """An operator with standbys says remote_apply, and keeps it."""
    with_option = f"{postgresql_url}&options=-c%20synchronous_commit%3Dremote_apply"
    database = await open_database(with_option)
    found = await database.fetch(Statement(text("SELECT current_setting('synchronous_commit')")))
    assert found == [("remote_apply",)]
    await database.close()


async def test_sqlite_waits_for_the_disk_at_every_commit(sqlite_url):
    """synchronous = FULL (2) flushes the log before a commit returns, in WAL mode too."""
    database = await open_database(sqlite_url)
    assert await database.fetch(Statement(text("PRAGMA synchronous"))) == [(2,)]
    assert await database.fetch(Statement(text("PRAGMA journal_mode"))) == [("wal",)]
    await database.close()


async def test_a_reading_begins_where_the_last_one_on_its_connection_has_ended(database):
    """The end is not waited for, and all the same comes before what the next one does."""
    readers = READERS if database.dialect == "sqlite" else database.limits.connections
    others = [database.reading() for _ in range(readers - 1)]
    async with AsyncExitStack() as stack:
        for one in others:
            await (await stack.enter_async_context(one)).fetch(COUNT)
        for _ in range(3):
            async with database.reading() as reading:
                assert await reading.fetch(COUNT) == [(0,)]
