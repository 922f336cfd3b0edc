"""Documents as objects of an S3 bucket: uploaded in parts, compared after each upload, read in stretches.

A blob is the object `<prefix>/<handle>`. A handle begins with the second in which its upload began, so a
listing can begin at any time: what a process that was cut off left behind is found without reading the
names of all documents. No lock tells whether a process on another machine lives; age does.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from exchange.ports import Clock, StagedDocument, StorageError
from repository.blob_pieces import BlobReading, BlobWriting
from repository.blob_store import DOCUMENT_LIMIT_BYTES, HANDLE_BYTES, RECOVERY_BATCH, RecordedOf
from repository.blob_streams import BlobWriter, Buffers, run, stream
from repository.s3_objects import (
    OBJECT_LIMIT_BYTES,
    READ_BYTES,
    UPLOAD_LIMIT,
    ObjectSink,
    ObjectSource,
    translated,
)
from repository.sealing import CHUNK_BYTES, TAG_BYTES, form_of, new_key

if TYPE_CHECKING:
    from obstore.store import S3Store

log = logging.getLogger("coffre.repository")

# Threads mostly wait for the store, ten to a hundred milliseconds a request.
REQUEST_THREADS = 32

# A message whose first document was begun so long ago has ended, one way or the other: a blob without a
# row is then nobody's. `UPLOAD_LIMIT` keeps the longest upload well below it.
ABANDONED_AFTER = 2 * UPLOAD_LIMIT

# How far back a process that starts looks for what was left behind; `coffre repository check` looks at all.
LOOK_BACK = timedelta(days=7)

# Readiness is asked every few seconds, and 503 in time is worth more than an answer after all retries.
READY_TIMEOUT_SECONDS = 3.0

_SECONDS_DIGITS = 8
_HANDLE = re.compile(rf"[0-9a-f]{{{_SECONDS_DIGITS + 2 * HANDLE_BYTES}}}")
# No handle begins like this: the listing that readiness asks for is empty.
_NOTHING = "ready"


class S3Blobs:
    """A `BlobStore` in a bucket; any number of processes on any machines may share it."""

    def __init__(
        self,
        store: "S3Store",
        clock: Clock,
        document_limit_bytes: int = DOCUMENT_LIMIT_BYTES,
        *,
        sealed: bool = True,
        etag_is_md5: bool = True,
    ) -> None:
        self._store = store
        self._clock = clock
        # Sealed, a document is a little longer: a tag for each chunk.
        fitting = OBJECT_LIMIT_BYTES - OBJECT_LIMIT_BYTES // CHUNK_BYTES * TAG_BYTES
        self._document_limit_bytes = min(document_limit_bytes, fitting)
        self._sealed = sealed
        self._etag_is_md5 = etag_is_md5
        self._buffers = Buffers()
        self._threads = ThreadPoolExecutor(REQUEST_THREADS, thread_name_prefix="s3")
        self._swept_to = ""

    async def begin(self, content_type: str) -> BlobWriter:
        """Open a place for one more document; nothing is sent before there is something to send."""
        handle = self._first_handle() + secrets.token_hex(HANDLE_BYTES)
        key = new_key() if self._sealed else b""
        sink = ObjectSink(self._store, handle, self._clock, etag_is_md5=self._etag_is_md5)
        writing = BlobWriting(sink, form_of(key, handle))
        return BlobWriter(
            writing, handle, key, content_type, self._document_limit_bytes, self._threads, self._buffers
        )

    async def discard(self, staged: StagedDocument) -> None:
        """Remove a staged document that no submission wants."""
        await self.remove((staged.handle,))

    async def recorded(self, handles: Iterable[str]) -> None:
        """Nothing marks a blob as unrecorded but that the database does not refer to it."""

    async def remove(self, handles: Iterable[str]) -> None:
        """Remove blobs to which the database does not refer."""
        if names := list(handles):
            await run(self._threads, self._delete, names)

    async def probe(self, handle: str, size_bytes: int, sha256: str, key: bytes = b"") -> None:
        """StorageError unless the blob is there in its full size and begins as it was written."""
        reading = self._reading(handle, size_bytes, sha256, key, CHUNK_BYTES + TAG_BYTES)
        await run(self._threads, reading.probe)

    def read(self, handle: str, size_bytes: int, sha256: str, key: bytes = b"") -> AsyncIterator[bytes]:
        """Yield the blob; StorageError before its last chunk if it is not what was written."""
        return stream(
            self._reading(handle, size_bytes, sha256, key, READ_BYTES), self._threads, self._buffers
        )

    async def handles(self) -> AsyncIterator[list[str]]:
        """Every blob of the bucket that was begun so long ago that it is recorded, or nobody's."""
        async for handles in self._listed("", self._first_handle(ABANDONED_AFTER)):
            yield handles

    async def recover(self, recorded_of: RecordedOf) -> int:
        """Remove what was left behind; a store that cannot be asked is asked another time."""
        removed = 0
        begin, end = self._swept_to or self._first_handle(LOOK_BACK), self._first_handle(ABANDONED_AFTER)
        try:
            async for handles in self._listed(begin, end):
                unrecorded = set(handles) - set(await recorded_of(handles))
                await self.remove(unrecorded)
                removed += len(unrecorded)
        except StorageError as problem:
            log.warning("what was left in the object store is looked for later: %s", problem)
        else:
            self._swept_to = end
        return removed

    async def not_ready(self) -> str:
        """Whether the bucket is there and may be listed."""
        listing = self._store.list_async(_NOTHING)
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS):
                with translated():
                    await listing.collect_async()
        except (StorageError, TimeoutError):
            return "the object store does not answer, or not to us"
        return ""

    async def close(self) -> None:
        """End the threads after what they were given."""
        await asyncio.to_thread(self._threads.shutdown)

    async def _listed(self, begin: str, end: str) -> AsyncIterator[list[str]]:
        """The handles from `begin` to `end`, by age and some at a time; what is not ours is left out."""
        pages = self._pages(begin)
        while page := await run(self._threads, next, pages, []):
            if handles := [name for name in page if _HANDLE.fullmatch(name) and name < end]:
                yield handles
            if page[-1] >= end:
                return

    def _pages(self, begin: str) -> Iterator[list[str]]:
        with translated():
            for page in self._store.list(offset=begin or None, chunk_size=RECOVERY_BATCH):
                yield [one["path"] for one in page]

    def _delete(self, names: list[str]) -> None:
        with translated():
            self._store.delete(names)

    def _first_handle(self, ago: timedelta = timedelta()) -> str:
        """How handles begin that were made so long ago."""
        return f"{int((self._clock() - ago).timestamp()):0{_SECONDS_DIGITS}x}"

    def _reading(
        self, handle: str, size_bytes: int, sha256: str, key: bytes, first_bytes: int
    ) -> BlobReading:
        source = ObjectSource(self._store, handle, first_bytes)
        return BlobReading(source, size_bytes, sha256, form_of(key, handle))
