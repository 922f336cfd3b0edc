"""AuditEvents of the RESTful feed say what audit messages say (ITI TF-2: 3.20, 3.81)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atna_audit.audit_event import audit_event
from audit_message.audit_event import is_audit_event, read_audit_event, read_record
from audit_message.read import NotAnAuditMessage, read_audit_message
from exchange.json_text import write_json
from server.rest.fhir_xml import write_fhir_xml
from tests.messages.audit import RETRIEVED

FOREIGN = b"""{
 "resourceType": "AuditEvent",
 "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110106", "display": "Export"},
 "subtype": [{"system": "urn:ihe:event-type-code", "code": "ITI-68"}],
 "recorded": "2030-01-01T13:00:00+01:00",
 "agent": [{"who": {"reference": "Practitioner/7"}, "name": "Dr A", "requestor": true}],
 "source": {"observer": {"display": "mobile.example"}},
 "entity": [
  {"what": {"identifier": {"system": "urn:oid:2.999.5", "value": "p1"}},
   "type": {"code": "1"}, "role": {"code": "1"}},
  {"what": {"reference": "DocumentReference/9"}, "detail": [{"type": "note", "valueString": "by phone"}]}]
}"""


@pytest.mark.parametrize("write", [write_json, write_fhir_xml])
def test_what_is_written_as_a_resource_is_read_again(write):
    """ITI TF-2: 3.81, and back: nothing is lost of a retrieval."""
    message = read_audit_message(RETRIEVED)
    assert read_record(write(audit_event(message, 7))) == message
    assert read_record(RETRIEVED) == message


def test_an_event_of_another_system_is_read_for_all_it_says():
    """FHIR R4: AuditEvent; references and displays stand where identifiers lack."""
    read = read_audit_event(FOREIGN)
    assert read.event.at.isoformat() == "2030-01-01T12:00:00+00:00"
    assert [(one.code, one.system) for one in (read.event.event_id, *read.event.type_codes)] == [
        ("110106", "DCM"), ("ITI-68", "IHE Transactions"),
    ]  # fmt: skip
    assert [(one.user_id, one.user_name, one.is_requestor) for one in read.participants] == [
        ("Practitioner/7", "Dr A", True)
    ]
    assert read.source.id == "mobile.example"
    patient, document = read.objects
    assert (patient.id, patient.type_code, patient.role) == ("p1^^^&2.999.5&ISO", "1", "1")
    assert (document.id, document.details) == ("DocumentReference/9", (("note", "by phone"),))


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[" * 100_000,
        b'{"resourceType": "Patient"}',
        b'{"resourceType": "AuditEvent"}',
        b'<AuditEvent xmlns="urn:other"/>',
        b"<AuditEvent",
        b'{"resourceType": "AuditEvent", "recorded": "2030-01-01", "outcome": "1"}',
    ],
)
def test_what_is_no_audit_event_is_said_to_be_none(content):
    with pytest.raises(NotAnAuditMessage):
        read_audit_event(content)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["who", "what", "identifier", "value", "coding"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    ),
    st.sampled_from(["type", "subtype", "agent", "source", "entity", "purposeOfEvent"]),
)
def test_any_shape_of_any_element_is_read_or_is_none(value, name):
    """Nobody vouches for what comes in."""
    content = write_json({"resourceType": "AuditEvent", "recorded": "2030-01-01T00:00:00Z", name: value})
    assert is_audit_event(content)
    assert read_audit_event(content).event.outcome == 0
