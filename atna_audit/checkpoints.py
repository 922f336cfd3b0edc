"""Signed statements of how far the log was, and what its hash was then (RFC 6962 section 3.5)."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# What a signature is over begins so, and cannot be mistaken for that of anything else.
_CONTEXT = b"coffre audit checkpoint 1\n"


class BadCheckpoint(Exception):
    """No checkpoint, or none that can be read."""


class BadSigningKey(Exception):
    """The file holds no Ed25519 key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """So many records made this root, of which the contents of the first `dropped` were not kept."""

    size: int
    root: str
    dropped: int
    at_milliseconds: int
    signature: str = ""

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is over."""
        return _CONTEXT + f"{self.size}\n{self.root}\n{self.dropped}\n{self.at_milliseconds}\n".encode()

    def written(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key with which a log's checkpoints are signed and verified."""

    key: Ed25519PrivateKey

    @classmethod
    def of_file(cls, file: Path) -> "SigningKey":
        """Read the key, or generate it where there is none, for its owner only; raises BadSigningKey."""
        if not file.exists():
            with suppress(FileExistsError):
                _generate(file)
        try:
            key = serialization.load_pem_private_key(file.read_bytes(), None)
        except (ValueError, TypeError) as problem:
            raise BadSigningKey(f"{file} holds no key") from problem
        if not isinstance(key, Ed25519PrivateKey):
            raise BadSigningKey(f"{file} holds no Ed25519 key")
        return cls(key)

    def signed(self, size: int, root: bytes, dropped: int, at_milliseconds: int) -> Checkpoint:
        """Sign a checkpoint."""
        plain = Checkpoint(size, root.hex(), dropped, at_milliseconds)
        signature = self.key.sign(plain.signed_bytes).hex()
        return Checkpoint(size, plain.root, dropped, at_milliseconds, signature)

    def signed_it(self, checkpoint: Checkpoint) -> bool:
        """Whether this key signed the checkpoint as it stands."""
        try:
            self.key.public_key().verify(bytes.fromhex(checkpoint.signature), checkpoint.signed_bytes)
        except (InvalidSignature, ValueError):
            return False
        return True


def read_checkpoints(file: Path) -> Iterator[Checkpoint]:
    """Yield the checkpoints of a file, one a line; raises BadCheckpoint."""
    for number, line in enumerate(file.read_bytes().splitlines(keepends=True), 1):
        try:
            yield _checkpoint(json.loads(line))
        except (ValueError, TypeError) as problem:
            if not line.endswith(b"\n"):
                return  # a crash cut it off; nobody was told of it
            raise BadCheckpoint(f"{file}:{number}: no checkpoint") from problem


def _checkpoint(facts: object) -> Checkpoint:
    if not isinstance(facts, dict):
        raise TypeError("no object")
    checkpoint = Checkpoint(**facts)
    for name, value in asdict(checkpoint).items():
        if not isinstance(value, str if name in ("root", "signature") else int):
            raise TypeError(name)
    return checkpoint


def _generate(file: Path) -> None:
    content = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Whole or not at all, and never over another process's: `link` refuses a name that is taken.
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.new")
    with open(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())
    try:
        os.link(unfinished, file)
    finally:
        unfinished.unlink()
