"""Sealed bytes open as they were in their own place, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.ports import StorageError
from repository import sealing
from repository.sealing import Sealed, new_key

KEY = bytes(range(32))
HANDLE = "00112233445566778899aabbccddeeff"


def seal(document: bytes, key: bytes = KEY, handle: str = HANDLE) -> bytes:
    return bytes(Sealed(key, handle).seal(document, last=True))


def unseal(stored: bytes, key: bytes = KEY, handle: str = HANDLE) -> bytes:
    return Sealed(key, handle).open(stored, last=True)


@pytest.fixture
def short_chunks(monkeypatch):
    monkeypatch.setattr(sealing, "CHUNK_BYTES", 4)


@settings(max_examples=60)
@given(document=st.binary(max_size=60))
def test_what_is_sealed_opens_as_it_was(document):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "CHUNK_BYTES", 4)
        assert unseal(seal(document)) == document
        assert len(seal(document)) == Sealed(KEY, HANDLE).stored_bytes(len(document), last=True)


def test_the_form_on_the_disk_stays_what_it_is():
    """Documents sealed by an earlier version must open by every later one."""
    assert seal(b"document").hex() == "71b9dc8929915e6acc05214fde5e4f66f17c30c5c86573da"
    assert unseal(bytes.fromhex("71b9dc8929915e6acc05214fde5e4f66f17c30c5c86573da")) == b"document"


@pytest.mark.parametrize("place", range(4 + 16 + 2 + 16))
def test_no_bit_can_be_changed(short_chunks, place):
    stored = bytearray(seal(b"abcdef"))
    stored[place] ^= 0x40
    with pytest.raises(StorageError):
        unseal(bytes(stored))


CHUNK = 4 + 16


def exchange_two(stored: bytes) -> bytes:
    return stored[CHUNK : 2 * CHUNK] + stored[:CHUNK] + stored[2 * CHUNK :]


def leave_one_out(stored: bytes) -> bytes:
    return stored[CHUNK:]


def repeat_one(stored: bytes) -> bytes:
    return stored[:CHUNK] + stored


def end_after_a_whole_chunk(stored: bytes) -> bytes:
    return stored[: 2 * CHUNK]


def end_after_one_of_two(stored: bytes) -> bytes:
    return stored[:CHUNK] + stored[-16:]


@pytest.mark.parametrize(
    "change", [exchange_two, leave_one_out, repeat_one, end_after_a_whole_chunk, end_after_one_of_two]
)
def test_no_chunk_can_be_moved_left_out_or_repeated_nor_the_end_be_cut_off(short_chunks, change):
    stored = seal(b"0123abcd")
    assert len(stored) == 2 * CHUNK + 16
    with pytest.raises(StorageError):
        unseal(change(stored))


def test_a_piece_that_was_not_the_last_cannot_stand_as_the_last(short_chunks):
    """A document cut where a buffer ended."""
    stored = bytes(Sealed(KEY, HANDLE).seal(b"0123", last=False))
    with pytest.raises(StorageError):
        unseal(stored + stored)


def test_another_document_s_key_or_handle_opens_nothing():
    stored = seal(b"document")
    with pytest.raises(StorageError):
        unseal(stored, key=new_key())
    with pytest.raises(StorageError):
        unseal(stored, handle="f" * 32)
