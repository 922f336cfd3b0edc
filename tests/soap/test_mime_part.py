import pytest

from soap.fault import SoapFault
from soap.mime_part import content_id_of_href, read_content_id, read_part_headers


@pytest.mark.parametrize(
    ("href", "content_id"),
    [
        ("cid:doc1@own.example", "doc1@own.example"),
        ("cid:doc1%40own.example", "doc1@own.example"),
        ("CID:doc1%40own.example", "doc1@own.example"),
        ("cid:a%2Bb%2Fc@x", "a+b/c@x"),
        ("cid:1@http%3A%2F%2Fcxf.apache.org%2F", "1@http://cxf.apache.org/"),
        (" cid:doc1@x\n", "doc1@x"),
    ],
)
def test_an_href_names_its_part_without_percent_encoding(href, content_id):
    """RFC 2392: 2; XOP 1.0: 3.2."""
    assert content_id_of_href(href) == content_id


@pytest.mark.parametrize(
    "text", ["<1@http%3A%2F%2Fcxf.apache.org%2F>", "1@http://cxf.apache.org/", " <1@http://cxf.apache.org/> "]
)
def test_a_content_id_compares_in_one_form(text):
    """RFC 2392: 2; what CXF sends."""
    assert read_content_id(text, "here") == content_id_of_href("cid:1@http%3A%2F%2Fcxf.apache.org%2F")


@pytest.mark.parametrize(
    "href", ["", "cid:", "doc1@own.example", "http://own.example/doc1", "file:///etc/passwd"]
)
def test_an_include_refers_to_nothing_outside_its_message(href):
    """XOP 1.0: 3.2."""
    with pytest.raises(SoapFault, match="must be a cid: URL"):
        content_id_of_href(href)


@pytest.mark.parametrize("text", ["a b", "a%20b", "a%0D%0Ab", "\x7f"])
def test_a_content_id_holds_no_white_space_and_no_control_characters(text):
    """RFC 5322: 3.6.4."""
    with pytest.raises(SoapFault, match="white space or control"):
        read_content_id(text, "here")


def test_a_content_id_has_a_largest_length():
    """Named limit."""
    with pytest.raises(SoapFault, match="the Content-ID of here is over the limit of 998 characters"):
        read_content_id("a" * 999, "here")


def test_part_headers_are_read_folded_in_any_case_and_order():
    """RFC 2045: 3."""
    lines = [
        b"X-Other: ignored",
        b"content-ID:",
        b"\t<doc1@own.example>",
        b"CONTENT-TYPE : text/xml;",
        b"  charset=utf-8",
        b"x-other: again",
        b"Content-Transfer-Encoding: BASE64",
    ]
    headers = read_part_headers(lines, 2)
    assert headers.content_id == "doc1@own.example"
    assert headers.content_type == "text/xml; charset=utf-8"
    assert headers.transfer_encoding == "base64"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([b"Content-ID <a>"], "MIME part 3 has a header line without a colon"),
        ([b" folded onto nothing"], "MIME part 3 has a header line without a colon"),
        ([b"<soap:Envelope>"], "MIME part 3 has a line among its headers that is none"),
        ([b": no name"], "MIME part 3 has a line among its headers that is none"),
        ([b"Content-ID: <a>", b"content-id: <b>"], "MIME part 3 has two Content-ID headers"),
        ([b"Content-Type: a/b", b"Content-Type: a/b"], "MIME part 3 has two Content-Type headers"),
        (
            [b"Content-Transfer-Encoding: quoted-printable"],
            "the Content-Transfer-Encoding of MIME part 3 must be binary, 8bit, 7bit or base64",
        ),
    ],
)
def test_a_bad_header_line_is_named_with_its_part(lines, reason):
    """RFC 2045: 3, 6.1."""
    with pytest.raises(SoapFault) as caught:
        read_part_headers(lines, 3)
    assert caught.value.reason == reason
