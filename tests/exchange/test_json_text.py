"""JSON within limits (RFC 8259; RFC 7493)."""

import pytest

from exchange.json_text import NotJson, read_json, write_json


def test_a_value_is_read_as_it_is():
    """RFC 8259."""
    text = '{"name": "Müller", "brackets": "[[[{\\"", "numbers": [1, -2, 0.5], "nothing": null}'
    assert read_json(text.encode()) == {
        "name": "Müller",
        "brackets": '[[[{"',
        "numbers": [1, -2, 0.5],
        "nothing": None,
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the body is not JSON: Expecting value (line 1, column 1)"),
        (b"{", "the body is not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"),
        (b"{} {}", "the body is not JSON: Extra data (line 1, column 4)"),
        (b'"\xff"', "the body is not UTF-8"),
        (b'{"a": 1, "a": 2}', "a name stands twice in one object"),
        (b"[NaN]", "JSON has no NaN and no Infinity"),
        (b"[-Infinity]", "JSON has no NaN and no Infinity"),
        (b"123456789012345678901", "a number has more than 20 digits"),
        (b'"\\ud800"', "half a surrogate pair is no character"),
        (b"[" * 33 + b"]" * 33, "values are nested more than 32 deep"),
        (b'{"a":' * 100_000, "values are nested more than 32 deep"),
    ],
)
def test_what_is_no_json_of_ours_is_refused(content, reason):
    """RFC 8259; RFC 7493: 2.1, 2.3."""
    with pytest.raises(NotJson) as refused:
        read_json(content)
    assert str(refused.value) == reason


def test_values_may_be_nested_as_deep_as_the_limit():
    assert read_json(b"[" * 32 + b"]" * 32)


def test_what_is_written_is_utf_8():
    assert write_json({"name": "Müller"}) == '{"name":"Müller"}'.encode()
