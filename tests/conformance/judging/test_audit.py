"""Audit records and their syslog header, each with one thing wrong (ITI TF-2: 3.20)."""

import pytest

from conformance.judging.message import judge
from tests.conformance.judging.samples import changed, errors, rules
from tests.messages.audit import HEADER, RETRIEVED, on_the_wire

GOOD = RETRIEVED.decode()


def test_a_good_record_has_nothing_wrong():
    assert rules(GOOD) == set()
    assert judge(HEADER + RETRIEVED).kind == "an audit message of [ITI-20] in syslog"
    assert rules(HEADER + RETRIEVED) == set()
    framed = b"%d " % len(HEADER + RETRIEVED) + HEADER + RETRIEVED
    assert rules(framed) == set()


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        (
            "elements stand where the schema has them",
            'EventOutcomeIndicator="0"',
            'EventOutcomeIndicator="1"',
        ),
        ("a code stands in csd-code", "csd-code=", "code="),
        ("the event id is that of the transaction", "110106", "110112"),
        ("the action is that of the transaction", 'EventActionCode="R"', 'EventActionCode="D"'),
        ("the event type names the transaction", "IHE Transactions", "IHE"),
        ("one participant is the Source Role ID", "110153", "110150"),
        ("one participant is the Destination Role ID", "110152", "110153"),
        ("a system says from where it speaks", 'NetworkAccessPointID="10.0.0.6" ', ""),
        (
            "the record names its document",
            'ParticipantObjectTypeCodeRole="3"',
            'ParticipantObjectTypeCodeRole="4"',
        ),
        ("a patient is named as CX", "p1^^^&amp;2.999.5&amp;ISO", "p1"),
        ("the id of a document says of what kind it is", 'csd-code="9"', 'csd-code="8"'),
        ("a document says from which repository it is", "Repository Unique Id", "Repository"),
        ("the value of a detail is base64", "Mi45OTkuMi4x", "2.999.2.1"),
        ("a record names its source", 'AuditSourceID="server.example"', 'AuditSourceID=""'),
    ],
)
def test_what_is_wrong_in_a_record_is_found(rule, old, new):
    assert rule in errors(changed(GOOD, (old, new)))


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("a header is one of RFC 5424", b"<85>1 ", b"<85>Jan "),
        ("a time is one of RFC 5424", b"2030-01-01T12:00:00.000001Z", b"2030-01-01"),
        ("the message id says what follows", b"IHE+RFC-3881", b"audit"),
        ("an audit message is of facility 10", b"<85>", b"<13>"),
        ("the version is 1", b">1 ", b">2 "),
    ],
)
def test_what_is_wrong_in_the_header_is_found(rule, old, new):
    assert rule in rules(HEADER.replace(old, new) + RETRIEVED)


def test_a_frame_counts_bytes():
    """RFC 5425: 4.3."""
    assert "MSG-LEN counts the bytes of the message" in errors(b"17 " + HEADER + RETRIEVED)


STARTED = on_the_wire(
    """
    <AuditMessage>
    <EventIdentification EventActionCode="E" EventDateTime="2030-01-01T12:00:00Z" EventOutcomeIndicator="0">
    <EventID csd-code="110100" codeSystemName="DCM" originalText="Application Activity"/>
    <EventTypeCode csd-code="110120" codeSystemName="DCM" originalText="Application Start"/>
    </EventIdentification>
    <ActiveParticipant UserID="4711" UserIsRequestor="false">
    <RoleIDCode csd-code="110150" codeSystemName="DCM" originalText="Application"/>
    </ActiveParticipant>
    <AuditSourceIdentification AuditSourceID="a"/>
    </AuditMessage>
    """
).decode()


def test_other_events_have_their_own_rules():
    """DICOM PS3.15 A.5.3.1."""
    assert errors(STARTED) == set()
    assert errors(changed(STARTED, ("110120", "110199"))) == {"an application starts or stops"}
    assert errors(changed(STARTED, ("110150", "110151"))) == {"one participant is the application"}
