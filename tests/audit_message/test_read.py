"""Bytes to audit messages, of ours and of others (DICOM PS3.15 A.5.1, RFC 3881)."""

from datetime import UTC, datetime

import pytest

from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    Detail,
    EventIdentification,
    ParticipantObject,
)
from audit_message.read import NotAnAuditMessage, read_audit_message
from ihe.audit_events import Action, CodedValue, Outcome

SHORTEST = """
<AuditMessage>
 <EventIdentification EventDateTime="{time}" EventOutcomeIndicator="{outcome}" {more}>
  <EventID csd-code="110112" codeSystemName="DCM" originalText="Query"/>
 </EventIdentification>
 <AuditSourceIdentification AuditSourceID="a"/>
 <ParticipantObjectIdentification ParticipantObjectID="1">
  <ParticipantObjectDetail type="note" value="{detail}"/>
 </ParticipantObjectIdentification>
</AuditMessage>
"""


def shortest(
    time: str = "2030-01-01T12:00:00Z", outcome: str = "0", more: str = "", detail: str = ""
) -> bytes:
    return SHORTEST.format(time=time, outcome=outcome, more=more, detail=detail).encode()


def test_a_message_of_rfc_3881_names_its_codes_code() -> None:
    """RFC 3881 section 6."""
    assert read_audit_message(b"""\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>
        <AuditMessage>
         <EventIdentification EventActionCode="C" EventDateTime="2012-09-21T15:25:53.616+02:00"
             EventOutcomeIndicator="4">
          <EventID code="110110" codeSystemName="DCM" displayName="Patient Record"/>
          <EventTypeCode code="ITI-44" codeSystemName="IHE Transactions" displayName="Patient Identity Feed"/>
          <EventOutcomeDescription/>
         </EventIdentification>
         <ActiveParticipant UserID="him" UserIsRequestor="1" NetworkAccessPointID="https://him.example/"
             NetworkAccessPointTypeCode="1">
          <RoleIDCode code="110153" codeSystemName="DCM" displayName="Source"/>
         </ActiveParticipant>
         <AuditSourceIdentification AuditSourceID="him">
          <AuditSourceTypeCode code="4"/>
         </AuditSourceIdentification>
         <ParticipantObjectIdentification ParticipantObjectID="1^^^&amp;2.999&amp;ISO"
             ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1">
          <ParticipantObjectIDTypeCode code="2"/>
          <ParticipantObjectQuery>
           <!-- left out -->
          </ParticipantObjectQuery>
          <ParticipantObjectDetail type="II" value="ZGVm
             YXVsdA=="/>
         </ParticipantObjectIdentification>
        </AuditMessage>""") == AuditMessage(
        EventIdentification(
            CodedValue("110110", "DCM", "", "Patient Record"),
            datetime(2012, 9, 21, 13, 25, 53, 616000, UTC),
            Outcome.MINOR,
            Action.CREATE,
            (CodedValue("ITI-44", "IHE Transactions", "", "Patient Identity Feed"),),
        ),
        (
            ActiveParticipant(
                "him",
                True,
                (CodedValue("110153", "DCM", "", "Source"),),
                network_access_point="https://him.example/",
                network_access_point_type="1",
            ),
        ),
        AuditSource("him", "", (CodedValue("4", "", ""),)),
        (
            ParticipantObject(
                "1^^^&2.999&ISO", CodedValue("2", "", ""), "1", "1", details=(Detail("II", "default"),)
            ),
        ),
    )


def test_a_time_without_zone_is_utc() -> None:
    """RFC 3881 section 5.1.3 asks for the zone; not every sender gives it."""
    assert read_audit_message(shortest(time="2030-01-01T12:00:00.5")).event.at == datetime(
        2030, 1, 1, 12, 0, 0, 500000, UTC
    )


def test_a_detail_that_is_no_base64_is_taken_as_it_stands() -> None:
    """What a sender said is worth more than how it was encoded."""
    (object_,) = read_audit_message(shortest(detail="2.999.1 (plain)")).objects
    assert object_.details == (Detail("note", "2.999.1 (plain)"),)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00\x01", "line"),
        (b"<14>1 - - - - - - not xml", "line"),
        (b"<Bundle/>", "the root is Bundle, AuditMessage was expected"),
        (b"<AuditMessage/>", "AuditMessage has no EventIdentification"),
        (shortest(time="noon"), "EventDateTime 'noon' is no date and time"),
        (shortest(time="0001-01-01T00:00:00+14:00"), "is no date and time"),
        (shortest(outcome="5"), "EventOutcomeIndicator '5', expected 0, 4, 8 or 12"),
        (shortest(outcome=""), "EventOutcomeIndicator '', expected 0, 4, 8 or 12"),
        (shortest(more='EventActionCode="X"'), "EventActionCode 'X', expected C, R, U, D or E"),
    ],
)
def test_what_is_no_audit_message_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    """DICOM PS3.15 A.5.1."""
    with pytest.raises(NotAnAuditMessage) as refusal:
        read_audit_message(content)
    assert reason in str(refusal.value)
