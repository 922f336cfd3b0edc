"""Who holds the key that an assertion names, and for whom he acts, over the wire (ITI TF-2: 3.40, 3.19)."""

import socket
from contextlib import ExitStack
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from tests.journeys.test_xua import find_documents, provide, records_of
from tests.messages import requests
from tests.messages.assertions import (
    ROLE,
    Keys,
    assertion,
    attribute,
    authentication,
    held_by,
    keys,
    security,
    signed,
    signed_message,
)
from tests.messages.requests import ITI_18, SUCCESS
from tests.services.certificates import Identity
from tests.services.guarded import XUA, write_certificates
from tests.services.platform import OPEN_DOMAIN, Platform, running
from tests.services.secure_domain import SecureDomain, secure_domain
from tests.wire import HttpAnswer, envelope, post

NOT_CONFIRMED = ("Sender", "FailedAuthentication", "the subject is not confirmed")


@pytest.fixture
def domain(tmp_path) -> SecureDomain:
    return secure_domain(tmp_path)


def keys_of(identity: Identity) -> Keys:
    """What an assertion is told of a node: its certificate."""
    key = load_pem_private_key(identity.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Keys(key, x509.load_pem_x509_certificate(identity.certificate.read_bytes()))


def asked(platform: Platform, patient_id: str, holder: Keys, **how) -> HttpAnswer:
    headers = security(signed(assertion(confirmation=held_by(holder))))
    query = envelope(ITI_18, requests.find_documents(patient_id), more_headers=headers)
    return post(platform.registry_url, query, **how)


def test_the_certificate_of_the_connection_confirms_its_holder(fresh_platform, domain, tmp_path):
    """SAML Profiles: 3.1; whoever has got hold of the assertion cannot show it on a connection of his own."""
    write_certificates(tmp_path / "platform")
    toml = OPEN_DOMAIN + XUA + domain.toml
    platform = fresh_platform(toml=toml, tls=domain.context(domain.them))
    patient_id = platform.add_patient()
    them, thief = keys_of(domain.them), domain.authority.issue("thief")
    assert asked(platform, patient_id, them, tls=platform.tls).status_urn == SUCCESS
    assert asked(platform, patient_id, them, tls=domain.context(thief)).fault == NOT_CONFIRMED
    assert asked(platform, patient_id, keys_of(thief), tls=platform.tls).fault == NOT_CONFIRMED
    assert asked(platform, patient_id, keys("anne"), tls=platform.tls).fault == NOT_CONFIRMED
    # The repository's own question to its registry is the user's: both records name him.
    headers = security(signed(assertion(confirmation=held_by(them))))
    body = requests.provide(
        requests.submission(patient_id).submit_objects_request, ("Document1", "YWxsIGlzIHdlbGw=")
    )
    message = envelope(requests.ITI_41, body, more_headers=headers)
    assert post(platform.repository_url, message, tls=platform.tls).status_urn == SUCCESS


def test_the_certificate_that_a_proxy_has_verified_confirms_its_holder(fresh_platform, domain, tmp_path):
    """RFC 9440; SAML Profiles: 3.1."""
    write_certificates(tmp_path / "platform")
    platform = fresh_platform(toml=OPEN_DOMAIN + XUA + '\n[tls]\nproxies = ["127.0.0.1"]\n')
    them, patient_id = keys_of(domain.them), requests.fresh_patient_id()
    shown = {"Client-Cert": f":{them.base64}:"}
    assert asked(platform, patient_id, them, headers=shown).status_urn == SUCCESS
    assert asked(platform, patient_id, keys("anne"), headers=shown).fault == NOT_CONFIRMED


def test_a_signature_of_the_message_fetches_nothing(guarded, patient_id):
    """XML Signature 1.1: 4.4.3; a Reference leads to a part of the message, whatever its URI says."""
    token = signed(assertion(confirmation=held_by(keys("anne"))))
    good = signed_message(requests.find_documents(patient_id), keys("anne"), token, action=ITI_18)
    assert post(guarded.registry_url, good).status_urn == SUCCESS
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        network = f"http://127.0.0.1:{trap.getsockname()[1]}/x"
        for uri in (network, "file:///etc/passwd", "", "#xpointer(/)", "cid:part1@wire"):
            bad = good.replace(b'URI="#body"', f'URI="{uri}"'.encode())
            assert bad != good
            assert post(guarded.registry_url, bad).fault == NOT_CONFIRMED
        with pytest.raises(BlockingIOError):
            trap.accept()


def test_for_whom_somebody_acts_stands_in_the_record(guarded):
    """ITI TF-2: 3.40.4.2; the assistant, and the physician in whose name he asks."""
    principal = attribute("urn:e-health-suisse:principal-id", "7601000000000") + attribute(
        "urn:e-health-suisse:principal-name", "Dr Paul Weber"
    )
    patient_id = guarded.add_patient()
    headers = security(signed(assertion(more=principal)))
    assert provide(guarded, patient_id, headers).status_urn == SUCCESS
    for record in (one for one in records_of(guarded, patient_id) if b"amuller" in etree.tostring(one)):
        people = [one for one in record.iter("ActiveParticipant") if one.get("UserName")]
        assert [(one.get("UserName"), one.get("UserIsRequestor")) for one in people] == [
            ("Dr Anne Muller", "true"),
            ("Dr Paul Weber", "false"),
        ]
        assert people[1].get("UserID") == "7601000000000"


def test_of_several_roles_the_first_is_acted_upon(fresh_platform, tmp_path):
    """ITI TF-2: 3.40.4.1.2: any number, where the domain allows it."""
    write_certificates(tmp_path / "platform")
    platform = fresh_platform(toml=OPEN_DOMAIN + XUA + "one_role_and_purpose = false\n")
    nurse = ROLE.replace("221", "222").replace("Medical doctor", "Nurse")
    patient_id = platform.add_patient()
    for roles in ((nurse, ROLE), (ROLE, nurse)):
        assert find_documents(platform, patient_id, security(signed(assertion(roles=roles)))).status == 200
    told = [
        role.get("csd-code")
        for record in records_of(platform, patient_id)
        for user in record.iter("ActiveParticipant")
        if user.get("UserName")
        for role in user
    ]
    assert told == ["222", "221"]


@pytest.mark.parametrize(
    ("asked_for", "login", "enough"),
    [
        ("high", "SmartcardPKI", True),
        ("high", "X509", False),
        ("substantial", "X509", True),
        ("substantial", "PasswordProtectedTransport", False),
        ("low", "PasswordProtectedTransport", True),
        ("low", "unspecified", False),
    ],
)
def test_a_login_is_at_least_as_strong_as_the_domain_asks(strict, asked_for, login, enough):
    """SAML Authentication Context: 3.4; Regulation (EU) 2015/1502."""
    platform = strict(asked_for)
    statement = authentication(f"urn:oasis:names:tc:SAML:2.0:ac:classes:{login}")
    headers = security(signed(assertion(statement=statement)))
    answer = find_documents(platform, requests.fresh_patient_id(), headers)
    if enough:
        assert answer.status_urn == SUCCESS
    else:
        reason = "the user's authentication is too weak for this domain"
        assert answer.fault == ("Sender", "FailedAuthentication", reason)


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """Servers that ask for logins of this strength, each started once."""
    with ExitStack() as stack:

        @cache
        def start(minimum: str) -> Platform:
            directory = write_certificates(tmp_path_factory.mktemp(minimum))
            toml = f'{OPEN_DOMAIN}{XUA}minimum_assurance = "{minimum}"\n'
            return stack.enter_context(running(directory, toml=toml))

        yield start
