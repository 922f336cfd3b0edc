"""One blob's file, being written or read; everything here blocks and runs in the blob store's threads."""

import errno
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exchange.ports import StorageError, StorageFull
from repository.sealing import CHUNK_BYTES, Form

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# Only the repository reads documents, whatever the umask of whoever started it.
FILE_MODE = 0o600
FOLDER_MODE = 0o700


class BlobWriting:
    """A file under its staging name, that gets its own name as its last bytes are flushed.

    The lock keeps an abandoned file from being closed under a thread that still writes to it.
    """

    def __init__(self, staging_path: Path, path: Path, form: Form) -> None:
        self._staging_path = staging_path
        self._path = path
        self._form = form
        self._sha1 = hashlib.sha1(usedforsecurity=False)  # the hash of the metadata (ITI TF-3: 4.2.3.2.10)
        self._sha256 = hashlib.sha256()
        self._lock = threading.Lock()
        self._file: int | None = None
        self._ended = False

    def digest(self, data: bytes | bytearray) -> None:
        """Take one buffer into the SHA-256; apart from `append`, so that two threads share the work."""
        self._sha256.update(data)

    def append(self, data: bytes | bytearray, last: bool = False) -> None:
        """Take one buffer of whole chunks, or the last one, into the SHA-1, seal it and write it."""
        with self._lock, translated():
            if self._ended:
                return
            if self._file is None:
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
                self._file = os.open(self._staging_path, flags, FILE_MODE)
            self._sha1.update(data)
            rest = memoryview(self._form.seal(data, last))
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def finish(self, data: bytes | bytearray) -> tuple[str, str]:
        """Write the last buffer and make the blob durable; SHA-1 and SHA-256 as the answer."""
        self.digest(data)
        self.append(data, last=True)
        with self._lock, translated():
            if self._file is None:
                raise StorageError("the document was abandoned")
            # Named before it is flushed: nobody looks for it yet, and the flush of the file then
            # carries the name in the same journal commit, which leaves little to that of the folder.
            self._link()
            os.fsync(self._file)
            flush_folder(self._path.parent)
            self._close()
        return self._sha1.hexdigest(), self._sha256.hexdigest()

    def abandon(self) -> None:
        """Remove whatever there is, once no other thread is writing it."""
        with self._lock:
            self._close()
            self._ended = True
            remove_files((self._path, self._staging_path))

    def _link(self) -> None:
        try:
            os.link(self._staging_path, self._path)
        except FileNotFoundError:
            self._path.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
            flush_folder(self._path.parent.parent)
            os.link(self._staging_path, self._path)

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)


class BlobReading:
    """A blob that is read once from beginning to end, and opened when its turn comes."""

    def __init__(self, path: Path, size_bytes: int, sha256: str, form: Form) -> None:
        self._path = path
        self._size_bytes = size_bytes
        self._unread = size_bytes
        self._expected_sha256 = sha256
        self._form = form
        self._sha256 = hashlib.sha256()
        self._lock = threading.Lock()
        self._file: int | None = None
        self._ended = False

    def next_chunk(self, size_bytes: int) -> bytes:
        """The next bytes, none at the end; the last of them only if the whole is what was written.

        A `size_bytes` of whole chunks it must be.
        """
        with self._lock, translated():
            if self._ended:
                return b""
            if self._file is None:
                self._file = self._open()
            size_bytes = min(size_bytes, self._unread)
            last = size_bytes == self._unread
            chunk = self._form.open(_read(self._file, self._form.stored_bytes(size_bytes, last)), last)
            self._sha256.update(chunk)
            self._unread -= len(chunk)
            if last:
                self._check_end(self._file)
                self._end()
            return chunk

    def probe(self) -> None:
        """Whether it begins as it was written, and is as long; what has one chunk is read as a whole."""
        try:
            self.next_chunk(CHUNK_BYTES)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._end()

    def _open(self) -> int:
        file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        found, written = os.fstat(file).st_size, self._form.stored_bytes(self._size_bytes, True)
        if found != written:
            os.close(file)
            raise StorageError(f"a blob has {found} bytes, {written} were written")
        return file

    def _end(self) -> None:
        self._ended = True
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def _check_end(self, file: int) -> None:
        if os.read(file, 1):
            raise StorageError("a blob is longer than it was")
        if self._sha256.hexdigest() != self._expected_sha256:
            raise StorageError("a blob's SHA-256 is not what it was")


def _read(file: int, size_bytes: int) -> bytes:
    """As many bytes, at once if the system gives them at once."""
    pieces = [os.read(file, size_bytes)]
    while missing := size_bytes - sum(map(len, pieces)):
        pieces.append(os.read(file, missing))
        if not pieces[-1]:
            raise StorageError(f"a blob is {missing} bytes short")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def remove_files(paths: Iterable[Path]) -> None:
    """Remove the files that there are, in this order."""
    with translated():
        for path in paths:
            with suppress(FileNotFoundError):
                path.unlink()


def flush_folder(folder: Path) -> None:
    """Make the names in this folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class BlobMissing(StorageError):
    """There is no blob of that handle."""


@contextmanager
def translated() -> Iterator[None]:
    """Say it in the port's words; the system's own are the cause."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise BlobMissing("there is no such blob") from error
        if error.errno in _NO_ROOM:
            raise StorageFull from error
        raise StorageError(errno.errorcode.get(error.errno or 0, "unknown I/O error")) from error
