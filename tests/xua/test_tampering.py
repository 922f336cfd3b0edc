"""Whatever is done to a signed assertion, it says what was signed or nothing at all (SAML 2.0 Core: 5)."""

import copy
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.messages.assertions import ISSUER, assertion, encrypted, keys, signed
from xua.refused import NotAccepted
from xua.security_header import Token
from xua.signature import IdentityProvider, Trust
from xua.verified import verify

NOW = datetime.now(UTC)
TRUST = Trust((IdentityProvider(ISSUER, (keys("idp").certificate,)),), (keys("us").rsa,))
CONTENT = signed(assertion(id="_a1"))
ENCRYPTED = encrypted(CONTENT, keys("us"))
ORIGINAL = verify(Token(CONTENT, False), TRUST, NOW)
ELEMENTS = sum(1 for _ in etree.fromstring(CONTENT).iter())
ANOTHER = signed(assertion(id="_a2", subject_ids=("Mallory",)), keys("self-made"))


def says_the_same_or_nothing(token: Token) -> None:
    try:
        found = verify(token, TRUST, NOW)
    except NotAccepted:
        return
    assert found == ORIGINAL


@settings(max_examples=300)
@given(
    place=st.integers(0, len(CONTENT)),
    length=st.integers(0, 40),
    text=st.one_of(
        st.binary(max_size=8),
        st.sampled_from(
            [b"<!---->", b"<?x?>", b"&#0;", b"<x/>", b"<![CDATA[x]]>", b' ID="_a1"', b"&x;", b" "]
        ),
    ),
)
def test_of_changed_bytes(place, length, text):
    says_the_same_or_nothing(Token(CONTENT[:place] + text + CONTENT[place + length :], False))


@settings(max_examples=300)
@given(
    what=st.integers(1, ELEMENTS - 1),
    where=st.integers(0, ELEMENTS - 1),
    position=st.integers(0, 5),
    act=st.sampled_from(["move", "copy", "remove", "of another"]),
)
def test_of_moved_elements(what, where, position, act):
    root = etree.fromstring(CONTENT)
    elements = list(root.iter())
    source = list(etree.fromstring(ANOTHER).iter())[what] if act == "of another" else elements[what]
    target = elements[where]
    if act == "remove":
        parent = source.getparent()
        assert parent is not None
        parent.remove(source)
    elif act == "move" and (source is target or source in target.iterancestors()):
        return
    else:
        target.insert(position, source if act == "move" else copy.deepcopy(source))
    says_the_same_or_nothing(Token(etree.tostring(root), False))


@settings(max_examples=150)
@given(place=st.integers(0, len(ENCRYPTED)), length=st.integers(0, 40), text=st.binary(max_size=8))
def test_of_changed_ciphertexts(place, length, text):
    says_the_same_or_nothing(Token(ENCRYPTED[:place] + text + ENCRYPTED[place + length :], True))
