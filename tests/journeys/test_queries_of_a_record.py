"""The queries that follow the structure of a record: each parameter finds what it says, and nothing else.

One record is asked all of it (ITI TF-2: 3.18.4.1.2.3.7). An Association is called by its ends:

- S1 holds the documents A and B, and Folder F with both of them in it;
- S2 holds document C, transformed from A, and Folder G, into which it puts A;
- S3 holds the on-demand document E, and S4 its snapshot N;
- another patient has SubmissionSet S9 with document Z, and Folder H of S9.
"""

import pytest

from tests.messages import requests
from tests.messages.named_objects import Names
from tests.messages.requests import (
    APPROVED,
    AUTHOR_OF_SUBMISSION_SET,
    DEPRECATED,
    FAILURE,
    ITI_42,
    ITI_61,
    ON_DEMAND,
    STABLE,
    SUCCESS,
    association,
    codes,
    slot,
    submit,
)
from tests.services.platform import Platform
from tests.wire import HttpAnswer, envelope, post

XFRM = "urn:ihe:iti:2007:AssociationType:XFRM"
APND = "urn:ihe:iti:2007:AssociationType:APND"
IS_SNAPSHOT_OF = "urn:ihe:iti:2010:AssociationType:IsSnapshotOf"
STABLE_SLOTS = requests.registered("da39a3ee5e6b4b0d3255bfef95601890afd80709", 0)
ON_DEMAND_SLOTS = slot("repositoryUniqueId", requests.REPOSITORY)
BOTH = f"('{APPROVED}','{DEPRECATED}')"


class Record:
    """The objects above in a running registry."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.names = Names()
        self.patients = {"PATIENT1": platform.add_patient(), "PATIENT2": platform.add_patient()}
        first, second = self.patients.values()
        id = self.names.uuid
        self.send(
            first,
            self.submission_set("S1", first),
            self.document("S1", "A", first, format="X", level="N"),
            self.document("S1", "B", first, format="Y", level="R"),
            self.folder("S1", "F", first, "PREGNANCY^^2.999.1", "DIABETES^^2.999.1"),
            *self.placed("S1", "F", "A"),
            *self.placed("S1", "F", "B"),
        )
        self.send(
            first,
            self.submission_set(
                "S2",
                first,
                submissionTime=slot("submissionTime", "20220203040506"),
                author=requests.author(id("S2"), AUTHOR_OF_SUBMISSION_SET, slot("authorPerson", "^O'Brien")),
                contentTypeCode=codes(id("S2"), "contentTypeCode", "VISIT^^2.999.2"),
                sourceId=requests.source_id("2.999.66", id("S2")),
            ),
            self.document("S2", "C", first, format="X", level="R"),
            association(id("C"), id("A"), XFRM, id=id("C>A")),
            self.folder("S2", "G", first, "PREGNANCY^^2.999.2"),
            *self.placed("S2", "G", "A"),
        )
        self.send(
            first,
            self.submission_set("S3", first),
            self.document("S3", "E", first, object_type=ON_DEMAND, slots=ON_DEMAND_SLOTS, creationTime=""),
            action=ITI_61,
        )
        self.send(
            first,
            self.submission_set("S4", first),
            self.document("S4", "N", first),
            association(id("N"), id("E"), IS_SNAPSHOT_OF, id=id("N>E")),
        )
        self.send(
            second,
            self.submission_set("S9", second),
            self.document("S9", "Z", second),
            self.folder("S9", "H", second, "PREGNANCY^^2.999.1"),
        )

    def submission_set(self, name, patient_id, **attributes):
        return requests.submission_set(patient_id, self.names.oid(name), self.names.uuid(name), **attributes)

    def document(self, inside, name, patient_id, format="T", level="N", slots=STABLE_SLOTS, **attributes):
        id = self.names.uuid(name)
        entry = requests.document_entry(
            patient_id,
            self.names.oid(name),
            id,
            slots=slots,
            formatCode=codes(id, "formatCode", f"{format}^^2.999.1"),
            confidentialityCode=codes(id, "confidentialityCode", f"{level}^^2.999.1", "ALL^^2.999.1"),
            **attributes,
        )
        return entry + association(
            self.names.uuid(inside), id, status="Original", id=self.names.uuid(f"{inside}>{name}")
        )

    def folder(self, inside, name, patient_id, *code_list):
        id = self.names.uuid(name)
        whole = requests.folder(
            patient_id, self.names.oid(name), id, codeList=codes(id, "codeList", *code_list)
        )
        return whole + association(self.names.uuid(inside), id, id=self.names.uuid(f"{inside}>{name}"))

    def placed(self, inside, folder, document):
        """The membership of a document in a Folder, and that of the membership in the SubmissionSet."""
        id = self.names.uuid
        member = f"{folder}>{document}"
        return (
            association(id(folder), id(document), id=id(member)),
            association(id(inside), id(member), id=id(f"{inside}>({member})")),
        )

    def send(self, patient_id, *objects, action=ITI_42):
        answer = post(self.platform.registry_url, envelope(action, submit(*objects)))
        assert answer.status_urn == SUCCESS, answer.errors

    def ask(self, query, *slots, return_type="LeafClass") -> HttpAnswer:
        """Each value as on the wire, but for the ids of patients and objects."""
        spelled = [(name, self.names.spelled(value)) for name, value in slots]
        for word, patient_id in self.patients.items():
            spelled = [(name, value.replace(word, patient_id)) for name, value in spelled]
        return self.platform.ask(query, *spelled, return_type=return_type)

    def found(self, query, *slots) -> str:
        answer = self.ask(query, *slots)
        assert (answer.status_urn, answer.errors) == (SUCCESS, [])
        return " ".join(self.names.of(answer))


@pytest.fixture(scope="module")
def record(platform) -> Record:
    return Record(platform)


def of_patient(prefix: str, value: str = "'PATIENT1'"):
    return ((f"{prefix}PatientId", value), (f"{prefix}Status", f"('{APPROVED}')"))


# In all lists: the Slots, and the names of what is found. A later Slot takes the place of an earlier one.
FIND_SUBMISSION_SETS = [
    ((), "S1 S2 S3 S4"),
    ((("$XDSSubmissionSetPatientId", "'PATIENT2'"),), "S9"),
    ((("$XDSSubmissionSetPatientId", "'nobody^^^&2.999.5&ISO'"),), ""),
    ((("$XDSSubmissionSetStatus", f"('{DEPRECATED}')"),), ""),
    ((("$XDSSubmissionSetStatus", BOTH),), "S1 S2 S3 S4"),
    ((("$XDSSubmissionSetSourceId", "('2.999.66')"),), "S2"),
    ((("$XDSSubmissionSetSourceId", "('2.999.6')"),), "S1 S3 S4"),
    ((("$XDSSubmissionSetSourceId", "('2.999.66','2.999.6')"),), "S1 S2 S3 S4"),
    ((("$XDSSubmissionSetSubmissionTimeFrom", "20220203040506"),), "S1 S2 S3 S4"),
    ((("$XDSSubmissionSetSubmissionTimeFrom", "20220203040507"),), "S1 S3 S4"),
    ((("$XDSSubmissionSetSubmissionTimeTo", "20220203040506"),), ""),
    ((("$XDSSubmissionSetSubmissionTimeTo", "202203"),), "S2"),
    ((("$XDSSubmissionSetAuthorPerson", "'%O''Brien'"),), "S2"),
    ((("$XDSSubmissionSetAuthorPerson", "'_Weber%'"),), "S1 S3 S4"),
    ((("$XDSSubmissionSetAuthorPerson", "'Weber'"),), ""),
    ((("$XDSSubmissionSetContentType", "('VISIT^^2.999.2')"),), "S2"),
    ((("$XDSSubmissionSetContentType", "('VISIT^^2.999.2','VISIT^^2.999.1')"),), "S1 S2 S3 S4"),
    ((("$XDSSubmissionSetContentType", "('OTHER^^2.999.1')"),), ""),
]


@pytest.mark.parametrize(("slots", "finds"), FIND_SUBMISSION_SETS)
def test_find_submission_sets(record, slots, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.2."""
    whole = dict((*of_patient("$XDSSubmissionSet"), *slots)).items()
    assert record.found("FindSubmissionSets", *whole) == finds


FOLDER_FILTERS = [
    ((), "F G"),
    ((("$XDSFolderStatus", f"('{DEPRECATED}')"),), ""),
    ((("$XDSFolderStatus", BOTH),), "F G"),
    ((("$XDSFolderLastUpdateTimeFrom", "2024"), ("$XDSFolderLastUpdateTimeTo", "2200")), "F G"),
    ((("$XDSFolderLastUpdateTimeFrom", "2200"),), ""),
    ((("$XDSFolderLastUpdateTimeTo", "2024"),), ""),
    ((("$XDSFolderCodeList", "('PREGNANCY^^2.999.1')"),), "F"),
    ((("$XDSFolderCodeList", "('PREGNANCY^^2.999.1','PREGNANCY^^2.999.2')"),), "F G"),
    ((("$XDSFolderCodeList", "('DIABETES^^2.999.2')"),), ""),
]


@pytest.mark.parametrize(("slots", "finds"), FOLDER_FILTERS)
@pytest.mark.parametrize(
    ("query", "patient_id"),
    [("FindFolders", "'PATIENT1'"), ("FindFoldersForMultiplePatients", "('PATIENT1')")],
)
def test_folders_are_found_by_their_metadata(record, query, patient_id, slots, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.3, 3.51.4.1.2.3."""
    whole = dict((*of_patient("$XDSFolder", patient_id), *slots)).items()
    assert record.found(query, *whole) == finds


@pytest.mark.parametrize(
    ("query", "patient_id", "finds"),
    [
        ("FindFolders", ("$XDSFolderPatientId", "'PATIENT2'"), "H"),
        ("FindFolders", ("$XDSFolderPatientId", "'nobody^^^&2.999.5&ISO'"), ""),
        ("FindFoldersForMultiplePatients", ("$XDSFolderPatientId", "('PATIENT2')"), "H"),
        ("FindFoldersForMultiplePatients", ("$XDSFolderPatientId", "('PATIENT2','PATIENT1')"), "F G H"),
    ],
)
def test_folders_are_found_by_their_patients(record, query, patient_id, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.3, 3.51.4.1.2.3."""
    assert record.found(query, patient_id, ("$XDSFolderStatus", f"('{APPROVED}')")) == finds


@pytest.mark.parametrize(
    ("query", "patient_id"),
    [("FindFolders", "'PATIENT1'"), ("FindFoldersForMultiplePatients", "('PATIENT1')")],
)
def test_a_folder_is_of_every_code_list_asked_for(record, query, patient_id):
    """ITI TF-2: 3.18.4.1.2.3.5; the Slots are ANDed."""
    of = of_patient("$XDSFolder", patient_id)
    both = ("$XDSFolderCodeList", "('PREGNANCY^^2.999.1')"), ("$XDSFolderCodeList", "('DIABETES^^2.999.1')")
    assert record.found(query, *of, *both) == "F"
    other = ("$XDSFolderCodeList", "('PREGNANCY^^2.999.2')")
    assert record.found(query, *of, *both, other) == ""


@pytest.mark.parametrize(
    ("query", "patient_id"),
    [("FindFolders", "'PATIENT1'"), ("FindFoldersForMultiplePatients", "('PATIENT1')")],
)
def test_the_lower_bound_of_a_time_is_included_and_the_upper_is_not(record, query, patient_id):
    """ITI TF-2: 3.18.4.1.2.3.5; NIST 11897 left_edge and right_edge."""
    of = of_patient("$XDSFolder", patient_id)
    answer = record.ask(query, *of)
    (time,) = (
        one.findtext(".//{*}Value")
        for package in answer.found("RegistryPackage")
        if package.get("id") == record.names.uuid("G")
        for one in package.iterfind("{*}Slot[@name='lastUpdateTime']")
    )
    assert "G" in record.found(query, *of, ("$XDSFolderLastUpdateTimeFrom", time))
    assert "G" not in record.found(query, *of, ("$XDSFolderLastUpdateTimeTo", time))


GET_ALL = [
    (
        (),
        "A B C C>A F F>A F>B G G>A N N>E S1 S1>(F>A) S1>(F>B) S1>A S1>B S1>F S2 S2>(G>A) S2>C S2>G S3 S3>E"
        " S4 S4>N",
    ),
    ((("$patientId", "'PATIENT2'"),), "H S9 S9>H S9>Z Z"),
    ((("$patientId", "'nobody^^^&2.999.5&ISO'"),), ""),
    # Associations come with what they touch: without documents, those of SubmissionSets and Folders.
    (
        (("$XDSDocumentEntryStatus", f"('{DEPRECATED}')"),),
        "F F>A F>B G G>A S1 S1>(F>A) S1>(F>B) S1>A S1>B S1>F S2 S2>(G>A) S2>C S2>G S3 S3>E S4 S4>N",
    ),
    (
        (("$XDSSubmissionSetStatus", f"('{DEPRECATED}')"),),
        "A B C C>A F F>A F>B G G>A N N>E S1>A S1>B S1>F S2>C S2>G S4>N",
    ),
    (
        (("$XDSSubmissionSetStatus", f"('{DEPRECATED}')"), ("$XDSFolderStatus", f"('{DEPRECATED}')")),
        "A B C C>A F>A F>B G>A N N>E S1>A S1>B S2>C S4>N",
    ),
    (
        (
            ("$XDSSubmissionSetStatus", f"('{DEPRECATED}')"),
            ("$XDSFolderStatus", f"('{DEPRECATED}')"),
            ("$XDSDocumentEntryFormatCode", "('X^^2.999.1')"),
        ),
        "A C C>A F>A G>A S1>A S2>C",
    ),
    (
        (
            ("$XDSSubmissionSetStatus", f"('{DEPRECATED}')"),
            ("$XDSFolderStatus", f"('{DEPRECATED}')"),
            ("$XDSDocumentEntryConfidentialityCode", "('R^^2.999.1')"),
        ),
        "B C C>A F>B S1>B S2>C",
    ),
    (
        (
            ("$XDSSubmissionSetStatus", f"('{DEPRECATED}')"),
            ("$XDSFolderStatus", f"('{DEPRECATED}')"),
            ("$XDSDocumentEntryType", f"('{ON_DEMAND}')"),
        ),
        "E N>E S3>E",
    ),
    ((("$XDSAssociationStatus", f"('{DEPRECATED}')"),), "A B C F G N S1 S2 S3 S4"),
]


@pytest.mark.parametrize(("slots", "finds"), GET_ALL)
def test_get_all(record, slots, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.4."""
    usual = (
        ("$patientId", "'PATIENT1'"),
        ("$XDSDocumentEntryStatus", f"('{APPROVED}')"),
        ("$XDSSubmissionSetStatus", f"('{APPROVED}')"),
        ("$XDSFolderStatus", f"('{APPROVED}')"),
    )
    assert record.found("GetAll", *dict((*usual, *slots)).items()) == finds


GET_DOCUMENTS = [
    ("$XDSDocumentEntryEntryUUID", "('uuid(A)','uuid(E)','uuid(F)')", "A E"),
    ("$XDSDocumentEntryUniqueId", "('oid(B)','oid(S1)','2.999.404')", "B"),
]


@pytest.mark.parametrize(("name", "value", "finds"), GET_DOCUMENTS)
def test_get_documents(record, name, value, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.5; of any status and type."""
    assert record.found("GetDocuments", (name, value)) == finds


GET_FOLDERS = [
    ("$XDSFolderEntryUUID", "('uuid(G)','uuid(A)')", "G"),
    ("$XDSFolderUniqueId", "('oid(F)','oid(G)','oid(A)')", "F G"),
]


@pytest.mark.parametrize(("name", "value", "finds"), GET_FOLDERS)
def test_get_folders(record, name, value, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.6."""
    assert record.found("GetFolders", (name, value)) == finds


GET_ASSOCIATIONS = [
    ("('uuid(A)')", "C>A F>A G>A S1>A"),
    ("('uuid(G)','uuid(B)')", "F>B G>A S1>B S2>G"),
    ("('uuid(F>A)')", "S1>(F>A)"),
    ("('uuid(C>A)')", ""),
]


@pytest.mark.parametrize(("uuid", "finds"), GET_ASSOCIATIONS)
def test_get_associations(record, uuid, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.7; those with one of these objects at either end."""
    assert record.found("GetAssociations", ("$uuid", uuid)) == finds


GET_DOCUMENTS_AND_ASSOCIATIONS = [
    ("$XDSDocumentEntryEntryUUID", "('uuid(A)')", "A C>A F>A G>A S1>A"),
    ("$XDSDocumentEntryUniqueId", "('oid(B)','oid(N)')", "B F>B N N>E S1>B S4>N"),
]


@pytest.mark.parametrize(("name", "value", "finds"), GET_DOCUMENTS_AND_ASSOCIATIONS)
def test_get_documents_and_associations(record, name, value, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.8."""
    assert record.found("GetDocumentsAndAssociations", (name, value)) == finds


GET_SUBMISSION_SETS = [
    ("('uuid(A)')", "S1 S1>A"),
    ("('uuid(A)','uuid(G)','uuid(C)')", "S1 S1>A S2 S2>C S2>G"),
    ("('uuid(S1)')", ""),
]


@pytest.mark.parametrize(("uuid", "finds"), GET_SUBMISSION_SETS)
def test_get_submission_sets(record, uuid, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.9; with the memberships that led to them, and no others."""
    assert record.found("GetSubmissionSets", ("$uuid", uuid)) == finds


GET_SUBMISSION_SET_AND_CONTENTS = [
    (
        (("$XDSSubmissionSetEntryUUID", "'uuid(S1)'"),),
        "A B F F>A F>B S1 S1>(F>A) S1>(F>B) S1>A S1>B S1>F",
    ),
    (
        (("$XDSSubmissionSetUniqueId", "'oid(S1)'"),),
        "A B F F>A F>B S1 S1>(F>A) S1>(F>B) S1>A S1>B S1>F",
    ),
    # A is not a member of S2: neither is it here, nor what joins G to it.
    ((("$XDSSubmissionSetEntryUUID", "'uuid(S2)'"),), "C G S2 S2>C S2>G"),
    ((("$XDSSubmissionSetUniqueId", "'oid(A)'"),), ""),
    (
        (
            ("$XDSSubmissionSetEntryUUID", "'uuid(S1)'"),
            ("$XDSDocumentEntryFormatCode", "('Y^^2.999.1','X^^2.999.2')"),
        ),
        "B F F>B S1 S1>(F>B) S1>B S1>F",
    ),
    (
        (
            ("$XDSSubmissionSetEntryUUID", "'uuid(S1)'"),
            ("$XDSDocumentEntryConfidentialityCode", "('ALL^^2.999.1')"),
            ("$XDSDocumentEntryConfidentialityCode", "('N^^2.999.1')"),
        ),
        "A F F>A S1 S1>(F>A) S1>A S1>F",
    ),
    ((("$XDSSubmissionSetEntryUUID", "'uuid(S3)'"),), "S3"),
    (
        (("$XDSSubmissionSetEntryUUID", "'uuid(S3)'"), ("$XDSDocumentEntryType", f"('{ON_DEMAND}')")),
        "E S3 S3>E",
    ),
]


@pytest.mark.parametrize(("slots", "finds"), GET_SUBMISSION_SET_AND_CONTENTS)
def test_get_submission_set_and_contents(record, slots, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.10; no Association without both its ends."""
    assert record.found("GetSubmissionSetAndContents", *slots) == finds


GET_FOLDER_AND_CONTENTS = [
    ((("$XDSFolderEntryUUID", "'uuid(F)'"),), "A B F F>A F>B"),
    ((("$XDSFolderUniqueId", "'oid(G)'"),), "A G G>A"),
    (
        (("$XDSFolderEntryUUID", "'uuid(F)'"), ("$XDSDocumentEntryFormatCode", "('Y^^2.999.1')")),
        "B F F>B",
    ),
    (
        (
            ("$XDSFolderEntryUUID", "'uuid(F)'"),
            ("$XDSDocumentEntryConfidentialityCode", "('ALL^^2.999.1')"),
            ("$XDSDocumentEntryConfidentialityCode", "('N^^2.999.1')"),
        ),
        "A F F>A",
    ),
    ((("$XDSFolderEntryUUID", "'uuid(F)'"), ("$XDSDocumentEntryType", f"('{ON_DEMAND}')")), "F"),
    (
        (("$XDSFolderEntryUUID", "'uuid(F)'"), ("$XDSDocumentEntryType", f"('{ON_DEMAND}','{STABLE}')")),
        "A B F F>A F>B",
    ),
]


@pytest.mark.parametrize(("slots", "finds"), GET_FOLDER_AND_CONTENTS)
def test_get_folder_and_contents(record, slots, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.11."""
    assert record.found("GetFolderAndContents", *slots) == finds


GET_FOLDERS_FOR_DOCUMENT = [
    ("$XDSDocumentEntryEntryUUID", "'uuid(A)'", "F G"),
    ("$XDSDocumentEntryUniqueId", "'oid(B)'", "F"),
    ("$XDSDocumentEntryUniqueId", "'oid(C)'", ""),
]


@pytest.mark.parametrize(("name", "value", "finds"), GET_FOLDERS_FOR_DOCUMENT)
def test_get_folders_for_document(record, name, value, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.12; without Associations."""
    assert record.found("GetFoldersForDocument", (name, value)) == finds


GET_RELATED_DOCUMENTS = [
    ((("$XDSDocumentEntryEntryUUID", "'uuid(A)'"), ("$AssociationTypes", f"('{APND}','{XFRM}')")), "A C C>A"),
    ((("$XDSDocumentEntryUniqueId", "'oid(C)'"), ("$AssociationTypes", f"('{XFRM}')")), "A C C>A"),
    # Nothing of this type: not even the document asked about.
    ((("$XDSDocumentEntryEntryUUID", "'uuid(A)'"), ("$AssociationTypes", f"('{APND}')")), ""),
    # Only documents are related.
    ((("$XDSDocumentEntryEntryUUID", "'uuid(A)'"), ("$AssociationTypes", f"('{requests.HAS_MEMBER}')")), ""),
    ((("$XDSDocumentEntryUniqueId", "'oid(N)'"), ("$AssociationTypes", f"('{IS_SNAPSHOT_OF}')")), ""),
    (
        (
            ("$XDSDocumentEntryUniqueId", "'oid(N)'"),
            ("$AssociationTypes", f"('{IS_SNAPSHOT_OF}')"),
            ("$XDSDocumentEntryType", f"('{ON_DEMAND}')"),
        ),
        "E N N>E",
    ),
]


@pytest.mark.parametrize(("slots", "finds"), GET_RELATED_DOCUMENTS)
def test_get_related_documents(record, slots, finds):
    """ITI TF-2: 3.18.4.1.2.3.7.13; one step away."""
    assert record.found("GetRelatedDocuments", *slots) == finds


SEVERAL_PATIENTS = [
    ("GetDocuments", "$XDSDocumentEntryEntryUUID", "('uuid(A)','uuid(Z)')", 2),
    ("GetFolders", "$XDSFolderUniqueId", "('oid(F)','oid(H)')", 2),
    ("GetDocumentsAndAssociations", "$XDSDocumentEntryUniqueId", "('oid(B)','oid(Z)')", 5),
    ("GetSubmissionSets", "$uuid", "('uuid(B)','uuid(Z)')", 4),
]


@pytest.mark.parametrize(("query", "name", "value", "references"), SEVERAL_PATIENTS)
def test_objects_of_two_patients_are_not_told_together(record, query, name, value, references):
    """ITI TF-2: 3.18.4.1.2.3.8, XDSResultNotSinglePatient; their references are. NIST 12368."""
    answer = record.ask(query, (name, value))
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSResultNotSinglePatient"])
    assert record.names.of(answer) == []
    answer = record.ask(query, (name, value), return_type="ObjectRef")
    assert (answer.status_urn, len(answer.found("ObjectRef"))) == (SUCCESS, references)
