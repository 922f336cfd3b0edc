"""What a stranger answers is taken apart without trusting it."""

import pytest

from conformance.answer import NotAnAnswer, read_answer

ENVELOPE = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><x:RetrieveDocumentSetResponse '
    b'xmlns:x="urn:ihe:iti:xds-b:2007"><x:DocumentResponse><x:DocumentUniqueId>1.2</x:DocumentUniqueId>'
    b"<x:mimeType>text/plain</x:mimeType><x:Document>%s</x:Document></x:DocumentResponse>"
    b"</x:RetrieveDocumentSetResponse></s:Body></s:Envelope>"
)
INCLUDE = b'<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:a%40b"/>'
RELATED = 'multipart/related; boundary="B"; type="application/xop+xml"; start="<r>"'


def part(id: bytes, content: bytes) -> bytes:
    return (
        b"--B\r\nContent-Type: application/xop+xml\r\nContent-ID: <" + id + b">\r\n\r\n" + content + b"\r\n"
    )


def test_a_document_stands_inline_or_in_a_part():
    """ITI TF-2: V.3.6; the name of a part is escaped in its reference (RFC 2392)."""
    inline = read_answer(200, {"content-type": "application/soap+xml"}, ENVELOPE % b"aGVsbG8=")
    parts = part(b"a@b", b"hel\r\n--Blo") + part(b"r", ENVELOPE % INCLUDE) + b"--B--\r\n"
    attached = read_answer(200, {"content-type": RELATED}, parts)
    assert inline.documents == {"1.2": ("text/plain", b"hello")}
    assert attached.documents == {"1.2": ("text/plain", b"hel\r\n--Blo")}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"<html></p>"),
        ("application/soap+xml", b""),
        ("application/soap+xml", b"<a/>"),
        ("multipart/related", part(b"r", ENVELOPE % b"") + b"--B--"),
        (RELATED, part(b"r", ENVELOPE % b"")),
        (RELATED, part(b"other", ENVELOPE % b"") + b"--B--\r\n"),
        (RELATED, b"--B\r\nno end of headers\r\n--B--\r\n"),
        (RELATED.replace("B", "C"), part(b"r", ENVELOPE % b"") + b"--B--\r\n"),
    ],
)
def test_what_is_no_answer_is_said_to_be_none(content_type, body):
    with pytest.raises(NotAnAnswer):
        read_answer(200, {"content-type": content_type}, body)
