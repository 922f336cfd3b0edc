"""Documents as files in a directory: streamed in and out, durable, and checked against what was written.

A blob lies at `<directory>/<first two digits>/<handle>`; the handle is random and says nothing of
patient or document. Until the database refers to it, a second link to it stands in
`<directory>/staging/<process>/`, so whoever opens the directory after a crash finds what nobody
recorded. That folder is locked as long as its process lives.
"""

import asyncio
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeVar

from exchange.ports import DocumentTooLarge, StagedDocument, StorageError
from repository.blob_files import (
    BlobReading,
    BlobWriting,
    flush_folder,
    remove_files,
    translated,
)
from repository.sealing import CHUNK_BYTES, form_of, new_key

# Bytes that go to a thread at once: large enough that the hop (50 us) does not count beside hashing
# them (1 ms), small enough that eight documents in flight, two buffers each, stay at 16 MiB.
BUFFER_BYTES = 16 * CHUNK_BYTES

# One document; it streams, so this guards the disk and not memory.
DOCUMENT_LIMIT_BYTES = 4 * 1024**3

# Threads mostly wait for fsync, and the file system commits together what waits together.
DISK_THREADS = 16

# How many handles one question to the database names when a crash is cleared up.
RECOVERY_BATCH = 500

HANDLE_BYTES = 16
STAGING = "staging"
LOCK = "lock"

Result = TypeVar("Result")


class DirectoryBlobs:
    """The `Staging` of ITI-41 and the source of ITI-43; several processes may share one directory."""

    def __init__(
        self, directory: Path, staging: Path, lock: IO[bytes], document_limit_bytes: int, sealed: bool
    ) -> None:
        self._directory = directory
        self._staging = staging
        self._lock = lock
        self._document_limit_bytes = document_limit_bytes
        self._sealed = sealed
        self._threads = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="blobs")

    @classmethod
    async def open(
        cls, directory: Path, document_limit_bytes: int = DOCUMENT_LIMIT_BYTES, *, sealed: bool = True
    ) -> "DirectoryBlobs":
        """Open the directory, made if need be; `sealed` gives every new document a key of its own."""
        staging, lock = await asyncio.to_thread(_make_staging, directory)
        return cls(directory, staging, lock, document_limit_bytes, sealed)

    async def begin(self, content_type: str) -> "BlobWriter":
        """Open a place for one more document; nothing is written before there is something to write."""
        handle = secrets.token_hex(HANDLE_BYTES)
        key = new_key() if self._sealed else b""
        writing = BlobWriting(self._staging / handle, self._path(handle), form_of(key, handle))
        return BlobWriter(writing, handle, key, content_type, self._document_limit_bytes, self._threads)

    async def discard(self, staged: StagedDocument) -> None:
        """Remove a staged document that no submission wants."""
        await self.remove((staged.handle,))

    async def recorded(self, handles: Iterable[str]) -> None:
        """Take note that the database refers to these blobs and will go on doing so."""
        await self._run(remove_files, tuple(self._staging / handle for handle in handles))

    async def remove(self, handles: Iterable[str]) -> None:
        """Remove blobs to which the database does not refer."""
        # The second link goes last: a crash in between must not leave a blob that nobody can find.
        paths = tuple(path for handle in handles for path in (self._path(handle), self._staging / handle))
        await self._run(remove_files, paths)

    async def probe(self, handle: str, size_bytes: int, sha256: str, key: bytes = b"") -> None:
        """StorageError unless the blob is there in its full size and begins as it was written."""
        await self._run(self._reading(handle, size_bytes, sha256, key).probe)

    async def read(self, handle: str, size_bytes: int, sha256: str, key: bytes = b"") -> AsyncIterator[bytes]:
        """Yield the blob; StorageError before its last chunk if it is not what was written."""
        reading = self._reading(handle, size_bytes, sha256, key)
        try:
            ahead = self._threads.submit(reading.next_chunk, BUFFER_BYTES)
            while chunk := await asyncio.wrap_future(ahead):
                ahead = self._threads.submit(reading.next_chunk, BUFFER_BYTES)
                yield chunk
        finally:
            # Not awaited, for the reader may be gone; it waits at most for one chunk being read ahead.
            reading.close()

    async def handles(self) -> AsyncIterator[list[str]]:
        """Every blob in the directory, some at a time, that no living process is about to record."""
        for folder in await asyncio.to_thread(_folders_of_blobs, self._directory):
            names = await asyncio.to_thread(os.listdir, folder)
            # Asked after the names were listed: what is recorded meanwhile is then in the database.
            being_written = await asyncio.to_thread(_staged_by_the_living, self._directory / STAGING)
            rest = sorted(set(names) - being_written)
            for start in range(0, len(rest), RECOVERY_BATCH):
                yield rest[start : start + RECOVERY_BATCH]

    async def recover(self, recorded_of: Callable[[Sequence[str]], Awaitable[Collection[str]]]) -> int:
        """Remove what processes that ended left behind unrecorded; the answer is how many blobs."""
        removed = 0
        for staging, lock in await asyncio.to_thread(_abandoned, self._directory / STAGING):
            try:
                handles = [name for name in await asyncio.to_thread(os.listdir, staging) if name != LOCK]
                for start in range(0, len(handles), RECOVERY_BATCH):
                    batch = handles[start : start + RECOVERY_BATCH]
                    unrecorded = set(batch) - set(await recorded_of(batch))
                    removed += len(unrecorded)
                    await self._run(remove_files, tuple(self._path(handle) for handle in unrecorded))
                    await self._run(remove_files, tuple(staging / handle for handle in batch))
                await asyncio.to_thread(_remove_staging, staging)
            finally:
                lock.close()
        return removed

    async def close(self) -> None:
        """End the threads after what they were given, and give up the lock."""
        await asyncio.to_thread(self._threads.shutdown)
        self._lock.close()

    def _reading(self, handle: str, size_bytes: int, sha256: str, key: bytes) -> BlobReading:
        return BlobReading(self._path(handle), size_bytes, sha256, form_of(key, handle))

    def _path(self, handle: str) -> Path:
        # 256 folders: the parent of a new one is flushed once, and 100 million blobs make 400,000 each.
        return self._directory / handle[:2] / handle

    async def _run(self, function: Callable[..., Result], *arguments: object) -> Result:
        # Shielded: what was begun on the disk ends, even if who asked for it is gone.
        return await asyncio.shield(asyncio.wrap_future(self._threads.submit(function, *arguments)))


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


def _make_staging(directory: Path) -> tuple[Path, IO[bytes]]:
    """Make this process's staging folder; it gets its name when it is locked, so none is seen unlocked."""
    with translated():
        (directory / STAGING).mkdir(mode=0o700, parents=True, exist_ok=True)
        flush_folder(directory)
        flush_folder(directory.parent)
        name = secrets.token_hex(HANDLE_BYTES)
        unborn = directory / STAGING / f".{name}"
        unborn.mkdir(mode=0o700)
        lock = (unborn / LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return unborn.rename(directory / STAGING / name), lock


def _abandoned(staging: Path) -> list[tuple[Path, IO[bytes]]]:
    """The staging folders whose process has ended, locked for us."""
    found: list[tuple[Path, IO[bytes]]] = []
    with translated():
        for folder in staging.iterdir():
            if folder.name.startswith("."):
                continue
            try:
                lock = (folder / LOCK).open("r+b")
            except FileNotFoundError:
                continue  # somebody else is removing it
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            found.append((folder, lock))
    return found


def _folders_of_blobs(directory: Path) -> list[Path]:
    with translated():
        return sorted(path for path in directory.iterdir() if path.is_dir() and path.name != STAGING)


def _staged_by_the_living(staging: Path) -> set[str]:
    """What processes have finished, or are writing, and not yet recorded."""
    dead = set()
    for folder, lock in _abandoned(staging):
        dead.add(folder)
        lock.close()
    with translated():
        living = set(staging.iterdir()) - dead
        return {name for folder in living for name in _names_in(folder)}


def _names_in(folder: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return os.listdir(folder)
    return []


def _remove_staging(staging: Path) -> None:
    with translated():
        (staging / LOCK).unlink(missing_ok=True)
        staging.rmdir()
