"""Statuses, severities and error codes (ITI TF-3: 4.2.4)."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """ITI TF-3: 4.2.4.2, in rising order of weight."""

    WARNING = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"
    ERROR = "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"


class ResponseStatus(StrEnum):
    """ITI TF-3: 4.2.4.1; PartialSuccess lives in the IHE namespace."""

    SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
    PARTIAL_SUCCESS = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
    FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"


@dataclass(frozen=True, slots=True)
class RegistryError:
    """One rs:RegistryError as it goes to the peer; `context` names object, attribute, value and rule."""

    code: str
    context: str
    severity: Severity = Severity.ERROR
    location: str = ""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One row of ITI TF-3: Table 4.2.4.1-2; `never` says why nothing here can bring it about."""

    name: str
    transactions: str
    meaning: str
    severity: Severity = Severity.ERROR
    never: str = ""

    def error(self, context: str, location: str = "") -> RegistryError:
        """Make the RegistryError that says this of one thing."""
        return RegistryError(self.name, context, self.severity, location)


W = Severity.WARNING
E = ErrorCode

UNRESOLVED_REFERENCE = E(
    "UnresolvedReferenceException", "41 42 57 61 62 92", "an entryUUID reference cannot be resolved"
)
DOCUMENT_UNIQUE_ID_ERROR = E(
    "XDSDocumentUniqueIdError", "43 86", "no document with that uniqueId is available"
)
DUPLICATE_UNIQUE_ID_IN_REGISTRY = E(
    "XDSDuplicateUniqueIdInRegistry",
    "41 42 57 61 92",
    "the uniqueId of a SubmissionSet or Folder is already registered",
)
EXTRA_METADATA_NOT_SAVED = E(
    "XDSExtraMetadataNotSaved",
    "41 42 61",
    "extra metadata was dropped",
    W,
    never="extra metadata is always kept and returned",
)
INVALID_DOCUMENT_CONTENT = E(
    "InvalidDocumentContent",
    "41",
    "the document contradicts its metadata",
    never="a document is opaque here; its hash and size alone are compared, and have a code of their own",
)
MISSING_DOCUMENT = E("XDSMissingDocument", "41", "a DocumentEntry came without its Document")
MISSING_DOCUMENT_METADATA = E("XDSMissingDocumentMetadata", "41", "a Document came without its DocumentEntry")
NON_IDENTICAL_HASH = E(
    "XDSNonIdenticalHash", "41 42", "a registered document of that uniqueId has another hash"
)
NON_IDENTICAL_SIZE = E(
    "XDSNonIdenticalSize", "41 42", "a registered document of that uniqueId has another size"
)
PATIENT_ID_DOES_NOT_MATCH = E("XDSPatientIdDoesNotMatch", "41 42 57 61", "patient ids that must agree differ")
REGISTRY_BUSY = E("XDSRegistryBusy", "41 42 18 51", "too much activity at the registry")
REPOSITORY_BUSY = E("XDSRepositoryBusy", "41 43", "too much activity at the repository")
REGISTRY_DEPRECATED_DOCUMENT = E(
    "XDSRegistryDeprecatedDocumentError", "41 42", "an association refers to a Deprecated entry"
)
REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE = E(
    "XDSRegistryDuplicateUniqueIdInMessage", "42 57 61 92", "one uniqueId stands twice in the submission"
)
REPOSITORY_DUPLICATE_UNIQUE_ID_IN_MESSAGE = E(
    "XDSRepositoryDuplicateUniqueIdInMessage", "41", "one uniqueId stands twice in the submission"
)
REGISTRY_ERROR = E(
    "XDSRegistryError", "18 42 51 57 61 62 92", "an internal error, or nothing more specific fits"
)
REPOSITORY_ERROR = E("XDSRepositoryError", "41 43 86", "an internal error, or nothing more specific fits")
REGISTRY_METADATA_ERROR = E("XDSRegistryMetadataError", "42 57 61 92", "metadata breaks a rule")
REPOSITORY_METADATA_ERROR = E("XDSRepositoryMetadataError", "41", "metadata breaks a rule")
REGISTRY_NOT_AVAILABLE = E("XDSRegistryNotAvailable", "41", "the repository cannot reach the registry")
REGISTRY_OUT_OF_RESOURCES = E("XDSRegistryOutOfResources", "41 42 18 51", "resources are low at the registry")
REPOSITORY_OUT_OF_RESOURCES = E("XDSRepositoryOutOfResources", "41 43", "resources are low at the repository")
RESULT_NOT_SINGLE_PATIENT = E("XDSResultNotSinglePatient", "18", "a LeafClass result would span patients")
STORED_QUERY_MISSING_PARAM = E("XDSStoredQueryMissingParam", "18 51", "a required parameter is missing")
STORED_QUERY_PARAM_NUMBER = E("XDSStoredQueryParamNumber", "18 51", "a parameter has too many values")
TOO_MANY_RESULTS = E("XDSTooManyResults", "18 43 51", "the result exceeds the responder's limit")
UNKNOWN_COMMUNITY = E("XDSUnknownCommunity", "18 43", "the homeCommunityId is not recognised")
UNKNOWN_PATIENT_ID = E("XDSUnknownPatientId", "41 42 57 61 92 18", "the patient id is not known")
UNKNOWN_REPOSITORY_ID = E(
    "XDSUnknownRepositoryId", "43 86", "the repositoryUniqueId is not this repository's"
)
UNKNOWN_STORED_QUERY = E("XDSUnknownStoredQuery", "18 51", "the query id is not recognised")

METADATA_UPDATE_ERROR = E(
    "XDSMetadataUpdateError", "57 92", "a metadata update failed and nothing more specific fits"
)
METADATA_UPDATE_OPERATION_ERROR = E(
    "XDSMetadataUpdateOperationError", "57", "the requested operation cannot be decoded"
)
METADATA_VERSION_ERROR = E(
    "XDSMetadataVersionError", "57 92", "PreviousVersion is not the latest registered version"
)
PATIENT_ID_RECONCILIATION_ERROR = E(
    "XDSPatientIDReconciliationError", "57 92", "an update would join objects of different patients"
)
METADATA_ANNOTATION_ERROR = E(
    "XDSMetadataAnnotationError", "92", "the annotation of the SS-DE HasMember is faulty"
)
INVALID_REQUEST = E("XDSInvalidRequestException", "92", "an initial version was received in an update")
METADATA_IDENTIFIER_ERROR = E("XDSMetadataIdentifierError", "92", "an identifier was changed")
OBJECT_TYPE_ERROR = E("XDSObjectTypeError", "92", "the objectType is unsupported or was changed")
UNMODIFIABLE_METADATA_ERROR = E(
    "UnmodifiableMetadataError", "92", "an attribute that may not change was changed"
)
LOCAL_POLICY_RESTRICTION_ERROR = E("LocalPolicyRestrictionError", "92", "local policy forbids the change")
REFERENCES_EXIST = E("ReferencesExistException", "62", "an object to be removed is still referred to")
UNREFERENCED_OBJECT = E(
    "XDSUnreferencedObjectException", "62", "removal would leave an object without association"
)
REMOVE_DOCUMENTS_ERROR = E("XDSRemoveDocumentsError", "86", "the repository could not remove the document")

ERROR_CODES = {row.name: row for row in list(globals().values()) if isinstance(row, ErrorCode)}

_GATEWAY = "it is an initiating or responding gateway's; these actors serve one community"
_RECIPIENT = (
    "it is an XDR Document Recipient's; a repository with a registry does all that is asked or nothing"
)
# Codes of the table that the actors here have no reason to send, and why.
CODES_OF_OTHERS = {
    "DocumentQueued": _RECIPIENT,
    "PartialAppendContentNotProcessed": _RECIPIENT,
    "PartialFolderContentNotProcessed": _RECIPIENT,
    "PartialRelationshipContentNotProcessed": _RECIPIENT,
    "PartialReplaceContentNotProcessed": _RECIPIENT,
    "PartialTransformNotProcessed": _RECIPIENT,
    "PartialTransformReplaceNotProcessed": _RECIPIENT,
    "TranscodingError": "it is of Cross-Community Fetch [ITI-63]",
    "UnavailableRecipient": _RECIPIENT,
    "UnknownRecipient": _RECIPIENT,
    "XDSMissingHomeCommunityId": _GATEWAY,
    "XDSReplaceFailed": "the Framework has deprecated it",
    "XDSUnavailableCommunity": _GATEWAY,
}
