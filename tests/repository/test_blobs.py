"""Documents as files: what goes in comes out, or an error does."""

import errno
import hashlib
import os
import resource
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.ports import StorageError, StorageFull
from repository import blob_streams, sealing
from repository import blobs as blobs_module
from repository.blobs import DirectoryBlobs
from tests.repository.places import put, take, write_all

pytestmark = pytest.mark.anyio


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")


async def none_recorded(handles):
    return ()


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
        patch.setattr(blob_streams, "BUFFER_BYTES", chunk_bytes * chunks)
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


async def test_an_abandoned_document_leaves_nothing(blobs, tmp_path, monkeypatch):
    """Also when a buffer of it is being written at that moment."""
    monkeypatch.setattr(blob_streams, "BUFFER_BYTES", 10)
    writer = await blobs.begin("text/plain")
    await writer.write(b"x" * 100)
    await writer.abandon()
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
    await write_all(unfinished, [b"x" * blob_streams.BUFFER_BYTES] * 2)
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
