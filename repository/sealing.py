"""The bytes of one document as they lie on the disk: chunks, each sealed with its place, the last one marked.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance, 2015) over AES-256-GCM. Every document has a key of its own, so a nonce is
only the chunk's number and whether it is the last: a chunk that was moved, left out or added opens nowhere,
and neither does one of another document.
"""

import secrets
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.ports import StorageError

KEY_BYTES = 32

# Part of what lies on the disk: it never changes under this label. Most clinical documents are one chunk
# and so are known to be right before the first byte of an answer leaves.
CHUNK_BYTES = 64 * 1024
LABEL = b"coffre document 1 "

TAG_BYTES = 16
NONCE_PREFIX = bytes(7)
NUMBER_BYTES = 4

Bytes = bytes | bytearray | memoryview


class Form(Protocol):
    """How one document's bytes lie on the disk; all but its last piece are whole chunks."""

    def stored_bytes(self, size_bytes: int, last: bool) -> int:
        """What a piece of this size takes on the disk."""

    def seal(self, piece: Bytes, last: bool) -> Bytes:
        """The next piece as it is stored; it holds until the next call."""

    def open(self, stored: bytes, last: bool) -> bytes:
        """The next piece as it was; StorageError if it is not what was stored there."""


class Plain:
    """As they are, where the configuration does without encryption."""

    def stored_bytes(self, size_bytes: int, last: bool) -> int:
        return size_bytes

    def seal(self, piece: Bytes, last: bool) -> Bytes:
        return piece

    def open(self, stored: bytes, last: bool) -> bytes:
        return stored


class Sealed:
    """Whole chunks, then one that is shorter, and may be empty, to tell the end; goes once, one way."""

    def __init__(self, key: bytes, handle: str) -> None:
        self._cipher = AESGCM(key)
        self._of_document = LABEL + handle.encode()
        self._number = 0
        # The same buffers for every piece: new ones would cost a page fault for every 4 KB of the document.
        self._sealed = bytearray()
        self._opened = bytearray()

    def stored_bytes(self, size_bytes: int, last: bool) -> int:
        return size_bytes + TAG_BYTES * (size_bytes // CHUNK_BYTES + last)

    def seal(self, piece: Bytes, last: bool) -> Bytes:
        size_bytes = self.stored_bytes(len(piece), last)
        if len(self._sealed) != size_bytes:
            self._sealed = bytearray(size_bytes)
        plain, sealed = memoryview(piece), memoryview(self._sealed)
        full = len(plain) // CHUNK_BYTES
        for number in range(full + last):
            chunk = plain[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
            start = number * (CHUNK_BYTES + TAG_BYTES)
            place = sealed[start : start + len(chunk) + TAG_BYTES]
            self._cipher.encrypt_into(self._nonce(number == full), chunk, self._of_document, place)
        return sealed

    def open(self, stored: bytes, last: bool) -> bytes:
        step = CHUNK_BYTES + TAG_BYTES
        full = len(stored) // step
        size_bytes = len(stored) - TAG_BYTES * (full + last)
        if size_bytes < 0:
            raise StorageError("a blob ends within a chunk")
        if len(self._opened) != size_bytes:
            self._opened = bytearray(size_bytes)
        sealed, opened = memoryview(stored), memoryview(self._opened)
        try:
            for number in range(full + last):
                chunk = sealed[number * step : (number + 1) * step]
                start = number * CHUNK_BYTES
                place = opened[start : start + len(chunk) - TAG_BYTES]
                self._cipher.decrypt_into(self._nonce(number == full), chunk, self._of_document, place)
        except InvalidTag as problem:
            raise StorageError("a chunk of a blob is not the one that was stored there") from problem
        return bytes(self._opened)

    def _nonce(self, last: bool) -> bytes:
        nonce = NONCE_PREFIX + self._number.to_bytes(NUMBER_BYTES) + bytes([last])
        self._number += 1
        return nonce


def new_key() -> bytes:
    """A fresh key."""
    return secrets.token_bytes(KEY_BYTES)


def form_of(key: bytes, handle: str) -> Form:
    """How a document with this key lies on the disk; one without a key is plain."""
    return Sealed(key, handle) if key else Plain()
