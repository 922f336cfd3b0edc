"""The SQL that the server sends for a query, sent by nothing but the driver: the yardstick of queries.

The text comes from the log of the database while the server answers one query, so it is what it is.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from bench.load import CONNECTIONS

_EXECUTED = re.compile(
    r"LOG:  execute \S+: (?P<text>.*?)\n[^\n]*DETAIL:  parameters: (?P<parameters>[^\n]*)", re.DOTALL
)
_PARAMETER = re.compile(r"\$\d+ = (NULL|'(?:[^']|'')*')")


@dataclass(frozen=True)
class Sent:
    """A statement and its parameters as text."""

    text: str
    parameters: tuple[str | None, ...]

    def about(self, before: str, after: str) -> "Sent":
        """The same about another patient."""
        return replace(
            self, parameters=tuple(each and each.replace(before, after) for each in self.parameters)
        )


def statements_of(url: str, log: Path, act: Callable[[], object]) -> list[Sent]:
    """What the database is told while this is done."""
    before = log.stat().st_size
    with psycopg.connect(url, autocommit=True) as connection:
        for value in ("'all'", "'none'"):
            connection.execute(f"ALTER SYSTEM SET log_statement = {value}".encode())
            connection.execute("SELECT pg_reload_conf()")
            time.sleep(0.5)
            if value == "'all'":
                act()
    said = log.read_bytes()[before:].decode()
    return [
        Sent(
            found["text"],
            tuple(
                None if one == "NULL" else one[1:-1].replace("''", "'")
                for one in _PARAMETER.findall(found["parameters"])
            ),
        )
        for found in _EXECUTED.finditer(said)
    ]


def rate(url: str, sent: Sequence[Sent], seconds: float, processes: int = 2) -> float:
    """How many of these are answered a second over as many connections as the server is asked by."""
    share = [sent[number::processes] for number in range(processes)]
    with ProcessPoolExecutor(processes) as drivers:
        counts = drivers.map(
            _driven, [url] * processes, share, [seconds] * processes, [CONNECTIONS // processes] * processes
        )
        return sum(counts) / seconds


def _driven(url: str, sent: Sequence[Sent], seconds: float, connections: int) -> int:
    return asyncio.run(_driven_by_all(url, sent, seconds, connections))


async def _driven_by_all(url: str, sent: Sequence[Sent], seconds: float, connections: int) -> int:
    opened = [await psycopg.AsyncConnection.connect(url, autocommit=True) for _ in range(connections)]
    until = time.monotonic() + seconds
    counts = await asyncio.gather(
        *(_driven_by_one(one, sent[number:], until) for number, one in enumerate(opened))
    )
    for one in opened:
        await one.close()
    return sum(counts)


async def _driven_by_one(
    connection: psycopg.AsyncConnection[object], sent: Sequence[Sent], until: float
) -> int:
    connection.prepare_threshold = 0
    connection.cursor_factory = psycopg.AsyncRawCursor
    await connection.execute("SELECT set_config('plan_cache_mode', 'force_generic_plan', false)")
    done = 0
    while time.monotonic() < until:
        one = sent[done % len(sent)]
        cursor = connection.cursor(binary=True)
        await cursor.execute(one.text.encode(), one.parameters, prepare=True)
        await cursor.fetchall()
        done += 1
    return done
