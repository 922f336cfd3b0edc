"""The signed attestation of a passing run (docs/conformance-kit.md; RFC 7515: 7.2.2; RFC 8037)."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from conformance.results import Run, Severity, Verdict
from ihe.transactions import BY_ACTION

FORMAT = "coffre-attestation/1"
_TYPE = "coffre-attestation+json"


class NotAttestable(Exception):
    """Why this run is no ground for an attestation."""


def write_attestation(run: Run, vendor: str, certificate_pem: str, key: Ed25519PrivateKey) -> str:
    """Attest the product of a run for the transactions that it passed, if it passed."""
    if not run.passed:
        failed = [one.plan for one in run.outcomes if one.verdict is Verdict.FAILED]
        raise NotAttestable(f"the run did not pass: {', '.join(failed) or 'nothing was tried'}")
    transactions = transactions_of(run)
    if not transactions:
        raise NotAttestable("the run tried no transaction")
    if not run.version or not vendor:
        raise NotAttestable("an attestation names a product, its version and its vendor")
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    except ValueError:
        raise NotAttestable("the certificate is none, expected PEM") from None
    counts = {one: sum(outcome.verdict is one for outcome in run.outcomes) for one in Verdict}
    payload = {
        "format": FORMAT,
        "product": run.product,
        "version": run.version,
        "vendor": vendor,
        "certificate": certificate.public_bytes(Encoding.PEM).decode(),
        "transactions": transactions,
        "date": run.ended.date().isoformat(),
        "planSet": run.plan_set,
        "verdict": Verdict.PASSED,
        "passed": counts[Verdict.PASSED],
        "failed": counts[Verdict.FAILED],
        "notRun": counts[Verdict.NOT_RUN],
    }
    header = {"alg": "EdDSA", "typ": _TYPE, "kid": thumbprint(key)}
    protected, content = _encoded(header), _encoded(payload)
    signature = key.sign(f"{protected}.{content}".encode())
    signed = {"payload": content, "protected": protected, "signature": _base64url(signature)}
    return json.dumps(signed, indent=1) + "\n"


def transactions_of(run: Run) -> list[str]:
    """The transactions in which something was exchanged and no error was found."""
    good: set[str] = set()
    bad: set[str] = set()
    for outcome in run.outcomes:
        for exchange in outcome.exchanges:
            row = BY_ACTION.get(exchange.action)
            number = row.number if row else exchange.action
            if number.startswith("ITI-"):
                errors = any(one.severity is Severity.ERROR for one in exchange.findings)
                (bad if errors else good).add(number)
    return sorted(good - bad, key=lambda number: int(number.removeprefix("ITI-")))


def read_key(pem: bytes) -> Ed25519PrivateKey:
    """Read an attester's key; ValueError if it is no Ed25519 key in PEM."""
    try:
        key = load_pem_private_key(pem, None)
    except (TypeError, UnsupportedAlgorithm) as problem:
        raise ValueError(str(problem)) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("an attester's key is an Ed25519 key")
    return key


def thumbprint(key: Ed25519PrivateKey) -> str:
    """The name of a key (RFC 7638; RFC 8037: 2)."""
    x = _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    named = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return _base64url(sha256(named.encode()).digest())


def _encoded(content: object) -> str:
    return _base64url(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode())


def _base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
