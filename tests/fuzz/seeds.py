"""What each reader usually reads: the beginning of every way to something that nobody would send."""

from collections.abc import Iterator

from audit_message.framing import write_frame
from tests.messages import requests
from tests.messages.acknowledgements import Acknowledgement
from tests.messages.assertions import assertion, attribute, encrypted, held_by, keys, security, signed
from tests.messages.audit import HEADER, RETRIEVED
from tests.wire import Part, envelope, include, multipart, root_part

PATIENT = "p1^^^&2.999.5&ISO"
DOCUMENT = Part("part1@wire", b"a letter\r\n--=_wir\r\n", "text/plain")


def mtom() -> Iterator[bytes]:
    """Messages in parts."""
    root = root_part(b"<a/>")
    yield multipart(root)
    yield multipart(root, DOCUMENT)
    yield multipart(root, DOCUMENT, line_end="\n", preamble="a preamble")
    yield multipart(root, Part("p%40wire", b"YWxsIGlzIHdlbGw=", encoding="base64"))
    yield multipart(root, DOCUMENT).replace(b"Content-ID:", b"X-Folded: a\r\n  b\r\nContent-ID:")


def mime_header() -> Iterator[bytes]:
    """Heads of messages and parts, and references to parts."""
    yield b'multipart/related; boundary="=_a"; type="application/xop+xml"; start="<r>"; start-info="a/b"'
    yield b'application/soap+xml; charset=UTF-8; action="urn:x\\"y"'
    yield b"Content-Type: text/plain; charset=utf-8\nContent-ID: <a%40b>\nContent-Transfer-Encoding: base64"
    yield b"Content-ID:\r\n <a@b>\r\nContent-Type: a/b"
    yield b"cid:a%2540b"


def consent() -> Iterator[bytes]:
    """Acknowledgements of policies, with a text and with a scanned page."""
    yield Acknowledgement(PATIENT, (1, 2), stop="20301231").document
    yield Acknowledgement(PATIENT, (1,), scanned=True, signed=False).document


def soap() -> Iterator[bytes]:
    """A request of every transaction."""
    sent = requests.submission(PATIENT)
    yield envelope(requests.ITI_44, requests.patient_added(PATIENT))
    yield envelope(requests.ITI_42, sent.submit_objects_request)
    yield envelope(requests.ITI_61, sent.submit_objects_request.replace(requests.STABLE, requests.ON_DEMAND))
    for action in (requests.ITI_57, requests.ITI_92):
        yield envelope(action, sent.submit_objects_request)
    for name, query in requests.STORED_QUERIES.items():
        action = requests.ITI_51 if name.endswith("ForMultiplePatients") else requests.ITI_18
        slots = (
            ("$XDSDocumentEntryPatientId", f"'{PATIENT}'"),
            ("$XDSDocumentEntryStatus", f"('{requests.APPROVED}')"),
            ("$XDSDocumentEntryCreationTimeFrom", "2020"),
            ("$XDSDocumentEntryClassCode", "('c^^2.999.1')"),
            ("$patientId", f"'{PATIENT}'"),
            ("$XDSDocumentEntryEntryUUID", f"('{requests.fresh_uuid()}')"),
        )
        yield envelope(action, requests.stored_query(query, *slots))
    yield envelope(requests.ITI_43, requests.retrieve("2.999.1"))
    inline = requests.provide(sent.submit_objects_request, ("Document1", "YWxsIGlzIHdlbGw="))
    yield envelope(requests.ITI_41, inline)
    body = requests.provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    yield multipart(root_part(envelope(requests.ITI_41, body)), DOCUMENT)
    yield envelope(requests.ITI_62, _removal())
    yield envelope(requests.ITI_42, "<a/>", more_headers=security(signed(assertion())))


def hl7v2() -> Iterator[bytes]:
    """Messages of an identity feed, in frames and without."""
    header = b"MSH|^~\\&|SRC|FAC|REG|XAD|20300101120000||%b|m1|P|2.3.1||||||UNICODE UTF-8\r"
    pid = b"PID|||p1^^^HOSPITAL&2.999.5&ISO~x^^^&2.9&ISO||M\xc3\xbcller^J\\T\\ane||19700101|F\r"
    added = header % b"ADT^A01^ADT_A01" + b"EVN|A01|2030\r" + pid + b"PV1||O\r"
    merged = header % b"ADT^A40^ADT_A39" + b"EVN|A40|2030\r" + pid + b"MRG|p2^^^&2.999.5&ISO\r"
    yield added
    yield merged
    yield b"\x0b" + added + b"\x1c\r\x0b" + merged + b"\x1c\r"


def syslog() -> Iterator[bytes]:
    """Audit messages, one by one and in a stream."""
    message = HEADER + RETRIEVED
    yield message
    yield write_frame(message) + write_frame(message)
    yield message + b"\n" + message
    yield b'<84>1 - - - - - [a@1 b="c\\]"][d] \xef\xbb\xbf' + RETRIEVED
    yield b"<13>Jan  1 12:00:00 host program[1]: " + RETRIEVED


def saml() -> Iterator[bytes]:
    """Assertions in their headers and outside, signed, encrypted, and as an attacker would like them."""
    provider = (
        '<id xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="II" '
        'root="2.999.4" extension="D1"/>'
    )
    rich = assertion(
        confirmation=held_by(keys("anne")),
        conditions="<saml2:OneTimeUse/>",
        more=attribute("urn:ihe:iti:xua:2017:subject:provider-identifier", provider)
        + attribute("urn:oasis:names:tc:xacml:2.0:resource:resource-id", "p1^^^&amp;2.999.5&amp;ISO"),
    )
    yield assertion().encode()
    yield rich.encode()
    yield signed(rich)
    yield encrypted(signed(assertion()), keys("us"))
    header = security(signed(assertion()))
    yield header.replace("soap:mustUnderstand", "mustUnderstand").encode()


def _removal() -> str:
    lcm, rim = ("urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0", "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0")
    return (
        f'<lcm:RemoveObjectsRequest xmlns:lcm="{lcm}" xmlns:rim="{rim}"><rim:ObjectRefList>'
        f'<rim:ObjectRef id="{requests.fresh_uuid()}"/></rim:ObjectRefList></lcm:RemoveObjectsRequest>'
    )
