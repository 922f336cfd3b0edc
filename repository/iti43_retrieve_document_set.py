"""Retrieve Document Set [ITI-43] at the repository (ITI TF-2: 3.43.4.1.3)."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from database import DatabaseBusy, DatabaseError
from ebxml.model import DocumentRequest, RetrieveRequest
from ebxml.refused import Refused
from exchange.ports import (
    NothingOnDemand,
    ProviderFailed,
    RegistryUnreachable,
    RetrieveResult,
    ShownEntries,
    StorageError,
    StoredDocument,
)
from ihe.error_codes import (
    DOCUMENT_UNIQUE_ID_ERROR,
    REPOSITORY_BUSY,
    REPOSITORY_ERROR,
    TOO_MANY_RESULTS,
    RegistryError,
)
from repository.addressees import misdirected
from repository.document_rows import DocumentCopy
from repository.on_demand import OnDemandDocuments
from repository.store import RepositoryStore

log = logging.getLogger("coffre.repository")

Copies = tuple[DocumentCopy, ...]

# One request is one database query and one answer; consumers ask for a page of a list at a time.
DOCUMENTS_PER_REQUEST = 1000


async def retrieve_document_set(
    request: RetrieveRequest,
    store: RepositoryStore,
    *,
    repository_unique_id: str,
    home_community_id: str,
    documents_limit: int = DOCUMENTS_PER_REQUEST,
    on_demand: OnDemandDocuments | None = None,
    registry: ShownEntries | None = None,
) -> RetrieveResult:
    """Hand out each document asked for, or say why not (ITI TF-2: 3.43.4.1.3).

    With `on_demand` a document that is not stored is made, if its entry announces that it can be. What a
    `registry`, if there is one to ask, does not show to whoever asks is not here either.
    """
    if len(request.documents) > documents_limit:
        raise Refused(
            TOO_MANY_RESULTS.error(f"{len(request.documents)} documents asked for, at most {documents_limit}")
        )
    # A document asked for twice is served once: consumers find it by its uniqueId, and a small request
    # must not make a large answer.
    wanted = tuple(dict.fromkeys(request.documents))
    try:
        copies = await store.find(tuple({one.document_unique_id for one in wanted}))
    except DatabaseBusy as problem:
        raise Refused(REPOSITORY_BUSY.error("too many requests at once; send this one again")) from problem
    hidden = frozenset[str]()
    if registry:
        shown = await _shown(copies, registry)
        hidden = frozenset(copies.keys() - shown.keys())
        copies = {**copies, **shown}
    documents: list[tuple[DocumentRequest, StoredDocument]] = []
    errors: list[RegistryError] = []
    for one in wanted:
        unique_id = one.document_unique_id
        if error := misdirected(one, repository_unique_id, home_community_id):
            errors.append(error)
        elif unique_id in hidden:
            errors.append(_unknown(unique_id))
        elif unique_id in copies:
            try:
                documents.append((one, await store.open_copy(copies[unique_id])))
            except StorageError as problem:
                log.error("a document cannot be read: %s", problem)
                errors.append(REPOSITORY_ERROR.error(f"document {unique_id} cannot be read", unique_id))
        else:
            try:
                documents.append((one, await _made(unique_id, on_demand)))
            except Refused as refused:
                errors.extend(refused.errors)
    return RetrieveResult(tuple(documents), tuple(errors))


async def _made(unique_id: str, on_demand: OnDemandDocuments | None) -> StoredDocument:
    """A document that is made now, or why it is not (ITI TF-3: Table 4.2.4.1-2)."""
    unknown = Refused(_unknown(unique_id))
    if on_demand is None:
        raise unknown
    try:
        document = await on_demand.document(unique_id)
    except NothingOnDemand:
        raise unknown from None
    except Refused as refused:
        raise Refused(
            *(
                replace(error, context=f"document {unique_id}: {error.context}", location=unique_id)
                for error in refused.errors
            )
        ) from refused
    except (DatabaseError, ProviderFailed, RegistryUnreachable, StorageError) as problem:
        log.error("a document cannot be made: %s", problem)
        context = f"document {unique_id} cannot be made now"
        raise Refused(REPOSITORY_ERROR.error(context, unique_id)) from problem
    if document is None:
        raise unknown
    return document


def _unknown(unique_id: str) -> RegistryError:
    return DOCUMENT_UNIQUE_ID_ERROR.error(f"no such document: {unique_id}", unique_id)


async def _shown(copies: Mapping[str, Copies], registry: ShownEntries) -> dict[str, Copies]:
    """The copies of the documents that the registry shows to whoever asks, those with a mimeType it shows."""
    try:
        mime_types = await registry.mime_types(copies)
    except RegistryUnreachable as problem:
        raise Refused(REPOSITORY_ERROR.error("the registry does not answer")) from problem
    # A copy may have come with an entry that is hidden; an update may have changed the mimeType of one shown.
    return {
        unique_id: tuple(one for one in copies[unique_id] if one.identity.mime_type in told)
        or copies[unique_id]
        for unique_id, told in mime_types.items()
    }
