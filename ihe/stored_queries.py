"""The stored queries, each parameter with what it compares and how (ITI TF-2: 3.18.4.1.2.3.7, 3.51.4.1.2.3)."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Match(StrEnum):
    """What a parameter does with its values; behind each word stands one function of the registry."""

    EQUALS = "the attribute equals the value"
    ANY_OF = "the attribute equals one of the values"
    ANY_CODE_OF = "code and coding scheme equal one of the code^^scheme values, as a pair"
    ANY_LIKE = "one of the values, with % and _ as wildcards, fits the attribute's text"
    LISTS_ANY_OF = "one of the values, without wildcards, is among the attribute's own"
    FROM = "the time is at or after the value"
    BEFORE = "the time is before the value"
    STATUS_OF = "availabilityStatus is one of the values"
    TYPE_OF = "objectType is one of the values; stable alone when absent"
    AVAILABILITY_OF = "documentAvailability is one of the values; Online when absent"
    OBJECT_IDS = "the object has one of these entryUUIDs"
    ASSOCIATION_TYPES = "the association is of one of these types"
    METADATA_LEVEL = "which versions the answer shows"


M = Match


@dataclass(frozen=True, slots=True)
class Parameter:
    """One row of a query's parameter table.

    `many` allows a list; `conjoined` allows the Slot again, the lists then being ANDed; of the parameters
    that share an `either` word exactly one must be given; `of` is the object whose attribute is compared;
    `excludes` names the Slot that says the contrary, and is never given beside it.
    """

    slot: str
    attribute: str
    match: Match
    of: str = "DocumentEntry"
    required: bool = False
    many: bool = False
    conjoined: bool = False
    either: str = ""
    excludes: str = ""


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """One stored query; `multi_patient` ones belong to ITI-51, all others to ITI-18.

    `single_patient` refuses a LeafClass answer that spans patients (ITI TF-2: 3.18.4.1.2.3.8); of the Slots in
    `narrowed_by`, if there are any, at least one must be given.
    """

    name: str
    id: str
    section: str
    parameters: tuple[Parameter, ...]
    single_patient: bool = False
    multi_patient: bool = False
    narrowed_by: tuple[str, ...] = ()

    def parameter(self, slot: str) -> Parameter | None:
        """The row of this Slot name, if the query knows it."""
        return next((row for row in self.parameters if row.slot == slot), None)


P = Parameter
_METADATA_LEVEL = P("$MetadataLevel", "version", M.METADATA_LEVEL)
_ASSOCIATION_STATUS = P(
    "$XDSAssociationStatus", "availabilityStatus", M.STATUS_OF, of="Association", many=True
)

_DOCUMENT_FILTERS = (
    P("$XDSDocumentEntryClassCode", "classCode", M.ANY_CODE_OF, many=True),
    P("$XDSDocumentEntryTypeCode", "typeCode", M.ANY_CODE_OF, many=True),
    P("$XDSDocumentEntryPracticeSettingCode", "practiceSettingCode", M.ANY_CODE_OF, many=True),
    P("$XDSDocumentEntryCreationTimeFrom", "creationTime", M.FROM),
    P("$XDSDocumentEntryCreationTimeTo", "creationTime", M.BEFORE),
    P("$XDSDocumentEntryServiceStartTimeFrom", "serviceStartTime", M.FROM),
    P("$XDSDocumentEntryServiceStartTimeTo", "serviceStartTime", M.BEFORE),
    P("$XDSDocumentEntryServiceStopTimeFrom", "serviceStopTime", M.FROM),
    P("$XDSDocumentEntryServiceStopTimeTo", "serviceStopTime", M.BEFORE),
    P("$XDSDocumentEntryHealthcareFacilityTypeCode", "healthcareFacilityTypeCode", M.ANY_CODE_OF, many=True),
    P("$XDSDocumentEntryEventCodeList", "eventCodeList", M.ANY_CODE_OF, many=True, conjoined=True),
    P("$XDSDocumentEntryConfidentialityCode", "confidentialityCode", M.ANY_CODE_OF, many=True, conjoined=True),
    P("$XDSDocumentEntryAuthorPerson", "authorPerson", M.ANY_LIKE, many=True),
    P("$XDSDocumentEntryFormatCode", "formatCode", M.ANY_CODE_OF, many=True),
    P("$XDSDocumentEntryType", "objectType", M.TYPE_OF, many=True),
    P("$XDSDocumentEntryDocumentAvailability", "documentAvailability", M.AVAILABILITY_OF, many=True),
)  # fmt: skip
_DOCUMENT_STATUS = P("$XDSDocumentEntryStatus", "availabilityStatus", M.STATUS_OF, required=True, many=True)
_CONTENT_FILTERS = tuple(
    row
    for row in _DOCUMENT_FILTERS
    if row.slot
    in ("$XDSDocumentEntryFormatCode", "$XDSDocumentEntryConfidentialityCode", "$XDSDocumentEntryType")
)
_FOLDER_FILTERS = (
    P("$XDSFolderLastUpdateTimeFrom", "lastUpdateTime", M.FROM, of="Folder"),
    P("$XDSFolderLastUpdateTimeTo", "lastUpdateTime", M.BEFORE, of="Folder"),
    P("$XDSFolderCodeList", "codeList", M.ANY_CODE_OF, of="Folder", many=True, conjoined=True),
    P("$XDSFolderStatus", "availabilityStatus", M.STATUS_OF, of="Folder", required=True, many=True),
)

FIND_DOCUMENTS = StoredQuery(
    "FindDocuments", "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d", "3.18.4.1.2.3.7.1",
    (
        P("$XDSDocumentEntryPatientId", "patientId", M.EQUALS, required=True),
        _DOCUMENT_STATUS, *_DOCUMENT_FILTERS, _METADATA_LEVEL,
    ),
)  # fmt: skip
FIND_SUBMISSION_SETS = StoredQuery(
    "FindSubmissionSets", "urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9", "3.18.4.1.2.3.7.2",
    (
        P("$XDSSubmissionSetPatientId", "patientId", M.EQUALS, of="SubmissionSet", required=True),
        P("$XDSSubmissionSetSourceId", "sourceId", M.ANY_OF, of="SubmissionSet", many=True),
        P("$XDSSubmissionSetSubmissionTimeFrom", "submissionTime", M.FROM, of="SubmissionSet"),
        P("$XDSSubmissionSetSubmissionTimeTo", "submissionTime", M.BEFORE, of="SubmissionSet"),
        P("$XDSSubmissionSetAuthorPerson", "authorPerson", M.ANY_LIKE, of="SubmissionSet"),
        P("$XDSSubmissionSetContentType", "contentTypeCode", M.ANY_CODE_OF, of="SubmissionSet", many=True),
        P("$XDSSubmissionSetStatus", "availabilityStatus", M.STATUS_OF, of="SubmissionSet", required=True, many=True),
    ),
)  # fmt: skip
FIND_FOLDERS = StoredQuery(
    "FindFolders", "urn:uuid:958f3006-baad-4929-a4de-ff1114824431", "3.18.4.1.2.3.7.3",
    (
        P("$XDSFolderPatientId", "patientId", M.EQUALS, of="Folder", required=True),
        *_FOLDER_FILTERS, _METADATA_LEVEL,
    ),
)  # fmt: skip
GET_ALL = StoredQuery(
    "GetAll", "urn:uuid:10b545ea-725c-446d-9b95-8aeb444eddf3", "3.18.4.1.2.3.7.4",
    (
        P("$patientId", "patientId", M.EQUALS, of="SubmissionSet", required=True),
        _DOCUMENT_STATUS,
        P("$XDSSubmissionSetStatus", "availabilityStatus", M.STATUS_OF, of="SubmissionSet", required=True, many=True),
        P("$XDSFolderStatus", "availabilityStatus", M.STATUS_OF, of="Folder", required=True, many=True),
        *_CONTENT_FILTERS, _ASSOCIATION_STATUS, _METADATA_LEVEL,
    ),
)  # fmt: skip
GET_DOCUMENTS = StoredQuery(
    "GetDocuments", "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4", "3.18.4.1.2.3.7.5",
    (
        P("$XDSDocumentEntryEntryUUID", "entryUUID", M.ANY_OF, many=True, either="document"),
        P("$XDSDocumentEntryUniqueId", "uniqueId", M.ANY_OF, many=True, either="document"),
        P("$XDSDocumentEntryLogicalID", "logicalID", M.ANY_OF, many=True, either="document"),
        _METADATA_LEVEL,
    ),
    single_patient=True,
)  # fmt: skip
GET_FOLDERS = StoredQuery(
    "GetFolders", "urn:uuid:5737b14c-8a1a-4539-b659-e03a34a5e1e4", "3.18.4.1.2.3.7.6",
    (
        P("$XDSFolderEntryUUID", "entryUUID", M.ANY_OF, of="Folder", many=True, either="folder"),
        P("$XDSFolderUniqueId", "uniqueId", M.ANY_OF, of="Folder", many=True, either="folder"),
        P("$XDSFolderLogicalID", "logicalID", M.ANY_OF, of="Folder", many=True, either="folder"),
        _METADATA_LEVEL,
    ),
    single_patient=True,
)  # fmt: skip
GET_ASSOCIATIONS = StoredQuery(
    "GetAssociations", "urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155", "3.18.4.1.2.3.7.7",
    (
        P("$uuid", "entryUUID", M.OBJECT_IDS, of="Association", required=True, many=True),
        _ASSOCIATION_STATUS, _METADATA_LEVEL,
    ),
)  # fmt: skip
GET_DOCUMENTS_AND_ASSOCIATIONS = StoredQuery(
    "GetDocumentsAndAssociations", "urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a", "3.18.4.1.2.3.7.8",
    (
        P("$XDSDocumentEntryEntryUUID", "entryUUID", M.ANY_OF, many=True, either="document"),
        P("$XDSDocumentEntryUniqueId", "uniqueId", M.ANY_OF, many=True, either="document"),
        _ASSOCIATION_STATUS, _METADATA_LEVEL,
    ),
    single_patient=True,
)  # fmt: skip
GET_SUBMISSION_SETS = StoredQuery(
    "GetSubmissionSets", "urn:uuid:51224314-5390-4169-9b91-b1980040715a", "3.18.4.1.2.3.7.9",
    (P("$uuid", "entryUUID", M.OBJECT_IDS, of="SubmissionSet", required=True, many=True), _METADATA_LEVEL),
    single_patient=True,
)  # fmt: skip
GET_SUBMISSION_SET_AND_CONTENTS = StoredQuery(
    "GetSubmissionSetAndContents", "urn:uuid:e8e3cb2c-e39c-46b9-99e4-c12f57260b83", "3.18.4.1.2.3.7.10",
    (
        P("$XDSSubmissionSetEntryUUID", "entryUUID", M.EQUALS, of="SubmissionSet", either="submission set"),
        P("$XDSSubmissionSetUniqueId", "uniqueId", M.EQUALS, of="SubmissionSet", either="submission set"),
        *_CONTENT_FILTERS, _METADATA_LEVEL,
    ),
    single_patient=True,
)  # fmt: skip
GET_FOLDER_AND_CONTENTS = StoredQuery(
    "GetFolderAndContents", "urn:uuid:b909a503-523d-4517-8acf-8e5834dfc4c7", "3.18.4.1.2.3.7.11",
    (
        P("$XDSFolderEntryUUID", "entryUUID", M.EQUALS, of="Folder", either="folder"),
        P("$XDSFolderUniqueId", "uniqueId", M.EQUALS, of="Folder", either="folder"),
        *_CONTENT_FILTERS, _METADATA_LEVEL,
    ),
    single_patient=True,
)  # fmt: skip
GET_FOLDERS_FOR_DOCUMENT = StoredQuery(
    "GetFoldersForDocument", "urn:uuid:10cae35a-c7f9-4cf5-b61e-fc3278ffb578", "3.18.4.1.2.3.7.12",
    (
        P("$XDSDocumentEntryEntryUUID", "entryUUID", M.EQUALS, either="document"),
        P("$XDSDocumentEntryUniqueId", "uniqueId", M.EQUALS, either="document"),
        _METADATA_LEVEL,
    ),
    single_patient=True,
)  # fmt: skip
GET_RELATED_DOCUMENTS = StoredQuery(
    "GetRelatedDocuments", "urn:uuid:d90e5407-b356-4d91-a89f-873917b4b0e6", "3.18.4.1.2.3.7.13",
    (
        P("$XDSDocumentEntryEntryUUID", "entryUUID", M.EQUALS, either="document"),
        P("$XDSDocumentEntryUniqueId", "uniqueId", M.EQUALS, either="document"),
        P("$AssociationTypes", "associationType", M.ASSOCIATION_TYPES, of="Association", required=True, many=True),
        P("$XDSDocumentEntryType", "objectType", M.TYPE_OF, many=True),
        _ASSOCIATION_STATUS, _METADATA_LEVEL,
    ),
    single_patient=True,
)  # fmt: skip
FIND_DOCUMENTS_BY_REFERENCE_ID = StoredQuery(
    "FindDocumentsByReferenceId", "urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492", "3.18.4.1.2.3.7.14",
    (
        *FIND_DOCUMENTS.parameters,
        P("$XDSDocumentEntryReferenceIdList", "referenceIdList", M.ANY_LIKE, required=True, many=True, conjoined=True),
    ),
)  # fmt: skip
# From change proposal CP-ITI-1323; known by its peers alone (docs/divergences.md).
FIND_DOCUMENTS_EXCLUDE = StoredQuery(
    "FindDocumentsExclude", "urn:uuid:4308b1df-36de-4bef-8e2e-ba91f593c435", "3.18.4.1.2.3.7.1",
    (
        *FIND_DOCUMENTS.parameters,
        *(
            replace(row, slot=f"{row.slot}Exclude", excludes=row.slot, required=False)
            for row in (*_DOCUMENT_FILTERS, FIND_DOCUMENTS_BY_REFERENCE_ID.parameters[-1])
            if row.match in (M.ANY_CODE_OF, M.ANY_LIKE, M.TYPE_OF)
        ),
    ),
)  # fmt: skip
# An extension of gematik's, not of the Framework.
FIND_DOCUMENTS_BY_TITLE = StoredQuery(
    "FindDocumentsByTitle", "urn:uuid:ab474085-82b5-402d-8115-3f37cb1e2405", "3.18.4.1.2.3.7.1",
    (
        *FIND_DOCUMENTS.parameters,
        P("$XDSDocumentEntryTitle", "title", M.ANY_LIKE, required=True, many=True),
        P("$XDSDocumentEntryAuthorInstitution", "authorInstitution", M.ANY_LIKE, many=True),
    ),
)  # fmt: skip
FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS = StoredQuery(
    "FindDocumentsForMultiplePatients", "urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f", "3.51.4.1.2.3",
    (
        P("$XDSDocumentEntryPatientId", "patientId", M.ANY_OF, many=True),
        _DOCUMENT_STATUS, *_DOCUMENT_FILTERS, _METADATA_LEVEL,
    ),
    multi_patient=True,
    narrowed_by=(
        "$XDSDocumentEntryPatientId", "$XDSDocumentEntryClassCode", "$XDSDocumentEntryEventCodeList",
        "$XDSDocumentEntryHealthcareFacilityTypeCode",
    ),
)  # fmt: skip
FIND_FOLDERS_FOR_MULTIPLE_PATIENTS = StoredQuery(
    "FindFoldersForMultiplePatients", "urn:uuid:50d3f5ac-39a2-11de-a1ca-b366239e58df", "3.51.4.1.2.3",
    (
        P("$XDSFolderPatientId", "patientId", M.ANY_OF, of="Folder", many=True),
        *_FOLDER_FILTERS, _METADATA_LEVEL,
    ),
    multi_patient=True,
    narrowed_by=("$XDSFolderPatientId", "$XDSFolderCodeList"),
)  # fmt: skip
# No page of the Framework describes it; peers know it by this id (docs/divergences.md).
FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS = StoredQuery(
    "FindDocumentsByReferenceIdForMultiplePatients", "urn:uuid:1191642d-86c4-42d8-b784-f95445f9f0d5", "3.51.4.1.2.3",
    (
        *FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS.parameters,
        P("$XDSDocumentEntryReferenceIdList", "referenceIdList", M.LISTS_ANY_OF, required=True, many=True, conjoined=True),
    ),
    multi_patient=True,
)  # fmt: skip

STORED_QUERIES = {row.id: row for row in list(globals().values()) if isinstance(row, StoredQuery)}
