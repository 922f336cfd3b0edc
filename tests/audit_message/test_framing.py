"""Syslog messages in a stream (RFC 5425 section 4.3, RFC 6587)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_message.framing import BadFraming, Decoder, Framed, write_frame

LINE_FRAMED = "framed by a line feed (RFC 6587), octet counting is expected"


def decoded(stream: bytes, chunk_bytes: int = 1 << 20, **limits: int) -> list[Framed]:
    decoder = Decoder(**limits)
    found: list[Framed] = []
    for at in range(0, len(stream), chunk_bytes):
        found += decoder.receive_data(stream[at : at + chunk_bytes])
    return found + list(decoder.receive_end())


def test_a_message_is_preceded_by_its_length_in_octets():
    assert write_frame("é".encode() + b"<x/>") == b"6 \xc3\xa9<x/>"


@given(st.lists(st.binary(max_size=40)), st.integers(1, 50))
def test_what_is_framed_comes_out_however_it_is_cut(messages, chunk_bytes):
    stream = b"".join(map(write_frame, messages))
    assert decoded(stream, chunk_bytes) == [Framed(message) for message in messages]


@given(st.binary(max_size=60))
def test_no_bytes_do_any_harm(noise):
    with suppress(BadFraming):
        decoded(noise, limit_bytes=20)


@pytest.mark.parametrize("chunk_bytes", [1, 100])
def test_lines_are_taken_as_messages_with_a_diagnosis(chunk_bytes):
    """RFC 6587 section 3.4.2."""
    assert decoded(b"<85>1 one\n<85>1 two\r\n<85>1 three", chunk_bytes) == [
        Framed(b"<85>1 one", (LINE_FRAMED,)),
        Framed(b"<85>1 two", (LINE_FRAMED,)),
        Framed(b"<85>1 three", (LINE_FRAMED,)),
    ]


@pytest.mark.parametrize("chunk_bytes", [2, 100])
def test_a_line_feed_behind_a_counted_message_is_passed_over(chunk_bytes):
    assert decoded(b"3 one\n3 two\n", chunk_bytes) == [
        Framed(b"one"),
        Framed(b"two", ("a line feed stands between two messages",)),
    ]


def test_a_length_with_a_leading_zero_is_tolerated():
    assert decoded(b"03 one") == [Framed(b"one", ("MSG-LEN begins with a zero",))]


def test_a_message_cut_off_by_the_end_is_kept_with_its_diagnosis():
    assert decoded(b"3 one9 tw") == [
        Framed(b"one"),
        Framed(b"tw", ("the stream ended 2 bytes into a message of 9",)),
    ]


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"3 oneGET / HTTP/1.1\r\n", "neither a MSG-LEN nor a PRI begins here"),
        (b"<AuditMessage/>", "neither a MSG-LEN nor a PRI begins here"),
        (b"101 ", "MSG-LEN 101 is beyond 100"),
        (b"99999999999 ", "neither a MSG-LEN nor a PRI begins here"),
        (b"<85>" + b"x" * 100, "no line feed within 100 bytes"),
    ],
)
def test_a_stream_without_messages_is_given_up_with_the_reason(stream, reason):
    with pytest.raises(BadFraming) as caught:
        decoded(stream, limit_bytes=100)
    assert caught.value.reason == reason
    assert stream.endswith(caught.value.scrap)
