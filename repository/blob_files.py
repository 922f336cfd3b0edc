"""One blob's file, being written or read; everything here blocks and runs in the blob store's threads."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exchange.ports import StorageError, StorageFull
from repository.blob_store import BlobMissing
from repository.sealing import Bytes

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# Only the repository reads documents, whatever the umask of whoever started it.
FILE_MODE = 0o600
FOLDER_MODE = 0o700


class FileSink:
    """A file under its staging name, that gets its own name as its last bytes are flushed."""

    def __init__(self, staging_path: Path, path: Path) -> None:
        self._staging_path = staging_path
        self._path = path
        self._file: int | None = None

    def write(self, data: Bytes) -> None:
        """Write the next piece."""
        with translated():
            if self._file is None:
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
                self._file = os.open(self._staging_path, flags, FILE_MODE)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def finish(self) -> None:
        """Give the file its name, and make both durable."""
        if self._file is None:
            raise StorageError("nothing was written")
        with translated():
            # Named before it is flushed: nobody looks for it yet, and the flush of the file then
            # carries the name in the same journal commit, which leaves little to that of the folder.
            self._link()
            os.fsync(self._file)
            flush_folder(self._path.parent)
            self._close()

    def abandon(self) -> None:
        """Remove whatever there is."""
        self._close()
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


class FileSource:
    """A file, read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def open(self, stored_bytes: int) -> None:
        """Open it if it is as long as that."""
        with translated():
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            found = os.fstat(self._file).st_size
        if found != stored_bytes:
            raise StorageError(f"a blob has {found} bytes, {stored_bytes} were written")

    def read(self, size_bytes: int) -> bytes:
        """As many bytes, at once if the system gives them at once."""
        if self._file is None:
            raise StorageError("a blob is read that is not open")
        with translated():
            pieces = [os.read(self._file, size_bytes)]
            while missing := size_bytes - sum(map(len, pieces)):
                pieces.append(os.read(self._file, missing))
                if not pieces[-1]:
                    raise StorageError(f"a blob is {missing} bytes short")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)


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
