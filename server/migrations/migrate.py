"""Run the migrations, once, however many processes start at the same moment."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from database import DatabaseBusy, DatabaseUnavailable

# The last file in versions/; a process that finds it in the database has nothing to do.
NEWEST = "0020"

# Any number, the same in every process: who holds this PostgreSQL advisory lock migrates.
_LOCK = 0x436F66667265
# A process that waits for another's migration gives up after this; no migration of ours takes as long.
_WAIT_SECONDS = 300


def migrate(url: str) -> None:
    """Create or bring up to date every table of this database; returns at once if there is nothing to do."""
    with _connection(url) as connection:
        if _revision(connection) == NEWEST:
            return
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        else:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
        if _revision(connection) != NEWEST:
            configuration = Config()
            configuration.set_main_option("script_location", str(Path(__file__).parent))
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, NEWEST)
        connection.commit()


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """One connection whose single transaction holds the whole migration, lock included."""
    if url.startswith("sqlite:///"):
        # autocommit: the BEGIN is ours, and takes the lock before anything is read.
        engine = create_engine("sqlite://", creator=lambda: _open_file(url), poolclass=NullPool)
    else:
        options = f"-c lock_timeout={_WAIT_SECONDS}s"
        engine = create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(url, options=options), poolclass=NullPool
        )
    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as error:
        state = getattr(error.orig, "sqlstate", "") or ""
        if state == "55P03" or getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY:
            raise DatabaseBusy("another process is migrating") from error
        raise DatabaseUnavailable("the database cannot be reached") from error
    finally:
        engine.dispose()


def _open_file(url: str) -> sqlite3.Connection:
    path = url.removeprefix("sqlite:///")
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    return sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
