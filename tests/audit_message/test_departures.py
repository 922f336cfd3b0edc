"""Messages of other senders: read, and told where they depart from the schema (DICOM PS3.15 A.5.1)."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_message.departures import DEPARTURES_REPORTED, NAMESPACED, RFC_3881_DIALECT, examine
from audit_message.read import NotAnAuditMessage, read_audit_message
from ihe.audit_events import Outcome
from tests.messages.audit import RETRIEVED

ARRIVED = datetime(2030, 6, 1, tzinfo=UTC)


def test_a_message_as_it_should_be_departs_from_nothing():
    assert examine(RETRIEVED, ARRIVED) == (read_audit_message(RETRIEVED), ())


OUT_OF_PLACE = "is out of its place, or something of it is missing"
STRANGE_VALUE = "has a value that the schema does not know"


@pytest.mark.parametrize(
    ("told", "instead", "departure"),
    [
        (b' originalText="Export"', b"", "EventID/@originalText is missing"),
        (b' UserIsRequestor="true"', b"", "ActiveParticipant/@UserIsRequestor is missing"),
        (b' AlternativeUserID="4711"', b' Pid="4711"', "ActiveParticipant/@Pid is not of the schema"),
        (b"<AuditSourceIdentification", b"<Audited/><AuditSourceIdentification", f"Audited {OUT_OF_PLACE}"),
        (
            b' EventActionCode="R"',
            b' EventActionCode="X"',
            f"EventIdentification/@EventActionCode {STRANGE_VALUE}",
        ),
        (b'value="Mi45OTkuMi4x"', b'value="2.999.2.1"', f"ParticipantObjectDetail/@value {STRANGE_VALUE}"),
        (b"csd-code=", b"code=", RFC_3881_DIALECT),
        (b"<AuditMessage>", b'<AuditMessage xmlns="urn:x">', NAMESPACED),
    ],
)
def test_a_departure_is_named_and_the_message_read(told, instead, departure):
    assert told in RETRIEVED
    message, departures = examine(RETRIEVED.replace(told, instead), ARRIVED)
    assert departures == (departure,)
    assert [one.id for one in message.objects] == ["p1^^^&2.999.5&ISO", "2.999.3.77"]


def test_a_time_and_an_outcome_that_cannot_be_read_are_replaced():
    """The outcome by the one that the schema has for an unknown status."""
    broken = RETRIEVED.replace(b'EventDateTime="2030-01-01T12:00:00.000Z"', b"").replace(
        b'cator="0"', b'cator="ok"'
    )
    message, departures = examine(broken, ARRIVED)
    assert (message.event.at, message.event.outcome) == (ARRIVED, Outcome.SUCCESS)
    assert set(departures) == {
        "EventIdentification/@EventDateTime is missing",
        "EventIdentification/@EventOutcomeIndicator has a value that the schema does not know",
    }


def test_no_departure_quotes_what_may_name_a_patient():
    _, departures = examine(RETRIEVED.replace(b'TypeCode="1"', b'TypeCode="Anne Schmit"'), ARRIVED)
    assert departures
    assert not any("Schmit" in one for one in departures)


def test_of_very_many_departures_some_are_named():
    strange = b"".join(b"<X%d/>" % number for number in range(100))
    _, departures = examine(
        RETRIEVED.replace(b"</EventIdentification>", strange + b"</EventIdentification>"), ARRIVED
    )
    assert 0 < len(departures) <= DEPARTURES_REPORTED


@given(st.integers(0, len(RETRIEVED)), st.integers(0, 40), st.binary(max_size=40))
def test_whatever_comes_is_read_or_is_no_audit_message(at, cut, instead):
    with suppress(NotAnAuditMessage):
        examine(RETRIEVED[:at] + instead + RETRIEVED[at + cut :], ARRIVED)
