"""Documents streamed through the threads of a blob store, in and out, with a bounded number of buffers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from exchange.ports import DocumentTooLarge, StagedDocument, StorageError
from repository.blob_pieces import BlobReading, BlobWriting
from repository.sealing import CHUNK_BYTES

# Bytes that go to a thread at once: large enough that the hop (50 us) does not count beside hashing
# them (1 ms), small enough that eight documents in flight, two buffers each, stay at 16 MiB.
BUFFER_BYTES = 16 * CHUNK_BYTES

Result = TypeVar("Result")


async def run(threads: ThreadPoolExecutor, function: Callable[..., Result], *arguments: object) -> Result:
    """Do it in a thread, to its end, even if who asked for it is gone."""
    return await asyncio.shield(asyncio.wrap_future(threads.submit(function, *arguments)))


async def stream(reading: BlobReading, threads: ThreadPoolExecutor) -> AsyncIterator[bytes]:
    """Yield the blob, one buffer ahead of who takes it."""
    try:
        ahead = threads.submit(reading.next_chunk, BUFFER_BYTES)
        while chunk := await asyncio.wrap_future(ahead):
            ahead = threads.submit(reading.next_chunk, BUFFER_BYTES)
            yield chunk
    finally:
        # Not awaited, for the reader may be gone; it waits at most for one chunk being read ahead.
        reading.close()


class BlobWriter:
    """Takes one document: while one full buffer is hashed and written, the next one fills."""

    def __init__(
        self,
        writing: BlobWriting,
        handle: str,
        key: bytes,
        content_type: str,
        limit_bytes: int,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._writing = writing
        self._handle = handle
        self._key = key
        self._content_type = content_type
        self._limit_bytes = limit_bytes
        self._threads = threads
        self._buffer = bytearray()
        self._other_buffer = bytearray()
        self._filled = 0
        self._size = 0
        self._jobs: list[Future[None]] = []

    async def write(self, data: bytes) -> None:
        """Take the next piece; a failure to write it may show at a later call, and abandons the document."""
        try:
            await self._take(data)
        except BaseException:
            await self._give_up()
            raise

    async def finish(self) -> StagedDocument:
        """Make the document durable and say what it is; a failure abandons it."""
        try:
            await self._written()
            job = self._threads.submit(self._writing.finish, self._buffer[: self._filled])
            sha1, sha256 = await asyncio.wrap_future(job)
        except BaseException:
            await self._give_up()
            raise
        return StagedDocument(self._handle, sha1, sha256, self._size, self._content_type, self._key)

    async def abandon(self) -> None:
        """Forget the document; what was written leaves no trace."""
        await asyncio.shield(asyncio.wrap_future(self._threads.submit(self._writing.abandon)))

    async def _take(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit_bytes:
            raise DocumentTooLarge(self._limit_bytes)
        rest = memoryview(data)
        while rest:
            taken = rest[: BUFFER_BYTES - self._filled]
            self._buffer[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            rest = rest[len(taken) :]
            if self._filled == BUFFER_BYTES:
                await self._hand_over()

    async def _hand_over(self) -> None:
        await self._written()
        # The same two buffers all along: new ones would cost a page fault for every 4 KB of the document.
        full, self._buffer, self._filled = self._buffer, self._other_buffer, 0
        self._other_buffer = full
        # Two hashes on two cores: one after the other they take twice the time of the write.
        self._jobs = [
            self._threads.submit(step, full) for step in (self._writing.append, self._writing.digest)
        ]

    async def _written(self) -> None:
        for job in self._jobs:
            await asyncio.wrap_future(job)

    async def _give_up(self) -> None:
        # What went wrong first is what is told.
        with suppress(StorageError):
            await self.abandon()
