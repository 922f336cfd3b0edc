"""What every blob store promises, held against a directory and against a bucket: the same tests for both."""

import asyncio
import hashlib

import pytest

from exchange.ports import DocumentTooLarge, StorageError
from repository.blob_store import BlobMissing
from tests.repository.places import knows, put, take, write_all

pytestmark = pytest.mark.anyio

MEGABYTE = 1024 * 1024
PART = 5 * MEGABYTE
# Not whole buffers nor parts, and three parts of an upload.
LARGE = hashlib.shake_128(b"large").digest(11 * MEGABYTE + 12345)


@pytest.fixture
async def blobs(place):
    opened = await place.open()
    yield opened
    await opened.close()


async def test_a_document_comes_back_as_it_went_in(blobs):
    """ITI TF-2: 3.43.4.1.3."""
    staged = await put(blobs, b"\x00\xff\r\n", b"\xef\xbb\xbf")
    assert await take(blobs, staged) == b"\x00\xff\r\n\xef\xbb\xbf"
    await blobs.probe(staged.handle, staged.size, staged.sha256, staged.key)


async def test_size_and_hashes_are_those_of_the_bytes(blobs):
    """ITI TF-3: 4.2.3.2.10, 4.2.3.2.23."""
    staged = await put(blobs, b"ab", b"c")
    assert staged.size == 3
    assert staged.sha1 == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert staged.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert staged.content_type == "text/plain"


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("size_bytes", [0, 1, PART - 1, PART, PART + 1, 2 * PART])
async def test_every_length_comes_back_whole(place, sealed, size_bytes):
    """Around the length of a part (Amazon S3 API: UploadPart), sealed and plain."""
    blobs = await place.open(sealed=sealed)
    content = LARGE[:size_bytes]
    staged = await put(blobs, content)
    tags = 16 * (size_bytes // 65536 + 1) if sealed else 0
    assert len(place.bytes_of(staged.handle)) == size_bytes + tags
    await blobs.probe(staged.handle, staged.size, staged.sha256, staged.key)
    assert await take(blobs, staged) == content
    await blobs.close()


async def test_documents_of_unknown_length_go_in_and_out_at_the_same_time(blobs, place):
    """ITI TF-2: 3.41.4.1.2: a message may hold several, and messages come together."""

    async def there_and_back(number: int) -> bool:
        content = LARGE[number:]
        pieces = [content[start : start + 700_001] for start in range(0, len(content), 700_001)]
        return await take(blobs, await put(blobs, *pieces)) == content

    assert all(await asyncio.gather(*(there_and_back(number) for number in range(4))))
    assert len(place.names()) == 4


async def test_a_name_tells_nothing_of_the_document(blobs, place):
    """The handle is random, also for the same bytes again."""
    one, other = await put(blobs, b"same"), await put(blobs, b"same")
    assert one.handle != other.handle
    assert place.names() == sorted((one.handle, other.handle))
    assert b"same" not in place.bytes_of(one.handle)


async def test_a_document_is_nowhere_to_be_seen_before_it_is_finished(blobs, place):
    """ITI TF-2: 3.41.4.1.3."""
    writer = await blobs.begin("text/plain")
    await writer.write(LARGE)
    assert place.names() == []
    staged = await writer.finish()
    assert place.names() == [staged.handle]


@pytest.mark.parametrize("size_bytes", [10, 3 * MEGABYTE, len(LARGE)])
async def test_an_abandoned_document_leaves_nothing(blobs, place, size_bytes):
    """ITI TF-2: 3.41.4.1.3; also when some of it is on its way at that moment."""
    writer = await blobs.begin("text/plain")
    await writer.write(LARGE[:size_bytes])
    await writer.abandon()
    assert (place.names(), place.leavings()) == ([], [])


async def test_a_document_over_the_limit_is_refused_and_leaves_nothing(place):
    """ITI TF-3: Table 4.2.4.1-2, XDSRepositoryOutOfResources."""
    blobs = await place.open(6 * MEGABYTE)
    writer = await blobs.begin("text/plain")
    with pytest.raises(DocumentTooLarge) as refused:
        await write_all(writer, [LARGE])
    assert [error.code for error in refused.value.errors] == ["XDSRepositoryOutOfResources"]
    assert (place.names(), place.leavings()) == ([], [])
    await blobs.close()


async def test_what_is_removed_is_gone_and_may_be_removed_again(blobs, place):
    """ITI TF-2: 3.41.4.1.3; RMD supplement: 3.86.4.1.3."""
    kept, removed, discarded = [await put(blobs, text) for text in (b"kept", b"removed", b"discarded")]
    await blobs.recorded([kept.handle, removed.handle])
    await blobs.remove([removed.handle])
    await blobs.remove([removed.handle])
    await blobs.discard(discarded)
    assert place.names() == [kept.handle]
    with pytest.raises(BlobMissing):
        await take(blobs, removed)
    with pytest.raises(BlobMissing):
        await blobs.probe(removed.handle, removed.size, removed.sha256, removed.key)


def shorter(content: bytes) -> bytes:
    return content[:-1000]


def empty(content: bytes) -> bytes:
    return b""


def longer(content: bytes) -> bytes:
    return content + b"x"


def first_bit(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def middle_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 128]) + content[middle + 1 :]


def last_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("damage", [shorter, empty, longer, first_bit, middle_bit, last_bit])
@pytest.mark.parametrize("sealed", [True, False])
async def test_a_damaged_document_never_comes_out_whole(place, damage, sealed):
    """An error is raised before its last chunk, encrypted or not."""
    blobs = await place.open(sealed=sealed)
    staged = await put(blobs, LARGE)
    place.put(staged.handle, damage(place.bytes_of(staged.handle)))
    received = bytearray()
    with pytest.raises(StorageError):
        await take(blobs, staged, received)
    assert len(received) < len(LARGE)
    assert not sealed or LARGE.startswith(received)
    await blobs.close()


async def test_an_empty_document_that_grew_is_damaged(place):
    """An error is raised rather than nothing being delivered as complete."""
    blobs = await place.open(sealed=False)
    staged = await put(blobs)
    place.put(staged.handle, b"x")
    with pytest.raises(StorageError):
        await take(blobs, staged)
    await blobs.close()


async def test_a_document_of_one_chunk_is_known_to_be_right_before_it_is_read(blobs, place):
    """ITI TF-2: 3.43.4.1.3: an error in place of the document is still possible then."""
    staged = await put(blobs, b"a letter")
    place.put(staged.handle, last_bit(place.bytes_of(staged.handle)))
    with pytest.raises(StorageError):
        await blobs.probe(staged.handle, staged.size, staged.sha256, staged.key)


async def test_what_a_dead_process_left_unrecorded_is_removed(place):
    """Cut off between the upload and the row in the database."""
    dead = await place.open()
    recorded, unrecorded = await put(dead, b"recorded"), await put(dead, b"unrecorded")
    await dead.close()
    place.grow_old()
    alive = await place.open()
    assert await alive.recover(knows(recorded)) == 1
    assert place.names() == [recorded.handle]
    assert unrecorded.handle not in place.names()
    assert await take(alive, recorded) == b"recorded"
    assert await alive.recover(knows(recorded)) == 0
    await alive.close()


async def test_what_a_living_process_is_about_to_record_is_left_alone(place):
    """A worker that starts again must not take another worker's uploads."""
    alive = await place.open()
    staged = await put(alive, b"not yet recorded")
    starting = await place.open()
    assert await starting.recover(knows()) == 0
    assert [name async for names in starting.handles() for name in names] == []
    assert await take(starting, staged) == b"not yet recorded"
    await starting.close()
    await alive.close()


async def test_every_blob_that_nobody_is_writing_is_listed(place, monkeypatch):
    """`coffre repository check` holds them against the database."""
    for module in ("blobs", "s3_blobs"):
        monkeypatch.setattr(f"repository.{module}.RECOVERY_BATCH", 3)
    dead = await place.open()
    left = [(await put(dead, b"left")).handle for _ in range(7)]
    await dead.close()
    place.grow_old()
    alive = await place.open()
    batches = [names async for names in alive.handles()]
    assert sorted(name for names in batches for name in names) == sorted(left)
    assert max(map(len, batches)) <= 3
    assert await alive.recover(knows()) == 7
    assert place.names() == []
    await alive.close()


async def test_a_store_that_works_is_ready(blobs):
    assert await blobs.not_ready() == ""


async def test_a_reader_may_leave_early(blobs):
    """A consumer may hang up in the middle of a document."""
    staged = await put(blobs, LARGE)
    for _ in range(10):
        stream = blobs.read(staged.handle, staged.size, staged.sha256, staged.key)
        await anext(stream)
        await stream.aclose()
    assert await take(blobs, staged) == LARGE
