"""Whose signature an assertion bears, and what of it is signed (SAML 2.0 Core: 5.4; XML Signature 1.1)."""

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

import schemas
from ihe.namespaces import SAML2
from ihe.xua import (
    CURVES,
    DIGEST_METHODS,
    DS,
    EXCLUSIVE_C14N,
    NOT_SAML,
    SAML_VERSION,
    SIGNATURE_ALGORITHM,
    SIGNATURE_FORM,
    SIGNATURE_METHODS,
    SIGNATURE_WRONG,
    SMALLEST_RSA_KEY_BITS,
    TRANSFORMS,
    UNSIGNED,
)
from xua.refused import NotAccepted
from xua.security_header import MAX_TOKEN_BYTES


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """An X-Assertion Provider: the name in its assertions, and the very certificates it signs with."""

    issuer: str
    certificates: tuple[x509.Certificate, ...]


@dataclass(frozen=True)
class Trust:
    """Whose assertions are believed, and the keys that open encrypted ones."""

    providers: tuple[IdentityProvider, ...]
    decryption_keys: tuple[RSAPrivateKey, ...] = ()

    @cached_property
    def generation(self) -> bytes:
        """Names this state of the trust: what was verified under another one is verified anew."""
        digest = hashlib.sha256()
        for provider in self.providers:
            digest.update(hashlib.sha256(provider.issuer.encode()).digest())
            for certificate in provider.certificates:
                digest.update(certificate.fingerprint(SHA256()))
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature covers, as a tree of its own; `not_after` is the end of the signer's certificate."""

    assertion: etree._Element
    issuer: str
    not_after: datetime


def errors_in_certificate(certificate: x509.Certificate) -> tuple[str, ...]:
    """Why assertions signed with this certificate's key could not be accepted (ITI TF-2: 3.19)."""
    key = certificate.public_key()
    match key:
        case RSAPublicKey() if key.key_size < SMALLEST_RSA_KEY_BITS:
            return (f"its RSA key has {key.key_size} bits, expected {SMALLEST_RSA_KEY_BITS} or more",)
        case EllipticCurvePublicKey() if key.curve.name not in CURVES:
            return (f"its key is on the curve {key.curve.name}, expected one of {', '.join(sorted(CURVES))}",)
        case RSAPublicKey() | EllipticCurvePublicKey():
            return ()
    return ("its key is neither RSA nor ECDSA",)


def verify_signature(assertion: bytes, trust: Trust, at: datetime) -> Signed:
    """Return what the identity provider signed, and nothing besides; raises NotAccepted.

    What it returns was made from the octets that were hashed: whatever else the message holds, and however
    it is arranged, cannot be reached from there.
    """
    try:
        root = schemas.parse(assertion, limit_bytes=MAX_TOKEN_BYTES)
    except schemas.NotParsable:
        raise NotAccepted(NOT_SAML) from None
    if root.tag != f"{{{SAML2}}}Assertion" or root.get("Version") != SAML_VERSION or not root.get("ID"):
        raise NotAccepted(NOT_SAML)
    signature = _only_signature(root)
    _refuse_other_forms(root, signature)
    _refuse_other_algorithms(signature)
    content = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    issuer = " ".join((root.findtext(f"{{{SAML2}}}Issuer") or "").split())
    for certificate in _signers(issuer, signature, trust):
        if (signed := _verified(content, certificate, at)) is not None and signed.get("ID") == root.get("ID"):
            return Signed(signed, issuer, certificate.not_valid_after_utc)
    raise NotAccepted(SIGNATURE_WRONG)


_CONFIGURATION = {
    # The Signature is looked for as a child of the Assertion, nowhere below.
    "location": "./",
    "expect_references": 1,
    "signature_methods": frozenset(map(SignatureMethod, SIGNATURE_METHODS)),
    "digest_algorithms": frozenset(map(DigestAlgorithm, DIGEST_METHODS)),
}

_KEY_INFO = frozenset(f"{{{DS}}}{name}" for name in ("X509Data", "KeyName", "KeyValue"))
_ID_NAMES = frozenset({"id", "assertionid"})


def _verified(content: bytes, certificate: x509.Certificate, at: datetime) -> etree._Element | None:
    configuration = SignatureConfiguration(verification_time=at, **_CONFIGURATION)  # type: ignore[arg-type]  # a dict's values have one type
    try:
        result = XMLVerifier().verify(
            content, x509_cert=certificate, id_attribute="ID", expect_config=configuration
        )
    except Exception:
        # signxml and what it stands on raise many kinds for what a sender may write; each means no.
        return None
    if isinstance(result, list) or result.signed_xml is None:
        return None
    return result.signed_xml if result.signed_xml.tag == f"{{{SAML2}}}Assertion" else None


def _signers(issuer: str, signature: etree._Element, trust: Trust) -> Sequence[x509.Certificate]:
    """The issuer's certificates; of several the one that the signature brings along, which proves nothing."""
    known = [
        one for provider in trust.providers if provider.issuer == issuer for one in provider.certificates
    ]
    named = {_octets(one.text) for one in signature.iter(f"{{{DS}}}X509Certificate")}
    if not named:
        return known
    fingerprints = {hashlib.sha256(one).digest() for one in named}
    return [certificate for certificate in known if certificate.fingerprint(SHA256()) in fingerprints]


def _octets(text: str | None) -> bytes:
    try:
        return b64decode("".join((text or "").split()), validate=True)
    except (NotBase64, ValueError):
        raise NotAccepted(SIGNATURE_FORM) from None


def _only_signature(root: etree._Element) -> etree._Element:
    signatures = list(root.iter(f"{{{DS}}}Signature"))
    if not signatures:
        raise NotAccepted(UNSIGNED)
    if len(signatures) > 1 or signatures[0].getparent() is not root:
        raise NotAccepted(SIGNATURE_FORM)
    return signatures[0]


def _refuse_other_forms(root: etree._Element, signature: etree._Element) -> None:
    """One Reference, to this Assertion, whose ID nothing else bears; no Object, no way to another key."""
    inner = sum(1 for _ in root.iter(f"{{{SAML2}}}Assertion", f"{{{SAML2}}}EncryptedAssertion"))
    ids = Counter(
        value
        for element in root.iter(etree.Element)
        for name, value in element.attrib.items()
        if etree.QName(name).localname.lower() in _ID_NAMES
    )
    parts = names_in(signature)
    key_info = signature.find(f"{{{DS}}}KeyInfo")
    signed_info = signature.find(f"{{{DS}}}SignedInfo")
    if (
        inner != 1
        or (ids and max(ids.values()) > 1)
        or parts not in (_WITHOUT_KEY_INFO, _WITH_KEY_INFO)
        or signed_info is None
        or names_in(signed_info) != _SIGNED_INFO
        or (key_info is not None and not _KEY_INFO.issuperset(child.tag for child in key_info))
    ):
        raise NotAccepted(SIGNATURE_FORM)
    reference = signed_info[2]
    if names_in(reference) != _REFERENCE or reference.get("URI") != f"#{root.get('ID')}":
        raise NotAccepted(SIGNATURE_FORM)


_WITHOUT_KEY_INFO = ("SignedInfo", "SignatureValue")
_WITH_KEY_INFO = (*_WITHOUT_KEY_INFO, "KeyInfo")
_SIGNED_INFO = ("CanonicalizationMethod", "SignatureMethod", "Reference")
_REFERENCE = ("Transforms", "DigestMethod", "DigestValue")


def names_in(parent: etree._Element) -> tuple[str, ...]:
    """The local names of the children that XML Signature has; anything foreign shows as an empty name."""
    names = (etree.QName(child) for child in parent)
    return tuple(name.localname if name.namespace == DS else "" for name in names)


def _refuse_other_algorithms(signature: etree._Element) -> None:
    """Allow lists for every algorithm; parameters could make of a method another one (XML Signature: 6)."""
    canonicalization, method, reference = signature[0]
    transforms, digest, _ = reference
    inclusive = f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces"
    if (
        canonicalization.get("Algorithm") != EXCLUSIVE_C14N
        or method.get("Algorithm") not in SIGNATURE_METHODS
        or digest.get("Algorithm") not in DIGEST_METHODS
        or len(method)
        or len(digest)
        or names_in(transforms) != ("Transform", "Transform")
        or tuple(transform.get("Algorithm") for transform in transforms) != TRANSFORMS
        or len(transforms[0])
        or any(child.tag != inclusive for child in (*canonicalization, *transforms[1]))
    ):
        raise NotAccepted(SIGNATURE_ALGORITHM)
