"""How the documents in flight share the memory of their store."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.blob_streams import Buffers

pytestmark = pytest.mark.anyio

CHUNK, MEGABYTE = 64 * 1024, 1024 * 1024
PIECE = bytes(range(256)) * 300


@given(st.integers(0, 2000))
def test_all_buffers_together_stay_within_what_they_share_or_are_one_chunk_each(in_flight):
    """Whole chunks, for a document is sealed chunk by chunk; at most a megabyte, at least one chunk."""
    buffers = Buffers()
    for _ in range(in_flight):
        buffers.take()
    size_bytes = buffers.size_bytes
    assert size_bytes % CHUNK == 0
    assert CHUNK <= size_bytes <= MEGABYTE
    assert size_bytes == CHUNK or size_bytes * in_flight <= 4 * MEGABYTE


async def test_documents_are_what_they_were_however_many_are_in_flight(blobs):
    """Buffers shrink while others begin, and grow when they have ended; the bytes lie there all the same."""
    writers = [await blobs.begin("text/plain") for _ in range(20)]
    for turn in range(20):
        for writer in writers[: turn + 1]:
            await writer.write(PIECE)
    staged = [await writer.finish() for writer in writers]
    assert [one.size for one in staged] == [len(PIECE) * (20 - number) for number in range(20)]
    readings = [blobs.read(one.handle, one.size, one.sha256, one.key) for one in staged]
    begun = [await anext(reading) for reading in readings]
    for reading, one, start in zip(readings, staged, begun, strict=True):
        assert start + b"".join([chunk async for chunk in reading]) == PIECE * (one.size // len(PIECE))
        await blobs.discard(one)


async def test_a_document_that_was_given_up_gives_back_its_share(blobs):
    """Or the buffers of the others would stay small for ever."""
    before = blobs._buffers.size_bytes
    writers = [await blobs.begin("text/plain") for _ in range(10)]
    for writer in writers:
        await writer.write(PIECE)
    assert blobs._buffers.size_bytes < before
    for writer in writers[1:]:
        await writer.abandon()
    one = await writers[0].finish()
    reading = blobs.read(one.handle, one.size, one.sha256, one.key)
    assert await anext(reading)
    await reading.aclose()
    assert blobs._buffers.size_bytes == before
    await blobs.discard(one)
