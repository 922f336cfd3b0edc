"""Each attack on an assertion, over the wire: refused with its fault, in time, recorded, and nothing stored.

Those that wrap a good signature are in `test_xua_wrapping.py`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import xmlsec
from lxml import etree

from tests.messages import requests
from tests.messages.assertions import (
    DS,
    PURPOSE,
    ROLE,
    WSSE,
    assertion,
    attribute,
    authentication,
    encrypted,
    held_by,
    keys,
    security,
    signed,
)
from tests.messages.requests import ITI_18
from tests.services.guarded import MOST_SECONDS, last_records, refused
from tests.wire import envelope, post

MINUTE = timedelta(minutes=1)
ENVELOPED = f"{DS}enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


def good(**arguments) -> str:
    return assertion(id="_good", **arguments)


def minutes_from_now(minutes: int) -> datetime:
    return datetime.now(UTC) + minutes * MINUTE


def changed(old: str, new: str) -> bytes:
    content = signed(good()).decode()
    assert old in content
    return content.replace(old, new).encode()


def sha_256_of_nothing() -> bytes:
    """A canonicalization that fails must not count as one of nothing."""
    root = etree.fromstring(signed(good()))
    value = root.find(f".//{{{DS}}}DigestValue")
    assert value is not None
    value.text = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    return etree.tostring(root).replace(b"<saml2:Subject>", b'<saml2:Subject xmlns:x="relative">')


@dataclass(frozen=True)
class Attack:
    """What stands in the Security header, and the fault that it gets."""

    token: Callable[[], bytes | str]
    subcode: str
    reason: str


WRONG = ("FailedCheck", "the signature is not that of a trusted identity provider")
FORM = ("FailedCheck", "the signature must cover the assertion, all of it and nothing else")
ALGORITHM = ("UnsupportedAlgorithm", "an algorithm of the signature is not accepted")
W3 = "http://www.w3.org"
XSLT = (
    '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/">'
    "<xsl:value-of select=\"document('file:///etc/passwd')\"/></xsl:template></xsl:stylesheet>"
)


def by(*transforms: tuple[str, str]) -> Callable[[], bytes]:
    """A signature whose Transforms were put there afterwards: no verifier may run them to find out."""

    def made() -> bytes:
        root = etree.fromstring(signed(good()))
        place = root.find(f".//{{{DS}}}Transforms")
        assert place is not None
        place[:] = [
            etree.fromstring(f'<ds:Transform xmlns:ds="{DS}" Algorithm="{name}">{inside}</ds:Transform>')
            for name, inside in transforms
        ]
        return etree.tostring(root)

    return made


def pointing_to(uri: str) -> Callable[[], bytes]:
    return lambda: changed('URI="#_good"', f'URI="{uri}"')


def with_key_info(inside: str, signer: str = "self-made") -> Callable[[], bytes]:
    return lambda: signed(good(), keys(signer), key_info=inside)


ATTACKS = {
    "unsigned": Attack(good, "FailedCheck", "the assertion must be signed"),
    "an empty signature": Attack(
        lambda: good().replace("<saml2:Subject>", f'<ds:Signature xmlns:ds="{DS}"/><saml2:Subject>'), *FORM
    ),
    "self-signed": Attack(lambda: signed(good(), keys("self-made")), *WRONG),
    "self-signed, with the trusted certificate beside it": Attack(
        with_key_info(f"<ds:X509Data><ds:X509Certificate>{keys('idp').base64}</ds:X509Certificate></ds:X509Data>"),
        *WRONG,
    ),
    "signed by the identity provider of others": Attack(lambda: signed(good(), keys("second idp")), *WRONG),
    "another issuer than the signer": Attack(lambda: signed(good(issuer="https://second.example")), *WRONG),
    "changed name": Attack(lambda: changed("amuller", "mallory"), *WRONG),
    "changed role": Attack(lambda: changed('code="221"', 'code="112"'), *WRONG),
    "the id of another": Attack(lambda: changed("_good", "_other"), *WRONG),
    "a comment in the digest": Attack(
        lambda: changed("amuller", "mallory").replace(b"<ds:DigestValue>", b"<ds:DigestValue><!--x-->"),
        *WRONG,
    ),
    "a failed canonicalization": Attack(sha_256_of_nothing, *WRONG),
    "an XInclude": Attack(
        lambda: changed(
            "amuller", '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'
        ),
        *WRONG,
    ),
    "RSA with SHA-1": Attack(
        lambda: signed(good(), method=xmlsec.constants.TransformRsaSha1), *ALGORITHM
    ),
    "a digest by SHA-1": Attack(lambda: signed(good(), digest=xmlsec.constants.TransformSha1), *ALGORITHM),
    "HMAC with the public key": Attack(
        lambda: signed(good(), method=xmlsec.constants.TransformHmacSha256, hmac=keys("idp").pem), *ALGORITHM
    ),
    "an HMAC of one bit": Attack(
        lambda: signed(
            good(), method=xmlsec.constants.TransformHmacSha256, hmac=keys("idp").pem
        ).replace(
            b'hmac-sha256"/>',
            b'hmac-sha256"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>',
        ),
        *ALGORITHM,
    ),
    "XSLT": Attack(by((ENVELOPED, ""), (f"{W3}/TR/1999/REC-xslt-19991116", XSLT)), *ALGORITHM),
    "XPath": Attack(
        by((f"{W3}/TR/1999/REC-xpath-19991116", "<ds:XPath>1</ds:XPath>"), (EXCLUSIVE, "")),
        *ALGORITHM,
    ),
    "XPath filter": Attack(by((ENVELOPED, ""), (f"{W3}/2002/06/xmldsig-filter2", "")), *ALGORITHM),
    "base64": Attack(by((ENVELOPED, ""), (f"{DS}base64", "")), *ALGORITHM),
    "a thousand canonicalizations": Attack(by((ENVELOPED, ""), *[(EXCLUSIVE, "")] * 1000), *ALGORITHM),
    "a reference to the network": Attack(pointing_to("http://127.0.0.1:9/x"), *FORM),
    "a reference to a file": Attack(pointing_to("file:///etc/passwd"), *FORM),
    "a reference to the document": Attack(pointing_to(""), *FORM),
    "a reference by XPointer": Attack(pointing_to("#xpointer(id('_good'))"), *FORM),
    "a key that must be fetched": Attack(
        with_key_info('<ds:RetrievalMethod URI="http://127.0.0.1:9/k"/>', "idp"), *FORM
    ),
    "a key of its own": Attack(
        lambda: signed(good(), keys("self-made"), key_info="<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB"
                       "</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"),
        *WRONG,
    ),
    "expired": Attack(
        lambda: signed(good(not_before=minutes_from_now(-60), not_on_or_after=minutes_from_now(-5))),
        "MessageExpired", "the assertion has expired",
    ),
    "not yet valid": Attack(
        lambda: signed(good(not_before=minutes_from_now(5), not_on_or_after=minutes_from_now(60))),
        "FailedAuthentication", "the assertion is not valid yet",
    ),
    "another audience": Attack(
        lambda: signed(good(audience="urn:oid:2.999.1")),
        "InvalidSecurityToken", "the assertion is meant for another audience",
    ),
    "no audience": Attack(
        lambda: signed(good(audience="")),
        "InvalidSecurityToken", "Conditions must limit the assertion in time and to an audience",
    ),
    "a second role": Attack(
        lambda: signed(good(roles=(ROLE, ROLE))), "FailedAuthentication", "exactly one role is expected"
    ),
    "a second role in another statement": Attack(
        lambda: signed(
            good().replace(
                "</saml2:Assertion>",
                "<saml2:AttributeStatement>"
                + attribute("urn:oasis:names:tc:xacml:2.0:subject:role", ROLE)
                + "</saml2:AttributeStatement></saml2:Assertion>",
            )
        ),
        "FailedAuthentication", "exactly one role is expected",
    ),
    "a second purpose of use": Attack(
        lambda: signed(good(purposes=(PURPOSE, PURPOSE))),
        "FailedAuthentication", "exactly one purpose of use is expected",
    ),
    "a second name": Attack(
        lambda: signed(good(subject_ids=("Dr Anne Muller", "mallory"))),
        "InvalidSecurityToken", "exactly one subject with a NameID and one subject-id is expected",
    ),
    "a second authentication statement": Attack(
        lambda: signed(good(statement=authentication() * 2)),
        "InvalidSecurityToken", "exactly one AuthnStatement with one AuthnContext is expected",
    ),
    "another subject's key": Attack(
        lambda: signed(good(confirmation=held_by(keys("anne")))),
        "FailedAuthentication", "the subject is not confirmed",
    ),
    "encrypted but unsigned": Attack(
        lambda: encrypted(good().encode(), keys("us")), "FailedCheck", "the assertion must be signed"
    ),
    "encrypted to somebody else": Attack(
        lambda: encrypted(signed(good()), keys("somebody else")),
        "FailedCheck", "the assertion cannot be decrypted",
    ),
    "encrypted by a cipher that tells tales": Attack(
        lambda: encrypted(signed(good()), keys("us"), cipher=xmlsec.constants.TransformAes256Cbc),
        "UnsupportedAlgorithm", "an algorithm of the encryption is not accepted",
    ),
    "a password instead": Attack(
        lambda: f'<wsse:UsernameToken xmlns:wsse="{WSSE}"><wsse:Username>mallory</wsse:Username>'
        "</wsse:UsernameToken>",
        "UnsupportedSecurityToken", "a SAML 2.0 assertion is expected",
    ),
    "a whole response": Attack(
        lambda: b'<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol">'
        + signed(good())
        + b"</p:Response>",
        "UnsupportedSecurityToken", "a SAML 2.0 assertion is expected",
    ),
    "one as long as a book": Attack(
        lambda: signed(good(more=attribute("urn:x", "x" * 200_000))),
        "InvalidSecurityToken", "the assertion is too large",
    ),
    "seven thousand attributes": Attack(
        lambda: good(more="<saml2:Attribute/>" * 7_000),
        "FailedCheck", "the assertion must be signed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_assertion_that_does_not_do_is_refused(guarded, patient_id, name):
    """ITI TF-2: 3.40.4.1.3; WSS SOAP Message Security 1.1: 12."""
    attack = ATTACKS[name]
    assert refused(guarded, patient_id, security(attack.token())) == (attack.subcode, attack.reason)


def test_a_message_without_a_user_is_refused(guarded, patient_id):
    """ITI TF-2: 3.40.4.1.3."""
    fault = ("SecurityTokenUnavailable", "a user's assertion is required")
    assert refused(guarded, patient_id, "") == fault
    assert refused(guarded, patient_id, security()) == fault


def test_two_security_headers_are_refused(guarded, patient_id):
    """WSS SOAP Message Security 1.1: 5."""
    one = security(signed(assertion()))
    assert refused(guarded, patient_id, one + one) == (
        "InvalidSecurity",
        "there may be one Security header for this receiver",
    )


def test_an_assertion_for_one_use_is_used_once(guarded, patient_id):
    """SAML 2.0 Core: 2.5.1.5."""
    headers = security(signed(assertion(conditions="<saml2:OneTimeUse/>")))
    query = envelope(ITI_18, requests.find_documents(patient_id), more_headers=headers)
    assert post(guarded.registry_url, query).status_urn == requests.SUCCESS
    assert refused(guarded, patient_id, headers) == (
        "FailedAuthentication",
        "an assertion for one use was used before",
    )


def test_comments_do_not_cut_a_name_short(guarded, patient_id):
    """Exclusive canonicalization leaves comments out, so anyone can put them into what is signed."""
    token = signed(
        assertion(name_id="<saml2:NameID>director.of.mallory</saml2:NameID>", subject_ids=("Dr Two",))
    )
    token = token.replace(b"director.of", b"director<!---->.of").replace(b"Dr Two", b"Dr<!--x--> T<!---->wo")
    query = envelope(ITI_18, requests.find_documents(patient_id), more_headers=security(token))
    assert post(guarded.registry_url, query).status_urn == requests.SUCCESS
    (record,) = last_records(guarded, 1)
    (user,) = [one for one in record.iter("ActiveParticipant") if one.get("UserName")]
    assert (user.get("UserID"), user.get("UserName")) == (
        "<director.of.mallory@https://idp.example>",
        "Dr Two",
    )


BOMB = '<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "prolog",
    [
        f"<!DOCTYPE x [{BOMB}]>",
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)  # fmt: skip
def test_a_document_type_is_refused_before_anything_else(guarded, patient_id, prolog):
    """ITI TF-2: V.3; entities can neither grow nor fetch."""
    message = prolog.encode() + envelope(
        ITI_18,
        requests.find_documents(patient_id),
        more_headers=security(signed(assertion()).replace(b"amuller", b"&a;")),
    )
    began = time.monotonic()
    answer = post(guarded.registry_url, message)
    assert time.monotonic() - began < MOST_SECONDS
    assert answer.fault[2] == "the message is not readable XML: a document type declaration is not accepted"
    (record,) = last_records(guarded, 1)
    assert [one.get("csd-code") for one in record.iter("EventID")] == ["110113"]
