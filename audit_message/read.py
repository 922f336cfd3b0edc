"""Bytes to audit messages, of ours and of others (DICOM PS3.15 A.5.1, RFC 3881)."""

import binascii
from base64 import b64decode
from datetime import UTC, datetime

from lxml.etree import _Element

import schemas
from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    Detail,
    EventIdentification,
    ParticipantObject,
)
from ihe.audit_events import Action, CodedValue, Outcome

_NO_CODE = CodedValue("", "", "")


class NotAnAuditMessage(Exception):
    """The bytes hold no audit message, or one without what every event must say."""


def read_audit_message(content: bytes) -> AuditMessage:
    """Read one message; raises NotAnAuditMessage and nothing else (DICOM PS3.15 A.5.1)."""
    return message_of(parsed(content))


def parsed(content: bytes) -> _Element:
    """Parse the bytes of a message; raises NotAnAuditMessage."""
    try:
        return schemas.parse(content)
    except schemas.NotParsable as problem:
        raise NotAnAuditMessage(f"line {problem.line}: {problem.reason}") from problem


def message_of(root: _Element) -> AuditMessage:
    """Read a message that is parsed already; raises NotAnAuditMessage."""
    if root.tag != "AuditMessage":
        raise NotAnAuditMessage(f"the root is {root.tag!s}, AuditMessage was expected")
    return AuditMessage(
        _event(_required(root, "EventIdentification")),
        tuple(map(_participant, root.iterchildren("ActiveParticipant"))),
        _source(_required(root, "AuditSourceIdentification")),
        tuple(map(_object, root.iterchildren("ParticipantObjectIdentification"))),
    )


def _event(element: _Element) -> EventIdentification:
    return EventIdentification(
        _coded(_required(element, "EventID")),
        date_time(element.get("EventDateTime", "")),
        outcome(element.get("EventOutcomeIndicator", "")),
        action(element.get("EventActionCode", "")),
        _all_coded(element, "EventTypeCode"),
        _text(element, "EventOutcomeDescription"),
        _all_coded(element, "PurposeOfUse"),
    )


def _participant(element: _Element) -> ActiveParticipant:
    return ActiveParticipant(
        element.get("UserID", ""),
        element.get("UserIsRequestor", "").strip() in ("true", "1"),
        _all_coded(element, "RoleIDCode"),
        element.get("AlternativeUserID", ""),
        element.get("UserName", ""),
        element.get("NetworkAccessPointID", ""),
        element.get("NetworkAccessPointTypeCode", ""),
    )


def _source(element: _Element) -> AuditSource:
    return AuditSource(
        element.get("AuditSourceID", ""),
        element.get("AuditEnterpriseSiteID", ""),
        _all_coded(element, "AuditSourceTypeCode"),
    )


def _object(element: _Element) -> ParticipantObject:
    id_type = _child(element, "ParticipantObjectIDTypeCode")
    return ParticipantObject(
        element.get("ParticipantObjectID", ""),
        _NO_CODE if id_type is None else _coded(id_type),
        element.get("ParticipantObjectTypeCode", ""),
        element.get("ParticipantObjectTypeCodeRole", ""),
        element.get("ParticipantObjectDataLifeCycle", ""),
        element.get("ParticipantObjectSensitivity", ""),
        _text(element, "ParticipantObjectName"),
        _from_base64(_text(element, "ParticipantObjectQuery")),
        tuple(
            Detail(detail.get("type", ""), _from_base64(detail.get("value", "")).decode(errors="replace"))
            for detail in element.iterchildren("ParticipantObjectDetail")
        ),
    )


def _all_coded(parent: _Element, name: str) -> tuple[CodedValue, ...]:
    return tuple(map(_coded, parent.iterchildren(name)))


def _coded(element: _Element) -> CodedValue:
    return CodedValue(
        # RFC 3881 named the attribute `code`; its senders are still about.
        element.get("csd-code", "") or element.get("code", ""),
        element.get("codeSystemName", ""),
        element.get("originalText", ""),
        element.get("displayName", ""),
    )


def _child(parent: _Element, name: str) -> _Element | None:
    # Each `find` would read its path anew, and take longer than all else that is done here.
    return next(parent.iterchildren(name), None)


def _text(parent: _Element, name: str) -> str:
    found = _child(parent, name)
    return "" if found is None else found.text or ""


def _required(parent: _Element, name: str) -> _Element:
    found = _child(parent, name)
    if found is None:
        raise NotAnAuditMessage(f"{parent.tag!s} has no {name}")
    return found


def date_time(text: str) -> datetime:
    """Read EventDateTime; raises NotAnAuditMessage."""
    try:
        at = datetime.fromisoformat(text.strip())
        # RFC 3881 asks for the zone and many senders forget it; syslog peers without one mean UTC.
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as problem:
        raise NotAnAuditMessage(f"EventDateTime {text!r} is no date and time") from problem


def outcome(text: str) -> Outcome:
    """Read EventOutcomeIndicator; raises NotAnAuditMessage."""
    try:
        return Outcome(int(text))
    except ValueError as problem:
        raise NotAnAuditMessage(f"EventOutcomeIndicator {text!r}, expected 0, 4, 8 or 12") from problem


def action(text: str) -> Action | None:
    """Read EventActionCode, which may be absent; raises NotAnAuditMessage."""
    try:
        return Action(text.strip()) if text else None
    except ValueError as problem:
        raise NotAnAuditMessage(f"EventActionCode {text!r}, expected C, R, U, D or E") from problem


def _from_base64(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        # Senders exist that write the plain text; what they said is worth more than their encoding.
        return text.encode()
