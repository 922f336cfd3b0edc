"""What happened, as the audit message that leaves (ITI TF-2: 3.20.7 and each transaction's audit section)."""

from datetime import UTC, datetime
from typing import Any

import pytest

import schemas
from audit_message.write import write_audit_message
from exchange.audit_trail import (
    AuditedDocument,
    Happening,
    RefusedNode,
    actor_started,
    actor_stopped,
    audit_messages_of,
    node_refused,
)
from ihe.audit_events import BY_TRANSACTION, Outcome
from ihe.transactions import (
    ITI_18,
    ITI_41,
    ITI_42,
    ITI_43,
    ITI_44_ADD,
    ITI_44_MERGE,
    ITI_51,
    ITI_57,
    ITI_62,
    ITI_86,
    TRANSACTIONS,
    Transaction,
)
from tests.messages.audit import on_the_wire

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PATIENT, OTHER_PATIENT = "p1^^^&2.999.5&ISO", "p2^^^&2.999.5&ISO"


def happening(transaction: Transaction | None, **known: Any) -> Happening:
    """An exchange between a peer at 10.0.0.5 and us at 10.0.0.6."""
    usual: dict[str, Any] = {
        "at": NOON,
        "outcome": Outcome.SUCCESS,
        "we_are": "server",
        "endpoint": "https://server.example/xds",
        "endpoint_address": "10.0.0.6",
        "peer_address": "10.0.0.5",
        "process_id": "4711",
        "audit_source_id": "server.example",
    }
    return Happening(transaction=transaction, **(usual | known))


def written(transaction: Transaction | None, **known: Any) -> list[bytes]:
    messages = [write_audit_message(one) for one in audit_messages_of(happening(transaction, **known))]
    for message in messages:
        assert schemas.errors_in(schemas.parse(message), "audit") == ()
    return messages


SOURCE_AND_DESTINATION = """
    <ActiveParticipant UserID="http://www.w3.org/2005/08/addressing/anonymous" UserIsRequestor="true"
        NetworkAccessPointID="10.0.0.5" NetworkAccessPointTypeCode="2">
    <RoleIDCode csd-code="110153" codeSystemName="DCM" originalText="Source Role ID"/>
    </ActiveParticipant>
    <ActiveParticipant UserID="https://server.example/xds" AlternativeUserID="4711" UserIsRequestor="false"
        NetworkAccessPointID="10.0.0.6" NetworkAccessPointTypeCode="2">
    <RoleIDCode csd-code="110152" codeSystemName="DCM" originalText="Destination Role ID"/>
    </ActiveParticipant>
    <AuditSourceIdentification AuditSourceID="server.example">
    </AuditSourceIdentification>"""

PATIENT_OBJECT = """
    <ParticipantObjectIdentification ParticipantObjectID="p1^^^&amp;2.999.5&amp;ISO"
        ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1">
    <ParticipantObjectIDTypeCode csd-code="2" codeSystemName="RFC-3881" originalText="Patient Number"/>
    </ParticipantObjectIdentification>"""

SUBMISSION_SET_OBJECT = """
    <ParticipantObjectIdentification ParticipantObjectID="2.999.20.9"
        ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="20">
    <ParticipantObjectIDTypeCode csd-code="urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
        codeSystemName="IHE XDS Metadata" originalText="submission set classificationNode"/>
    </ParticipantObjectIdentification>"""


def test_the_registry_records_a_stored_query() -> None:
    """ITI TF-2: 3.18.5.1.2."""
    assert written(
        ITI_18,
        patient_ids=(PATIENT,),
        query_id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
        query_xml=b"<query:.../>",
        home_community_id="urn:oid:2.999.1",
    ) == [
        on_the_wire(f"""
            <AuditMessage>
            <EventIdentification EventActionCode="E" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="0">
            <EventID csd-code="110112" codeSystemName="DCM" originalText="Query"/>
            <EventTypeCode csd-code="ITI-18" codeSystemName="IHE Transactions"
                originalText="Registry Stored Query"/>
            </EventIdentification>
            {SOURCE_AND_DESTINATION}
            {PATIENT_OBJECT}
            <ParticipantObjectIdentification
                ParticipantObjectID="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
                ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="24">
            <ParticipantObjectIDTypeCode csd-code="ITI-18" codeSystemName="IHE Transactions"
                originalText="Registry Stored Query"/>
            <ParticipantObjectQuery>PHF1ZXJ5Oi4uLi8+</ParticipantObjectQuery>
            <ParticipantObjectDetail type="QueryEncoding" value="VVRGLTg="/>
            <ParticipantObjectDetail type="urn:ihe:iti:xca:2010:homeCommunityId"
                value="dXJuOm9pZDoyLjk5OS4x"/>
            </ParticipantObjectIdentification>
            </AuditMessage>
        """)
    ]


def test_the_repository_records_a_provided_submission() -> None:
    """ITI TF-2: 3.41.5.1.2."""
    assert written(ITI_41, patient_ids=(PATIENT,), submission_set_unique_id="2.999.20.9") == [
        on_the_wire(f"""
            <AuditMessage>
            <EventIdentification EventActionCode="C" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="0">
            <EventID csd-code="110107" codeSystemName="DCM" originalText="Import"/>
            <EventTypeCode csd-code="ITI-41" codeSystemName="IHE Transactions"
                originalText="Provide and Register Document Set-b"/>
            </EventIdentification>
            {SOURCE_AND_DESTINATION}
            {PATIENT_OBJECT}
            {SUBMISSION_SET_OBJECT}
            </AuditMessage>
        """)
    ]


def test_the_repository_records_what_it_registers_as_its_source() -> None:
    """ITI TF-2: 3.42.5.1.1."""
    assert written(
        ITI_42,
        we_are="client",
        peer_user_id="https://repo.example/xds",
        endpoint="https://reg.example/xds",
        peer_address="reg.example",
        patient_ids=(PATIENT,),
        submission_set_unique_id="2.999.20.9",
    ) == [
        on_the_wire(f"""
            <AuditMessage>
            <EventIdentification EventActionCode="R" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="0">
            <EventID csd-code="110106" codeSystemName="DCM" originalText="Export"/>
            <EventTypeCode csd-code="ITI-42" codeSystemName="IHE Transactions"
                originalText="Register Document Set-b"/>
            </EventIdentification>
            <ActiveParticipant UserID="https://repo.example/xds" AlternativeUserID="4711"
                UserIsRequestor="true" NetworkAccessPointID="10.0.0.6" NetworkAccessPointTypeCode="2">
            <RoleIDCode csd-code="110153" codeSystemName="DCM" originalText="Source Role ID"/>
            </ActiveParticipant>
            <ActiveParticipant UserID="https://reg.example/xds" UserIsRequestor="false"
                NetworkAccessPointID="reg.example" NetworkAccessPointTypeCode="1">
            <RoleIDCode csd-code="110152" codeSystemName="DCM" originalText="Destination Role ID"/>
            </ActiveParticipant>
            <AuditSourceIdentification AuditSourceID="server.example">
            </AuditSourceIdentification>
            {PATIENT_OBJECT}
            {SUBMISSION_SET_OBJECT}
            </AuditMessage>
        """)
    ]


def test_the_registry_records_a_registration_as_its_destination() -> None:
    """ITI TF-2: 3.42.5.1.2."""
    assert written(ITI_42, patient_ids=(PATIENT,), submission_set_unique_id="2.999.20.9") == [
        on_the_wire(f"""
            <AuditMessage>
            <EventIdentification EventActionCode="C" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="0">
            <EventID csd-code="110107" codeSystemName="DCM" originalText="Import"/>
            <EventTypeCode csd-code="ITI-42" codeSystemName="IHE Transactions"
                originalText="Register Document Set-b"/>
            </EventIdentification>
            {SOURCE_AND_DESTINATION}
            {PATIENT_OBJECT}
            {SUBMISSION_SET_OBJECT}
            </AuditMessage>
        """)
    ]


def test_on_a_retrieve_the_repository_is_the_source() -> None:
    """ITI TF-2: 3.43.5.1.2."""
    assert written(
        ITI_43,
        patient_ids=(PATIENT,),
        documents=(
            AuditedDocument("2.999.3.77", "2.999.2.1", "urn:oid:2.999.1"),
            AuditedDocument("2.999.3.78", "2.999.2.1"),
        ),
    ) == [
        on_the_wire(f"""
            <AuditMessage>
            <EventIdentification EventActionCode="R" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="0">
            <EventID csd-code="110106" codeSystemName="DCM" originalText="Export"/>
            <EventTypeCode csd-code="ITI-43" codeSystemName="IHE Transactions"
                originalText="Retrieve Document Set"/>
            </EventIdentification>
            <ActiveParticipant UserID="https://server.example/xds" AlternativeUserID="4711"
                UserIsRequestor="false" NetworkAccessPointID="10.0.0.6" NetworkAccessPointTypeCode="2">
            <RoleIDCode csd-code="110153" codeSystemName="DCM" originalText="Source Role ID"/>
            </ActiveParticipant>
            <ActiveParticipant UserID="http://www.w3.org/2005/08/addressing/anonymous" UserIsRequestor="true"
                NetworkAccessPointID="10.0.0.5" NetworkAccessPointTypeCode="2">
            <RoleIDCode csd-code="110152" codeSystemName="DCM" originalText="Destination Role ID"/>
            </ActiveParticipant>
            <AuditSourceIdentification AuditSourceID="server.example">
            </AuditSourceIdentification>
            {PATIENT_OBJECT}
            <ParticipantObjectIdentification ParticipantObjectID="2.999.3.77"
                ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="3">
            <ParticipantObjectIDTypeCode csd-code="9" codeSystemName="RFC-3881" originalText="Report Number"/>
            <ParticipantObjectDetail type="Repository Unique Id" value="Mi45OTkuMi4x"/>
            <ParticipantObjectDetail type="ihe:homeCommunityID" value="dXJuOm9pZDoyLjk5OS4x"/>
            </ParticipantObjectIdentification>
            <ParticipantObjectIdentification ParticipantObjectID="2.999.3.78"
                ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="3">
            <ParticipantObjectIDTypeCode csd-code="9" codeSystemName="RFC-3881" originalText="Report Number"/>
            <ParticipantObjectDetail type="Repository Unique Id" value="Mi45OTkuMi4x"/>
            </ParticipantObjectIdentification>
            </AuditMessage>
        """)
    ]


def test_the_consumer_of_a_retrieve_records_an_import() -> None:
    """ITI TF-2: 3.43.5.1.1."""
    (message,) = audit_messages_of(
        happening(ITI_43, we_are="client", documents=(AuditedDocument("2.999.3.77", "2.999.2.1"),))
    )
    assert (message.event.event_id.code, message.event.action) == ("110107", "C")
    assert [
        (one.user_id, one.is_requestor, one.roles[0].code, one.alternative_user_id, one.network_access_point)
        for one in message.participants
    ] == [
        ("https://server.example/xds", False, "110153", "", "10.0.0.5"),
        ("http://www.w3.org/2005/08/addressing/anonymous", True, "110152", "4711", "10.0.0.6"),
    ]


def feed_message(action: str, patient: str) -> bytes:
    return on_the_wire(f"""
        <AuditMessage>
        <EventIdentification EventActionCode="{action}" EventDateTime="2030-01-01T12:00:00.000Z"
            EventOutcomeIndicator="0">
        <EventID csd-code="110110" codeSystemName="DCM" originalText="Patient Record"/>
        <EventTypeCode csd-code="ITI-44" codeSystemName="IHE Transactions"
            originalText="Patient Identity Feed"/>
        </EventIdentification>
        {SOURCE_AND_DESTINATION}
        <ParticipantObjectIdentification ParticipantObjectID="{patient}^^^&amp;2.999.5&amp;ISO"
            ParticipantObjectTypeCode="1" ParticipantObjectTypeCodeRole="1">
        <ParticipantObjectIDTypeCode csd-code="2" codeSystemName="RFC-3881" originalText="Patient Number"/>
        <ParticipantObjectDetail type="II" value="bTE="/>
        </ParticipantObjectIdentification>
        </AuditMessage>
    """)


def test_the_registry_records_a_fed_patient() -> None:
    """ITI TF-2: 3.44.5.1.2."""
    assert written(ITI_44_ADD, patient_ids=(PATIENT,), message_id="m1") == [feed_message("C", "p1")]


def test_a_merge_deletes_one_patient_and_updates_the_other() -> None:
    """ITI TF-2: 3.44.5.1."""
    assert written(
        ITI_44_MERGE, patient_ids=(PATIENT,), obsolete_patient_ids=(OTHER_PATIENT,), message_id="m1"
    ) == [feed_message("D", "p2"), feed_message("U", "p1")]


def test_the_registry_records_removed_objects() -> None:
    """ITI TF-2: 3.62.5.1.2."""
    assert written(
        ITI_62,
        patient_ids=(PATIENT,),
        removed_entry_uuids=("urn:uuid:0a0b0c0d-1111-4222-8333-444455556666",),
    ) == [
        on_the_wire(f"""
            <AuditMessage>
            <EventIdentification EventActionCode="D" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="0">
            <EventID csd-code="110110" codeSystemName="DCM" originalText="Patient Record"/>
            <EventTypeCode csd-code="ITI-62" codeSystemName="IHE Transactions"
                originalText="Remove Metadata"/>
            </EventIdentification>
            {SOURCE_AND_DESTINATION}
            {PATIENT_OBJECT}
            <ParticipantObjectIdentification
                ParticipantObjectID="urn:uuid:0a0b0c0d-1111-4222-8333-444455556666"
                ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="3"
                ParticipantObjectDataLifeCycle="15">
            <ParticipantObjectIDTypeCode csd-code="urn:ihe:iti:2017:ObjectRef"
                codeSystemName="IHE XDS Metadata" originalText="registry object reference"/>
            </ParticipantObjectIdentification>
            </AuditMessage>
        """)
    ]


def test_a_failure_is_recorded_with_its_reason() -> None:
    """ITI TF-2: 3.20.7: the same message, with the outcome and its description."""
    assert written(ITI_41, outcome=Outcome.MINOR, outcome_text="XDSMissingDocument: <Document01>") == [
        on_the_wire(f"""
            <AuditMessage>
            <EventIdentification EventActionCode="C" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="4">
            <EventID csd-code="110107" codeSystemName="DCM" originalText="Import"/>
            <EventTypeCode csd-code="ITI-41" codeSystemName="IHE Transactions"
                originalText="Provide and Register Document Set-b"/>
            <EventOutcomeDescription>XDSMissingDocument: &lt;Document01&gt;</EventOutcomeDescription>
            </EventIdentification>
            {SOURCE_AND_DESTINATION}
            </AuditMessage>
        """)
    ]


def test_a_message_that_nobody_can_read_is_an_alert_naming_peer_and_endpoint() -> None:
    """DICOM PS3.15 A.5.3.11."""
    assert written(None, outcome=Outcome.MINOR, outcome_text="no SOAP message") == [
        on_the_wire("""
            <AuditMessage>
            <EventIdentification EventActionCode="E" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="4">
            <EventID csd-code="110113" codeSystemName="DCM" originalText="Security Alert"/>
            <EventTypeCode csd-code="unreadable-message" codeSystemName="Coffre"
                originalText="Unreadable Message"/>
            <EventOutcomeDescription>no SOAP message</EventOutcomeDescription>
            </EventIdentification>
            <ActiveParticipant UserID="https://server.example/xds" AlternativeUserID="4711"
                UserIsRequestor="true" NetworkAccessPointID="10.0.0.6" NetworkAccessPointTypeCode="2">
            </ActiveParticipant>
            <ActiveParticipant UserID="http://www.w3.org/2005/08/addressing/anonymous" UserIsRequestor="false"
                NetworkAccessPointID="10.0.0.5" NetworkAccessPointTypeCode="2">
            </ActiveParticipant>
            <AuditSourceIdentification AuditSourceID="server.example">
            </AuditSourceIdentification>
            <ParticipantObjectIdentification ParticipantObjectID="https://server.example/xds"
                ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="13">
            <ParticipantObjectIDTypeCode csd-code="12" codeSystemName="RFC-3881" originalText="URI"/>
            <ParticipantObjectDetail type="Alert Description" value="bm8gU09BUCBtZXNzYWdl"/>
            </ParticipantObjectIdentification>
            </AuditMessage>
        """)
    ]


def test_a_node_that_was_refused_is_an_alert_naming_it_and_the_reason() -> None:
    """ITI TF-2: 3.19.5; DICOM PS3.15 A.5.3.11."""
    refused = RefusedNode("mllps://10.0.0.6:2575", "10.0.0.6", "10.0.0.5", "its certificate has expired")
    assert write_audit_message(node_refused(refused, NOON, "4711", "server.example")) == on_the_wire("""
            <AuditMessage>
            <EventIdentification EventActionCode="E" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="4">
            <EventID csd-code="110113" codeSystemName="DCM" originalText="Security Alert"/>
            <EventTypeCode csd-code="110126" codeSystemName="DCM" originalText="Node Authentication"/>
            <EventOutcomeDescription>its certificate has expired</EventOutcomeDescription>
            </EventIdentification>
            <ActiveParticipant UserID="mllps://10.0.0.6:2575" AlternativeUserID="4711"
                UserIsRequestor="true" NetworkAccessPointID="10.0.0.6" NetworkAccessPointTypeCode="2">
            </ActiveParticipant>
            <ActiveParticipant UserID="10.0.0.5" UserIsRequestor="false"
                NetworkAccessPointID="10.0.0.5" NetworkAccessPointTypeCode="2">
            </ActiveParticipant>
            <AuditSourceIdentification AuditSourceID="server.example">
            </AuditSourceIdentification>
            <ParticipantObjectIdentification ParticipantObjectID="10.0.0.5"
                ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="13">
            <ParticipantObjectIDTypeCode csd-code="12" codeSystemName="RFC-3881" originalText="URI"/>
            <ParticipantObjectDetail type="Alert Description" value="aXRzIGNlcnRpZmljYXRlIGhhcyBleHBpcmVk"/>
            </ParticipantObjectIdentification>
            </AuditMessage>
        """)


def test_start_and_stop_of_an_actor_are_recorded() -> None:
    """DICOM PS3.15 A.5.3.1."""
    for tell, code, name in (
        (actor_started, "110120", "Application Start"),
        (actor_stopped, "110121", "Application Stop"),
    ):
        message = tell(NOON, "coffre", "fe80::1", "4711", "server.example")
        assert write_audit_message(message) == on_the_wire(f"""
            <AuditMessage>
            <EventIdentification EventActionCode="E" EventDateTime="2030-01-01T12:00:00.000Z"
                EventOutcomeIndicator="0">
            <EventID csd-code="110100" codeSystemName="DCM" originalText="Application Activity"/>
            <EventTypeCode csd-code="{code}" codeSystemName="DCM" originalText="{name}"/>
            </EventIdentification>
            <ActiveParticipant UserID="coffre" AlternativeUserID="4711" UserIsRequestor="false"
                NetworkAccessPointID="fe80::1" NetworkAccessPointTypeCode="2">
            <RoleIDCode csd-code="110150" codeSystemName="DCM" originalText="Application"/>
            </ActiveParticipant>
            <AuditSourceIdentification AuditSourceID="server.example">
            </AuditSourceIdentification>
            </AuditMessage>
        """)


def test_each_patient_of_a_retrieve_has_a_record_of_its_own() -> None:
    """ITI TF-2: 3.20.7: a document whose patient is not known stands in each."""
    messages = audit_messages_of(
        happening(
            ITI_43,
            documents=(
                AuditedDocument("2.999.3.1", "2.999.2.1", patient_id=PATIENT),
                AuditedDocument("2.999.3.2", "2.999.2.1", patient_id=OTHER_PATIENT),
                AuditedDocument("2.999.3.3", "2.999.2.1"),
            ),
        )
    )
    assert [[object_.id for object_ in message.objects] for message in messages] == [
        [PATIENT, "2.999.3.1", "2.999.3.3"],
        [OTHER_PATIENT, "2.999.3.2", "2.999.3.3"],
    ]


def test_a_query_over_several_patients_is_one_record() -> None:
    """ITI TF-2: 3.51.5.1."""
    (message,) = audit_messages_of(
        happening(ITI_51, patient_ids=(PATIENT, OTHER_PATIENT), query_id="urn:uuid:q")
    )
    assert [object_.id for object_ in message.objects] == [PATIENT, OTHER_PATIENT, "urn:uuid:q"]
    assert message.event.type_codes[0].original_text == "Multi-Patient Query"


def test_an_update_is_recorded_as_one() -> None:
    """ITI TF-2: 3.57.5.1."""
    (message,) = audit_messages_of(happening(ITI_57, patient_ids=(PATIENT,)))
    assert (message.event.event_id.code, message.event.action) == ("110107", "U")


def test_a_removed_document_is_erased_for_ever() -> None:
    """ITI TF-2: 3.86.5.1."""
    (message,) = audit_messages_of(happening(ITI_86, documents=(AuditedDocument("2.999.3.1", "2.999.2.1"),)))
    assert [(object_.id, object_.life_cycle) for object_ in message.objects] == [("2.999.3.1", "15")]


def test_what_is_not_known_is_left_out() -> None:
    """ITI TF-2: 3.20.7: a request that failed early has no patient, set or query to name."""
    for transaction in (ITI_18, ITI_41, ITI_42, ITI_43, ITI_44_ADD):
        (message,) = audit_messages_of(happening(transaction, peer_address=""))
        assert message.objects == ()
    assert b'anonymous" UserIsRequestor="true">' in written(ITI_18, peer_address="")[0]


@pytest.mark.parametrize("transaction", TRANSACTIONS)
def test_every_transaction_has_its_row(transaction: Transaction) -> None:
    """ITI TF-2: 3.20.7."""
    assert BY_TRANSACTION[transaction].transaction is transaction
