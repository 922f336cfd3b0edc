"""What the kit signed enters the register; what failed or was changed does not."""

import json
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from conformance.reports.json_file import write_run
from server.signed_attestation import AttestationRefused, read_signed_attestation
from tests.conformance.reports.runs import AT, run
from tests.conformance.test_attestation import KEY, PASSED
from tests.server.test_software_commands import said, software
from tests.services.certificates import Authority
from tests.services.platform import OPEN_DOMAIN, ROOT

ON = AT.date()


def signed(key: Ed25519PrivateKey = KEY, algorithm: str = "EdDSA", **changes) -> bytes:
    """An attestation as the format has it, written out here once more."""
    payload = {
        "format": "coffre-attestation/1", "product": "Praxis", "version": "4.2", "vendor": "Logiciel SA",
        "certificate": "-----BEGIN CERTIFICATE-----", "transactions": ["ITI-18"], "date": "2030-01-01",
        "planSet": "2030.1", "verdict": "passed", "passed": 1, "failed": 0, "notRun": 0,
    } | changes  # fmt: skip
    parts = [
        urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode()
        for one in ({"alg": algorithm}, payload)
    ]
    signature = urlsafe_b64encode(key.sign(".".join(parts).encode())).rstrip(b"=").decode()
    return json.dumps({"protected": parts[0], "payload": parts[1], "signature": signature}).encode()


def test_what_an_attester_signed_is_read():
    found = read_signed_attestation(
        signed(), [Ed25519PrivateKey.generate().public_key(), KEY.public_key()], ON
    )
    assert (found.product, found.version, found.vendor) == ("Praxis", "4.2", "Logiciel SA")
    assert (found.transactions, found.on, found.plan_set) == (("ITI-18",), date(2030, 1, 1), "2030.1")


def tampered() -> bytes:
    said = json.loads(signed())
    payload = json.loads(urlsafe_b64decode(said["payload"] + "=="))
    changed = json.dumps(payload | {"transactions": ["ITI-18", "ITI-41"]}).encode()
    return json.dumps(said | {"payload": urlsafe_b64encode(changed).rstrip(b"=").decode()}).encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (tampered(), "changed after it was signed"),
        (signed(Ed25519PrivateKey.generate()), "no configured attester's"),
        (signed(algorithm="none"), "another algorithm"),
        (signed(verdict="failed"), "did not pass"),
        (signed(failed=1), "did not pass"),
        (signed(format="coffre-attestation/2"), "its format"),
        (signed(product=""), "no attestation"),
        (signed(transactions=[7]), "no attestation"),
        (signed(date=(ON + timedelta(days=1)).isoformat()), "still to come"),
        (b"{}", "no attestation in JWS"),
        (b"[]", "no attestation in JWS"),
        (b"\xff", "no attestation in JWS"),
        (b" " * 300_000, "too large"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(content, why):
    with pytest.raises(AttestationRefused, match=why):
        read_signed_attestation(content, [KEY.public_key()], ON)


@pytest.fixture
def directory(tmp_path):
    """A domain that believes one attester, the certificate of a practice, and a passing and a failing run."""
    (tmp_path / "attester.pem").write_bytes(
        KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (tmp_path / "attester.pub").write_bytes(
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "coffre.toml").write_text(f'{OPEN_DOMAIN}\n[attestation]\nattesters = ["attester.pub"]\n')
    Authority(tmp_path).issue("practice")
    (tmp_path / "passed.json").write_text(write_run(PASSED).replace("2030-01-01", "2020-01-01"))
    (tmp_path / "failed.json").write_text(write_run(run()))
    return tmp_path


def kit(directory, file):
    command = [sys.executable, "-m", "server.command_line", "conformance", "attest", str(directory / file)]
    command += ["--vendor", "Logiciel SA", "--certificate", str(directory / "practice.pem")]
    command += ["--key", str(directory / "attester.pem"), "--out", str(directory / "signed.json")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_what_the_kit_attests_enters_the_register_and_the_audit_trail(directory):
    refused = kit(directory, "failed.json")
    assert (refused.returncode, "did not pass: ask" in refused.stderr) == (1, True)
    assert not (directory / "signed.json").exists()

    done = kit(directory, "passed.json")
    assert (done.returncode, done.stderr) == (0, "")
    words = ("attest", "--from", str(directory / "signed.json"), "--until", "2099-12-31")
    assert said(directory, *words).splitlines()[0] == (
        "Attested: Praxis <Soft> 4.2 of Logiciel SA for ITI-18 until 2099-12-31."
    )
    (record,) = [read_audit_message(one) for one in stored_records(directory / "audit")]
    assert record.objects[0].details[0].value.endswith("; signed attestation of 2020-01-01, plan set 2030.1")

    (directory / "signed.json").write_bytes(tampered())
    done = software(directory, *words)
    assert (done.returncode, "changed after it was signed" in done.stderr) == (1, True)
    done = software(directory, *words, "--vendor", "Another")
    assert (done.returncode, "says all of that itself" in done.stderr) == (2, True)
