"""Audit messages as FHIR R4 AuditEvents (ITI TF-2: 3.81; BALP; DICOM PS3.15 A.5)."""

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from audit_message.audit_event import SYSTEMS
from audit_message.model import ActiveParticipant, AuditMessage, ParticipantObject
from ihe.audit_events import CodedValue

Resource = dict[str, Any]

ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
LIFE_CYCLE = "http://terminology.hl7.org/CodeSystem/dicom-audit-lifecycle"
SOURCE_TYPE = "http://terminology.hl7.org/CodeSystem/security-source-type"

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_URI = re.compile(r"(urn:|https?://)\S+")
_CX = re.compile(r"(?P<id>[^^]+)\^\^\^&(?P<oid>[0-9.]+)&ISO")
_CODE = re.compile(r"\S+( \S+)*")


def audit_event(message: AuditMessage, number: int) -> Resource:
    """The resource of a stored record; elements in the order of FHIR, as XML needs it."""
    event = message.event
    return _said(
        {
            "resourceType": "AuditEvent",
            "id": str(number),
            "type": _coding(event.event_id) or {"display": "unknown"},
            "subtype": _codings(event.type_codes),
            "action": event.action and str(event.action),
            "recorded": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "outcome": str(int(event.outcome)),
            "outcomeDesc": event.outcome_description,
            "purposeOfEvent": _concepts(event.purposes_of_use),
            "agent": [_agent(one) for one in message.participants]
            or [{"who": {"display": "unknown"}, "requestor": False}],
            "source": _said(
                {
                    "site": message.source.enterprise_site_id,
                    "observer": {"identifier": {"value": message.source.id or "unknown"}},
                    "type": [
                        _said({"system": SOURCE_TYPE, "code": one.code}) for one in message.source.type_codes
                    ],
                }
            ),
            "entity": [_entity(one) for one in message.objects],
        }
    )


def patient_of_token(text: str) -> str:
    """The CX of `urn:oid:OID|ID`; empty for any other token."""
    system, bar, value = text.partition("|")
    oid = system.removeprefix("urn:oid:")
    return f"{value}^^^&{oid}&ISO" if bar and value and _OID.fullmatch(oid) else ""


def _agent(one: ActiveParticipant) -> Resource:
    roles = _concepts(one.roles)
    return _said(
        {
            "type": roles[0] if roles else None,
            "role": roles[1:],
            "who": {"identifier": {"value": one.user_id or "unknown"}},
            "altId": one.alternative_user_id,
            "name": one.user_name,
            "requestor": one.is_requestor,
            "network": _said({"address": one.network_access_point, "type": one.network_access_point_type}),
        }
    )


def _entity(one: ParticipantObject) -> Resource:
    return _said(
        {
            "what": {"identifier": _identifier(one)},
            "type": _said({"system": ENTITY_TYPE, "code": one.type_code}),
            "role": _said({"system": OBJECT_ROLE, "code": one.role}),
            "lifecycle": one.life_cycle and {"system": LIFE_CYCLE, "code": one.life_cycle},
            "securityLabel": one.sensitivity and [{"display": one.sensitivity}],
            # One of the two: FHIR has room for both and forbids it (sev-1).
            "name": "" if one.query else one.name,
            "query": b64encode(one.query).decode(),
            "detail": [
                {
                    "type": detail.type or "unknown",
                    "valueBase64Binary": b64encode(detail.value.encode(errors="replace")).decode(),
                }
                for detail in one.details
                if detail.value
            ],
        }
    )


def _identifier(one: ParticipantObject) -> Resource:
    type_ = _concepts((one.id_type,))
    identifier = {"type": type_[0] if type_ else None, "value": one.id or "unknown"}
    if found := _CX.fullmatch(one.id):
        identifier |= {"system": f"urn:oid:{found['oid']}", "value": found["id"]}
    return _said({name: identifier.get(name) for name in ("type", "system", "value")})


def _codings(codes: Iterable[CodedValue]) -> list[Resource]:
    return [one for one in map(_coding, codes) if one]


def _concepts(codes: Iterable[CodedValue]) -> list[Resource]:
    return [{"coding": [one]} for one in _codings(codes)]


def _coding(value: CodedValue) -> Resource:
    return _said(
        {
            "system": system_of(value.system),
            # FHIR has no codes with spaces at their ends.
            "code": value.code if _CODE.fullmatch(value.code) else "",
            "display": value.original_text or value.display_name,
        }
    )


def system_of(name: str) -> str:
    """The URI of a code system; nothing for a name that is none."""
    if known := SYSTEMS.get(name):
        return known
    if _OID.fullmatch(name):
        return f"urn:oid:{name}"
    return name if _URI.fullmatch(name) else ""


def _said(resource: Resource) -> Resource:
    """Without what is empty, which FHIR does not know."""
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}
