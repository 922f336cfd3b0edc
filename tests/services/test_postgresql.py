"""The tests' own PostgreSQL server keeps what it promises to the tests."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.services import postgresql


@pytest.mark.parametrize("round_number", [1, 2])
def test_each_test_gets_an_empty_database(postgresql_url, round_number):
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("CREATE TABLE patient (id text)")


def test_the_url_is_understood_by_sqlalchemy_too(postgresql_url):
    engine = create_engine(postgresql_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        assert connection.execute(text("SHOW server_encoding")).scalar() == "UTF8"
    engine.dispose()


def test_a_connection_left_open_does_not_keep_the_database():
    with postgresql.session_folder() as folder:
        with postgresql.fresh_database(folder) as url:
            left_open = psycopg.connect(url)
        with left_open, pytest.raises(psycopg.errors.AdminShutdown):
            left_open.execute("SELECT 1")


def test_database_url_offers_sqlite_and_postgresql(database_url, request):
    kind = request.node.callspec.params["database_url"]
    assert database_url.startswith(f"{kind}://")


@pytest.mark.parametrize("last_signal", [signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_the_session_even_when_that_is_killed(last_signal):
    session = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time; from tests.services.postgresql import *\n"
            "with session_folder() as folder: server_url(folder); print(folder, flush=True); time.sleep(60)",
        ],
        cwd=postgresql.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with session:
        assert session.stdout is not None
        folder = Path(session.stdout.readline().strip())
        server_id = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(session.pid, last_signal)
    deadline = time.monotonic() + postgresql.STOP_TIMEOUT_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server_id, 0)


def test_a_server_that_cannot_start_fails_the_test():
    with postgresql.session_folder() as folder:
        (folder / "data" / "of somebody else").mkdir(parents=True)
        with pytest.raises(RuntimeError, match=r"initdb failed: .* exists but is not empty"):
            postgresql.server_url(folder)
