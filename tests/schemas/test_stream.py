"""The parser fed in pieces: it reads what the parser of whole messages reads, and keeps less of it."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import schemas
from schemas import parser, stream

PATH = ("{urn:e}envelope", "{urn:d}document")

# Small enough that a message of a few hundred bytes is fed in pieces.
FIRST_BYTES = 80

HEAD = '<?xml version="1.0"?><x:envelope xmlns:x="urn:e" xmlns="urn:d"><x:head a="b">text</x:head>'
TEXTS = st.text("ABCDefgh0123+/= \n\r\té€", max_size=30)
PIECES = st.one_of(
    TEXTS,
    TEXTS.map(lambda text: f"<![CDATA[{text}]]>"),
    TEXTS.map(lambda text: f"<!-- {text} -->"),
    TEXTS.map(lambda text: f"<?p {text}?>"),
    st.sampled_from(
        ["&#65;", "&#x0A;", "&#13;", "&amp;", "<y/>", "<document>in it</document>", "]]", "<![CDATA[]]>"]
    ),
)
CONTENTS = st.lists(st.lists(PIECES, max_size=6).map("".join), max_size=3)


def message_of(contents):
    documents = "".join(f'<document id="{n}">{content}</document>' for n, content in enumerate(contents))
    return f"{HEAD}{documents}<other><document>stays</document></other></x:envelope>"


def cut(message: bytes, sizes: list[int]):
    at = 0
    for size in sizes:
        yield message[at : at + size]
        at += size
    yield message[at:]


def read_in_pieces(pieces, charset=None):
    """What was taken out of each element, in order, and the rest of the tree."""
    reader = stream.StreamParser(charset, PATH)
    taken: dict[str, str] = {}
    ended = []

    def note(events):
        for event in events:
            number = event.element.get("id")
            if isinstance(event, schemas.TextTaken):
                taken[number] = taken.get(number, "") + event.text
            else:
                ended.append(number)

    for piece in pieces:
        note(reader.feed(piece))
    note(reader.close())
    return taken, ended, reader.root()


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(stream, "FIRST_BYTES", FIRST_BYTES)


@given(CONTENTS, st.lists(st.integers(1, 60), max_size=60), st.sampled_from(["utf-8", "utf-16", "utf-16-be"]))
def test_pieces_of_any_size_are_read_like_the_whole(contents, sizes, encoding):
    """XML 1.0: 2.7, 2.11, 4.1: CDATA, line ends, character references; a border may stand anywhere."""
    text = message_of(contents)
    message = text.encode(encoding)
    whole = schemas.parse(message, encoding)
    expected = {}
    for element in whole.findall("{urn:d}document"):
        if element.text:
            expected[element.get("id")] = element.text
            element.text = None
    taken, ended, root = read_in_pieces(cut(message, sizes), encoding)
    assert taken == expected
    assert ended == [str(number) for number in range(len(contents))]
    assert etree.tostring(root) == etree.tostring(whole)


@given(CONTENTS, st.lists(st.integers(1, 60), max_size=60), st.data())
def test_what_is_refused_as_a_whole_is_refused_in_pieces(contents, sizes, data):
    """XML 1.0: 2.1: a message with one octet lost or changed."""
    message = bytearray(message_of(contents).encode())
    at = data.draw(st.integers(0, len(message) - 1))
    message[at : at + 1] = data.draw(st.sampled_from([b"", b"<", b"&", b"\0", b"\xff", b"]]>", b">", b'"']))
    try:
        whole = schemas.parse(bytes(message))
    except schemas.NotParsable:
        with pytest.raises(schemas.NotParsable):
            read_in_pieces(cut(bytes(message), sizes))
        return
    expected = "".join(whole.itertext())
    taken, _, root = read_in_pieces(cut(bytes(message), sizes))
    assert len(expected) == len("".join(root.itertext())) + sum(map(len, taken.values()))


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_document_type_is_refused(mark, size):
    """SOAP 1.2 part 1: 5."""
    message = mark + b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY e "x">]>\n<a>&e;</a>' + b" " * 200
    with pytest.raises(schemas.NotParsable, match="a document type declaration is not accepted"):
        read_in_pieces([message[at : at + size] for at in range(0, len(message), size)])


def test_the_limits_hold_in_pieces(monkeypatch):
    """The same as for a whole message; each is met before it costs memory."""
    for name in ("MAX_ELEMENTS", "MAX_ATTRIBUTES"):
        monkeypatch.setattr(parser, name, 1000)
    for message, reason in (
        (b"<a>" + b"<b/>" * 1001 + b"</a>", "there are more than 1000 elements"),
        (b"<a>" + b"<b></b>" * 1001 + b"</a>", "there are more than 1000 elements"),
        (
            b"<a>" + b"<b c=''/>" * 900 + b"<b c='' d=''/>" * 99 + b"</a>",
            "there are more than 1000 attributes",
        ),
        (b"<a>" * 300 + b"</a>" * 300, "elements are nested more than 256 deep"),
    ):
        for size in (1, 10_000):
            with pytest.raises(schemas.NotParsable, match=reason):
                read_in_pieces([message[at : at + size] for at in range(0, len(message), size)])
    _, _, root = read_in_pieces([b"<a>" + b"<b></b>" * 999 + b"</a>"])
    assert len(root) == 999


def test_what_is_kept_is_counted_without_what_is_taken():
    """A limit on memory, not on documents; what libxml2 holds back of a CDATA section counts."""
    reader = stream.StreamParser(None, PATH)
    head = HEAD.encode() + b"<document>"
    list(reader.feed(head))
    for _ in range(50):
        assert list(reader.feed(b"QUJD" * 1000))
    assert reader.kept_bytes == len(head)
    list(reader.feed(b"<![CDATA["))
    for _ in range(50):
        list(reader.feed(b"QUJD" * 1000))
    assert reader.kept_bytes > 150_000


def test_the_tree_so_far_ends_where_an_element_is_open():
    """Its header and what stands before are whole; the rest need not be read to refuse a message."""
    reader = stream.StreamParser(None, PATH)
    assert reader.root_so_far() is None
    list(reader.feed(HEAD.encode() + b"<document id='1'>QUJD</document><document id='2'>QUJ"))
    root = reader.root_so_far()
    assert root is not None
    assert etree.tostring(root) == (
        b'<x:envelope xmlns:x="urn:e" xmlns="urn:d"><x:head a="b">text</x:head>'
        b'<document id="1"/><document id="2"/></x:envelope>'
    )
