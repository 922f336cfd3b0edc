"""A server and its PostgreSQL as a country would run them: rules, users and audit on, two processes."""

import os
import random
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from bench.population import Population, fill, patient_id
from server.migrations import migrate
from tests.services.guarded import XUA
from tests.services.platform import Platform, running
from tests.services.ports import free_port
from tests.services.postgresql import Cluster, own_cluster
from tests.services.ruled import API, RULED_DOMAIN, Person, write_rules

WORKERS = 2
PROFESSIONALS = tuple(Person(f"B{number:02d}") for number in range(16))
# What these rules let a doctor read.
READ_BY_DOCTORS = ("NOTE", "LAB")
# Of whom the patient excludes one.
OTHERS = 7

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "2GB",
    "max_wal_size": "4GB",
    "maintenance_work_mem": "512MB",
}
# All clients are on one machine, which may not hold so much of the server otherwise.
TOML = f"""{RULED_DOMAIN}
[server]
workers = {WORKERS}

[clients]
requests = 1000
requests_per_second = 1000000
"""
WITHOUT_RULES = TOML.replace('rules = "rules.toml"\n', "")
# The API is for users.
WITHOUT_USERS = WITHOUT_RULES.replace(XUA, "").replace(API, "")

# What only unreadable documents replaced is seen as if it had not been replaced.
_VISIBLE = """
    SELECT patient FROM document_entry AS one JOIN code ON code.id = one.type_code
    WHERE code.code = ANY(%(read)s) AND (one.status = 0 OR NOT EXISTS (
        SELECT FROM withdrawal JOIN document_entry AS newer ON newer.id = withdrawal.replacement
        JOIN code AS type ON type.id = newer.type_code
        WHERE withdrawal.document = one.id AND type.code = ANY(%(read)s)
    ))
    GROUP BY patient HAVING count(*) = %(visible)s ORDER BY md5(patient::text) LIMIT %(most)s
"""

_APPROVED = """
    SELECT patient FROM document_entry WHERE status = 0
    GROUP BY patient HAVING count(*) = %(approved)s ORDER BY md5(patient::text) LIMIT %(most)s
"""
# So many that nobody's is asked for twice while another waits.
MOST_PATIENTS = 2000


@contextmanager
def cluster(directory: Path) -> Iterator[Cluster]:
    """A PostgreSQL on the disk, which loses nothing."""
    with own_cluster(str(directory), SETTINGS) as one:
        yield one


def populated(url: str, population: Population) -> Iterator[int]:
    """Fill a database with patients, documents and what patients have decided."""
    migrate(url)
    yield from fill(url, population)
    decide(url, population)


def decide(url: str, population: Population) -> None:
    """Every record is open, two of the professionals and some others may read it, and one may not."""
    dice = random.Random(population.seed)
    with psycopg.connect(url) as connection:
        statuses = "COPY consent_status (patient, status, made, made_by) FROM STDIN"
        with connection.cursor().copy(statuses) as copy:
            for number in range(1, population.patients + 1):
                copy.write_row((patient_id(number), "open", 0, "bench"))
        columns = "patient, kind, party_kind, party, document, rights, level, origin, made, made_by"
        with connection.cursor().copy(f"COPY consent_directive ({columns}) FROM STDIN") as copy:
            for number in range(1, population.patients + 1):
                who = patient_id(number)
                known = [reader_of(number).party.id, reader_of(number + 1).party.id]
                others = [f"2.999.4|{dice.randrange(3000):05d}" for _ in range(OTHERS)]
                for party in (*known, *others[1:]):
                    grant = (who, "grant", "person", party, "", "deposit read", 2, "portal", 0, "bench")
                    copy.write_row(grant)
                copy.write_row((who, "exclusion", "person", others[0], "", "", 0, "", 0, "bench"))
        connection.execute("ANALYZE consent_status, consent_directive")


def reader_of(number: int) -> Person:
    """Somebody who may read the record of this patient."""
    return PROFESSIONALS[number % len(PROFESSIONALS)]


def patients_with(url: str, visible: int) -> Sequence[int]:
    """Some patients of whom a doctor sees so many documents."""
    asked = {"read": list(READ_BY_DOCTORS), "visible": visible, "most": MOST_PATIENTS}
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(_VISIBLE, asked)]


def patients_with_approved(url: str, approved: int) -> Sequence[int]:
    """Some patients of whom anybody sees so many documents where there are no rules."""
    with psycopg.connect(url) as connection:
        return [
            row[0] for row in connection.execute(_APPROVED, {"approved": approved, "most": MOST_PATIENTS})
        ]


@contextmanager
def server(
    directory: Path, url: str, toml: str = TOML, tls: ssl.SSLContext | None = None
) -> Iterator[Platform]:
    """Two processes that serve this database."""
    environment = {"COFFRE_DATABASE_URL": url}
    with running(write_rules(directory), toml=toml, environment=environment, tls=tls) as platform:
        yield platform


@contextmanager
def empty_server(directory: Path, answer_bytes: int) -> Iterator[tuple[str, int]]:
    """A server that answers with so many bytes whatever it is asked: where it is, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.empty_app:app", "--port", str(port)]
    command += ["--workers", str(WORKERS), "--no-access-log", "--log-level", "error"]
    with (directory / "empty.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, env={**os.environ, "ANSWER_BYTES": str(answer_bytes)})
    try:
        url = f"http://127.0.0.1:{port}/"
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()
