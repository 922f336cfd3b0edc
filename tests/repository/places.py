"""Where blobs lie, seen from outside: what each test of both stores needs besides the port."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from obstore.store import S3Store

from exchange.ports import DocumentWriter, StagedDocument
from repository.blob_store import DOCUMENT_LIMIT_BYTES, BlobStore
from repository.blobs import DirectoryBlobs
from repository.s3_blobs import S3Blobs
from tests.services.radosgw import REGION, ObjectStore

PREFIX = "documents"


class Place(Protocol):
    """A place where blobs can lie."""

    async def open(self, limit_bytes: int = DOCUMENT_LIMIT_BYTES, *, sealed: bool = True) -> BlobStore:
        """One process more that uses it."""

    def names(self) -> list[str]:
        """The handles of the blobs that can be seen there."""

    def leavings(self) -> list[str]:
        """Everything there that belongs to no blob."""

    def bytes_of(self, handle: str) -> bytes:
        """A blob as it lies there."""

    def put(self, handle: str, content: bytes) -> None:
        """Change a blob behind the store's back."""

    def take_away(self, handle: str) -> None:
        """Lose a blob."""

    def grow_old(self) -> None:
        """Let as much time go by as makes processes that ended recognisable."""


@dataclass
class InDirectory:
    """A directory; a process that ended is recognised by its lock."""

    directory: Path

    async def open(self, limit_bytes: int = DOCUMENT_LIMIT_BYTES, *, sealed: bool = True) -> BlobStore:
        return await DirectoryBlobs.open(self.directory, limit_bytes, sealed=sealed)

    def names(self) -> list[str]:
        return sorted(path.name for path in self._files() if path.parent.parent == self.directory)

    def leavings(self) -> list[str]:
        staged = {path.name for path in self._files() if path.parent.parent != self.directory}
        return sorted(staged - set(self.names()))

    def bytes_of(self, handle: str) -> bytes:
        return self._path(handle).read_bytes()

    def put(self, handle: str, content: bytes) -> None:
        self._path(handle).write_bytes(content)

    def take_away(self, handle: str) -> None:
        self._path(handle).unlink()

    def grow_old(self) -> None:
        """A lock needs no time."""

    def _path(self, handle: str) -> Path:
        return self.directory / handle[:2] / handle

    def _files(self) -> list[Path]:
        return [path for path in self.directory.rglob("*") if path.is_file() and path.name != "lock"]


@dataclass
class InBucket:
    """A bucket; a process that ended is recognised by the age of what it left."""

    service: ObjectStore
    bucket: str
    endpoint: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def open(
        self,
        limit_bytes: int = DOCUMENT_LIMIT_BYTES,
        *,
        sealed: bool = True,
        etag_is_md5: bool = True,
        **different: Any,
    ) -> BlobStore:
        settings: dict[str, Any] = {
            "bucket": self.bucket,
            "prefix": PREFIX,
            "endpoint": self.endpoint or self.service.endpoint,
            "region": REGION,
            "access_key_id": self.service.access_key_id,
            "secret_access_key": self.service.secret_access_key,
            "virtual_hosted_style_request": False,
            "checksum_algorithm": "SHA256",
            "client_options": {"allow_http": True, "timeout": "5s", "connect_timeout": "1s"},
            "retry_config": {"max_retries": 8, "retry_timeout": timedelta(seconds=1.5)},
        }
        store = S3Store(**(settings | different))
        return S3Blobs(store, lambda: self.now, limit_bytes, sealed=sealed, etag_is_md5=etag_is_md5)

    def names(self) -> list[str]:
        found = self.service.minio.list_objects(self.bucket, f"{PREFIX}/")
        return sorted(str(one.object_name).removeprefix(f"{PREFIX}/") for one in found)

    def leavings(self) -> list[str]:
        uploads = self.service.minio._list_multipart_uploads(self.bucket).uploads
        return sorted(str(one.object_name) for one in uploads)

    def bytes_of(self, handle: str) -> bytes:
        return self.service.minio.get_object(self.bucket, f"{PREFIX}/{handle}").data

    def put(self, handle: str, content: bytes) -> None:
        self.service.minio.put_object(self.bucket, f"{PREFIX}/{handle}", BytesIO(content), len(content))

    def take_away(self, handle: str) -> None:
        self.service.minio.remove_object(self.bucket, f"{PREFIX}/{handle}")

    def grow_old(self) -> None:
        self.now += timedelta(hours=25)

    def empty(self) -> None:
        """Give the memory back."""
        for name in self.names():
            self.take_away(name)


async def write_all(writer: DocumentWriter, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        await writer.write(piece)


async def put(blobs: BlobStore, *pieces: bytes) -> StagedDocument:
    writer = await blobs.begin("text/plain")
    await write_all(writer, pieces)
    return await writer.finish()


async def take(blobs: BlobStore, staged: StagedDocument, into: bytearray | None = None) -> bytes:
    received = bytearray() if into is None else into
    async for chunk in blobs.read(staged.handle, staged.size, staged.sha256, staged.key):
        received += chunk
    return bytes(received)


def knows(*recorded: StagedDocument) -> Callable[[Iterable[str]], Awaitable[set[str]]]:
    """A database that refers to these blobs."""

    async def recorded_of(handles: Iterable[str]) -> set[str]:
        return {one.handle for one in recorded} & set(handles)

    return recorded_of
