import pytest
from lxml import etree

import schemas
from soap.fault import FaultCode, SoapFault, read_fault, write_fault

NAMES = {"s": "http://www.w3.org/2003/05/soap-envelope", "wsa": "http://www.w3.org/2005/08/addressing"}
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"


def body_of(written: bytes) -> etree._Element:
    element = schemas.parse(written).find("s:Body/s:Fault", NAMES)
    assert element is not None
    return element


def test_a_fault_is_written_with_its_action_and_what_it_relates_to():
    """ITI TF-2: V.3; WS-Addressing 1.0 SOAP Binding: 6."""
    fault = SoapFault.action_not_supported("urn:ihe:iti:2007:Nonsense")
    assert write_fault(fault, message_id="urn:uuid:1", relates_to="urn:uuid:2") == (
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        b'xmlns:wsa="http://www.w3.org/2005/08/addressing"><s:Header>'
        b"<wsa:Action>http://www.w3.org/2005/08/addressing/fault</wsa:Action>"
        b"<wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:RelatesTo>urn:uuid:2</wsa:RelatesTo></s:Header>"
        b"<s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>"
        b"<s:Subcode><s:Value>wsa:ActionNotSupported</s:Value></s:Subcode></s:Code>"
        b'<s:Reason><s:Text xml:lang="en">the wsa:Action urn:ihe:iti:2007:Nonsense is not supported at this '
        b"endpoint</s:Text></s:Reason><s:Detail><wsa:ProblemAction><wsa:Action>urn:ihe:iti:2007:Nonsense"
        b"</wsa:Action></wsa:ProblemAction></s:Detail></s:Fault></s:Body></s:Envelope>"
    )


@pytest.mark.parametrize(
    ("fault", "code", "subcodes", "status"),
    [
        (SoapFault.sender("x"), "Sender", [], 400),
        (SoapFault.receiver("x"), "Receiver", [], 500),
        (SoapFault.version_mismatch(), "VersionMismatch", [], 500),
        (SoapFault.must_understand([("urn:a", "b")]), "MustUnderstand", [], 500),
        (SoapFault.action_not_supported("urn:x"), "Sender", ["wsa:ActionNotSupported"], 400),
        (SoapFault.header_required("Action"), "Sender", ["wsa:MessageAddressingHeaderRequired"], 400),
        (SoapFault.invalid_header("To", "is bad"), "Sender", ["wsa:InvalidAddressingHeader"], 400),
        (
            SoapFault.only_anonymous("ReplyTo"),
            "Sender",
            ["wsa:InvalidAddressingHeader", "wsa:OnlyAnonymousAddressSupported"],
            400,
        ),
        (SoapFault.not_parsable("line 1"), "Sender", [], 400),
        (SoapFault.too_large("the envelope", 10), "Sender", [], 413),
        (SoapFault.unsupported_media_type("text/plain"), "Sender", [], 415),
    ],
)
def test_each_fault_has_its_code_and_its_http_status(fault, code, subcodes, status):
    """SOAP 1.2 Part 2: table 20; WS-Addressing 1.0 SOAP Binding: 6.4."""
    body = body_of(write_fault(fault))
    assert body.findtext("s:Code/s:Value", namespaces=NAMES) == f"s:{code}"
    assert [value.text for value in body.iterfind("s:Code/s:Subcode//s:Value", NAMES)] == subcodes
    assert fault.http_status == status


def test_a_version_mismatch_says_which_envelope_is_taken():
    """SOAP 1.2 Part 1: 5.4.7."""
    written = write_fault(SoapFault.version_mismatch())
    assert b'<s:Upgrade><s:SupportedEnvelope qname="s:Envelope"/></s:Upgrade>' in written


def test_every_header_not_understood_is_named_by_its_qname():
    """SOAP 1.2 Part 1: 5.4.8."""
    written = write_fault(SoapFault.must_understand([("urn:a&b", "One"), ("urn:c", "Two"), ("", "Bare")]))
    assert b'<s:NotUnderstood xmlns:q="urn:a&amp;b" qname="q:One"/>' in written
    assert b'<s:NotUnderstood xmlns:q="urn:c" qname="q:Two"/>' in written
    assert b'<s:NotUnderstood qname="Bare"/>' in written


def test_an_addressing_fault_names_the_header():
    """WS-Addressing 1.0 SOAP Binding: 6.3.2."""
    written = write_fault(SoapFault.header_required("MessageID"))
    assert b"<s:Detail><wsa:ProblemHeaderQName>wsa:MessageID</wsa:ProblemHeaderQName></s:Detail>" in written


def test_a_subcode_of_another_namespace_brings_its_prefix():
    """Web Services Security: SOAP Message Security 1.1: 12."""
    fault = SoapFault.sender("the assertion is not valid", (WSSE, "InvalidSecurity"))
    again = read_fault(body_of(write_fault(fault)))
    assert again
    assert again.subcode == (WSSE, "InvalidSecurity")


def test_a_reason_is_one_bounded_line_that_xml_can_carry():
    """SOAP 1.2 Part 1: 5.4.2."""
    fault = SoapFault.sender("a\n\tb <&> \x00\ud800 " + "x" * 5000)
    assert fault.reason.startswith("a b <&> \ufffd\ufffd xxx")
    assert len(fault.reason) == 1000
    assert body_of(write_fault(fault, relates_to="urn:\x01&")).findtext("s:Reason/s:Text", namespaces=NAMES)


@pytest.mark.parametrize(
    "fault",
    [
        SoapFault.version_mismatch(),
        SoapFault.must_understand([("urn:a", "b")]),
        SoapFault.only_anonymous("ReplyTo"),
        SoapFault.action_not_supported("urn:x"),
        SoapFault.receiver("internal error, reference urn:uuid:1"),
    ],
)
def test_a_fault_reads_back_as_it_was_written(fault):
    """SOAP 1.2 Part 1: 5.4."""
    again = read_fault(body_of(write_fault(fault)))
    assert again
    assert (again.code, again.reason, again.subcode, again.subsubcode, again.http_status) == (
        fault.code,
        fault.reason,
        fault.subcode,
        fault.subsubcode,
        fault.http_status,
    )


def test_a_fault_of_a_peer_is_read_with_its_own_prefixes():
    """SOAP 1.2 Part 1: 5.4."""
    fault = read_fault(
        schemas.parse(
            b'<env:Fault xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Code>'
            b"<env:Value> env:Sender\n</env:Value><env:Subcode>"
            b'<env:Value xmlns:m="urn:m">m:Timeout</env:Value></env:Subcode></env:Code>'
            b'<env:Reason><env:Text xml:lang="en">too late</env:Text></env:Reason></env:Fault>'
        )
    )
    assert fault
    assert (fault.code, fault.subcode, fault.reason) == (FaultCode.SENDER, ("urn:m", "Timeout"), "too late")


@pytest.mark.parametrize(
    "code", [b"", b"<s:Code/>", b"<s:Code><s:Value>s:Odd</s:Value></s:Code>", b"<s:Code><s:Value/></s:Code>"]
)
def test_a_fault_without_a_known_code_is_the_receivers(code):
    """SOAP 1.2 Part 1: 5.4.6."""
    fault = read_fault(
        schemas.parse(b'<s:Fault xmlns:s="http://www.w3.org/2003/05/soap-envelope">' + code + b"</s:Fault>")
    )
    assert fault
    assert fault.code is FaultCode.RECEIVER


def test_an_answer_is_no_fault():
    """SOAP 1.2 Part 1: 5.4."""
    assert read_fault(schemas.parse(b"<RegistryResponse/>")) is None
    assert (
        read_fault(schemas.parse(b'<s:Fault xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>')) is None
    )
