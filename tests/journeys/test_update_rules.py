"""What an update is refused for, by ITI-57 and by ITI-92, each rule by itself (MU and RMU supplements).

The record: S1 holds the documents A and B, Folder F with A in it, and B>A, by which B signs A; S2 holds N,
which replaced D. E is on-demand, L stands alone; another patient has document Z. What is refused changes
nothing.
"""

import pytest

from tests.messages import requests
from tests.messages.named_record import TYPES, NamedRecord, accepted
from tests.messages.requests import (
    APPROVED,
    DEPRECATED,
    FAILURE,
    ITI_57,
    ITI_61,
    ITI_92,
    ON_DEMAND,
    STABLE,
    association,
    fresh_uuid,
    slot,
)
from tests.services.platform import Platform

OFFLINE = "urn:ihe:iti:2010:DocumentAvailability:Offline"


class Record(NamedRecord):
    """The record above, and the other patient's."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.register("S1", documents="AB", folders="F", places=["F>A"], links=["B signs A"])
        self.register("S0", documents="D")
        self.register("S2", documents="N", links=["N RPLC D"])
        entry = self.on_demand("E") + self.link("S3>E", status="Original")
        accepted(self.send("S3", more=entry, action=ITI_61))
        self.register("S4", documents="L")
        self.other = NamedRecord(platform, self.names)
        self.other.register("S9", documents="Z")


@pytest.fixture(scope="module")
def record(platform: Platform) -> Record:
    return Record(platform)


def without_lid(record, **of):
    return record.version("A2", "A", inside="S").replace(f'lid="{record.names.uuid("A")}" ', "")


def own_lid(record):
    return record.version("A2", "A", inside="S").replace(
        f'lid="{record.names.uuid("A")}"', f'lid="{record.names.uuid("A2")}"'
    )


def other_lid(record, lid):
    return record.version("A2", "A", inside="S").replace(f'lid="{record.names.uuid("A")}"', f'lid="{lid}"')


def status_of_membership(record, status):
    return record.version("A2", "A", inside="S").replace("<rim:Value>Original<", f"<rim:Value>{status}<")


def other_unique_id(record):
    return record.version("A2", "A", inside="S").replace(record.names.oid("A"), record.names.oid("A2"))


def other_type(record):
    created = slot("creationTime", "20240102030405")
    made = (slot("hash", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), slot("size", "0"), created)
    changed = record.version("A2", "A", inside="S").replace(STABLE, ON_DEMAND)
    for each in made:
        changed = changed.replace(each, "")
    return changed


def of_other_patient(record):
    return record.version("A2", "A", inside="S").replace(
        record.patient_id.replace("&", "&amp;"), record.other.patient_id.replace("&", "&amp;")
    )


# By rule: the request, and the codes of ITI-57 and ITI-92; the MU supplement gives no code where both are "".
VERSIONS = {
    "an update names its logical object by lid": (
        without_lid, "XDSMetadataUpdateError", "XDSInvalidRequestException"
    ),
    "the lid of an update is not its own id": (
        own_lid, "XDSMetadataUpdateError", "XDSInvalidRequestException"
    ),
    "a lid is a UUID": (
        lambda record: other_lid(record, "urn:oid:2.999"), "XDSMetadataUpdateError", "XDSMetadataUpdateError"
    ),
    "a lid is that of a registered document": (
        lambda record: other_lid(record, fresh_uuid()), "XDSMetadataVersionError", "XDSMetadataVersionError"
    ),
    "a new version is a member of the SubmissionSet": (
        lambda record: record.version("A2", "A"), "XDSMetadataUpdateError", "XDSMetadataAnnotationError"
    ),
    "the membership of a new version has PreviousVersion": (
        lambda record: record.version("A2", "A", inside="S", previous=""),
        "XDSMetadataUpdateOperationError", "XDSMetadataAnnotationError",
    ),
    "PreviousVersion is a number": (
        lambda record: record.version("A2", "A", inside="S", previous="one"),
        "XDSMetadataUpdateOperationError", "XDSMetadataAnnotationError",
    ),
    "PreviousVersion is the latest version": (
        lambda record: record.version("A2", "A", inside="S", previous="2"),
        "XDSMetadataVersionError", "XDSMetadataVersionError",
    ),
    "the SubmissionSetStatus of a new version is Original": (
        lambda record: status_of_membership(record, "Reference"),
        "XDSMetadataUpdateOperationError", "XDSMetadataAnnotationError",
    ),
    "AssociationPropagation is yes or no": (
        lambda record: record.version("A2", "A", inside="S", propagate="maybe"),
        "XDSMetadataUpdateOperationError", "XDSMetadataAnnotationError",
    ),
    "the uniqueId of a document stays": (
        other_unique_id, "XDSMetadataUpdateError", "XDSMetadataIdentifierError"
    ),
    "the objectType of a document stays": (other_type, "XDSMetadataUpdateError", "UnmodifiableMetadataError"),
    "new metadata is complete": (
        lambda record: record.version("A2", "A", inside="S", languageCode=""),
        "XDSRegistryMetadataError", "XDSRegistryMetadataError",
    ),
    "new metadata is well formed": (
        lambda record: record.version("A2", "A", inside="S", creationTime=slot("creationTime", "20240230")),
        "XDSRegistryMetadataError", "XDSRegistryMetadataError",
    ),
    "a new version and its SubmissionSet are of one patient": (
        of_other_patient, "XDSPatientIdDoesNotMatch", "XDSPatientIDReconciliationError"
    ),
    "the entryUUID of a new version is its own": (
        lambda record: record.version("B", "A", inside="S"),
        "XDSRegistryMetadataError", "XDSRegistryMetadataError",
    ),
    "what belongs to no operation is refused": (
        lambda record: record.version("A2", "A", inside="S") + record.link("B APND A"),
        "XDSMetadataUpdateError", "XDSMetadataAnnotationError",
    ),
    "an update asks for something": (
        lambda record: "", "XDSMetadataUpdateError", "XDSInvalidRequestException"
    ),
}  # fmt: skip


@pytest.mark.parametrize("action", [ITI_57, ITI_92])
@pytest.mark.parametrize(("request_of", "code", "restricted"), VERSIONS.values(), ids=VERSIONS.keys())
def test_a_wrong_version_is_refused(record, action, request_of, code, restricted):
    """MU supplement: 3.57.4.1.3.3.1; RMU supplement: 3.92.4.1.3."""
    assert set(refused(record, request_of(record), action)) == {code if action == ITI_57 else restricted}


def refused(record: NamedRecord, more: str, action: str) -> list[str]:
    """The codes of a refusal, after seeing that it left all as it was."""
    before = record.held()
    answer = record.send("S", more=more, action=action)
    assert answer.status_urn == FAILURE, answer.body
    assert record.held() == before
    return answer.codes


def in_place_of_set(record, xml, other):
    """A trigger that comes from something else than the request's SubmissionSet."""
    return xml.replace(
        f'sourceObject="{record.names.uuid("S")}"', f'sourceObject="{record.names.uuid(other)}"'
    )


def twice(record):
    second = record.version("A3", "A", inside="S")
    return record.version("A2", "A", inside="S") + second.replace("member", "other")


def with_lid(record):
    payload = record.submitted("S", "N APND B")
    return payload.replace("<rim:Association id", f'<rim:Association lid="{record.names.uuid("B>A")}" id', 1)


# By rule: the request and its codes.
OPERATIONS = {
    "a Deprecated document is not updated": (
        lambda record: record.version("D2", "D", inside="S"), "XDSMetadataUpdateError"
    ),
    "a logical object is updated once in a request": (
        twice, "XDSMetadataUpdateOperationError XDSRegistryDuplicateUniqueIdInMessage"
    ),
    "a Folder update has PreviousVersion": (
        lambda record: record.folder_version("F2", "F", inside="S", previous=""),
        "XDSMetadataUpdateOperationError",
    ),
    "a Folder update names a registered Folder": (
        lambda record: record.folder_version("F2", "G", inside="S"), "XDSMetadataUpdateError"
    ),
    "a Folder update follows the latest version": (
        lambda record: record.folder_version("F2", "F", inside="S", previous="7"), "XDSMetadataVersionError"
    ),
    "a status change comes from the SubmissionSet": (
        lambda record: in_place_of_set(record, record.change("S", "A"), "S1"), "XDSMetadataUpdateError"
    ),
    "OriginalStatus is the present status": (
        lambda record: record.change("S", "A", DEPRECATED, APPROVED), "XDSMetadataUpdateError"
    ),
    "a status changes to another one": (
        lambda record: record.change("S", "A", APPROVED, APPROVED), "XDSMetadataUpdateOperationError"
    ),
    "a status change has OriginalStatus": (
        lambda record: record.change("S", "A", ""), "XDSMetadataUpdateOperationError"
    ),
    "a status change has NewStatus": (
        lambda record: record.change("S", "A", APPROVED, ""), "XDSMetadataUpdateOperationError"
    ),
    "a status is spelled whole": (
        lambda record: record.change("S", "A", APPROVED, "Deprecated"), "XDSMetadataUpdateOperationError"
    ),
    "a status is changed once in a request": (
        lambda record: record.change("S", "A") + record.change("S", "A").replace('id="change', 'id="again'),
        "XDSMetadataUpdateOperationError",
    ),
    "the status of a SubmissionSet stays": (
        lambda record: record.change("S", "S1"), "XDSMetadataUpdateError"
    ),
    "the status of a Folder stays": (lambda record: record.change("S", "F"), "XDSMetadataUpdateError"),
    "the status of a membership in a SubmissionSet stays": (
        lambda record: record.change("S", "S1>A"), "XDSMetadataUpdateError"
    ),
    "the status of what is not there cannot be changed": (
        lambda record: record.change("S", "X"), "UnresolvedReferenceException"
    ),
    "the status of another patient's document stays": (
        lambda record: record.change("S", "Z"), "XDSPatientIDReconciliationError"
    ),
    "a new version is Approved already": (
        lambda record: record.version("A2", "A", inside="S") + record.change("S", "A2", DEPRECATED, APPROVED),
        "XDSMetadataUpdateError",
    ),
    "a submitted Association is one of the request": (
        lambda record: association(
            record.names.uuid("S"), record.names.uuid("B>A"), TYPES["SubmitAssociation"], id="submits"
        ),
        "XDSMetadataUpdateError",
    ),
    "a SubmitAssociation comes from the SubmissionSet": (
        lambda record: in_place_of_set(record, record.submitted("S", "N APND B"), "S1"),
        "XDSMetadataUpdateError",
    ),
    "the ends of a submitted Association are registered": (
        lambda record: record.submitted("S", "B APND X"), "UnresolvedReferenceException"
    ),
    "neither end of a submitted Association is Deprecated": (
        lambda record: record.submitted("S", "B APND D"), "XDSMetadataUpdateError"
    ),
    "neither end of a submitted Association is a SubmissionSet": (
        lambda record: record.submitted("S", "S1>N"), "XDSMetadataUpdateError"
    ),
    "a submitted relationship joins documents": (
        lambda record: record.submitted("S", "F APND B"), "XDSMetadataUpdateError"
    ),
    "a submitted membership joins a Folder and a document": (
        lambda record: record.submitted("S", "A>B"), "XDSMetadataUpdateError"
    ),
    "a submitted Association is of a known type": (
        lambda record: record.submitted("S", "N APND B").replace(TYPES["APND"], "urn:example:Likes"),
        "XDSRegistryMetadataError",
    ),
    "a submitted Association joins objects of one patient": (
        lambda record: record.submitted("S", "B APND Z"), "XDSPatientIDReconciliationError"
    ),
    "a submitted Association is not there already": (
        lambda record: record.submitted("S", "B signs A").replace(record.names.uuid("B>A"), fresh_uuid()),
        "XDSMetadataUpdateError",
    ),
    "Associations have no versions": (with_lid, "XDSMetadataUpdateError"),
    "an update that propagates and a submitted Association do not meet": (
        lambda record: record.version("A2", "A", inside="S") + record.submitted("S", "N APND A2"),
        "XDSMetadataUpdateOperationError",
    ),
    "one wrong operation undoes all": (
        lambda record: record.change("S", "B") + record.version("A2", "A", inside="S", previous="7"),
        "XDSMetadataVersionError",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("request_of", "code"), OPERATIONS.values(), ids=OPERATIONS.keys())
def test_a_wrong_operation_is_refused(record, request_of, code):
    """MU supplement: 3.57.4.1.3."""
    assert set(refused(record, request_of(record), ITI_57)) == set(code.split())


def test_a_document_in_a_folder_does_not_move_to_another_patient_alone(record):
    """MU supplement: 3.57.4.1.3.3.1.3; XDSPatientIDReconciliationError."""
    moved = NamedRecord(record.platform, record.names)
    answer = moved.send("S", more=moved.version("A2", "A", inside="S"), action=ITI_57)
    assert answer.codes
    assert set(answer.codes) == {"XDSPatientIDReconciliationError"}


def test_the_patient_of_a_new_version_is_known(record):
    """MU supplement: 3.57.4.1.3; XDSUnknownPatientId."""
    nobody = requests.fresh_patient_id()
    change = record.version("L2", "L", inside="S") + record.submission_set("S")
    told = change.replace(record.patient_id.replace("&", "&amp;"), nobody.replace("&", "&amp;"))
    answer = requests.submit(told)
    refusal = record.platform.register(answer, ITI_57)
    assert refusal.errors == [("XDSUnknownPatientId", nobody)]


def other_home(record):
    return record.version("A2", "A", inside="S").replace(" mimeType", ' home="urn:oid:2.999.9" mimeType', 1)


# By rule: the request and its code.
RESTRICTIONS = {
    "a restricted update is of no Folder": (
        lambda record: record.version("A2", "A", inside="S") + record.folder_version("F2", "F", inside="S"),
        "XDSObjectTypeError",
    ),
    "a restricted update changes no status": (
        lambda record: record.version("A2", "A", inside="S") + record.change("S", "B"),
        "UnmodifiableMetadataError",
    ),
    "a restricted update submits no Association": (
        lambda record: record.version("A2", "A", inside="S") + record.submitted("S", "B APND N"),
        "XDSMetadataUpdateError",
    ),
    "a restricted update propagates": (
        lambda record: record.version("A2", "A", inside="S", propagate="no"), "XDSMetadataAnnotationError"
    ),
    "sourcePatientId stays": (
        lambda record: record.version(
            "A2", "A", inside="S", sourcePatientId=slot("sourcePatientId", "MRN8^^^&2.999.7&ISO")
        ),
        "UnmodifiableMetadataError",
    ),
    "repositoryUniqueId stays": (
        lambda record: record.version("A2", "A", inside="S").replace(">2.999.2.1<", ">2.999.2.9<"),
        "UnmodifiableMetadataError",
    ),
    "documentAvailability stays": (
        lambda record: record.version(
            "A2", "A", inside="S", documentAvailability=slot("documentAvailability", OFFLINE)
        ),
        "UnmodifiableMetadataError",
    ),
    "homeCommunityId stays": (other_home, "UnmodifiableMetadataError"),
}  # fmt: skip


@pytest.mark.parametrize(("request_of", "code"), RESTRICTIONS.values(), ids=RESTRICTIONS.keys())
def test_a_restricted_update_is_refused_what_it_may_not_change(record, request_of, code):
    """RMU supplement: 3.92.4.1.3."""
    assert set(refused(record, request_of(record), ITI_92)) == {code}


def test_the_patient_of_a_document_stays_in_a_restricted_update(record):
    """RMU supplement: 3.92.4.1.3; XDSPatientIDReconciliationError."""
    moved = NamedRecord(record.platform, record.names)
    answer = moved.send("S", more=moved.version("L2", "L", inside="S"), action=ITI_92)
    assert answer.codes == ["XDSPatientIDReconciliationError"]
