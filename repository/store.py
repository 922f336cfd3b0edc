"""The repository's documents: a row for what is known, a blob for the bytes (ITI TF-2: 3.41, 3.43)."""

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from database import Database, DatabaseError, Parameters, Row, Statement, Transaction
from exchange.pledge import due
from exchange.ports import StagedDocument, Staging, StorageError, StoredDocument
from repository.blob_store import VERIFIED_BYTES, BlobStore
from repository.document_rows import (
    COUNT_PLAIN,
    DELETE,
    DELETE_DOCUMENTS,
    DELETE_OF_PATIENT,
    DELETE_PATIENT_KEY,
    DELETE_PENDING,
    INSERT,
    LOCK_PATIENT_KEY,
    SEAL,
    SELECT_ALL,
    SELECT_COPIES,
    SELECT_DIFFERING,
    SELECT_HANDLES,
    SELECT_PATIENTS,
    SELECT_PENDING,
    SELECT_PLAIN,
    UPDATE_STATE,
    UPDATE_STATE_OF,
    DocumentCopy,
    NewDocument,
    PendingDocument,
    copy_of_row,
)
from repository.sealing import CHUNK_BYTES
from repository.tables import State
from repository.vault import DocumentIdentity, Vault

log = logging.getLogger("coffre.repository")

# Rows of one answer where all rows are gone through: a few hundred KB, and no long statement.
BATCH = 500


class RepositoryStore:
    """Rows and blobs together: bytes are durable before their row, and gone only after it."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        vault: Vault | None,
        *,
        reads_plain: bool = False,
        verified_bytes: int = VERIFIED_BYTES,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._vault = vault
        self._reads_plain = reads_plain or vault is None
        self._verified_bytes = verified_bytes

    @classmethod
    async def open(
        cls,
        database: Database,
        blobs: BlobStore,
        vault: Vault | None,
        *,
        reads_plain: bool = False,
        verified_bytes: int = VERIFIED_BYTES,
    ) -> "RepositoryStore":
        """Open the documents of these blobs, theirs from now on, and clear up after processes cut off.

        Without a vault the documents of one cannot be read; with one, those stored without it only if told.
        """
        store = cls(database, blobs, vault, reads_plain=reads_plain, verified_bytes=verified_bytes)
        try:
            await store.recover()
        except BaseException:
            await blobs.close()
            raise
        return store

    @property
    def staging(self) -> Staging:
        """Where the documents of a message go while it is read."""
        return self._blobs

    async def recover(self) -> None:
        """Remove the blobs that processes left behind which were cut off before they wrote a row."""
        await self._blobs.recover(self._recorded_of)

    async def not_ready(self) -> str:
        """Why no document can be stored or read now; empty when they can."""
        return await self._blobs.not_ready()

    async def add(self, submission_id: str, documents: Iterable[NewDocument], at: datetime) -> None:
        """Record the documents of one submission as pending, all or none."""
        documents = tuple(documents)
        sealed = await self._sealed_keys(documents, at)
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
                "patient_key_id": patient_key_id,
                "sealed_key": sealed_key,
            }
            for new, (patient_key_id, sealed_key) in zip(documents, sealed, strict=True)
        ]
        if rows:
            await self._database.transact(lambda transaction: transaction.execute(INSERT, rows), due())

    async def differing(self, submission_id: str) -> tuple[tuple[str, bool], ...]:
        """The uniqueIds under which another submission has other bytes, and whether of another size."""
        rows = await self._database.fetch(SELECT_DIFFERING, {"submission_id": submission_id})
        differing: dict[str, bool] = {}
        for unique_id, size_bytes, other_size_bytes in rows:
            differing[unique_id] = differing.get(unique_id, False) or size_bytes != other_size_bytes
        return tuple(differing.items())

    async def make_available(self, submission_id: str, staged: Iterable[StagedDocument]) -> None:
        """The registry has taken the submission: its documents are here to stay."""
        await self._execute(UPDATE_STATE, {"for_submission_id": submission_id, "new_state": State.AVAILABLE})
        await self.keep(staged)

    async def keep(self, staged: Iterable[StagedDocument]) -> None:
        """Nobody is going to remove these documents, registered or not."""
        await self._blobs.recorded(_handles(staged))

    async def remove(self, submission_id: str, staged: Iterable[StagedDocument]) -> None:
        """Forget a submission and its bytes; an earlier one with the same documents keeps its own."""
        await self._execute(DELETE, {"submission_id": submission_id})
        await self._blobs.remove(_handles(staged))

    async def discard(self, staged: Iterable[StagedDocument]) -> None:
        """Remove bytes for which no row was written."""
        await self._blobs.remove(_handles(staged))

    async def pending(self, before: datetime, after_id: int = 0) -> list[PendingDocument]:
        """Some of the documents pending since before that moment, by id; none when there are no more."""
        rows = await self._database.fetch(
            SELECT_PENDING,
            {"before": int(before.timestamp() * 1000), "after_id": after_id, "count": BATCH},
        )
        return [PendingDocument(*row) for row in rows]

    async def settle(self, found: PendingDocument, registered: bool) -> None:
        """What was pending is registered and stays, or it is not and goes."""
        if registered:
            await self._execute(UPDATE_STATE_OF, {"of_id": found.id, "new_state": State.AVAILABLE})
        else:
            await self._execute(DELETE_PENDING, {"of_id": found.id})
            await self._remove_blobs([found.blob_handle])

    async def copies(self, after_id: int = 0) -> list[tuple[int, DocumentCopy]]:
        """Some of all stored documents, by id; none when there are no more."""
        rows = await self._database.fetch(SELECT_ALL, {"after_id": after_id, "count": BATCH})
        return [(id_, copy_of_row(tuple(row))) for *row, id_ in rows]

    async def read_back(self, copy: DocumentCopy, whole: bool) -> None:
        """StorageError unless the document is as it was, to its end or where it begins."""
        await self._read_back(copy.identity, await self._key(copy), whole=whole)

    async def has(self, copy: DocumentCopy) -> bool:
        """Whether the row of this copy is still there."""
        return bool(await self._recorded_of([copy.identity.blob_handle]))

    async def orphans(self) -> AsyncIterator[str]:
        """The handles of blobs to which no row refers, and which nobody is about to record."""
        async for handles in self._blobs.handles():
            recorded = set(await self._recorded_of(handles))
            for handle in handles:
                if handle not in recorded:
                    yield handle

    async def remove_orphans(self, handles: Collection[str]) -> None:
        """Remove these blobs, as far as no row refers to them."""
        await self.recover()
        await self._remove_blobs(handles)

    async def remove_documents(self, unique_ids: Sequence[str]) -> Mapping[str, str]:
        """Remove every copy of these documents, all or none; for each that there was, whose it was."""

        async def work(transaction: Transaction) -> tuple[list[Row], dict[int, str]]:
            rows = await transaction.fetch(DELETE_DOCUMENTS, {"unique_ids": list(unique_ids)})
            ids = [patient_key_id for _, _, patient_key_id in rows if patient_key_id is not None]
            return rows, dict(await transaction.fetch(SELECT_PATIENTS, {"ids": ids}))

        rows, patients = await self._database.transact(work, due())
        await self._remove_blobs({handle for _, handle, _ in rows})
        return {unique_id: patients.get(patient_key_id, "") for unique_id, _, patient_key_id in rows}

    async def destroy(self, patient: str) -> int:
        """Destroy a patient's key and with it every document sealed under it; the answer is how many.

        Whoever has the files of those documents, or gets them from a backup, has noise.
        """

        async def work(transaction: Transaction) -> set[str]:
            # The lock makes submissions for the patient wait, and then find no key to be sealed under.
            await transaction.fetch(LOCK_PATIENT_KEY, {"patient": patient})
            rows = await transaction.fetch(DELETE_OF_PATIENT, {"patient": patient})
            await transaction.execute(DELETE_PATIENT_KEY, {"patient": patient})
            return {handle for (handle,) in rows}

        handles = await self._database.transact(work)
        await self._remove_blobs(handles)
        return len(handles)

    async def plain_copies(self, after_id: int = 0) -> list[tuple[int, DocumentCopy]]:
        """Some of the registered documents that are not encrypted, by id; none when there are no more."""
        rows = await self._database.fetch(SELECT_PLAIN, {"after_id": after_id, "count": BATCH})
        return [(id_, copy_of_row(tuple(row))) for *row, id_ in rows]

    async def count_plain(self) -> int:
        """How many documents are not encrypted, pending ones among them."""
        ((count,),) = await self._database.fetch(COUNT_PLAIN)
        return int(count)

    async def encrypt(self, id_: int, copy: DocumentCopy, patient: str, at: datetime) -> None:
        """Put a sealed copy in the place of a plain one, which goes when nothing refers to it any more.

        The sealed one is durable and was read back before the row names it: whenever this ends, one of
        both is there, and whole.
        """
        staged = await self._sealed_copy(copy)
        try:
            new = NewDocument(copy.unique_id, copy.identity.mime_type, staged, patient)
            [(patient_key_id, sealed_key)] = await self._sealed_keys((new,), at)
            row = {
                "of_id": id_,
                "old_handle": copy.identity.blob_handle,
                "new_handle": staged.handle,
                "new_patient_key_id": patient_key_id,
                "new_sealed_key": sealed_key,
            }
            await self._execute(SEAL, row)
            await self.keep([staged] if await self._recorded_of([staged.handle]) else [])
        finally:
            await self._remove_blobs({staged.handle, copy.identity.blob_handle})

    async def find(self, unique_ids: Sequence[str]) -> Mapping[str, tuple[DocumentCopy, ...]]:
        """The copies of each document, the best first; a uniqueId that has none is not in the answer."""
        rows = await self._database.fetch(SELECT_COPIES, {"unique_ids": list(unique_ids)})
        copies = (copy_of_row(row) for row in rows)
        return {unique_id: tuple(found) for unique_id, found in groupby(copies, attrgetter("unique_id"))}

    async def open_copy(self, copies: Iterable[DocumentCopy]) -> StoredDocument:
        """The first copy that is as it was, or if it is long, begins so; StorageError if there is none."""
        reason = StorageError("no copy was named")
        for copy in copies:
            one = copy.identity
            try:
                key = await self._key(copy)
                await self._read_back(one, key, whole=one.size_bytes <= self._verified_bytes)
            except StorageError as error:
                reason = error
                continue
            chunks = self._blobs.read(one.blob_handle, one.size_bytes, one.sha256, key)
            return StoredDocument(
                one.unique_id, one.mime_type, one.size_bytes, chunks, patient_id=copy.patient_id
            )
        raise reason

    async def staged_content(self, staged: StagedDocument) -> bytes:
        """The whole of a document that is not stored yet; StorageError if it cannot be read."""
        chunks = self._blobs.read(staged.handle, staged.size, staged.sha256, staged.key)
        return b"".join([chunk async for chunk in chunks])

    def read_once(self, staged: StagedDocument, unique_id: str, mime_type: str) -> StoredDocument:
        """A document for which no row is written: it is gone once it has been read.

        One that nobody comes to read goes with the process, like all that is staged and not recorded.
        """

        async def chunks() -> AsyncIterator[bytes]:
            try:
                async for chunk in self._blobs.read(staged.handle, staged.size, staged.sha256, staged.key):
                    yield chunk
            finally:
                await self._blobs.discard(staged)

        return StoredDocument(unique_id, mime_type, staged.size, chunks())

    async def close(self) -> None:
        """Let go of the blobs; the database is closed by who opened it."""
        await self._blobs.close()

    async def _read_back(self, one: DocumentIdentity, key: bytes, *, whole: bool) -> None:
        if not whole or one.size_bytes <= CHUNK_BYTES:
            await self._blobs.probe(one.blob_handle, one.size_bytes, one.sha256, key)
            return
        async for _ in self._blobs.read(one.blob_handle, one.size_bytes, one.sha256, key):
            pass

    async def _sealed_copy(self, copy: DocumentCopy) -> StagedDocument:
        """What a plain copy holds, once more and sealed; StorageError if it is not what it was."""
        one = copy.identity
        writer = await self._blobs.begin(one.mime_type)
        try:
            async for chunk in self._blobs.read(one.blob_handle, one.size_bytes, one.sha256):
                await writer.write(chunk)
        except BaseException:
            await writer.abandon()
            raise
        staged = await writer.finish()
        try:
            async for _ in self._blobs.read(staged.handle, one.size_bytes, one.sha256, staged.key):
                pass
        except BaseException:
            await self._blobs.discard(staged)
            raise
        return staged

    async def _execute(self, statement: Statement, parameters: Parameters | Sequence[Parameters]) -> None:
        # Each of our statements may run twice: an insert that was lost was not committed.
        await self._database.transact(lambda transaction: transaction.execute(statement, parameters))

    async def _sealed_keys(
        self, documents: Sequence[NewDocument], at: datetime
    ) -> list[tuple[int | None, bytes | None]]:
        """For each document the id of its patient's key, and its own key sealed under that."""
        if self._vault is None:
            return [(None, None)] * len(documents)
        patients = {new.patient for new in documents}
        keys = {patient: await self._vault.patient_key(patient, at) for patient in patients}
        return [
            (keys[new.patient][0].id, self._vault.seal(keys[new.patient][1], new.identity, new.staged.key))
            for new in documents
        ]

    async def _key(self, copy: DocumentCopy) -> bytes:
        """The document's key, empty for plain bytes; StorageError if it cannot be had."""
        if copy.sealed_key is None:
            if not self._reads_plain:
                # Or whoever can write rows and files could put plain bytes in a sealed document's place.
                raise StorageError("a document is not encrypted, and the vault takes none that is not")
            return b""
        if self._vault is None:
            raise StorageError("a document is encrypted, and the vault is off")
        return await self._vault.document_key(copy.sealed_key, copy.identity)

    async def _remove_blobs(self, handles: Collection[str]) -> None:
        """Remove the blobs to which no row refers any more; with their rows they have lost their keys."""
        try:
            await self._blobs.remove(set(handles) - set(await self._recorded_of(list(handles))))
        except (DatabaseError, StorageError) as error:
            log.warning("%d blobs stay until the next check: %s", len(handles), type(error).__name__)

    async def _recorded_of(self, handles: Sequence[str]) -> Collection[str]:
        rows = await self._database.fetch(SELECT_HANDLES, {"handles": list(handles)})
        return {handle for (handle,) in rows}


def _handles(staged: Iterable[StagedDocument]) -> set[str]:
    # A set, because two xds:Document elements may refer to one MIME part.
    return {document.handle for document in staged}
