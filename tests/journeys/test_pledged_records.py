"""No change without its record, also where a process could not write it any more (ITI TF-2: 3.20)."""

import re
import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from atna_audit.spool import stored_records
from tests.messages import requests
from tests.messages.named_record import NamedRecord
from tests.messages.requests import submission
from tests.services.platform import Platform, running

CUT_OFF = b"done, and cut off before it was answered"
CUT_OFF_STORED = b"its documents were stored; cut off before it was answered, if registered, so by an ITI-42"
# Whose record is longer than all other files that a registry writes in a test.
LONG_QUERY_BYTES = 12 * 2**20
WAIT_SECONDS = 60

_EVENT = re.compile(
    rb'EventOutcomeIndicator="(\d+)".*?EventTypeCode csd-code="(ITI-\d+)"'
    rb"(?:.*?<EventOutcomeDescription>(.*?)</EventOutcomeDescription>)?",
    re.DOTALL,
)


def told_of(platform: Platform, about: str) -> Counter[tuple[bytes, ...]]:
    """Transaction, outcome and what is said of it, of each record that names this object."""
    found: Counter[tuple[bytes, ...]] = Counter()
    for spool in platform.audit_spools:
        for record in stored_records(spool):
            if f'ParticipantObjectID="{about}"'.encode() in record:
                event = _EVENT.search(record)
                assert event
                found[event[2], event[1], event[3] or b""] += 1
    return found


@contextmanager
def without_room_for_records(platform: Platform) -> Iterator[None]:
    """No file of this server may become longer than what its spool holds now; the shorter ones may."""
    pid = platform.process.pid
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    spool = (platform.directory / "audit").iterdir()
    longest = max(len(one.read_bytes().rstrip(b"\0")) for one in spool)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (longest, unlimited[1]))
    yield
    if platform.process.poll() is None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)


def wait_for_record_of(platform: Platform, about: str) -> Counter[tuple[bytes, ...]]:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := told_of(platform, about)):
        assert time.monotonic() < deadline, platform.log
        time.sleep(0.05)
    return found


def test_a_registry_records_what_it_changed_while_it_could_not_record(tmp_path, migrated_database_url):
    """ITI TF-2: 3.20: when its audit trail is in order again, and after a crash when it starts again."""
    environment = {"COFFRE_DATABASE_URL": migrated_database_url}
    with running(tmp_path, actors="registry", environment=environment) as platform:
        record = NamedRecord(platform)
        platform.query(requests.find_documents(record.patient_id, status="'" + "x" * LONG_QUERY_BYTES + "'"))
        with without_room_for_records(platform):
            for name in "AB":
                answer = record.send(f"S{name}", documents=name)
                assert (answer.status, answer.fault) == (
                    500,
                    ("Receiver", None, "the audit trail is not available"),
                )
        first = wait_for_record_of(platform, record.names.oid("SA"))
        assert first == {(b"ITI-42", b"0", CUT_OFF): 1}
        assert wait_for_record_of(platform, record.names.oid("SB")) == first
        record.register("SC", documents="C")
        with without_room_for_records(platform):
            assert record.send("SD", documents="D").status == 500
            platform.kill()
    with running(tmp_path, actors="registry", environment=environment) as record.platform:
        assert record.held() == "A B C D SA SA>A SB SB>B SC SC>C SD SD>D"
        assert told_of(platform, record.names.oid("SD")) == first
        assert told_of(platform, record.names.oid("SC")) == {(b"ITI-42", b"0", b""): 1}
        assert told_of(platform, record.names.oid("SB")) == first


def test_a_repository_records_what_it_stored_when_it_was_cut_off(fresh_platform, migrated_postgresql_url):
    """ITI TF-2: 3.20: that documents came, from whom and for whom, is told even if their fate is not."""
    platform = fresh_platform(database_url=migrated_postgresql_url)
    sent = submission(platform.add_patient())
    with without_room_for_records(platform):
        assert platform.provide(sent, b"text").status == 500
        platform.kill()
    platform = fresh_platform(database_url=migrated_postgresql_url)
    assert told_of(platform, sent.submission_set_unique_id) == {
        (b"ITI-41", b"8", CUT_OFF_STORED): 1,
        (b"ITI-42", b"0", CUT_OFF): 1,
    }
    assert platform.documents_of(sent.patient_id) == list(sent.unique_ids)
    assert platform.retrieve(sent.unique_id).parts[1][1] == b"text"
