"""Bytes of an XML message to UTF-8 (XML 1.0 section 4.3.3, RFC 7303 section 3)."""

import codecs
import re
from collections.abc import Callable

from schemas.not_parsable import NotParsable

# A longer name is no character set, and must not travel back in a fault.
MAX_CHARACTER_SET_NAME = 40

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([^"'>]{1,100})["']""")


def utf_8(content: bytes, charset: str | None) -> bytes:
    """Return the message in UTF-8 without a byte order mark (RFC 7303 section 3)."""
    # The mark stands in the bytes themselves, so it is believed before the header (RFC 7303 section 3).
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _READERS[encoding](content[len(mark) :])
    if charset is not None:
        name = charset.strip().lower()
        if name == "utf-16":
            name = _utf_16_without_mark(content) or "utf-16-be"
    else:
        name = _utf_16_without_mark(content) or _declared(content)
    reader = _READERS.get(name)
    if reader is None:
        shown = name[:MAX_CHARACTER_SET_NAME]
        raise NotParsable(f"character set {shown!r} is not one of UTF-8, UTF-16, US-ASCII, ISO-8859-1", 1)
    return reader(content)


def _utf_16_without_mark(content: bytes) -> str | None:
    """Tell the byte order from the first character, which is always ASCII (XML 1.0 appendix F)."""
    if content[:1] != b"\0" and content[1:2] == b"\0":
        return "utf-16-le"
    if content[:1] == b"\0" and content[1:2] != b"\0":
        return "utf-16-be"
    return None


def _declared(content: bytes) -> str:
    declaration = _DECLARED.match(content)
    return declaration[1].decode("latin-1").lower() if declaration else "utf-8"


def _unchanged(content: bytes) -> bytes:
    return content


def _from(encoding: str) -> Callable[[bytes], bytes]:
    def read(content: bytes) -> bytes:
        try:
            return content.decode(encoding).encode()
        except UnicodeError:
            raise NotParsable(f"bytes are not {encoding.upper()}", 1) from None

    return read


# UTF-8 is left as it is: libxml2 refuses ill-formed sequences itself.
_READERS = {
    "utf-8": _unchanged,
    "utf8": _unchanged,
    "us-ascii": _from("us-ascii"),
    "iso-8859-1": _from("iso-8859-1"),
    "utf-16-le": _from("utf-16-le"),
    "utf-16-be": _from("utf-16-be"),
    "utf-16le": _from("utf-16-le"),
    "utf-16be": _from("utf-16-be"),
}
