"""What one implementation of XML Signature says, another says as well: signxml decides, xmlsec is asked too.

The second judge holds the same trust and the same list of algorithms, and asks that the signature is that of
the whole assertion; all else it does in its own way.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import xmlsec
from lxml import etree

from tests.fuzz.mutate import mutate_xml
from tests.journeys import test_xua_attacks as attacks
from tests.journeys import test_xua_wrapping as wrapping
from tests.messages.assertions import (
    DS,
    ECDSA_SHA256,
    ISSUER,
    SAML,
    Keys,
    assertion,
    encrypted,
    held_by,
    keys,
    signed,
)
from tests.wire import SOAP
from xua.encryption import decrypt_assertion
from xua.refused import NotAccepted
from xua.security_header import Token, read_security_header
from xua.signature import IdentityProvider, Trust, verify_signature

PROVIDERS = {
    ISSUER: (keys("idp"), keys("next idp"), keys("strong", "ec-256")),
    "https://second.example": (keys("second idp"),),
}
TRUST = Trust(
    tuple(
        IdentityProvider(issuer, tuple(one.certificate for one in trusted))
        for issuer, trusted in PROVIDERS.items()
    ),
    (keys("us").rsa,),
)

ENVELOPED, EXCLUSIVE = f"{DS}enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
STRONG = {f"{MORE}{kind}-sha{size}" for kind in ("rsa", "ecdsa") for size in (256, 384, 512)}
DIGESTS = {f"http://www.w3.org/2001/04/xmlenc#sha{size}" for size in (256, 512)} | {f"{MORE}sha384"}

MUTANTS = 400


def signxml_says(content: bytes) -> bool:
    try:
        verify_signature(content, TRUST, datetime.now(UTC))
    except NotAccepted:
        return False
    return True


def xmlsec_says(content: bytes) -> bool:
    try:
        # Signatures are made over what a parser hands on: comments and instructions are nobody's.
        root = etree.fromstring(content, etree.XMLParser(remove_comments=True, remove_pis=True))
    except etree.XMLSyntaxError:
        return False
    if root.tag != f"{{{SAML}}}Assertion" or not _signs_all_of(root):
        return False
    issuer = (root.findtext(f"{{{SAML}}}Issuer") or "").strip()
    return any(_signed_by(one, root) for one in PROVIDERS.get(issuer, ()))


def _signs_all_of(root: etree._Element) -> bool:
    """One signature, the assertion's own child, with one reference to it and no algorithm off the list."""
    signatures, references = list(root.iter(f"{{{DS}}}Signature")), list(root.iter(f"{{{DS}}}Reference"))
    if len(signatures) != 1 or signatures[0].getparent() is not root or len(references) != 1:
        return False
    ids = [one.get(name) for one in root.iter() for name in ("ID", "Id", "id") if one.get(name)]
    if references[0].get("URI") != f"#{root.get('ID')}" or ids.count(root.get("ID")) != 1:
        return False
    used = {
        name: [str(one.get("Algorithm")) for one in root.iter(f"{{{DS}}}{name}")]
        for name in ("CanonicalizationMethod", "SignatureMethod", "DigestMethod", "Transform")
    }
    return (
        used["CanonicalizationMethod"] == [EXCLUSIVE]
        and set(used["SignatureMethod"]) <= STRONG
        and set(used["DigestMethod"]) <= DIGESTS
        and used["Transform"] == [ENVELOPED, EXCLUSIVE]
    )


def _signed_by(trusted: Keys, root: etree._Element) -> bool:
    copy = etree.fromstring(etree.tostring(root))
    signature = copy.find(f"{{{DS}}}Signature")
    assert signature is not None
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(trusted.pem, xmlsec.constants.KeyDataFormatCertPem)
    try:
        context.register_id(copy, "ID")
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def good() -> Iterator[tuple[str, bytes]]:
    sha384, sha512 = xmlsec.constants.TransformSha384, xmlsec.constants.TransformSha512
    yield "the usual one", signed(assertion())
    yield "by the next key", signed(assertion(), keys("next idp"))
    yield "by another provider", signed(assertion(issuer="https://second.example"), keys("second idp"))
    yield "by an elliptic curve", signed(assertion(), keys("strong", "ec-256"), method=ECDSA_SHA256)
    yield "with SHA-384", signed(assertion(), method=xmlsec.constants.TransformRsaSha384, digest=sha384)
    yield "with SHA-512", signed(assertion(), method=xmlsec.constants.TransformRsaSha512, digest=sha512)
    yield "without KeyInfo", signed(assertion(), key_info="")
    yield "of a holder of a key", signed(assertion(confirmation=held_by(keys("anne"))))
    yield "with comments", signed(assertion()).replace(b"amuller", b"amul<!-- x -->ler")
    yield "encrypted", decrypt_assertion(encrypted(signed(assertion()), keys("us")), TRUST.decryption_keys)


def attacked() -> Iterator[tuple[str, bytes]]:
    """Every attack of the suite that is an assertion in the end."""
    for name, attack in attacks.ATTACKS.items():
        token = attack.token()
        content = token.encode() if isinstance(token, str) else token
        if etree.QName(etree.fromstring(content)).localname == "EncryptedAssertion":
            try:
                content = decrypt_assertion(content, TRUST.decryption_keys)
            except NotAccepted:
                continue
        yield name, content
    for wrap in vars(wrapping).values():
        if getattr(wrap, "__module__", "") == wrapping.__name__ and wrap.__annotations__ == {"return": str}:
            yield from ((wrap.__name__, one.content) for one in _tokens(wrap()))


def _tokens(headers: str) -> Iterator[Token]:
    holder = etree.fromstring(f'<soap:Header xmlns:soap="{SOAP}">{headers}</soap:Header>')
    try:
        token = read_security_header(list(holder))
    except NotAccepted:
        return
    if token:
        yield token


@pytest.mark.parametrize(
    ("name", "content"), list(good()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_both_accept_what_is_good(name, content):
    """XML Signature 1.1: 3.2; RFC 9231."""
    assert signxml_says(content)
    assert xmlsec_says(content)


# Whose signature is good; what is wrong with them is found by other rules than those of signatures.
GOOD_SIGNATURES = {
    "expired", "not yet valid", "another audience", "no audience", "a second role",
    "a second purpose of use", "a second name", "a second authentication statement", "another subject's key",
    "a second role in another statement",
}  # fmt: skip


# In these the provider's own signature of his own assertion is whole; we refuse what stands beside it in the
# Signature, or the size, before we ask any judge.
REFUSED_BEFORE = {
    "a key that must be fetched", "the_evil_one_in_an_object_of_the_signature", "one as long as a book",
}  # fmt: skip


def test_both_refuse_what_is_an_attack_on_the_signature():
    """SAML 2.0 Core: 5.4; everything of `test_xua_attacks.py` and `test_xua_wrapping.py`."""
    judged = {name: (signxml_says(content), xmlsec_says(content)) for name, content in attacked()}
    assert len(judged) > 50
    assert {name for name, (one, other) in judged.items() if one and not other} == set()
    assert {name for name, (one, other) in judged.items() if other and not one} == REFUSED_BEFORE
    assert {name for name, (one, _) in judged.items() if one} == GOOD_SIGNATURES


def test_both_say_the_same_of_what_was_changed():
    """XML Signature 1.1: 3.2; what xmlsec does not look at is beside what is signed; nobody reads it."""
    choices = random.Random(5)
    originals = [content for _, content in good()]
    beside = {_beside_what_is_signed(one) for one in originals}
    accepted = 0
    for seed in range(MUTANTS):
        content = choices.choice(originals)
        changed = mutate_xml(content, seed) or content
        one, other = signxml_says(changed), xmlsec_says(changed)
        accepted += one
        assert one == other or (other and _beside_what_is_signed(changed) not in beside), changed
    assert 0 < accepted < MUTANTS / 2


def _beside_what_is_signed(content: bytes) -> bytes:
    signature = etree.fromstring(content).find(f"{{{DS}}}Signature")
    assert signature is not None
    for signed_info in signature.findall(f"{{{DS}}}SignedInfo"):
        signature.remove(signed_info)
    for value in signature.findall(f"{{{DS}}}SignatureValue"):
        value.text = None
    return etree.tostring(signature, with_tail=False)
