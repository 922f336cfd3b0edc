from typing import Any

import pytest
from lxml import etree

import schemas
from soap.envelope import ENVELOPE_TAIL, Envelope, envelope_head, read_envelope
from soap.fault import FaultCode, SoapFault, write_fault

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
ANONYMOUS = "http://www.w3.org/2005/08/addressing/anonymous"

ACTION = '<wsa:Action s:mustUnderstand="1">urn:ihe:iti:2007:RegistryStoredQuery</wsa:Action>'
MESSAGE_ID = "<wsa:MessageID>urn:uuid:1</wsa:MessageID>"
REPLY_TO = f"<wsa:ReplyTo><wsa:Address>{ANONYMOUS}</wsa:Address></wsa:ReplyTo>"
HEADERS = ACTION + MESSAGE_ID + REPLY_TO


def envelope(headers: str = HEADERS, body: str = "<q/>") -> str:
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:wsa="{WSA}" xmlns:wsse="{WSSE}">'
        f"<s:Header>{headers}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


def parse(text: str) -> etree._Element:
    return schemas.parse(text.encode())


def read(text: str, **parameters: Any) -> Envelope:
    return read_envelope(parse(text), **parameters)


def fault(text: str, **parameters: Any) -> SoapFault:
    with pytest.raises(SoapFault) as caught:
        read(text, **parameters)
    return caught.value


def names(refused: SoapFault) -> tuple[str, ...]:
    """Code, subcode and subsubcode without their namespaces, which are checked here."""
    assert {name[0] for name in (refused.subcode, refused.subsubcode) if name} <= {WSA}
    return (refused.code, *(name[1] for name in (refused.subcode, refused.subsubcode) if name))


def test_a_request_is_read_with_its_addresses():
    """ITI TF-2: V.3."""
    found = read(envelope(HEADERS + "<wsa:To>https://own.example/registry</wsa:To>"))
    assert found.action == "urn:ihe:iti:2007:RegistryStoredQuery"
    assert found.message_id == "urn:uuid:1"
    assert found.reply_to == ANONYMOUS
    assert found.to == "https://own.example/registry"
    assert found.relates_to == ()
    assert [header.tag for header in found.headers] == [
        f"{{{WSA}}}{name}" for name in ("Action", "MessageID", "ReplyTo", "To")
    ]
    assert found.body.tag == "q"  # fmt: skip


def test_any_prefix_is_taken():
    """ITI TF-2: V.3; Namespaces in XML 1.0."""
    text = (
        f'<Envelope xmlns="{SOAP}"><Header><Action xmlns="{WSA}">urn:x</Action>'
        f'<MessageID xmlns="{WSA}">5f2c7f2e-0c9b-4a56-8a1c-0f7b6f3d1a01</MessageID></Header>'
        '<Body><q xmlns=""/></Body></Envelope>'
    )
    found = read(text)
    assert (found.action, found.message_id) == ("urn:x", "5f2c7f2e-0c9b-4a56-8a1c-0f7b6f3d1a01")
    assert (found.to, found.reply_to) == (ANONYMOUS, ANONYMOUS)


@pytest.mark.parametrize(
    "text",
    [
        envelope().replace(SOAP, "http://schemas.xmlsoap.org/soap/envelope/"),
        envelope().replace("s:Envelope", "s:Letter"),
        "<Envelope/>",
        "<html/>",
    ],
)
def test_only_a_soap_1_2_envelope_is_an_envelope(text):
    """SOAP 1.2 Part 1: 5.4.7."""
    refused = fault(text)
    assert (names(refused), refused.http_status) == (("VersionMismatch",), 500)
    assert b'<s:Upgrade><s:SupportedEnvelope qname="s:Envelope"/></s:Upgrade>' in write_fault(refused)


HEADER, BODY = f"<s:Header>{HEADERS}</s:Header>", "<s:Body><q/></s:Body>"


@pytest.mark.parametrize(
    "children",
    [
        "",
        HEADER,
        BODY + HEADER,
        HEADER + HEADER + BODY,
        HEADER + BODY + BODY,
        HEADER + BODY + "<q/>",
        HEADER + "<q/>" + BODY,
    ],
)
def test_an_envelope_holds_one_header_and_then_one_body(children):
    """SOAP 1.2 Part 1: 5.1."""
    refused = fault(f'<s:Envelope xmlns:s="{SOAP}" xmlns:wsa="{WSA}">{children}</s:Envelope>')
    assert (names(refused), refused.http_status) == (("Sender",), 400)
    assert refused.reason == "the Envelope must hold one Header and after it one Body, and nothing else"


@pytest.mark.parametrize("body", ["", "text", "<a/><b/>"])
def test_a_body_holds_exactly_one_element(body):
    """ITI TF-2: V.3."""
    assert fault(envelope(body=body)).reason.startswith("the Body must hold exactly one element, not ")


@pytest.mark.parametrize(
    ("headers", "missing"),
    [
        (MESSAGE_ID, "Action"),
        (ACTION, "MessageID"),
        ("", "Action"),
        ("<wsse:Action>urn:x</wsse:Action>" + MESSAGE_ID, "Action"),
    ],
)
def test_action_and_message_id_are_required(headers, missing):
    """WS-Addressing 1.0 SOAP Binding: 6.4.2."""
    refused = fault(envelope(headers))
    assert names(refused) == ("Sender", "MessageAddressingHeaderRequired")
    assert refused.problem_header == missing


def test_an_envelope_without_a_header_lacks_its_action():
    """WS-Addressing 1.0 SOAP Binding: 6.4.2."""
    refused = fault(f'<s:Envelope xmlns:s="{SOAP}">{BODY}</s:Envelope>')
    assert names(refused) == ("Sender", "MessageAddressingHeaderRequired")


def test_a_fallback_action_counts_only_where_wsa_action_is_absent():
    """ITI TF-2: V.3; the action parameter of RFC 3902 and SOAPAction."""
    assert read(envelope(MESSAGE_ID), fallback_action="urn:fallback").action == "urn:fallback"
    assert read(envelope(), fallback_action="urn:fallback").action == "urn:ihe:iti:2007:RegistryStoredQuery"
    assert (
        fault(envelope("<wsa:Action/>" + MESSAGE_ID), fallback_action="urn:fallback").problem_header
        == "Action"
    )
    assert fault(envelope(MESSAGE_ID), fallback_action="no action").problem_header == "Action"


def test_a_reply_needs_no_message_id():
    """WS-Addressing 1.0 Core: 3.2."""
    assert read(envelope(ACTION), message_id_required=False).message_id == ""


def test_white_space_around_the_action_passes_only_where_it_is_tolerated():
    """ITI TF-2: V.3; real clients send line breaks, NIST refuses them."""
    spaced = "<wsa:Action>\n  urn:x\n</wsa:Action>" + MESSAGE_ID
    refused = fault(envelope(spaced))
    assert names(refused) == ("Sender", "InvalidAddressingHeader")
    assert refused.reason == "the header wsa:Action has white space around its value"
    assert read(envelope(spaced), tolerate_white_space=True).action == "urn:x"


@pytest.mark.parametrize("name", ["Action", "MessageID", "ReplyTo", "To", "From", "FaultTo"])
def test_an_addressing_header_stands_only_once(name):
    """WS-Addressing 1.0 SOAP Binding: 6.4.1.3."""
    endpoint = f"<wsa:Address>{ANONYMOUS}</wsa:Address>"
    twice = f"<wsa:{name}>{endpoint if name in ('ReplyTo', 'From', 'FaultTo') else 'urn:x'}</wsa:{name}>" * 2
    others = "".join(header for header in (ACTION, MESSAGE_ID) if f"wsa:{name}" not in header)
    refused = fault(envelope(others + twice))
    assert names(refused) == ("Sender", "InvalidAddressingHeader", "InvalidCardinality")
    assert refused.problem_header == name


def test_relates_to_may_repeat_and_only_replies_count():
    """WS-Addressing 1.0 Core: 3.2."""
    found = read(
        envelope(
            HEADERS + "<wsa:RelatesTo>urn:uuid:a</wsa:RelatesTo>"
            '<wsa:RelatesTo RelationshipType="urn:other">urn:uuid:b</wsa:RelatesTo>'
            '<wsa:RelatesTo RelationshipType="http://www.w3.org/2005/08/addressing/reply">\nurn:uuid:c</wsa:RelatesTo>'
        )
    )
    assert found.relates_to == ("urn:uuid:a", "urn:uuid:c")


@pytest.mark.parametrize(
    ("header", "name", "subsubcode"),
    [
        ("<wsa:To/>", "To", "InvalidAddress"),
        ("<wsa:To>two words</wsa:To>", "To", "InvalidAddress"),
        ("<wsa:To><x/></wsa:To>", "To", "InvalidAddress"),
        (f"<wsa:To>urn:{'x' * 2048}</wsa:To>", "To", "InvalidAddress"),
        ("<wsa:RelatesTo> </wsa:RelatesTo>", "RelatesTo", "InvalidAddress"),
        ("<wsa:From/>", "From", "MissingAddressInEPR"),
        ("<wsa:From>http://own.example</wsa:From>", "From", "MissingAddressInEPR"),
        ("<wsa:FaultTo><wsa:Address>nowhere</wsa:Address></wsa:FaultTo>", "FaultTo", "InvalidAddress"),
        ("<wsa:From><x/><wsa:Address>urn:x</wsa:Address></wsa:From>", "From", "InvalidEPR"),
        ("<wsa:From>" + "<wsa:Address>urn:x</wsa:Address>" * 2 + "</wsa:From>", "From", "InvalidEPR"),
    ],
)
def test_a_malformed_address_is_named_by_its_header(header, name, subsubcode):
    """WS-Addressing 1.0 SOAP Binding: 6.4.1."""
    refused = fault(envelope(HEADERS + header))
    assert names(refused) == ("Sender", "InvalidAddressingHeader", subsubcode)
    assert refused.problem_header == name


@pytest.mark.parametrize("value", ["", "registryStoredQuery", "urn:x y", "urn:", "<x/>"])
def test_an_action_is_an_absolute_uri(value):
    """WS-Addressing 1.0 Core: 3.2."""
    refused = fault(envelope(f"<wsa:Action>{value}</wsa:Action>{MESSAGE_ID}"))
    assert names(refused) == ("Sender", "InvalidAddressingHeader", "InvalidAddress")


@pytest.mark.parametrize("address", ["https://client.example/inbox", "http://127.0.0.1:22/", "urn:x"])
def test_answers_go_nowhere_but_to_the_connection_of_the_request(address):
    """WS-Addressing 1.0 SOAP Binding: 6.4.1.7; no outbound call on a peer's word."""
    refused = fault(envelope(HEADERS.replace(ANONYMOUS, address)))
    assert names(refused) == ("Sender", "InvalidAddressingHeader", "OnlyAnonymousAddressSupported")
    assert refused.problem_header == "ReplyTo"


def test_reply_to_none_is_taken():
    """WS-Addressing 1.0 Core: 2.1."""
    none = "http://www.w3.org/2005/08/addressing/none"
    assert read(envelope(HEADERS.replace(ANONYMOUS, none))).reply_to == none


@pytest.mark.parametrize("value", ["1", "true", "TRUE", "True", " 1 "])
def test_a_mandatory_header_that_is_not_understood_stops_the_message(value):
    """SOAP 1.2 Part 1: 5.2.3, 5.4.8."""
    header = (
        f'<x:Odd xmlns:x="urn:odd" s:mustUnderstand="{value}"/><wsse:Security s:mustUnderstand="{value}"/>'
    )
    refused = fault(envelope(HEADERS + header))
    assert (refused.code, refused.http_status) == (FaultCode.MUST_UNDERSTAND, 500)
    assert refused.not_understood == (("urn:odd", "Odd"), (WSSE, "Security"))
    written = write_fault(refused)
    assert b'<s:NotUnderstood xmlns:q="urn:odd" qname="q:Odd"/>' in written
    assert f'<s:NotUnderstood xmlns:q="{WSSE}" qname="q:Security"/>'.encode() in written


def test_what_the_caller_understands_is_understood():
    """SOAP 1.2 Part 1: 2.4."""
    text = envelope(HEADERS + '<wsse:Security s:mustUnderstand="1"/>')
    assert read(text, understood={(WSSE, "Security")}).headers[-1].tag == f"{{{WSSE}}}Security"


def test_an_unknown_header_of_the_addressing_namespace_is_not_understood():
    """WS-Addressing 1.0 Core: 3.2."""
    refused = fault(envelope(HEADERS + '<wsa:Detour s:mustUnderstand="1"/>'))
    assert refused.not_understood == ((WSA, "Detour"),)


@pytest.mark.parametrize("value", ["0", "false", "False", ""])
def test_a_header_that_need_not_be_understood_is_let_pass(value):
    """SOAP 1.2 Part 1: 5.2.3."""
    attribute = f's:mustUnderstand="{value}"' if value else ""
    found = read(envelope(HEADERS + f'<x:Odd xmlns:x="urn:odd" {attribute}/>'))
    assert found.headers[-1].tag == "{urn:odd}Odd"


@pytest.mark.parametrize("value", ["", "yes", "2"])
def test_must_understand_is_true_or_false(value):
    """SOAP 1.2 Part 1: 5.2.3."""
    refused = fault(envelope(HEADERS + f'<x:Odd xmlns:x="urn:odd" s:mustUnderstand="{value}"/>'))
    assert refused.reason == "the attribute mustUnderstand must be true or false"


@pytest.mark.parametrize("role", ["", f"{SOAP}/role/ultimateReceiver", f"{SOAP}/role/next"])
def test_headers_for_the_ultimate_receiver_and_the_next_node_are_ours(role):
    """SOAP 1.2 Part 1: 2.2."""
    refused = fault(envelope(HEADERS + f'<x:Odd xmlns:x="urn:odd" s:role="{role}" s:mustUnderstand="1"/>'))
    assert refused.not_understood == (("urn:odd", "Odd"),)


@pytest.mark.parametrize("role", [f"{SOAP}/role/none", "urn:own:gateway"])
def test_headers_for_another_role_are_not_ours(role):
    """SOAP 1.2 Part 1: 2.2."""
    others = f'<x:Odd xmlns:x="urn:odd" s:role="{role}" s:mustUnderstand="1"/>'
    others += f'<wsa:Action s:role="{role}">urn:not-for-us</wsa:Action>'
    found = read(envelope(HEADERS + others))
    assert found.action == "urn:ihe:iti:2007:RegistryStoredQuery"
    assert len(found.headers) == 3


def test_a_refused_message_is_still_named_in_its_fault():
    """WS-Addressing 1.0 Core: 3.4."""
    refused = fault(envelope(MESSAGE_ID))
    assert b"<wsa:RelatesTo>urn:uuid:1</wsa:RelatesTo>" in write_fault(refused, message_id="urn:uuid:2")


def test_a_request_is_written_around_its_body():
    """ITI TF-2: V.3."""
    head = envelope_head("urn:ihe:iti:2007:RegistryStoredQuery", "urn:uuid:1", to="https://own.example/?a&b")
    assert head + b"<q/>" + ENVELOPE_TAIL == (
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        b'xmlns:wsa="http://www.w3.org/2005/08/addressing"><s:Header>'
        b'<wsa:Action s:mustUnderstand="1">urn:ihe:iti:2007:RegistryStoredQuery</wsa:Action>'
        b"<wsa:MessageID>urn:uuid:1</wsa:MessageID>"
        b"<wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo>"
        b"<wsa:To>https://own.example/?a&amp;b</wsa:To></s:Header><s:Body><q/></s:Body></s:Envelope>"
    )


def test_a_response_says_what_it_relates_to_and_wants_no_reply():
    """ITI TF-2: V.3; WS-Addressing 1.0 Core: 3.4."""
    head = envelope_head("urn:ihe:iti:2007:RegistryStoredQueryResponse", "urn:uuid:2", relates_to="urn:<1>")
    assert head.endswith(
        b'<wsa:Action s:mustUnderstand="1">urn:ihe:iti:2007:RegistryStoredQueryResponse</wsa:Action>'
        b"<wsa:MessageID>urn:uuid:2</wsa:MessageID><wsa:RelatesTo>urn:&lt;1&gt;</wsa:RelatesTo>"
        b"</s:Header><s:Body>"
    )


def test_what_is_written_reads_back():
    """ITI TF-2: V.3."""
    text = (
        envelope_head("urn:x", "urn:uuid:2", "urn:uuid:1", "https://own.example/") + b"<q/>" + ENVELOPE_TAIL
    )
    found = read(text.decode())
    assert (found.action, found.message_id, found.relates_to) == ("urn:x", "urn:uuid:2", ("urn:uuid:1",))
    assert (found.to, found.body.tag) == ("https://own.example/", "q")
