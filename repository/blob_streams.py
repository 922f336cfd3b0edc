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
# them (1 ms).
BUFFER_BYTES = 16 * CHUNK_BYTES

# All documents in flight, each of which has some such buffers on its way: where there are more than four,
# each buffer is smaller, down to one chunk.
SHARED_BYTES = 4 * BUFFER_BYTES

Result = TypeVar("Result")


class Buffers:
    """How much the documents in flight may hold of one store."""

    def __init__(self) -> None:
        self._in_flight = 0

    @property
    def size_bytes(self) -> int:
        """Of a buffer that is filled from now on; whole chunks."""
        share = SHARED_BYTES // max(1, self._in_flight) // CHUNK_BYTES * CHUNK_BYTES
        return max(CHUNK_BYTES, min(BUFFER_BYTES, share))

    def take(self) -> None:
        """One more document is in flight."""
        self._in_flight += 1

    def give_back(self) -> None:
        """One document is not any more."""
        self._in_flight -= 1


async def run(threads: ThreadPoolExecutor, function: Callable[..., Result], *arguments: object) -> Result:
    """Do it in a thread, to its end, even if who asked for it is gone."""
    return await asyncio.shield(asyncio.wrap_future(threads.submit(function, *arguments)))


async def stream(reading: BlobReading, threads: ThreadPoolExecutor, buffers: Buffers) -> AsyncIterator[bytes]:
    """Yield the blob, one buffer ahead of who takes it."""
    buffers.take()
    try:
        ahead = threads.submit(reading.next_chunk, buffers.size_bytes)
        while chunk := await asyncio.wrap_future(ahead):
            ahead = threads.submit(reading.next_chunk, buffers.size_bytes)
            yield chunk
    finally:
        buffers.give_back()
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
        buffers: Buffers,
    ) -> None:
        self._writing = writing
        self._handle = handle
        self._key = key
        self._content_type = content_type
        self._limit_bytes = limit_bytes
        self._threads = threads
        self._buffers = buffers
        self._in_flight = False
        self._buffer_bytes = 0
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
        self._landed()
        return StagedDocument(self._handle, sha1, sha256, self._size, self._content_type, self._key)

    async def abandon(self) -> None:
        """Forget the document; what was written leaves no trace."""
        self._landed()
        await asyncio.shield(asyncio.wrap_future(self._threads.submit(self._writing.abandon)))

    async def _take(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit_bytes:
            raise DocumentTooLarge(self._limit_bytes)
        if not self._in_flight:
            self._in_flight = True
            self._buffers.take()
        rest = memoryview(data)
        while rest:
            if not self._filled:
                self._buffer_bytes = self._buffers.size_bytes
                # One that grew when fewer were in flight gives back what it has no use for now.
                del self._buffer[self._buffer_bytes :]
            taken = rest[: self._buffer_bytes - self._filled]
            self._buffer[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            rest = rest[len(taken) :]
            if self._filled == self._buffer_bytes:
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

    def _landed(self) -> None:
        if self._in_flight:
            self._in_flight = False
            self._buffers.give_back()

    async def _give_up(self) -> None:
        # What went wrong first is what is told.
        with suppress(StorageError):
            await self.abandon()
