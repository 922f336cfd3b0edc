"""Register and Provide Document Set next to the same inserts by pgbench, and to reading the same bytes.

Every submission is one document of its own, by somebody whom the patient lets deposit.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
from lxml import etree

from bench.load import FRESH, Load, made_fresh, raw_request
from bench.pgbench import transactions_of
from bench.population import patient_id
from bench.raw_sql import Sent, statements_of
from bench.rounds import Asked, Figures, in_turns, median, ratios
from bench.targets import Result
from bench.world import PROFESSIONALS, reader_of, server
from schemas.validator import errors_in
from tests.messages import requests
from tests.services.platform import Platform
from tests.services.postgresql import Cluster
from tests.wire import MTOM_TYPE, envelope, include, mtom, post

DOCUMENT = b"Dear colleague, nothing new.\r\n" * 342  # 10 KB
# Of whom nothing is asked: what pgbench inserts is his.
YARDSTICK_PATIENT = 1
# Whoever asks for answers that stay as they are asks about others.
DEPOSITED_IN = range(2, 502)
# A document's, once it is fresh.
UNIQUE_ID = re.compile(rb"2\.25\.9\d{15}1")
READ_AND_VALIDATED = 200


def measured(database: Cluster, directory: Path, rounds: int, seconds: int) -> list[Result]:
    """What all rows of submissions come to."""
    with server(directory / "plain", database.url) as platform:
        iti_42, iti_41 = loads(platform, directory)
        inserts = inserts_of(database, platform)
        asked = {
            "ITI-42": Asked(partial(iti_42.run, seconds), platform.process.pid),
            "ITI-41": Asked(partial(iti_41.run, seconds), platform.process.pid),
        }
        message = registration(YARDSTICK_PATIENT)
        yardsticks = {
            "pgbench": partial(transactions_of, database, inserts, directory, seconds),
            "reading": partial(reading_seconds, message),
        }
        with counted(database.url) as stored:
            figures, others = in_turns(asked, rounds, yardsticks)
        if stored[0] < sum(sum(one.rates) for one in figures.values()) * seconds:
            raise SystemExit("not every submission was registered")
    return results_of(figures, others, len(message))


def loads(platform: Platform, directory: Path) -> tuple[Load, Load]:
    """ITI-42 and ITI-41, about patients in turn."""
    headers = {one.extension: one.headers for one in PROFESSIONALS}
    registered = [registration(one, headers[reader_of(one).extension]) for one in DEPOSITED_IN]
    provided = [provision(one, headers[reader_of(one).extension]) for one in DEPOSITED_IN]
    registry, repository = platform.registry_url, platform.repository_url
    for url, message, content_type in (
        (registry, registered[0], "application/soap+xml"),
        (repository, provided[0], MTOM_TYPE),
    ):
        answer = post(url, made_fresh(message), content_type)
        if answer.status_urn != requests.SUCCESS:
            raise SystemExit(f"the server refuses a submission: {answer.errors}")
    return (
        Load(directory, "iti-42", registry, [raw_request(registry, one) for one in registered], fresh=True),
        Load(
            directory,
            "iti-41",
            repository,
            [raw_request(repository, one, MTOM_TYPE) for one in provided],
            fresh=True,
        ),
    )


def registration(patient: int, headers: str = "") -> bytes:
    """ITI-42 of a document whose ids are fresh each time."""
    return envelope(
        requests.ITI_42,
        _submission(patient, requests.registered("0" * 40, len(DOCUMENT))),
        more_headers=headers or reader_of(patient).headers,
    )


def provision(patient: int, headers: str) -> bytes:
    """ITI-41 of such a document."""
    body = requests.provide(_submission(patient), ("Document1", include("part@wire")))
    message = envelope(requests.ITI_41, body, more_headers=headers)
    return mtom(message, ("part@wire", "text/plain", DOCUMENT))


def _submission(patient: int, slots: str = "") -> str:
    sent = requests.submission(patient_id(patient), slots=slots)
    text = sent.submit_objects_request.replace(sent.unique_id, f"2.25.9{FRESH}1")
    return text.replace(sent.submission_set_unique_id, f"2.25.9{FRESH}2")


def inserts_of(database: Cluster, platform: Platform) -> list[Sent]:
    """What the registry inserts for one submission."""
    sent = requests.submission(
        patient_id(YARDSTICK_PATIENT), slots=requests.registered("0" * 40, len(DOCUMENT))
    )
    message = envelope(
        requests.ITI_42,
        sent.submit_objects_request,
        more_headers=reader_of(YARDSTICK_PATIENT).headers,
    )
    # Codes that are new are inserted but once, and nobody asks for those that are known.
    post(platform.registry_url, made_fresh(registration(YARDSTICK_PATIENT)))
    log = database.folder / "server.log"
    told = statements_of(database.url, log, lambda: post(platform.registry_url, message))
    tables = (
        "registered_object", "registered_unique_id", "submission_set", "document_entry", "association",
    )  # fmt: skip
    inserts = [one for one in told if one.text.startswith(tuple(f"INSERT INTO {name} " for name in tables))]
    if len(inserts) != len(tables):
        raise SystemExit("a submission is not stored by one insert for each table")
    return inserts


@contextmanager
def counted(url: str) -> Iterator[list[int]]:
    """How many submissions of anybody but the yardstick's patient are stored meanwhile."""
    found = [0]
    before = _submissions(url)
    yield found
    found[0] = _submissions(url) - before


def _submissions(url: str) -> int:
    with psycopg.connect(url) as connection:
        number = "SELECT count(*) FROM submission_set WHERE patient <> %s"
        (counted,) = connection.execute(number, (YARDSTICK_PATIENT,)).fetchone() or (0,)
    return int(counted)


def reading_seconds(message: bytes) -> float:
    """Processor time of parsing and validating a message, by lxml alone."""
    began = time.process_time()
    for _ in range(READ_AND_VALIDATED):
        body = etree.fromstring(message)[-1]
        if errors_in(body[0]):
            raise SystemExit("the message is not valid")
    return (time.process_time() - began) / READ_AND_VALIDATED


def results_of(
    figures: Mapping[str, Figures], others: Mapping[str, Sequence[float]], message_bytes: int
) -> list[Result]:
    """The rows of which these figures tell."""
    iti_42, iti_41 = figures["ITI-42"], figures["ITI-41"]
    pgbench, reading = others["pgbench"], others["reading"]
    return [
        Result(
            "5",
            iti_42.said,
            f"the same inserts by pgbench: {median(pgbench):,.0f}/s",
            ratios(iti_42.rates, pgbench),
        ),
        Result(
            "6",
            f"{median(iti_42.costs) * 1e6:,.0f} µs",
            f"parsing and validating its {message_bytes:,} bytes: {median(reading) * 1e6:,.0f} µs",
            ratios(iti_42.costs, reading),
        ),
        Result("7", iti_41.said, "(5)", ratios(iti_41.rates, iti_42.rates)),
    ]
