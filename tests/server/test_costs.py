"""What requests cost stays within limits that no clock is needed for: processor time and pages, not seconds.

`make bench` measures the same next to its targets. Where a limit here is not the target, that is not met yet:
the limit is what holds today, with room for a busy machine, and is lowered when the cost is. What documents
cost in memory is in `tests/journeys/test_large_documents.py`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle

import psycopg
import pytest
from psycopg import sql

from bench.answers import costs
from bench.growth import QUESTIONS, question
from bench.load import made_fresh, raw_request
from bench.machine import processor_seconds
from bench.paced import Clients, Kind
from bench.population import Population
from bench.queries import FOUND, messages, sql_of
from bench.submissions import DEPOSITED_IN, reading_seconds, registration
from bench.world import empty_server, patients_with, populated, reader_of, server
from tests.services.platform import Platform
from tests.services.postgresql import Cluster, own_cluster
from tests.wire import post

CONNECTIONS, SECONDS = 8, 3
DOCUMENTS_OF_A_PATIENT = 20
DOCUMENTS = 100_000

# The targets of both are 9 and 7.
MOST_OF_A_QUERY, MOST_OF_A_SUBMISSION = 50, 60
MOST_OF_AN_ANSWER = 1 / 50
MOST_PAGES = 250
# Some of those about whom no query asks.
DEPOSITED = DEPOSITED_IN[:50]


@dataclass(frozen=True)
class Registry:
    """A server among so many documents, and messages about patients of whom ten are seen."""

    database: Cluster
    platform: Platform
    patients: Sequence[int]
    queries: Sequence[bytes]


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with own_cluster() as database:
        for _ in populated(database.url, Population(DOCUMENTS // DOCUMENTS_OF_A_PATIENT, DOCUMENTS)):
            pass
        patients = [one for one in patients_with(database.url, FOUND) if one not in DEPOSITED]
        with server(tmp_path_factory.mktemp("server"), database.url) as platform:
            yield Registry(database, platform, patients, messages(patients))


def test_a_query_costs_the_server_a_limited_multiple_of_an_empty_answer(registry, tmp_path):
    """Row 2."""
    url, process = registry.platform.registry_url, registry.platform.process.pid
    answer = post(url, registry.queries[0]).body
    ours = cost(url, process, in_turn(url, registry.queries))
    with empty_server(tmp_path, len(answer)) as (url, process):
        empty = cost(url, process, in_turn(url, registry.queries), of_success=False)
    assert ours < MOST_OF_A_QUERY * empty


def test_a_submission_costs_the_server_a_limited_multiple_of_reading_it(registry):
    """Row 6."""
    url = registry.platform.registry_url
    sent = [registration(patient) for patient in DEPOSITED]
    ours = cost(url, registry.platform.process.pid, in_turn(url, sent))
    assert ours < MOST_OF_A_SUBMISSION * reading_seconds(made_fresh(sent[0]))


def test_an_answer_of_what_is_stored_costs_a_fiftieth_of_one_that_is_built():
    """Row 4."""
    ours, theirs = costs(3)
    assert min(ours) < MOST_OF_AN_ANSWER * min(theirs)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_query_reads_the_same_few_pages_however_many_documents_there_are(registry, name):
    """Row 11: what reads no more takes no longer; a table that is read from end to end has thousands."""
    assert pages(registry, name) < MOST_PAGES


def in_turn(url: str, sent: Sequence[bytes]) -> Callable[[], bytes]:
    """These messages again and again, each with fresh ids where it needs them."""
    each = cycle(sent)
    return lambda: raw_request(url, made_fresh(next(each)))


def cost(url: str, process: int, request: Callable[[], bytes], *, of_success: bool = True) -> float:
    """The processor time that a server takes for one of these requests."""

    async def loaded() -> float:
        clients = Clients(url)
        await clients.as_quickly_as_answered(request, CONNECTIONS, 1)
        clients.outcomes.clear()
        before = processor_seconds(process)
        await clients.as_quickly_as_answered(request, CONNECTIONS, SECONDS)
        clients.close()
        assert not of_success or {one.kind for one in clients.outcomes} == {Kind.ANSWERED}
        return (processor_seconds(process) - before) / len(clients.outcomes)

    return asyncio.run(loaded())


def pages(one: Registry, name: str) -> float:
    """How many pages the database looks at for a query, by the plan that it has for all of its kind."""
    message = question(name, one.patients[0], reader_of(one.patients[0]).headers)
    statements = sql_of(one.database, one.platform, one.patients, message)
    with psycopg.connect(one.database.url) as connection:
        connection.execute("SET plan_cache_mode = force_generic_plan")
        psycopg.RawCursor(connection).execute(f"PREPARE asked AS {statements[0].text}")
        return sum(pages_of(each.parameters, connection) for each in statements) / len(statements)


def pages_of(parameters: Sequence[str | None], connection: psycopg.Connection) -> int:
    """How many it looks at for one patient."""
    values = sql.SQL(", ").join(map(sql.Literal, parameters))
    explained = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked ({})").format(values)
    ((plan,),) = connection.execute(explained).fetchall()
    top = plan[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
