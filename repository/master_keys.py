"""The master key, above the key of every patient: a port, and keys in a file or in the environment."""

import asyncio
import base64
import binascii
import hashlib
import logging
import os
import re
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.ports import StorageError
from repository.blob_files import flush_folder
from repository.sealing import KEY_BYTES, new_key

log = logging.getLogger("coffre.vault")

# NIST SP 800-38D: random nonces of 96 bits serve 2^32 keys under one master key, which is far beyond any
# number of patients.
NONCE_BYTES = 12

KEY_ID_DIGITS = 16

FILE_MODE = 0o600
OTHERS = 0o077

_HEAD = """\
# The master key of this Coffre. Without it no document can be read again: keep a copy apart from them.
# One key a line, the last one in use; the others open what "coffre repository rewrap" has not yet changed.
"""


class BadMasterKey(StorageError):
    """The master key is missing or is none; without it the repository does not start."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key that only the master key of this id opens."""

    master_key_id: str
    content: bytes = field(repr=False)


class MasterKeys(Protocol):
    """Wraps keys and opens them again; a token or a key service may stand here: no master key comes out."""

    async def add(self) -> None:
        """Make one more, which wraps from then on; BadMasterKey where that is for the operator to do."""

    async def newest_id(self) -> str:
        """The id of the master key that wraps from now on."""

    async def knows(self, master_key_id: str) -> bool:
        """Whether what this key has wrapped can be opened."""

    async def wrap(self, key: bytes, context: bytes) -> WrappedKey:
        """Wrap a key by the newest master key; it opens in the same context only."""

    async def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """The key; StorageError if it was not wrapped by one of ours in this context."""


class LocalMasterKeys:
    """Master keys that are text: base64, one a line or separated by commas, the last one in use."""

    def __init__(self, source: Callable[[], str], file: Path | None = None) -> None:
        self._source = source
        self._file = file
        self._keys = _keys_in(source())

    async def add(self) -> None:
        if self._file is None:
            raise BadMasterKey(
                "the master key is not in a file: append a new one to COFFRE_MASTER_KEY after a comma"
            )
        await asyncio.to_thread(_add, self._file)

    async def newest_id(self) -> str:
        # Read anew, so that running servers take a new key into use when it is written into the file.
        self._keys = _keys_in(self._source())
        return next(reversed(self._keys))

    async def knows(self, master_key_id: str) -> bool:
        if master_key_id not in self._keys:
            self._keys = _keys_in(self._source())
        return master_key_id in self._keys

    async def wrap(self, key: bytes, context: bytes) -> WrappedKey:
        master_key_id = await self.newest_id()
        return WrappedKey(master_key_id, seal_key(self._keys[master_key_id], key, context))

    async def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        if not await self.knows(wrapped.master_key_id):
            raise StorageError(f"master key {wrapped.master_key_id} is not here")
        return open_key(self._keys[wrapped.master_key_id], wrapped.content, context)


class Keyring:
    """Master keys of several places: those of the first one wrap, all of them open."""

    def __init__(self, in_use: MasterKeys, *others: MasterKeys) -> None:
        self._in_use = in_use
        self._all = (in_use, *others)

    async def add(self) -> None:
        await self._in_use.add()

    async def newest_id(self) -> str:
        return await self._in_use.newest_id()

    async def knows(self, master_key_id: str) -> bool:
        return await self._place_of(master_key_id) is not None

    async def wrap(self, key: bytes, context: bytes) -> WrappedKey:
        return await self._in_use.wrap(key, context)

    async def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        place = await self._place_of(wrapped.master_key_id)
        if place is None:
            raise StorageError(f"master key {wrapped.master_key_id} is not here")
        return await place.unwrap(wrapped, context)

    async def _place_of(self, master_key_id: str) -> MasterKeys | None:
        for place in self._all:
            if await place.knows(master_key_id):
                return place
        return None


def master_keys_in_file(path: Path, create: bool) -> LocalMasterKeys:
    """The master keys of this file, generated if there is none yet and it may be."""
    try:
        if create:
            _create(path, _HEAD + _line(new_key()))
        mode = path.stat().st_mode
    except OSError as problem:
        raise BadMasterKey(f"the master key {path} cannot be read: {problem.strerror}") from problem
    if stat.S_IMODE(mode) & OTHERS:
        log.warning("others than its owner may read the master key %s: chmod 600", path)
    return LocalMasterKeys(lambda: _read(path), path)


def master_keys_in_text(text: str) -> LocalMasterKeys:
    """The master keys of a variable of the environment."""
    return LocalMasterKeys(lambda: text)


def seal_key(by: bytes, key: bytes, context: bytes) -> bytes:
    """A key under another key, to be opened in this context only."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(by).encrypt(nonce, key, context)


def open_key(by: bytes, sealed: bytes, context: bytes) -> bytes:
    """The key; StorageError if it was not sealed under that key in this context."""
    try:
        return AESGCM(by).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as problem:
        raise StorageError("a key does not belong where it was found") from problem


def _add(path: Path) -> None:
    """Write one more key into the file; the others still open."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    _write(new, _read(path).rstrip("\n") + "\n" + _line(new_key()))
    new.replace(path)
    flush_folder(path.parent)


def _keys_in(text: str) -> dict[str, bytes]:
    keys = {}
    for line in text.splitlines():
        for word in re.split(r"[\s,]+", line.partition("#")[0].strip()):
            if word:
                key = _key(word)
                keys[_key_id(key)] = key
    if not keys:
        raise BadMasterKey("there is no master key, expected 32 bytes in base64")
    return keys


def _key(word: str) -> bytes:
    # The word is a secret even where it is wrong, so it is not repeated.
    with suppress(binascii.Error, ValueError):
        key = base64.b64decode(word, validate=True)
        if len(key) == KEY_BYTES:
            return key
    raise BadMasterKey(f"a master key cannot be read, expected {KEY_BYTES} bytes in base64")


def _key_id(key: bytes) -> str:
    """A name that only this key has, and from which nothing of it can be learnt."""
    return hashlib.sha256(b"coffre master key id " + key).hexdigest()[:KEY_ID_DIGITS]


def _line(key: bytes) -> str:
    return base64.b64encode(key).decode() + "\n"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadMasterKey(f"the master key {path} cannot be read") from problem


def _create(path: Path, text: str) -> None:
    """Write the file unless it is there; of several processes that try, one writes it, and whole."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unborn = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    _write(unborn, text)
    try:
        with suppress(FileExistsError):
            os.link(unborn, path)
            log.info("generated the master key %s: keep a copy of it apart from the documents", path)
    finally:
        unborn.unlink()
    flush_folder(path.parent)


def _write(path: Path, text: str) -> None:
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(file, "w", encoding="utf-8") as writer:
        writer.write(text)
        writer.flush()
        os.fsync(writer.fileno())
