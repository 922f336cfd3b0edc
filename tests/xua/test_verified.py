"""From a Security header to the assertion in it (ITI TF-2: 3.40.4.1.2; WSS SAML Token Profile 1.1)."""

from datetime import UTC, datetime, timedelta

import pytest
import xmlsec
from lxml import etree

from ihe import xua
from tests.messages.assertions import (
    DAY,
    ISSUER,
    SAML,
    WSSE,
    assertion,
    encrypted,
    judged_by_xmlsec,
    keys,
    signed,
)
from xua.issue import Signer, issue_assertion
from xua.refused import NotAccepted
from xua.security_header import Token, read_security_header, write_security_header
from xua.signature import IdentityProvider, Trust
from xua.user import PersonId, Principal, Role, User
from xua.verified import VerifiedAssertions, verify

NOW = datetime.now(UTC)
TRUST = Trust((IdentityProvider(ISSUER, (keys("idp").certificate,)),), (keys("us").rsa,))
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"


def header(*inside: str | bytes) -> etree._Element:
    text = "".join(one.decode() if isinstance(one, bytes) else one for one in inside)
    return etree.fromstring(f'<wsse:Security xmlns:wsse="{WSSE}">{text}</wsse:Security>')


def refusal_of_headers(*headers: etree._Element) -> xua.Refusal:
    with pytest.raises(NotAccepted) as refused:
        read_security_header(headers)
    return refused.value.refusal


def refusal_of(token: Token, trust: Trust = TRUST) -> xua.Refusal:
    with pytest.raises(NotAccepted) as refused:
        verify(token, trust, NOW)
    return refused.value.refusal


def test_the_assertion_is_cut_out_of_the_header_with_its_signature_whole():
    """WSS SAML Token Profile 1.1: 3.3; a Timestamp may stand beside it."""
    timestamp = (
        f'<wsu:Timestamp xmlns:wsu="{WSU}"><wsu:Created>2030-01-01T00:00:00Z</wsu:Created></wsu:Timestamp>'
    )
    token = read_security_header([header(timestamp, signed(assertion()))])
    assert token is not None
    assert verify(token, TRUST, NOW).assertion.user.name == "Dr Anne Muller"


def test_what_is_carried_on_is_the_same_assertion():
    """ITI TF-2: 3.40: the repository speaks to its registry for the same user."""
    token = read_security_header([header(signed(assertion()))])
    assert token is not None
    written = write_security_header(token.content)
    whole = etree.fromstring(
        b'<s:Header xmlns:s="http://www.w3.org/2003/05/soap-envelope">' + written + b"</s:Header>"
    )
    assert whole[0].get("{http://www.w3.org/2003/05/soap-envelope}mustUnderstand") == "1"
    again = read_security_header(list(whole))
    assert again is not None
    assert verify(again, TRUST, NOW).assertion == verify(token, TRUST, NOW).assertion


def test_without_a_header_or_without_a_token_nobody_is_named():
    assert read_security_header([]) is None
    assert read_security_header([header()]) is None
    assert read_security_header([header(f'<wsu:Timestamp xmlns:wsu="{WSU}"/>')]) is None


def test_a_header_with_anything_else_than_one_assertion_is_refused():
    """WSS 1.1: 12."""
    one = signed(assertion())
    assert refusal_of_headers(header(one), header(one)) is xua.SEVERAL_HEADERS
    assert refusal_of_headers(header(one, one)) is xua.SEVERAL_ASSERTIONS
    assert refusal_of_headers(header(f"<wsse:UsernameToken xmlns:wsse='{WSSE}'/>")) is xua.OTHER_TOKEN
    assert (
        refusal_of_headers(header('<Assertion xmlns="urn:oasis:names:tc:SAML:1.0:assertion"/>'))
        is xua.OTHER_TOKEN
    )
    assert refusal_of_headers(header(b"<x>", one, b"</x>")) is xua.OTHER_TOKEN
    assert refusal_of_headers(header(assertion(more="x" * 131_072))) is xua.TOO_LARGE


@pytest.mark.parametrize(
    ("cipher", "key_bits"),
    [(xmlsec.constants.TransformAes128Gcm, 128), (xmlsec.constants.TransformAes256Gcm, 256)],
)
def test_an_encrypted_assertion_is_opened_and_then_verified(cipher, key_bits):
    """SAML 2.0 Core: 2.3.4; encrypted by xmlsec, which we share nothing with."""
    token = Token(encrypted(signed(assertion()), keys("us"), cipher=cipher, key_bits=key_bits), True)
    assert verify(token, TRUST, NOW).assertion.user.name == "Dr Anne Muller"


def test_encrypted_keys_may_stand_beside_the_data():
    """SAML 2.0 Core: 2.2.4."""
    root = etree.fromstring(encrypted(signed(assertion()), keys("us")))
    key = root.find(".//{http://www.w3.org/2001/04/xmlenc#}EncryptedKey")
    assert key is not None
    root.append(key)
    assert verify(Token(etree.tostring(root), True), TRUST, NOW).assertion is not None


def test_encryption_vouches_for_nothing():
    """SAML 2.0 Core: 5.1: whoever knows our certificate can encrypt to it."""
    assert refusal_of(Token(encrypted(assertion().encode(), keys("us")), True)) is xua.UNSIGNED
    self_made = signed(assertion(), keys("self-made"))
    assert refusal_of(Token(encrypted(self_made, keys("us")), True)) is xua.SIGNATURE_WRONG


def test_what_we_cannot_open_is_refused():
    content = encrypted(signed(assertion()), keys("somebody else"))
    assert refusal_of(Token(content, True)) is xua.NOT_DECRYPTED
    assert refusal_of(Token(content, True), Trust(TRUST.providers)) is xua.NOT_DECRYPTED
    whole = encrypted(signed(assertion()), keys("us"))
    assert (
        refusal_of(Token(whole.replace(b"CipherValue>", b"CipherValue>AAAA", 1), True)) is xua.NOT_DECRYPTED
    )
    empty = f'<saml2:EncryptedAssertion xmlns:saml2="{SAML}"/>'.encode()
    assert refusal_of(Token(empty, True)) is xua.NOT_DECRYPTED


def test_a_cipher_that_does_not_notice_changes_is_refused():
    """XML Encryption 1.1: 6.1.1."""
    content = encrypted(signed(assertion()), keys("us"), cipher=xmlsec.constants.TransformAes256Cbc)
    assert refusal_of(Token(content, True)) is xua.ENCRYPTION_ALGORITHM
    content = encrypted(signed(assertion()), keys("us"), transport=xmlsec.constants.TransformRsaPkcs1)
    assert refusal_of(Token(content, True)) is xua.ENCRYPTION_ALGORITHM


def test_nothing_that_an_encrypted_assertion_refers_to_is_fetched():
    """XML Encryption 1.1: 3.3: only ciphertexts in the message itself are read."""
    whole = encrypted(signed(assertion()), keys("us")).decode()
    begins, ends = whole.rindex("<xenc:CipherValue>"), whole.rindex("</xenc:CipherValue>")
    reference = whole[:begins] + '<xenc:CipherReference URI="http://127.0.0.1:1/x"/>' + whole[ends + 19 :]
    assert refusal_of(Token(reference.encode(), True)) is xua.NOT_DECRYPTED


def test_what_was_verified_once_is_remembered_under_the_same_trust_only():
    token = Token(signed(assertion()), False)
    known = VerifiedAssertions()
    assert known.find(token, TRUST, NOW) is None
    verified = verify(token, TRUST, NOW)
    known.keep(token, TRUST, verified)
    assert known.find(token, TRUST, NOW) is verified
    assert known.find(Token(token.content + b" ", False), TRUST, NOW) is None
    assert known.find(token, Trust((IdentityProvider(ISSUER, (keys("new").certificate,)),)), NOW) is None


def test_what_a_certificate_vouches_for_is_forgotten_when_it_expires():
    token = Token(signed(assertion()), False)
    known = VerifiedAssertions()
    known.keep(token, TRUST, verify(token, TRUST, NOW))
    assert known.find(token, TRUST, NOW + 31 * DAY) is None
    assert known.find(token, TRUST, NOW) is None


def test_only_so_many_are_remembered():
    known = VerifiedAssertions(limit=2)
    tokens = [Token(signed(assertion()), False) for _ in range(3)]
    verified = verify(tokens[0], TRUST, NOW)
    known.keep(tokens[0], TRUST, verified)
    known.keep(tokens[1], TRUST, verified)
    known.find(tokens[0], TRUST, NOW)
    known.keep(tokens[2], TRUST, verified)
    assert [known.find(token, TRUST, NOW) is not None for token in tokens] == [True, False, True]


USER = User(
    name="Dr Anne <Muller>",
    id=PersonId("2.999.9", "4711"),
    name_id="amuller",
    issuer=ISSUER,
    assertion_id="_a1",
    alias="am",
    role=Role("221", "2.999.1", "Medical doctor"),
    specialty=Role("1050", "2.999.1"),
    organization_id="urn:oid:2.999.7",
    organization_name="Hôpital & Cie",
    purpose_of_use=Role("TREAT", "2.16.840.1.113883.5.8"),
    on_behalf_of=Principal(PersonId(ISSUER, "7601"), "Dr Paul Weber"),
    patient_id="p1^^^&2.999.5&ISO",
    home_community_id="urn:oid:2.999.352.3",
    assurance="urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
    software="PraxisSoft",
)


def test_what_we_issue_is_what_we_read_and_the_second_judge_agrees():
    """ITI TF-2: 3.40.4.1.2."""
    signer = Signer(keys("idp").rsa, keys("idp").certificate)
    content = issue_assertion(USER, "urn:oid:2.999.352.3", signer, NOW, timedelta(minutes=5))
    assert judged_by_xmlsec(content, keys("idp"))
    assertion = verify(Token(content, False), TRUST, NOW).assertion
    assert assertion.user == USER
    assert assertion.audiences == (frozenset({"urn:oid:2.999.352.3"}),)
    assert assertion.not_on_or_after - assertion.not_before == timedelta(minutes=5)
