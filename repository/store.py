"""The repository's documents: a row for what is known, a blob for the bytes (ITI TF-2: 3.41, 3.43)."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from sqlalchemy import bindparam, delete, insert, select, update

from database import Database, Parameters, Statement, any_of
from exchange.ports import StagedDocument, Staging, StorageError, StoredDocument
from repository.blobs import DOCUMENT_LIMIT_BYTES, DirectoryBlobs
from repository.tables import State, document


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document that is about to be stored."""

    unique_id: str
    mime_type: str
    staged: StagedDocument


@dataclass(frozen=True, slots=True)
class DocumentCopy:
    """One stored copy of a document; all copies of one uniqueId hold the same bytes."""

    unique_id: str
    blob_handle: str
    mime_type: str
    size_bytes: int
    sha256: str


class RepositoryStore:
    """Rows and blobs together: bytes are durable before their row, and gone only after it."""

    def __init__(self, database: Database, blobs: DirectoryBlobs) -> None:
        self._database = database
        self._blobs = blobs

    @classmethod
    async def open(
        cls, database: Database, directory: Path, document_limit_bytes: int = DOCUMENT_LIMIT_BYTES
    ) -> "RepositoryStore":
        """Open the documents under this directory, and clear up after processes that were cut off."""
        blobs = await DirectoryBlobs.open(directory, document_limit_bytes)
        store = cls(database, blobs)
        try:
            await blobs.recover(store._recorded_of)
        except BaseException:
            await blobs.close()
            raise
        return store

    @property
    def staging(self) -> Staging:
        """Where the documents of a message go while it is read."""
        return self._blobs

    async def add(self, submission_id: str, documents: Iterable[NewDocument], at: datetime) -> None:
        """Record the documents of one submission as pending, all or none."""
        rows: list[Parameters] = [
            {
                "unique_id": new.unique_id,
                "submission_id": submission_id,
                "blob_handle": new.staged.handle,
                "mime_type": new.mime_type,
                "size_bytes": new.staged.size,
                "sha1": new.staged.sha1,
                "sha256": new.staged.sha256,
                "state": State.PENDING,
                "created_milliseconds": int(at.timestamp() * 1000),
            }
            for new in documents
        ]
        if rows:
            await self._execute(_INSERT, rows)

    async def differing(self, submission_id: str) -> tuple[tuple[str, bool], ...]:
        """The uniqueIds under which another submission has other bytes, and whether of another size."""
        rows = await self._database.fetch(_SELECT_DIFFERING, {"submission_id": submission_id})
        differing: dict[str, bool] = {}
        for unique_id, size_bytes, other_size_bytes in rows:
            differing[unique_id] = differing.get(unique_id, False) or size_bytes != other_size_bytes
        return tuple(differing.items())

    async def make_available(self, submission_id: str, staged: Iterable[StagedDocument]) -> None:
        """The registry has taken the submission: its documents are here to stay."""
        await self._execute(_UPDATE_STATE, {"for_submission_id": submission_id, "new_state": State.AVAILABLE})
        await self.keep(staged)

    async def keep(self, staged: Iterable[StagedDocument]) -> None:
        """Nobody is going to remove these documents, registered or not."""
        await self._blobs.recorded(_handles(staged))

    async def remove(self, submission_id: str, staged: Iterable[StagedDocument]) -> None:
        """Forget a submission and its bytes; an earlier one with the same documents keeps its own."""
        await self._execute(_DELETE, {"submission_id": submission_id})
        await self._blobs.remove(_handles(staged))

    async def discard(self, staged: Iterable[StagedDocument]) -> None:
        """Remove bytes for which no row was written."""
        await self._blobs.remove(_handles(staged))

    async def find(self, unique_ids: Sequence[str]) -> Mapping[str, tuple[DocumentCopy, ...]]:
        """The copies of each document, the best first; a uniqueId that has none is not in the answer."""
        rows = await self._database.fetch(_SELECT_COPIES, {"unique_ids": list(unique_ids)})
        copies = (DocumentCopy(*row) for row in rows)
        return {unique_id: tuple(found) for unique_id, found in groupby(copies, attrgetter("unique_id"))}

    async def open_copy(self, copies: Iterable[DocumentCopy]) -> StoredDocument:
        """The first copy whose blob is there in its full size; StorageError when none is."""
        reason = StorageError("no copy was named")
        for copy in copies:
            try:
                size_bytes = await self._blobs.size_of(copy.blob_handle)
            except StorageError as error:
                reason = error
                continue
            if size_bytes == copy.size_bytes:
                return StoredDocument(copy.unique_id, copy.mime_type, copy.size_bytes, self._chunks(copy))
            reason = StorageError(f"a blob has {size_bytes} bytes, {copy.size_bytes} were written")
        raise reason

    async def close(self) -> None:
        """Let go of the blobs; the database is closed by who opened it."""
        await self._blobs.close()

    async def _execute(self, statement: Statement, parameters: Parameters | Sequence[Parameters]) -> None:
        # Each of our statements may run twice: an insert that was lost was not committed.
        await self._database.transact(lambda transaction: transaction.execute(statement, parameters))

    def _chunks(self, copy: DocumentCopy) -> AsyncIterator[bytes]:
        return self._blobs.read(copy.blob_handle, copy.size_bytes, copy.sha256)

    async def _recorded_of(self, handles: Sequence[str]) -> Collection[str]:
        rows = await self._database.fetch(_SELECT_HANDLES, {"handles": list(handles)})
        return {handle for (handle,) in rows}


def _handles(staged: Iterable[StagedDocument]) -> set[str]:
    # A set, because two xds:Document elements may refer to one MIME part.
    return {document.handle for document in staged}


_INSERT = Statement(
    insert(document).values(
        {column.name: bindparam(column.name) for column in document.columns if column.name != "id"}
    )
)

_DELETE = Statement(delete(document).where(document.c.submission_id == bindparam("submission_id")))

_UPDATE_STATE = Statement(
    update(document)
    .where(document.c.submission_id == bindparam("for_submission_id"))
    .values(state=bindparam("new_state"))
)

_other = document.alias("other")
_SELECT_DIFFERING = Statement(
    select(document.c.unique_id, document.c.size_bytes, _other.c.size_bytes)
    .join(_other, _other.c.unique_id == document.c.unique_id)
    .where(
        document.c.submission_id == bindparam("submission_id"),
        _other.c.submission_id != document.c.submission_id,
        _other.c.sha256 != document.c.sha256,
    )
    .order_by(document.c.id)
)

# 'available' sorts before 'pending': a registered copy is served before one that may yet be removed.
_SELECT_COPIES = Statement(
    select(
        document.c.unique_id,
        document.c.blob_handle,
        document.c.mime_type,
        document.c.size_bytes,
        document.c.sha256,
    )
    .where(any_of(document.c.unique_id, bindparam("unique_ids")))
    .order_by(document.c.unique_id, document.c.state, document.c.id)
)

_SELECT_HANDLES = Statement(
    select(document.c.blob_handle).where(any_of(document.c.blob_handle, bindparam("handles")))
)
