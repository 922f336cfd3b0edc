"""Minimal Lower Layer Protocol: messages between two marks in a stream of bytes (HL7 v2.3.1 appendix C)."""

from collections.abc import Iterator

START = b"\x0b"
END = b"\x1c"
AFTER_END = b"\r"

# An ADT message has some 2 KB; a photograph in an OBX segment, which some senders add, has its room.
FRAME_LIMIT_BYTES = 1024 * 1024

# Between frames some senders put line ends, none of them more than a few; a peer that has sent this much
# without a frame speaks another protocol.
NOISE_LIMIT_BYTES = 4 * 1024


class NotMllp(Exception):
    """The stream cannot be divided into frames any further; the connection has to end."""


class Decoder:
    """Finds the messages in a stream that comes in pieces of any size."""

    def __init__(self, frame_limit_bytes: int = FRAME_LIMIT_BYTES) -> None:
        self._frame_limit_bytes = frame_limit_bytes
        self._inside = False
        self._pending = b""
        self._frame = bytearray()
        self._noise_bytes = 0

    @property
    def inside(self) -> bool:
        """Whether a frame has begun that has not ended."""
        return self._inside

    def receive_data(self, data: bytes) -> None:
        """Take the next piece of the stream; `messages` tells what it completes."""
        self._pending += data

    def messages(self) -> Iterator[bytes]:
        """Yield what the frames that are complete by now hold; raises NotMllp."""
        while self._pending:
            if not self._inside:
                self._skip_to_start()
            elif (message := self._take_to_end()) is not None:
                yield message

    def _skip_to_start(self) -> None:
        noise, start, self._pending = self._pending.partition(START)
        self._noise_bytes += len(noise)
        if self._noise_bytes > NOISE_LIMIT_BYTES:
            raise NotMllp(f"{self._noise_bytes} bytes came outside of any frame")
        if start:
            self._inside, self._noise_bytes = True, 0

    def _take_to_end(self) -> bytes | None:
        # The carriage return behind the end mark is left to the noise between frames: whether it comes in
        # the next piece or, from careless senders, not at all, the message is whole.
        piece, end, self._pending = self._pending.partition(END)
        if START in piece:
            raise NotMllp("a frame began inside of another one")
        self._frame += piece
        if len(self._frame) > self._frame_limit_bytes:
            raise NotMllp(f"a frame is longer than {self._frame_limit_bytes} bytes")
        if not end:
            return None
        message = bytes(self._frame)
        self._inside = False
        self._frame.clear()
        return message


def frame(message: bytes) -> bytes:
    """Put a message between the marks."""
    return START + message + END + AFTER_END
