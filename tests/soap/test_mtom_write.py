import pytest

from soap.mtom import Encoder, content_id_of_href, xop_include

ACTION = "urn:ihe:iti:2007:RetrieveDocumentSetResponse"


def test_a_message_is_laid_out_as_the_technical_framework_shows_it():
    """ITI TF-2: V.3.6; RFC 2387: 5."""
    encoder = Encoder("own-boundary-1", "root@own.example", ACTION)
    assert encoder.content_type == (
        'multipart/related; boundary="own-boundary-1"; type="application/xop+xml"; '
        'start="<root@own.example>"; start-info="application/soap+xml"; '
        'action="urn:ihe:iti:2007:RetrieveDocumentSetResponse"'
    )
    message = (
        encoder.root_head()
        + b"<envelope/>"
        + encoder.part_head("doc1@own.example", "text/xml; charset=utf-8")
        + b"<note>own test document</note>\n"
        + encoder.closing()
    )
    assert message == (
        b"--own-boundary-1\r\n"
        b'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
        b"Content-Transfer-Encoding: binary\r\n"
        b"Content-ID: <root@own.example>\r\n"
        b"\r\n"
        b"<envelope/>\r\n"
        b"--own-boundary-1\r\n"
        b"Content-Type: text/xml; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: binary\r\n"
        b"Content-ID: <doc1@own.example>\r\n"
        b"\r\n"
        b"<note>own test document</note>\n\r\n"
        b"--own-boundary-1--\r\n"
    )


@pytest.mark.parametrize(
    "mime_type", ["", " text/xml", "text/xml\r\nX-Own: header", "text/plain\x00", "téxt/xml"]
)
def test_a_mime_type_from_metadata_cannot_add_a_header(mime_type):
    """RFC 9112: 2.2; what cannot stand in a header is octets."""
    head = Encoder("b", "root@a", ACTION).part_head("doc@a", mime_type)
    assert b"\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding" in head


@pytest.mark.parametrize(
    ("content_id", "href"),
    [
        ("doc1@own.example", "cid:doc1@own.example"),
        ("a&'b/c+d@x", "cid:a%26%27b%2Fc%2Bd@x"),
    ],
)
def test_an_include_refers_to_its_part_by_an_escaped_url(content_id, href):
    """XOP 1.0: 2.1; RFC 2392: 2."""
    written = f'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="{href}"/>'
    assert xop_include(content_id) == written.encode()
    assert content_id_of_href(href) == content_id


@pytest.mark.parametrize("content_id", ["", "a b", "<a>", "a%40b", "a\r\nb", 'a"b', "é"])
def test_a_content_id_that_could_be_misread_is_not_written(content_id):
    """RFC 5322: 3.6.4; RFC 2392: 2."""
    encoder = Encoder("b", "root@a", ACTION)
    for write in (xop_include, lambda content_id: encoder.part_head(content_id, "a/b")):
        with pytest.raises(ValueError, match="Content-ID"):
            write(content_id)
    with pytest.raises(ValueError, match="Content-ID"):
        Encoder("b", content_id, ACTION)


@pytest.mark.parametrize("boundary", ["", "b ", 'b"', "b" * 71, "b\r\n"])
def test_a_boundary_is_one_in_the_sense_of_mime(boundary):
    """RFC 2046: 5.1.1."""
    with pytest.raises(ValueError, match="boundary"):
        Encoder(boundary, "root@a", ACTION)


@pytest.mark.parametrize("action", ["", 'urn:"x"', "urn:x\r\n", "urn:x y"])
def test_an_action_stays_within_its_quotation_marks(action):
    """RFC 2045: 5.1."""
    with pytest.raises(ValueError, match="action"):
        Encoder("b", "root@a", action)
