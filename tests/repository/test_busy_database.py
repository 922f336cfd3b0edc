"""What becomes of a submission when the database does not answer in time (ITI TF-2: 3.41.4.1.3)."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from database import Database, Limits, open_database
from server.migrations.migrate import migrate
from tests.repository.iti41 import (
    FAILURE,
    SUCCESS,
    Registry,
    blobs_in,
    bytes_of,
    entry,
    provide,
    refusal,
    store_in,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    migrate(database_url)
    opened = await open_database(database_url, Limits(wait_seconds=0.1, statement_seconds=0.1, attempts=1))
    yield opened
    await opened.close()


@contextmanager
def nobody_else_writes(url: str):
    """Another program holds what every writer of documents needs."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
    else:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE document IN EXCLUSIVE MODE")
            yield
            connection.rollback()


async def test_a_submission_that_cannot_be_recorded_in_time_may_be_sent_again(store, database_url, tmp_path):
    """ITI TF-3: Table 4.2.4.1-2, XDSRepositoryBusy."""
    registry = Registry()
    with nobody_else_writes(database_url):
        assert await refusal(store, registry, (entry(1), b"one")) == [
            ("XDSRepositoryBusy", "too many submissions at once; send this one again")
        ]
    assert registry.received == []
    assert await provide(store, registry, (entry(1), b"one")) == SUCCESS
    assert await bytes_of(store, "2.999.3.1") == b"one"


async def test_bytes_that_could_not_be_removed_are_removed_at_the_next_start(
    store, database, vault, database_url, tmp_path
):
    """ITI TF-2: 3.41.4.1.3."""
    with nobody_else_writes(database_url):
        await refusal(store, Registry(), (entry(1), b"one"))
    assert blobs_in(tmp_path) == 1
    await store.close()
    restarted = await store_in(tmp_path / "documents", database, vault)
    assert blobs_in(tmp_path) == 0
    await restarted.close()


@pytest.mark.parametrize("answer", [SUCCESS, FAILURE], ids=["success", "failure"])
async def test_the_registry_s_answer_stands_even_if_we_cannot_write_it_down(store, database_url, answer):
    """ITI TF-2: 3.41.4.2: what is registered is not reported as failed."""
    registry = Registry(answer)
    lock = nobody_else_writes(database_url)

    async def hold() -> None:
        lock.__enter__()

    registry.meanwhile = hold
    assert await provide(store, registry, (entry(1), b"one")) == answer
    lock.__exit__(None, None, None)
    assert await bytes_of(store, "2.999.3.1") == b"one"
