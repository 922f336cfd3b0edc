import pytest

from ebxml.check import errors_in_submission
from ebxml.model import Association, Submission
from ihe.transactions import ITI_41, ITI_42, Transaction
from tests.messages.submissions import (
    DOMAIN,
    ON_DEMAND,
    RPLC,
    association,
    code,
    document_entry,
    folder,
    has_member,
    original,
    submission,
)

REGISTERED = "urn:uuid:bbbbbbbb-0000-4000-8000-000000000001"
REGISTERED_FOLDER = "urn:uuid:bbbbbbbb-0000-4000-8000-000000000002"
METADATA_ERROR = "XDSRegistryMetadataError"
UNRESOLVED = "UnresolvedReferenceException"
TYPES = "urn:ihe:iti:2007:AssociationType:"
XFRM, APND, XFRM_RPLC, SIGNS = (TYPES + name for name in ("XFRM", "APND", "XFRM_RPLC", "signs"))
SNAPSHOT = "urn:ihe:iti:2010:AssociationType:IsSnapshotOf"


def found(of: Submission, transaction: Transaction = ITI_42) -> list[tuple[str, str]]:
    return [(error.code, error.context) for error in errors_in_submission(of, DOMAIN, transaction)]


def linked(*associations: Association, **parts) -> Submission:
    """A submission with these Associations and no others."""
    return submission(associations=associations, **parts)


def test_documents_and_folders_belong_to_the_submission_set():
    """ITI TF-3: 4.2.2.1."""
    assert found(linked(has_member("SubmissionSet01", "Folder01"), folders=[folder()])) == [
        (
            METADATA_ERROR,
            "DocumentEntry Document01: no HasMember comes from the SubmissionSet 'SubmissionSet01', "
            "expected one (ITI TF-3: 4.2.2.1)",
        )
    ]
    assert found(linked(original(), folders=[folder()])) == [
        (
            METADATA_ERROR,
            "Folder Folder01: no HasMember comes from the SubmissionSet 'SubmissionSet01', "
            "expected one (ITI TF-3: 4.2.2.1)",
        )
    ]


def test_a_submission_set_alone_submits_nothing():
    """ITI TF-3: 4.2.1."""
    assert found(submission(document_entries=[])) == [
        (
            METADATA_ERROR,
            "SubmissionSet SubmissionSet01: nothing is submitted with it, "
            "expected at least one Association (ITI TF-3: 4.2.1)",
        )
    ]


@pytest.mark.parametrize(
    ("status", "target", "problem"),
    [
        (None, "Document01", "is missing, expected Original: its target is in the submission"),
        ("Reference", "Document01", "is 'Reference', expected Original: its target is in the submission"),
        ("original", "Document01", "is 'original', expected Original: its target is in the submission"),
        (None, REGISTERED, "is missing, expected Reference: its target is not in the submission"),
        ("Original", REGISTERED, "is 'Original', expected Reference: its target is not in the submission"),
    ],
)
def test_a_membership_says_whether_its_document_is_new(status, target, problem):
    """ITI TF-3: 4.2.2.1.1, 4.2.2.1.2."""
    member = has_member("SubmissionSet01", target, entry_uuid="a", submission_set_status=status)
    entries = [document_entry()] if target == "Document01" else []
    assert found(linked(member, document_entries=entries)) == [
        (METADATA_ERROR, f"Association a: SubmissionSetStatus {problem} (ITI TF-3: 4.2.2)")
    ]


def test_a_registered_document_is_a_member_by_reference():
    """ITI TF-3: 4.2.2.1.2."""
    member = has_member("SubmissionSet01", REGISTERED, submission_set_status="Reference")
    assert found(linked(member, document_entries=[])) == []
    assert found(submission(member)) == []


def test_other_memberships_may_say_original_too():
    """ITI TF-3: 4.2.2.1: older senders write it on every membership."""
    member = has_member("SubmissionSet01", "Folder01", submission_set_status="Original")
    assert found(linked(original(), member, folders=[folder()])) == []


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Folder01", "Document01"),
        ("Folder01", REGISTERED),
        (REGISTERED_FOLDER, "Document01"),
        (REGISTERED_FOLDER, REGISTERED),
    ],
)
def test_a_folder_takes_documents_with_a_companion(source, target):
    """ITI TF-3: 4.2.2.1.3: four ways, either end new or registered."""
    into_folder = has_member(source, target, entry_uuid="in")
    companion = has_member("SubmissionSet01", "in")
    assert found(submission(into_folder, companion, folders=[folder()])) == []
    assert found(submission(into_folder, folders=[folder()])) == [
        (
            METADATA_ERROR,
            "Association in: no HasMember comes to it from the SubmissionSet, "
            "expected one beside the Folder's own (ITI TF-3: 4.2.2)",
        )
    ]


@pytest.mark.parametrize(
    ("source", "target", "joined"),
    [
        ("Folder01", "Folder02", "Folder 'Folder02' is made a member of Folder 'Folder01'"),
        (
            "Folder01",
            "SubmissionSet01",
            "SubmissionSet 'SubmissionSet01' is made a member of Folder 'Folder01'",
        ),
        ("Folder01", "f2", "Association 'f2' is made a member of Folder 'Folder01'"),
        (
            "Document01",
            "Document02",
            "DocumentEntry 'Document02' is made a member of DocumentEntry 'Document01'",
        ),
        (
            "Document01",
            REGISTERED,
            f"registered object '{REGISTERED}' is made a member of DocumentEntry 'Document01'",
        ),
        (REGISTERED, "Folder01", f"Folder 'Folder01' is made a member of registered object '{REGISTERED}'"),
        (
            REGISTERED,
            "SubmissionSet01",
            f"SubmissionSet 'SubmissionSet01' is made a member of registered object '{REGISTERED}'",
        ),
        (
            "SubmissionSet01",
            "SubmissionSet01",
            "SubmissionSet 'SubmissionSet01' is made a member of SubmissionSet 'SubmissionSet01'",
        ),
        ("f2", "Document01", "DocumentEntry 'Document01' is made a member of Association 'f2'"),
    ],
)
def test_memberships_join_only_what_belongs_together(source, target, joined):
    """ITI TF-3: Table 4.2.2-1; folders never nest."""
    member = has_member(source, target, entry_uuid="wrong")
    entries = [document_entry(), document_entry(entry_uuid="Document02", unique_id="2.999.5.2")]
    folders = [folder(), folder(entry_uuid="Folder02", unique_id="2.999.8.2")]
    whole = linked(
        original("Document01"),
        original("Document02"),
        has_member("SubmissionSet01", "Folder01"),
        has_member("SubmissionSet01", "Folder02", entry_uuid="f2"),
        member,
        document_entries=entries,
        folders=folders,
    )
    assert found(whole) == [
        (
            METADATA_ERROR,
            f"Association wrong: {joined}, expected DocumentEntries, Folders and Associations "
            "in a SubmissionSet, or DocumentEntries in a Folder (ITI TF-3: 4.2.2)",
        )
    ]


def test_a_submission_set_is_no_member_of_its_memberships():
    """ITI TF-3: 4.2.2.1.4."""
    assert found(linked(original(entry_uuid="a"), has_member("SubmissionSet01", "a", entry_uuid="b"))) == [
        (
            METADATA_ERROR,
            "Association b: its target 'a' is a membership of the SubmissionSet itself, "
            "expected one of a Folder (ITI TF-3: 4.2.2)",
        )
    ]


def test_only_relationships_are_documented():
    """ITI TF-3: 4.2.2.2."""
    assert found(linked(original(entry_uuid="a", association_documentation=code("why")))) == [
        (
            METADATA_ERROR,
            "Association a: a HasMember has the associationDocumentation 'why', "
            "expected it on relationships only (ITI TF-3: 4.2.2)",
        )
    ]
    documented = association(XFRM, "Document01", REGISTERED, association_documentation=code("why"))
    assert found(submission(documented)) == []


@pytest.mark.parametrize("association_type", [RPLC, XFRM, APND, XFRM_RPLC, SIGNS, SNAPSHOT])
def test_a_relationship_goes_from_a_new_document_to_a_registered_one(association_type):
    """ITI TF-3: 4.2.2.2."""
    assert found(submission(association(association_type, "Document01", REGISTERED))) == []


@pytest.mark.parametrize("association_type", [RPLC, XFRM, APND, XFRM_RPLC, SIGNS, SNAPSHOT])
@pytest.mark.parametrize("source", ["SubmissionSet01", REGISTERED_FOLDER])
def test_a_relationship_comes_from_a_document_of_the_submission(association_type, source):
    """ITI TF-3: 4.2.2.2."""
    name = association_type.rpartition(":")[2]
    assert found(submission(association(association_type, source, REGISTERED, entry_uuid="a"))) == [
        (
            UNRESOLVED,
            f"Association a: {name} has the sourceObject '{source}', "
            "expected a DocumentEntry of the submission (ITI TF-3: 4.2.2)",
        )
    ]


TWO = [document_entry(), document_entry(entry_uuid="Document02", unique_id="2.999.5.2")]


@pytest.mark.parametrize("association_type", [RPLC, XFRM_RPLC, SNAPSHOT])
def test_what_is_replaced_was_registered_before(association_type):
    """ITI TF-3: 4.2.2.2.3."""
    name = association_type.rpartition(":")[2]
    one = association(association_type, "Document01", "Document02", entry_uuid="a")
    assert found(submission(one, document_entries=TWO)) == [
        (
            UNRESOLVED,
            f"Association a: {name} has the targetObject 'Document02' of the same submission, "
            "expected a registered one (ITI TF-3: 4.2.2)",
        )
    ]


@pytest.mark.parametrize("association_type", [XFRM, APND, SIGNS])
def test_other_relationships_may_hold_between_new_documents(association_type):
    """ITI TF-3: 4.2.2.2."""
    one = association(association_type, "Document01", "Document02", entry_uuid="a")
    assert found(submission(one, document_entries=TWO)) == []
    to_itself = association(association_type, "Document01", "Document01", entry_uuid="a")
    assert [code for code, _ in found(submission(to_itself))] == [METADATA_ERROR]
    to_folder = association(association_type, "Document01", "Folder01", entry_uuid="a")
    assert [code for code, _ in found(submission(to_folder, folders=[folder()]))] == [METADATA_ERROR]


def test_a_snapshot_is_stable():
    """ITI TF-3: 4.2.2.2.6."""
    one = association(SNAPSHOT, "Document01", REGISTERED, entry_uuid="a")
    entry = document_entry(object_type=ON_DEMAND, creation_time=None, hash=None, size=None)
    assert (
        METADATA_ERROR,
        "Association a: IsSnapshotOf comes from the on-demand 'Document01', "
        "expected a stable DocumentEntry (ITI TF-3: 4.2.2)",
    ) in found(submission(one, document_entries=[entry]))


@pytest.mark.parametrize(
    "association_type",
    [
        "HasMember",
        "RPLC",
        "",
        "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus",
        "urn:ihe:iti:2010:AssociationType:SubmitAssociation",
        "urn:oasis:names:tc:ebxml-regrep:AssociationType:EquivalentTo",
    ],
)
def test_a_type_that_has_no_place_here_is_refused(association_type):
    """ITI TF-3: 4.2.2: ebRIM 2.1 forms and those of metadata update too."""
    ((error_code, context),) = found(submission(association(association_type, "Document01", REGISTERED)))
    assert error_code == METADATA_ERROR
    assert f"associationType '{association_type}' is not allowed here, expected urn:oasis:" in context


def test_a_link_of_a_wrong_type_is_one_error():
    """ITI TF-2: 3.42.4.1.3: the DocumentEntry is not reported as unlinked as well."""
    ((_, context),) = found(linked(association("HasMember", "SubmissionSet01", "Document01")))
    assert "associationType 'HasMember'" in context


@pytest.mark.parametrize(
    ("member", "end", "name"),
    [
        (original("Document99", entry_uuid="a"), "targetObject", "Document99"),
        (has_member("SubmissionSet99", "Document01", entry_uuid="a"), "sourceObject", "SubmissionSet99"),
    ],
)
def test_a_symbolic_id_names_an_object_of_the_message(member, end, name):
    """ITI TF-3: 4.2.3.1.5; one slip is one error: who is not linked cannot be known."""
    assert found(linked(member)) == [
        (
            UNRESOLVED,
            f"Association a: {end} '{name}' is no object of the submission, "
            "expected the id of one or a UUID (ITI TF-3: 4.2.2)",
        )
    ]


def test_both_ends_that_lead_nowhere_are_named():
    """ITI TF-2: 3.42.4.1.3."""
    errors = found(submission(association(RPLC, "x", "y")))
    assert [(error_code, context.split()[3]) for error_code, context in errors] == [
        (UNRESOLVED, "'x'"),
        (UNRESOLVED, "'y'"),
    ]


def test_a_repository_reports_under_its_own_names():
    """ITI TF-3: Table 4.2.4.1-2."""
    errors = found(linked(has_member("SubmissionSet01", "Document01")), ITI_41)
    assert [error_code for error_code, _ in errors] == ["XDSRepositoryMetadataError"]
