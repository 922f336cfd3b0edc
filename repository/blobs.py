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
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO

from exchange.ports import StagedDocument
from repository.blob_files import FileSink, FileSource, flush_folder, remove_files, translated
from repository.blob_pieces import BlobReading, BlobWriting
from repository.blob_store import DOCUMENT_LIMIT_BYTES, HANDLE_BYTES, RECOVERY_BATCH, RecordedOf
from repository.blob_streams import BlobWriter, Buffers, run, stream
from repository.sealing import form_of, new_key

# Threads mostly wait for fsync, and the file system commits together what waits together.
DISK_THREADS = 16

STAGING = "staging"
LOCK = "lock"


class DirectoryBlobs:
    """A `BlobStore` in a directory, on one machine or shared by several."""

    def __init__(
        self, directory: Path, staging: Path, lock: IO[bytes], document_limit_bytes: int, sealed: bool
    ) -> None:
        self._directory = directory
        self._staging = staging
        self._lock = lock
        self._document_limit_bytes = document_limit_bytes
        self._sealed = sealed
        self._buffers = Buffers()
        self._threads = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="blobs")

    @classmethod
    async def open(
        cls, directory: Path, document_limit_bytes: int = DOCUMENT_LIMIT_BYTES, *, sealed: bool = True
    ) -> "DirectoryBlobs":
        """Open the directory, made if need be; `sealed` gives every new document a key of its own."""
        staging, lock = await asyncio.to_thread(_make_staging, directory)
        return cls(directory, staging, lock, document_limit_bytes, sealed)

    async def begin(self, content_type: str) -> BlobWriter:
        """Open a place for one more document; nothing is written before there is something to write."""
        handle = secrets.token_hex(HANDLE_BYTES)
        key = new_key() if self._sealed else b""
        sink = FileSink(self._staging / handle, self._path(handle))
        writing = BlobWriting(sink, form_of(key, handle))
        return BlobWriter(
            writing, handle, key, content_type, self._document_limit_bytes, self._threads, self._buffers
        )

    async def discard(self, staged: StagedDocument) -> None:
        """Remove a staged document that no submission wants."""
        await self.remove((staged.handle,))

    async def recorded(self, handles: Iterable[str]) -> None:
        """Take note that the database refers to these blobs and will go on doing so."""
        await run(self._threads, remove_files, tuple(self._staging / handle for handle in handles))

    async def remove(self, handles: Iterable[str]) -> None:
        """Remove blobs to which the database does not refer."""
        # The second link goes last: a crash in between must not leave a blob that nobody can find.
        paths = tuple(path for handle in handles for path in (self._path(handle), self._staging / handle))
        await run(self._threads, remove_files, paths)

    async def probe(self, handle: str, size_bytes: int, sha256: str, key: bytes = b"") -> None:
        """StorageError unless the blob is there in its full size and begins as it was written."""
        await run(self._threads, self._reading(handle, size_bytes, sha256, key).probe)

    def read(self, handle: str, size_bytes: int, sha256: str, key: bytes = b"") -> AsyncIterator[bytes]:
        """Yield the blob; StorageError before its last chunk if it is not what was written."""
        return stream(self._reading(handle, size_bytes, sha256, key), self._threads, self._buffers)

    async def handles(self) -> AsyncIterator[list[str]]:
        """Every blob in the directory, some at a time, that no living process is about to record."""
        for folder in await asyncio.to_thread(_folders_of_blobs, self._directory):
            names = await asyncio.to_thread(os.listdir, folder)
            # Asked after the names were listed: what is recorded meanwhile is then in the database.
            being_written = await asyncio.to_thread(_staged_by_the_living, self._directory / STAGING)
            rest = sorted(set(names) - being_written)
            for start in range(0, len(rest), RECOVERY_BATCH):
                yield rest[start : start + RECOVERY_BATCH]

    async def recover(self, recorded_of: RecordedOf) -> int:
        """Remove what processes that ended left behind unrecorded; the answer is how many blobs."""
        removed = 0
        for staging, lock in await asyncio.to_thread(_abandoned, self._directory / STAGING):
            try:
                handles = [name for name in await asyncio.to_thread(os.listdir, staging) if name != LOCK]
                for start in range(0, len(handles), RECOVERY_BATCH):
                    batch = handles[start : start + RECOVERY_BATCH]
                    unrecorded = set(batch) - set(await recorded_of(batch))
                    removed += len(unrecorded)
                    await run(self._threads, remove_files, tuple(self._path(handle) for handle in unrecorded))
                    await run(self._threads, remove_files, tuple(staging / handle for handle in batch))
                await asyncio.to_thread(_remove_staging, staging)
            finally:
                lock.close()
        return removed

    async def not_ready(self) -> str:
        """Whether the directory is there: a disk may not be mounted."""
        there = await asyncio.to_thread(self._staging.is_dir)
        return "" if there else "the directory of the documents is not there"

    async def close(self) -> None:
        """End the threads after what they were given, and give up the lock."""
        await asyncio.to_thread(self._threads.shutdown)
        self._lock.close()

    def _reading(self, handle: str, size_bytes: int, sha256: str, key: bytes) -> BlobReading:
        return BlobReading(FileSource(self._path(handle)), size_bytes, sha256, form_of(key, handle))

    def _path(self, handle: str) -> Path:
        # 256 folders: the parent of a new one is flushed once, and 100 million blobs make 400,000 each.
        return self._directory / handle[:2] / handle


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
