"""What is read from a message of whatever sender (ITI TF-2: 3.20.4.1.3)."""

from datetime import UTC, datetime, timedelta

import pytest

from atna_audit.iti20_record_audit_event import Arrival, Repetitions, record_of
from atna_audit.tables import About
from ihe.audit_events import Outcome
from tests.messages.audit import HEADER, RETRIEVED

ARRIVED = datetime(2030, 1, 1, 12, 0, 5, tzinfo=UTC)


def arrival(message: bytes, *diagnosis: str, repeated: int = 0) -> Arrival:
    return Arrival(message, "10.0.0.9", "tls", ARRIVED, diagnosis, repeated)


def test_a_record_is_found_by_whom_and_what_it_names():
    record = record_of(arrival(HEADER + RETRIEVED))
    assert record.subjects == {
        (About.PATIENT, "p1^^^&2.999.5&ISO"),
        (About.DOCUMENT, "2.999.3.77"),
        (About.PERSON, "https://server.example/xds"),
        (About.PERSON, "<jdoe@https://idp.example>"),
        (About.PURPOSE, "NORM"),
        (About.EVENT, "110106"),
        (About.EVENT, "ITI-43"),
    }
    assert (record.at, record.outcome) == (ARRIVED - timedelta(seconds=5), Outcome.SUCCESS)
    assert (record.sender, record.diagnosis) == ("server.example", ())


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        (b'EventDateTime="2030-01-01T12:00:00.000Z"', b'EventDateTime="yesterday"'),
        (b'EventOutcomeIndicator="0"', b'EventOutcomeIndicator="ok"'),
        (b' EventActionCode="R"', b' EventActionCode="read"'),
        (b"<AuditMessage>", b'<AuditMessage xmlns="urn:x">'),
        (b"csd-code=", b"code="),
    ],
)
def test_what_cannot_be_read_does_not_hide_the_patient_beside_it(told, instead):
    assert told in RETRIEVED
    record = record_of(arrival(HEADER + RETRIEVED.replace(told, instead)))
    assert (About.PATIENT, "p1^^^&2.999.5&ISO") in record.subjects
    assert len(record.diagnosis) == 1


def test_a_record_sent_again_by_another_name_and_another_way_is_the_same():
    again = HEADER.replace(b" h ", b" h.example ").replace(b"<85>", b"<84>")
    assert record_of(arrival(HEADER + RETRIEVED)).digest == record_of(arrival(again + RETRIEVED)).digest


@pytest.mark.parametrize("changed", [(b" p ", b" q "), (b"00.000001Z", b"00.000002Z"), (b"NORM", b"EMER")])
def test_another_process_moment_or_word_is_another_record(changed):
    message = HEADER + RETRIEVED
    assert record_of(arrival(message)).digest != record_of(arrival(message.replace(*changed))).digest


def test_equal_messages_of_one_connection_are_as_many_events():
    """A clock that knows whole seconds only gives two events the same time."""
    once, again = Repetitions(), Repetitions()
    message = HEADER + RETRIEVED
    digests = [record_of(arrival(message, repeated=once.count(message))).digest for _ in range(2)]
    assert len(set(digests)) == 2
    assert [record_of(arrival(message, repeated=again.count(message))).digest for _ in range(2)] == digests
