"""Registry Stored Query next to its own SQL and to an empty server (`make bench-queries`).

One PostgreSQL, two server processes, sixteen connections; rules, users and audit are on. Each round asks all
of them in turn, and each figure is the median of the rounds.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Load, Rate, raw_request
from bench.machine import processor_seconds
from bench.population import Population, patient_id
from bench.raw_sql import Sent, rate, statements_of
from bench.report import publish, table
from bench.world import PROFESSIONALS, TOML, WORKERS, cluster, patients_with, populated, reader_of, server
from tests.messages import requests
from tests.services.platform import Platform
from tests.services.ports import free_port
from tests.services.postgresql import Cluster
from tests.services.secure_domain import secure_domain
from tests.wire import envelope, post

FOUND = 10
DOCUMENTS_OF_A_PATIENT = 20


@dataclass
class Figures:
    """Of each round: answers a second, and processor time of an answer."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def add(self, rate: Rate, seconds: float) -> None:
        self.rates.append(rate.per_second)
        self.costs.append(seconds / rate.requests)
        self.p50.append(rate.p50)
        self.p99.append(rate.p99)


def main() -> int:
    """Measure and publish."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=4, help="of each load in each round")
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="for the database")  # noqa: S108
    arguments.add_argument("--quick", action="store_true", help="write nothing down")
    asked = arguments.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="coffre-bench-", dir=asked.directory))
    directory.chmod(0o755)
    try:
        with cluster(directory) as database:
            fill(database, asked.documents)
            text = measured(database, directory, asked.rounds, asked.seconds, asked.documents)
    finally:
        shutil.rmtree(directory)
    if asked.quick:
        print(text)
    else:
        publish("bench-queries", text)
    return 0


def fill(database: Cluster, documents: int) -> None:
    """Store the population, and say how quickly."""
    began = time.monotonic()
    stored = 0
    for stored in populated(database.url, Population(documents // DOCUMENTS_OF_A_PATIENT, documents)):
        print(f"\r{stored:,} documents", end="", flush=True)
    seconds = time.monotonic() - began
    print(f"\r{stored:,} documents in {seconds:.0f} s, {stored / seconds:,.0f} a second", flush=True)


def measured(database: Cluster, directory: Path, rounds: int, seconds: int, documents: int) -> str:
    """The table of all figures."""
    patients = patients_with(database.url, FOUND)
    with ExitStack() as stack:
        plain = stack.enter_context(server(directory / "plain", database.url))
        leaf_class = messages(patients)
        size = answered(plain, leaf_class[0])
        sent = sql_of(database, plain, patients, leaf_class[0])
        empty = stack.enter_context(empty_server(directory, size))
        (directory / "tls").mkdir()
        secure = secure_domain(directory / "tls")
        toml = f'{TOML}{secure.toml}certificate_optional = ["http"]\n[audit]\nspool = "audit-tls"\n'
        over_tls = stack.enter_context(server(directory / "plain", database.url, toml, secure.context(None)))
        object_refs = [one.replace(b'"LeafClass"', b'"ObjectRef"') for one in leaf_class]
        pids = {"LeafClass": plain, "ObjectRef": plain, "TLS": over_tls}
        loads = {
            "LeafClass": load(directory, "leaf", plain.registry_url, leaf_class),
            "ObjectRef": load(directory, "refs", plain.registry_url, object_refs),
            "TLS": load(directory, "tls", over_tls.registry_url, leaf_class),
            "empty": load(directory, "empty", empty[0], leaf_class),
        }
        figures = {name: Figures() for name in loads}
        raw = []
        for number in range(rounds + 1):
            for name, each in loads.items():
                pid = empty[1] if name == "empty" else pids[name].process.pid
                before = processor_seconds(pid)
                got = each.run(seconds)
                if got.refused or got.broken:
                    raise SystemExit(f"{name}: {got}")
                # The first round warms up.
                if number:
                    figures[name].add(got, processor_seconds(pid) - before)
            if number:
                raw.append(rate(database.url, sent, seconds))
    return written(figures, raw, documents, size)


def messages(patients: Sequence[int]) -> list[bytes]:
    """FindDocuments for each of them, by somebody who may read; assertions last five minutes."""
    headers = {one.extension: one.headers for one in PROFESSIONALS}
    return [
        envelope(
            requests.ITI_18,
            requests.find_documents(patient_id(one)),
            more_headers=headers[reader_of(one).extension],
        )
        for one in patients
    ]


def answered(platform: Platform, message: bytes) -> int:
    """See that the query finds what it should; how long its answer is."""
    answer = post(platform.registry_url, message)
    if answer.status_urn != requests.SUCCESS or len(answer.found("ExtrinsicObject")) != FOUND:
        raise SystemExit(f"a query does not find its {FOUND} documents")
    return len(answer.body)


def sql_of(database: Cluster, platform: Platform, patients: Sequence[int], message: bytes) -> list[Sent]:
    """The SQL of the query itself, about each of these patients; `message` is about the first."""
    log = database.folder / "server.log"
    told = statements_of(database.url, log, lambda: post(platform.registry_url, message))
    (query,) = {one for one in told if "fragment" in one.text}
    return [query.about(patient_id(patients[0]), patient_id(one)) for one in patients]


def load(directory: Path, name: str, url: str, bodies: Sequence[bytes]) -> Load:
    """These messages, again and again."""
    return Load(directory, name, url, [raw_request(url, one) for one in bodies])


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
                post(url, b"")
                break
            time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def written(figures: dict[str, Figures], raw: Sequence[float], documents: int, size: int) -> str:
    """The rows of the design, with what they must be."""
    leaf, refs, tls, empty = (figures[name] for name in ("LeafClass", "ObjectRef", "TLS", "empty"))
    speed = f"{median(leaf.rates):,.0f}/s"
    rows = [
        (
            "1: FindDocuments, 10 LeafClass",
            speed,
            f"its SQL by the driver alone, {median(raw):,.0f}/s",
            *ratio(leaf.rates, raw, "at least 0.40"),
        ),
        (
            "2: processor time of the server for it",
            f"{median(leaf.costs) * 1000000.0:,.0f} µs",
            f"a server that sends {size:,} bytes, {median(empty.costs) * 1000000.0:,.0f} µs",
            *ratio(leaf.costs, empty.costs, "at most 9"),
        ),
        (
            "3: ObjectRef",
            f"{median(refs.rates):,.0f}/s",
            f"LeafClass, {speed}",
            *ratio(refs.rates, leaf.rates, "at least 1.1"),
        ),
        (
            "12: p99 of (1)",
            f"{median(leaf.p99) * 1000:.1f} ms",
            f"p50, {median(leaf.p50) * 1000:.1f} ms",
            *ratio(leaf.p99, leaf.p50, "at most 4"),
        ),
        (
            "13: (1) over TLS",
            f"{median(tls.rates):,.0f}/s",
            f"plain, {speed}",
            *ratio(tls.rates, leaf.rates, "at least 0.70"),
        ),
    ]
    head = ("path", "figure", "yardstick", "ratio", "spread", "must")
    return f"{documents:,} documents.\n\n{table(head, rows)}"


def ratio(one: Sequence[float], other: Sequence[float], must: str) -> tuple[str, str, str]:
    """The median of the ratios of each round, from the least to the most of them, and what it must be."""
    each = [a / b for a, b in zip(one, other, strict=True)]
    return f"{median(each):.2f}", f"{min(each):.2f}-{max(each):.2f}", must


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    sys.exit(main())
