"""Nobody writes into the audit records unseen (the seed: at any time the patient sees who accessed what)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, bindparam, delete, insert, select, text, update

from atna_audit.checkpoints import BadCheckpoint, Checkpoint, SigningKey, read_checkpoints
from atna_audit.iti20_record_audit_event import Arrival, record_of
from atna_audit.merkle import Tree, leaf_of
from atna_audit.store import AuditStore
from atna_audit.tables import audit_leaf, audit_log, audit_record, audit_subject
from atna_audit.verification import Damage, damage_in, newest_checkpoint
from database import Database, Statement, Transaction, open_database
from tests.messages.audit import HEADER, RETRIEVED

SIZE = 13
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
LAST_MONTH = datetime(2029, 12, 2, 12, tzinfo=UTC)
TABLES = (audit_log, audit_leaf, audit_record, audit_subject)


def arrival(number: int, noon: datetime = NOON) -> Arrival:
    message = HEADER.replace(b" p ", b" %d " % number) + RETRIEVED
    return Arrival(message, "10.0.0.9", "tls", noon + timedelta(minutes=number))


async def fill(store: AuditStore, count: int = SIZE, start: int = 0) -> None:
    await store.add([record_of(arrival(number)) for number in range(start, start + count)])


async def damage(store: AuditStore, *known: Checkpoint) -> list[Damage]:
    return [one async for one in damage_in(store.database, store.key, known)]


async def tampered(store: AuditStore, statement: object, **parameters: object) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.execute(Statement(statement), parameters)  # type: ignore[arg-type]  # any of SQLAlchemy's

    await store.database.transact(work)


pytestmark = pytest.mark.anyio


async def test_records_as_they_were_stored_are_verified(store):
    assert await damage(store) == []
    for start in range(5):
        await fill(store, 3, 3 * start)
    assert await damage(store) == []
    assert (await newest_checkpoint(store.database)).size == 15


async def test_a_record_that_is_altered_is_named(store):
    await fill(store)
    other = arrival(7).message.replace(b"ITI-43", b"ITI-18")
    await tampered(
        store, update(audit_record).where(audit_record.c.id == 8).values(message=bindparam("m")), m=other
    )
    assert await damage(store) == [Damage(8, "it is not what was stored")]


async def test_a_record_that_is_gone_is_named(store):
    await fill(store)
    await tampered(store, delete(audit_record).where(audit_record.c.id == 3))
    assert await damage(store) == [Damage(3, "it is missing")]


async def test_whoever_computes_the_leaf_as_well_lacks_the_key(store):
    await fill(store)
    await tampered(store, update(audit_leaf).where(audit_leaf.c.id == 4).values(hash=bytes(32)))
    found = await damage(store)
    assert found[0] == Damage(4, "it is not what was stored")
    assert found[1].trouble.startswith("the first 13 records are not those of the checkpoint over 13 records")


async def test_a_log_cut_back_to_an_older_checkpoint_is_seen_by_a_newer_one(store):
    """Also if everything is as it was then, signature included."""
    await fill(store)
    before = await saved(store.database)
    await fill(store, 5, SIZE)
    kept = await newest_checkpoint(store.database)
    await restored(store.database, before)
    assert await damage(store) == []
    [found] = await damage(store, kept)
    assert found.trouble.startswith("there are 13 records, fewer than at the checkpoint over 18 records")


async def test_a_log_written_anew_with_the_key_is_seen_by_a_checkpoint_kept_elsewhere(store):
    await fill(store)
    kept = await newest_checkpoint(store.database)
    await restored(store.database, {table: [] for table in TABLES[1:]})
    await tampered(store, update(audit_log).values(records=0, peaks=b"", signature=b""))
    await fill(store, SIZE, 1)
    assert await damage(store) == []
    [found] = await damage(store, kept)
    assert found.trouble.startswith("the first 13 records are not those of the checkpoint over 13 records")


async def test_a_checkpoint_of_another_key_proves_nothing(store, tmp_path):
    await fill(store)
    kept = await newest_checkpoint(store.database)
    other = SigningKey.of_file(tmp_path / "other.key")
    forged = other.signed(kept.size, bytes.fromhex(kept.root), 0, kept.at_milliseconds)
    [found] = await damage(store, forged)
    assert found.trouble.startswith("our key did not sign the checkpoint over 13 records")


async def test_what_is_dropped_by_age_stays_proven(store):
    await store.add([record_of(arrival(number, LAST_MONTH)) for number in range(6)])
    await fill(store, 7, 6)
    kept = await newest_checkpoint(store.database)
    assert await store.drop(arrival(6).received_at) == 6
    assert await store.drop(arrival(6).received_at) == 0
    assert await rows(store.database, audit_record, audit_record.c.id) == [(n,) for n in range(7, 14)]
    assert {row[0] for row in await rows(store.database, audit_subject, audit_subject.c.record)} == set(
        range(7, 14)
    )
    assert await damage(store, kept) == []
    assert (await newest_checkpoint(store.database)).dropped == 6
    await tampered(store, delete(audit_record).where(audit_record.c.id == 7))
    assert await damage(store, kept) == [Damage(7, "it is missing")]


async def test_an_older_record_behind_a_younger_one_is_kept_with_it(store):
    """A clock that went back must not have younger records dropped."""
    await store.add([record_of(arrival(1, LAST_MONTH)), record_of(arrival(2))])
    await store.add([record_of(arrival(3, LAST_MONTH))])
    assert await damage(store) == []
    assert await store.drop(arrival(4).received_at) == 1
    assert await damage(store) == []


async def test_a_record_that_is_put_into_another_month_is_named(store):
    """It would be dropped with the others of that month."""
    await fill(store)
    await store.make_room(arrival(0, LAST_MONTH).received_at)
    await tampered(store, update(audit_record).where(audit_record.c.id == 4).values(month=202912))
    assert Damage(4, "it lies in another month") in await damage(store)


async def test_postgresql_has_a_partition_for_each_month(migrated_postgresql_url, tmp_path):
    """And retention drops it whole; what is sent again is known although its month is over."""
    database = await open_database(migrated_postgresql_url)
    store = AuditStore(database, SigningKey.of_file(tmp_path / "key"))
    await store.add([record_of(arrival(1, LAST_MONTH))])
    assert await store.add([record_of(arrival(1))]) == 0
    await store.add([record_of(arrival(2))])
    await store.make_room(arrival(0).received_at + timedelta(days=31))
    assert await partitions(database) == ["audit_record_202912", "audit_record_203001", "audit_record_203002"]
    await store.drop(arrival(0).received_at)
    assert await partitions(database) == ["audit_record_203001", "audit_record_203002"]
    assert await damage(store) == []
    await database.close()


async def partitions(database: Database) -> list[str]:
    """The months that there are."""
    children = "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
    of_records = f"{children} WHERE inhparent = 'audit_record'::regclass AND relkind = 'r' ORDER BY relname"
    return [name for (name,) in await database.fetch(Statement(text(of_records.replace(":", r"\:"))))]


async def test_whoever_says_that_records_were_dropped_lacks_the_key(store):
    await fill(store)
    await tampered(store, update(audit_log).values(dropped=5))
    await tampered(store, delete(audit_subject).where(audit_subject.c.record <= 5))
    await tampered(store, delete(audit_record).where(audit_record.c.id <= 5))
    assert {one.record for one in await damage(store)} == {None, 1, 2, 3, 4, 5}


def test_a_key_is_made_once_and_for_its_owner_only(tmp_path):
    file = tmp_path / "audit-signing.key"
    made = SigningKey.of_file(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert SigningKey.of_file(file).signed_it(made.signed(1, bytes(32), 0, 0))


def test_a_file_of_checkpoints_is_read_line_by_line(tmp_path):
    key = SigningKey.of_file(tmp_path / "key")
    kept = [key.signed(size, bytes(32), 0, 0) for size in (1, 2)]
    file = tmp_path / "audit-checkpoints"
    file.write_text("".join(f"{one.written()}\n" for one in kept) + '{"size": 3, "ro')
    assert list(read_checkpoints(file)) == kept
    file.write_text('{"size": "3"}\n')
    with pytest.raises(BadCheckpoint, match=":1: no checkpoint"):
        list(read_checkpoints(file))


async def rows(database: Database, table: Table, *columns: object) -> list[tuple[object, ...]]:
    query = select(*(columns or table.columns)).order_by(*table.primary_key.columns)
    return await database.fetch(Statement(query))


Saved = dict[Table, list[tuple[object, ...]]]


async def saved(database: Database) -> Saved:
    return {table: await rows(database, table) for table in TABLES}


async def restored(database: Database, content: Saved) -> None:
    async def work(transaction: Transaction) -> None:
        for table, rows_of_table in content.items():
            await transaction.execute(Statement(delete(table)))
            names = [column.name for column in table.columns]
            if rows_of_table:
                await transaction.execute(
                    Statement(insert(table).values({name: bindparam(name) for name in names})),
                    [dict(zip(names, row, strict=True)) for row in rows_of_table],
                )

    await database.transact(work)


# What a forger may do to the rows of the tables; each takes numbers that hypothesis chooses.
Rows = dict[str, list[dict[str, object]]]


def pick(rows_of_table: list[dict[str, object]], number: int) -> dict[str, object]:
    return rows_of_table[number % len(rows_of_table)]


def alter_record(log: Rows, one: int, other: int) -> None:
    record = pick(log["audit_record"], one)
    name = sorted(set(record) - {"id", "month"})[other % (len(record) - 2)]
    value = record[name]
    record[name] = value + b"x" if isinstance(value, bytes) else f"{value}x" if isinstance(value, str) else 4


def alter_subject(log: Rows, one: int, other: int) -> None:
    subject = pick(log["audit_subject"], one)
    subject.update([("value", "nobody"), ("about", 4), ("at_milliseconds", 0)][other % 3 :][:1])


def remove_record(log: Rows, one: int, _: int) -> None:
    log["audit_record"].remove(pick(log["audit_record"], one))


def remove_subject(log: Rows, one: int, _: int) -> None:
    log["audit_subject"].remove(pick(log["audit_subject"], one))


def remove_with_leaf(log: Rows, one: int, _: int) -> None:
    number = pick(log["audit_record"], one)["id"]
    for table, name in (("audit_record", "id"), ("audit_leaf", "id"), ("audit_subject", "record")):
        log[table] = [row for row in log[table] if row[name] != number]


def swap(log: Rows, one: int, other: int) -> None:
    first, second = 1 + one % SIZE, 1 + other % SIZE
    if first == second:
        second = 1 + first % SIZE
    numbers = {first: second, second: first}
    for table, name in (("audit_record", "id"), ("audit_leaf", "id"), ("audit_subject", "record")):
        for row in log[table]:
            row[name] = numbers.get(row[name], row[name])  # type: ignore[call-overload]  # a number


def insert_record(log: Rows, one: int, _: int) -> None:
    record = dict(pick(log["audit_record"], one), id=SIZE + 1, digest="another")
    log["audit_record"].append(record)
    log["audit_leaf"].append({"id": SIZE + 1, "hash": leaf_of(record, [])})


def cut_end(log: Rows, one: int, _: int) -> None:
    size = one % SIZE
    for table, name in (("audit_record", "id"), ("audit_leaf", "id"), ("audit_subject", "record")):
        log[table] = [row for row in log[table] if row[name] <= size]  # type: ignore[operator]  # a number
    grow_again(log)


def alter_and_grow_again(log: Rows, one: int, other: int) -> None:
    """All that can be done without the key: leaves and tree are computed anew."""
    alter_record(log, one, other)
    for leaf, record in zip(log["audit_leaf"], log["audit_record"], strict=True):
        about = [
            (row["about"], row["value"], row["at_milliseconds"])
            for row in log["audit_subject"]
            if row["record"] == record["id"]
        ]
        leaf["hash"] = leaf_of(record, about)  # type: ignore[arg-type]  # as the table has them
    grow_again(log)


def grow_again(log: Rows) -> None:
    tree = Tree()
    for leaf in log["audit_leaf"]:
        tree.append(leaf["hash"])  # type: ignore[arg-type]  # bytes
    log["audit_log"][0].update(records=tree.size, peaks=b"".join(tree.peaks))


def say_dropped(log: Rows, one: int, _: int) -> None:
    log["audit_log"][0]["dropped"] = 1 + one % SIZE
    for table, name in (("audit_record", "id"), ("audit_subject", "record")):
        log[table] = [row for row in log[table] if row[name] > 1 + one % SIZE]  # type: ignore[operator]  # a number


FORGERIES: tuple[Callable[[Rows, int, int], None], ...] = (
    alter_record, alter_subject, remove_record, remove_subject, remove_with_leaf, swap, insert_record,
    cut_end, alter_and_grow_again, say_dropped,
)  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES)
def test_every_forgery_is_seen(forge, migrated_database_url, tmp_path):
    """A property: whatever is altered, removed, added or moved, on either database."""

    async def stored() -> tuple[AuditStore, Saved]:
        store = AuditStore(await open_database(migrated_database_url), SigningKey.of_file(tmp_path / "key"))
        await fill(store)
        return store, await saved(store.database)

    with asyncio.Runner() as loop:
        store, original = loop.run(stored())

        @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
        @given(st.integers(0, 10_000), st.integers(0, 10_000))
        def seen(one: int, other: int) -> None:
            names = {table: [column.name for column in table.columns] for table in original}
            log = {
                table.name: [dict(zip(names[table], row, strict=True)) for row in content]
                for table, content in original.items()
            }
            forge(log, one, other)
            forged = {
                table: [tuple(row[name] for name in names[table]) for row in log[table.name]]
                for table in original
            }
            if forged == original:
                return
            loop.run(restored(store.database, forged))
            assert loop.run(damage(store))

        seen()
        loop.run(restored(store.database, original))
        assert loop.run(damage(store)) == []
        loop.run(store.database.close())


async def test_what_an_older_key_signed_is_verified_after_it_was_changed(store, tmp_path):
    """docs/operating.md: the older keys stay in the file, as far as it takes to verify."""
    file = tmp_path / "audit-signing.key"
    await fill(store)
    old = await newest_checkpoint(store.database)
    new = SigningKey.of_file(file).rotated(file)
    await fill(AuditStore(store.database, SigningKey.of_file(file)), start=SIZE)
    newer = await newest_checkpoint(store.database)
    assert [one async for one in damage_in(store.database, SigningKey.of_file(file), (old, newer))] == []
    assert new.signed_it(newer)
    assert not SigningKey(new.key).signed_it(old)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes().count(b"BEGIN PRIVATE KEY") == 1
