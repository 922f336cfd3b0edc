"""The port behind which the bytes of documents lie: a directory or an S3 bucket, the same rules for both."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from typing import Protocol

from exchange.ports import DocumentWriter, StagedDocument, StorageError

# One document; it streams, so this guards the room there is and not memory.
DOCUMENT_LIMIT_BYTES = 4 * 1024**3

# A document up to this long is read to its end before its answer begins, so that whatever is wrong with it
# is an error in its place. A few milliseconds from a disk, and one more request to an object store.
VERIFIED_BYTES = 4 * 1024 * 1024

# How many handles one question to the database names when what was left behind is looked for.
RECOVERY_BATCH = 500

# Random bytes in the name of a blob: nobody guesses one, and no two are the same.
HANDLE_BYTES = 16

RecordedOf = Callable[[Sequence[str]], Awaitable[Collection[str]]]
"""Those of the handles to which the database refers."""


class BlobMissing(StorageError):
    """There is no blob of that handle."""


class BlobStore(Protocol):
    """Where documents are staged (ITI-41) and read (ITI-43); several processes may share one.

    A blob is there whole or not at all, under a random handle that says nothing of patient or document.
    StorageError and StorageFull are raised, and nothing of the system below.
    """

    async def begin(self, content_type: str) -> DocumentWriter:
        """Open a place for one more document; nothing is written before there is something to write."""

    async def discard(self, staged: StagedDocument) -> None:
        """Remove a staged document that no submission wants."""

    async def recorded(self, handles: Iterable[str]) -> None:
        """Take note that the database refers to these blobs and will go on doing so."""

    async def remove(self, handles: Iterable[str]) -> None:
        """Remove blobs to which the database does not refer; those that are not there are no error."""

    async def probe(self, handle: str, size_bytes: int, sha256: str, key: bytes = b"") -> None:
        """StorageError unless the blob is there in its full size and begins as it was written."""

    def read(self, handle: str, size_bytes: int, sha256: str, key: bytes = b"") -> AsyncIterator[bytes]:
        """Yield the blob; StorageError before its last chunk if it is not what was written."""

    def handles(self) -> AsyncIterator[list[str]]:
        """Every blob there is, some at a time, that nobody may be about to record."""

    async def recover(self, recorded_of: RecordedOf) -> int:
        """Remove what was left behind unrecorded by processes that ended; the answer is how many blobs."""

    async def not_ready(self) -> str:
        """Why no document can be stored or read now; empty when they can."""

    async def close(self) -> None:
        """End what was begun, and let go."""
