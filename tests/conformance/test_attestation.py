"""A passing run is attested, and what it was good at; a failing one is not."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conformance.attestation import NotAttestable, read_key, thumbprint, transactions_of, write_attestation
from conformance.results import Verdict
from tests.conformance.reports.runs import exchange, run
from tests.messages.assertions import keys

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PASSED = run(failing=False)


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_an_attestation_says_who_passed_what_and_when():
    """RFC 7515: 7.2.2; RFC 8037."""
    said = json.loads(write_attestation(PASSED, "Logiciel SA", keys("practice").pem.decode(), KEY))
    assert said.keys() == {"payload", "protected", "signature"}
    assert json.loads(decoded(said["protected"])) == {
        "alg": "EdDSA",
        "typ": "coffre-attestation+json",
        "kid": thumbprint(KEY),
    }
    KEY.public_key().verify(decoded(said["signature"]), f"{said['protected']}.{said['payload']}".encode())
    assert json.loads(decoded(said["payload"])) == {
        "format": "coffre-attestation/1",
        "product": "Praxis <Soft>",
        "version": "4.2",
        "vendor": "Logiciel SA",
        "certificate": keys("practice").pem.decode(),
        "transactions": ["ITI-18"],
        "date": "2030-01-01",
        "planSet": "2030.1",
        "verdict": "passed",
        "passed": 1,
        "failed": 0,
        "notRun": 1,
    }


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (run(), "the run did not pass: ask"),
        (replace(PASSED, outcomes=()), "nothing was tried"),
        (
            replace(PASSED, outcomes=tuple(replace(one, exchanges=()) for one in PASSED.outcomes)),
            "no transaction",
        ),
        (replace(PASSED, version=""), "its version"),
    ],
)
def test_what_did_not_pass_is_not_attested(refused, why):
    with pytest.raises(NotAttestable, match=why):
        write_attestation(refused, "Logiciel SA", keys("practice").pem.decode(), KEY)


def test_a_transaction_with_an_error_is_not_attested():
    outcome = replace(PASSED.outcomes[0], exchanges=(exchange(b"no message"),), verdict=Verdict.PASSED)
    assert transactions_of(replace(PASSED, outcomes=(*PASSED.outcomes, outcome))) == []


def test_a_key_is_an_ed25519_key():
    with pytest.raises(ValueError, match="Ed25519"):
        read_key(keys("practice").key_pem)
