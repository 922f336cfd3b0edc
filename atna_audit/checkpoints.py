"""Signed statements of how far the log was, and what its hash was then (RFC 6962 section 3.5)."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

# What a signature is over begins so, and cannot be mistaken for that of anything else.
_CONTEXT = b"coffre audit checkpoint 1\n"

_PEM = re.compile(rb"-----BEGIN .*?-----END [A-Z ]*-----\n?", re.DOTALL)


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
    """The key by which a log's checkpoints are signed; those that its predecessors signed stay valid."""

    key: Ed25519PrivateKey
    former: tuple[Ed25519PublicKey, ...] = ()

    @classmethod
    def of_file(cls, file: Path) -> "SigningKey":
        """Read the key, or generate it where there is none, for its owner only; raises BadSigningKey.

        Behind the private key stand the public ones of its predecessors.
        """
        if not file.exists():
            with suppress(FileExistsError):
                _generate(file)
        keys = [_read_key(block, file) for block in _PEM.findall(file.read_bytes())]
        private = [one for one in keys if isinstance(one, Ed25519PrivateKey)]
        if len(private) != 1:
            raise BadSigningKey(f"{file} holds {len(private)} private keys, one is expected")
        return cls(private[0], tuple(one for one in keys if isinstance(one, Ed25519PublicKey)))

    def rotated(self, file: Path) -> "SigningKey":
        """Put a new key into the file; of this one only what it takes to verify remains."""
        new = SigningKey(Ed25519PrivateKey.generate(), (self.key.public_key(), *self.former))
        unfinished = _written_aside(new, file)
        unfinished.replace(file)
        return new

    def signed(self, size: int, root: bytes, dropped: int, at_milliseconds: int) -> Checkpoint:
        """Sign a checkpoint."""
        plain = Checkpoint(size, root.hex(), dropped, at_milliseconds)
        signature = self.key.sign(plain.signed_bytes).hex()
        return Checkpoint(size, plain.root, dropped, at_milliseconds, signature)

    def signed_it(self, checkpoint: Checkpoint) -> bool:
        """Whether this key, or one before it, signed the checkpoint as it stands."""
        return any(_signed(one, checkpoint) for one in (self.key.public_key(), *self.former))


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
    unfinished = _written_aside(SigningKey(Ed25519PrivateKey.generate()), file)
    # Whole or not at all, and never over another process's: `link` refuses a name that is taken.
    try:
        os.link(unfinished, file)
    finally:
        unfinished.unlink()


def _written_aside(key: SigningKey, file: Path) -> Path:
    """The key in a file beside its place, durable and for its owner only."""
    content = key.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for former in key.former:
        content += former.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.new")
    with open(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())
    return unfinished


def _read_key(block: bytes, file: Path) -> object:
    try:
        if b"PRIVATE KEY" in block:
            return serialization.load_pem_private_key(block, None)
        return serialization.load_pem_public_key(block)
    except (ValueError, TypeError) as problem:
        raise BadSigningKey(f"{file} holds what is no key") from problem


def _signed(key: Ed25519PublicKey, checkpoint: Checkpoint) -> bool:
    try:
        key.verify(bytes.fromhex(checkpoint.signature), checkpoint.signed_bytes)
    except (InvalidSignature, ValueError):
        return False
    return True
