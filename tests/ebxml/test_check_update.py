"""What an update must look like before anything is looked up (MU supplement: 3.57.4.1.3; RMU: 3.92.4.1.3)."""

from dataclasses import replace

import pytest

from ebxml.affinity_domain import AffinityDomain
from ebxml.check_update import errors_in_restricted_update, errors_in_update
from ebxml.model import Slot
from tests.messages.registry_objects import (
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    OTHER_PATIENT,
    SIGNS,
    association,
    document_entry,
    folder,
)
from tests.messages.updates import PACKAGE, membership, status_change, submitted, update

DOMAIN = AffinityDomain(home_community_id="urn:oid:2.999.9", assigning_authorities=frozenset({"2.999.3"}))
LID = "urn:uuid:aaaaaaaa-0000-4000-8000-00000000000a"
LID2 = "urn:uuid:bbbbbbbb-0000-4000-8000-00000000000b"
TARGET = "urn:uuid:cccccccc-0000-4000-8000-00000000000c"
NEW = document_entry("new", logical_id=LID)
NEW_FOLDER = folder("new folder", logical_id=LID2)


def codes(request, errors_in=errors_in_update):
    return [error.code for error in errors_in(request, DOMAIN)]


def restricted(request):
    return codes(request, errors_in_restricted_update)


def test_each_operation_is_right_as_its_builder_makes_it():
    """3.57.4.1.2."""
    operations = (status_change(TARGET), *submitted(association(SIGNS, TARGET, LID2)))
    assert codes(update(NEW, NEW_FOLDER, associations=operations)) == []
    assert restricted(update(NEW)) == []


@pytest.mark.parametrize("lid", [None, "new"], ids=["absent", "its own id"])
@pytest.mark.parametrize("obj", [NEW, NEW_FOLDER], ids=["DocumentEntry", "Folder"])
def test_an_initial_registration_is_no_update(obj, lid):
    """XDSMetadataUpdateError in ITI-57."""
    own = obj.entry_uuid if lid else None
    assert codes(update(replace(obj, logical_id=own))) == ["XDSMetadataUpdateError"]


@pytest.mark.parametrize("lid", [None, "new"], ids=["absent", "its own id"])
def test_an_initial_registration_is_no_restricted_update(lid):
    """XDSInvalidRequestException in ITI-92."""
    assert restricted(update(replace(NEW, logical_id=lid))) == ["XDSInvalidRequestException"]


def test_a_lid_is_a_uuid():
    """XDSMetadataUpdateError."""
    request = update(replace(NEW, logical_id="symbolic"))
    assert (codes(request), restricted(request)) == (["XDSMetadataUpdateError"], ["XDSMetadataUpdateError"])


def test_a_new_version_belongs_to_the_submission_set():
    """XDSMetadataUpdateError, and XDSMetadataAnnotationError in ITI-92."""
    request = update(NEW, unannotated=True)
    assert (codes(request), restricted(request)) == (
        ["XDSMetadataUpdateError"],
        ["XDSMetadataAnnotationError"],
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"previous_version": None},
        {"previous_version": "one"},
        {"submission_set_status": None},
        {"submission_set_status": "Reference"},
        {"association_propagation": "maybe"},
    ],
)
def test_the_membership_says_what_is_updated_and_how(wrong):
    """XDSMetadataUpdateOperationError, and XDSMetadataAnnotationError in ITI-92."""
    request = update(NEW, unannotated=True, associations=(replace(membership(NEW), **wrong),))
    assert (codes(request), restricted(request)) == (
        ["XDSMetadataUpdateOperationError"],
        ["XDSMetadataAnnotationError"],
    )


def test_a_logical_object_is_updated_once_in_a_request():
    """XDSMetadataUpdateOperationError."""
    assert codes(update(NEW, document_entry("twice", logical_id=LID))) == ["XDSMetadataUpdateOperationError"]


def test_metadata_is_complete_and_not_a_difference():
    """XDSRegistryMetadataError."""
    request = update(replace(NEW, class_code=None))
    assert (codes(request), restricted(request)) == (
        ["XDSRegistryMetadataError"],
        ["XDSRegistryMetadataError"],
    )


def test_entry_and_submission_set_are_of_one_patient():
    """XDSPatientIdDoesNotMatch, and XDSPatientIDReconciliationError in ITI-92."""
    request = update(replace(NEW, patient_id=OTHER_PATIENT))
    assert (codes(request), restricted(request)) == (
        ["XDSPatientIdDoesNotMatch"],
        ["XDSPatientIDReconciliationError"],
    )


def test_a_request_asks_for_something():
    """XDSMetadataUpdateError."""
    assert codes(update()) == ["XDSMetadataUpdateError"]
    assert restricted(update()) == ["XDSInvalidRequestException"]


def test_what_belongs_to_no_operation_is_refused():
    """XDSMetadataUpdateError."""
    loose = association(HAS_MEMBER, TARGET, LID)
    assert codes(update(NEW, associations=(loose,))) == ["XDSMetadataUpdateError"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"original_status": None},
        {"new_status": None},
        {"new_status": "Deprecated"},
        {"new_status": APPROVED},
        {"extra": (Slot("OtherStatus", (DEPRECATED,)),)},
        {"association_propagation": "no"},
    ],
)
def test_a_status_change_has_its_two_slots_and_no_other(wrong):
    """XDSMetadataUpdateOperationError."""
    request = update(associations=(replace(status_change(TARGET), **wrong),))
    assert set(codes(request)) == {"XDSMetadataUpdateOperationError"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((replace(status_change(TARGET), source_object=LID),), "XDSMetadataUpdateError"),
        ((status_change(PACKAGE),), "XDSMetadataUpdateError"),
        ((status_change("nothing"),), "UnresolvedReferenceException"),
        ((status_change(TARGET), status_change(TARGET)), "XDSMetadataUpdateOperationError"),
    ],
    ids=["source", "target", "unresolved", "twice"],
)
def test_a_status_change_goes_from_the_submission_set_to_what_has_one(changes, expected):
    """3.57.4.1.3.3.3."""
    assert codes(update(associations=changes)) == [expected]


PAYLOAD = association(SIGNS, TARGET, LID, entry_uuid="payload")
TRIGGER = submitted(PAYLOAD)[1]


@pytest.mark.parametrize(
    ("associations", "expected"),
    [
        ((PAYLOAD, replace(TRIGGER, source_object=LID)), ["XDSMetadataUpdateError"]),
        ((replace(TRIGGER, target_object=LID),), ["XDSMetadataUpdateError"]),
        ((replace(PAYLOAD, association_type="urn:x:y"), TRIGGER), ["XDSRegistryMetadataError"]),
        ((replace(PAYLOAD, logical_id=LID2), TRIGGER), ["XDSMetadataUpdateError"]),
        ((replace(PAYLOAD, source_object=PACKAGE), TRIGGER), ["XDSMetadataUpdateError"]),
        ((replace(PAYLOAD, source_object="nothing"), TRIGGER), ["UnresolvedReferenceException"]),
    ],
    ids=["source", "no payload", "type", "version", "SubmissionSet", "unresolved"],
)
def test_a_submitted_association_is_a_new_one_between_documents(associations, expected):
    """3.57.4.1.3.3.4."""
    assert codes(update(associations=associations)) == expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (update(NEW, NEW_FOLDER), "XDSObjectTypeError"),
        (update(NEW, associations=(status_change(TARGET),)), "UnmodifiableMetadataError"),
        (update(NEW, associations=submitted(PAYLOAD)), "XDSMetadataUpdateError"),
        (update(NEW, propagate="no"), "XDSMetadataAnnotationError"),
        (update(replace(NEW, home_community_id="urn:oid:2.999.1")), "UnmodifiableMetadataError"),
    ],
    ids=["Folder", "status", "Association", "propagation", "home"],
)
def test_a_restricted_update_is_of_documents_alone(request_, expected):
    """3.92.4.1.3."""
    assert expected in restricted(request_)
