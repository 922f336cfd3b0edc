"""Remove Documents [ITI-86] at the repository (RMD supplement: 3.86.4.1.3)."""

import logging
from collections.abc import Collection

from database import DatabaseError
from ebxml.model import DocumentRequest, RetrieveRequest
from ebxml.refused import Refused
from exchange.ports import RemoveResult
from ihe.error_codes import (
    DOCUMENT_UNIQUE_ID_ERROR,
    REMOVE_DOCUMENTS_ERROR,
    RegistryError,
)
from repository.addressees import misdirected
from repository.iti43_retrieve_document_set import DOCUMENTS_PER_REQUEST
from repository.store import RepositoryStore

log = logging.getLogger("coffre.repository")


async def remove_documents(
    request: RetrieveRequest,
    store: RepositoryStore,
    *,
    repository_unique_id: str,
    home_community_id: str,
    documents_limit: int = DOCUMENTS_PER_REQUEST,
    removable: Collection[str] | None = None,
) -> RemoveResult:
    """Remove each document that is named, or say why not; metadata stay as they are (3.86.4.1.3).

    With `removable` ones given, no others are here for whoever asks.
    """
    if len(request.documents) > documents_limit:
        context = f"{len(request.documents)} documents named, at most {documents_limit}"
        raise Refused(REMOVE_DOCUMENTS_ERROR.error(context))
    ours: list[DocumentRequest] = []
    errors: list[RegistryError] = []
    for one in dict.fromkeys(request.documents):
        if error := misdirected(one, repository_unique_id, home_community_id):
            errors.append(error)
        elif removable is not None and one.document_unique_id not in removable:
            errors.append(_unknown(one.document_unique_id))
        else:
            ours.append(one)
    try:
        patients = await store.remove_documents([one.document_unique_id for one in ours])
    except DatabaseError as problem:
        log.error("documents cannot be removed: %s", type(problem).__name__)
        unique_ids = (one.document_unique_id for one in ours)
        errors += [REMOVE_DOCUMENTS_ERROR.error(unique_id, unique_id) for unique_id in unique_ids]
        return RemoveResult((), tuple(errors))
    removed: list[tuple[DocumentRequest, str]] = []
    for one in ours:
        unique_id = one.document_unique_id
        if unique_id in patients:
            removed.append((one, patients[unique_id]))
        else:
            errors.append(_unknown(unique_id))
    return RemoveResult(tuple(removed), tuple(errors))


def _unknown(unique_id: str) -> RegistryError:
    return DOCUMENT_UNIQUE_ID_ERROR.error(f"no such document: {unique_id}", unique_id)
