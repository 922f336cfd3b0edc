"""What stands around a message, and messages of every kind: found by their look alone."""

import pytest

from conformance.judging.message import judge
from tests.conformance.judging.samples import PATIENT, changed, errors, rules
from tests.messages import requests
from tests.wire import MTOM_TYPE, envelope, mtom

PLAIN = "application/soap+xml; charset=UTF-8"
QUERY = envelope(requests.ITI_18, requests.find_documents(PATIENT)).decode()


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("an envelope is one of SOAP 1.2", "http://www.w3.org/2003/05/soap-envelope",
         "http://schemas.xmlsoap.org/soap/envelope/"),
        ("wsa:Action is there once and known", "urn:ihe:iti:2007:RegistryStoredQuery",
         "urn:ihe:iti:2007:StoredQuery"),
        ("wsa:MessageID is there", "wsa:MessageID>", "wsa:RelatesTo>"),
        ("wsa:Action must be understood", ' soap:mustUnderstand="1"', ""),
        ("wsa:ReplyTo has an address", "http://www.w3.org/2005/08/addressing/anonymous", "here"),
        ("wsa:To is there once", "<wsa:To>", "<wsa:To>a</wsa:To><wsa:To>"),
        ("a header that must be understood is known", "<wsa:To>",
         '<x xmlns="urn:x" soap:mustUnderstand="1"/><wsa:To>'),
        ("addressing is WS-Addressing 1.0", "<wsa:To>",
         '<To xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing"/><wsa:To>'),
        ("the Body holds one element", "<soap:Body>", "<soap:Body><x/>"),
        ("one assertion stands directly in the Security header", "<wsa:To>",
         '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">'
         '<x><Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/></x></w:Security><wsa:To>'),
    ],
)  # fmt: skip
def test_what_is_wrong_around_the_body_is_found(rule, old, new):
    assert errors(QUERY) == set()
    assert rule in errors(changed(QUERY, (old, new)))


def test_packaging_is_held_against_the_transaction():
    """ITI TF-2: V.3.6."""
    retrieval = envelope(requests.ITI_43, requests.retrieve("2.999.1"))
    assert errors(mtom(retrieval), MTOM_TYPE) == set()
    assert errors(retrieval, PLAIN) == {"MTOM is what carries documents"}
    assert errors(QUERY, "text/xml") == {"an envelope is application/soap+xml"}
    undeclared = MTOM_TYPE.replace('type="application/xop+xml"; ', "")
    assert errors(mtom(retrieval), undeclared) == {"MTOM is declared"}
    assert errors(mtom(retrieval)[:-10], MTOM_TYPE) == {"mtom that cannot be understood is a fault"}


def test_a_capture_with_its_headers_and_one_without_are_opened():
    retrieval = mtom(envelope(requests.ITI_43, requests.retrieve("2.999.1")))
    head = f"POST /xds HTTP/1.1\r\nHost: a\r\nContent-Type: {MTOM_TYPE}\r\n\r\n".encode()
    for content in (head + retrieval, retrieval):
        assert judge(content).kind == "a request of Retrieve Document Set [ITI-43]"
        assert judge(content).good


@pytest.mark.parametrize("content", [b"", b"<a", b"hello", b"<!DOCTYPE a><a/>", b"<a/>", b"\x00\xff"])
def test_what_is_no_message_is_said_to_be_none(content):
    judgement = judge(content)
    assert judgement.kind == "no message that is known here"
    assert not judgement.good


ADDED = (
    "MSH|^~\\&|SRC|FAC|REG|XAD|20300101120000||ADT^A01^ADT_A01|m1|P|2.3.1\rEVN|A01|20300101120000\r"
    "PID|||p1^^^&2.999.5&ISO||Doe^Jane||19700101|F\rPV1||O\r"
)
MERGED = ADDED.replace("ADT^A01^ADT_A01", "ADT^A40^ADT_A39").replace("PV1||O\r", "MRG|p2^^^&2.999.5&ISO\r")


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("the message is one of the feed", "ADT^A01^ADT_A01", "ADT^A28^ADT_A05"),
        ("the patient identifier list is there", "p1^^^&2.999.5&ISO", ""),
        ("an id has its assigning authority", "p1^^^&2.999.5&ISO", "p1"),
        ("the message control id is there", "|m1|", "||"),
        ("a processing id is P, T or D", "|P|", "|X|"),
        ("a version is one of HL7's", "2.3.1", "3.0"),
    ],
)
def test_what_is_wrong_in_a_version_2_feed_is_found(rule, old, new):
    """ITI TF-2: 3.8.4.1.2."""
    assert rules(ADDED) == rules(MERGED) == set()
    assert rule in errors(changed(ADDED, (old, new)))


def test_a_merge_says_who_is_merged():
    """ITI TF-2: 3.8.4.2.2."""
    assert "the prior patient identifier list is there" in errors(changed(MERGED, ("p2^^^&2.999.5&ISO", "")))
    assert "a patient is merged into another" in errors(changed(MERGED, ("p2^", "p1^")))


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("the version is XML_1.0", "XML_1.0", "XML_2.0"),
        (
            "the interaction is the message's own",
            'extension="PRPA_IN201301UV02"',
            'extension="PRPA_IN201302UV02"',
        ),
        ("processingCode is one of HL7's", 'processingCode code="P"', 'processingCode code="X"'),
        (
            "a patient's id is an OID and an extension",
            'root="2.999.5" extension="p1"',
            'root="x" extension="p1"',
        ),
        ("a patient has a name", "<name><family>Muller</family><given>Jeanne</given></name>", ""),
    ],
)
def test_what_is_wrong_in_a_version_3_feed_is_found(rule, old, new):
    """ITI TF-2: 3.44.4.1.2."""
    good = envelope(requests.ITI_44, requests.patient_added(PATIENT)).decode()
    assert errors(good) == set()
    assert rule in errors(changed(good, (old, new)))


ANSWER = (
    '<rs:RegistryResponse xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" '
    'status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"/>'
)


def test_an_answer_is_judged_alone_and_in_its_envelope():
    """ITI TF-3: 4.2.4."""
    assert errors(ANSWER) == set()
    assert errors(changed(ANSWER, ("Success", "Failure"))) == {"what failed says why"}
    within = envelope("urn:ihe:iti:2007:RegisterDocumentSet-bResponse", ANSWER)
    assert errors(within) == {"an answer names its question"}
