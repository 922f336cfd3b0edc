"""The published schema of the identity feed takes what is sent and answered (ITI TF-2: 3.44)."""

from datetime import UTC, datetime

import pytest
from lxml import etree

import schemas
from hl7v2.datatypes import CX
from hl7v3.patient_feed import (
    FeedError,
    InstanceIdentifier,
    RecordAdded,
    write_acknowledgement,
    write_duplicates_resolved,
    write_record_added,
)
from tests.messages import requests

AT = datetime(2030, 1, 1, tzinfo=UTC)
ONE, OTHER = CX("p1^^^&2.999.3&ISO"), CX("p2^^^&2.999.3&ISO")
ENDS = ("2.999.100.1", "2.999.100.2")
ADDED = write_record_added("0b0c4f0e-2f6b-4f0e-9a3a-5f9f2b8f4c11", AT, ONE, ("Doe", "Jane"), *ENDS)
MERGED = write_duplicates_resolved("0b0c4f0e-2f6b-4f0e-9a3a-5f9f2b8f4c12", AT, ONE, OTHER, *ENDS)
RECORD = RecordAdded(
    InstanceIdentifier("1.2"), InstanceIdentifier(ENDS[0]), InstanceIdentifier(ENDS[1]), (ONE,)
)


@pytest.fixture(scope="module")
def schema():
    return etree.XMLSchema(etree.fromstring(schemas.file("feed.xsd") or b""))


@pytest.mark.parametrize(
    "message",
    [
        ADDED,
        ADDED.replace(b"201301", b"201302"),
        MERGED,
        requests.patient_added(ONE).encode(),
        write_acknowledgement("1.3", AT, RECORD, ()),
        write_acknowledgement("1.3", AT, RECORD, (FeedError("SYN105", "no id", "/id"),)),
    ],
    ids=["added", "revised", "merged", "with demographics", "accepted", "refused"],
)
def test_what_is_sent_and_answered_is_valid(schema, message):
    """ITI TF-2: 3.44.4.1.2, 3.44.4.2.2, 3.44.4.1.3."""
    schema.assertValid(etree.fromstring(message))


@pytest.mark.parametrize(
    ("message", "gone"),
    [
        (ADDED, "sender"),
        (ADDED, "receiver/{*}device/{*}id"),
        (ADDED, "controlActProcess/{*}subject/{*}registrationEvent/{*}subject1/{*}patient/{*}id"),
        (MERGED, "controlActProcess//{*}priorRegisteredRole/{*}id"),
        (write_acknowledgement("1.3", AT, RECORD, ()), "acknowledgement/{*}typeCode"),
        (write_acknowledgement("1.3", AT, RECORD, ()), "acknowledgement/{*}targetMessage"),
    ],
)
def test_what_the_registry_reads_is_required(schema, message, gone):
    """ITI TF-2: 3.44.4.1.2.4, 3.44.4.2.2.4."""
    root = etree.fromstring(message)
    (found,) = root.findall("{*}" + gone)
    above = found.getparent()
    assert above is not None
    above.remove(found)
    assert not schema.validate(root)
