"""What queries show of versions: $MetadataLevel, $XDSAssociationStatus and the logical ids.

ITI TF-2: 3.18.4.1.2.3.7 with the Metadata Update Option. One record is asked all of it:

- S1 holds the documents V and W, Folder F with V in it, and W>V, by which W was appended to V;
- S2 brought V2, the next version of V, and S3 brought F2, that of F; neither inherited anything;
- S4 deprecated W>V.
"""

import pytest

from tests.messages import requests
from tests.messages.named_objects import Names
from tests.messages.requests import (
    APPROVED,
    DEPRECATED,
    FAILURE,
    ITI_42,
    ITI_57,
    SUCCESS,
    association,
    slot,
    submit,
)
from tests.wire import envelope, post

APND = "urn:ihe:iti:2007:AssociationType:APND"
STABLE_SLOTS = requests.registered("da39a3ee5e6b4b0d3255bfef95601890afd80709", 0)
REFERENCE = "1^^^^urn:ihe:iti:xds:2013:order"
NEXT = slot("PreviousVersion", "1") + slot("AssociationPropagation", "no")


class Record:
    """The objects above in a running registry."""

    def __init__(self, platform) -> None:
        self.platform = platform
        self.names = Names()
        self.patient_id = platform.add_patient()
        id = self.names.uuid
        self.send(
            "S1",
            self.document("V"),
            association(id("S1"), id("V"), status="Original", id=id("S1>V")),
            self.document("W"),
            association(id("S1"), id("W"), status="Original", id=id("S1>W")),
            association(id("W"), id("V"), APND, id=id("W>V")),
            self.folder("F"),
            association(id("S1"), id("F"), id=id("S1>F")),
            association(id("F"), id("V"), id=id("F>V")),
            association(id("S1"), id("F>V"), id=id("S1>(F>V)")),
            action=ITI_42,
        )
        self.send(
            "S2",
            self.document("V2", version_of="V"),
            association(id("S2"), id("V2"), status="Original", id=id("S2>V2"), more=NEXT),
        )
        self.send(
            "S3",
            self.folder("F2", version_of="F"),
            association(id("S3"), id("F2"), id=id("S3>F2"), more=NEXT),
        )
        self.send("S4", requests.status_change(id("W>V")).replace("SubmissionSet1", id("S4")))

    def document(self, name, version_of=""):
        entry = requests.document_entry(
            self.patient_id,
            self.names.oid(version_of or name),
            self.names.uuid(name),
            slots=STABLE_SLOTS,
            referenceIdList=slot("urn:ihe:iti:xds:2013:referenceIdList", REFERENCE),
        )
        return self.following(version_of, entry)

    def folder(self, name, version_of=""):
        whole = requests.folder(self.patient_id, self.names.oid(version_of or name), self.names.uuid(name))
        return self.following(version_of, whole)

    def following(self, version_of, xml):
        lid = f' lid="{self.names.uuid(version_of)}"' if version_of else ""
        return xml.replace(' id="', f'{lid} id="', 1)

    def send(self, name, *objects, action=ITI_57):
        own = requests.submission_set(self.patient_id, self.names.oid(name), self.names.uuid(name))
        answer = post(self.platform.registry_url, envelope(action, submit(own, *objects)))
        assert answer.status_urn == SUCCESS, answer.errors

    def ask(self, query, *slots):
        whole = dict((*QUERIES[query], *slots)).items()
        spelled = ((name, self.names.spelled(value)) for name, value in whole)
        return self.platform.ask(
            query, *((name, value.replace("PATIENT", self.patient_id)) for name, value in spelled)
        )

    def found(self, query, *slots):
        answer = self.ask(query, *slots)
        assert (answer.status_urn, answer.errors) == (SUCCESS, [])
        return " ".join(self.names.of(answer))


@pytest.fixture(scope="module")
def record(platform) -> Record:
    return Record(platform)


BOTH = f"('{APPROVED}','{DEPRECATED}')"
DOCUMENTS = (("$XDSDocumentEntryPatientId", "'PATIENT'"), ("$XDSDocumentEntryStatus", BOTH))
OF_PATIENTS = (("$XDSDocumentEntryPatientId", "('PATIENT')"), ("$XDSDocumentEntryStatus", BOTH))
OF_REFERENCE = ("$XDSDocumentEntryReferenceIdList", f"('{REFERENCE}')")
# The Slots that every request of a query bears.
QUERIES = {
    "FindDocuments": DOCUMENTS,
    "FindDocumentsByReferenceId": (*DOCUMENTS, OF_REFERENCE),
    "FindDocumentsByTitle": (*DOCUMENTS, ("$XDSDocumentEntryTitle", "('Report')")),
    "FindDocumentsExclude": DOCUMENTS,
    "FindDocumentsForMultiplePatients": OF_PATIENTS,
    "FindDocumentsByReferenceIdForMultiplePatients": (*OF_PATIENTS, OF_REFERENCE),
    "FindFolders": (("$XDSFolderPatientId", "'PATIENT'"), ("$XDSFolderStatus", BOTH)),
    "FindFoldersForMultiplePatients": (("$XDSFolderPatientId", "('PATIENT')"), ("$XDSFolderStatus", BOTH)),
    "GetAll": (
        ("$patientId", "'PATIENT'"),
        ("$XDSDocumentEntryStatus", BOTH),
        ("$XDSSubmissionSetStatus", BOTH),
        ("$XDSFolderStatus", BOTH),
    ),
    "GetDocuments": (("$XDSDocumentEntryUniqueId", "('oid(V)')"),),
    "GetFolders": (("$XDSFolderUniqueId", "('oid(F)')"),),
    "GetAssociations": (("$uuid", "('uuid(V)')"),),
    "GetDocumentsAndAssociations": (("$XDSDocumentEntryUniqueId", "('oid(V)')"),),
    "GetSubmissionSets": (("$uuid", "('uuid(V)')"),),
    "GetSubmissionSetAndContents": (("$XDSSubmissionSetEntryUUID", "'uuid(S1)'"),),
    "GetFolderAndContents": (("$XDSFolderEntryUUID", "'uuid(F)'"),),
    "GetFoldersForDocument": (("$XDSDocumentEntryEntryUUID", "'uuid(V)'"),),
    "GetRelatedDocuments": (
        ("$XDSDocumentEntryEntryUUID", "'uuid(V)'"),
        ("$AssociationTypes", f"('{APND}')"),
    ),
}

# By query: what is shown without $MetadataLevel and at level 1, and what level 2 shows besides.
LEVELS = {
    "FindDocuments": ("V2 W", "V"),
    "FindDocumentsByReferenceId": ("V2 W", "V"),
    "FindDocumentsByTitle": ("V2 W", "V"),
    "FindDocumentsExclude": ("V2 W", "V"),
    "FindDocumentsForMultiplePatients": ("V2 W", "V"),
    "FindDocumentsByReferenceIdForMultiplePatients": ("V2 W", "V"),
    "FindFolders": ("F2", "F"),
    "FindFoldersForMultiplePatients": ("F2", "F"),
    # F>V joins two old versions; the others have a SubmissionSet at their end.
    "GetAll": (
        "F2 S1 S1>(F>V) S1>F S1>V S1>W S2 S2>V2 S3 S3>F2 S4 V2 W",
        "F F>V V W>V",
    ),
    "GetDocuments": ("V2", "V"),
    "GetFolders": ("F2", "F"),
    "GetAssociations": ("F>V S1>V", "W>V"),
    "GetDocumentsAndAssociations": ("S2>V2 V2", "F>V S1>V V W>V"),
    # An entryUUID names one version, whichever it is.
    "GetSubmissionSets": ("S1 S1>V", ""),
    "GetSubmissionSetAndContents": ("S1 S1>W W", "F F>V S1>(F>V) S1>F S1>V V"),
    "GetFolderAndContents": ("F", "F>V V"),
    "GetFoldersForDocument": ("", "F"),
    "GetRelatedDocuments": ("", "V W W>V"),
}


@pytest.mark.parametrize("query", LEVELS)
def test_old_versions_are_shown_at_level_2_alone(record, query):
    """$MetadataLevel: ITI TF-2: 3.18.4.1.2.3.7, MU supplement; no other level is known."""
    always, besides = LEVELS[query]
    assert record.found(query) == always
    assert record.found(query, ("$MetadataLevel", "1")) == always
    everything = " ".join(sorted(f"{always} {besides}".split()))
    assert record.found(query, ("$MetadataLevel", "2")) == everything
    answer = record.ask(query, ("$MetadataLevel", "3"))
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryError"])


# By query: Approved, Deprecated, and both.
ASSOCIATION_STATUS = {
    "GetAll": (
        "F2 S1 S1>(F>V) S1>F S1>V S1>W S2 S2>V2 S3 S3>F2 S4 V2 W",
        "F2 S1 S2 S3 S4 V2 W W>V",
        "F2 S1 S1>(F>V) S1>F S1>V S1>W S2 S2>V2 S3 S3>F2 S4 V2 W W>V",
    ),
    "GetAssociations": ("F>V S1>V", "W>V", "F>V S1>V W>V"),
    "GetDocumentsAndAssociations": ("F>V S1>V S2>V2 V V2", "V V2 W>V", "F>V S1>V S2>V2 V V2 W>V"),
    "GetRelatedDocuments": ("", "V W W>V", "V W W>V"),
}


@pytest.mark.parametrize("query", ASSOCIATION_STATUS)
def test_associations_are_found_by_their_status(record, query):
    """$XDSAssociationStatus: ITI TF-2: 3.18.4.1.2.3.7, MU supplement."""
    approved, deprecated, both = ASSOCIATION_STATUS[query]
    level = (("$MetadataLevel", "2"),) if query == "GetDocumentsAndAssociations" else ()
    name = "$XDSAssociationStatus"
    assert record.found(query, *level, (name, f"('{APPROVED}')")) == approved
    assert record.found(query, *level, (name, f"('{DEPRECATED}')")) == deprecated
    assert record.found(query, *level, (name, BOTH)) == both


LOGICAL_IDS = {
    "GetDocuments": ("$XDSDocumentEntryLogicalID", "$XDSDocumentEntryUniqueId", "('uuid(V)')", "V V2"),
    "GetFolders": ("$XDSFolderLogicalID", "$XDSFolderUniqueId", "('uuid(F)')", "F F2"),
}


@pytest.mark.parametrize("query", LOGICAL_IDS)
def test_a_logical_id_names_every_version(record, query):
    """ITI TF-2: 3.18.4.1.2.3.7.5, 3.18.4.1.2.3.7.6 and the MU supplement: at level 2, and nowhere else."""
    name, usual, value, finds = LOGICAL_IDS[query]
    instead = (usual, ""), (name, value)
    assert record.found(query, *instead, ("$MetadataLevel", "2")) == finds
    answer = record.ask(query, *instead)
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryError"])


NAMED_VERSIONS = [
    ("GetDocuments", ("$XDSDocumentEntryUniqueId", ""), ("$XDSDocumentEntryEntryUUID", "('uuid(V)')"), "V"),
    ("GetFolders", ("$XDSFolderUniqueId", ""), ("$XDSFolderEntryUUID", "('uuid(F)')"), "F"),
]


@pytest.mark.parametrize(("query", "usual", "instead", "finds"), NAMED_VERSIONS)
def test_an_entry_uuid_names_a_version_at_any_level(record, query, usual, instead, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.5, 3.18.4.1.2.3.7.6 and the MU supplement."""
    assert record.found(query, usual, instead) == finds
    assert record.found(query, usual, instead, ("$MetadataLevel", "2")) == finds
