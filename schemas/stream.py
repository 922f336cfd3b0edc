"""The same parser for a message that arrives in pieces, less the text of elements that may have any length.

What is read and what is refused is as in `parse`: the same options of libxml2, the same limits. Only the
text of the elements at one path is taken out of the tree as it grows, so that it never stands in memory.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lxml import etree

from schemas.character_set import HEAD_BYTES, Utf8Stream
from schemas.parser import MAX_PROLOG_BYTES, Marks, hardened, not_parsable, refuse_document_type

# What libxml2 is given at once, and so the most text that stands in the tree until it is taken.
PIECE_BYTES = 65_536
# Held back until there is as much: the encoding and the prolog are judged by it. UTF-16 takes twice as much.
FIRST_BYTES = 2 * MAX_PROLOG_BYTES + HEAD_BYTES


@dataclass(frozen=True, slots=True)
class TextTaken:
    """The next piece of text of an element; it stands nowhere else."""

    element: etree._Element
    text: str


@dataclass(frozen=True, slots=True)
class ElementEnds:
    """An element is complete, its children too, and no more of its text will come."""

    element: etree._Element


class StreamParser:
    """Reads one message; to be used by one thread that ends with it (see `schemas.names`)."""

    def __init__(self, charset: str | None, path: Sequence[str]) -> None:
        """`path` names, from the root, the elements whose text is taken out."""
        self._path = tuple(path)
        self._to_utf_8 = Utf8Stream(charset)
        self._first: bytearray | None = bytearray()
        self._marks = Marks()
        self._parser = etree.XMLPullParser(("start", "end"), tag=self._path[-1], **hardened(huge=True))
        self._events = self._parser.read_events()
        self._open: etree._Element | None = None
        self.kept_bytes = 0
        """What has been read, in UTF-8, less the text that was taken out."""

    def feed(self, data: bytes) -> Iterator[TextTaken | ElementEnds]:
        """Take the next bytes and yield what has become of the elements at the path; raises NotParsable."""
        if self._first is not None:
            self._first += data
            if len(self._first) < FIRST_BYTES:
                return
            data = self._begin(self._first, last=False)
        else:
            data = self._to_utf_8.read(data)
        yield from self._parse(data)

    def close(self) -> Iterator[TextTaken | ElementEnds]:
        """Take the end of the message, and yield what was held back; raises NotParsable."""
        first = self._first
        yield from self._parse(
            self._to_utf_8.read(b"", last=True) if first is None else self._begin(first, last=True)
        )
        try:
            self._root = self._parser.close()
        except etree.XMLSyntaxError as error:
            raise not_parsable(error) from None
        yield from self._happened()

    def root(self) -> etree._Element:
        """The message's tree after its end; raises NotParsable for its shape."""
        self._marks.refuse_shape(self._root, huge=True)
        return self._root

    def root_so_far(self) -> etree._Element | None:
        """The tree up to where an element at the path is open, of a message that is not read on."""
        if self._open is None:
            return None
        root = self._open.getroottree().getroot()
        # There is no end tag of anything that is open; what has been read stays, with the text held back.
        with suppress(etree.XMLSyntaxError):
            self._parser.close()
        self._open.text = None
        self._marks.refuse_shape(root, huge=True)
        return root

    def _begin(self, first: bytearray, *, last: bool) -> bytes:
        self._first = None
        text = self._to_utf_8.read(bytes(first), last=last)
        refuse_document_type(text)
        return text

    def _parse(self, text: bytes) -> Iterator[TextTaken | ElementEnds]:
        for start in range(0, len(text), PIECE_BYTES):
            piece = text[start : start + PIECE_BYTES]
            self._marks.count(piece)
            self.kept_bytes += len(piece)
            try:
                self._parser.feed(piece)
            except etree.XMLSyntaxError as error:
                raise not_parsable(error) from None
            yield from self._happened()

    def _happened(self) -> Iterator[TextTaken | ElementEnds]:
        for event, element in self._events:
            if event == "start" and _path(element) == self._path:
                self._open = element
            elif self._open is not None and element is self._open:
                yield from self._take_text(element)
                self._open = None
                yield ElementEnds(element)
        if self._open is not None:
            yield from self._take_text(self._open)

    def _take_text(self, element: etree._Element) -> Iterator[TextTaken]:
        """libxml2 begins a new text where the last one is gone; what follows a child element stays."""
        if text := element.text:
            element.text = None
            self.kept_bytes -= len(text.encode())
            yield TextTaken(element, text)


def _path(element: etree._Element) -> tuple[str, ...]:
    return (*[str(one.tag) for one in element.iterancestors()][::-1], str(element.tag))
