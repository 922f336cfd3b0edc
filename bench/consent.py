"""What decisions add to the time of a query, with and without rules in turns (`make bench-consent`).

Two servers of one process each, of which one has rules. A professional asks by FindDocuments for the ten
documents of a patient; his assertion is the same for all. Rounds are interleaved, so that whatever else the
machine does slows all alike.
"""

import argparse
import asyncio
import http.client
import random
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from bench.report import publish, publish_results, table
from bench.targets import Result
from consent_broker import store
from consent_broker.model import Level, Origin, Party, PartyKind, RecordStatus, Right
from consent_broker.store import Directive, Kind
from database import open_database
from server.composition import now
from tests.messages import requests
from tests.services.platform import Platform, running
from tests.services.postgresql import fresh_database, session_folder
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules
from tests.wire import envelope

DOCUMENTS = 10
DIRECTIVES = (0, 10, 1000)
MOST_ADDED = 0.10
DR_A = Person("A")
WITHOUT = RULED_DOMAIN.replace('rules = "rules.toml"\n', "")
# A change of which nothing follows for who asks, and that is none to the number of directives.
ANYBODY = Directive(Kind.EXCLUSION, Party(PartyKind.PERSON, "2.999.4|anybody"))


def main() -> int:
    """Measure and publish; 1 if directives add more than they may."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=400)
    arguments.add_argument("--quick", action="store_true", help="write nothing down")
    asked = arguments.parse_args()
    rows = []
    results: list[Result] = []
    worst = 0.0
    with ExitStack() as stack:
        folder = stack.enter_context(session_folder())
        for database in ("sqlite", "postgresql"):
            urls = [
                stack.enter_context(fresh_database(folder, migrated=True)) if database == "postgresql" else ""
                for _ in range(2)
            ]
            without, *times = measured(urls, asked.rounds)
            added = times[len(DIRECTIVES) - 1] / times[0] - 1
            worst = max(worst, added)
            few, many = (f"{each * 1000:.2f} ms" for each in (times[0], times[len(DIRECTIVES) - 1]))
            # Of the database of the other rows, which comes last.
            results = [Result("14, consent", many, f"with none: {few}", (1 / (1 + added),))]
            rows.append([database, *(f"{each * 1000:.2f} ms" for each in (without, *times)), f"{added:+.1%}"])
    head = [
        "database",
        "no rules",
        *(f"rules, {number} directives" for number in DIRECTIVES),
        f"{DIRECTIVES[-1]}, one changed just before",
        f"{DIRECTIVES[-1]} next to {DIRECTIVES[0]}",
    ]
    publish("bench-consent", table(head, rows), quick=asked.quick)
    introduction = f"One connection, medians of {asked.rounds} rounds."
    publish_results("bench-consent", results, introduction, quick=asked.quick)
    return int(worst > MOST_ADDED)


def measured(urls: list[str], rounds: int) -> list[float]:
    """The median time of a query: without rules first, then with so many directives, then after a change."""
    with ExitStack() as stack:
        platforms = []
        for toml, url in zip((WITHOUT, RULED_DOMAIN), urls, strict=True):
            directory = write_rules(Path(stack.enter_context(tempfile.TemporaryDirectory())))
            environment = {"COFFRE_DATABASE_URL": url} if url else {}
            platforms.append(stack.enter_context(running(directory, toml=toml, environment=environment)))
        records = [filled(platforms[0], None)]
        records += [filled(platforms[1], number) for number in (*DIRECTIVES, DIRECTIVES[-1])]
        headers = DR_A.headers
        queries = [
            Query(each.platform, requests.find_documents(each.patient_id), headers, DOCUMENTS)
            for each in records
        ]
        for query in queries * 20:
            query.seconds()
        samples: list[list[float]] = [[] for _ in queries]
        # Each server is asked as often as the other, that none is the one that has just slept.
        places = [0] * (len(queries) - 2) + list(range(1, len(queries) - 1))
        for _ in range(rounds):
            random.shuffle(places)
            for place in places:
                samples[place].append(queries[place].seconds())
        runner = stack.enter_context(asyncio.Runner())
        database = runner.run(open_database(records[-1].configuration.database.url))
        for _ in range(rounds):
            runner.run(store.add(records[-1].patient_id, ANYBODY, now(), "bench", database))
            samples[-1].append(queries[-1].seconds())
        runner.run(database.close())
    return [statistics.median(sample) for sample in samples]


class Query:
    """A query over a connection that stays open."""

    _connections: ClassVar[dict[str, http.client.HTTPConnection]] = {}

    def __init__(self, platform: Platform, body: str, headers: str, finds: int) -> None:
        parts = urlsplit(platform.registry_url)
        place = parts.netloc
        self._connection = self._connections.setdefault(place, http.client.HTTPConnection(place))
        self._path = parts.path
        self._message = envelope(requests.ITI_18, body, more_headers=headers)
        self._finds = finds

    def seconds(self) -> float:
        """How long the answer takes, to its last byte."""
        began = time.perf_counter()
        self._connection.request("POST", self._path, self._message, {"Content-Type": "application/soap+xml"})
        answer = self._connection.getresponse().read()
        took = time.perf_counter() - began
        if b":Success" not in answer or answer.count(b"<rim:ExtrinsicObject") != self._finds:
            raise SystemExit("the query does not find what it should")
        return took


def filled(platform: Platform, directives: int | None) -> Record:
    """A record of ten documents, with so many directives of which one lets the professional in."""
    record = Record(platform, opened=False)
    if directives is not None:
        asyncio.run(decide(record, directives))
    for _ in range(DOCUMENTS):
        record.deposit(record.patient)
    return record


async def decide(record: Record, directives: int) -> None:
    """Seven grants, an exclusion, a hidden and a reserved document in each ten directives."""
    database = await open_database(record.configuration.database.url)
    patient = record.patient_id
    await store.set_status(patient, RecordStatus.OPEN, now(), "bench", database)
    await store.add(patient, grant(DR_A.party), now(), "bench", database)
    for number in range(directives):
        party = Party(PartyKind.PERSON, f"2.999.4|{number}")
        match number % 10:
            case 7:
                one = Directive(Kind.EXCLUSION, party)
            case 8:
                one = Directive(Kind.HIDDEN, document=requests.fresh_uuid())
            case 9:
                one = Directive(Kind.RESERVED, party, document=requests.fresh_uuid())
            case _:
                one = grant(party)
        await store.add(patient, one, now(), "bench", database)
    await database.close()


def grant(party: Party) -> Directive:
    """Everything that is normal."""
    return Directive(Kind.GRANT, party, rights=frozenset(Right), level=Level.NORMAL, origin=Origin.PORTAL)


if __name__ == "__main__":
    sys.exit(main())
