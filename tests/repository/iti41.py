"""Submissions with their documents, and a registry that answers as told."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from database import Database
from ebxml.model import (
    DocumentEntry,
    DocumentRequest,
    RegistryResponse,
    RetrieveRequest,
    Submission,
    SubmissionSet,
)
from ebxml.refused import Refused
from exchange.ports import RetrieveResult, StagedDocument
from ihe.error_codes import RegistryError, ResponseStatus, Severity
from repository.blobs import DirectoryBlobs
from repository.iti41_provide_and_register_document_set import provide_and_register_document_set
from repository.iti43_retrieve_document_set import retrieve_document_set
from repository.store import RepositoryStore
from repository.vault import Vault

HERE = "2.999.2.1"
HOME = "urn:oid:2.999.1"
SUCCESS = RegistryResponse(ResponseStatus.SUCCESS)
FAILURE = RegistryResponse(
    ResponseStatus.FAILURE,
    (
        RegistryError("XDSUnknownPatientId", "P9^^^&2.999.3&ISO"),
        RegistryError("XDSExtraMetadataNotSaved", "urn:x", Severity.WARNING),
    ),
)
PARTIAL = RegistryResponse(ResponseStatus.PARTIAL_SUCCESS, (RegistryError("XDSRegistryError", "half"),))

numbers = count(1)


async def store_in(directory: Path, database: Database, vault: Vault | None) -> RepositoryStore:
    """The documents of this directory, with their rows in that database."""
    blobs = await DirectoryBlobs.open(directory, sealed=vault is not None)
    return await RepositoryStore.open(database, blobs, vault)


@dataclass
class Registry:
    """A registry far away: keeps what it was sent, answers as told."""

    answer: RegistryResponse | Exception = SUCCESS
    meanwhile: Callable[[], Awaitable[None]] | None = None
    received: list[Submission] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def registered(self, unique_ids: Iterable[str]) -> dict[str, str]:
        self.asked.extend(unique_ids)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {unique_id: self.known[unique_id] for unique_id in self.asked if unique_id in self.known}

    async def register(self, submission: Submission) -> RegistryResponse:
        self.received.append(submission)
        if self.meanwhile:
            await self.meanwhile()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def entry(number: int = 1, **given: object) -> DocumentEntry:
    named = {
        "entry_uuid": f"Document{number:02}",
        "unique_id": f"2.999.3.{number}",
        "mime_type": "text/plain",
    }
    return DocumentEntry(**{**named, **given})  # type: ignore[arg-type]  # names and values as a test gives them


def submission(*entries: DocumentEntry) -> Submission:
    return Submission(
        submission_sets=(SubmissionSet(entry_uuid="SubmissionSet01"),), document_entries=entries
    )


async def staged(store: RepositoryStore, document: bytes) -> StagedDocument:
    writer = await store.staging.begin("application/octet-stream")
    await writer.write(document)
    return await writer.finish()


async def provide(
    store: RepositoryStore, registry: Registry, *documents: tuple[DocumentEntry, bytes]
) -> RegistryResponse:
    """Send these entries, each with its document."""
    return await provide_and_register_document_set(
        submission(*(one for one, _ in documents)),
        {one.entry_uuid: await staged(store, document) for one, document in documents},
        store,
        registry,
        repository_unique_id=HERE,
        clock=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC),
        new_uuid=lambda: f"urn:uuid:00000000-0000-4000-8000-{next(numbers):012}",
    )


async def refusal(store: RepositoryStore, registry: Registry, *documents: tuple[DocumentEntry, bytes]):
    with pytest.raises(Refused) as refused:
        await provide(store, registry, *documents)
    return [(error.code, error.context) for error in refused.value.errors]


async def retrieve(store: RepositoryStore, *unique_ids: str) -> RetrieveResult:
    request = RetrieveRequest(tuple(DocumentRequest(HERE, unique_id) for unique_id in unique_ids))
    return await retrieve_document_set(request, store, repository_unique_id=HERE, home_community_id=HOME)


async def bytes_of(store: RepositoryStore, unique_id: str) -> bytes | None:
    documents = (await retrieve(store, unique_id)).documents
    return b"".join([chunk async for chunk in documents[0][1].chunks]) if documents else None


def blobs_in(tmp_path: Path) -> int:
    return len({path.name for path in (tmp_path / "documents").rglob("*") if path.is_file()} - {"lock"})
