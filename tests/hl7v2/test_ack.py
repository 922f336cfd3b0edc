"""Acknowledgements as they stand on the wire, and as another HL7 library reads them (ITI TF-2: C.2.3)."""

from datetime import UTC, datetime

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from hl7v2.ack import write_ack
from hl7v2.adt import errors_in_adt, read_adt
from hl7v2.conditions import (
    APPLICATION_INTERNAL_ERROR,
    REQUIRED_FIELD_MISSING,
    UNKNOWN_KEY_IDENTIFIER,
    FieldError,
)
from ihe.patient_identity_feed import PATIENT_IDENTIFIER_LIST, PRIOR_PATIENT_IDENTIFIER_LIST, FeedField

AT = datetime(2030, 1, 1, 12, 1, 1, tzinfo=UTC)
A40 = b"MSH|^~\\&|SRC|FAC|REG|XAD|20300101120100||ADT^A40^ADT_A39|m2|P|2.3.1\rPID|||p1\rMRG|p2"
UNKNOWN = FieldError(UNKNOWN_KEY_IDENTIFIER, PRIOR_PATIENT_IDENTIFIER_LIST, "the subsumed id is not known")
MISSING = FieldError(REQUIRED_FIELD_MISSING, PATIENT_IDENTIFIER_LIST, "the patient id is missing")
BROKEN = FieldError(APPLICATION_INTERNAL_ERROR, FeedField("MSH", 0, "header"), "internal error, reference 7")


def ack(*errors: FieldError, message: bytes | None = A40) -> bytes:
    return write_ack(None if message is None else read_adt(message), errors, "r2", AT)


def test_a_message_that_was_applied_is_accepted():
    """ITI TF-2: C.2.3: sender and receiver change places, MSH-10 comes back in MSA-2."""
    assert ack() == b"MSH|^~\\&|REG|XAD|SRC|FAC|20300101120101||ACK^A40^ACK|r2|P|2.3.1\rMSA|AA|m2\r"


def test_an_error_names_segment_sequence_field_and_condition():
    """HL7 v2.3.1: 2.24.5.1."""
    assert ack(UNKNOWN) == (
        b"MSH|^~\\&|REG|XAD|SRC|FAC|20300101120101||ACK^A40^ACK|r2|P|2.3.1\r"
        b"MSA|AE|m2|MRG-1: the subsumed id is not known\r"
        b"ERR|MRG^1^1^204&Unknown key identifier&HL70357\r"
    )


def test_several_errors_are_repetitions():
    """HL7 v2.3.1: 2.24.5.1."""
    assert ack(MISSING, UNKNOWN).endswith(
        b"MSA|AE|m2|PID-3: the patient id is missing; MRG-1: the subsumed id is not known\r"
        b"ERR|PID^1^3^101&Required field missing&HL70357~MRG^1^1^204&Unknown key identifier&HL70357\r"
    )


def test_what_is_no_fault_of_the_content_is_rejected():
    """HL7 table 0008: AR; one such error outweighs the others."""
    assert b"MSA|AR|m2|" in ack(UNKNOWN, BROKEN)


def test_what_is_no_message_is_rejected_without_a_control_id():
    """ITI TF-2: C.2.3."""
    assert ack(FieldError(MISSING.condition, FeedField("MSH", 0, "header"), "no MSH"), message=None) == (
        b"MSH|^~\\&|||||20300101120101||ACK|r2|P|2.3.1\r"
        b"MSA|AR||MSH: no MSH\r"
        b"ERR|MSH^1^^101&Required field missing&HL70357\r"
    )


def test_delimiters_within_the_explanation_are_escaped():
    """HL7 v2.3.1: 2.9."""
    error = FieldError(MISSING.condition, PATIENT_IDENTIFIER_LIST, "'a|b^c~d\\e&f'")
    assert b"|PID-3: 'a\\F\\b\\S\\c\\R\\d\\E\\e\\T\\f'\r" in ack(error)


def test_a_long_explanation_is_cut():
    """MSA-3 is for people; the conditions stand in ERR-1, all of them."""
    found = ack(*[MISSING] * 20)
    assert len(found.split(b"|MSH-", 1)[0].split(b"\r")[1]) < 230
    assert found.count(b"HL70357") == 20


@pytest.mark.parametrize(
    ("charset", "octets"), [(b"8859/1", b"m\xe9"), (b"UNICODE UTF-8", "mé".encode()), (b"", b"m\xe9")]
)
def test_a_control_id_goes_back_byte_for_byte(charset, octets):
    """ITI TF-2: C.2.3: MSA-2 is MSH-10, in the character set of the message."""
    message = A40.replace(b"|m2|", b"|" + octets + b"|").replace(b"2.3.1", b"2.3.1||||||" + charset)
    assert b"MSA|AA|" + octets + b"\r" in ack(message=message)


def test_a_declared_character_set_is_declared_in_the_answer():
    """HL7 v2.3.1: 2.24.1.18."""
    message = A40.replace(b"2.3.1", b"2.3.1||||||UNICODE UTF-8")
    assert b"|ACK^A40^ACK|r2|P|2.3.1||||||UNICODE UTF-8\r" in ack(message=message)


def test_a_message_with_other_delimiters_is_answered_with_the_standard_ones():
    """HL7 v2.3.1: 2.7."""
    message = A40.replace(b"|", b"#").replace(b"^~\\&", b"$%!@").replace(b"^", b"$")
    assert ack(message=message) == ack()


@pytest.mark.parametrize("errors", [(), (UNKNOWN,), (MISSING, UNKNOWN), (BROKEN,)])
def test_another_library_reads_and_validates_what_is_written(errors):
    """hl7apy, strict, by the message structures of v2.3.1."""
    parsed = parse_message(ack(*errors).decode(), validation_level=VALIDATION_LEVEL.STRICT)
    assert parsed.validate()
    assert parsed.msa.msa_2.to_er7() == "m2"
    assert (
        [repetition.to_er7().split("^")[0] for repetition in parsed.err.err_1]
        == [error.field.segment for error in errors]
        if errors
        else not parsed.err
    )


@pytest.mark.parametrize("event", ["A01", "A04", "A05", "A08", "A40"])
def test_the_acknowledgement_of_every_event_validates(event):
    """hl7apy, strict."""
    message = read_adt(A40.replace(b"ADT^A40^ADT_A39", b"ADT^" + event.encode()))
    written = write_ack(message, tuple(errors_in_adt(message)), "r2", AT)
    assert parse_message(written.decode(), validation_level=VALIDATION_LEVEL.STRICT).validate()
