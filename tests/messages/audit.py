"""Audit messages as tests write them out."""

import re


def on_the_wire(text: str) -> bytes:
    """Take the line breaks out of an XML text: none between elements, one space between attributes."""
    joined = re.sub(r"\s*\n\s*(?=<|$)", "", text.strip())
    return ('<?xml version="1.0" encoding="UTF-8"?>' + re.sub(r"\s*\n\s*", " ", joined)).encode()


# A retrieval as a server records it, and the header in which another system sends it.
HEADER = b"<85>1 2030-01-01T12:00:00.000001Z h a p IHE+RFC-3881 - "
RETRIEVED = on_the_wire(
    """
    <AuditMessage>
    <EventIdentification EventActionCode="R" EventDateTime="2030-01-01T12:00:00.000Z"
      EventOutcomeIndicator="0">
    <EventID csd-code="110106" codeSystemName="DCM" originalText="Export"/>
    <EventTypeCode csd-code="ITI-43" codeSystemName="IHE Transactions" originalText="Retrieve Document Set"/>
    <PurposeOfUse csd-code="NORM" codeSystemName="2.999.9" originalText="Normal access"/>
    </EventIdentification>
    <ActiveParticipant UserID="https://server.example/xds" AlternativeUserID="4711" UserIsRequestor="false"
      NetworkAccessPointID="10.0.0.6" NetworkAccessPointTypeCode="2">
    <RoleIDCode csd-code="110153" codeSystemName="DCM" originalText="Source Role ID"/>
    </ActiveParticipant>
    <ActiveParticipant UserID="&lt;jdoe@https://idp.example&gt;" UserIsRequestor="true"/>
    <ActiveParticipant UserID="http://www.w3.org/2005/08/addressing/anonymous" UserIsRequestor="true"
      NetworkAccessPointID="10.0.0.5" NetworkAccessPointTypeCode="2">
    <RoleIDCode csd-code="110152" codeSystemName="DCM" originalText="Destination Role ID"/>
    </ActiveParticipant>
    <AuditSourceIdentification AuditSourceID="server.example"/>
    <ParticipantObjectIdentification ParticipantObjectID="p1^^^&amp;2.999.5&amp;ISO"
      ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1">
    <ParticipantObjectIDTypeCode csd-code="2" codeSystemName="RFC-3881" originalText="Patient Number"/>
    </ParticipantObjectIdentification>
    <ParticipantObjectIdentification ParticipantObjectID="2.999.3.77"
      ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="3">
    <ParticipantObjectIDTypeCode csd-code="9" codeSystemName="RFC-3881" originalText="Report Number"/>
    <ParticipantObjectDetail type="Repository Unique Id" value="Mi45OTkuMi4x"/>
    </ParticipantObjectIdentification>
    </AuditMessage>
    """
)
