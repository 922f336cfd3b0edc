"""The hardened parser, bytes in, elements or NotParsable out."""

import codecs
import time

import pytest
from lxml import etree

import schemas
from schemas import parser


def refused(content: bytes, **options) -> schemas.NotParsable:
    with pytest.raises(schemas.NotParsable) as caught:
        schemas.parse(content, **options)
    return caught.value


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (b"<a>\xc3\xa9</a>", None),
        (b"<a>\xc3\xa9</a>", "UTF-8"),
        (b"<a>\xc3\xa9</a>", " utf8 "),
        (codecs.BOM_UTF8 + b"<a>\xc3\xa9</a>", None),
        (codecs.BOM_UTF8 + b'<?xml version="1.0" encoding="UTF-8"?><a>\xc3\xa9</a>', "utf-8"),
        (codecs.BOM_UTF16_LE + "<a>é</a>".encode("utf-16-le"), None),
        (codecs.BOM_UTF16_BE + "<a>é</a>".encode("utf-16-be"), "UTF-16"),
        ('<?xml version="1.0" encoding="UTF-16"?><a>é</a>'.encode("utf-16"), None),
        ("<a>é</a>".encode("utf-16-le"), "utf-16"),
        ("<a>é</a>".encode("utf-16-be"), "utf-16be"),
        ("<a>é</a>".encode("utf-16-le"), None),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', None),
        (b"<?xml version='1.0' encoding = 'iso-8859-1' standalone='yes'?><a>\xe9</a>", None),
        (b"<a>\xe9</a>", "iso-8859-1"),
        (b"<a>&#233;</a>", "us-ascii"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xc3\xa9</a>', "utf-8"),
        (b"\n <!-- before --><?an instruction?>\n<a>\xc3\xa9</a>", None),
    ],
)
def test_every_encoding_of_soap_is_read(content, charset):
    """RFC 7303 section 3: a byte order mark, then the charset parameter, then the declaration."""
    assert schemas.parse(content, charset).text == "é"


@pytest.mark.parametrize(
    ("content", "charset", "reason"),
    [
        (
            b"<a/>",
            "windows-1252",
            "character set 'windows-1252' is not one of UTF-8, UTF-16, US-ASCII, ISO-8859-1",
        ),
        (b"<a/>", "x" * 500, f"character set '{'x' * 40}' is not one of UTF-8, UTF-16, US-ASCII, ISO-8859-1"),
        (
            b'<?xml version="1.0" encoding="UTF-7"?><a/>',
            None,
            "character set 'utf-7' is not one of UTF-8, UTF-16, US-ASCII, ISO-8859-1",
        ),
        (b'<?xml version="1.0" encoding="UTF-32"?><a/>', "utf-32", "character set 'utf-32' is not one of"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', None, "character set 'utf-16' is not one of"),
        (b"<a>\xe9</a>", "us-ascii", "bytes are not US-ASCII"),
        (codecs.BOM_UTF16_LE + b"<\0a\0/\0>", None, "bytes are not UTF-16-LE"),
        (b"<a>\xe9</a>", None, "bytes are not UTF-8"),
        (b"<a>\xc0\xaf</a>", None, "bytes are not UTF-8"),
        (b"<a>\xed\xa0\x80</a>", "utf-8", "bytes are not UTF-8"),
    ],
)
def test_any_other_encoding_is_refused(content, charset, reason):
    """SOAP 1.2 part 2: 7.1.4; ITI TF-2: Appendix V asks for UTF-8."""
    assert refused(content, charset=charset).reason.startswith(reason)


DOCTYPE = '<?xml version="1.0"?>\n<!-- c -->\n<!DOCTYPE a [<!ENTITY e "x">]>\n<a>&e;</a>'


@pytest.mark.parametrize(
    "content",
    [
        DOCTYPE.encode(),
        codecs.BOM_UTF8 + DOCTYPE.encode(),
        DOCTYPE.encode("utf-16"),
        DOCTYPE.encode("utf-16-le"),
        DOCTYPE.encode("utf-16-be"),
        DOCTYPE.replace("&e;", "").encode(),
    ],
)
def test_a_document_type_is_refused_in_any_encoding(content):
    """SOAP 1.2 part 1: 5 forbids a document type declaration."""
    error = refused(content)
    assert (error.reason, error.line) == ("a document type declaration is not accepted", 3)


def test_a_document_type_behind_a_long_prolog_is_refused():
    assert (
        refused(b" " * 70_000 + b"<!DOCTYPE a><a/>").reason == "a document type declaration is not accepted"
    )
    assert refused(b"<?p?>" * 20_000 + b"<!DOCTYPE a><a/>").reason == (
        "the root element does not begin within 65536 bytes"
    )
    assert (
        refused(b"<!-- <!DOCTYPE a>").reason == "a comment or instruction before the root element has no end"
    )


def test_the_words_of_a_document_type_may_stand_inside_a_message():
    element = schemas.parse(b"<!-- <!DOCTYPE a> --><a><![CDATA[<!DOCTYPE html>]]></a>")
    assert element.text == "<!DOCTYPE html>"


def test_a_billion_laughs_are_refused_at_once():
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (n + 1, b"&l%d;" % n * 10) for n in range(9))
    began = time.perf_counter()
    refused(b'<!DOCTYPE l [<!ENTITY l0 "lol">' + laughs + b"]><l>&l9;</l>")
    assert time.perf_counter() - began < 0.1


def test_an_external_entity_is_never_fetched(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    refused(f'<!DOCTYPE a [<!ENTITY e SYSTEM "{secret.as_uri()}">]><a>&e;</a>'.encode())


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (b"", "there is no XML element here", 1),
        (b" \n ", "there is no XML element here", 2),
        (b"GET / HTTP/1.1", "there is no XML element here", 1),
        (b"<a>\n<b>", "the message ends before its root element does", 2),
        (b"<a>\n</b>", "a start tag and its end tag differ", 2),
        (b"<a/>\n<b/>", "there is more after the end of the root element", 2),
        (b"<a>\0</a>", "there is a character that XML does not allow", 1),
        (b"<a>&#0;</a>", "there is a character that XML does not allow", 1),
        (b"<a>&copy;</a>", "an entity is not declared", 1),
        (b"<x:a/>", "a namespace prefix is not declared", 1),
        (b"<a b='1' b='2'/>", "Attribute b redefined", 1),
    ],
)
def test_what_is_not_well_formed_is_told_in_words(content, reason, line):
    """XML 1.0, and Namespaces in XML 1.0."""
    error = refused(content)
    assert (error.reason, error.line) == (reason, line)


def test_a_reason_is_short():
    assert len(refused(b"<a " + b"b" * 10_000 + b"='1' " + b"b" * 10_000 + b"='2'/>").reason) == 200


def test_a_message_cut_anywhere_is_refused():
    whole = b'<a xmlns:x="urn:x"><x:b c="1">text</x:b></a>'
    for length in range(len(whole)):
        refused(whole[:length])


def test_comments_and_instructions_are_dropped_and_do_not_split_a_text():
    element = schemas.parse(b"<a>one<!-- c -->two<?p i?>three<![CDATA[&four]]></a>")
    assert etree.tostring(element) == b"<a>onetwothree&amp;four</a>"


def test_depth_is_limited_in_small_and_in_large_messages():
    filler = b"<f>" + b"x" * parser.MAX_SMALL_XML_BYTES + b"</f>"
    for more in (b"", filler):
        deepest = b"<a>" * 255 + more + b"<a/>" + b"</a>" * 255
        assert schemas.parse(deepest).tag == "a"
        error = refused(b"<a>" + deepest + b"</a>")
        assert error.reason == "elements are nested more than 256 deep"


def test_a_million_nested_elements_cost_no_time():
    began = time.perf_counter()
    assert refused(b"<a>" * 1_000_000).reason == "there are more than 500000 elements"
    assert refused(b"<a>" * 500_000).reason == "elements are nested more than 256 deep"
    assert refused(b"<f>" + b"x" * parser.MAX_SMALL_XML_BYTES + b"</f>" + b"<a>" * 400_000).line == 1
    assert time.perf_counter() - began < 1


def test_bytes_are_counted_before_anything_is_read():
    assert refused(b"<a/>", limit_bytes=3).reason == "the message is larger than 3 bytes"
    assert schemas.parse(b"<a/>", limit_bytes=4).tag == "a"
    assert refused(b" " * (32 * 1024 * 1024 + 1)).reason == "the message is larger than 33554432 bytes"


def test_elements_and_attributes_are_counted():
    assert refused(b"<a>" + b"<b/>" * 500_000 + b"</a>").reason == "there are more than 500000 elements"
    assert refused(b"<a>" + b"<b c='' d='' e=''/>" * 400_000 + b"</a>").reason == (
        "there are more than 1000000 attributes"
    )
    wide = b"".join(b" a%d=''" % n for n in range(1_000))
    assert len(schemas.parse(b"<a" + wide + b"/>").attrib) == 1_000
    assert refused(b"<x><a" + wide + b" b=''/></x>").reason == "an element has more than 1000 attributes"


def test_a_document_of_many_megabytes_may_stand_inline():
    """ITI TF-2: 3.41.4.1.2 leaves base64 inside the message to the sender."""
    document = b"QUFB" * 4_000_000
    element = schemas.parse(b"<a><b/><d>" + document + b"</d></a>")
    assert element[1].text == document.decode()


def test_no_attribute_appears_that_was_not_sent():
    """ITI TF-3: 4.2.3.2.18: the schema's default for mimeType is not a mimeType."""
    element = schemas.parse(
        b'<r:ExtrinsicObject xmlns:r="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0" id="a"/>'
    )
    schemas.errors_in(element)
    assert dict(element.attrib) == {"id": "a"}
