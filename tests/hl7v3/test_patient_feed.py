"""Records added, duplicates resolved, and their acknowledgement (ITI TF-2: 3.44)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

import schemas
from hl7v2.datatypes import CX
from hl7v3.patient_feed import (
    DuplicatesResolved,
    FeedError,
    InstanceIdentifier,
    RecordAdded,
    errors_in_duplicates_resolved,
    errors_in_record_added,
    read_acknowledgement,
    read_duplicates_resolved,
    read_record_added,
    write_acknowledgement,
    write_duplicates_resolved,
    write_record_added,
)

AT = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)

RECORD_ADDED = b"""<PRPA_IN201301UV02 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0">
 <id root="2.999.7.141" extension="1694431245655"/>
 <creationTime value="20300101120000"/>
 <interactionId root="2.16.840.1.113883.1.6" extension="PRPA_IN201301UV02"/>
 <receiver typeCode="RCV">
  <device classCode="DEV" determinerCode="INSTANCE"><id root="2.999.4.136"/></device>
 </receiver>
 <sender typeCode="SND">
  <device classCode="DEV" determinerCode="INSTANCE"><id root="2.999.2.140"/></device>
 </sender>
 <controlActProcess classCode="CACT" moodCode="EVN"><subject typeCode="SUBJ"><registrationEvent>
  <subject1 typeCode="SBJ"><patient classCode="PAT">
   <id root="2.999.5" extension="p1"/>
   <id root="2.999.6" extension="MRN 7" assigningAuthorityName="hospital"/>
   <patientPerson><name><family>Muster</family></name></patientPerson>
  </patient></subject1>
 </registrationEvent></subject></controlActProcess>
</PRPA_IN201301UV02>"""

RECORD = RecordAdded(
    message_id=InstanceIdentifier("2.999.7.141", "1694431245655"),
    sender=InstanceIdentifier("2.999.2.140"),
    receiver=InstanceIdentifier("2.999.4.136"),
    patient_ids=(CX("p1^^^&2.999.5&ISO"), CX("MRN 7^^^&2.999.6&ISO")),
)


def test_every_patient_id_is_read_as_a_cx():
    """ITI TF-2: 3.44.4.1.2.4."""
    assert read_record_added(schemas.parse(RECORD_ADDED)) == RECORD


def test_a_complete_record_has_no_error():
    """ITI TF-2: 3.44.4.1.3."""
    assert errors_in_record_added(RECORD) == ()


def test_everything_that_is_missing_is_named_at_once():
    """ITI TF-2: 3.44.4.1.2."""
    empty = read_record_added(schemas.parse(b'<PRPA_IN201301UV02 xmlns="urn:hl7-org:v3"/>'))
    assert [(error.code, error.location) for error in errors_in_record_added(empty)] == [
        ("SYN105", "/PRPA_IN201301UV02/id"),
        ("SYN105", "/PRPA_IN201301UV02/sender/device/id"),
        ("SYN105", "/PRPA_IN201301UV02/receiver/device/id"),
        ("SYN105", "/PRPA_IN201301UV02/controlActProcess/subject/registrationEvent/subject1/patient/id"),
    ]


def test_an_id_without_its_authority_is_refused():
    """ITI TF-2: 3.44.4.1.2.4: II root is the assigning authority."""
    message = schemas.parse(RECORD_ADDED.replace(b' root="2.999.5"', b""))
    assert [error.text for error in errors_in_record_added(read_record_added(message))] == [
        "a patient id needs root and extension"
    ]


@pytest.mark.parametrize(
    ("errors", "code", "texts"),
    [
        ((), "CA", ()),
        ((FeedError("SYN102", "a < b & c", "/x"),), "CE", ("a < b & c",)),
    ],
)
def test_an_acknowledgement_says_accepted_or_why_not(errors, code, texts):
    """ITI TF-2: 3.44.4.1.3; accept-level codes CA and CE."""
    element = schemas.parse(write_acknowledgement("0b0c4f0e-2f6b-4f0e-9a3a-5f9f2b8f4c11", AT, RECORD, errors))
    assert read_acknowledgement(element) == (code, texts)


def test_an_acknowledgement_is_written_as_on_the_wire():
    """ITI TF-2: 3.44.4.1.3: sender and receiver change places, the message's id comes back."""
    assert write_acknowledgement("0b0c4f0e-2f6b-4f0e-9a3a-5f9f2b8f4c11", AT, RECORD, ()) == (
        b'<MCCI_IN000002UV01 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0">'
        b'<id root="0b0c4f0e-2f6b-4f0e-9a3a-5f9f2b8f4c11"/><creationTime value="20300101120000"/>'
        b'<interactionId root="2.16.840.1.113883.1.6" extension="MCCI_IN000002UV01"/>'
        b'<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
        b'<receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE">'
        b'<id root="2.999.2.140"/></device></receiver>'
        b'<sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE">'
        b'<id root="2.999.4.136"/></device></sender>'
        b'<acknowledgement><typeCode code="CA"/><targetMessage>'
        b'<id root="2.999.7.141" extension="1694431245655"/></targetMessage></acknowledgement>'
        b"</MCCI_IN000002UV01>"
    )


def test_what_is_written_of_a_patient_is_read_back():
    """ITI TF-2: 3.44.4.1.2."""
    message = write_record_added(
        "7c1f6a3e-55a1-4c42-8f3e-2f1c1c9a0d22", AT, CX("b^^^&2.999.5&ISO"), ("O'Neil & <Sons>", "Zoë"),
        sender="2.999.1", receiver="2.999.2",
    )  # fmt: skip
    assert read_record_added(schemas.parse(message)) == RecordAdded(
        InstanceIdentifier("7c1f6a3e-55a1-4c42-8f3e-2f1c1c9a0d22"),
        InstanceIdentifier("2.999.1"),
        InstanceIdentifier("2.999.2"),
        (CX("b^^^&2.999.5&ISO"),),
    )


DUPLICATES_RESOLVED = b"""<PRPA_IN201304UV02 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0">
 <id root="7c1f6a3e-55a1-4c42-8f3e-2f1c1c9a0d22"/>
 <receiver typeCode="RCV"><device classCode="DEV"><id root="2.999.4.136"/></device></receiver>
 <sender typeCode="SND"><device classCode="DEV"><id root="2.999.2.140"/></device></sender>
 <controlActProcess classCode="CACT" moodCode="EVN"><subject typeCode="SUBJ"><registrationEvent>
  <subject1 typeCode="SBJ"><patient classCode="PAT"><id root="2.999.5" extension="p1"/></patient></subject1>
  <replacementOf typeCode="RPLC"><priorRegistration classCode="REG" moodCode="EVN">
   <statusCode code="obsolete"/>
   <subject1 typeCode="SBJ"><priorRegisteredRole classCode="PAT">
    <id root="2.999.5" extension="p2"/>
   </priorRegisteredRole></subject1>
  </priorRegistration></replacementOf>
 </registrationEvent></subject></controlActProcess>
</PRPA_IN201304UV02>"""

MERGE = DuplicatesResolved(
    message_id=InstanceIdentifier("7c1f6a3e-55a1-4c42-8f3e-2f1c1c9a0d22"),
    sender=InstanceIdentifier("2.999.2.140"),
    receiver=InstanceIdentifier("2.999.4.136"),
    patient_ids=(CX("p1^^^&2.999.5&ISO"),),
    replaced_ids=(CX("p2^^^&2.999.5&ISO"),),
)
REPLACED = (
    "/PRPA_IN201304UV02/controlActProcess/subject/registrationEvent/replacementOf/priorRegistration/subject1/"
    "priorRegisteredRole/id"
)


def test_a_merge_names_the_surviving_and_the_replaced_id():
    """ITI TF-2: 3.44.4.2.2."""
    assert read_duplicates_resolved(schemas.parse(DUPLICATES_RESOLVED)) == MERGE
    assert errors_in_duplicates_resolved(MERGE) == ()


@pytest.mark.parametrize(
    ("replaced", "error"),
    [
        ((), ("SYN105", REPLACED, "the message names 0 replaced ids, expected one")),
        (
            (CX("p2^^^&2.999.5&ISO"), CX("p3^^^&2.999.5&ISO")),
            ("SYN102", REPLACED, "the message names 2 replaced ids, expected one"),
        ),
        ((CX("p2^^^&&ISO"),), ("SYN102", REPLACED, "a patient id needs root and extension")),
        (
            (CX("p" * 300 + "^^^&2.999.5&ISO"),),
            ("SYN102", REPLACED, "a patient id has 315 characters as CX, expected at most 256"),
        ),
    ],
)
def test_a_merge_replaces_one_id_that_can_be_used(replaced, error):
    """ITI TF-2: 3.44.4.2.2.4."""
    (found,) = errors_in_duplicates_resolved(replace(MERGE, replaced_ids=replaced))
    assert (found.code, found.location, found.text) == error


def test_what_is_missing_in_a_merge_is_named_below_its_own_root():
    """ITI TF-2: 3.44.4.2.2."""
    empty = read_duplicates_resolved(schemas.parse(b'<PRPA_IN201304UV02 xmlns="urn:hl7-org:v3"/>'))
    assert [error.location.split("/")[1] for error in errors_in_duplicates_resolved(empty)] == [
        "PRPA_IN201304UV02"
    ] * 5


def test_a_merge_that_is_written_is_read_back():
    """ITI TF-2: 3.44.4.2.2."""
    message = write_duplicates_resolved(
        "7c1f6a3e-55a1-4c42-8f3e-2f1c1c9a0d22", AT, CX("p1^^^&2.999.5&ISO"), CX("p2^^^&2.999.5&ISO"),
        sender="2.999.2.140", receiver="2.999.4.136",
    )  # fmt: skip
    assert read_duplicates_resolved(schemas.parse(message)) == MERGE
    assert b'<code code="PRPA_TE201304UV02" codeSystem="2.16.840.1.113883.1.6"/>' in message
