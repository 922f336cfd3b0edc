"""What a signed assertion says, and whether it does here and now (ITI TF-2: 3.40.4.1.2, 3.40.4.1.3)."""

from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from ihe import xua
from ihe.xua import Assurance, Refusal
from tests.messages.assertions import (
    AUDIENCE,
    BEARER,
    HOLDER_OF_KEY,
    PURPOSE,
    ROLE,
    assertion,
    attribute,
    authentication,
    held_by,
    instant,
    keys,
)
from xua.acceptance import Policy, Presenter, refuse_unacceptable
from xua.assertion import Assertion, read_assertion
from xua.refused import NotAccepted
from xua.user import PersonId, Principal, Role

MINUTE = timedelta(minutes=1)


def now() -> datetime:
    """When it is called: a run of all tests comes to this module long after it was read."""
    return datetime.now(UTC)


CONTEXT_END = "</saml2:AuthnContext>"
SECOND_CONTEXT = authentication().replace(CONTEXT_END, f"{CONTEXT_END}<saml2:AuthnContext/>")
SECOND_CLASS = authentication().replace(
    CONTEXT_END, f"<saml2:AuthnContextClassRef>x</saml2:AuthnContextClassRef>{CONTEXT_END}"
)
XSPA = "urn:oasis:names:tc:xspa:1.0:subject"
POLICY = Policy(frozenset({AUDIENCE}))


def read(text: str) -> Assertion:
    return read_assertion(etree.fromstring(text))


def accept(
    text: str, policy: Policy = POLICY, presenter: Presenter | None = None, at: datetime | None = None
) -> None:
    refuse_unacceptable(read(text), policy, presenter or Presenter(), at or now())


def refusal_of(
    text: str, policy: Policy = POLICY, presenter: Presenter | None = None, at: datetime | None = None
) -> Refusal:
    with pytest.raises(NotAccepted) as refused:
        accept(text, policy, presenter, at)
    return refused.value.refusal


def test_the_user_is_read_with_all_that_is_said_of_him():
    """ITI TF-2: 3.40.4.1.2.1 to .3."""
    more = (
        attribute("urn:oasis:names:tc:xspa:1.0:subject:organization", "Hôpital de la Vallée")
        + attribute("urn:oasis:names:tc:xspa:1.0:subject:organization-id", "urn:oid:2.999.7")
        + attribute("urn:ihe:iti:xca:2010:homeCommunityId", "urn:oid:2.999.352.3")
        + attribute("urn:oasis:names:tc:xacml:2.0:resource:resource-id", "p1^^^&amp;2.999.5&amp;ISO")
        + attribute(
            "urn:ihe:iti:xua:2017:subject:provider-identifier",
            '<id xmlns="urn:hl7-org:v3" root="urn:oid:2.999.9" extension="4711"/>',
        )
        + attribute("urn:ehdsi:names:subject:clinical-speciality", "Cardiology")
        + attribute("urn:e-health-suisse:principal-id", "7601000000001")
        + attribute("urn:e-health-suisse:principal-name", "Dr Paul Weber")
        + attribute("urn:no:ehelse:saml:1.0:subject:client_id", "PraxisSoft 4.2")
        + attribute("urn:ihe:iti:bppc:2007:docid", "urn:oid:2.999.1.2")
        + attribute("urn:somebody:else", "<x/>")
    )
    name_id = '<saml2:NameID SPProvidedID="am" NameQualifier="urn:gs1:gln">amuller</saml2:NameID>'
    user = read(assertion(id="_a1", name_id=name_id, more=more)).user
    assert (user.name, user.id, user.audit_id) == (
        "Dr Anne Muller",
        PersonId("2.999.9", "4711"),
        "am<amuller@https://idp.example>",
    )
    assert user.role == Role("221", "2.16.840.1.113883.2.9.6.2.7", "Medical doctor")
    assert user.purpose_of_use == Role("TREAT", "2.16.840.1.113883.5.8", "Treatment")
    assert user.specialty == Role("Cardiology")
    assert (user.organization_name, user.organization_id) == ("Hôpital de la Vallée", "urn:oid:2.999.7")
    assert (user.patient_id, user.home_community_id) == ("p1^^^&2.999.5&ISO", "urn:oid:2.999.352.3")
    assert user.on_behalf_of == Principal(PersonId("urn:gs1:gln", "7601000000001"), "Dr Paul Weber")
    assert (user.software, user.assertion_id) == ("PraxisSoft 4.2", "_a1")
    assert user.assurance == "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


@pytest.mark.parametrize(
    ("name_id", "id"),
    [
        ("<saml2:NameID>amuller</saml2:NameID>", PersonId("https://idp.example", "amuller")),
        ('<saml2:NameID NameQualifier="urn:gs1:gln">76</saml2:NameID>', PersonId("urn:gs1:gln", "76")),
    ],
)
def test_without_a_provider_identifier_the_name_id_is_the_users_id(name_id, id):
    """ITI TF-2: 3.40.4.1.2."""
    assert read(assertion(name_id=name_id)).user.id == id


def test_the_name_that_xacml_has_for_the_subject_is_understood():
    more = attribute("urn:oasis:names:tc:xacml:1.0:subject:subject-id", "Dr Anne Muller")
    assert read(assertion(subject_ids=(), more=more)).user.name == "Dr Anne Muller"
    assert read(assertion(more=more)).user.name == "Dr Anne Muller"


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ({"subject_ids": ()}, xua.ONE_SUBJECT),
        ({"subject_ids": ("Dr A", "Dr B")}, xua.ONE_SUBJECT),
        ({"more": attribute("urn:oasis:names:tc:xacml:1.0:subject:subject-id", "Dr B")}, xua.ONE_SUBJECT),
        ({"name_id": ""}, xua.ONE_SUBJECT),
        ({"name_id": "<saml2:NameID>a</saml2:NameID>" * 2}, xua.ONE_SUBJECT),
        ({"name_id": "<saml2:NameID>a<b/></saml2:NameID>"}, xua.NOT_SAML),
        ({"name_id": "<saml2:NameID> </saml2:NameID>"}, xua.NOT_SAML),
        ({"name_id": f"<saml2:NameID>{'a' * 1025}</saml2:NameID>"}, xua.NOT_SAML),
        ({"audience": ""}, xua.NO_CONDITIONS),
        ({"conditions": "<saml2:Condition/>"}, xua.UNKNOWN_CONDITION),
        ({"statement": ""}, xua.AUTHENTICATION_STATEMENT),
        ({"statement": authentication() * 2}, xua.AUTHENTICATION_STATEMENT),
        ({"statement": "<saml2:AuthnStatement/>"}, xua.AUTHENTICATION_STATEMENT),
        ({"statement": SECOND_CONTEXT}, xua.AUTHENTICATION_STATEMENT),
        ({"statement": SECOND_CLASS}, xua.AUTHENTICATION_STATEMENT),
        ({"statement": authentication().replace("AuthnInstant", "Instant")}, xua.AUTHENTICATION_STATEMENT),
        ({"statement": authentication().replace("T", " ", 1)}, xua.NOT_SAML),
        ({"roles": ("<x/>",)}, xua.BAD_ATTRIBUTE),
        ({"roles": ("&lt;Role code='1'/&gt;",)}, xua.BAD_ATTRIBUTE),
        ({"purposes": (PURPOSE.replace("TREAT", ""),)}, xua.BAD_ATTRIBUTE),
        ({"more": attribute(f"{XSPA}:organization", "A", "B")}, xua.BAD_ATTRIBUTE),
        ({"more": attribute("urn:oasis:names:tc:xacml:2.0:resource:resource-id", "p1")}, xua.BAD_ATTRIBUTE),
    ],
)  # fmt: skip
def test_what_is_not_formed_as_ihe_and_saml_ask_is_refused(arguments, refusal):
    """SAML 2.0 Core: 2; ITI TF-2: 3.40.4.1.2."""
    assert refusal_of(assertion(**arguments)) is refusal


def test_attributes_without_a_value_are_passed_over():
    """Some identity providers write xsi:nil for what they do not know."""
    accept(assertion(more=attribute("urn:oasis:names:tc:xacml:2.0:subject:role", "")))


@pytest.mark.parametrize(
    ("begins", "ends", "refusal"),
    [
        (-10, -2, xua.EXPIRED),
        (-10, 0, None),
        (-10, -1, xua.EXPIRED),
        (1, 10, None),
        (2, 10, xua.NOT_YET_VALID),
    ],
)
def test_the_times_hold_within_a_minute(begins, ends, refusal):
    """SAML 2.0 Core: 2.5.1.2; machines' clocks differ."""
    at = now()
    text = assertion(
        not_before=at + begins * MINUTE,
        not_on_or_after=at + ends * MINUTE,
        statement=authentication(at=at - MINUTE),
    )
    if refusal:
        assert refusal_of(text, at=at) is refusal
    else:
        accept(text, at=at)


def test_an_instant_may_name_a_zone_or_be_in_utc_without_saying_so():
    """SAML 2.0 Core: 1.3.3."""
    at = now()
    text = assertion(not_on_or_after=at + MINUTE)
    ends = instant(at + MINUTE)
    assert read(text).not_on_or_after == datetime.fromisoformat(ends)
    assert read(text.replace(ends, ends.replace("Z", ""))).not_on_or_after == datetime.fromisoformat(ends)
    assert read(text.replace(ends, ends.replace("Z", "+02:00"))).not_on_or_after < at


def test_a_session_that_has_ended_or_a_login_to_come_is_refused():
    """SAML 2.0 Core: 2.7.2."""
    ended = authentication().replace(
        "AuthnInstant", f'SessionNotOnOrAfter="{instant(now() - 2 * MINUTE)}" AuthnInstant'
    )
    assert refusal_of(assertion(statement=ended)) is xua.EXPIRED
    assert refusal_of(assertion(statement=authentication(at=now() + 3 * MINUTE))) is xua.NOT_YET_VALID


def test_every_audience_restriction_must_name_us():
    """SAML 2.0 Core: 2.5.1.4."""
    other = "<saml2:AudienceRestriction><saml2:Audience>urn:x</saml2:Audience></saml2:AudienceRestriction>"
    assert refusal_of(assertion(audience="urn:x")) is xua.OTHER_AUDIENCE
    assert refusal_of(assertion(conditions=other)) is xua.OTHER_AUDIENCE
    accept(assertion(audience=f"urn:x</saml2:Audience><saml2:Audience>{AUDIENCE}"))


@pytest.mark.parametrize(
    ("class_ref", "weakest"),
    [
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", Assurance.NONE),
        ("urn:somebody:class", Assurance.NONE),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:Password", Assurance.LOW),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract", Assurance.SUBSTANTIAL),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI", Assurance.HIGH),
    ],
)
def test_the_login_must_be_as_strong_as_the_domain_asks(class_ref, weakest):
    """ITI TF-2: 3.40.4.1.2; SAML Authentication Context: 3.4."""
    text = assertion(statement=authentication(class_ref))
    for level in Assurance:
        policy = Policy(frozenset({AUDIENCE}), minimum_assurance=level)
        if level <= weakest:
            accept(text, policy)
        else:
            assert refusal_of(text, policy) is xua.WEAK_AUTHENTICATION


def test_a_login_that_only_refers_to_a_declaration_gives_no_assurance():
    """SAML 2.0 Core: 2.7.2.2."""
    text = assertion(statement=authentication().replace("AuthnContextClassRef", "AuthnContextDeclRef"))
    assert refusal_of(text) is xua.WEAK_AUTHENTICATION
    accept(text, Policy(frozenset({AUDIENCE}), minimum_assurance=Assurance.NONE))


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ({"roles": ()}, xua.ONE_ROLE),
        ({"roles": (ROLE, ROLE)}, xua.ONE_ROLE),
        ({"more": attribute("urn:oasis:names:tc:xacml:2.0:subject:role", ROLE)}, xua.ONE_ROLE),
        ({"purposes": ()}, xua.ONE_PURPOSE),
        ({"purposes": (PURPOSE, PURPOSE.replace("TREAT", "ETREAT"))}, xua.ONE_PURPOSE),
    ],
)
def test_one_role_and_one_purpose_are_expected_where_the_domain_says_so(arguments, refusal):
    """ITI TF-2: 3.40.4.1.2.1, .3; as the conformance tests expect."""
    assert refusal_of(assertion(**arguments)) is refusal
    accept(assertion(**arguments), Policy(frozenset({AUDIENCE}), one_role_and_purpose=False))


def bearer(data: str) -> str:
    return (
        f'<saml2:SubjectConfirmation Method="{BEARER}"><saml2:SubjectConfirmationData {data}/>'
        "</saml2:SubjectConfirmation>"
    )


def holder(confirmation_data: str) -> str:
    return (
        f'<saml2:SubjectConfirmation Method="{HOLDER_OF_KEY}"><saml2:SubjectConfirmationData>'
        f'<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{confirmation_data}</ds:KeyInfo>'
        "</saml2:SubjectConfirmationData></saml2:SubjectConfirmation>"
    )


def test_a_holder_of_key_must_hold_that_key():
    """SAML Profiles: 3.1."""
    text = assertion(confirmation=held_by(keys("anne")))
    accept(text, presenter=Presenter(frozenset({keys("anne").sha256})))
    assert refusal_of(text, presenter=Presenter(frozenset({keys("paul").sha256}))) is xua.NOT_CONFIRMED
    assert refusal_of(text) is xua.NOT_CONFIRMED
    accept(text, presenter=Presenter(is_ourselves=True))


@pytest.mark.parametrize(
    "confirmation",
    [
        "",
        '<saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"/>',
        f'<saml2:SubjectConfirmation Method="{HOLDER_OF_KEY}"/>',
        holder("<ds:KeyName>anne</ds:KeyName>"),
        bearer(f'NotOnOrAfter="{instant(now() - 2 * MINUTE)}"'),
        bearer(f'NotBefore="{instant(now() + timedelta(days=1))}"'),
    ],
)
def test_a_subject_that_nothing_confirms_is_refused(confirmation):
    """SAML 2.0 Core: 2.4.1; ITI TF-2: 3.40.4.1.2 knows no sender-vouches."""
    presenter = Presenter(frozenset({keys("anne").sha256}))
    assert refusal_of(assertion(confirmation=confirmation), presenter=presenter) is xua.NOT_CONFIRMED


def test_one_confirmation_that_holds_is_enough():
    """SAML 2.0 Core: 2.4.1."""
    accept(assertion(confirmation=f'<saml2:SubjectConfirmation Method="{HOLDER_OF_KEY}"/>' + bearer("")))


def test_one_time_use_is_noticed():
    """SAML 2.0 Core: 2.5.1.5."""
    assert read(assertion(conditions="<saml2:OneTimeUse/>")).one_time_use
    assert not read(assertion(conditions='<saml2:ProxyRestriction Count="1"/>')).one_time_use
