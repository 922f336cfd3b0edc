"""Whose signature it is, and what it covers (SAML 2.0 Core: 5.4; XML Signature 1.1)."""

from datetime import UTC, datetime, timedelta

import pytest
import xmlsec
from lxml import etree

from ihe import xua
from ihe.xua import Refusal
from tests.messages.assertions import (
    DAY,
    DS,
    ECDSA_SHA256,
    ISSUER,
    SAML,
    Keys,
    assertion,
    judged_by_xmlsec,
    keys,
    signed,
)
from xua.refused import NotAccepted
from xua.signature import IdentityProvider, Trust, errors_in_certificate, verify_signature

ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


def trusting(*trusted: Keys) -> Trust:
    return Trust((IdentityProvider(ISSUER, tuple(one.certificate for one in trusted)),))


def verify(content: bytes, trust: Trust | None = None, at: datetime | None = None) -> etree._Element:
    return verify_signature(content, trust or trusting(keys("idp")), at or datetime.now(UTC)).assertion


def refusal_of(content: bytes, trust: Trust | None = None, at: datetime | None = None) -> Refusal:
    with pytest.raises(NotAccepted) as refused:
        verify(content, trust, at)
    return refused.value.refusal


def test_what_comes_back_is_what_was_signed_and_the_second_judge_agrees():
    """SAML 2.0 Core: 5.4; the tree holds no Signature any more."""
    content = signed(assertion(id="_a1"))
    root = verify(content)
    assert (root.tag, root.get("ID")) == (f"{{{SAML}}}Assertion", "_a1")
    assert root.find(f".//{{{DS}}}Signature") is None
    assert judged_by_xmlsec(content, keys("idp"))


@pytest.mark.parametrize(
    ("kind", "method", "digest"),
    [
        ("rsa-2048", xmlsec.constants.TransformRsaSha384, xmlsec.constants.TransformSha384),
        ("rsa-2048", xmlsec.constants.TransformRsaSha512, xmlsec.constants.TransformSha512),
        ("ec-256", ECDSA_SHA256, xmlsec.constants.TransformSha256),
    ],
)
def test_every_strong_algorithm_is_accepted(kind, method, digest):
    """RFC 9231."""
    by = keys("strong", kind)
    content = signed(assertion(), by, method=method, digest=digest)
    assert verify(content, trusting(by)) is not None
    assert judged_by_xmlsec(content, by)


def test_prefixes_that_only_values_use_can_be_part_of_the_signature():
    """Exclusive XML Canonicalization: InclusiveNamespaces."""
    prefixes = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="xs xsi"/>'
    content = signed(assertion(), transforms=((ENVELOPED, ""), (EXCLUSIVE, prefixes)))
    assert verify(content) is not None


def test_an_assertion_keeps_its_signature_when_it_stands_in_another_message():
    """Exclusive XML Canonicalization: namespaces from around it do not count."""
    wrapped = etree.fromstring(b'<x xmlns="urn:x" xmlns:y="urn:y">' + signed(assertion(id="_a1")) + b"</x>")
    assert verify(etree.tostring(wrapped[0])).get("ID") == "_a1"


def test_without_a_certificate_in_it_every_key_of_the_issuer_is_tried():
    """SAML 2.0 Core: 5.4.5; KeyInfo is optional, and proves nothing."""
    content = signed(assertion(), key_info="")
    assert verify(content, trusting(keys("other"), keys("idp"))) is not None


def test_an_unsigned_assertion_is_refused():
    """ITI TF-2: 3.40.4.1.2."""
    assert refusal_of(assertion().encode()) is xua.UNSIGNED


def test_a_trusted_certificate_vouches_for_its_own_issuer_only():
    """ITI TF-2: 3.40.4.1.2: one identity provider must not speak for another."""
    assert refusal_of(signed(assertion(issuer="https://another.example"))) is xua.SIGNATURE_WRONG


def test_a_signature_by_a_key_that_is_not_pinned_is_refused():
    """The certificate that comes along is not believed."""
    assert refusal_of(signed(assertion(), keys("self-made"))) is xua.SIGNATURE_WRONG
    assert refusal_of(signed(assertion(), keys("self-made"), key_info="")) is xua.SIGNATURE_WRONG
    key_info = f"<ds:X509Data><ds:X509Certificate>{keys('idp').base64}</ds:X509Certificate></ds:X509Data>"
    assert refusal_of(signed(assertion(), keys("self-made"), key_info=key_info)) is xua.SIGNATURE_WRONG


@pytest.mark.parametrize("old", ["Dr Anne Muller", "amuller", 'code="221"', "2.999.352.3", "cm:bearer"])
def test_a_changed_assertion_is_refused(old):
    """XML Signature 1.1: 3.2.1."""
    content = signed(assertion()).decode().replace(old, f"{old}x" if not old.endswith('"') else 'code="222"')
    assert refusal_of(content.encode()) is xua.SIGNATURE_WRONG
    assert not judged_by_xmlsec(content.encode(), keys("idp"))


def test_a_signer_whose_certificate_is_out_of_date_is_refused():
    """RFC 5280: 4.1.2.5."""
    assert refusal_of(signed(assertion()), at=datetime.now(UTC) + 31 * DAY) is xua.SIGNATURE_WRONG
    assert refusal_of(signed(assertion()), at=datetime.now(UTC) - 61 * DAY) is xua.SIGNATURE_WRONG


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": xmlsec.constants.TransformRsaSha1},
        {"digest": xmlsec.constants.TransformSha1},
        {"canonicalization": xmlsec.constants.TransformInclC14N},
        {"canonicalization": xmlsec.constants.TransformExclC14NWithComments},
        {"transforms": ((ENVELOPED, ""),)},
        {"transforms": ((ENVELOPED, ""), ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ""))},
        {"transforms": ((ENVELOPED, ""), (f"{EXCLUSIVE}WithComments", ""))},
        {"transforms": ((ENVELOPED, ""), (EXCLUSIVE, ""), (EXCLUSIVE, ""))},
        {"method": xmlsec.constants.TransformHmacSha256, "hmac": keys("idp").pem, "key_info": ""},
    ],
)
def test_an_algorithm_that_is_not_on_the_list_is_refused_though_the_signature_holds(arguments):
    """RFC 9231; SAML 2.0 Core: 5.4.4."""
    assert refusal_of(signed(assertion(), **arguments)) is xua.SIGNATURE_ALGORITHM


@pytest.mark.parametrize(
    "inside",
    [
        "<ds:RetrievalMethod URI='http://127.0.0.1:1/key'/>",
        '<wsse:SecurityTokenReference xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/'
        'oasis-200401-wss-wssecurity-secext-1.0.xsd"/>',
        "<ds:X509Data><ds:X509Certificate>no base64!</ds:X509Certificate></ds:X509Data>",
    ],
)
def test_a_key_info_that_leads_elsewhere_is_refused(inside):
    """XML Signature 1.1: 4.5.3."""
    assert refusal_of(signed(assertion(), key_info=inside)) is xua.SIGNATURE_FORM


def test_two_elements_of_one_id_are_refused():
    """XML Signature 1.1: 4.4.3.2."""
    content = signed(assertion(id="_a1")).replace(b"<saml2:Subject>", b'<saml2:Subject xml:id="_a1">')
    assert refusal_of(content) is xua.SIGNATURE_FORM


def test_a_reference_to_the_whole_document_is_refused():
    """SAML 2.0 Core: 5.4.2 asks for the ID."""
    assert refusal_of(signed(assertion(), uri="")) is xua.SIGNATURE_FORM


def test_another_version_of_saml_is_refused():
    """SAML 2.0 Core: 4.1.3.2."""
    assert refusal_of(signed(assertion(version="2.1"))) is xua.NOT_SAML


def test_what_is_no_xml_is_refused():
    assert refusal_of(b"<saml2:Assertion") is xua.NOT_SAML


@pytest.mark.parametrize(("kind", "said"), [("rsa-1024", "1024 bits"), ("ec-224", "curve secp224r1")])
def test_a_weak_key_is_never_pinned(kind, said):
    """ITI TF-2: 3.19, BCP 195."""
    (error,) = errors_in_certificate(keys("weak", kind).certificate)
    assert said in error
    assert errors_in_certificate(keys("idp").certificate) == ()
    assert errors_in_certificate(keys("idp", "ec-256").certificate) == ()


def test_the_state_of_the_trust_has_a_name_of_its_own():
    assert trusting(keys("idp")).generation == trusting(keys("idp")).generation
    assert trusting(keys("idp")).generation != trusting(keys("idp"), keys("other")).generation


def test_lxml_and_xmlsec_are_built_with_the_same_libxml2():
    """Trees cross from one to the other in these tests, which two versions would not survive."""
    assert xmlsec.get_libxml_compiled_version() == etree.LIBXML_COMPILED_VERSION


def test_a_hundred_signatures_are_verified_in_less_than_a_second():
    """A cache miss costs a request about a millisecond."""
    content = signed(assertion())
    began = datetime.now(UTC)
    for _ in range(100):
        verify(content)
    assert datetime.now(UTC) - began < timedelta(seconds=1)
