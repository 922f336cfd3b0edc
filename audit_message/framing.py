"""Syslog messages in a stream: octet counting, and what senders do instead of it (RFC 5425, RFC 6587)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A query of the largest size that `schemas.parse` admits takes 43 MiB in base64; RFC 5425 asks for 8 KiB.
MESSAGE_LIMIT_BYTES = 64 * 1024 * 1024

# Digits of a MSG-LEN that could still be within the limit; more are no length but something else.
LENGTH_LIMIT_DIGITS = 10

# What is kept of bytes in which no message can be told apart, to be shown with the diagnosis.
SCRAP_LIMIT_BYTES = 8192

LINE_FRAMED = "framed by a line feed (RFC 6587), octet counting is expected"
STRAY_LINE_FEED = "a line feed stands between two messages"
LEADING_ZERO = "MSG-LEN begins with a zero"

_LENGTH = re.compile(rb"([0-9]{1,%d}) " % LENGTH_LIMIT_DIGITS)
_LENGTH_BEGUN = re.compile(rb"[0-9]{0,%d}" % LENGTH_LIMIT_DIGITS)
_PRI_BEGUN = re.compile(rb"<(?:[0-9]{1,3}(?:>.*)?)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Framed:
    """One message, and what was not quite right about how it was framed."""

    content: bytes
    diagnosis: tuple[str, ...] = ()


class BadFraming(Exception):
    """No further message can be told apart in this stream; `scrap` is how its rest begins."""

    def __init__(self, reason: str, scrap: bytes) -> None:
        super().__init__(reason)
        self.reason = reason
        self.scrap = scrap


def write_frame(message: bytes) -> bytes:
    """Count the octets (RFC 5425 section 4.3)."""
    return b"%d %b" % (len(message), message)


class Decoder:
    """Fed by chunks, gives the messages that have come in whole; raises BadFraming when it is lost."""

    def __init__(self, limit_bytes: int = MESSAGE_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._wanted_bytes = 0
        self._searched_bytes = 0
        self._found: tuple[str, ...] = ()

    @property
    def waiting_bytes(self) -> int:
        """What is held of a message that has not come in whole."""
        return len(self._buffer)

    def receive_data(self, chunk: bytes) -> Iterator[Framed]:
        """Take what has come in, and yield each message that it completes."""
        self._buffer += chunk
        while message := self._next():
            yield message

    def receive_end(self) -> Iterator[Framed]:
        """The stream has ended: yield what was left of a message that did not come in whole."""
        if not self._buffer:
            return
        rest, self._buffer = bytes(self._buffer), bytearray()
        if rest.strip(b"\r\n"):
            if rest.startswith(b"<"):
                yield Framed(rest, (LINE_FRAMED,))
            else:
                length = _LENGTH.match(rest)
                head = length[0] if length else b""
                reason = f"the stream ended {len(rest) - len(head)} bytes into a message"
                yield Framed(rest[len(head) :], (f"{reason} of {int(length[1])}" if length else reason,))

    def _next(self) -> Framed | None:
        if len(self._buffer) < self._wanted_bytes:
            return None
        if self._buffer.startswith((b"\n", b"\r")):
            self._buffer = self._buffer.lstrip(b"\r\n")
            self._found = (STRAY_LINE_FEED,)
        if self._buffer.startswith(b"<"):
            return self._line()
        length = _LENGTH.match(self._buffer)
        if length is None:
            if _LENGTH_BEGUN.fullmatch(self._buffer):
                return None
            raise self._lost("neither a MSG-LEN nor a PRI begins here")
        size_bytes = int(length[1])
        if size_bytes > self._limit_bytes:
            raise self._lost(f"MSG-LEN {size_bytes} is beyond {self._limit_bytes}")
        end = length.end() + size_bytes
        if len(self._buffer) < end:
            # Nothing is looked at again before all of it is there.
            self._wanted_bytes = end
            return None
        zero = re.match(rb"0[0-9]", length[1])
        content = bytes(self._buffer[length.end() : end])
        del self._buffer[:end]
        self._wanted_bytes = 0
        return self._framed(content, *((LEADING_ZERO,) if zero else ()))

    def _line(self) -> Framed | None:
        if not _PRI_BEGUN.fullmatch(self._buffer[:6]):
            raise self._lost("neither a MSG-LEN nor a PRI begins here")
        end = self._buffer.find(b"\n", self._searched_bytes)
        if end < 0:
            self._searched_bytes = len(self._buffer)
            if len(self._buffer) > self._limit_bytes:
                raise self._lost(f"no line feed within {self._limit_bytes} bytes")
            return None
        content = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        self._searched_bytes = 0
        return self._framed(content, LINE_FRAMED)

    def _framed(self, content: bytes, *diagnosis: str) -> Framed:
        found, self._found = self._found, ()
        return Framed(content, (*found, *diagnosis))

    def _lost(self, reason: str) -> BadFraming:
        return BadFraming(reason, bytes(self._buffer[:SCRAP_LIMIT_BYTES]))
