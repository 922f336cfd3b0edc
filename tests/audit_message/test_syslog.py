"""The syslog message around an audit message (RFC 5424, ITI TF-2: 3.20.4.1.2)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_message.syslog import read_syslog, write_syslog

NOON = datetime(2030, 1, 1, 12, 0, 0, 1500, tzinfo=UTC)
WRITTEN = b"<85>1 2030-01-01T12:00:00.001500Z host.example coffre 4711 IHE+RFC-3881 - <AuditMessage/>"


def test_the_header_is_written_as_the_standard_has_it():
    assert write_syslog(b"<AuditMessage/>", NOON, "host.example", "coffre", "4711") == WRITTEN


def test_what_cannot_stand_in_a_header_is_replaced():
    written = write_syslog(b"", NOON, "", "my app " * 10, "é")
    app_name = b"my_app_" * 6 + b"my_app"
    assert written == b"<85>1 2030-01-01T12:00:00.001500Z - " + app_name + b" _ IHE+RFC-3881 - "


def test_what_we_write_is_read_without_a_diagnosis():
    read = read_syslog(WRITTEN)
    assert (read.priority, read.timestamp, read.hostname) == (85, NOON, "host.example")
    assert (read.app_name, read.process_id, read.message_id) == ("coffre", "4711", "IHE+RFC-3881")
    assert (read.content, read.structured_data, read.diagnosis) == (b"<AuditMessage/>", "", ())


@pytest.mark.parametrize(
    ("message", "diagnosis"),
    [
        ("<13>1 - h a p IHE+RFC-3881 - <x/>", "PRI 13, 85 or 84 is expected"),
        ("<999>1 - h a p IHE+RFC-3881 - <x/>", "PRI 999 is beyond 191"),
        ("1 - h a p IHE+RFC-3881 - <x/>", "no PRI, <85> is expected"),
        ("<84>2 - h a p IHE+RFC-3881 - <x/>", "VERSION 2, 1 is expected"),
        ("<85>1 - h a p - - <x/>", "MSGID is missing, IHE+RFC-3881 is expected"),
        ("<85>1 - h a p audit - <x/>", "MSGID 'audit', IHE+RFC-3881 is expected"),
        ("<85>1 noon h a p DICOM+RFC3881 - <x/>", "TIMESTAMP 'noon' is not of RFC 3339"),
        (
            "<85>1 2030-01-01T12:00:00 h a p IHE+RFC-3881 - <x/>",
            "TIMESTAMP '2030-01-01T12:00:00' has no offset",
        ),
        ("<85>1 - h a p IHE+RFC-3881 - \ufeff<x/>", "a BOM stands before the message, which ITI discourages"),
        ("<85>1 - h a p IHE+RFC-3881 <x/>", "STRUCTURED-DATA is missing, - is expected"),
        ("<85>Jan  1 12:00:00 h app: <?xml ?><x/>", "no header of RFC 5424"),
    ],
)
def test_each_slip_of_a_sender_is_named_and_its_content_kept(message, diagnosis):
    read = read_syslog(message.encode())
    assert read.diagnosis == (diagnosis,)
    assert read.content.removeprefix(b"<?xml ?>") == b"<x/>"


def test_structured_data_of_others_is_read_with_its_escapes():
    """RFC 5424 section 6.3.3."""
    read = read_syslog(rb'<85>1 - h a p IHE+RFC-3881 [a@1 k="x\]\"\\"][b@1] <x/>')
    assert read.structured_data == r'[a@1 k="x\]\"\\"][b@1]'
    assert (read.content, read.diagnosis) == (b"<x/>", ())


@given(st.binary(max_size=80))
def test_any_bytes_are_read(noise):
    assert isinstance(read_syslog(noise).content, bytes)
