"""Documents as files: what goes in comes out, or an error does."""

import errno
import hashlib
import os
import resource
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.ports import DocumentTooLarge, DocumentWriter, StagedDocument, StorageError, StorageFull
from repository import blobs as blobs_module
from repository import sealing
from repository.blobs import DirectoryBlobs

pytestmark = pytest.mark.anyio


async def write_all(writer: DocumentWriter, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        await writer.write(piece)


async def put(blobs: DirectoryBlobs, *pieces: bytes) -> StagedDocument:
    writer = await blobs.begin("text/plain")
    await write_all(writer, pieces)
    return await writer.finish()


async def take(blobs: DirectoryBlobs, staged: StagedDocument, into: bytearray | None = None) -> bytes:
    received = bytearray() if into is None else into
    async for chunk in blobs.read(staged.handle, staged.size, staged.sha256, staged.key):
        received += chunk
    return bytes(received)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")


async def none_recorded(handles):
    return ()


async def test_a_document_comes_back_as_it_went_in(blobs):
    """ITI TF-2: 3.43.4.1.3."""
    staged = await put(blobs, b"\x00\xff\r\n", b"\xef\xbb\xbf")
    assert await take(blobs, staged) == b"\x00\xff\r\n\xef\xbb\xbf"


async def test_size_and_hashes_are_those_of_the_bytes(blobs):
    """ITI TF-3: 4.2.3.2.10, 4.2.3.2.23."""
    staged = await put(blobs, b"ab", b"c")
    assert staged.size == 3
    assert staged.sha1 == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert staged.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert staged.content_type == "text/plain"


async def test_a_document_may_be_empty(blobs):
    """ITI TF-3: 4.2.3.2.23."""
    staged = await put(blobs)
    assert (staged.size, staged.sha1) == (0, "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    assert await take(blobs, staged) == b""


@settings(max_examples=40)
@given(
    document=st.binary(max_size=600),
    cuts=st.lists(st.integers(0, 600)),
    chunk_bytes=st.integers(1, 300),
    chunks=st.integers(1, 3),
)
async def test_no_chunking_changes_bytes_or_hashes(
    tmp_path_factory: pytest.TempPathFactory, document, cuts, chunk_bytes, chunks
):
    """ITI TF-2: V.3.6."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "CHUNK_BYTES", chunk_bytes)
        patch.setattr(blobs_module, "BUFFER_BYTES", chunk_bytes * chunks)
        blobs = await DirectoryBlobs.open(tmp_path_factory.mktemp("documents"))
        edges = sorted({0, len(document), *(cut for cut in cuts if cut < len(document))})
        staged = await put(blobs, *(document[start:end] for start, end in pairwise(edges)))
        assert staged.sha1 == hashlib.sha1(document).hexdigest()  # noqa: S324  # the metadata's own hash
        assert staged.sha256 == hashlib.sha256(document).hexdigest()
        assert await take(blobs, staged) == document
        await blobs.close()


async def test_a_name_tells_nothing_of_the_document(blobs, tmp_path):
    """The handle is random, also for the same bytes again."""
    one, other = await put(blobs, b"same"), await put(blobs, b"same")
    assert one.handle != other.handle
    assert len(one.handle) == 32
    assert tmp_path / "documents" / one.handle[:2] / one.handle in files(tmp_path)


async def test_only_the_repository_may_read_the_files(blobs, tmp_path):
    """Whatever the umask."""
    previous = os.umask(0)
    try:
        await put(blobs, b"secret")
    finally:
        os.umask(previous)
    assert {path.stat().st_mode & 0o777 for path in files(tmp_path)} == {0o600}


async def test_a_document_over_the_limit_is_refused_and_leaves_nothing(tmp_path):
    """ITI TF-3: Table 4.2.4.1-2, XDSRepositoryOutOfResources."""
    blobs = await DirectoryBlobs.open(tmp_path, document_limit_bytes=5)
    writer = await blobs.begin("text/plain")
    await writer.write(b"12345")
    with pytest.raises(DocumentTooLarge) as refused:
        await writer.write(b"6")
    assert [(error.code, error.context) for error in refused.value.errors] == [
        ("XDSRepositoryOutOfResources", "the document is longer than the 5 bytes taken here")
    ]
    assert files(tmp_path) == []
    await blobs.close()


async def test_an_abandoned_document_leaves_nothing(blobs, tmp_path, monkeypatch):
    """Also when a buffer of it is being written at that moment."""
    monkeypatch.setattr(blobs_module, "BUFFER_BYTES", 10)
    writer = await blobs.begin("text/plain")
    await writer.write(b"x" * 100)
    await writer.abandon()
    assert files(tmp_path) == []


async def test_a_discarded_document_leaves_nothing(blobs, tmp_path):
    """ITI TF-2: 3.41.4.1.3."""
    staged = await put(blobs, b"unwanted")
    await blobs.discard(staged)
    await blobs.discard(staged)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, StorageError)],
)
async def test_a_failing_disk_is_told_apart_from_a_full_one(blobs, tmp_path, monkeypatch, number, expected):
    """ITI TF-3: Table 4.2.4.1-2, XDSRepositoryOutOfResources and XDSRepositoryError."""

    def fail(*_: object) -> int:
        raise OSError(number, "as a disk would say")

    monkeypatch.setattr(os, "write", fail)
    writer = await blobs.begin("text/plain")
    await writer.write(b"document")
    with pytest.raises(expected):
        await writer.finish()
    assert files(tmp_path) == []


async def test_a_full_disk_is_told_while_a_long_document_streams(blobs, tmp_path):
    """A real refusal: the system lets no file of this process grow over a megabyte and a half."""
    writer = await blobs.begin("text/plain")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        with pytest.raises(StorageFull):
            await write_all(writer, [b"x" * 1_000_000] * 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(tmp_path) == []


def cut(path: Path) -> None:
    os.truncate(path, 2_500_000)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def change_first_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"x")


def change_last_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")


@pytest.mark.parametrize("damage", [cut, grow, change_first_byte, change_last_byte])
async def test_a_damaged_document_never_comes_out_whole(blobs, tmp_path, damage):
    """An error is raised before its last chunk."""
    staged = await put(blobs, b"-" * 3_000_000)
    damage(tmp_path / "documents" / staged.handle[:2] / staged.handle)
    received = bytearray()
    with pytest.raises(StorageError):
        await take(blobs, staged, received)
    assert len(received) < 3_000_000


async def test_an_empty_document_that_grew_is_damaged(blobs, tmp_path):
    """An error is raised rather than nothing being delivered as complete."""
    staged = await put(blobs)
    (tmp_path / "documents" / staged.handle[:2] / staged.handle).write_bytes(b"x")
    with pytest.raises(StorageError):
        await take(blobs, staged)


async def test_a_reader_that_leaves_early_leaves_no_file_open(blobs):
    """A consumer may hang up in the middle of a document."""
    staged = await put(blobs, b"-" * 5_000_000)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        stream = blobs.read(staged.handle, staged.size, staged.sha256, staged.key)
        await anext(stream)
        await stream.aclose()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_what_a_dead_process_left_unrecorded_is_removed_at_the_next_start(tmp_path):
    """A process is dead when its lock is free, however it ended."""
    dead = await DirectoryBlobs.open(tmp_path)
    recorded, unrecorded = await put(dead, b"recorded"), await put(dead, b"unrecorded")
    unfinished = await dead.begin("text/plain")
    await write_all(unfinished, [b"x" * blobs_module.BUFFER_BYTES] * 2)
    await dead.close()

    async def recorded_of(handles):
        assert set(handles) >= {recorded.handle, unrecorded.handle}
        return [recorded.handle]

    alive = await DirectoryBlobs.open(tmp_path)
    assert await alive.recover(recorded_of) == 2
    assert files(tmp_path) == [tmp_path / recorded.handle[:2] / recorded.handle]
    assert await take(alive, recorded) == b"recorded"
    assert await alive.recover(recorded_of) == 0
    await alive.close()


async def test_what_a_living_process_is_writing_is_left_alone(tmp_path):
    """A worker that starts again must not take another worker's uploads."""
    alive = await DirectoryBlobs.open(tmp_path)
    staged = await put(alive, b"not yet recorded")
    starting = await DirectoryBlobs.open(tmp_path)
    assert await starting.recover(none_recorded) == 0
    assert await take(starting, staged) == b"not yet recorded"
    await starting.close()
    await alive.close()


async def test_every_blob_left_behind_is_found_however_many(tmp_path, monkeypatch):
    """The database is asked in batches."""
    monkeypatch.setattr(blobs_module, "RECOVERY_BATCH", 3)
    dead = await DirectoryBlobs.open(tmp_path)
    left = [(await put(dead, b"left")).handle for _ in range(7)]
    await dead.close()
    asked: list[str] = []

    async def recorded_of(handles):
        assert len(handles) <= 3
        asked.extend(handles)
        return ()

    alive = await DirectoryBlobs.open(tmp_path)
    assert await alive.recover(recorded_of) == 7
    assert sorted(asked) == sorted(left)
    assert files(tmp_path) == []
    await alive.close()
