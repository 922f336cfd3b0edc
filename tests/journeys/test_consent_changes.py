"""Directives that change while other processes answer, and that cannot be read (docs/consent.md)."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from consent_broker.model import RecordStatus
from consent_broker.store import Directive, Kind
from server.configuration import load
from tests.messages.requests import SUCCESS
from tests.services.http_api import ask
from tests.services.platform import Platform, running
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules

DR_A = Person("A")
PROCESSES = 3
DOCUMENTS = 5


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def domain(request, tmp_path_factory) -> Iterator[Platform]:
    """A server of several processes whose domain has rules, on each database."""
    environment = {"COFFRE_SERVER__WORKERS": str(PROCESSES)}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    directory = write_rules(tmp_path_factory.mktemp("many"))
    with running(directory, toml=RULED_DOMAIN, environment=environment) as platform:
        yield platform


@contextmanager
def without_directives(platform: Platform) -> Iterator[None]:
    """The broker's tables cannot be read, while those of registry and repository can."""
    ends = ["consent_version", "consent_version_away"]
    _rename(platform, *ends)
    try:
        yield
    finally:
        _rename(platform, *reversed(ends))


def _rename(platform: Platform, name: str, to: str) -> None:
    statement = f"ALTER TABLE {name} RENAME TO {to}"
    url = load(platform.directory / "coffre.toml", platform.environment).database.url
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60)) as connection:
            connection.execute(statement)
    else:
        with psycopg.connect(url) as connection:
            connection.execute(statement.encode())


def test_no_answer_shows_the_old_state_after_a_change_was_acknowledged(domain):
    """Queries run in every process while documents are hidden: each begun after a change leaves them out.

    docs/consent.md; the change is made by another process still, as a command makes it.
    """
    record = Record(domain)
    record.grant(DR_A.party)
    documents = [record.deposit(record.patient) for _ in range(DOCUMENTS)]
    uuids = {sent.unique_id: record.entry_uuid(sent) for sent in documents}
    hidden: set[str] = set()
    wrong: list[str] = []
    answers = threading.Semaphore(0)
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            before = set(hidden)
            wrong.extend(before & set(record.seen_by(DR_A)))
            answers.release()

    askers = [threading.Thread(target=ask) for _ in range(PROCESSES)]
    for asker in askers:
        asker.start()
    for unique_id, uuid in uuids.items():
        record.let(Directive(Kind.HIDDEN, document=uuid))
        hidden.add(unique_id)
        # Until each asker may have been answered by each process.
        for _ in range(PROCESSES * PROCESSES):
            answers.acquire()
    stop.set()
    for asker in askers:
        asker.join()
    assert wrong == []
    assert record.seen_by(DR_A) == []
    record.turn(RecordStatus.CLOSED)
    assert record.seen_by(record.patient) == []


def test_a_broker_that_does_not_answer_means_denial(domain):
    """Nothing is found, handed out, taken in or told, at any door; nor does anything stay of it.

    docs/consent.md; what a process has read of directives before is of no use to it.
    """
    record = Record(domain)
    record.grant(DR_A.party)
    sent = record.deposit(DR_A)
    for _ in range(PROCESSES * PROCESSES):
        assert record.seen_by(DR_A) == [sent.unique_id]
    late = record.document()
    with without_directives(domain):
        by_id = ("$XDSDocumentEntryUniqueId", f"('{sent.unique_id}')")
        for by in (DR_A, record.patient, DR_A.in_emergency()):
            found = record.ask(by, "GetDocuments", by_id, return_type="ObjectRef")
            assert [code for code, _ in found.errors] == ["XDSRegistryError"]
            assert sent.unique_id.encode() not in record.all_of_it(by).body
            handed_out = record.retrieve(by, sent.unique_id)
            assert b"Dear colleague" not in handed_out.body
            assert [code for code, _ in handed_out.errors] == ["XDSRepositoryError"]
            assert [code for code, _ in record.provide(by, late).errors] == ["XDSRepositoryError"]
        assert ask(domain, "GET", "/api/consent", record.patient).status == 500
    assert record.seen_by(DR_A) == [sent.unique_id]
    assert record.provide(DR_A, late).status_urn == SUCCESS
