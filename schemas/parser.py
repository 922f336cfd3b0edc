"""The one XML parser of the house: no document type, no entities, no network, and a limit on everything."""

import re
from typing import Any

from lxml import etree

from schemas.character_set import utf_8
from schemas.names import run_where_names_may_stay
from schemas.not_parsable import NotParsable

# Documents travel as attachments; a submission of 4,000 entries, or 24 MB of inline base64, fits.
MAX_XML_BYTES = 32 * 1024 * 1024
# What libxml2 holds to by itself while it builds the tree. The deepest message we know needs 30.
MAX_DEPTH = 256
# An element costs 120 bytes in memory, in the message as few as 4. Ordinary metadata of 32 MiB has 460,000.
MAX_ELEMENTS = 500_000
# An attribute costs 220 bytes; ordinary metadata has two per element. Counted are the equals signs.
MAX_ATTRIBUTES = 1_000_000
# Each attribute too many is one error of the schema: what one start tag can cause must stay small.
MAX_ATTRIBUTES_OF_ELEMENT = 1_000
# Comments and processing instructions before the root; looked through only when a DOCTYPE is about.
MAX_PROLOG_BYTES = 65_536
# libxml2 cuts a text off at this length unless told to allow any, which also lifts its limit of depth.
MAX_SMALL_XML_BYTES = 10_000_000

_SPACE = re.compile(rb"[ \t\r\n]*")

_TOO_DEEP_REASON = f"elements are nested more than {MAX_DEPTH} deep"
# libxml2's words for the commonest faults name its own parts; these say it shorter.
_REASONS: dict[int, str] = {
    etree.ErrorTypes.ERR_DOCUMENT_EMPTY: "there is no XML element here",
    etree.ErrorTypes.ERR_DOCUMENT_END: "there is more after the end of the root element",
    etree.ErrorTypes.ERR_INVALID_CHAR: "there is a character that XML does not allow",
    etree.ErrorTypes.ERR_INVALID_ENCODING: "bytes are not UTF-8",
    etree.ErrorTypes.ERR_RESOURCE_LIMIT: _TOO_DEEP_REASON,
    etree.ErrorTypes.ERR_TAG_NAME_MISMATCH: "a start tag and its end tag differ",
    etree.ErrorTypes.ERR_TAG_NOT_FINISHED: "the message ends before its root element does",
    etree.ErrorTypes.ERR_UNDECLARED_ENTITY: "an entity is not declared",
    etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE: "a namespace prefix is not declared",
}
# A reason goes back in a fault; libxml2 quotes names of any length.
MAX_REASON_CHARACTERS = 200
_POSITION = re.compile(r",? line \d+, column \d+$")


_TOO_DEEP = "boolean(" + "/*" * (MAX_DEPTH + 1) + ")"
_TOO_WIDE = f"boolean(descendant-or-self::*[@*[{MAX_ATTRIBUTES_OF_ELEMENT + 1}]])"


def parse(content: bytes, charset: str | None = None, limit_bytes: int = MAX_XML_BYTES) -> etree._Element:
    """Parse a message that nobody vouches for, comments and instructions left out (XML 1.0)."""
    if len(content) > limit_bytes:
        raise NotParsable(f"the message is larger than {limit_bytes} bytes", 0)
    text = utf_8(content, charset)
    if b"<!DOCTYPE" in text:
        refuse_document_type(text)
    marks = Marks()
    marks.count(text)
    huge = len(text) > MAX_SMALL_XML_BYTES
    root = run_where_names_may_stay(len(text), lambda: _tree(text, huge))
    marks.refuse_shape(root, huge)
    return root


class Marks:
    """Counts what makes elements and attributes, in pieces of any size, before it costs memory."""

    def __init__(self) -> None:
        self._elements = 0
        self._attributes = 0
        self._ends_in_bracket = False

    def count(self, text: bytes) -> None:
        """Take the next piece; NotParsable where there are too many."""
        self._elements += text.count(b"<") - text.count(b"</")
        # An end tag may be cut between its two characters.
        self._elements -= self._ends_in_bracket and text.startswith(b"/")
        self._ends_in_bracket = text.endswith(b"<") if text else self._ends_in_bracket
        self._attributes += text.count(b"=")
        if self._elements > MAX_ELEMENTS:
            raise NotParsable(f"there are more than {MAX_ELEMENTS} elements", 0)
        if self._attributes > MAX_ATTRIBUTES:
            raise NotParsable(f"there are more than {MAX_ATTRIBUTES} attributes", 0)

    def refuse_shape(self, root: etree._Element, huge: bool) -> None:
        """NotParsable for a tree that is too deep, or has an element with too many attributes."""
        if huge and etree.XPath(_TOO_DEEP)(root):
            raise NotParsable(_TOO_DEEP_REASON, 0)
        if self._attributes > MAX_ATTRIBUTES_OF_ELEMENT and etree.XPath(_TOO_WIDE)(root):
            raise NotParsable(f"an element has more than {MAX_ATTRIBUTES_OF_ELEMENT} attributes", 0)


def refuse_document_type(text: bytes) -> None:
    """Look for a DOCTYPE where alone it can stand, before the root element (XML 1.0 production 22)."""
    at = 0
    while at <= MAX_PROLOG_BYTES:
        at = _after_space(text, at)
        if text.startswith(b"<?", at):
            end = text.find(b"?>", at + 2)
            length = 2
        elif text.startswith(b"<!--", at):
            end = text.find(b"-->", at + 4)
            length = 3
        elif text.startswith(b"<!", at):
            raise NotParsable("a document type declaration is not accepted", _line(text, at))
        else:
            return
        if end < 0:
            raise NotParsable("a comment or instruction before the root element has no end", _line(text, at))
        at = end + length
    raise NotParsable(f"the root element does not begin within {MAX_PROLOG_BYTES} bytes", 0)


def _after_space(text: bytes, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _line(text: bytes, at: int) -> int:
    return text.count(b"\n", 0, at) + 1


def _tree(text: bytes, huge: bool) -> etree._Element:
    try:
        root: etree._Element = etree.fromstring(text, etree.XMLParser(**hardened(huge)))
    except etree.XMLSyntaxError as error:
        raise not_parsable(error) from None
    return root


def hardened(huge: bool) -> dict[str, Any]:
    """How libxml2 is told to read, whole messages and pieces alike; `huge` lifts its own limits."""
    return {
        # The text is UTF-8 by now, whatever its declaration says.
        "encoding": "utf-8",
        "resolve_entities": False,
        "load_dtd": False,
        "dtd_validation": False,
        "attribute_defaults": False,
        "no_network": True,
        "remove_comments": True,
        "remove_pis": True,
        "huge_tree": huge,
    }


def not_parsable(error: etree.XMLSyntaxError) -> NotParsable:
    """What libxml2 found, in our words."""
    reason = _REASONS.get(error.code or 0) or _POSITION.sub("", str(error.msg))
    return NotParsable(reason[:MAX_REASON_CHARACTERS], error.lineno or 0)
