"""Mixed traffic for a quarter of an hour, then more than there is room for (`make bench-soak`).

Queries, retrievals and submissions by many clients: first as many as are answered, then four fifths of that
for long, then three times as many for a while, and then four fifths again.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import made_fresh, raw_request
from bench.machine import memory_bytes
from bench.paced import Clients, Kind, Outcome
from bench.population import patient_id
from bench.queries import FOUND
from bench.registry import fill
from bench.report import publish, table
from bench.submissions import DEPOSITED_IN, UNIQUE_ID, provision, registration
from bench.world import WORKERS, cluster, patients_with, reader_of, server
from tests.messages import requests
from tests.services.platform import Platform
from tests.services.ruled import RULED_DOMAIN
from tests.wire import MTOM_TYPE, envelope, multipart, post, root_part

# The limits of one client as they are: here are as many clients as it takes.
TOML = f"{RULED_DOMAIN}\n[server]\nworkers = {WORKERS}\n"
MEGABYTE = 1024 * 1024
# An assertion lasts five minutes; a new one is used after two.
RENEWED_SECONDS = 120
MAXIMUM_SECONDS, MAXIMUM_CONNECTIONS = 20, 32
SHARE, TIMES = 0.8, 3
OVERLOAD_SECONDS, RECOVERY_SECONDS = 60, 30

# What must hold: of memory and p50 in the last third next to the first, of answers under overload next to the
# maximum; and for how long nine of ten refusals may take, and the way back to the p50 of before, doubled.
MOST_GROWTH, MOST_SLOWDOWN, LEAST_ANSWERED = 1.1, 1.25, 0.7
REFUSAL_SECONDS, BACK_SECONDS, BACK_TIMES = 1.0, 10, 2


def main() -> int:
    """Measure and publish; 1 if anything is not as it must be."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=100_000)
    arguments.add_argument(
        "--minutes", type=float, default=15, help="of the traffic that must leave no trace"
    )
    arguments.add_argument("--overload-seconds", type=int, default=OVERLOAD_SECONDS)
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="for the database")  # noqa: S108
    arguments.add_argument("--quick", action="store_true", help="write nothing down")
    asked = arguments.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="coffre-bench-", dir=asked.directory))
    directory.chmod(0o755)
    try:
        with cluster(directory) as database:
            said = fill(database, asked.documents)
            patients = [one for one in patients_with(database.url, FOUND) if one not in DEPOSITED_IN]
            with server(directory / "plain", database.url, TOML) as platform:
                traffic = Traffic(platform, patients)
                soak = asyncio.run(soaked(platform, traffic, asked.minutes * 60, asked.overload_seconds))
    finally:
        shutil.rmtree(directory)
    publish("bench-soak", f"{said}\n\n{soak.text}", quick=asked.quick)
    return int(not all(met for _, _, met in soak.lines))


@dataclass
class Traffic:
    """Of ten requests seven queries, two retrievals, and a submission: half of these bring their document."""

    platform: Platform
    patients: Sequence[int]
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self._headers: dict[str, tuple[float, str]] = {}
        self._documents = [(one, self._deposited(one)) for one in DEPOSITED_IN]

    def request(self) -> bytes:
        """Any of them, as it goes over the wire."""
        match self.dice.randrange(20):
            case 0:
                patient = self.dice.choice(DEPOSITED_IN)
                message = made_fresh(registration(patient, self._headers_of(patient)))
                return raw_request(self.platform.registry_url, message)
            case 1:
                patient = self.dice.choice(DEPOSITED_IN)
                message = made_fresh(provision(patient, self._headers_of(patient)))
                return raw_request(self.platform.repository_url, message, MTOM_TYPE)
            case 2 | 3 | 4 | 5:
                patient, unique_id = self.dice.choice(self._documents)
                body = requests.retrieve(unique_id)
                message = envelope(requests.ITI_43, body, more_headers=self._headers_of(patient))
                return raw_request(self.platform.repository_url, multipart(root_part(message)), MTOM_TYPE)
            case _:
                patient = self.dice.choice(self.patients)
                body = requests.find_documents(patient_id(patient))
                message = envelope(requests.ITI_18, body, more_headers=self._headers_of(patient))
                return raw_request(self.platform.registry_url, message)

    def _deposited(self, patient: int) -> str:
        message = made_fresh(provision(patient, self._headers_of(patient)))
        answer = post(self.platform.repository_url, message, MTOM_TYPE)
        found = UNIQUE_ID.search(message)
        if answer.status_urn != requests.SUCCESS or not found:
            raise SystemExit(f"the server refuses a document: {answer.errors}")
        return found[0].decode()

    def _headers_of(self, patient: int) -> str:
        """Those of somebody who may, renewed now and then, and not all at once."""
        reader = reader_of(patient)
        until, headers = self._headers.get(reader.extension, (0.0, ""))
        if time.monotonic() > until:
            headers = reader.headers
            until = time.monotonic() + RENEWED_SECONDS * self.dice.uniform(0.5, 1)
            self._headers[reader.extension] = until, headers
        return headers


@dataclass
class Soak:
    """What was found, as text, and what of it must be: what, how it is, and whether that will do."""

    text: str
    lines: list[tuple[str, str, bool]]


@dataclass(frozen=True)
class Minute:
    """A part of the traffic that must leave no trace."""

    outcomes: Sequence[Outcome]
    memory_bytes: int

    def seconds(self, share: float) -> float:
        """How long so many of the answers take at most."""
        return within(self.outcomes, Kind.ANSWERED, share)

    @property
    def failures(self) -> int:
        """How many were not answered as they should be."""
        return sum(one.kind is not Kind.ANSWERED for one in self.outcomes)


async def soaked(platform: Platform, traffic: Traffic, seconds: float, overload_seconds: int) -> Soak:
    """All of it, one after the other."""
    maximum = await most(platform, traffic)
    minutes = []
    step = min(60.0, seconds / 3)
    for _ in range(round(seconds / step)):
        outcomes = await paced(platform, traffic, SHARE * maximum, step)
        minutes.append(Minute(outcomes, sum(memory_bytes(platform.process.pid))))
        print("   ".join(row_of(len(minutes), minutes[-1])), flush=True)
    overloading = asyncio.create_task(paced(platform, traffic, TIMES * maximum, overload_seconds))
    await asyncio.sleep(overload_seconds)
    # What is still waited for then is part of what has to be recovered from.
    recovery = await paced(platform, traffic, SHARE * maximum, RECOVERY_SECONDS)
    overload = await overloading
    head = ("minute", "answered", "not answered", "p50", "p99", "memory")
    rows = [row_of(number, one) for number, one in enumerate(minutes, 1)]
    checks = [*steady(minutes), *overloaded(overload, maximum, overload_seconds), back(recovery, minutes)]
    said = [(what, how, "met" if met else "**missed**") for what, how, met in checks]
    text = "\n\n".join(
        (
            f"At most {maximum:,.0f} requests a second are answered.",
            table(head, rows),
            table(("", "", ""), said),
        )
    )
    return Soak(text, checks)


async def most(platform: Platform, traffic: Traffic) -> float:
    """How many a second are answered at most; the first half warms up."""
    clients = Clients(platform.url)
    for _ in range(2):
        clients.outcomes.clear()
        await clients.as_quickly_as_answered(traffic.request, MAXIMUM_CONNECTIONS, MAXIMUM_SECONDS)
    clients.close()
    failed = [one for one in clients.outcomes if one.kind is not Kind.ANSWERED]
    if failed:
        raise SystemExit(f"{len(failed)} requests were not answered, among them {failed[0]}")
    return len(clients.outcomes) / MAXIMUM_SECONDS


async def paced(platform: Platform, traffic: Traffic, per_second: float, seconds: float) -> list[Outcome]:
    """So many requests a second."""
    clients = Clients(platform.url)
    await clients.at_a_pace(traffic.request, per_second, seconds)
    clients.close()
    return clients.outcomes


def row_of(number: int, minute: Minute) -> tuple[str, ...]:
    """A minute as a line of the table."""
    return (
        str(number),
        f"{len(minute.outcomes) - minute.failures:,}",
        str(minute.failures),
        f"{minute.seconds(0.5) * 1000:.1f} ms",
        f"{minute.seconds(0.99) * 1000:.1f} ms",
        f"{minute.memory_bytes / MEGABYTE:.0f} MB",
    )


def steady(minutes: Sequence[Minute]) -> list[tuple[str, str, bool]]:
    """Whether nothing fails and nothing grows."""
    third = len(minutes) // 3
    first, last = minutes[:third], minutes[-third:]
    failures = sum(one.failures for one in minutes)
    memory = max(one.memory_bytes for one in last) / max(one.memory_bytes for one in first)
    slower = max(one.seconds(0.5) for one in last) / max(one.seconds(0.5) for one in first)
    return [
        (
            "requests that were not answered, of the traffic that must leave no trace",
            str(failures),
            not failures,
        ),
        (
            f"memory of the last third next to the first, at most {MOST_GROWTH}",
            f"{memory:.2f}",
            memory <= MOST_GROWTH,
        ),
        (
            f"p50 of the last third next to the first, at most {MOST_SLOWDOWN}",
            f"{slower:.2f}",
            slower <= MOST_SLOWDOWN,
        ),
    ]


def overloaded(outcomes: Sequence[Outcome], maximum: float, seconds: float) -> list[tuple[str, str, bool]]:
    """Whether as much is answered as before, and the rest is refused at once and in words."""
    number = {kind: sum(one.kind is kind for one in outcomes) for kind in Kind}
    share = number[Kind.ANSWERED] / seconds / maximum
    refused = within(outcomes, Kind.REFUSED, 0.9)
    answered = within(outcomes, Kind.ANSWERED, 0.5)
    lost = Counter(one.said for one in outcomes if one.kind in (Kind.FAILED, Kind.BROKEN))
    how = ", ".join(f"{times:,} {said}" for said, times in lost.items()) or "0"
    return [
        (
            f"answered of {TIMES} times as many, next to the maximum, at least {LEAST_ANSWERED}",
            f"{share:.2f}, p50 {answered:.1f} s",
            share >= LEAST_ANSWERED,
        ),
        (
            f"refused with 503 and Retry-After: nine of ten within {REFUSAL_SECONDS} s",
            f"{number[Kind.REFUSED]:,}, within {refused:.2f} s",
            refused <= REFUSAL_SECONDS,
        ),
        ("neither answered nor refused", how, not lost),
    ]


def back(outcomes: Sequence[Outcome], minutes: Sequence[Minute]) -> tuple[str, str, bool]:
    """How many seconds after the overload half of a second's requests are answered as quickly as before."""
    usual = max(one.seconds(0.5) for one in minutes)
    began = min(one.due for one in outcomes)
    parts: dict[int, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        parts[int(one.due - began)].append(one)
    slow = [
        number
        for number, part in parts.items()
        if any(one.kind is not Kind.ANSWERED for one in part)
        or within(part, Kind.ANSWERED, 0.5) > BACK_TIMES * usual
    ]
    seconds = max(slow, default=-1) + 1
    what = f"seconds until all are answered, p50 below {BACK_TIMES} times the usual, at most {BACK_SECONDS}"
    return what, str(seconds), seconds <= BACK_SECONDS


def within(outcomes: Sequence[Outcome], kind: Kind, share: float) -> float:
    """In how many seconds so many of this kind are over; 0 of none."""
    times = sorted(one.seconds for one in outcomes if one.kind is kind)
    return times[int(share * (len(times) - 1))] if times else 0.0


if __name__ == "__main__":
    sys.exit(main())
