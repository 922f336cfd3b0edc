"""FHIR R4 AuditEvents, JSON or XML, to audit messages: what a RESTful feed brings (ITI TF-2: 3.20; BALP)."""

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping

from lxml.etree import QName, _Element

import schemas
from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    Detail,
    EventIdentification,
    ParticipantObject,
)
from audit_message.read import NotAnAuditMessage, action, date_time, outcome, read_audit_message
from ihe.audit_events import PATIENT, CodedValue

# Code systems of audit messages by the URIs that FHIR knows them by.
SYSTEMS: Mapping[str, str] = {
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "IHE Transactions": "urn:ihe:event-type-code",
    "RFC-3881": "urn:ietf:rfc:3881",
}
_NAMES = {uri: name for name, uri in SYSTEMS.items()}
_FHIR = "http://hl7.org/fhir"
_XML = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?<(\w+:)?AuditEvent\b")
_NO_CODE = CodedValue("", "", "")


def read_record(content: bytes) -> AuditMessage:
    """Read a stored record, whichever of the two it is; raises NotAnAuditMessage."""
    return read_audit_event(content) if is_audit_event(content) else read_audit_message(content)


def is_audit_event(content: bytes) -> bool:
    """Whether the bytes are to be read as an AuditEvent: JSON, or XML with that root."""
    return content.lstrip().startswith(b"{") or _XML.match(content) is not None


def read_audit_event(content: bytes) -> AuditMessage:
    """Read one AuditEvent; raises NotAnAuditMessage and nothing else."""
    found = _json(content) if content.lstrip().startswith(b"{") else _xml(content)
    if found.get("resourceType") != "AuditEvent":
        raise NotAnAuditMessage("the resource is no AuditEvent")
    source = _map(found.get("source"))
    return AuditMessage(
        EventIdentification(
            _coding(found.get("type")),
            date_time(_text(found.get("recorded"))),
            outcome(_text(found.get("outcome")) or "0"),
            action(_text(found.get("action"))),
            tuple(map(_coding, _many(found.get("subtype")))),
            _text(found.get("outcomeDesc")),
            _concepts(found.get("purposeOfEvent")),
        ),
        tuple(_participant(_map(one)) for one in _many(found.get("agent"))),
        AuditSource(
            _reference(_map(source.get("observer"))),
            _text(source.get("site")),
            tuple(CodedValue(_coding(one).code, "", "") for one in _many(source.get("type"))),
        ),
        tuple(_object(_map(one)) for one in _many(found.get("entity"))),
    )


def _participant(agent: Mapping[str, object]) -> ActiveParticipant:
    network = _map(agent.get("network"))
    return ActiveParticipant(
        _reference(_map(agent.get("who"))),
        _text(agent.get("requestor")) == "true",
        (*_concepts(agent.get("type")), *_concepts(agent.get("role"))),
        _text(agent.get("altId")),
        _text(agent.get("name")),
        _text(network.get("address")),
        _text(network.get("type")),
    )


def _object(entity: Mapping[str, object]) -> ParticipantObject:
    what = _map(entity.get("what"))
    kinds = (_coding(entity.get("type")).code, _coding(entity.get("role")).code)
    id_types = _concepts(_map(what.get("identifier")).get("type"))
    return ParticipantObject(
        _reference(what, is_patient=kinds == (PATIENT.type_code, PATIENT.role)),
        id_types[0] if id_types else _NO_CODE,
        *kinds,
        _coding(entity.get("lifecycle")).code,
        "",
        _text(entity.get("name")),
        _from_base64(_text(entity.get("query"))),
        tuple(_detail(_map(one)) for one in _many(entity.get("detail"))),
    )


def _detail(detail: Mapping[str, object]) -> Detail:
    value = _text(detail.get("valueString"))
    encoded = _from_base64(_text(detail.get("valueBase64Binary")))
    return Detail(_text(detail.get("type")), value or encoded.decode(errors="replace"))


def _reference(reference: Mapping[str, object], *, is_patient: bool = False) -> str:
    """The identifier; of a patient as a CX, as all others write it. Else what else it says."""
    identifier = _map(reference.get("identifier"))
    value = _text(identifier.get("value"))
    system = _text(identifier.get("system"))
    if is_patient and value and system.startswith("urn:oid:"):
        return f"{value}^^^&{system.removeprefix('urn:oid:')}&ISO"
    return value or _text(reference.get("reference")) or _text(reference.get("display"))


def _concepts(value: object) -> tuple[CodedValue, ...]:
    return tuple(_coding(one) for each in _many(value) for one in _many(_map(each).get("coding")))


def _coding(value: object) -> CodedValue:
    coding = _map(value)
    system = _text(coding.get("system"))
    name = _NAMES.get(system, system.removeprefix("urn:oid:"))
    return CodedValue(_text(coding.get("code")), name, _text(coding.get("display")))


def _json(content: bytes) -> Mapping[str, object]:
    try:
        return _map(json.loads(content))
    except (ValueError, RecursionError) as problem:
        raise NotAnAuditMessage("the text is no JSON") from problem


def _xml(content: bytes) -> Mapping[str, object]:
    try:
        root = schemas.parse(content)
    except schemas.NotParsable as problem:
        raise NotAnAuditMessage(f"line {problem.line}: {problem.reason}") from problem
    name = QName(root)
    if name.namespace != _FHIR:
        raise NotAnAuditMessage(f"an AuditEvent is expected in {_FHIR}")
    return {**_children(root), "resourceType": name.localname}


def _children(element: _Element) -> dict[str, object]:
    """As FHIR's JSON has it, but that whatever may repeat is a list (FHIR R4: 2.6.1)."""
    found: dict[str, list[object]] = {}
    for child in element.iterchildren("*"):
        told = child.get("value")
        found.setdefault(QName(child).localname, []).append(_children(child) if told is None else told)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _many(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else ""


def _from_base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()
