"""Assertions, each with one thing wrong, and the clock only where it is asked for (ITI TF-2: 3.40)."""

from datetime import UTC, datetime, timedelta

import pytest

from conformance.judging.message import judge
from tests.conformance.judging.samples import changed, errors
from tests.messages.assertions import PURPOSE, ROLE, assertion, attribute, signed

AUTHENTICATED = "urn:oasis:names:tc:SAML:2.0:ac:classes:"


def test_a_good_assertion_has_no_error():
    assert errors(signed(assertion())) == set()


def test_an_assertion_is_signed_and_as_it_was_signed():
    """SAML 2.0 Core: 5.4."""
    assert errors(assertion()) == {"the assertion is signed, all of it and nothing else"}
    assert errors(signed(assertion()).replace(b"amuller", b"bmuller")) == {
        "the signature is that of the content"
    }


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        ("an assertion is one of SAML 2.0", {"version": "1.1"}),
        ("the subject has one NameID", {"name_id": ""}),
        ("the subject is confirmed", {"confirmation": ""}),
        ("Conditions limit the assertion to an audience", {"audience": ""}),
        ("one AuthnStatement tells how the user logged in", {"statement": ""}),
        ("the user is named in words", {"subject_ids": ()}),
        ("a Role has its code and code system", {"roles": (ROLE.replace("codeSystem=", "system="),)}),
        ("a PurposeOfUse has its code and code system", {"purposes": (PURPOSE.replace("code=", "kode="),)}),
        ("an attribute's value is formed as its name asks",
         {"more": attribute("urn:oasis:names:tc:xacml:2.0:resource:resource-id", "p1")}),
        ("an attribute's value is formed as its name asks",
         {"more": attribute("urn:ihe:iti:xca:2010:homeCommunityId", "2.999.1")}),
    ],
)  # fmt: skip
def test_what_is_wrong_in_an_assertion_is_found(rule, parts):
    assert rule in errors(signed(assertion(**parts)))


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("an algorithm is one that can be relied on", "xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256"),
        ("the subject is confirmed as bearer or by a key", "cm:bearer", "cm:sender-vouches"),
    ],
)
def test_what_a_receiver_cannot_rely_on_is_found(rule, old, new):
    assert rule in errors(changed(signed(assertion()).decode(), (old, new)))


def test_the_clock_counts_only_where_it_is_asked_for():
    """SAML 2.0 Core: 2.5.1."""
    now = datetime.now(UTC)
    over = signed(assertion(not_before=now - timedelta(hours=2), not_on_or_after=now - timedelta(hours=1)))
    assert judge(over).good
    (found,) = judge(over, at=now).findings[:1] and [
        one for one in judge(over, at=now).findings if one.severity == "error"
    ]
    assert found.rule == "an assertion holds when it is used"
