"""One blob as an object of an S3 bucket, being written or read; all of it blocks and runs in threads."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, NotFoundError

from exchange.ports import Clock, StorageError, StorageFull
from repository.blob_store import BlobMissing
from repository.sealing import Bytes

if TYPE_CHECKING:
    from obstore import ObjectMeta, WritableFile
    from obstore.store import S3Store

# The smallest part that S3 takes; so many of each document stand in memory, and one that fills.
PART_BYTES = 5 * 1024 * 1024
PARTS_IN_FLIGHT = 2

# The most parts that S3 joins: a document may be as long as 48 GiB.
PARTS = 10_000
OBJECT_LIMIT_BYTES = PARTS * PART_BYTES

# What one request reads ahead: the wait for its first byte (100 ms on a far server) counts little beside it,
# and no answer of the store stays open as long as a slow consumer reads.
READ_BYTES = 4 * 1024 * 1024

# The slowest line brings the longest document in an hour; see `ABANDONED_AFTER` for why there is an end.
UPLOAD_LIMIT = timedelta(hours=12)

# How S3, Ceph and others say that there is no room or that a quota is used up.
_NO_ROOM = ("QuotaExceeded", "StorageFull", "InsufficientStorage", "507 Insufficient Storage")


class ObjectSink:
    """An object that is uploaded in parts, nowhere to be seen until it is finished.

    The store holds each part against the SHA-256 with which it was sent. Size and ETag are compared once
    more when the object stands: clients and servers were seen to store truncated objects without an error.
    """

    def __init__(self, store: "S3Store", name: str, clock: Clock, *, etag_is_md5: bool) -> None:
        self._store = store
        self._name = name
        self._clock = clock
        self._begun = clock()
        self._etag_is_md5 = etag_is_md5
        self._writer: WritableFile | None = None
        self._finished = False
        self._size_bytes = 0
        self._whole_sha256 = hashlib.sha256()
        self._part_md5 = _md5()
        self._part_filled = 0
        self._parts: list[bytes] = []

    def write(self, data: Bytes) -> None:
        """Take the next piece; waits while as many parts as may be are on their way."""
        with translated():
            if self._writer is None:
                self._writer = obstore.open_writer(
                    self._store, self._name, buffer_size=PART_BYTES, max_concurrency=PARTS_IN_FLIGHT
                )
            self._writer.write(bytes(data))
        self._size_bytes += len(data)
        if self._etag_is_md5:
            self._digest(memoryview(data))
        else:
            self._whole_sha256.update(data)

    def finish(self) -> None:
        """Join the parts, and see that what stands there is what was sent."""
        if self._writer is None:
            raise StorageError("nothing was written")
        if self._clock() - self._begun > UPLOAD_LIMIT:
            raise StorageError("the upload took too long")
        reason: Exception | None = None
        try:
            with translated():
                self._writer.close()
        except (StorageError, StorageFull) as problem:
            # The answer may have been lost after the parts were joined: what is there decides.
            reason = problem
        self._finished = True
        try:
            self._verify()
        except (StorageError, StorageFull) as problem:
            raise reason or problem from problem

    def abandon(self) -> None:
        """Take back what was uploaded, and the object if there is one already."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        with translated():
            if self._finished:
                self._store.delete(self._name)
            else:
                # Its own way to withdraw the parts: leaving the block by an exception.
                with suppress(_Abandoned), writer:
                    raise _Abandoned

    def _digest(self, rest: memoryview) -> None:
        while rest:
            taken = rest[: PART_BYTES - self._part_filled]
            self._part_md5.update(taken)
            self._part_filled += len(taken)
            rest = rest[len(taken) :]
            if self._part_filled == PART_BYTES:
                self._end_part()

    def _end_part(self) -> None:
        self._parts.append(self._part_md5.digest())
        self._part_md5, self._part_filled = _md5(), 0

    def _verify(self) -> None:
        with translated():
            found = self._store.head(self._name)
        if found["size"] != self._size_bytes:
            raise StorageError(f"the object store kept {found['size']} bytes, {self._size_bytes} were sent")
        if self._etag_is_md5:
            self._compare_etag(found)
        else:
            self._read_back()

    def _compare_etag(self, found: "ObjectMeta") -> None:
        """The MD5 of an object sent at once, or of the parts' MD5s (Amazon S3 API: Object, ETag)."""
        if self._part_filled or not self._parts:
            self._end_part()
        etag = (found["e_tag"] or "").strip('"')
        joined = f"{_md5(b''.join(self._parts)).hexdigest()}-{len(self._parts)}"
        at_once = self._parts[0].hex() if len(self._parts) == 1 else joined
        if etag not in (joined, at_once):
            raise StorageError("the object store kept other bytes than were sent: the ETags differ")

    def _read_back(self) -> None:
        source, kept, unread = ObjectSource(self._store, self._name), hashlib.sha256(), self._size_bytes
        source.open(self._size_bytes)
        while unread:
            piece = source.read(min(READ_BYTES, unread))
            kept.update(piece)
            unread -= len(piece)
        if kept.digest() != self._whole_sha256.digest():
            raise StorageError("the object store kept other bytes than were sent")


class ObjectSource:
    """An object, read by one request for each of its stretches."""

    def __init__(self, store: "S3Store", name: str, first_bytes: int = READ_BYTES) -> None:
        self._store = store
        self._name = name
        self._first_bytes = first_bytes
        self._stored_bytes = 0
        self._fetched_bytes = 0
        self._held = memoryview(b"")

    def open(self, stored_bytes: int) -> None:
        """Fetch how it begins, if it is as long as that."""
        self._stored_bytes = stored_bytes
        if stored_bytes:
            self._fetch(self._first_bytes)
            return
        # There is no range of nothing.
        with translated():
            self._see_size(self._store.head(self._name))

    def read(self, size_bytes: int) -> bytes:
        """As many bytes, the next ones."""
        pieces: list[memoryview] = []
        while missing := size_bytes - sum(map(len, pieces)):
            if not self._held:
                self._fetch(READ_BYTES)
            pieces.append(self._held[:missing])
            self._held = self._held[missing:]
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of what was fetched."""
        self._held = memoryview(b"")

    def _fetch(self, size_bytes: int) -> None:
        end = min(self._fetched_bytes + size_bytes, self._stored_bytes)
        if end == self._fetched_bytes:
            raise StorageError("a blob is read beyond its end")
        with translated():
            found = self._store.get(self._name, options={"range": (self._fetched_bytes, end)})
            self._see_size(found.meta)
            self._held = memoryview(found.bytes())
        if len(self._held) != end - self._fetched_bytes:
            raise StorageError("the object store sent fewer bytes than were asked for")
        self._fetched_bytes = end

    def _see_size(self, meta: "ObjectMeta") -> None:
        if meta["size"] != self._stored_bytes:
            raise StorageError(f"a blob has {meta['size']} bytes, {self._stored_bytes} were written")


class _Abandoned(Exception):
    """Leaves the block of an upload."""


@contextmanager
def translated() -> Iterator[None]:
    """Say it in the port's words; the store's own are the cause."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise BlobMissing("there is no such blob, or no bucket") from error
    except (BaseError, PermissionError, OSError) as error:
        said = str(error)
        if any(word in said for word in _NO_ROOM):
            raise StorageFull from error
        raise StorageError(f"the object store failed: {said.partition(chr(10))[0]}") from error


def _md5(content: bytes = b"") -> "hashlib._Hash":
    return hashlib.md5(content, usedforsecurity=False)  # what an ETag is; no part of our own security
