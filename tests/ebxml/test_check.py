import pytest

from ebxml.check import errors_in_submission
from ebxml.model import Submission
from ebxml.problem import Problem
from hl7v2.datatypes import CX
from ihe.transactions import ITI_41, ITI_42, ITI_61, Transaction
from tests.messages.submissions import (
    DOMAIN,
    document_entry,
    folder,
    has_member,
    on_demand_entry,
    original,
    submission,
    submission_set,
)

OTHER_PATIENT = CX("P2^^^&2.999.3&ISO")


def found(of: Submission, transaction: Transaction = ITI_42) -> list[tuple[str, str]]:
    return [(error.code, error.context) for error in errors_in_submission(of, DOMAIN, transaction)]


def test_what_reading_found_is_reported_with_the_rest():
    """ITI TF-2: 3.42.4.1.3."""
    of = submission(
        document_entries=[document_entry(hash=None)], faults=(Problem("DocumentEntry Document01: twice"),)
    )
    assert found(of) == [
        ("XDSRegistryMetadataError", "DocumentEntry Document01: twice"),
        (
            "XDSRegistryMetadataError",
            "DocumentEntry Document01: hash is missing, ITI-42 requires it (ITI TF-3: 4.2.3.2.10)",
        ),
    ]
    assert [code for code, _ in found(of, ITI_41)] == ["XDSRepositoryMetadataError"]


def test_a_submission_has_one_submission_set():
    """ITI TF-3: 4.2.1."""
    none = submission(submission_sets=(), document_entries=[], associations=())
    assert found(none) == [
        (
            "XDSRegistryMetadataError",
            "the submission has 0 SubmissionSets, expected exactly one (ITI TF-3: 4.2.1)",
        )
    ]
    second = submission_set(entry_uuid="SubmissionSet02", unique_id="2.999.4.2")
    assert found(submission(submission_sets=(submission_set(), second))) == [
        (
            "XDSRegistryMetadataError",
            "the submission has 2 SubmissionSets, expected exactly one (ITI TF-3: 4.2.1)",
        )
    ]


@pytest.mark.parametrize("transaction", [ITI_41, ITI_42], ids=lambda one: one.number)
def test_on_demand_entries_have_a_transaction_of_their_own(transaction):
    """ITI TF-2: 3.61.4.1.2; what such an entry lacks by its nature is not reported."""
    ((_, context),) = found(submission(document_entries=[on_demand_entry()]), transaction)
    assert context == (
        f"DocumentEntry Document01: it is on-demand, expected stable ones only in {transaction.number} "
        "(ITI TF-3: 4.2.3.2.29)"
    )


def test_stable_entries_have_no_place_among_on_demand_ones():
    """ITI TF-2: 3.61.4.1.2."""
    assert found(submission(), ITI_61) == [
        (
            "XDSRegistryMetadataError",
            "DocumentEntry Document01: it is stable, expected on-demand ones only in ITI-61 "
            "(ITI TF-3: 4.2.3.2.29)",
        )
    ]


def test_an_on_demand_submission_has_an_entry():
    """ITI TF-2: 3.61.4.1.2."""
    reference = has_member(
        "SubmissionSet01",
        "urn:uuid:bbbbbbbb-0000-4000-8000-000000000001",
        submission_set_status="Reference",
    )
    assert found(submission(document_entries=[], associations=(reference,)), ITI_61) == [
        (
            "XDSRegistryMetadataError",
            "the submission has no DocumentEntry, expected an on-demand one (ITI TF-2: 3.61.4.1.2)",
        )
    ]


def test_an_id_stands_on_one_object():
    """ITI TF-3: 4.2.3.1.5."""
    of = submission(folders=[folder(entry_uuid="Document01")], associations=(original(),))
    assert found(of) == [
        (
            "XDSRegistryMetadataError",
            "Folder Document01: the DocumentEntry before it has the same id, expected each id once "
            "(ITI TF-3: 4.2.3.1.5)",
        )
    ]


@pytest.mark.parametrize(
    ("transaction", "code"),
    [
        (ITI_41, "XDSRepositoryDuplicateUniqueIdInMessage"),
        (ITI_42, "XDSRegistryDuplicateUniqueIdInMessage"),
    ],
    ids=lambda one: getattr(one, "number", one),
)
def test_a_unique_id_stands_on_one_object(transaction, code):
    """ITI TF-2: 3.42.4.1.3: of whatever kind the objects are; sourceId is another thing."""
    of = submission(
        submission_sets=(submission_set(source_id="2.999.4.1"),),
        document_entries=[
            document_entry(unique_id="2.999.4.1"),
            document_entry(entry_uuid="Document02", unique_id="2.999.8.1"),
        ],
        folders=[folder()],
    )
    assert found(of, transaction) == [
        (code, "the uniqueId '2.999.4.1' stands on 2 objects, expected it on one"),
        (code, "the uniqueId '2.999.8.1' stands on 2 objects, expected it on one"),
    ]


@pytest.mark.parametrize("transaction", [ITI_41, ITI_42], ids=lambda one: one.number)
def test_a_submission_is_about_one_patient(transaction):
    """ITI TF-2: 3.42.4.1.3."""
    of = submission(
        document_entries=[document_entry(patient_id=OTHER_PATIENT)],
        folders=[folder(patient_id=OTHER_PATIENT)],
    )
    expected = (
        "patientId 'P2^^^&2.999.3&ISO' differs from 'P1^^^&2.999.3&ISO' of the SubmissionSet, "
        "expected the same (ITI TF-2: 3.42.4.1.3)"
    )
    assert found(of, transaction) == [
        ("XDSPatientIdDoesNotMatch", f"DocumentEntry Document01: {expected}"),
        ("XDSPatientIdDoesNotMatch", f"Folder Folder01: {expected}"),
    ]


def test_a_patient_id_that_is_written_wrong_is_not_compared():
    """ITI TF-2: 3.42.4.1.3: one slip is one error."""
    ((code, _),) = found(submission(document_entries=[document_entry(patient_id=CX("P2"))]))
    assert code == "XDSRegistryMetadataError"


def test_the_list_of_errors_ends_somewhere():
    """An answer stays readable, whatever was sent."""
    errors = found(submission(faults=(Problem("x"),) * 10_000))
    assert len(errors) == 201
    assert errors[-1] == (
        "XDSRegistryMetadataError",
        "the submission has more than 200 errors, not all are listed",
    )
    assert len(found(submission(faults=(Problem("x"),) * 200))) == 200
