"""What cannot be understood below the message itself: each case in real bytes, with its exact fault."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from lxml import etree

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.requests import (
    FAILURE,
    ITI_18,
    ITI_41,
    ITI_42,
    ITI_43,
    SUCCESS,
    find_documents,
    provide,
    registered,
    submission,
)
from tests.services.platform import OPEN_DOMAIN, storing_nothing
from tests.wire import (
    MTOM_TYPE,
    SOAP,
    Part,
    envelope,
    get,
    include,
    multipart,
    post,
    request,
    root_part,
    send_and_hang_up,
)

PLAIN_TYPE = "application/soap+xml; charset=UTF-8"
ACTION = f'<wsa:Action soap:mustUnderstand="1">{ITI_42}</wsa:Action>'.encode()
MESSAGE_ID = b"<wsa:MessageID>urn:uuid:0a8c8c1c-5d6e-4d31-8b1b-3f3f4f0e0001</wsa:MessageID>"
REPLY_TO = b"<wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address>"
HEADER_END = b"</soap:Header>"


def instead(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Put one text in the place of another that stands there exactly once."""

    def change(message: bytes) -> bytes:
        assert message.count(old) == 1, old
        return message.replace(old, new)

    return change


def without_body(message: bytes) -> bytes:
    return message[: message.index(b"<soap:Body>")] + b"</soap:Envelope>"


def declared(prolog: bytes) -> Callable[[bytes], bytes]:
    return lambda message: prolog + message


@dataclass(frozen=True)
class Bad:
    """One way to spoil a good message, and what is to be answered."""

    change: Callable[[bytes], bytes]
    reason: str
    code: str = "Sender"
    subcode: str | None = None
    status: int = 400
    content_type: str = PLAIN_TYPE


def not_readable(change: Callable[[bytes], bytes], why: str, content_type: str = PLAIN_TYPE) -> Bad:
    return Bad(change, f"the message is not readable XML: {why}", content_type=content_type)


def unchanged(message: bytes) -> bytes:
    return message


NO_DTD = "a document type declaration is not accepted"
NO_ELEMENT = "there is no XML element here"
SOAP_1_1 = b"http://schemas.xmlsoap.org/soap/envelope/"
NOT_SOAP_1_2 = "the root element must be Envelope of SOAP 1.2 (http://www.w3.org/2003/05/soap-envelope)"
WRONG_TYPE = "the Content-Type must be application/soap+xml or multipart/related; it is "
WRONG_CHARSET = "is not one of UTF-8, UTF-16, US-ASCII, ISO-8859-1"
HAHA = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
PARAMETER = b'<!-- a --><!DOCTYPE a [<!ENTITY % e SYSTEM "http://127.0.0.1/e"> %e;]>'
SECURITY = (
    b'<x:Security xmlns:x="urn:example:security" soap:mustUnderstand="true"/>'
    b'<x:Audit xmlns:x="urn:example:audit" soap:mustUnderstand="1"/>'
)

PLAIN = {
    "not XML": not_readable(lambda _: b"The quick brown fox", NO_ELEMENT),
    "nothing": not_readable(lambda _: b"", NO_ELEMENT),
    "only white space": not_readable(lambda _: b" \r\n ", NO_ELEMENT),
    "cut off": not_readable(lambda message: message[:-16], "the message ends before its root element does"),
    "cut off within a tag": not_readable(lambda message: message[:-9], "Failed to parse QName 'soap:'"),
    "two roots": not_readable(lambda message: message * 2, "there is more after the end of the root element"),
    "control character": not_readable(
        instead(b"Muller", b"Mul\x01er"), "there is a character that XML does not allow"
    ),
    "not UTF-8": not_readable(instead(b"Muller", b"M\xfcller"), "bytes are not UTF-8"),
    "prefix not declared": not_readable(
        instead(HEADER_END, b"<no:thing/></soap:Header>"), "a namespace prefix is not declared"
    ),
    "entity not declared": not_readable(instead(b"Muller", b"M&uuml;ller"), "an entity is not declared"),
    "DTD": not_readable(declared(b"<!DOCTYPE a>"), NO_DTD),
    "entity": not_readable(declared(b'<!DOCTYPE a [<!ENTITY e "x">]>\n'), NO_DTD),
    "entity from a file": not_readable(declared(OUTSIDE), NO_DTD),
    "entity from the network": not_readable(declared(PARAMETER), NO_DTD),
    "entities of entities": not_readable(declared(HAHA), NO_DTD),
    "UTF-7": not_readable(
        unchanged, f"character set 'utf-7' {WRONG_CHARSET}", "application/soap+xml; charset=UTF-7"
    ),
    "unknown charset": not_readable(
        unchanged, f"character set 'klingon' {WRONG_CHARSET}", "application/soap+xml; charset=klingon"
    ),
    "UTF-7 by declaration": not_readable(
        declared(b'<?xml version="1.0" encoding="UTF-7"?>'),
        f"character set 'utf-7' {WRONG_CHARSET}", "application/soap+xml",
    ),
    "SOAP 1.1": Bad(
        lambda message: message.replace(SOAP.encode(), SOAP_1_1),
        NOT_SOAP_1_2, "VersionMismatch", status=500, content_type="text/xml; charset=UTF-8",
    ),
    "SOAP 1.1 as SOAP 1.2": Bad(
        lambda message: message.replace(SOAP.encode(), SOAP_1_1), NOT_SOAP_1_2, "VersionMismatch", status=500
    ),
    "no envelope": Bad(lambda _: b"<a/>", NOT_SOAP_1_2, "VersionMismatch", status=500),
    "unknown action": Bad(
        instead(ITI_42.encode(), b"urn:example:Unknown"),
        "the wsa:Action urn:example:Unknown is not supported at this endpoint", subcode="ActionNotSupported",
    ),
    "action of the other actor": Bad(
        instead(ITI_42.encode(), ITI_41.encode()),
        f"the wsa:Action {ITI_41} is not supported at this endpoint", subcode="ActionNotSupported",
    ),
    "no action": Bad(
        instead(ACTION, b""), "the header wsa:Action is required", subcode="MessageAddressingHeaderRequired"
    ),
    "two actions": Bad(
        instead(ACTION, ACTION * 2),
        "the header wsa:Action may stand only once", subcode="InvalidAddressingHeader",
    ),
    "white space around the action": Bad(
        instead(ITI_42.encode(), ITI_42.encode() + b"\n"),
        "the header wsa:Action has white space around its value", subcode="InvalidAddressingHeader",
    ),
    "action that is no URI": Bad(
        instead(ITI_42.encode(), b"Register"),
        "the header wsa:Action must hold a URI", subcode="InvalidAddressingHeader",
    ),
    "no MessageID": Bad(
        instead(MESSAGE_ID, b""),
        "the header wsa:MessageID is required", subcode="MessageAddressingHeaderRequired",
    ),
    "answer wanted elsewhere": Bad(
        instead(REPLY_TO, b"<wsa:Address>http://client.example/answers</wsa:Address>"),
        "the header wsa:ReplyTo must be the anonymous address: answers use the connection of the request",
        subcode="InvalidAddressingHeader",
    ),
    "ReplyTo without an address": Bad(
        instead(REPLY_TO, b""), "the header wsa:ReplyTo has no wsa:Address", subcode="InvalidAddressingHeader"
    ),
    "headers that must be understood": Bad(
        instead(HEADER_END, SECURITY + HEADER_END),
        "mandatory header not understood: {urn:example:security}Security, {urn:example:audit}Audit",
        "MustUnderstand", status=500,
    ),
    "mustUnderstand that is no boolean": Bad(
        instead(b'mustUnderstand="1"', b'mustUnderstand="yes"'),
        "the attribute mustUnderstand must be true or false",
    ),
    "no Body": Bad(
        without_body, "the Envelope must hold one Header and after it one Body, and nothing else"
    ),
    "empty Body": Bad(
        lambda message: without_body(message).replace(HEADER_END, HEADER_END + b"<soap:Body/>"),
        "the Body must hold exactly one element, not 0",
    ),
    "two elements in the Body": Bad(
        instead(b"</soap:Body>", b"<a/></soap:Body>"), "the Body must hold exactly one element, not 2"
    ),
    "Body of another action": Bad(
        instead(ITI_42.encode(), ITI_18.encode()),
        "the Body holds {urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}SubmitObjectsRequest, "
        "{urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0}AdhocQueryRequest was expected for this Action",
    ),
    "Body in another namespace": Bad(
        instead(b"urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0", b"urn:example:lcm"),
        "the Body holds {urn:example:lcm}SubmitObjectsRequest, "
        "{urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}SubmitObjectsRequest was expected for this Action",
    ),
    "no media type": Bad(unchanged, f"{WRONG_TYPE}absent", status=415, content_type=""),
    "form": Bad(
        unchanged, f"{WRONG_TYPE}application/x-www-form-urlencoded",
        status=415, content_type="application/x-www-form-urlencoded",
    ),
    "XML without SOAP": Bad(
        unchanged, f"{WRONG_TYPE}application/xml", status=415, content_type="application/xml"
    ),
    "charset twice": Bad(
        unchanged, "the Content-Type has the parameter charset twice",
        content_type=f"{PLAIN_TYPE}; charset=UTF-16",
    ),
    "quotation mark too many": Bad(
        unchanged, "the Content-Type has a quotation mark too many or too few",
        content_type='application/soap+xml; action="x',
    ),
    "media type without end": Bad(
        unchanged, "the Content-Type is over the limit of 8192 characters",
        status=413, content_type=f"{PLAIN_TYPE}; x={'y' * 9000}",
    ),
    "MTOM that is none": Bad(
        unchanged, "no part found with the declared boundary", content_type=MTOM_TYPE
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", PLAIN.values(), ids=PLAIN.keys())
def test_an_envelope_that_cannot_be_understood_is_a_fault(platform, bad):
    """ITI TF-2: V.3; SOAP 1.2 Part 1: 5.4.6; WS-Addressing 1.0 SOAP Binding: 6.4; nothing of it is stored."""
    sent = submission(platform.add_patient(), slots=registered("a" * 40, 1))
    message = envelope(ITI_42, sent.submit_objects_request)
    with storing_nothing(platform, sent.patient_id):
        answer = post(platform.registry_url, bad.change(message), bad.content_type)
        assert (answer.status, answer.fault) == (bad.status, (bad.code, bad.subcode, bad.reason))
    assert answer.headers["content-type"] == "application/soap+xml; charset=UTF-8"
    assert answer.found("Action")[0].text == "http://www.w3.org/2005/08/addressing/fault"
    assert platform.register(sent.submit_objects_request).status_urn == SUCCESS


def test_a_fault_says_which_headers_and_to_which_message(platform):
    """SOAP 1.2 Part 1: 5.4.8; WS-Addressing 1.0 SOAP Binding: 6.4.1, 6.4.2."""
    message = envelope(ITI_42, submission(platform.add_patient()).submit_objects_request)
    answer = post(platform.registry_url, instead(HEADER_END, SECURITY + HEADER_END)(message))
    named = []
    for one in answer.found("NotUnderstood"):
        prefix, _, name = str(one.get("qname")).partition(":")
        named.append((one.nsmap[prefix], name))
    assert named == [("urn:example:security", "Security"), ("urn:example:audit", "Audit")]
    assert answer.found("RelatesTo")[0].text == "urn:uuid:0a8c8c1c-5d6e-4d31-8b1b-3f3f4f0e0001"

    elsewhere = instead(REPLY_TO, b"<wsa:Address>http://client.example/answers</wsa:Address>")
    answer = post(platform.registry_url, elsewhere(message))
    assert [one.text for one in answer.found("Value")] == [
        "s:Sender",
        "wsa:InvalidAddressingHeader",
        "wsa:OnlyAnonymousAddressSupported",
    ]
    assert answer.found("ProblemHeaderQName")[0].text == "wsa:ReplyTo"

    answer = post(platform.registry_url, message.replace(SOAP.encode(), SOAP_1_1))
    assert answer.found("SupportedEnvelope")[0].get("qname") == "s:Envelope"


FALLBACKS = {
    "action of the Content-Type": (f'application/soap+xml; charset=UTF-8; action="{ITI_18}"', {}),
    "action within start-info": (f'application/soap+xml; start-info="a/b; action=\\"{ITI_18}\\""', {}),
    "SOAPAction": (PLAIN_TYPE, {"SOAPAction": f'"{ITI_18}"'}),
}


@pytest.mark.parametrize(("content_type", "headers"), FALLBACKS.values(), ids=FALLBACKS.keys())
def test_an_action_outside_the_envelope_is_taken_where_there_is_none_inside(platform, content_type, headers):
    """ITI TF-2: V.3; RFC 3902."""
    message = envelope(ITI_18, find_documents(requests.fresh_patient_id()))
    bare = instead(f'<wsa:Action soap:mustUnderstand="1">{ITI_18}</wsa:Action>'.encode(), b"")(message)
    assert post(platform.registry_url, bare, content_type, headers).status_urn == SUCCESS
    other = {"SOAPAction": "urn:example:Other"}
    assert post(platform.registry_url, message, PLAIN_TYPE, other).status_urn == SUCCESS


def test_headers_that_need_not_be_understood_are_passed_over(platform):
    """SOAP 1.2 Part 1: 2.4, 2.7."""
    optional = '<x:Trace xmlns:x="urn:example:trace" soap:mustUnderstand="0"/><y xmlns="urn:example:other"/>'
    for_others = (
        '<x:Hop xmlns:x="urn:example:hop" soap:mustUnderstand="1" soap:role="http://relay.example/role"/>'
    )
    query = find_documents(requests.fresh_patient_id())
    message = envelope(ITI_18, query, more_headers=optional + for_others)
    assert post(platform.registry_url, message).status_urn == SUCCESS


DOCUMENT = Part("part1@wire", b"all is well\r\n", "text/plain")


@dataclass(frozen=True)
class BadMime:
    """MTOM that is spoiled: either its parts, or the finished message."""

    reason: str
    parts: tuple[Part, ...] = (DOCUMENT,)
    change: Callable[[bytes], bytes] = unchanged
    content_type: str = MTOM_TYPE
    status: int = 400


def instead_of_id(new: str) -> Callable[[bytes], bytes]:
    return instead(b"Content-ID: <part1@wire>\r\n", new.encode())


def typed(old: str, new: str) -> str:
    assert old in MTOM_TYPE
    return MTOM_TYPE.replace(old, new)


def encoded(content: bytes, encoding: str) -> tuple[Part, ...]:
    return (Part("part1@wire", content, "text/plain", encoding),)


NO_END = "the closing boundary is missing"
NOT_BASE64 = "MIME part 2 is not base64 as its header says"
ENCODINGS = "the Content-Transfer-Encoding of MIME part 2 must be binary, 8bit, 7bit or base64"
TOO_MANY_PARTS = tuple(Part(f"part{number}@wire", b"") for number in range(1, 1002))

MIME = {
    "cut off in the document": BadMime(
        f"the message ends within MIME part 2: {NO_END}", change=lambda m: m[:-20]
    ),
    "cut off in the envelope": BadMime(
        f"the message ends within MIME part 1: {NO_END}", change=lambda m: m[:2000]
    ),
    "cut off in the headers": BadMime(
        "the message ends within the headers of MIME part 2", change=lambda m: m[: m.rindex(b"Content-ID")]
    ),
    "no closing boundary": BadMime(
        f"the message ends within MIME part 2: {NO_END}", change=instead(b"--=_wire--\r\n", b"")
    ),
    "closing boundary without hyphens": BadMime(
        "the message ends within the headers of MIME part 3", change=instead(b"--=_wire--", b"--=_wire")
    ),
    "another boundary": BadMime(
        "no part found with the declared boundary", content_type=typed("=_wire", "=_other")
    ),
    "no boundary": BadMime(
        "the Content-Type multipart/related has no boundary parameter",
        content_type=typed(' boundary="=_wire";', ""),
    ),
    "boundary of 300 characters": BadMime(
        "the boundary is over the limit of 200 characters",
        content_type=typed("=_wire", "x" * 300), status=413,
    ),
    "boundary twice": BadMime(
        "the Content-Type has the parameter boundary twice", content_type=f"{MTOM_TYPE}; boundary=other"
    ),
    "another type": BadMime(
        "the type parameter of multipart/related must be application/xop+xml",
        content_type=typed("application/xop+xml", "text/xml"),
    ),
    "multipart/mixed": BadMime(
        f"{WRONG_TYPE}multipart/mixed", content_type=typed("related", "mixed"), status=415
    ),
    "a form": BadMime(
        f"{WRONG_TYPE}multipart/form-data",
        content_type='multipart/form-data; boundary="=_wire"', status=415,
    ),
    "start names no part": BadMime(
        "no MIME part has the Content-ID that the start parameter names",
        content_type=typed("root@wire", "elsewhere@wire"),
    ),
    "start names the document": BadMime(
        f"the message is not readable XML: {NO_ELEMENT}", content_type=typed("root@wire", "part1@wire")
    ),
    "one Content-ID twice": BadMime(
        "MIME part 3 has the Content-ID of a part before it", parts=(DOCUMENT, DOCUMENT)
    ),
    "no Content-ID": BadMime(
        "MIME part 2 has no Content-ID, so nothing can refer to it", change=instead_of_id("")
    ),
    "two Content-IDs in a part": BadMime(
        "MIME part 2 has two Content-ID headers",
        change=instead_of_id("Content-ID: <part1@wire>\r\nContent-ID: <x@wire>\r\n"),
    ),
    "part without headers": BadMime(
        "MIME part 3 has no headers", change=instead(b"--=_wire--", b"--=_wire\r\n\r\n--=_wire--")
    ),
    "header without a colon": BadMime(
        "MIME part 2 has a header line without a colon", change=instead_of_id("Content-ID <part1@wire>\r\n")
    ),
    "unknown encoding": BadMime(ENCODINGS, parts=encoded(b"all", "quoted-printable")),
    "not base64": BadMime(NOT_BASE64, parts=encoded(b"%%%%", "base64")),
    "base64 cut off": BadMime(NOT_BASE64, parts=encoded(b"YWxsI", "base64")),
    "base64 after its end": BadMime(NOT_BASE64, parts=encoded(b"YQ==YQ==", "base64")),
    "headers without end": BadMime(
        "the headers of MIME part 2 is over the limit of 16384 bytes",
        change=instead_of_id(f"X-Long: {'y' * 70_000}\r\n"), status=413,
    ),
    "closes with its first boundary": BadMime(
        "the message closes with its first boundary and has no part", change=lambda _: b"--=_wire--\r\n"
    ),
    "preamble without end": BadMime(
        "no part found with the declared boundary", change=lambda m: b"x" * 9000 + b"\r\n" + m
    ),
    "1,002 parts": BadMime(
        "the message is over the limit of 1001 MIME parts", parts=TOO_MANY_PARTS, status=413
    ),
    "href that is missing": BadMime(
        "the href of an xop:Include must be a cid: URL", change=instead(b' href="cid:part1@wire"', b"")
    ),
    "href that is no cid": BadMime(
        "the href of an xop:Include must be a cid: URL", change=instead(b"cid:part1@wire", b"http://wire/part1")
    ),
}  # fmt: skip


@pytest.mark.parametrize("bad", MIME.values(), ids=MIME.keys())
def test_mtom_that_cannot_be_understood_is_a_fault(platform, bad):
    """ITI TF-2: V.3.6; RFC 2046: 5.1; RFC 2387; what came before the fault is not stored."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    message = multipart(root_part(envelope(ITI_41, body)), *bad.parts)
    with storing_nothing(platform, sent.patient_id):
        answer = post(platform.repository_url, bad.change(message), bad.content_type)
        assert (answer.status, answer.fault) == (bad.status, ("Sender", None, bad.reason))
    assert answer.headers["content-type"] == "application/soap+xml; charset=UTF-8"


ANOTHER = Part("part2@wire", b"nobody asked for this", "text/plain")


def test_a_surplus_part_is_refused(platform):
    """ITI TF-2: 3.41.4.1.3; it would be lost without a word."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    with storing_nothing(platform, sent.patient_id):
        message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT, ANOTHER)
        answer = post(platform.repository_url, message, MTOM_TYPE)
        assert (answer.status, answer.status_urn) == (200, FAILURE)
        assert answer.errors == [
            ("XDSMissingDocumentMetadata", "no xds:Document refers to the MIME part part2@wire")
        ]
        message = multipart(root_part(envelope(ITI_43, requests.retrieve("2.999.1"))), ANOTHER)
        answer = post(platform.repository_url, message, MTOM_TYPE)
        reason = "the envelope does not refer to the MIME part part2@wire"
        assert (answer.status, answer.fault) == (400, ("Sender", None, reason))
        message = multipart(root_part(envelope(ITI_18, find_documents(sent.patient_id))), ANOTHER)
        answer = post(platform.registry_url, message, MTOM_TYPE)
        reason = "this endpoint takes no MIME parts beside the envelope"
        assert (answer.status, answer.fault) == (400, ("Sender", None, reason))


def test_a_missing_part_is_refused(platform):
    """ITI TF-2: 3.41.4.1.3; both of what is missing and what is there."""
    sent = submission(platform.add_patient(), 2)
    body = provide(
        sent.submit_objects_request,
        ("Document1", include("part1@wire")),
        ("Document2", include("lost@wire")),
    )
    with storing_nothing(platform, sent.patient_id):
        message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT, ANOTHER)
        answer = post(platform.repository_url, message, MTOM_TYPE)
    assert answer.status_urn == FAILURE
    assert answer.errors == [
        (
            "XDSMissingDocument",
            "xds:Document Document2 refers to cid:lost@wire, no MIME part has that Content-ID",
        ),
        ("XDSMissingDocumentMetadata", "no xds:Document refers to the MIME part part2@wire"),
    ]


BAD_CONTENT = {
    "text beside the xop:Include": (
        include("part1@wire") + "YQ==", "xds:Document Document1 has text beside its xop:Include"
    ),
    "two xop:Includes": (include("part1@wire") * 2, "xds:Document must not contain elements"),
    "another element": ("<a/>", "xds:Document must not contain elements"),
    "not base64": ("all is well!", "xds:Document Document1 has content that is not base64"),
    "base64 without its padding": ("YWxsIA", "xds:Document Document1 has content that is not base64"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "context"), BAD_CONTENT.values(), ids=BAD_CONTENT.keys())
def test_content_that_stands_for_no_bytes_is_refused(platform, content, context):
    """XOP 1.0: 3; ITI TF-2: V.3.6."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", content))
    with storing_nothing(platform, sent.patient_id):
        message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT)
        answer = post(platform.repository_url, message, MTOM_TYPE)
    assert (answer.status, answer.status_urn) == (200, FAILURE)
    assert answer.errors == [("XDSRepositoryMetadataError", context)]


MEGABYTE = 1024 * 1024
# What one envelope of the largest size may cost for a moment, and what the allocator keeps of it.
MEMORY_OF_AN_ENVELOPE_BYTES = 96 * MEGABYTE
PROMPT_SECONDS = 10


def nested(size_bytes):
    """That many bytes of elements within elements, in pieces."""
    head, _, _ = envelope(ITI_42, "").partition(b"</soap:Body>")
    yield head
    for _ in range(size_bytes // MEGABYTE):
        yield b"<aa>" * (MEGABYTE // 4)


@pytest.mark.parametrize("packaging", ["plain SOAP", "MTOM"])
def test_a_hundred_megabytes_of_nested_elements_cost_next_to_nothing(platform, packaging):
    """SOAP 1.2 Part 1: 7.3; the 32 MiB that an envelope may have are the end of it."""
    before, began = platform.peak_memory_bytes, time.monotonic()
    if packaging == "MTOM":
        head = multipart(root_part(b"")).partition(b"\r\n--=_wire--")[0]
        answer = post(platform.repository_url, iter([head, *nested(100 * MEGABYTE)]), MTOM_TYPE)
    else:
        answer = post(platform.registry_url, nested(100 * MEGABYTE))
    reason = "the envelope is over the limit of 33554432 bytes"
    assert (answer.status, answer.fault) == (413, ("Sender", None, reason))
    assert time.monotonic() - began < PROMPT_SECONDS
    assert platform.peak_memory_bytes - before < MEMORY_OF_AN_ENVELOPE_BYTES


def test_nested_elements_within_the_limit_are_refused_by_their_number_and_depth(platform):
    """XML 1.0: 2.1; before a tree of them is built."""
    before, began = platform.peak_memory_bytes, time.monotonic()
    answer = post(platform.registry_url, nested(30 * MEGABYTE))
    assert answer.status == 400
    reason = "the message is not readable XML: there are more than 500000 elements"
    assert answer.fault == ("Sender", None, reason)
    assert time.monotonic() - began < PROMPT_SECONDS
    assert platform.peak_memory_bytes - before < MEMORY_OF_AN_ENVELOPE_BYTES
    shallow = envelope(ITI_42, "<a>" * 300 + "</a>" * 300)
    assert post(platform.registry_url, shallow).fault[2] == (
        "the message is not readable XML: elements are nested more than 256 deep"
    )


def test_a_document_over_the_limit_is_refused_without_keeping_it(fresh_platform):
    """ITI TF-2: 3.41.4.1.3, XDSRepositoryOutOfResources; the limits are settings."""
    toml = OPEN_DOMAIN + "\n[limits]\ndocument_size_bytes = 100000\nrequest_size_bytes = 300000\n"
    platform = fresh_platform(toml=toml)
    sent = submission(platform.add_patient())
    with storing_nothing(platform, sent.patient_id):
        answer = platform.provide(sent, b"x" * 100_001)
        assert (answer.status, answer.fault) == (
            413,
            ("Sender", None, "MIME part 2 is over the limit of 100000 bytes"),
        )
        answer = platform.provide(submission(sent.patient_id, 4), *[b"x" * 90_000] * 4)
        assert (answer.status, answer.fault) == (
            413,
            ("Sender", None, "the message is over the limit of 300000 bytes"),
        )
    assert platform.provide(sent, b"x" * 100_000).status_urn == SUCCESS


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_request_whose_sender_goes_away_leaves_nothing(platform, share):
    """ITI TF-2: 3.41.4.1.3; the socket is closed before Content-Length is reached."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    part = Part("part1@wire", b"document" * 100_000, "text/plain")
    message = multipart(root_part(envelope(ITI_41, body)), part)
    known = interruptions(platform)
    with storing_nothing(platform, sent.patient_id):
        cut = message[: int(len(message) * share)]
        send_and_hang_up(platform.repository_url, cut, MTOM_TYPE, len(message))
        deadline = time.monotonic() + PROMPT_SECONDS
        while interruptions(platform) == known and time.monotonic() < deadline:
            time.sleep(0.02)
        assert interruptions(platform) == known + 1
    assert platform.provide(sent, b"now whole").status_urn == SUCCESS


def interruptions(platform):
    """How many requests the audit trail says were cut off."""
    told = [
        read_audit_message(record).event.outcome_description
        for spool in platform.audit_spools
        for record in stored_records(spool)
    ]
    return told.count("the peer went away before its request was complete")


@pytest.mark.parametrize("path", ["/registry", "/repository"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_endpoints_take_post_only(platform, method, path):
    """SOAP 1.2 Part 2: 7.5.1; RFC 9110: 15.5.6."""
    answer = request(method, platform.url + path)
    assert (answer.status, answer.headers["allow"]) == (405, "POST, GET")


def test_an_unknown_path_is_not_found(platform):
    """RFC 9110: 15.5.5."""
    message = envelope(ITI_18, find_documents(requests.fresh_patient_id()))
    assert post(f"{platform.url}/elsewhere", message).status == 404
    assert get(f"{platform.url}/schemas/../server/coffre.toml").status == 404
    assert get(f"{platform.url}/schemas/nothing.xsd").status == 404


def test_wsdl_and_schemas_are_served(platform):
    """ITI TF-2: V.2.2; every import leads somewhere."""
    for name in ("registry", "repository"):
        answer = get(f"{platform.url}/{name}?wsdl")
        assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
        assert f'location="{platform.url}/{name}"'.encode() in answer.body
        imports = [
            one.get("schemaLocation") for one in etree.fromstring(answer.body).iter("{*}import", "{*}include")
        ]
        assert "schemas/query.xsd" in imports or "schemas/xds.b.xsd" in imports
        for location in imports:
            assert get(f"{platform.url}/{location}").status == 200, location


def test_health_and_readiness_are_told(platform):
    """For whoever watches the process."""
    for path in ("/healthz", "/readyz"):
        assert get(platform.url + path).status == 200
    front = get(platform.url + "/").body.decode()
    assert f"{platform.registry_url}?wsdl" in front
    assert f"{platform.repository_url}?wsdl" in front
