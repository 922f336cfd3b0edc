"""The assertion in an Authorization header (ITI TF-2: 3.72.6.2; RFC 7522: 2.1)."""

from base64 import b64encode, urlsafe_b64encode

import pytest

from tests.messages.assertions import assertion, encrypted, keys, signed
from xua.authorization_header import read_authorization
from xua.refused import NotAccepted
from xua.security_header import MAX_TOKEN_BYTES, Token


@pytest.mark.parametrize(
    "value",
    [
        lambda token: f"Bearer {urlsafe_b64encode(token).decode().rstrip('=')}",
        lambda token: f"bearer  {urlsafe_b64encode(token).decode()} ",
        lambda token: f"IHE-SAML {b64encode(token).decode()}",
    ],
)
def test_the_assertion_is_found(value):
    """RFC 7522: 2.1 leaves padding away; peers were seen to send plain base64."""
    plain = signed(assertion())
    assert read_authorization([value(plain)]) == Token(plain, encrypted=False)
    hidden = encrypted(plain, keys("us"))
    assert read_authorization([value(hidden)]) == Token(hidden, encrypted=True)


def test_nobody_is_named_without_the_header():
    assert read_authorization([]) is None


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (["Basic dXNlcg=="], "a SAML 2.0 assertion is expected"),
        (["Bearer"], "a SAML 2.0 assertion is expected"),
        (["Bearer a", "Bearer b"], "one assertion is expected"),
        (["Bearer abcde"], "the assertion is not formed as SAML 2.0 asks"),
        (["Bearer PGE+"], "the assertion is not formed as SAML 2.0 asks"),
        (["Bearer PGEvPg"], "a SAML 2.0 assertion is expected"),
        ([f"Bearer {'A' * (MAX_TOKEN_BYTES * 4 // 3 + 8)}"], "the assertion is too large"),
    ],
)
def test_what_is_no_assertion_is_not_accepted(values, rule):
    """RFC 6750: 3.1."""
    with pytest.raises(NotAccepted) as refused:
        read_authorization(values)
    assert str(refused.value) == rule
