"""What updates do to the record around them (MU supplement: 3.57.4.1.3; RMU supplement: 3.92.4.1.3)."""

import time

import pytest

from tests.messages import requests
from tests.messages.named_record import NamedRecord, accepted
from tests.messages.requests import (
    APPROVED,
    AUTHOR_OF_DOCUMENT,
    DEPRECATED,
    ITI_57,
    ITI_92,
    codes,
    slot,
    text,
)
from tests.services.platform import Platform

OFFLINE = "urn:ihe:iti:2010:DocumentAvailability:Offline"


@pytest.fixture
def record(platform: Platform) -> NamedRecord:
    return NamedRecord(platform)


def update(record: NamedRecord, submission_set: str, *changes: str, action: str = ITI_57) -> None:
    accepted(record.send(submission_set, more="".join(changes), action=action))


def element(record, name):
    return record.names.elements(record.all())[name]


def told_of(record, name):
    """Status, lid and version of an object."""
    obj = element(record, name)
    return obj.get("status"), obj.get("lid"), obj.find("{*}VersionInfo").get("versionName")


def said_of(of):
    """Every attribute of a DocumentEntry that an update may change, in new words (NIST 15801)."""
    return {
        "author": requests.author(of, AUTHOR_OF_DOCUMENT, slot("authorPerson", "^Muller^Jean")),
        "classCode": codes(of, "classCode", "NEW^^2.999.11"),
        "comments": '<rim:Description><rim:LocalizedString value="New comments"/></rim:Description>',
        "confidentialityCode": codes(of, "confidentialityCode", "R^^2.999.12"),
        "creationTime": slot("creationTime", "20250101"),
        "eventCodeList": codes(of, "eventCodeList", "E^^2.999.13"),
        "formatCode": codes(of, "formatCode", "PDF^^2.999.14"),
        "healthcareFacilityTypeCode": codes(of, "healthcareFacilityTypeCode", "WARD^^2.999.15"),
        "languageCode": slot("languageCode", "de-LU"),
        "legalAuthenticator": slot("legalAuthenticator", "^Schmit^Anne"),
        "practiceSettingCode": codes(of, "practiceSettingCode", "EYES^^2.999.16"),
        "referenceIdList": slot("urn:ihe:iti:xds:2013:referenceIdList", "2^^^^urn:ihe:iti:xds:2013:order"),
        "serviceStartTime": slot("serviceStartTime", "20241231"),
        "serviceStopTime": slot("serviceStopTime", "20250102"),
        "sourcePatientInfo": slot("sourcePatientInfo", "PID-8|M"),
        "title": text("New title"),
        "typeCode": codes(of, "typeCode", "LETTER^^2.999.17"),
        "URI": slot("URI", "new.txt"),
    }


@pytest.mark.parametrize("action", [ITI_57, ITI_92])
def test_what_describes_a_document_is_changed(record, action):
    """MU supplement: 3.57.4.1.3.3.1; NIST 15801: each attribute is told anew, and of old at level 2."""
    record.register("S1", documents="A")
    changes = said_of(record.names.uuid("A2"))
    entry = record.version("A2", "A", inside="S2", **changes).replace("text/plain", "text/html")
    extra = slot("urn:example:room", "14")
    update(
        record, "S2", entry.replace('<rim:Slot name="hash">', extra + '<rim:Slot name="hash">'), action=action
    )
    new, old = texts_of(record, "A2"), texts_of(record, "A")
    words = {
        *(
            "^Muller^Jean",
            "NEW",
            "New comments",
            "R",
            "20250101",
            "E",
            "PDF",
            "WARD",
            "de-LU",
            "^Schmit^Anne",
        ),
        *(
            "EYES",
            "2^^^^urn:ihe:iti:xds:2013:order",
            "20241231",
            "20250102",
            "PID-8|M",
            "New title",
            "LETTER",
        ),
        *("new.txt", "text/html", "14", *(f"2.999.{number}" for number in range(11, 18))),
    }
    assert words - new == set()
    assert words & old == set()


def texts_of(record, name):
    """Every text and every XML attribute of an object."""
    return {value for one in element(record, name).iter() for value in (*one.attrib.values(), one.text)}


def test_hash_and_size_are_corrected(record):
    """MU supplement: 3.57.4.1.3.3.1; of a document that was assembled later."""
    record.register("S1", documents="A")
    corrected = record.version("A2", "A", inside="S2").replace("<rim:Value>0<", "<rim:Value>31<")
    update(record, "S2", corrected)
    size = element(record, "A2").findtext("{*}Slot[@name='size']/{*}ValueList/{*}Value")
    assert size == "31"


def test_document_availability_is_changed(record):
    """MU supplement: 3.57.4.1.3.3.1; an ITI-92 may not."""
    record.register("S1", documents="A")
    offline = slot("documentAvailability", OFFLINE)
    update(record, "S2", record.version("A2", "A", inside="S2", documentAvailability=offline))
    path = "{*}Slot[@name='documentAvailability']/{*}ValueList/{*}Value"
    assert element(record, "A2").findtext(path) == OFFLINE


def test_versions_are_counted_and_the_old_are_deprecated(record):
    """MU supplement: 3.57.4.1.3.3.1."""
    record.register("S1", documents="A")
    update(record, "S2", record.version("A2", "A", inside="S2"))
    update(record, "S3", record.version("A3", "A", inside="S3", previous="2"))
    lid = record.names.uuid("A")
    assert told_of(record, "A") == (DEPRECATED, lid, "1")
    assert told_of(record, "A2") == (DEPRECATED, lid, "2")
    assert told_of(record, "A3") == (APPROVED, lid, "3")
    assert {"S2>A2", "S3>A3"} <= set(record.held().split())


def test_a_restricted_update_keeps_a_document_deprecated(record):
    """RMU supplement: 3.92.4.1.3; NIST 12319."""
    record.register("S1", documents="A")
    record.register("S2", documents="B", links=["B RPLC A"])
    update(record, "S3", record.version("A2", "A", inside="S3", title=text("New")), action=ITI_92)
    assert told_of(record, "A2") == (DEPRECATED, record.names.uuid("A"), "2")


def test_a_new_version_takes_the_place_of_the_old_one(record):
    """MU supplement: 3.57.4.1.3.3.1.3; in Folders and in relationships at both ends."""
    record.register("S1", documents="ABC", folders="F", places=["F>A"], links=["B APND A", "A signs C"])
    time.sleep(1.001 - time.time() % 1)
    before = last_update_time(record, "F")
    update(record, "S2", record.version("A2", "A", inside="S2"))
    answer = record.all()
    names, found = record.names, record.names.elements(answer)
    assert {"F>A", "F>A2", "B>A", "B>A2", "A>C", "A2>C"} <= found.keys()
    of_submission = {
        one.get("targetObject")
        for one in answer.found("Association")
        if one.get("sourceObject") == names.uuid("S2")
    }
    assert {names.uuid("A2"), found["F>A2"].get("id")} <= of_submission
    assert last_update_time(record, "F") > before


def last_update_time(record, name):
    return element(record, name).findtext("{*}Slot[@name='lastUpdateTime']/{*}ValueList/{*}Value")


def test_without_propagation_nothing_is_inherited(record):
    """MU supplement: 3.57.4.1.3.3.1.3; NIST 20000e."""
    record.register("S1", documents="AB", folders="F", places=["F>A"], links=["B APND A"])
    update(record, "S2", record.version("A2", "A", inside="S2", propagate="no"))
    assert record.held() == "A A2 B B>A F F>A S1 S1>(F>A) S1>A S1>B S1>F S2 S2>A2"


def test_a_new_version_of_a_folder_holds_its_approved_documents(record):
    """MU supplement: 3.57.4.1.3.3.2; NIST 20000d."""
    record.register("S1", documents="AB", folders="F", places=["F>A", "F>B"])
    record.register("S2", documents="C", links=["C RPLC B"])
    renamed = record.folder_version("F2", "F", inside="S3", title=text("Diabetes"))
    update(record, "S3", renamed)
    held = record.held().split()
    assert [name for name in held if name.startswith("F2>")] == ["F2>A", "F2>C"]
    assert told_of(record, "F2") == (APPROVED, record.names.uuid("F"), "2")
    assert told_of(record, "F")[0] == DEPRECATED
    assert element(record, "F2").find("{*}Name/{*}LocalizedString").get("value") == "Diabetes"


def test_a_deprecated_folder_takes_no_replacement(record):
    """ITI TF-3: 4.2.2.2.3; a replacement follows into approved Folders alone."""
    record.register("S1", documents="A", folders="F", places=["F>A"])
    update(record, "S2", record.folder_version("F2", "F", inside="S2", propagate="no"))
    record.register("S3", documents="B", links=["B RPLC A"])
    assert "F>B" not in record.held()


def test_a_lone_document_moves_to_another_patient(record):
    """MU supplement: 3.57.4.1.3.3.1; NIST 21002."""
    record.register("S1", documents="A")
    moved = NamedRecord(record.platform, record.names)
    update(moved, "S2", moved.version("A2", "A", inside="S2"))
    assert record.platform.documents_of(record.patient_id) == []
    assert record.platform.documents_of(moved.patient_id) == [record.names.oid("A")]


def test_an_empty_folder_moves_to_another_patient(record):
    """MU supplement: 3.57.4.1.3.3.2; NIST 21003."""
    record.register("S1", folders="F")
    moved = NamedRecord(record.platform, record.names)
    update(moved, "S2", moved.folder_version("F2", "F", inside="S2"))
    assert moved.held() == "F2 S2 S2>F2"


@pytest.mark.parametrize("target", ["A", "F>A", "B>A"])
def test_a_status_is_changed_and_changed_back(record, target):
    """MU supplement: 3.57.4.1.3.3.3; Association.originalStatus, Association.newStatus. NIST 15802, 20001."""
    record.register("S1", documents="AB", folders="F", places=["F>A"], links=["B signs A"])
    update(record, "S2", record.change("S2", target))
    assert record.status(target) == ["Deprecated"]
    update(record, "S3", record.change("S3", target, DEPRECATED, APPROVED))
    assert record.status(target) == ["Approved"]
    assert not {"S2>A", "S3>A"} & set(record.held().split())


def test_a_superseded_version_keeps_its_status(record):
    """MU supplement: 3.57.4.1.3.3.3; NIST 15802b."""
    record.register("S1", documents="A")
    update(record, "S2", record.version("A2", "A", inside="S2"))
    answer = record.send("S3", more=record.change("S3", "A", DEPRECATED, APPROVED), action=ITI_57)
    assert answer.codes == ["XDSMetadataUpdateError"]


def test_a_new_version_may_be_deprecated_at_once(record):
    """MU supplement: 3.57.4.1.3; NIST 20003: the update is done first."""
    record.register("S1", documents="A")
    update(record, "S2", record.version("A2", "A", inside="S2"), record.change("S2", "A2"))
    assert record.status("A", "A2") == ["Deprecated", "Deprecated"]


def test_a_submitted_place_is_the_submissions_and_touches_its_folder(record):
    """MU supplement: 3.57.4.1.3.3.4."""
    record.register("S1", documents="A", folders="F")
    before = last_update_time(record, "F")
    time.sleep(1.001 - time.time() % 1)
    update(record, "S2", record.submitted("S2", "F>A"))
    answer = record.all()
    (of_submission,) = (
        one for one in answer.found("Association") if one.get("sourceObject") == record.names.uuid("S2")
    )
    assert of_submission.get("targetObject") == record.names.uuid("F>A")
    assert of_submission.get("associationType") == requests.HAS_MEMBER
    assert last_update_time(record, "F") > before


def test_a_submitted_replacement_replaces(record):
    """MU supplement: 3.57.4.1.3.3.4; with all that comes of it by ITI-42."""
    record.register("S1", documents="ABC", folders="F", places=["F>A"], links=["C XFRM A"])
    update(record, "S2", record.submitted("S2", "B RPLC A"))
    assert record.status("A", "B", "C", "B>A") == ["Deprecated", "Approved", "Deprecated", "Approved"]
    assert "F>B" in record.held()


def test_several_operations_are_done_in_one_request(record):
    """MU supplement: 3.57.4.1.3."""
    record.register("S1", documents="ABC", folders="F")
    update(
        record,
        "S2",
        record.version("A2", "A", inside="S2"),
        record.folder_version("F2", "F", inside="S2", propagate="no"),
        record.change("S2", "B"),
        record.submitted("S2", "F2>C"),
    )
    assert record.status("A", "A2", "B", "F", "F2", "F2>C") == [
        *("Deprecated", "Approved", "Deprecated"),
        *("Deprecated", "Approved", "Approved"),
    ]
