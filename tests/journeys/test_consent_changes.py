"""Directives that change while other processes answer (docs/consent.md)."""

import threading
from collections.abc import Iterator

import pytest

from consent_broker.model import RecordStatus
from consent_broker.store import Directive, Kind
from tests.services.platform import Platform, running
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules

DR_A = Person("A")
PROCESSES = 3
DOCUMENTS = 5


@pytest.fixture(params=["sqlite", "postgresql"])
def domain(request, tmp_path) -> Iterator[Platform]:
    """A server of several processes whose domain has rules, on each database."""
    environment = {"COFFRE_SERVER__WORKERS": str(PROCESSES)}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("migrated_postgresql_url")
    with running(write_rules(tmp_path / "many"), toml=RULED_DOMAIN, environment=environment) as platform:
        yield platform


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
