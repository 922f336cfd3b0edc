"""Whatever an audit message says, its AuditEvent is one of FHIR (ITI TF-2: 3.81; DICOM PS3.15 A.5)."""

from fhir.resources.R4B.auditevent import AuditEvent

from atna_audit.audit_event import audit_event, patient_of_token
from audit_message.model import AuditMessage, AuditSource, EventIdentification, ParticipantObject
from audit_message.read import read_audit_message
from ihe.audit_events import CodedValue, Outcome
from tests.exchange.test_audit_trail import NOON
from tests.messages.audit import RETRIEVED


def test_each_part_of_a_message_has_its_element():
    """ITI TF-2: Table 3.81.4.2.2-1."""
    told = audit_event(read_audit_message(RETRIEVED), 7)
    AuditEvent.model_validate(told)
    assert told["type"] == {
        "system": "http://dicom.nema.org/resources/ontology/DCM",
        "code": "110106",
        "display": "Export",
    }
    assert told["subtype"][0]["system"] == "urn:ihe:event-type-code"
    assert (told["action"], told["outcome"], told["recorded"]) == ("R", "0", "2030-01-01T12:00:00.000Z")
    assert told["purposeOfEvent"][0]["coding"][0]["system"] == "urn:oid:2.999.9"
    assert told["agent"][0] == {
        "type": {
            "coding": [
                {
                    "system": "http://dicom.nema.org/resources/ontology/DCM",
                    "code": "110153",
                    "display": "Source Role ID",
                }
            ]
        },
        "who": {"identifier": {"value": "https://server.example/xds"}},
        "altId": "4711",
        "requestor": False,
        "network": {"address": "10.0.0.6", "type": "2"},
    }
    assert told["source"] == {"observer": {"identifier": {"value": "server.example"}}}
    patient, document = told["entity"]
    assert patient["what"]["identifier"]["system"] == "urn:oid:2.999.5"
    assert patient["what"]["identifier"]["value"] == "p1"
    assert document["detail"] == [{"type": "Repository Unique Id", "valueBase64Binary": "Mi45OTkuMi4x"}]


def test_what_a_message_leaves_out_is_left_out_as_far_as_fhir_lets():
    empty = CodedValue("", "", "")
    message = AuditMessage(
        EventIdentification(empty, NOON, Outcome.MINOR, type_codes=(CodedValue(" x ", "local name", "A"),)),
        (),
        AuditSource(""),
        (ParticipantObject("", empty, name="A name", query=b"and a query"),),
    )
    told = audit_event(message, 1)
    AuditEvent.model_validate(told)
    assert told["subtype"] == [{"display": "A"}]
    assert "name" not in told["entity"][0]


def test_a_token_names_a_patient_by_authority_and_id():
    """ITI TF-2: 3.81.4.1.2.2."""
    assert patient_of_token("urn:oid:2.999.5|p1") == "p1^^^&2.999.5&ISO"
    assert patient_of_token("2.999.5|p1") == "p1^^^&2.999.5&ISO"
    assert patient_of_token("https://authority.example|p1") == ""
    assert patient_of_token("p1") == ""
