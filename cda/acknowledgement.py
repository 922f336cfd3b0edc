"""A document in which a patient acknowledges policies, scanned or not (ITI TF-3: 5.1.2)."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

import schemas
from cda.header import MOST_EVENTS, Header, attribute_of, code_of, element_path, read_header, time_of
from hl7v2.datatypes import DTM
from ihe.bppc import DOCUMENT_CODE, SCANNED_TEMPLATE, SERVICE_EVENT_TEMPLATE, TEMPLATE

# What a scanned page may be (ITI TF-3: 5.2.2).
SCANNED_MEDIA_TYPES = frozenset({"application/pdf", "text/plain"})

# A scanned form of some pages; it is held in memory while it is read.
MAX_ACKNOWLEDGEMENT_BYTES = 16 * 1024 * 1024

_SPACE = re.compile(r"\s+")


class NotAcknowledgement(Exception):
    """A document that cannot be read as one; the text says why."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What it says: its header, from when until when all its policies are acknowledged, and who signed."""

    header: Header
    start: DTM | None
    stop: DTM | None
    scanned: bool
    signed: bool


def read_acknowledgement(content: bytes) -> Acknowledgement:
    """Read a whole document, or raise NotAcknowledgement with the first thing that is wrong with it."""
    try:
        root = schemas.parse(content, limit_bytes=MAX_ACKNOWLEDGEMENT_BYTES)
    except schemas.NotParsable as reason:
        raise NotAcknowledgement(f"it cannot be parsed: {reason}") from None
    header = read_header(root)
    if header is None:
        raise NotAcknowledgement("it is no ClinicalDocument")
    if problem := next(_problems(root, header), ""):
        raise NotAcknowledgement(problem)
    (times,) = _times(root)
    return Acknowledgement(header, *times, _scan(root) is not None, _is_signed(root))


def _problems(root: etree._Element, header: Header) -> Iterator[str]:
    templates = {attribute_of(one, "root") for one in root.iterfind(element_path("templateId"))}
    if not templates & {TEMPLATE, SCANNED_TEMPLATE}:
        yield f"templateId is not {TEMPLATE}"
    code = header.type_code
    if code is None or (code.code, code.scheme) != DOCUMENT_CODE:
        yield f"code is not {'^^'.join(DOCUMENT_CODE)}"
    if not header.unique_id:
        yield "it has no id"
    if header.creation_time is None:
        yield "effectiveTime is missing, or no time"
    yield from _problems_in_events(root)
    if root.find(element_path("legalAuthenticator")) is not None:
        if not _is_signed(root):
            yield "legalAuthenticator says no signatureCode S, or not when"
        if header.legal_authenticator is None:
            yield "legalAuthenticator names nobody"
    yield from _problems_in_body(root)


def _problems_in_events(root: etree._Element) -> Iterator[str]:
    """One serviceEvent for each policy, all of the same time (ITI TF-3: 5.1.2.1.1.1)."""
    events = root.findall(element_path("documentationOf/serviceEvent"))
    if not 0 < len(events) <= MOST_EVENTS:
        yield f"it has {len(events)} serviceEvents, expected 1 to {MOST_EVENTS}"
        return
    for event in events:
        templates = {attribute_of(one, "root") for one in event.iterfind(element_path("templateId"))}
        if SERVICE_EVENT_TEMPLATE not in templates:
            yield f"the templateId of a serviceEvent is not {SERVICE_EVENT_TEMPLATE}"
        if code_of(event.find(element_path("code"))) is None:
            yield "a serviceEvent has no code with a codeSystem: the policy"
        high = event.find(element_path("effectiveTime/high"))
        if attribute_of(high, "value") and time_of(high) is None:
            # An end that is not understood is not taken for none.
            yield "effectiveTime of a serviceEvent has a high that is no time"
        identifier = event.find(element_path("id"))
        if not attribute_of(identifier, "root") or attribute_of(identifier, "extension"):
            yield "the id of a serviceEvent is not a root without an extension"
    times = _times(root)
    if len(times) > 1:
        yield "its serviceEvents differ in effectiveTime"
    if any(start is None for start, _ in times):
        yield "effectiveTime of a serviceEvent has no low"


def _times(root: etree._Element) -> set[tuple[DTM | None, DTM | None]]:
    found: set[tuple[DTM | None, DTM | None]] = set()
    for event in root.findall(element_path("documentationOf/serviceEvent")):
        low, high = (event.find(element_path(f"effectiveTime/{name}")) for name in ("low", "high"))
        found.add((time_of(low), time_of(high)))
    return found


def _is_signed(root: etree._Element) -> bool:
    """Whether a legalAuthenticator says that, and when, he signed (CDA R2: 4.2.2.8)."""
    signature = root.find(element_path("legalAuthenticator/signatureCode"))
    return (
        attribute_of(signature, "code") == "S"
        and time_of(root.find(element_path("legalAuthenticator/time"))) is not None
    )


def _scan(root: etree._Element) -> etree._Element | None:
    return root.find(element_path("component/nonXMLBody/text"))


def _problems_in_body(root: etree._Element) -> Iterator[str]:
    """A page that was scanned stands in the body as base64 (ITI TF-3: 5.2.3)."""
    scan = _scan(root)
    if scan is None:
        if root.find(element_path("component/structuredBody")) is None:
            yield "it has no body"
        return
    if attribute_of(scan, "mediaType") not in SCANNED_MEDIA_TYPES:
        yield f"the mediaType of its body is none of {', '.join(sorted(SCANNED_MEDIA_TYPES))}"
    if attribute_of(scan, "representation") != "B64":
        yield "the representation of its body is not B64"
    try:
        page = b64decode(_SPACE.sub("", scan.text or ""), validate=True)
    except (binascii.Error, ValueError):
        yield "its body is no base64"
        return
    if not page:
        yield "its body is empty"
