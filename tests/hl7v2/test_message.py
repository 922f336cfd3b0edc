"""Segments and fields, whatever delimiters and characters a message came in (HL7 v2.3.1: 2.7, 2.10)."""

import pytest

from hl7v2.message import NotHl7, read_message

HEADER = b"MSH|^~\\&|SRC|FAC|REG|XAD|20300101120000||ADT^A01^ADT_A01|m1|P|2.3.1"


@pytest.mark.parametrize("ending", [b"\r", b"\n", b"\r\n"])
def test_segments_end_with_cr_and_lf_is_tolerated(ending):
    """HL7 v2.3.1: 2.7."""
    message = read_message(ending.join([HEADER, b"PID|||p1", b""]))
    assert [segment.name for segment in message.segments] == ["MSH", "PID"]
    assert message.field("PID", 3) == "p1"


def test_the_field_separator_is_the_first_field_of_the_header():
    """HL7 v2.3.1: 2.24.1.1."""
    message = read_message(HEADER)
    read = [message.field("MSH", number) for number in (1, 2, 3, 9, 10, 12, 13)]
    assert read == ["|", "^~\\&", "SRC", "ADT^A01^ADT_A01", "m1", "2.3.1", ""]


def test_a_field_that_is_not_there_is_empty():
    """HL7 v2.3.1: 2.10."""
    message = read_message(HEADER + b"\rPID")
    assert (message.field("PID", 3), message.field("MRG", 1), message.field("PID", 0)) == ("", "", "")


def test_other_delimiters_are_taken_from_the_header():
    """HL7 v2.3.1: 2.7: what is a standard delimiter elsewhere is a character here, and is escaped."""
    message = read_message(
        b"MSH#$%!@#SRC#FAC#REG#XAD#2030##ADT$A01#m!F!1#P#2.3.1\rPID###p^1$$$@2.999.5@ISO%x!S!y"
    )
    assert message.field("MSH", 9) == "ADT^A01"
    assert message.field("MSH", 10) == "m#1"
    assert message.field("PID", 3) == "p\\S\\1^^^&2.999.5&ISO~x$y"


def test_standard_escapes_stand_as_they_came():
    """HL7 v2.3.1: 2.9: readers of datatypes open them."""
    message = read_message(HEADER + b"\rPID|||p\\T\\1\\S\\^^^&2.999.5&ISO")
    assert message.field("PID", 3) == "p\\T\\1\\S\\^^^&2.999.5&ISO"


@pytest.mark.parametrize(
    ("charset", "escape", "text"),
    [(b"", b"\\X417C\\", "A\\F\\"), (b"UNICODE UTF-8", b"\\XC3A9\\", "é"), (b"8859/1", b"\\XE9\\", "é")],
)
def test_hexadecimal_escapes_become_what_they_stand_for(charset, escape, text):
    """HL7 v2.3.1: 2.9.4."""
    message = read_message(HEADER + b"||||||" + charset + b"\rPID|||" + escape)
    assert message.field("PID", 3) == text


@pytest.mark.parametrize(
    ("charset", "octets"),
    [(b"UNICODE UTF-8", "é".encode()), (b"8859/1", b"\xe9"), (b"8859/1~ISO IR87", b"\xe9")],
)
def test_characters_are_read_by_the_declared_set(charset, octets):
    """HL7 v2.3.1: 2.24.1.18."""
    assert read_message(HEADER + b"||||||" + charset + b"\rPID|||" + octets).field("PID", 3) == "é"


@pytest.mark.parametrize("charset", [b"", b"ASCII", b"KLINGON"])
def test_bytes_without_a_character_are_kept_as_they_are(charset):
    """PEP 383: an acknowledgement can repeat them."""
    field = read_message(HEADER + b"||||||" + charset + b"\rPID|||\xe9").field("PID", 3)
    assert field.encode("ascii", "surrogateescape") == b"\xe9"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"garbage", b"\x00\x01", b"MS", b"MSH", b"MSH|", b"MSH|^", b"MSH|^~\\", b"MSH|||||",
        b"MSH|^~~&|A", b"MSH|^~\\&#!|A", b"MSHA^~\\&A", b"MSH\xff^~\\&\xff", b"BHS|^~\\&|A",
        b"PID|||p1", b"\rMSX|^~\\&|",
    ],
)  # fmt: skip
def test_what_has_no_header_is_no_message(content):
    """HL7 v2.3.1: 2.24.1."""
    with pytest.raises(NotHl7):
        read_message(content)


def test_a_header_of_version_2_7_may_name_a_character_for_truncation():
    """HL7 v2.7: 2.5.5.2."""
    assert read_message(b"MSH|^~\\&#|SRC|FAC\rPID|||a#b").field("PID", 3) == "a#b"


def test_the_segments_of_a_message_are_limited():
    """Nothing grows without a limit."""
    with pytest.raises(NotHl7, match="more than 1000 segments"):
        read_message(HEADER + b"\rZ" * 1000)
