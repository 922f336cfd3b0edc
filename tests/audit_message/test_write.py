"""Audit messages to bytes (DICOM PS3.15 A.5.1)."""

from datetime import UTC, datetime, timedelta, timezone

from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    Detail,
    EventIdentification,
    ParticipantObject,
)
from audit_message.read import read_audit_message
from audit_message.write import write_audit_message
from ihe.audit_events import Action, CodedValue, Outcome
from tests.messages.audit import on_the_wire

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
QUERY = CodedValue("110112", "DCM", "Query")
PATIENT_NUMBER = CodedValue("2", "RFC-3881", "Patient Number")


def message(**changed: str) -> AuditMessage:
    """The shortest message, with the one text changed that a test is about."""
    return AuditMessage(
        EventIdentification(QUERY, NOON, Outcome.SUCCESS, outcome_description=changed.get("description", "")),
        (ActiveParticipant(changed.get("user_id", "alice"), is_requestor=True),),
        AuditSource("server.example"),
        (
            ParticipantObject(
                "1",
                PATIENT_NUMBER,
                details=(Detail("note", changed["detail"]),) if "detail" in changed else (),
            ),
        ),
    )


def test_every_part_stands_where_the_schema_wants_it() -> None:
    """DICOM PS3.15 A.5.1."""
    physician = CodedValue("309343006", "2.16.840.1.113883.6.96", "Physician", "Médecin")
    whole = AuditMessage(
        EventIdentification(
            QUERY,
            datetime(2030, 1, 1, 13, 0, 0, 7999, tzinfo=timezone(timedelta(hours=1))),
            Outcome.SERIOUS,
            Action.EXECUTE,
            (CodedValue("ITI-18", "IHE Transactions", "Registry Stored Query"),),
            "XDSRegistryError",
            (CodedValue("NORM", "2.16.756.5.30.1.127.3.10.6", "Normal access"),),
        ),
        (
            ActiveParticipant(
                "urn:x", True, (physician, QUERY), "4711", "<jdoe@https://idp.example>", "10.0.0.5", "2"
            ),
            ActiveParticipant("urn:y", False),
        ),
        AuditSource("server.example", "Luxembourg", (CodedValue("4", "DCM", "Application Server"),)),
        (
            ParticipantObject("p1^^^&2.999.5&ISO", PATIENT_NUMBER, "1", "1", "6", "restricted", "Alice"),
            ParticipantObject(
                "q", QUERY, "2", "24", query=b"<q/>", details=(Detail("QueryEncoding", "UTF-8"),)
            ),
        ),
    )
    assert write_audit_message(whole) == on_the_wire("""
        <AuditMessage>
        <EventIdentification EventActionCode="E" EventDateTime="2030-01-01T12:00:00.007Z"
            EventOutcomeIndicator="8">
        <EventID csd-code="110112" codeSystemName="DCM" originalText="Query"/>
        <EventTypeCode csd-code="ITI-18" codeSystemName="IHE Transactions"
            originalText="Registry Stored Query"/>
        <EventOutcomeDescription>XDSRegistryError</EventOutcomeDescription>
        <PurposeOfUse csd-code="NORM" codeSystemName="2.16.756.5.30.1.127.3.10.6"
            originalText="Normal access"/>
        </EventIdentification>
        <ActiveParticipant UserID="urn:x" AlternativeUserID="4711" UserName="&lt;jdoe@https://idp.example&gt;"
            UserIsRequestor="true" NetworkAccessPointID="10.0.0.5" NetworkAccessPointTypeCode="2">
        <RoleIDCode csd-code="309343006" codeSystemName="2.16.840.1.113883.6.96" displayName="Médecin"
            originalText="Physician"/>
        <RoleIDCode csd-code="110112" codeSystemName="DCM" originalText="Query"/>
        </ActiveParticipant>
        <ActiveParticipant UserID="urn:y" UserIsRequestor="false">
        </ActiveParticipant>
        <AuditSourceIdentification AuditEnterpriseSiteID="Luxembourg" AuditSourceID="server.example">
        <AuditSourceTypeCode csd-code="4" codeSystemName="DCM" originalText="Application Server"/>
        </AuditSourceIdentification>
        <ParticipantObjectIdentification ParticipantObjectID="p1^^^&amp;2.999.5&amp;ISO"
            ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1"
            ParticipantObjectDataLifeCycle="6" ParticipantObjectSensitivity="restricted">
        <ParticipantObjectIDTypeCode csd-code="2" codeSystemName="RFC-3881" originalText="Patient Number"/>
        <ParticipantObjectName>Alice</ParticipantObjectName>
        </ParticipantObjectIdentification>
        <ParticipantObjectIdentification ParticipantObjectID="q"
            ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="24">
        <ParticipantObjectIDTypeCode csd-code="110112" codeSystemName="DCM" originalText="Query"/>
        <ParticipantObjectQuery>PHEvPg==</ParticipantObjectQuery>
        <ParticipantObjectDetail type="QueryEncoding" value="VVRGLTg="/>
        </ParticipantObjectIdentification>
        </AuditMessage>
    """)


def test_what_xml_cannot_carry_does_not_break_the_record() -> None:
    """XML 1.0 section 2.2: a peer must not be able to spoil the record about it."""
    bad = "a\0b\x1bc\ufffed\ud800e"
    read = read_audit_message(write_audit_message(message(user_id=bad, description=bad)))
    assert read.participants[0].user_id == "a\ufffdb\ufffdc\ufffdd\ufffde"
    assert read.event.outcome_description == "a\ufffdb\ufffdc\ufffdd\ufffde"


def test_base64_carries_control_characters_unchanged() -> None:
    """DICOM PS3.15 A.5.1: that is what Detail values are encoded for."""
    read = read_audit_message(write_audit_message(message(detail="a\0b\x1bc\ufffe")))
    assert read.objects[0].details == (Detail("note", "a\0b\x1bc\ufffe"),)


def test_markup_quotes_and_line_ends_come_back_as_they_were() -> None:
    """XML 1.0 section 3.3.3 would turn line ends within attributes into spaces."""
    text = '<a href="x">&amp;\'\r\n\tend'
    written = write_audit_message(message(user_id=text, description=text))
    assert b'UserID="&lt;a href=&quot;x&quot;&gt;&amp;amp;\'&#13;&#10;&#9;end"' in written
    read = read_audit_message(written)
    assert (read.participants[0].user_id, read.event.outcome_description) == (text, text)


def test_original_text_stands_even_when_empty() -> None:
    """DICOM PS3.15 A.5.1 requires the attribute."""
    written = write_audit_message(
        AuditMessage(
            EventIdentification(CodedValue("1", "x", ""), NOON, Outcome.SUCCESS), (), AuditSource("a")
        )
    )
    assert b'<EventID csd-code="1" codeSystemName="x" originalText=""/>' in written
