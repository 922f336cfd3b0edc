"""What the audit trail costs, and how quickly its repository takes and finds records (`make bench-audit`).

Queries with the audit trail, and the same with none; records stored next to plain rows of the same database;
journals of patients among ten million records. Rounds are interleaved, and each figure is their median.
"""

import argparse
import asyncio
import hashlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice
from pathlib import Path

import psycopg

from atna_audit.checkpoints import SigningKey
from atna_audit.iti20_record_audit_event import Arrival, record_of
from atna_audit.journal import Wanted
from atna_audit.store import RECORDS_AT_ONCE, AuditStore
from audit_message.read import read_audit_message
from audit_message.write import write_audit_message
from bench.load import Load, raw_request
from bench.population import Population
from bench.queries import answered, messages
from bench.report import publish, publish_results, table
from bench.rounds import Asked, in_turns, median, ratio, ratios
from bench.targets import Result
from bench.world import SETTINGS, TOML, cluster, patients_with, populated
from database import Database, open_database
from server.journal import read_journal
from server.migrations import migrate
from tests.messages.audit import HEADER, RETRIEVED
from tests.services.platform import ROOT, Platform, running
from tests.services.postgresql import own_cluster
from tests.services.ruled import write_rules

DOCUMENTS, PATIENTS = 100_000, 5_000
FOUND = 10
INGESTED = 20 * RECORDS_AT_ONCE
MONTHS = 36
RECORDS_OF_A_PATIENT = 200
JOURNALS = 40
# Nothing that is only read has to outlive a crash.
LOADED_AT_ONCE = {**SETTINGS, "fsync": "off", "autovacuum": "off", "max_wal_size": "16GB"}


def main() -> int:
    """Measure and publish."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=10_000_000, help="among which journals are read")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=int, default=4, help="of each load in each round")
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="for the database")  # noqa: S108
    arguments.add_argument("--quick", action="store_true", help="write nothing down")
    asked = arguments.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="coffre-bench-", dir=asked.directory))
    directory.chmod(0o755)
    try:
        text, result = share(directory, asked.rounds, asked.seconds)
        publish("bench-audit-share", text, quick=asked.quick)
        publish_results("bench-audit", [result], f"{DOCUMENTS:,} documents.", quick=asked.quick)
        publish("bench-audit-ingest", asyncio.run(ingest(directory, asked.rounds)), quick=asked.quick)
        publish("bench-audit-journal", asyncio.run(journals(directory, asked.records)), quick=asked.quick)
    finally:
        shutil.rmtree(directory)
    return 0


def share(directory: Path, rounds: int, seconds: int) -> tuple[str, Result]:
    """Queries of four servers: none, the spool, that never flushed, and with an Audit Record Repository."""
    with cluster(directory) as database:
        for stored in populated(database.url, Population(PATIENTS, DOCUMENTS)):
            print(f"\r{stored:,} documents", end="", flush=True)
        patients = patients_with(database.url, FOUND)
        with (
            _server(directory / "none", database.url, "registry", "unaudited") as none,
            _server(directory / "unflushed", database.url, "registry", "unflushed") as unflushed,
            _server(directory / "spool", database.url, "registry") as spool,
            _server(directory / "repository", database.url, "all") as repository,
        ):
            sent = messages(patients)
            asked = {}
            servers = {"none": none, "unflushed": unflushed, "spool": spool, "repository": repository}
            for name, one in servers.items():
                answered(one, sent[0])
                url = one.registry_url
                load = Load(directory, name, url, [raw_request(url, each) for each in sent])
                asked[name] = Asked(partial(load.run, seconds), one.process.pid)
            figures, _ = in_turns(asked, rounds, {})
        if _spooled_bytes(directory / "none") > _spooled_bytes(directory / "spool") / 10:
            raise SystemExit("the server that is to record nothing records")
    off = figures["none"]
    rows = [
        (
            said,
            f"{median(figures[name].rates):,.0f}/s",
            *ratio(figures[name].rates, off.rates),
            f"{median(figures[name].p50) * 1000:.1f} ms",
            ratio(figures[name].p50, off.p50)[0],
        )
        for name, said in (
            ("none", "none"),
            ("unflushed", "spool, flushes that do nothing"),
            ("spool", "spool, one flush for all who wait"),
            ("repository", "spool, and our own repository takes the records meanwhile"),
        )
    ]
    on = figures["spool"]
    result = Result("14, audit", on.said, f"without: {median(off.rates):,.0f}/s", ratios(on.rates, off.rates))
    return table(("audit trail", "queries", "of none", "spread", "p50", "of none"), rows), result


def _spooled_bytes(directory: Path) -> int:
    return sum(file.stat().st_size for file in (directory / "audit").glob("*.audit"))


@contextmanager
def _server(directory: Path, url: str, actors: str, without: str = "") -> Iterator[Platform]:
    environment = {"COFFRE_DATABASE_URL": url}
    if without:
        paths = (str(ROOT / "bench" / without), os.environ.get("PYTHONPATH", ""))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    with running(write_rules(directory), actors=actors, toml=TOML, environment=environment) as platform:
        yield platform


async def ingest(directory: Path, rounds: int) -> str:
    """Records from messages to rows, next to rows of the same messages in a table with one key.

    Of two kinds of senders: our own nodes, and others, whose messages are parsed and validated.
    """
    with cluster(directory) as one:
        migrate(one.url)
        database = await open_database(one.url)
        store = AuditStore(database, SigningKey.of_file(directory / "signing.key"))
        kinds = {"our nodes": _WRITTEN, "others": RETRIEVED}
        rates: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in kinds}
        with psycopg.connect(one.url) as connection:
            connection.execute("CREATE TABLE plain (digest text PRIMARY KEY, message bytea NOT NULL)")
            connection.commit()
            for number in range(rounds + 1):
                for name, message in kinds.items():
                    taken = await _stored(store, _sent(message))
                    inserted = _inserted(connection, _sent(message))
                    if number:
                        rates[name][0].append(INGESTED / taken)
                        rates[name][1].append(INGESTED / inserted)
        await database.close()
    rows = [
        (
            f"{len(HEADER + kinds[name]):,} bytes from {name}: read, indexed, chained, signed",
            f"{median(ours):,.0f}/s",
            f"{median(plain):,.0f}/s",
            *ratio(ours, plain),
        )
        for name, (ours, plain) in rates.items()
    ]
    return table(("records, one process", "stored", "plain inserts", "ratio", "spread"), rows)


# RETRIEVED as our own nodes write it.
_WRITTEN = write_audit_message(read_audit_message(RETRIEVED))
_numbers = count()


def _sent(message: bytes) -> list[bytes]:
    """Messages of this time, each of its own, about some thousand patients."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
    sent = (HEADER + message).replace(b"2030-01-01T12:00:00.000", now[:-1])
    return [
        sent.replace(b" p ", b" %d " % number).replace(b'"p1^^^', b'"%d^^^' % (number % PATIENTS))
        for number in islice(_numbers, INGESTED)
    ]


async def _stored(store: AuditStore, sent: list[bytes]) -> float:
    began = time.monotonic()
    at = datetime.now(UTC)
    for first in range(0, INGESTED, RECORDS_AT_ONCE):
        some = sent[first : first + RECORDS_AT_ONCE]
        await store.add([record_of(Arrival(one, "10.0.0.5", "tls", at)) for one in some])
    return time.monotonic() - began


def _inserted(connection: psycopg.Connection, sent: list[bytes]) -> float:
    """As many a transaction, by the driver's own way to insert many rows."""
    began = time.monotonic()
    with connection.cursor() as cursor:
        for first in range(0, INGESTED, RECORDS_AT_ONCE):
            some = sent[first : first + RECORDS_AT_ONCE]
            rows = [(hashlib.sha256(one).hexdigest(), one) for one in some]
            cursor.executemany("INSERT INTO plain VALUES (%s, %s)", rows)
            connection.commit()
    return time.monotonic() - began


async def journals(directory: Path, records: int) -> str:
    """Journals of a hundred rows, each of a patient of whom nobody has asked, and then again."""
    with own_cluster(str(directory), LOADED_AT_ONCE) as one:
        migrate(one.url)
        patients = records // RECORDS_OF_A_PATIENT
        began = time.monotonic()
        asked = [2 + number * (patients - 2) // JOURNALS for number in range(JOURNALS)]
        _fill(one.url, records, patients, [1, *asked])
        print(f"{records:,} records in {time.monotonic() - began:.0f} s", flush=True)
        database = await open_database(one.url)
        # Statements are prepared and nothing is measured yet.
        await _read(database, [1])
        first, again = await _read(database, asked), await _read(database, asked)
        await database.close()
    rows = [
        (said, f"{statistics.median(each) * 1000:.1f} ms", f"{max(each) * 1000:.1f} ms")
        for said, each in (("first time", first), ("again", again))
    ]
    head = (f"journal of 100 rows among {records:,} records", "median", "longest")
    return table(head, rows)


async def _read(database: Database, patients: list[int]) -> list[float]:
    times = []
    for number in patients:
        began = time.monotonic()
        found = await read_journal(Wanted(patient_id=_patient(number)), database)
        times.append(time.monotonic() - began)
        if len(found.rows) != 100:
            raise SystemExit(f"a journal has {len(found.rows)} rows")
    return times


def _patient(number: int) -> str:
    return f"{number}^^^&2.999.5&ISO"


def _fill(url: str, records: int, patients: int, asked: list[int]) -> None:
    """Fill each month in the order of its indexes; a record tells of a patient, an event and a person."""
    per_month = -(-records // MONTHS)
    with psycopg.connect(url, autocommit=True) as connection:
        for month in range(MONTHS):
            name = (2026 + month // 12) * 100 + month % 12 + 1
            first, last = month * per_month + 1, min((month + 1) * per_month, records)
            values = {
                "month": name,
                "first": first,
                "last": last,
                "patients": patients,
                "records": records,
                "read": asked,
            }
            connection.execute("SELECT audit_make_month(%(month)s::int)", values)
            connection.execute(_RECORDS, {**values, **_parts()})
            connection.execute(_SUBJECTS, values)
            print(f"\r{last:,} records", end="", flush=True)
        connection.execute("ANALYZE audit_record, audit_subject")


def _parts() -> dict[str, bytes]:
    """The message but for its time and its patient."""
    before, _, rest = (HEADER + RETRIEVED).partition(b"2030-01-01T12:00:00.000Z")
    between, _, after = rest.partition(b'"p1^^^')
    return {"before": before, "between": between + b'"', "after": b"^^^" + after}


# Evenly over the months since the beginning of 2026, of one patient after the other.
_AT = "1767225600000 + number * 94608000000::bigint / %(records)s"
# Whose journals are not read have records without their texts.
_MESSAGE = f"""CASE WHEN number %% %(patients)s = ANY(%(read)s)
    THEN %(before)s || convert_to(to_char(to_timestamp(({_AT}) / 1000) AT TIME ZONE 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS.000"Z"'), 'UTF8')
        || %(between)s || convert_to((number %% %(patients)s)::text, 'UTF8') || %(after)s
    ELSE ''::bytea END"""
_RECORDS = f"""
    INSERT INTO audit_record
    SELECT number, %(month)s, md5(number::text), {_AT}, '10.0.0.5', 'tls',
        {_MESSAGE}, {_AT}, 0, 'server.example', ''
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number
"""  # noqa: S608  # a constant
_SUBJECTS = f"""
    INSERT INTO audit_subject
    SELECT about, CASE about WHEN 1 THEN (number %% %(patients)s)::text || '^^^&2.999.5&ISO'
        WHEN 3 THEN '<person-' || number %% 3000 || '@https://idp.example>' ELSE 'ITI-43' END AS value,
        {_AT} AS at, number, %(month)s
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number, unnest(ARRAY[1, 3, 5]) AS about
    ORDER BY about, value, at
"""  # noqa: S608  # a constant


if __name__ == "__main__":
    sys.exit(main())
