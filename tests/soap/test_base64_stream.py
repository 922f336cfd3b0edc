"""Base64 in pieces of any size."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soap.base64_stream import Base64Stream, NotBase64


@given(st.binary(max_size=300), st.integers(1, 20), st.sampled_from([b"", b"\r\n", b"\n"]))
def test_base64_comes_out_the_same_in_pieces_of_any_size(octets, size, line_break):
    """RFC 2045: 6.8."""
    encoded = base64.b64encode(octets)
    text = line_break.join(encoded[at : at + 76] for at in range(0, len(encoded), 76)) + line_break
    stream = Base64Stream()
    decoded = b"".join(stream.decode(text[at : at + size]) for at in range(0, len(text), size))
    stream.finish()
    assert decoded == octets


@pytest.mark.parametrize(
    "text", [b"QUJ", b"QUI=QUJD", b"QUI=Q", b"QQ==\n=", b"====", b"Q=JD", b"QU*D", b"QUJD="]
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_what_is_not_base64_is_refused_and_not_guessed(text, size):
    """RFC 2045: 6.8."""
    stream = Base64Stream()
    with pytest.raises(NotBase64):  # noqa: PT012
        for at in range(0, len(text), size):
            stream.decode(text[at : at + size])
        stream.finish()
