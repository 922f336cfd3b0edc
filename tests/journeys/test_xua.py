"""Provide X-User Assertion [ITI-40], over the wire: who may speak, and who is recorded (ITI TF-2: 3.40)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from atna_audit.spool import stored_records
from tests.messages import requests
from tests.messages.assertions import (
    PURPOSE,
    ROLE,
    Keys,
    assertion,
    attribute,
    authentication,
    encrypted,
    held_by,
    keys,
    security,
    signed,
    signed_message,
)
from tests.messages.requests import ITI_18, ITI_41, ITI_42, SUCCESS, registered, submission
from tests.services.guarded import XUA, write_certificates
from tests.services.platform import OPEN_DOMAIN, Platform
from tests.wire import MTOM_TYPE, HttpAnswer, envelope, include, mtom, post

DAY = timedelta(days=1)
LETTER = b"Dear colleague, all is well."


def find_documents(platform: Platform, patient_id: str, headers: str) -> HttpAnswer:
    query = envelope(ITI_18, requests.find_documents(patient_id), more_headers=headers)
    return post(platform.registry_url, query)


def register(platform: Platform, patient_id: str, headers: str) -> HttpAnswer:
    sent = submission(patient_id, slots=registered("da39a3ee5e6b4b0d3255bfef95601890afd80709", 0))
    return post(platform.registry_url, envelope(ITI_42, sent.submit_objects_request, more_headers=headers))


def provide(platform: Platform, patient_id: str, headers: str) -> HttpAnswer:
    body = requests.provide(
        submission(patient_id).submit_objects_request, ("Document1", include("part@wire"))
    )
    message = mtom(envelope(ITI_41, body, more_headers=headers), ("part@wire", "text/plain", LETTER))
    return post(platform.repository_url, message, MTOM_TYPE)


# The numbers under which the NIST tools know these tests.
SENDERS = {"11897": find_documents, "11966": provide, "11990": register}

REFUSED: dict[str, Callable[[], bytes | str]] = {
    "expired": lambda: signed(assertion(not_before=now(-2), not_on_or_after=now(-1))),
    "notyetvalid": lambda: signed(assertion(not_before=now(1), not_on_or_after=now(2))),
    "unsigned": assertion,
    "unknownaudience": lambda: signed(assertion(audience="http://somewhere.else/X-ServiceProvider")),
    "invalidauthnstatement": lambda: signed(assertion(statement="<saml2:AuthnStatement/>")),
    "secondauthncontext": lambda: signed(assertion(statement=authentication() + authentication())),
    "secondrole": lambda: signed(assertion(roles=(ROLE, ROLE.replace("221", "222")))),
    "secondpurposeofuse": lambda: signed(assertion(purposes=(PURPOSE, PURPOSE.replace("TREAT", "HPAYMT")))),
}  # fmt: skip


def now(days: int) -> datetime:
    return datetime.now(UTC) + days * DAY


@pytest.mark.parametrize("number", SENDERS)
@pytest.mark.parametrize("variant", REFUSED)
def test_the_variants_that_nist_has_refused_are_refused(guarded, patient_id, number, variant):
    """ITI TF-2: 3.40.4.1.3; the NIST tools look for a fault and for no special one."""
    before = guarded.stored_files
    answer = SENDERS[number](guarded, patient_id, security(REFUSED[variant]()))
    assert answer.fault[0] == "Sender"
    assert guarded.stored_files == before


@pytest.mark.parametrize("number", SENDERS)
def test_a_consent_document_may_be_named(guarded, number):
    """ITI TF-2: 3.40.4.1.2.2, the variant _withauthzconsent; what is named is not asked for."""
    consent = attribute("urn:ihe:iti:bppc:2007:docid", "urn:oid:2.999.1.2.3") + attribute(
        "urn:ihe:iti:xua:2012:acp", "urn:oid:2.999.1.2.4"
    )
    token = signed(assertion(more=consent))
    assert SENDERS[number](guarded, guarded.add_patient(), security(token)).status_urn == SUCCESS


@pytest.mark.parametrize(
    "token",
    [
        lambda: signed(assertion(), keys("next idp")),
        lambda: signed(assertion(issuer="https://second.example"), keys("second idp")),
        lambda: encrypted(signed(assertion()), keys("us")),
    ],
    ids=["the key after next", "a second identity provider", "encrypted"],
)
def test_every_trusted_key_speaks_for_its_issuer(guarded, patient_id, token):
    """ITI TF-2: 3.40.4.1.2."""
    assert find_documents(guarded, patient_id, security(token())).status_urn == SUCCESS
    assert find_documents(guarded, patient_id, security(token(), must_understand="0")).status_urn == SUCCESS


def test_a_holder_of_key_must_have_signed_the_message(guarded, patient_id):
    """SAML Profiles: 3.1; WSS SAML Token Profile 1.1: 3.5."""
    token = signed(assertion(confirmation=held_by(keys("anne"))))

    def answer(by: Keys, return_type: bytes = b"LeafClass") -> HttpAnswer:
        message = signed_message(requests.find_documents(patient_id), by, token, action=ITI_18)
        return post(guarded.registry_url, message.replace(b"LeafClass", return_type))

    assert answer(keys("anne")).status_urn == SUCCESS
    refusals = [answer(keys("mallory")), answer(keys("anne"), b"ObjectRef")]
    assert {one.fault for one in refusals} == {
        ("Sender", "FailedAuthentication", "the subject is not confirmed")
    }


def test_an_assertion_can_be_shown_again_while_it_holds(guarded, patient_id):
    """SAML 2.0 Core: 2.5.1.5: one use only is for those that say so."""
    headers = security(signed(assertion()))
    assert [find_documents(guarded, patient_id, headers).status_urn for _ in range(2)] == [SUCCESS] * 2


def test_the_user_stands_in_every_record_of_his_request(guarded):
    """ITI TF-2: 3.40.4.2, 3.20.7: as alias<user@issuer>, with name, role and purpose."""
    name_id = '<saml2:NameID SPProvidedID="am">amuller</saml2:NameID>'
    patient_id = guarded.add_patient()
    assert provide(guarded, patient_id, security(signed(assertion(name_id=name_id)))).status_urn == SUCCESS
    of_patient = [one for one in records_of(guarded, patient_id) if transaction_of(one) != "ITI-44"]
    # The registry's, then the repository's: as its client, and of what it was asked itself.
    assert [transaction_of(one) for one in of_patient] == ["ITI-42", "ITI-42", "ITI-41"]
    for record in of_patient:
        (user,) = [one for one in record.iter("ActiveParticipant") if one.get("UserName")]
        assert dict(user.attrib) == {
            "UserID": "am<amuller@https://idp.example>",
            "UserName": "Dr Anne Muller",
            "UserIsRequestor": "true",
        }
        assert [dict(role.attrib) for role in user] == [
            {
                "csd-code": "221",
                "codeSystemName": "2.16.840.1.113883.2.9.6.2.7",
                "originalText": "Medical doctor",
            }
        ]
        (purpose,) = record.iter("PurposeOfUse")
        assert dict(purpose.attrib) == {
            "csd-code": "TREAT",
            "codeSystemName": "2.16.840.1.113883.5.8",
            "originalText": "Treatment",
        }


def test_a_registry_elsewhere_is_asked_for_the_same_user(fresh_platform, tmp_path):
    """ITI TF-2: 3.40: the repository carries the assertion on, signature and all."""
    for actor in ("registry", "repository"):
        write_certificates(tmp_path / "platform" / actor)
    platform = fresh_platform(apart=True, toml=OPEN_DOMAIN + XUA)
    patient_id = platform.add_patient()
    assert provide(platform, patient_id, security(signed(assertion()))).status_urn == SUCCESS
    names = [
        user.get("UserName")
        for record in records_of(platform, patient_id)
        for user in record.iter("ActiveParticipant")
        if user.get("UserName")
    ]
    assert names == ["Dr Anne Muller"] * 3


def test_where_no_assertion_is_required_one_that_is_there_is_verified_all_the_same(fresh_platform, tmp_path):
    """ITI TF-2: 3.40.4.1.3."""
    write_certificates(tmp_path / "platform")
    platform = fresh_platform(toml=OPEN_DOMAIN + XUA + "required = false\n")
    patient_id = platform.add_patient()
    assert find_documents(platform, patient_id, "").status_urn == SUCCESS
    assert find_documents(platform, patient_id, security(signed(assertion()))).status_urn == SUCCESS
    self_made = security(signed(assertion(), keys("self-made")))
    assert find_documents(platform, patient_id, self_made).fault[1] == "FailedCheck"


def test_without_an_identity_provider_the_header_is_not_understood(platform):
    """SOAP 1.2 Part 1: 2.4, 5.4.8: an optional one is passed over, and its user stands in no record."""
    patient_id = platform.add_patient()
    token = signed(assertion())
    assert find_documents(platform, patient_id, security(token, must_understand="0")).status_urn == SUCCESS
    assert b"amuller" not in etree.tostring(records_of(platform, patient_id)[-1])
    assert find_documents(platform, patient_id, security(token)).fault[0] == "MustUnderstand"


def test_what_the_domain_asks_can_be_set(fresh_platform, tmp_path):
    """ITI TF-2: 3.40.4.1.2 leaves audience, strength and number of roles to the domain."""
    write_certificates(tmp_path / "platform")
    policy = 'audiences = ["urn:a", "urn:b"]\nminimum_assurance = "high"\none_role_and_purpose = false\n'
    platform = fresh_platform(toml=OPEN_DOMAIN + XUA + policy)
    patient_id = platform.add_patient()
    smartcard = authentication("urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI")

    def subcode(**arguments) -> str | None:
        answer = find_documents(platform, patient_id, security(signed(assertion(**arguments))))
        return None if answer.status == 200 else answer.fault[1]

    assert subcode(audience="urn:b", statement=smartcard, roles=(ROLE, ROLE), purposes=()) is None
    assert subcode(statement=smartcard) == "InvalidSecurityToken"
    assert subcode(audience="urn:a") == "FailedAuthentication"


def records_of(platform: Platform, patient_id: str) -> list[etree._Element]:
    return [
        record
        for spool in platform.audit_spools
        for record in map(etree.fromstring, stored_records(spool))
        if any(one.get("ParticipantObjectID") == patient_id for one in record.iter())
    ]


def transaction_of(record: etree._Element) -> str | None:
    return next(record.iter("EventTypeCode")).get("csd-code")
