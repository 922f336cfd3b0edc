"""Messages of others as they are: read for all they say, and told where they depart (DICOM PS3.15 A.5.1)."""

from collections.abc import Callable, Iterator
from datetime import datetime

from lxml.etree import QName, SubElement, _Element

import schemas
from audit_message.audit_event import is_audit_event, read_audit_event
from audit_message.model import AuditMessage
from audit_message.read import NotAnAuditMessage, action, date_time, message_of, outcome, parsed

# A sender repeats its few mistakes in every message; more kinds of them tell nobody more.
DEPARTURES_REPORTED = 10

RFC_3881_DIALECT = "codes are written as in RFC 3881 (code), DICOM PS3.15 A.5 (csd-code) is expected"
NAMESPACED = "the elements have a namespace, none is expected"

# "Use if status otherwise unknown" is what the schema of DICOM says of it.
_OUTCOME_UNKNOWN = "0"

# The rules of XML Schema that are broken, told without the values: those may name patients.
_WRONG = {
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "is missing",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "is not of the schema",
    "SCHEMAV_ELEMENT_CONTENT": "is out of its place, or something of it is missing",
}
_STRANGE_VALUE = "has a value that the schema does not know"


def examine(content: bytes, otherwise_at: datetime) -> tuple[AuditMessage, tuple[str, ...]]:
    """Read a message, and name where it departs from its schema; raises NotAnAuditMessage.

    A time or an outcome that cannot be read must not hide the patient beside it: `otherwise_at` stands in.
    """
    if is_audit_event(content):
        return read_audit_event(content), ()
    root = parsed(content)
    found = [*_without_namespace(root)]
    if _is_of_rfc_3881(root):
        # Every code of the message would be named, and it is one departure.
        found.append(RFC_3881_DIALECT)
    else:
        found += _against_schema(root)
    try:
        message = message_of(root)
    except NotAnAuditMessage:
        _repair(root, otherwise_at)
        message = message_of(root)
    return message, tuple(dict.fromkeys(found))[:DEPARTURES_REPORTED]


def _without_namespace(root: _Element) -> Iterator[str]:
    if isinstance(root.tag, str) and QName(root).namespace and QName(root).localname == "AuditMessage":
        for element in root.iter("*"):
            element.tag = QName(element).localname
        yield NAMESPACED


def _is_of_rfc_3881(root: _Element) -> bool:
    event = root.find("EventIdentification/EventID")
    return event is not None and "code" in event.attrib and "csd-code" not in event.attrib


def _against_schema(root: _Element) -> Iterator[str]:
    for error in schemas.errors_in(root, "audit"):
        subject = f"{error.element}/@{error.attribute}" if error.attribute else error.element
        yield f"{subject} {_WRONG.get(error.rule, _STRANGE_VALUE)}"


def _repair(root: _Element, otherwise_at: datetime) -> None:
    event = root.find("EventIdentification")
    if event is None:
        return
    if event.find("EventID") is None:
        SubElement(event, "EventID")
    for name, read, otherwise in (
        ("EventDateTime", date_time, otherwise_at.isoformat()),
        ("EventOutcomeIndicator", outcome, _OUTCOME_UNKNOWN),
        ("EventActionCode", action, ""),
    ):
        if not _can_be_read(read, event.get(name, "")):
            event.set(name, otherwise)


def _can_be_read(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except NotAnAuditMessage:
        return False
    return True
