"""Files and what is said about them, as one submission (ITI TF-3: 4.2)."""

import uuid
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from client.codes import CodeBook
from client.errors import BadMetadata
from client.files import LocalFile, measured
from client.metadata import Metadata
from client.submission import Links, described, metadata_of_replaced, submission_of
from ebxml.check import errors_in_submission
from ebxml.model import Association, Code, LocalizedString
from hl7v2.datatypes import CX, DTM
from ihe.transactions import ITI_41
from server.codes import read_code_set
from server.configuration import affinity_domain, load
from tests.messages.submissions import document_entry, text

CODES = CodeBook(read_code_set("luxembourg").codes)
PATIENT = CX("P1^^^&2.999.352.1&ISO")
LABORATORY = CODES.resolve("typeCode", "laboratory")
SAID = Metadata(patient_id=PATIENT, type_code=LABORATORY)
NOW = datetime(2024, 7, 10, 12, 0, tzinfo=UTC)
DOMAIN = affinity_domain(load(None, {}))


@pytest.fixture
def new_uuid():
    numbers = count(1)
    return lambda: uuid.UUID(int=next(numbers), version=4)


@pytest.fixture
def file(tmp_path: Path) -> LocalFile:
    path = tmp_path / "blood_count-2.pdf"
    path.write_bytes(b"%PDF-1.4")
    return measured(path)


def test_type_and_patient_suffice_for_a_submission_that_breaks_no_rule(file, new_uuid):
    """ITI TF-3: 4.3.1, what ITI-41 requires."""
    ready = described(file, SAID, CODES, new_uuid)
    submission = submission_of([ready], Links(), "2.999.352.4", NOW, new_uuid)
    assert list(errors_in_submission(submission, DOMAIN, ITI_41)) == []
    entry = ready.entry
    assert entry.class_code == Code(
        "REPORTS", "1.3.6.1.4.1.19376.1.2.6.1", (LocalizedString("Comptes-rendus", "fr"),)
    )
    assert (entry.title[0].value, entry.language_code, entry.size) == ("blood count 2", "fr-LU", "8")
    assert (entry.patient_id, entry.source_patient_id) == (PATIENT, PATIENT)


def test_every_type_of_the_shipped_domain_needs_nothing_but_itself(file, new_uuid):
    for row in read_code_set("luxembourg").codes:
        if row.attribute == "typeCode":
            said = Metadata(patient_id=PATIENT, type_code=CODES.resolve("typeCode", row.code))
            submission = submission_of(
                [described(file, said, CODES, new_uuid)], Links(), "2.999.4", NOW, new_uuid
            )
            assert list(errors_in_submission(submission, DOMAIN, ITI_41)) == []


def test_what_nobody_said_is_named(file, new_uuid):
    assert described(file, SAID, CODES, new_uuid).assumed == (
        "class_code", "format_code", "confidentiality_code", "healthcare_facility_type_code",
        "practice_setting_code", "content_type_code", "language_code", "creation_time",
    )  # fmt: skip
    said = SAID.or_else(Metadata(language_code="de-LU", creation_time=DTM("2024")))
    ready = described(file, said, CODES, new_uuid)
    assert "language_code" not in ready.assumed
    assert ready.entry.class_code
    assert ready.entry.class_code.display_name == (LocalizedString("Berichte", "de"),)


def test_a_missing_type_is_asked_for_alone(file, new_uuid):
    """What is usual for a type cannot be known without it."""
    with pytest.raises(BadMetadata) as problem:
        described(file, Metadata(), CODES, new_uuid)
    assert [one[:40] for one in problem.value.problems] == [
        "blood_count-2.pdf: type is missing, expe", "blood_count-2.pdf: patient is missing, w"
    ]  # fmt: skip


def test_in_a_domain_without_lists_all_that_is_missing_is_named(file, new_uuid):
    own = Code("X", "2.999.7", (LocalizedString("X"),))
    with pytest.raises(BadMetadata) as problem:
        described(file, Metadata(patient_id=PATIENT, type_code=own), CodeBook(), new_uuid)
    assert [one.split()[1] for one in problem.value.problems] == [
        "class",
        "facility",
        "practice",
        "content-type",
    ]


def test_a_new_folder_holds_the_documents_and_is_submitted_with_its_memberships(file, new_uuid):
    """ITI TF-3: 4.2.2: SS-FD, SS-DE, FD-DE and SS-HM."""
    ready = [described(file, SAID, CODES, new_uuid) for _ in range(2)]
    submission = submission_of(ready, Links(new_folder_title="Stay"), "2.999.352.4", NOW, new_uuid)
    assert list(errors_in_submission(submission, DOMAIN, ITI_41)) == []
    (folder,) = submission.folders
    assert (folder.title[0].value, folder.code_list[0].code) == ("Stay", "34108-1")
    submitted = submission.submission_set.entry_uuid
    assert [_ends(one, submission) for one in submission.associations] == [
        ("set", "folder", None),
        ("set", "document", "Original"), ("folder", "document", None), ("set", "association", None),
        ("set", "document", "Original"), ("folder", "document", None), ("set", "association", None),
    ]  # fmt: skip
    assert submission.submission_set.title == ()
    assert submitted.startswith("urn:uuid:")


def test_an_existing_folder_is_referred_to_by_its_uuid(file, new_uuid):
    folder = "urn:uuid:08a15a6f-5b4a-42de-8f95-89474f83abdf"
    ready = described(file, SAID, CODES, new_uuid)
    submission = submission_of([ready], Links(folder_entry_uuid=folder), "2.999.352.4", NOW, new_uuid)
    assert submission.folders == ()
    assert [one.target_object for one in submission.associations if one.source_object == folder] == [
        ready.entry.entry_uuid
    ]


def test_a_new_version_is_joined_to_the_old_one(file, new_uuid):
    """ITI TF-3: 4.2.2.2.3, RPLC."""
    old = "urn:uuid:08a15a6f-5b4a-42de-8f95-89474f83abdf"
    ready = described(file, SAID, CODES, new_uuid)
    submission = submission_of([ready], Links(replaced_entry_uuid=old), "2.999.352.4", NOW, new_uuid)
    last = submission.associations[-1]
    assert (last.association_type, last.source_object, last.target_object) == (
        "urn:ihe:iti:2007:AssociationType:RPLC", ready.entry.entry_uuid, old
    )  # fmt: skip


def test_a_new_version_takes_over_what_stays_true():
    old = document_entry(title=text("Old"), comments=text("wrong"), mime_type="text/xml")
    said = metadata_of_replaced(old, "application/pdf")
    assert (said.title, said.type_code, said.author, said.patient_id) == (
        "Old", old.type_code, old.author, old.patient_id
    )  # fmt: skip
    assert (said.format_code, said.unique_id, said.creation_time, said.comments) == (None, None, None, None)
    assert metadata_of_replaced(old, "text/xml").format_code == old.format_code


def test_one_submission_is_of_one_patient(file, new_uuid):
    """ITI TF-3: 4.2.3.3.8."""
    other = Metadata(patient_id=CX("P2^^^&2.999.352.1&ISO")).or_else(SAID)
    ready = [described(file, said, CODES, new_uuid) for said in (SAID, other)]
    with pytest.raises(BadMetadata, match="are of different patients"):
        submission_of(ready, Links(), "2.999.352.4", NOW, new_uuid)


def _ends(association: Association, submission):
    kinds = {
        submission.submission_set.entry_uuid: "set",
        **{one.entry_uuid: "document" for one in submission.document_entries},
        **{one.entry_uuid: "folder" for one in submission.folders},
        **{one.entry_uuid: "association" for one in submission.associations},
    }
    ends = kinds[association.source_object], kinds[association.target_object]
    return (*ends, association.submission_set_status)
