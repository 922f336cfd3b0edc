"""Who has signed this very message, with a key that an assertion names (WSS SAML Token Profile 1.1: 3.5)."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from ihe.namespaces import SOAP12, WSSE, WSU
from ihe.xua import DIGEST_METHODS, DS, EXCLUSIVE_C14N, SIGNATURE_METHODS
from xua.refused import NotAccepted
from xua.signature import errors_in_certificate, names_in
from xua.values import instant_in

# The message is copied for each Reference. Documents are larger; they travel beside it, and unsigned.
MAX_SIGNED_BYTES = 1_048_576
# The Body, the Timestamp, the assertion and the headers of WS-Addressing.
MAX_REFERENCES = 10

_ID = f"{{{WSU}}}Id"


def signers_of_message(
    headers: Sequence[etree._Element], certificates: Iterable[bytes], skew: timedelta, at: datetime
) -> frozenset[str]:
    """Of these certificates, by their SHA-256, those whose key signed the Body and a Timestamp that holds.

    What was signed is compared with the Body that will be read, octet by octet of its canonical form.
    """
    security = next((header for header in headers if header.tag == f"{{{WSSE}}}Security"), None)
    if security is None or len(security.findall(f"{{{DS}}}Signature")) != 1:
        return frozenset()
    timestamps = security.findall(f"{{{WSU}}}Timestamp")
    root = security.getroottree().getroot()
    body = root.find(f"{{{SOAP12}}}Body")
    content = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    if len(timestamps) != 1 or body is None or len(content) > MAX_SIGNED_BYTES:
        return frozenset()
    signature = security.find(f"{{{DS}}}Signature")
    if signature is None or not _is_accepted(signature) or not _holds(timestamps[0], skew, at):
        return frozenset()
    wanted = {_canonical(body), _canonical(timestamps[0])}
    return frozenset(
        hashlib.sha256(certificate).hexdigest()
        for certificate in certificates
        if wanted <= set(_signed(content, certificate, at))
    )


def _is_accepted(signature: etree._Element) -> bool:
    """Whether every algorithm is on the lists, and each Reference stays within the message."""
    info = signature.find(f"{{{DS}}}SignedInfo")
    if info is None or names_in(info)[:2] != ("CanonicalizationMethod", "SignatureMethod"):
        return False
    canonicalization, method, *references = info
    return (
        canonicalization.get("Algorithm") == EXCLUSIVE_C14N
        and method.get("Algorithm") in SIGNATURE_METHODS
        and not len(method)
        and 0 < len(references) <= MAX_REFERENCES
        and all(map(_stays_within, references))
    )


def _stays_within(reference: etree._Element) -> bool:
    if names_in(reference) != ("Transforms", "DigestMethod", "DigestValue"):
        return False
    transforms, digest, _ = reference
    return (
        reference.get("URI", "").startswith("#")
        and names_in(transforms) == ("Transform",)
        and transforms[0].get("Algorithm") == EXCLUSIVE_C14N
        and digest.get("Algorithm") in DIGEST_METHODS
    )


def _holds(timestamp: etree._Element, skew: timedelta, at: datetime) -> bool:
    """A signed message can be kept and sent again; its Timestamp bounds for how long (WSS 1.1: 10)."""
    created, expires = timestamp.findtext(f"{{{WSU}}}Created"), timestamp.findtext(f"{{{WSU}}}Expires")
    try:
        begins, ends = instant_in(created or ""), instant_in(expires or "")
    except NotAccepted:
        return False
    return begins is not None and ends is not None and begins <= at + skew and at - skew < ends


def _signed(content: bytes, certificate: bytes, at: datetime) -> Iterator[bytes]:
    """The canonical form of everything that this certificate's key has signed in the message."""
    configuration = SignatureConfiguration(
        location=f"./{{{SOAP12}}}Header/{{{WSSE}}}Security/",
        # True is any number, and a list for an answer.
        expect_references=True,
        signature_methods=frozenset(map(SignatureMethod, SIGNATURE_METHODS)),
        digest_algorithms=frozenset(map(DigestAlgorithm, DIGEST_METHODS)),
        verification_time=at,
    )
    try:
        signer = x509.load_der_x509_certificate(certificate)
        if errors_in_certificate(signer):
            return
        results = XMLVerifier().verify(content, x509_cert=signer, expect_config=configuration)
    except Exception:
        # signxml and what it stands on raise many kinds for what a sender may write; each means no.
        return
    for result in results if isinstance(results, list) else [results]:
        if result.signed_xml is not None:
            yield _canonical(result.signed_xml)


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)
