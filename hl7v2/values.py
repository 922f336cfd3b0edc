"""Times, sizes, hashes and names of types (ITI TF-3: Table 4.2.3.1.7-2)."""

import re
from collections.abc import Iterator
from datetime import date, datetime

from hl7v2.er7 import shown

# ebRIM 3.0 LongName: a rim:Value holds no more.
URI_CHARACTERS = 256
# The registry compares and sums sizes as signed 64-bit integers.
LARGEST_SIZE = 2**63 - 1

_LOWEST = "00000101000000"


class DTM(str):
    """A time in UTC, YYYY[MM[DD[hh[mm[ss]]]]], as precise as its sender knew."""

    __slots__ = ()

    @property
    def at_least_seconds(self) -> bool:
        """Whether the sender gave all 14 digits (ITI TF-3: 4.2.3.4.6)."""
        return len(self) == 14

    @property
    def lower_bound(self) -> int:
        """The first second it can mean, as 14 digits: 2024 is 20240101000000 (ITI TF-2: 3.18.4.1.2.3.4)."""
        return int(self + _LOWEST[len(self) :])

    @property
    def start(self) -> datetime:
        """The first second it can mean, in UTC and without a zone."""
        text = self + _LOWEST[len(self) :]
        return datetime(
            int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]), int(text[10:12]), int(text[12:])
        )


class SHA1(str):
    """A SHA-1 in hexadecimal; upper and lower case mean the same."""

    __slots__ = ()

    @property
    def digest(self) -> bytes:
        """The 20 bytes, to compare by."""
        return bytes.fromhex(self)


class Size(str):
    """A number of bytes in decimal digits."""

    __slots__ = ()

    @property
    def size_bytes(self) -> int:
        """The number."""
        return int(self)


class MimeType(str):
    """A media type without parameters, type/subtype."""

    __slots__ = ()


class LanguageCode(str):
    """A language tag (RFC 5646)."""

    __slots__ = ()


class URI(str):
    """Where a document lies on a medium (ITI TF-3: 4.2.3.2.27)."""

    __slots__ = ()


def errors_in_dtm(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, DTM."""
    if not _VALID_DTM.fullmatch(text):
        yield f"{shown(text)} is not a time, expected YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only"
    elif text[6:8] > "28" and not _is_day(text):
        yield f"{shown(text)} is not a day of the calendar, expected a day that {text[:4]}-{text[4:6]} has"


def errors_in_sha1(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, SHA1."""
    if not _VALID_SHA1.fullmatch(text):
        yield f"{shown(text)} is not a SHA-1, expected 40 hexadecimal digits"


def errors_in_size(text: str) -> Iterator[str]:
    """ITI TF-3: Table 4.2.3.1.7-2, Integer."""
    if not _VALID_INTEGER.fullmatch(text):
        yield f"{shown(text)} is not a number, expected decimal digits only"
    elif int(text) > LARGEST_SIZE:
        yield f"{shown(text)} is too large, expected at most {LARGEST_SIZE}"


def errors_in_mime_type(text: str) -> Iterator[str]:
    """ITI TF-3: 4.2.3.2.15; RFC 6838: 4.2."""
    if not _VALID_MIME_TYPE.fullmatch(text):
        yield f"{shown(text)} is not a MIME type, expected type/subtype without parameters"


def errors_in_language_code(text: str) -> Iterator[str]:
    """ITI TF-3: 4.2.3.2.13; RFC 5646."""
    if not _VALID_LANGUAGE_CODE.fullmatch(text):
        expected = "expected letters and digits joined by hyphens, such as fr-LU"
        yield f"{shown(text)} is not a language tag, {expected}"


def errors_in_uri(text: str) -> Iterator[str]:
    """ITI TF-3: 4.2.3.2.27; RFC 2396."""
    if not _VALID_URI.fullmatch(text):
        yield f"{shown(text)} is not a URI, expected RFC 2396 characters without spaces"
    if len(text) > URI_CHARACTERS:
        yield f"{shown(text)} has {len(text)} characters, expected a URI of at most {URI_CHARACTERS}"


def _is_day(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return False
    return True


_VALID_DTM = re.compile(
    r"(?!0000)[0-9]{4}(?:(?:0[1-9]|1[0-2])(?:(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:[0-5][0-9])?)?)?)?)?"
)
_VALID_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
# The digits are bounded before they become a number: int() of a long text is slow and then refused.
_VALID_INTEGER = re.compile(r"0*[0-9]{1,30}")
_VALID_MIME_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")
_VALID_LANGUAGE_CODE = re.compile(r"[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*")
_VALID_URI = re.compile(r"(?:[A-Za-z0-9;/?:@&=+$,_.!~*'()#\[\]-]|%[0-9A-Fa-f]{2})+")
