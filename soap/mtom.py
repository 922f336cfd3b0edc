"""MTOM messages read as they arrive, in chunks of any size (ITI TF-2: V.3.6; XOP 1.0: 4; RFC 2046: 5.1)."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from soap.base64_stream import Base64Stream, NotBase64
from soap.content_type import ContentType
from soap.fault import SoapFault
from soap.mime_part import content_id_of_href, read_content_id, read_part_headers
from soap.mtom_write import Encoder, xop_include

__all__ = [
    "Decoder",
    "Encoder",
    "Event",
    "MessageEnds",
    "MessageTooLarge",
    "MtomLimits",
    "PartBegins",
    "PartData",
    "PartEnds",
    "content_id_of_href",
    "xop_include",
]

XOP_MEDIA_TYPE = "application/xop+xml"


@dataclass(frozen=True, slots=True)
class MtomLimits:
    """What one message may weigh, each with its reason."""

    root_bytes: int = 32 * 1024**2
    """The envelope: it is read whole, so it costs memory."""

    part_bytes: int = 4 * 1024**3
    """One document, decoded: it streams, so this guards whoever keeps it."""

    message_bytes: int = 16 * 1024**3
    """Everything on the wire, preamble and epilogue too."""

    parts: int = 1001
    """The root and a thousand documents: each Content-ID is remembered."""

    headers: int = 32
    """Header lines of one part: MTOM has three, mail gateways add a few."""

    header_bytes: int = 16 * 1024
    """All header lines of one part; they are held in memory."""

    preamble_bytes: int = 8 * 1024
    """Text before the first boundary; it is held until the boundary is found."""

    boundary_characters: int = 200
    """RFC 2046: 5.1.1 allows 70; a little more is harmless."""


@dataclass(frozen=True, slots=True)
class PartBegins:
    """The headers of a part are read; `content_id` has no brackets and no percent-encoding."""

    content_id: str
    content_type: str
    is_root: bool


@dataclass(frozen=True, slots=True)
class PartData:
    """Some octets of the part, in order, exactly as the sender had them."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnds:
    """The part is complete."""


@dataclass(frozen=True, slots=True)
class MessageEnds:
    """The message is complete: closed by its boundary, and its root part was there."""


Event = PartBegins | PartData | PartEnds | MessageEnds


class MessageTooLarge(SoapFault):
    """There is more than the message may have, of octets or of parts; what has been read of it is good."""


class Decoder:
    """Takes a multipart/related body in chunks and gives its parts as events; raises SoapFault.

    Delimiters begin with CRLF or with a bare LF, whichever ended the first boundary line: a sender that
    began with CRLF may have LF and something like a boundary inside a document, and of one that began
    with LF a CR before the delimiter is the document's own last octet (RFC 2046: 5.1.1 knows CRLF alone).
    """

    def __init__(self, content_type: ContentType, limits: MtomLimits | None = None) -> None:
        self._limits = limits or MtomLimits()
        self._start = _read_start(content_type)
        self._dash_boundary = b"--" + _read_boundary(content_type, self._limits.boundary_characters)
        self._delimiter = b"\r\n" + self._dash_boundary
        self._events: deque[Event] = deque()
        self._held = b""
        self._at = 0
        self._step: Callable[[], bool] = self._in_preamble
        self._message_bytes = 0
        self._part_number = 0
        self._root_seen = False
        self._content_ids: set[str] = set()
        self._header_lines: list[bytes] = []
        self._header_bytes = 0
        self._content_limit = 0
        self._content_bytes = 0
        self._content_name = ""
        self._base64: Base64Stream | None = None

    def receive_data(self, data: bytes) -> None:
        """Take the next chunk of the body."""
        self._message_bytes += len(data)
        if self._message_bytes > self._limits.message_bytes:
            raise MessageTooLarge.too_large("the message", self._limits.message_bytes)
        self._advance(data)

    def receive_end(self) -> None:
        """The body is over: say so, or why it cannot be."""
        if self._step != self._in_headers:
            # A closing boundary needs no line break behind it; with this one it is recognised as such.
            self._advance(b"\n")
        if self._step == self._in_epilogue:
            self._events.append(MessageEnds())
        elif self._step == self._in_preamble:
            raise _no_part_found()
        elif self._step == self._in_headers:
            raise SoapFault.sender(f"the message ends within the headers of MIME part {self._part_number}")
        else:
            raise SoapFault.sender(
                f"the message ends within MIME part {self._part_number}: the closing boundary is missing"
            )

    def events(self) -> Iterator[Event]:
        """What has become known since the last call."""
        while self._events:
            yield self._events.popleft()

    def _advance(self, data: bytes) -> None:
        """Step through what was held back and the new chunk until a step says that it needs more."""
        self._held = self._held + data if self._held else data
        self._at = 0
        while self._step():
            pass
        self._held = self._held[self._at :]

    def _in_preamble(self) -> bool:
        """Look for the first boundary at the begin of a line; nothing before it counts (RFC 2046: 5.1.1)."""
        found = self._held.find(self._dash_boundary)
        while 0 <= found <= self._limits.preamble_bytes:
            line, end = _Line.NONE, 0
            if found == 0 or self._held[found - 1] == _LINE_FEED:
                line, end = _boundary_line(self._held, found + len(self._dash_boundary))
            if line is _Line.UNDECIDED:
                return False
            if line is _Line.CLOSES:
                raise SoapFault.sender("the message closes with its first boundary and has no part")
            if line is _Line.NEXT_PART:
                if not self._held.endswith(b"\r\n", 0, end):
                    self._delimiter = b"\n" + self._dash_boundary
                self._begin_headers(end)
                return True
            found = self._held.find(self._dash_boundary, found + 1)
        if found > 0 or len(self._held) - len(self._dash_boundary) >= self._limits.preamble_bytes:
            raise _no_part_found()
        return False

    def _in_headers(self) -> bool:
        """Take one header line; the empty one ends them."""
        end = self._held.find(b"\n", self._at)
        length = (end + 1 if end >= 0 else len(self._held)) - self._at
        if self._header_bytes + length > self._limits.header_bytes:
            what = f"the header block of MIME part {self._part_number}"
            raise SoapFault.too_large(what, self._limits.header_bytes)
        if end < 0:
            return False
        line = self._held[self._at : end].removesuffix(b"\r")
        self._header_bytes += length
        self._at = end + 1
        if line.startswith(self._dash_boundary):
            raise SoapFault.sender(f"MIME part {self._part_number} has no headers")
        if line.strip() or (line and self._header_lines):
            self._header_lines.append(line)
            if len(self._header_lines) > self._limits.headers:
                raise SoapFault.too_large(f"MIME part {self._part_number}", self._limits.headers, "headers")
        elif self._header_lines:
            self._begin_content()
        return True

    def _at_content_begin(self) -> bool:
        """An empty document may leave its delimiter no line break but that of the empty line."""
        boundary = self._dash_boundary
        line, end = _Line.NONE, 0
        if boundary.startswith(seen := self._held[self._at : self._at + len(boundary)]):
            if len(seen) < len(boundary):
                return False
            line, end = _boundary_line(self._held, self._at + len(boundary))
        if line is _Line.UNDECIDED:
            return False
        if line is _Line.NONE:
            self._step = self._in_content
        else:
            self._end_part(line, end)
        return True

    def _in_content(self) -> bool:
        """Pass octets on up to the next delimiter, whole chunks at a time."""
        held, delimiter = self._held, self._delimiter
        found = held.find(delimiter, self._at)
        while found >= 0:
            line, end = _boundary_line(held, found + len(delimiter))
            if line is _Line.NONE:
                found = held.find(delimiter, found + len(delimiter))
                continue
            self._pass_on(held[self._at : found])
            self._at = found
            if line is _Line.UNDECIDED:
                return False
            self._end_part(line, end)
            return True
        # The delimiter has its line break only in front, so no more than one place can be its begin.
        begin = held.rfind(delimiter[:1], max(self._at, len(held) - len(delimiter) + 1))
        end = begin if begin >= 0 and delimiter.startswith(held[begin:]) else len(held)
        self._pass_on(held[self._at : end])
        self._at = end
        return False

    def _in_epilogue(self) -> bool:
        """What follows the closing boundary means nothing (RFC 2046: 5.1.1)."""
        self._at = len(self._held)
        return False

    def _begin_headers(self, at: int) -> None:
        self._part_number += 1
        if self._part_number > self._limits.parts:
            raise MessageTooLarge.too_large("the message", self._limits.parts, "MIME parts")
        self._header_lines = []
        self._header_bytes = 0
        self._at = at
        self._step = self._in_headers

    def _begin_content(self) -> None:
        number = self._part_number
        headers = read_part_headers(self._header_lines, number)
        content_id = headers.content_id
        is_root = content_id == self._start if self._start else number == 1
        if not content_id and not is_root:
            raise SoapFault.sender(f"MIME part {number} has no Content-ID, so nothing can refer to it")
        if content_id and content_id in self._content_ids:
            raise SoapFault.sender(f"MIME part {number} has the Content-ID of a part before it")
        self._content_ids.add(content_id)
        self._root_seen = self._root_seen or is_root
        self._content_limit = self._limits.root_bytes if is_root else self._limits.part_bytes
        self._content_name = "the envelope" if is_root else f"MIME part {number}"
        self._content_bytes = 0
        self._base64 = Base64Stream() if headers.transfer_encoding == "base64" else None
        assumed = XOP_MEDIA_TYPE if is_root else "application/octet-stream"
        self._events.append(PartBegins(content_id, headers.content_type or assumed, is_root))
        self._step = self._at_content_begin

    def _pass_on(self, data: bytes) -> None:
        if self._base64:
            try:
                data = self._base64.decode(data)
            except NotBase64:
                raise self._not_base64() from None
        if not data:
            return
        self._content_bytes += len(data)
        if self._content_bytes > self._content_limit:
            raise SoapFault.too_large(self._content_name, self._content_limit)
        self._events.append(PartData(data))

    def _end_part(self, line: "_Line", end: int) -> None:
        if self._base64:
            try:
                self._base64.finish()
            except NotBase64:
                raise self._not_base64() from None
        self._events.append(PartEnds())
        if line is _Line.NEXT_PART:
            self._begin_headers(end)
            return
        if not self._root_seen:
            raise SoapFault.sender("no MIME part has the Content-ID that the start parameter names")
        self._at = end
        self._step = self._in_epilogue

    def _not_base64(self) -> SoapFault:
        return SoapFault.sender(f"MIME part {self._part_number} is not base64 as its header says")


class _Line(Enum):
    """What the text behind a boundary makes of it."""

    NEXT_PART = auto()
    CLOSES = auto()
    UNDECIDED = auto()
    NONE = auto()


_LINE_FEED = 0x0A
# A line has at most 998 characters (RFC 5322: 2.1.1), so transport padding cannot be longer.
_LINE_END = re.compile(rb"(--)?+[ \t]{0,998}+\r?\n")
_LINE_SO_FAR = re.compile(rb"(?:-|(?:--)?+[ \t]{0,998}+\r?+)\Z")


def _boundary_line(held: bytes, at: int) -> tuple[_Line, int]:
    """Only white space may follow in its line, or the two hyphens that close (RFC 2046: 5.1.1)."""
    if line := _LINE_END.match(held, at):
        return (_Line.CLOSES if line[1] else _Line.NEXT_PART), line.end()
    return (_Line.UNDECIDED if _LINE_SO_FAR.match(held, at) else _Line.NONE), at


def _read_start(content_type: ContentType) -> str:
    """The Content-ID of the root part, or "" for the first part (RFC 2387: 3.2)."""
    if content_type.media_type != "multipart/related":
        raise SoapFault.unsupported_media_type(content_type.media_type)
    if content_type.parameters.get("type", "").strip().lower() != XOP_MEDIA_TYPE:
        raise SoapFault.sender(f"the type parameter of multipart/related must be {XOP_MEDIA_TYPE}")
    return read_content_id(content_type.parameters.get("start", ""), "the start parameter")


def _read_boundary(content_type: ContentType, most_characters: int) -> bytes:
    boundary = content_type.parameters.get("boundary", "")
    if not boundary:
        raise SoapFault.sender("the Content-Type multipart/related has no boundary parameter")
    if len(boundary) > most_characters:
        raise SoapFault.too_large("the boundary", most_characters, "characters")
    if not (boundary.isascii() and boundary.isprintable()) or boundary.endswith(" "):
        raise SoapFault.sender("the boundary parameter holds characters that a boundary cannot have")
    return boundary.encode("ascii")


def _no_part_found() -> SoapFault:
    return SoapFault.sender("no part found with the declared boundary")
