"""Frames in a stream of bytes, however they are cut (HL7 v2.3.1 appendix C)."""

import pytest

from hl7v2.mllp import Decoder, NotMllp, frame

STREAM = b"\x0bMSH|1\rPID|\x1c\r\x0bMSH|2\x1c\r"


def messages_in(*pieces: bytes, **limits) -> list[bytes]:
    decoder = Decoder(**limits)
    found: list[bytes] = []
    for piece in pieces:
        decoder.receive_data(piece)
        found += decoder.messages()
    return found


def test_a_message_is_framed_as_on_the_wire():
    """HL7 v2.3.1: C.4.2: VT, the message, FS and CR."""
    assert frame(b"MSH|1\r") == b"\x0bMSH|1\r\x1c\x0d"


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_stream_may_be_cut_anywhere(cut):
    """HL7 v2.3.1: C.4."""
    assert messages_in(STREAM[:cut], STREAM[cut:]) == [b"MSH|1\rPID|", b"MSH|2"]


def test_a_stream_may_come_one_byte_at_a_time():
    """HL7 v2.3.1: C.4."""
    assert messages_in(*(STREAM[n : n + 1] for n in range(len(STREAM)))) == [b"MSH|1\rPID|", b"MSH|2"]


@pytest.mark.parametrize("between", [b"", b"\r\n", b"\r\r\n\x00 keep-alive"])
def test_bytes_between_frames_are_passed_over(between):
    """ITI TF-2: 3.8.4: senders end a frame in their own ways."""
    assert messages_in(between + b"\x0bone\x1c" + between + b"\x0btwo\x1c" + between) == [b"one", b"two"]


def test_an_empty_frame_is_an_empty_message():
    """It is for the reader of messages to say what is missing."""
    assert messages_in(b"\x0b\x1c\r") == [b""]


def test_a_frame_that_has_not_ended_is_no_message_yet():
    """HL7 v2.3.1: C.4."""
    decoder = Decoder()
    decoder.receive_data(b"\x0bMSH|")
    assert list(decoder.messages()) == []
    assert decoder.inside


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"\x0bMSH|1\r\x0bMSH|2\x1c\r", "a frame began inside of another one"),
        (b"\x0b" + b"x" * 65, "a frame is longer than 64 bytes"),
        (b"GET / HTTP/1.1\r\n" * 300, "4800 bytes came outside of any frame"),
    ],
)
def test_what_cannot_be_divided_into_frames_ends_the_connection(stream, reason):
    """ITI TF-2: 3.8.4.1.3; nothing grows without a limit."""
    with pytest.raises(NotMllp, match=reason):
        messages_in(stream, frame_limit_bytes=64)


def test_messages_before_the_trouble_are_still_told():
    """What was framed well is answered."""
    decoder = Decoder(frame_limit_bytes=8)
    decoder.receive_data(b"\x0bMSH|1\x1c\r\x0b123456789")
    found = decoder.messages()
    assert next(found) == b"MSH|1"
    with pytest.raises(NotMllp):
        next(found)
