"""What a person can do about each error code (ITI TF-3: Table 4.2.4.1-2)."""

from collections.abc import Mapping
from types import MappingProxyType

from ihe.error_codes import RegistryError

_METADATA = (
    "Correct the metadata named above, by option or in the sidecar file. "
    "`coffre codes list` shows which codes may be used."
)
_UNIQUE_ID = (
    "Another document has this uniqueId. Give the new one an id of its own, "
    "and --replace the old one if it is a new version of it."
)
_TWICE = "Two documents of the submission have one uniqueId: submit them one by one."
_BUSY = "Wait a moment, then send it again."

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "DocumentQueued": "Nothing to do: the document is processed later.",
        "InvalidDocumentContent": "Open the document: what it says of itself is not what its metadata say.",
        "UnresolvedReferenceException": (
            "The document or folder referred to is not registered: look for it with `coffre find`."
        ),
        "XDSDocumentUniqueIdError": (
            "Check the id with `coffre find`; what you may not see is answered in the same way."
        ),
        "XDSDuplicateUniqueIdInRegistry": "This was submitted before. Submit it again under new ids.",
        "XDSExtraMetadataNotSaved": (
            "Nothing to do: the documents were accepted, the extra metadata were not."
        ),
        "XDSMissingDocument": "The content of a document did not arrive; submit it again.",
        "XDSMissingDocumentMetadata": "A document arrived without its metadata; submit it again.",
        "XDSNonIdenticalHash": _UNIQUE_ID,
        "XDSNonIdenticalSize": _UNIQUE_ID,
        "XDSPatientIdDoesNotMatch": (
            "Document, folder and replaced document must be one patient's: check --patient."
        ),
        "XDSRegistryBusy": _BUSY,
        "XDSRegistryDeprecatedDocumentError": (
            "A newer version is there already: find it with `coffre find`, and replace that."
        ),
        "XDSRegistryDuplicateUniqueIdInMessage": _TWICE,
        "XDSRegistryError": "The registry's log says more; show its operator the message above.",
        "XDSRegistryMetadataError": _METADATA,
        "XDSRegistryNotAvailable": (
            "Nothing was registered: send it again when the repository reaches its registry."
        ),
        "XDSRegistryOutOfResources": "The registry lacks disk or memory; tell its operator.",
        "XDSRepositoryBusy": _BUSY,
        "XDSRepositoryDuplicateUniqueIdInMessage": _TWICE,
        "XDSRepositoryError": "The repository's log says more; show its operator the message above.",
        "XDSRepositoryMetadataError": _METADATA,
        "XDSRepositoryOutOfResources": "The repository lacks disk space; tell its operator.",
        "XDSResultNotSinglePatient": "The ids belong to several patients: ask for them one by one.",
        "XDSStoredQueryMissingParam": "The registry wants more search terms than were given.",
        "XDSStoredQueryParamNumber": "A search term has too many values, or it is given twice.",
        "XDSTooManyResults": "Narrow the search with --type, --since or --until.",
        "XDSUnknownCommunity": "The document is kept in another community, to which this server has no way.",
        "XDSUnknownPatientId": "Make the patient known first: `coffre patient add ID`.",
        "XDSUnknownRepositoryId": (
            "The document is kept in another repository: give its --repository address."
        ),
        "XDSUnknownStoredQuery": "This registry does not offer that kind of search.",
    }
)


def remedy_for(error: RegistryError) -> str:
    """What to do about this error; empty where only its own words can help."""
    return REMEDIES.get(error.code, "")
