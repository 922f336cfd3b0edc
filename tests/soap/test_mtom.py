import pytest

from soap.content_type import ContentType, read_content_type
from soap.fault import SoapFault
from soap.mtom import Decoder, Event, MessageEnds, MtomLimits, PartBegins, PartData, PartEnds

HEADER = (
    'multipart/related; boundary="bound"; type="application/xop+xml"; start="<root@a>"; '
    'start-info="application/soap+xml"'
)
ROOT = b"--bound\r\nContent-Type: application/xop+xml\r\nContent-ID: <root@a>\r\n\r\n<envelope/>"
CLOSING = b"\r\n--bound--\r\n"

Part = tuple[str, bytes, bool]


def decode(
    message: bytes, header: str = HEADER, size: int = 0, limits: MtomLimits | None = None
) -> list[Event]:
    """All events, with neighbouring PartData joined, after chunks of `size` octets (0: in one)."""
    decoder = Decoder(read_content_type(header), limits)
    events: list[Event] = []
    for at in range(0, len(message), size or max(len(message), 1)):
        decoder.receive_data(message[at : at + (size or len(message))])
        for event in decoder.events():
            if isinstance(event, PartData) and isinstance(last := events[-1], PartData):
                events[-1] = PartData(last.data + event.data)
            else:
                events.append(event)
    decoder.receive_end()
    events.extend(decoder.events())
    return events


def parts(message: bytes, header: str = HEADER, limits: MtomLimits | None = None) -> list[Part]:
    """Content-ID, octets and whether it is the root, the same whole and one byte at a time."""
    whole, slowly = decode(message, header, limits=limits), decode(message, header, 1, limits)
    assert whole == slowly
    found: list[Part] = []
    for event in whole:
        match event:
            case PartBegins(content_id, _, is_root):
                found.append((content_id, b"", is_root))
            case PartData(data):
                found[-1] = (found[-1][0], data, found[-1][2])
    return found


def fault(message: bytes, header: str = HEADER, limits: MtomLimits | None = None) -> SoapFault:
    """What is wrong with a message, the same whole and one byte at a time."""
    with pytest.raises(SoapFault) as whole:
        decode(message, header, limits=limits)
    with pytest.raises(SoapFault) as slowly:
        decode(message, header, 1, limits)
    assert whole.value.reason == slowly.value.reason
    assert whole.value.code == "Sender"
    return whole.value


def document(content: bytes, head: bytes = b"") -> bytes:
    return ROOT + b"\r\n--bound\r\nContent-ID: <doc1@a>\r\n" + head + b"\r\n" + content + CLOSING


def test_a_message_comes_as_events_in_the_order_of_the_wire():
    """ITI TF-2: V.3.6."""
    message = document(b"octets", b"Content-Type: text/plain; charset=latin-1\r\n")
    assert decode(message) == [
        PartBegins("root@a", "application/xop+xml", is_root=True),
        PartData(b"<envelope/>"),
        PartEnds(),
        PartBegins("doc1@a", "text/plain; charset=latin-1", is_root=False),
        PartData(b"octets"),
        PartEnds(),
        MessageEnds(),
    ]


def test_a_part_is_passed_on_before_the_rest_of_it_is_there():
    """Sans-I/O: what a 2 GB document costs is one chunk."""
    decoder = Decoder(read_content_type(HEADER))
    decoder.receive_data(document(b"first ").removesuffix(CLOSING))
    assert list(decoder.events())[-1] == PartData(b"first ")
    chunk = b"second" * 1000
    decoder.receive_data(chunk)
    (event,) = decoder.events()
    assert isinstance(event, PartData)
    assert event.data is chunk


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"\n",
        b"\r",
        b"ends with CRLF\r\n",
        b"ends with LF\n",
        b"ends with CR\r",
        b"\r\n\r\nbegins and ends\r\n\r\n",
        b"\r\n--boun",
        b"\r\n--bounds\r\n",
        b"\r\n--bound2--\r\n",
        b"\r\n--bound-\r\n",
        b"\r\n--bound---\r\n",
        b"\r\n--bound--x",
        b"\r\n--bound-- x\r\n",
        b"\r\n--bound x\r\n",
        b"\r\n--bound\rx",
        b"\r\n--bound" + b" " * 999 + b"\r\n",
        b"--bounds",
        b"--boun",
        b"--",
        b"text --bound\r\n",
        b"\n--bound\r\n",
        b"\n--bound--\n",
        b"\r\r\n--boun",
        b"\r\n\r\n--bounD\r\n",
        bytes(range(256)) * 3,
    ],
)
def test_a_document_keeps_every_octet_whatever_it_resembles(content):
    """RFC 2046: 5.1.1; documents are never decoded, stripped or re-encoded."""
    assert parts(document(content)) == [("root@a", b"<envelope/>", True), ("doc1@a", content, False)]


@pytest.mark.parametrize(
    "content", [b"", b"x", b"x\r", b"x\n", b"\r", b"x\r\n", b"\n--bounds", b"\n--bound x\n"]
)
def test_a_sender_of_bare_line_feeds_loses_no_octet_either(content):
    """RFC 2046: 5.1.1 knows CRLF alone; scripts and captures have LF."""
    message = document(b"@").replace(b"\r\n", b"\n").replace(b"@\n--", content + b"\n--")
    assert parts(message) == [("root@a", b"<envelope/>", True), ("doc1@a", content, False)]


def test_the_first_boundary_line_decides_how_delimiters_begin():
    """A sender that mixes CRLF and LF."""
    with_cr = b"--bound\r\nContent-ID: <root@a>\n\nA\n--bound\nB\r\n--bound--\n"
    assert parts(with_cr) == [("root@a", b"A\n--bound\nB", True)]
    without_cr = b"--bound\nContent-ID: <root@a>\r\n\r\nA\r\n--bound--\r\n"
    assert parts(without_cr) == [("root@a", b"A\r", True)]


def test_an_empty_document_may_share_the_empty_line_with_its_delimiter():
    """RFC 2046: 5.1.1, the grammar of body-part."""
    message = (
        ROOT + b"\r\n--bound\r\nContent-ID: <doc1@a>\r\n\r\n--bound\r\nContent-ID: <doc2@a>\r\n\r\n--bound--"
    )
    assert parts(message)[1:] == [("doc1@a", b"", False), ("doc2@a", b"", False)]


@pytest.mark.parametrize(
    "message",
    [
        b"\r\n" + document(b"x"),
        b"\n" + document(b"x"),
        b"This is a multipart message.\r\nIt says --bound here\r\nand --bound\r\n\r\n" + document(b"x"),
        b"--bounds are not it\r\n" + document(b"x"),
        document(b"x") + b"an epilogue\r\n--bound\r\nthat means nothing",
        document(b"x").replace(b"--bound\r\n", b"--bound \t \r\n"),
        document(b"x").replace(b"--bound\r\n", b"--bound\r\n\r\n \t\r\n"),
        document(b"x").removesuffix(b"\r\n"),
        document(b"x").removesuffix(b"\n"),
        document(b"x") + b"\r\n\r\n",
        document(b"x").replace(b"--bound--", b"--bound-- \t"),
        document(b"x").replace(b"--bound--\r\n", b"--bound-- "),
        document(b"x").replace(b"Content-ID: <doc1@a>", b"content-id:\r\n <doc1@a>\r\n "),
        document(b"x").replace(b"<doc1@a>", b"doc1%40a"),
        document(b"x").replace(b"--bound\r\nContent-ID", b"--bound\nContent-ID"),
    ],
)
def test_what_stands_around_the_parts_does_not_matter(message):
    """RFC 2046: 5.1.1: preamble, padding, folded headers, epilogue."""
    assert parts(message) == [("root@a", b"<envelope/>", True), ("doc1@a", b"x", False)]


@pytest.mark.parametrize(
    "start", ['start="<root@a>"', 'start="root@a"', "start=<root@a>", 'start="<root%40a>"']
)
def test_the_root_is_what_start_names_wherever_it_stands(start):
    """RFC 2387: 3.2; the ITI-43 example of the Technical Framework has no brackets."""
    message = b"--bound\r\nContent-ID: <doc1@a>\r\n\r\nfirst\r\n" + ROOT + CLOSING
    header = f"multipart/related; boundary=bound; type=application/xop+xml; {start}"
    assert parts(message, header) == [("doc1@a", b"first", False), ("root@a", b"<envelope/>", True)]


def test_without_start_the_first_part_is_the_root_and_needs_no_content_id():
    """RFC 2387: 3.2."""
    header = 'multipart/related; boundary=bound; type="application/xop+xml"'
    assert parts(document(b"x"), header) == [("root@a", b"<envelope/>", True), ("doc1@a", b"x", False)]
    nameless = b"--bound\r\nMIME-Version: 1.0\r\n\r\nx" + CLOSING
    assert decode(nameless, header)[0] == PartBegins("", "application/xop+xml", is_root=True)


def test_a_document_without_a_content_type_is_octets():
    """XOP 1.0: 4.1."""
    assert PartBegins("doc1@a", "application/octet-stream", is_root=False) in decode(document(b"x"))


@pytest.mark.parametrize("encoding", [b"binary", b"8bit", b"7bit", b"Binary"])
def test_the_identity_encodings_change_nothing(encoding):
    """RFC 2045: 6.2."""
    message = document(b"QUJD\x00", b"Content-Transfer-Encoding: " + encoding + b"\r\n")
    assert parts(message)[1] == ("doc1@a", b"QUJD\x00", False)


def test_base64_is_decoded_as_it_arrives():
    """RFC 2045: 6.8."""
    message = document(b"QUJD\r\nREVG\r\nRw==\r\n", b"Content-Transfer-Encoding: base64\r\n")
    assert parts(message)[1] == ("doc1@a", b"ABCDEFG", False)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "no part found with the declared boundary"),
        (ROOT.replace(b"bound", b"other") + b"\r\n--other--\r\n", "no part found with the declared boundary"),
        (b"x" + document(b"x")[:40], "no part found with the declared boundary"),
        (b"preamble " * 2000 + b"\r\n" + document(b"x"), "no part found with the declared boundary"),
        (b"--bound--\r\n", "the message closes with its first boundary and has no part"),
        (ROOT, "the message ends within MIME part 1: the closing boundary is missing"),
        (ROOT + b"\r\n--boun", "the message ends within MIME part 1: the closing boundary is missing"),
        (document(b"x")[:-4], "the message ends within the headers of MIME part 3"),
        (document(b"x")[:-12], "the message ends within MIME part 2: the closing boundary is missing"),
        (ROOT + b"\r\n--bound\r\n", "the message ends within the headers of MIME part 2"),
        (ROOT + b"\r\n--bound\r\nContent-ID: <a>\r\n", "the message ends within the headers of MIME part 2"),
        (ROOT + b"\r\n--bound\r\n" + ROOT + CLOSING, "MIME part 2 has no headers"),
        (ROOT + b"\r\n" + ROOT + CLOSING, "MIME part 2 has the Content-ID of a part before it"),
        (
            ROOT.replace(b"<root@a>", b"<b@a>") + CLOSING,
            "no MIME part has the Content-ID that the start parameter names",
        ),
        (
            document(b"x").replace(b"Content-ID: <doc1@a>", b"Content-Location: x"),
            "MIME part 2 has no Content-ID, so nothing can refer to it",
        ),
        (document(b"x", b"no colon here\r\n"), "MIME part 2 has a header line without a colon"),
        (
            document(b"x", b"Content-Transfer-Encoding: quoted-printable\r\n"),
            "the Content-Transfer-Encoding of MIME part 2 must be binary, 8bit, 7bit or base64",
        ),
        (
            document(b"QUJ", b"Content-Transfer-Encoding: base64\r\n"),
            "MIME part 2 is not base64 as its header says",
        ),
    ],
)
def test_a_broken_message_is_refused_by_what_is_wrong_with_it(message, reason):
    """RFC 2046: 5.1; RFC 2387: 3."""
    assert fault(message).reason == reason


@pytest.mark.parametrize(
    ("header", "reason", "status"),
    [
        (
            "text/xml",
            "the Content-Type must be application/soap+xml or multipart/related; it is text/xml",
            415,
        ),
        (
            "multipart/related; boundary=b",
            "the type parameter of multipart/related must be application/xop+xml",
            400,
        ),
        (
            "multipart/related; boundary=b; type=text/xml",
            "the type parameter of multipart/related must be application/xop+xml",
            400,
        ),
        (
            "multipart/related; type=application/xop+xml",
            "the Content-Type multipart/related has no boundary parameter",
            400,
        ),
        (
            'multipart/related; type=application/xop+xml; boundary="b "',
            "the boundary parameter holds characters that a boundary cannot have",
            400,
        ),
        (
            "multipart/related; type=application/xop+xml; boundary=é",
            "the boundary parameter holds characters that a boundary cannot have",
            400,
        ),
        (
            "multipart/related; type=application/xop+xml; boundary=" + "b" * 201,
            "the boundary is over the limit of 200 characters",
            413,
        ),
    ],
)
def test_a_content_type_that_is_not_mtom_is_refused_before_the_first_chunk(header, reason, status):
    """RFC 2387: 3; ITI TF-2: V.3.6."""
    with pytest.raises(SoapFault) as caught:
        Decoder(read_content_type(header))
    assert (caught.value.reason, caught.value.http_status) == (reason, status)


MESSAGE = document(b"0123456789", b"X-One: 1\r\nX-Two: 2\r\n")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (MtomLimits(root_bytes=10), "the envelope is over the limit of 10 bytes"),
        (MtomLimits(part_bytes=9), "MIME part 2 is over the limit of 9 bytes"),
        (MtomLimits(message_bytes=99), "the message is over the limit of 99 bytes"),
        (MtomLimits(parts=1), "the message is over the limit of 1 MIME parts"),
        (MtomLimits(headers=2), "MIME part 2 is over the limit of 2 headers"),
        (MtomLimits(header_bytes=58), "the header block of MIME part 1 is over the limit of 58 bytes"),
    ],
)  # fmt: skip
def test_every_limit_is_told_as_too_large(limits, reason):
    """RFC 9110: 15.5.14."""
    refused = fault(MESSAGE, limits=limits)
    assert (refused.reason, refused.http_status) == (reason, 413)


def test_a_message_as_large_as_its_limits_is_taken():
    """Limits are inclusive."""
    limits = MtomLimits(
        root_bytes=11, part_bytes=10, message_bytes=len(MESSAGE), parts=2, headers=3, header_bytes=59
    )
    assert len(parts(MESSAGE, limits=limits)) == 2


def test_the_preamble_limit_is_the_same_for_any_chunks():
    """Named limit."""
    limits = MtomLimits(preamble_bytes=20)
    assert parts(b"x" * 18 + b"\r\n" + MESSAGE, limits=limits)
    for preamble in (b"x" * 19 + b"\r\n", b"x" * 30):
        assert fault(preamble + MESSAGE, limits=limits).reason == "no part found with the declared boundary"


def test_decoded_base64_is_what_counts_as_the_size_of_a_document():
    """Named limit."""
    message = document(b"QUJD\r\nREVG", b"Content-Transfer-Encoding: base64\r\n")
    assert parts(message, limits=MtomLimits(part_bytes=6))
    assert fault(message, limits=MtomLimits(part_bytes=5)).http_status == 413


def test_a_content_type_can_be_made_by_hand():
    """The client knows what it asked for."""
    content_type = ContentType("multipart/related", {"boundary": "b", "type": "Application/XOP+xml"})
    decoder = Decoder(content_type)
    decoder.receive_data(b"--b\r\nContent-ID: <a>\r\n\r\nx\r\n--b--")
    decoder.receive_end()
    assert [type(event) for event in decoder.events()] == [PartBegins, PartData, PartEnds, MessageEnds]
