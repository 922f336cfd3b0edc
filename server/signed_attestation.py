"""An attestation signed by somebody whom this domain believes (RFC 7515: 7.2.2; RFC 8037)."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

# A certificate and a page of names.
MAX_ATTESTATION_BYTES = 256 * 1024

_FORMAT = "coffre-attestation/1"
_PASSED = "passed"


class AttestationRefused(Exception):
    """Why a signed attestation does not enter the register."""


@dataclass(frozen=True, slots=True)
class SignedAttestation:
    """What was signed: a product, the certificate that it shows, and what it was found good at."""

    product: str
    version: str
    vendor: str
    certificate: str
    transactions: tuple[str, ...]
    on: date
    plan_set: str


def read_signed_attestation(
    content: bytes, attesters: Iterable[Ed25519PublicKey], today: date
) -> SignedAttestation:
    """Read an attestation whose signature is one attester's; AttestationRefused for any other."""
    if len(content) > MAX_ATTESTATION_BYTES:
        raise AttestationRefused("it is too large for an attestation")
    try:
        said = json.loads(content)
        protected, payload = said["protected"], said["payload"]
        signature = _decoded(said["signature"])
        algorithm = json.loads(_decoded(protected))["alg"]
        signed = f"{protected}.{payload}".encode("ascii")
    except (ValueError, KeyError, TypeError):
        raise AttestationRefused("it is no attestation in JWS") from None
    if algorithm != "EdDSA":
        raise AttestationRefused("it is signed by another algorithm than EdDSA")
    if not any(_is_signed_by(one, signature, signed) for one in attesters):
        raise AttestationRefused(
            "its signature is no configured attester's, or it was changed after it was signed"
        )
    return _read(_decoded(payload), today)


def read_attester(file: Path) -> Ed25519PublicKey:
    """Read an attester's public key; ValueError if the file holds none."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except UnsupportedAlgorithm as problem:
        raise ValueError(str(problem)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("an attester's key is an Ed25519 key")
    return key


def _is_signed_by(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _read(payload: bytes, today: date) -> SignedAttestation:
    try:
        said: Mapping[str, Any] = json.loads(payload)
        if said["format"] != _FORMAT:
            raise AttestationRefused(f"its format is another than {_FORMAT}")
        if said["verdict"] != _PASSED or said["failed"] != 0:
            raise AttestationRefused("the run that it tells of did not pass")
        found = SignedAttestation(
            product=_text(said["product"]),
            version=_text(said["version"]),
            vendor=_text(said["vendor"]),
            certificate=_text(said["certificate"]),
            transactions=tuple(map(_text, said["transactions"])),
            on=date.fromisoformat(said["date"]),
            plan_set=_text(said["planSet"]),
        )
    except (ValueError, KeyError, TypeError):
        raise AttestationRefused("what was signed is no attestation") from None
    if found.on > today:
        raise AttestationRefused(f"it is of {found.on}, which is still to come")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("some text is expected")
    return value


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
