"""Provide and Register Document Set-b [ITI-41] at the repository (ITI TF-2: 3.41.4.1.3)."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from database import DatabaseBusy, DatabaseError, DatabaseFull
from ebxml.model import DocumentEntry, RegistryResponse, Submission
from ebxml.refused import Refused
from exchange.ports import (
    Clock,
    NewUuid,
    RegistryPort,
    RegistryUnreachable,
    StagedDocument,
    StorageError,
)
from hl7v2.datatypes import errors_in_sha1, errors_in_size
from ihe.error_codes import (
    MISSING_DOCUMENT,
    MISSING_DOCUMENT_METADATA,
    NON_IDENTICAL_HASH,
    NON_IDENTICAL_SIZE,
    REGISTRY_NOT_AVAILABLE,
    REPOSITORY_BUSY,
    REPOSITORY_METADATA_ERROR,
    REPOSITORY_OUT_OF_RESOURCES,
    RegistryError,
    ResponseStatus,
)
from repository.consent_documents import errors_in_consent_documents
from repository.document_rows import NewDocument
from repository.store import RepositoryStore

log = logging.getLogger("coffre.repository")

# What the schema takes a rim:ExtrinsicObject without mimeType to be (ebRIM 3.0, rim.xsd).
DEFAULT_MIME_TYPE = "application/octet-stream"


async def provide_and_register_document_set(
    submission: Submission,
    documents: Mapping[str, StagedDocument],
    store: RepositoryStore,
    registry: RegistryPort,
    *,
    repository_unique_id: str,
    clock: Clock,
    new_uuid: NewUuid,
) -> RegistryResponse:
    """Store the documents, register the submission, and keep both or neither (ITI TF-2: 3.41.4.1.3).

    `documents` are staged, by the id of their DocumentEntry; whatever happens they are taken care of.
    """
    submission_id = new_uuid()
    staged = tuple(documents.values())
    await _store_as_pending(submission_id, submission, documents, store, clock)
    # From here on an exception that nobody expects leaves the documents pending: what the registry did
    # is then not known, and a registered document without its bytes is worse than bytes not registered.
    try:
        response = await registry.register(completed(submission, documents, repository_unique_id))
    except RegistryUnreachable as problem:
        raise await _not_available(problem, submission_id, staged, store) from problem
    if response.status is ResponseStatus.SUCCESS:
        await _make_available(submission_id, staged, store)
    else:
        await _remove(submission_id, staged, store)
    return response


def completed(
    submission: Submission, documents: Mapping[str, StagedDocument], repository_unique_id: str
) -> Submission:
    """Add what only the repository knows; all else goes on as it came (ITI TF-2: 3.41.4.1.3)."""
    return replace(
        submission,
        document_entries=tuple(
            replace(
                entry,
                repository_unique_id=repository_unique_id,
                hash=entry.hash or documents[entry.entry_uuid].sha1,
                size=entry.size or str(documents[entry.entry_uuid].size),
            )
            for entry in submission.document_entries
        ),
    )


def errors_in_documents(
    submission: Submission, documents: Mapping[str, StagedDocument]
) -> Iterator[RegistryError]:
    """Yield where Documents and DocumentEntries do not belong together (ITI TF-2: 3.41.4.1.3)."""
    entries = {entry.entry_uuid: entry for entry in submission.document_entries}
    for entry_uuid, entry in entries.items():
        if entry_uuid not in documents:
            yield MISSING_DOCUMENT.error(f"DocumentEntry {entry_uuid} has no Document in the message")
        else:
            yield from _errors_in_hash_and_size(entry, documents[entry_uuid])
    for document_id in documents:
        if document_id not in entries:
            yield MISSING_DOCUMENT_METADATA.error(
                f"Document {document_id} has no DocumentEntry in the message"
            )


def _errors_in_hash_and_size(entry: DocumentEntry, document: StagedDocument) -> Iterator[RegistryError]:
    # What is no hash or no number is an error of the metadata, and not once more for being another one.
    if entry.hash and not any(errors_in_sha1(entry.hash)) and entry.hash.lower() != document.sha1:
        yield REPOSITORY_METADATA_ERROR.error(
            f"DocumentEntry {entry.entry_uuid}: hash is {entry.hash}, the document's SHA-1 is {document.sha1}"
        )
    if entry.size and not any(errors_in_size(entry.size)) and int(entry.size) != document.size:
        yield REPOSITORY_METADATA_ERROR.error(
            f"DocumentEntry {entry.entry_uuid}: size is {entry.size}, the document has {document.size} bytes"
        )


async def _store_as_pending(
    submission_id: str,
    submission: Submission,
    documents: Mapping[str, StagedDocument],
    store: RepositoryStore,
    clock: Clock,
) -> None:
    """Make the documents retrievable before their metadata reach the registry (ITI TF-2: 3.41.4.1.3)."""
    staged = tuple(documents.values())
    try:
        errors = (
            *errors_in_documents(submission, documents),
            *await errors_in_consent_documents(submission, documents, store),
        )
        if errors:
            raise Refused(*errors)
    except BaseException:
        await store.discard(staged)
        raise
    try:
        await store.add(submission_id, _new_documents(submission, documents), clock())
        # Asked only now, when our rows can be seen: of two submissions that arrive together with
        # different bytes for one uniqueId, at least one sees the other, with no lock held.
        if differing := await store.differing(submission_id):
            raise Refused(*_errors_of_other_bytes(differing))
    except DatabaseBusy as error:
        await _remove(submission_id, staged, store)
        raise Refused(REPOSITORY_BUSY.error("too many submissions at once; send this one again")) from error
    except DatabaseFull as error:
        await _remove(submission_id, staged, store)
        raise Refused(REPOSITORY_OUT_OF_RESOURCES.error("no room is left; nothing was stored")) from error
    except BaseException:
        await _remove(submission_id, staged, store)
        raise


def _new_documents(submission: Submission, documents: Mapping[str, StagedDocument]) -> Iterator[NewDocument]:
    for entry in submission.document_entries:
        yield NewDocument(
            entry.unique_id or "",
            entry.mime_type or DEFAULT_MIME_TYPE,
            documents[entry.entry_uuid],
            # Documents of nobody, where a domain takes them, have a key together.
            entry.patient_id or "",
        )


def _errors_of_other_bytes(differing: tuple[tuple[str, bool], ...]) -> Iterator[RegistryError]:
    # The stored hash and size are not told: the document may be one that the source may not see.
    for unique_id, other_size in differing:
        yield NON_IDENTICAL_HASH.error(f"the document stored with uniqueId {unique_id} has another hash")
        if other_size:
            yield NON_IDENTICAL_SIZE.error(f"the document stored with uniqueId {unique_id} has another size")


async def _not_available(
    problem: RegistryUnreachable,
    submission_id: str,
    staged: tuple[StagedDocument, ...],
    store: RepositoryStore,
) -> Refused:
    """Remove what the registry cannot know of; keep what it may have registered (ITI TF-2: 3.41.4.1.3)."""
    if not problem.sent:
        await _remove(submission_id, staged, store)
        return Refused(REGISTRY_NOT_AVAILABLE.error("the registry cannot be reached; nothing was stored"))
    with suppress(StorageError):
        await store.keep(staged)
    return Refused(
        REGISTRY_NOT_AVAILABLE.error(
            "the registry gave no answer, and the submission may be registered; "
            "the same documents may be sent again unchanged"
        )
    )


async def _make_available(
    submission_id: str, staged: tuple[StagedDocument, ...], store: RepositoryStore
) -> None:
    """Mark the documents; they are registered and retrievable even if that fails, so the answer stands."""
    try:
        await store.make_available(submission_id, staged)
    except (DatabaseError, StorageError) as error:
        log.warning("submission %s is registered but stays pending: %s", submission_id, type(error).__name__)


async def _remove(submission_id: str, staged: tuple[StagedDocument, ...], store: RepositoryStore) -> None:
    """Remove rows and bytes; whatever fails, the answer is the reason why they are removed."""
    try:
        await store.remove(submission_id, staged)
    except (DatabaseError, StorageError) as error:
        log.warning("submission %s could not be removed: %s", submission_id, type(error).__name__)
