"""Bytes of an XML message to UTF-8 (XML 1.0 section 4.3.3, RFC 7303 section 3)."""

import codecs
import re

from schemas.not_parsable import NotParsable

# A longer name is no character set, and must not travel back in a fault.
MAX_CHARACTER_SET_NAME = 40

# A declaration has at most 332 characters here; what comes after it says nothing of the encoding.
HEAD_BYTES = 1024

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([^"'>]{1,100})["']""")


class Utf8Stream:
    """Turns a message into UTF-8 without a byte order mark, piece by piece (RFC 7303 section 3).

    The first piece must be `HEAD_BYTES` long, or the whole message: it says what the character set is.
    """

    def __init__(self, charset: str | None) -> None:
        self._charset = charset
        self._encoding = ""
        self._decoder: codecs.IncrementalDecoder | None = None

    def read(self, content: bytes, *, last: bool = False) -> bytes:
        """The next piece in UTF-8, but for a character that is not whole yet."""
        if not self._encoding:
            self._encoding, mark_bytes = _encoding_of(content, self._charset)
            content = content[mark_bytes:]
            # UTF-8 is left as it is: libxml2 refuses ill-formed sequences itself.
            if self._encoding != "utf-8":
                self._decoder = codecs.getincrementaldecoder(self._encoding)()
        if self._decoder is None:
            return content
        try:
            return self._decoder.decode(content, last).encode()
        except UnicodeError:
            raise NotParsable(f"bytes are not {self._encoding.upper()}", 1) from None


def utf_8(content: bytes, charset: str | None) -> bytes:
    """Return the message in UTF-8 without a byte order mark (RFC 7303 section 3)."""
    return Utf8Stream(charset).read(content, last=True)


def _encoding_of(content: bytes, charset: str | None) -> tuple[str, int]:
    """The encoding of a message that begins so, and how long its byte order mark is."""
    # The mark stands in the bytes themselves, so it is believed before the header (RFC 7303 section 3).
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding, len(mark)
    if charset is not None:
        name = charset.strip().lower()
        if name == "utf-16":
            name = _utf_16_without_mark(content) or "utf-16-be"
    else:
        name = _utf_16_without_mark(content) or _declared(content)
    encoding = _ENCODINGS.get(name, "")
    if not encoding:
        shown = name[:MAX_CHARACTER_SET_NAME]
        raise NotParsable(f"character set {shown!r} is not one of UTF-8, UTF-16, US-ASCII, ISO-8859-1", 1)
    return encoding, 0


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


_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "us-ascii",
    "iso-8859-1": "iso-8859-1",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
