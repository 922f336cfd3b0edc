"""Are rows and blobs what they should be? Nothing is changed here."""

from dataclasses import dataclass
from datetime import datetime

from exchange.ports import StorageError
from repository.blob_store import BlobMissing
from repository.document_rows import PendingDocument
from repository.store import RepositoryStore


@dataclass(frozen=True, slots=True)
class Damage:
    """A document whose bytes are not what was stored, and why."""

    unique_id: str
    blob_handle: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is not as it should be; a document may have another copy that is whole."""

    documents: int
    pending: tuple[PendingDocument, ...]
    orphaned: tuple[str, ...]
    missing: tuple[Damage, ...]
    damaged: tuple[Damage, ...]

    @property
    def sound(self) -> bool:
        """Whether every document is there and whole."""
        return not (self.missing or self.damaged)


async def check(store: RepositoryStore, pending_before: datetime, deep: bool) -> Report:
    """Look at every row and every blob; `deep` reads documents to their end, not only where they begin."""
    pending: list[PendingDocument] = []
    while batch := await store.pending(pending_before, pending[-1].id if pending else 0):
        pending += batch
    orphaned = tuple([handle async for handle in store.orphans()])
    documents = after_id = 0
    missing: list[Damage] = []
    damaged: list[Damage] = []
    while copies := await store.copies(after_id):
        after_id = copies[-1][0]
        documents += len(copies)
        for _, copy in copies:
            try:
                await store.read_back(copy, whole=deep)
            except StorageError as problem:
                # It may have been removed in the meantime, and rightly.
                if await store.has(copy):
                    found = missing if isinstance(problem, BlobMissing) else damaged
                    found.append(Damage(copy.unique_id, copy.identity.blob_handle, str(problem)))
    return Report(documents, tuple(pending), orphaned, tuple(missing), tuple(damaged))
