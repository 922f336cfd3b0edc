"""A document costs no memory, however long it is."""

import hashlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.anyio

PIECE = bytes(range(256)) * 256
DOCUMENT_BYTES = 300 * 1024 * 1024
GROWTH_LIMIT_BYTES = 32 * 1024 * 1024


def peak_bytes() -> int:
    """The most memory this process has held since the peak was last reset."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def reset_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


async def test_memory_stays_flat_while_300_mb_go_in_and_out(blobs):
    """Row 10 of the performance targets, far below its 64 MB."""
    expected = hashlib.sha256()
    before = reset_peak()
    writer = await blobs.begin("application/octet-stream")
    for _ in range(DOCUMENT_BYTES // len(PIECE)):
        expected.update(PIECE)
        await writer.write(PIECE)
    staged = await writer.finish()
    assert staged.sha256 == expected.hexdigest()
    assert peak_bytes() - before < GROWTH_LIMIT_BYTES

    before = reset_peak()
    received = hashlib.sha256()
    async for chunk in blobs.read(staged.handle, staged.size, staged.sha256, staged.key):
        received.update(chunk)
    assert received.hexdigest() == expected.hexdigest()
    assert peak_bytes() - before < GROWTH_LIMIT_BYTES
    await blobs.discard(staged)
