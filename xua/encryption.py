"""An EncryptedAssertion to the assertion in it (SAML 2.0 Core: 2.3.4; XML Encryption 1.1)."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import quoteattr

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

import schemas
from ihe.xua import (
    CONTENT_CIPHERS,
    DS,
    ENCRYPTION_ALGORITHM,
    KEY_DIGESTS,
    KEY_TRANSPORTS,
    MASK_GENERATION,
    NOT_DECRYPTED,
    XENC,
    XENC11,
)
from xua.refused import NotAccepted
from xua.security_header import MAX_TOKEN_BYTES

# An identity provider encrypts to one or a few of a community's nodes; each key is tried with each of ours.
MAX_ENCRYPTED_KEYS = 8

# XML Encryption 1.1: 5.2.4.
_NONCE_BYTES = 12

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def decrypt_assertion(encrypted: bytes, keys: Sequence[RSAPrivateKey]) -> bytes:
    """Return the assertion's own octets, still to be verified; raises NotAccepted.

    Only ciphertexts and names of algorithms are taken from the message: whatever it refers to is not fetched.
    """
    try:
        root = schemas.parse(encrypted, limit_bytes=MAX_TOKEN_BYTES)
    except schemas.NotParsable:
        raise NotAccepted(NOT_DECRYPTED) from None
    found = root.findall(f"{{{XENC}}}EncryptedData")
    if len(found) != 1:
        raise NotAccepted(NOT_DECRYPTED)
    data = found[0]
    key_bytes = CONTENT_CIPHERS.get(_algorithm(data))
    if key_bytes is None:
        raise NotAccepted(ENCRYPTION_ALGORITHM)
    # The keys stand in the KeyInfo or beside the EncryptedData (SAML 2.0 Core: 2.2.4).
    wrapped = [
        *data.findall(f"{{{DS}}}KeyInfo/{{{XENC}}}EncryptedKey"),
        *root.findall(f"{{{XENC}}}EncryptedKey"),
    ]
    if not wrapped or len(wrapped) > MAX_ENCRYPTED_KEYS:
        raise NotAccepted(NOT_DECRYPTED)
    content = _ciphertext(data)
    for key in _unwrapped(wrapped, keys):
        if len(key) == key_bytes:
            try:
                plain = AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], None)
            except (InvalidTag, ValueError):
                continue
            return _in_its_place(plain, data)
    raise NotAccepted(NOT_DECRYPTED)


def _in_its_place(plain: bytes, data: etree._Element) -> bytes:
    """The element with the namespaces of the place where it stood (XML Encryption 1.1: 4.5.1)."""
    declared = "".join(
        f" xmlns{f':{prefix}' if prefix else ''}={quoteattr(uri)}" for prefix, uri in data.nsmap.items()
    )
    try:
        place = schemas.parse(
            f"<place{declared}>".encode() + plain + b"</place>", limit_bytes=2 * MAX_TOKEN_BYTES
        )
    except schemas.NotParsable:
        raise NotAccepted(NOT_DECRYPTED) from None
    if len(place) != 1:
        raise NotAccepted(NOT_DECRYPTED)
    return etree.tostring(place[0], encoding="UTF-8", xml_declaration=False, with_tail=False)


def _unwrapped(wrapped: Sequence[etree._Element], keys: Sequence[RSAPrivateKey]) -> Iterator[bytes]:
    """Every content key that one of our keys opens."""
    for element in wrapped:
        padding, ciphertext = _padding(element), _ciphertext(element)
        for key in keys:
            try:
                yield key.decrypt(ciphertext, padding)
            except ValueError:
                continue


def _padding(element: etree._Element) -> OAEP:
    """OAEP as its two names define it: the older one has MGF1 with SHA-1 (XML Encryption 1.1: 5.5.2)."""
    method = element.find(f"{{{XENC}}}EncryptionMethod")
    if method is None or method.get("Algorithm") not in KEY_TRANSPORTS:
        raise NotAccepted(ENCRYPTION_ALGORITHM)
    digest = KEY_DIGESTS.get(_name(method, f"{{{DS}}}DigestMethod", f"{DS}sha1"))
    mask = MASK_GENERATION.get(_name(method, f"{{{XENC11}}}MGF", f"{XENC11}mgf1sha1"))
    if digest is None or mask is None or method.find(f"{{{XENC}}}OAEPparams") is not None:
        raise NotAccepted(ENCRYPTION_ALGORITHM)
    return OAEP(mgf=MGF1(_HASHES[mask]()), algorithm=_HASHES[digest](), label=None)


def _name(method: etree._Element, part: str, usual: str) -> str:
    found = method.find(part)
    return usual if found is None else found.get("Algorithm", "")


def _algorithm(element: etree._Element) -> str:
    method = element.find(f"{{{XENC}}}EncryptionMethod")
    return "" if method is None else method.get("Algorithm", "")


def _ciphertext(element: etree._Element) -> bytes:
    text = element.findtext(f"{{{XENC}}}CipherData/{{{XENC}}}CipherValue") or ""
    try:
        return b64decode("".join(text.split()), validate=True)
    except (NotBase64, ValueError):
        raise NotAccepted(NOT_DECRYPTED) from None
