"""One blob being written or read, piece by piece; everything here blocks and runs in a blob store's threads.

Hashes and encryption are the same wherever the bytes lie: that is behind `Sink` and `Source`.
"""

import hashlib
import threading
from typing import Protocol

from exchange.ports import StorageError
from repository.sealing import CHUNK_BYTES, Bytes, Form


class Sink(Protocol):
    """Where one blob's bytes go, as they are to lie there."""

    def write(self, data: Bytes) -> None:
        """Take the next piece, which is the caller's again when this returns."""

    def finish(self) -> None:
        """Make the blob whole, durable and found by its handle, or fail."""

    def abandon(self) -> None:
        """Leave no trace of it."""


class Source(Protocol):
    """Where one blob's bytes come from, as they lie there."""

    def open(self, stored_bytes: int) -> None:
        """Begin; StorageError unless it has so many bytes, BlobMissing if there is none."""

    def read(self, size_bytes: int) -> bytes:
        """As many bytes as that, the next ones; StorageError if there are fewer."""

    def close(self) -> None:
        """Let go of it."""


class BlobWriting:
    """A blob on its way in. The lock keeps an abandoned one from ending under a thread that still writes."""

    def __init__(self, sink: Sink, form: Form) -> None:
        self._sink = sink
        self._form = form
        self._sha1 = hashlib.sha1(usedforsecurity=False)  # the hash of the metadata (ITI TF-3: 4.2.3.2.10)
        self._sha256 = hashlib.sha256()
        self._lock = threading.Lock()
        self._ended = False

    def digest(self, data: bytes | bytearray) -> None:
        """Take one buffer into the SHA-256; apart from `append`, so that two threads share the work."""
        self._sha256.update(data)

    def append(self, data: bytes | bytearray, last: bool = False) -> None:
        """Take one buffer of whole chunks, or the last one, into the SHA-1, seal it and write it."""
        with self._lock:
            if self._ended:
                return
            self._sha1.update(data)
            self._sink.write(self._form.seal(data, last))

    def finish(self, data: bytes | bytearray) -> tuple[str, str]:
        """Write the last buffer and make the blob durable; SHA-1 and SHA-256 as the answer."""
        self.digest(data)
        self.append(data, last=True)
        with self._lock:
            if self._ended:
                raise StorageError("the document was abandoned")
            self._sink.finish()
        return self._sha1.hexdigest(), self._sha256.hexdigest()

    def abandon(self) -> None:
        """Remove whatever there is, once no other thread is writing it."""
        with self._lock:
            self._ended = True
            self._sink.abandon()


class BlobReading:
    """A blob that is read once from beginning to end, and opened when its turn comes."""

    def __init__(self, source: Source, size_bytes: int, sha256: str, form: Form) -> None:
        self._source = source
        self._size_bytes = size_bytes
        self._unread = size_bytes
        self._expected_sha256 = sha256
        self._form = form
        self._sha256 = hashlib.sha256()
        self._lock = threading.Lock()
        self._opened = False
        self._ended = False

    def next_chunk(self, size_bytes: int) -> bytes:
        """The next bytes, none at the end; the last of them only if the whole is what was written.

        A `size_bytes` of whole chunks it must be.
        """
        with self._lock:
            if self._ended:
                return b""
            if not self._opened:
                self._source.open(self._form.stored_bytes(self._size_bytes, True))
                self._opened = True
            size_bytes = min(size_bytes, self._unread)
            last = size_bytes == self._unread
            chunk = self._form.open(self._source.read(self._form.stored_bytes(size_bytes, last)), last)
            self._sha256.update(chunk)
            self._unread -= len(chunk)
            if last:
                if self._sha256.hexdigest() != self._expected_sha256:
                    raise StorageError("a blob's SHA-256 is not what it was")
                self._end()
            return chunk

    def probe(self) -> None:
        """Whether it begins as it was written, and is as long; what has one chunk is read as a whole."""
        try:
            self.next_chunk(CHUNK_BYTES)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._source.close()
