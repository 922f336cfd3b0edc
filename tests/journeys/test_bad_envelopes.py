"""What cannot be understood below the message itself: each case in real bytes, with its exact fault."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from lxml import etree

from tests.messages import requests
from tests.messages.requests import (
    ITI_18,
    ITI_41,
    ITI_42,
    SUCCESS,
    find_documents,
    registered,
    submission,
)
from tests.services.platform import storing_nothing
from tests.wire import (
    MTOM_TYPE,
    SOAP,
    envelope,
    get,
    multipart,
    post,
    request,
    root_part,
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
    """SOAP 1.2 Part 1: 7.3; the 32 MiB of an envelope are the end of it, or its depth once that is seen."""
    before, began = platform.peak_memory_bytes, time.monotonic()
    if packaging == "MTOM":
        head = multipart(root_part(b"")).partition(b"\r\n--=_wire--")[0]
        answer = post(platform.repository_url, iter([head, *nested(100 * MEGABYTE)]), MTOM_TYPE)
        status, reason = 400, "the message is not readable XML: elements are nested more than 256 deep"
    else:
        answer = post(platform.registry_url, nested(100 * MEGABYTE))
        status, reason = 413, "the envelope is over the limit of 33554432 bytes"
    assert (answer.status, answer.fault) == (status, ("Sender", None, reason))
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
