"""`coffre software`, as an operator keeps the register of attested software."""

import json
import subprocess
import sys

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from server.tls.certificates import node_certificate
from tests.services.certificates import Authority
from tests.services.platform import OPEN_DOMAIN, ROOT

PRAXIS = ("Praxis", "4.2", "--vendor", "Logiciel SA")
QUERIES = ("--for", "iti-18, ITI-43", "--until", "2099-12-31")


@pytest.fixture
def directory(tmp_path):
    """A domain of which no server runs, and the certificate of a practice."""
    (tmp_path / "coffre.toml").write_text(OPEN_DOMAIN)
    Authority(tmp_path).issue("practice")
    return tmp_path


def software(directory, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.command_line", "software", *words]
    command += ["--config", str(directory / "coffre.toml")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def said(directory, *words: str) -> str:
    done = software(directory, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_attested_is_listed_and_revoked_and_recorded(directory):
    """Each line as a person reads it; the audit records name who did it."""
    assert said(directory, "list") == "No software is attested.\n"
    file = directory / "practice.pem"
    sha256 = node_certificate(file.read_text()).sha256
    given = said(directory, "attest", *PRAXIS, *QUERIES, "--certificate", str(file))
    attested = "Praxis 4.2 of Logiciel SA for ITI-18, ITI-43 until 2099-12-31"
    assert given == (
        f"Attested: {attested}.\n- known by SHA-256 {sha256}\n"
        "This configuration takes any software: set required = true under [attestation].\n"
    )
    said(directory, "attest", *PRAXIS, *QUERIES, "--certificate", str(file), "--renewals")
    (line, known_by) = said(directory, "list").splitlines()
    assert line.startswith(f"{attested}  (in force; by ")
    assert known_by == "- known by CN=practice by CN=authority"
    assert said(directory, "revoke", *PRAXIS) == "Revoked: Praxis 4.2 of Logiciel SA.\n"
    assert json.loads(said(directory, "list", "--json")) == []
    everything = json.loads(said(directory, "list", "--all", "--json"))
    assert [(one["knownBy"], one["state"][:9]) for one in everything] == [
        ([f"SHA-256 {sha256}"], "ended on "),
        (["CN=practice by CN=authority"], "ended on "),
    ]
    records = [read_audit_message(one) for one in stored_records(directory / "audit")]
    assert [
        (one.event.event_id.code, one.event.type_codes[0].code, one.objects[0].details[0].value)
        for one in records
    ] == [
        ("110113", "110129", f"attested: {attested}; known by SHA-256 {sha256}"),
        ("110113", "110129", f"attested: {attested}; known by CN=practice by CN=authority"),
        ("110113", "110129", "revoked: Praxis 4.2 of Logiciel SA"),
    ]
    assert all(one.participants[0].is_requestor and one.participants[0].user_id for one in records)


def test_it_can_be_known_by_what_another_program_shows_of_a_certificate(directory):
    """`openssl x509 -fingerprint -sha256` writes colons; names are as RFC 4514 writes them."""
    colons = ":".join(["AB"] * 32)
    names = ("--subject", "CN=practice,O=Cabinet", "--issuer", "CN=authority")
    given = said(directory, "attest", *PRAXIS, *QUERIES, "--sha256", colons, *names, "--json")
    assert json.loads(given)["knownBy"] == ["CN=practice,O=Cabinet by CN=authority", f"SHA-256 {'ab' * 32}"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("attest", *PRAXIS, *QUERIES), 2, "By what is it known?"),
        (("attest", *PRAXIS, *QUERIES, "--sha256", "ab"), 2, "'ab' is no SHA-256 fingerprint"),
        (("attest", *PRAXIS, *QUERIES, "--subject", "CN=x"), 2, "--subject and --issuer go together."),
        (
            ("attest", *PRAXIS, *QUERIES, "--subject", "x", "--issuer", "CN=y"),
            2,
            "This is no distinguished name",
        ),
        (("attest", *PRAXIS, *QUERIES, "--certificate", "coffre.toml"), 6, "holds no certificate"),
        (
            ("attest", *PRAXIS, "--for", "ITI-99", "--until", "2099-12-31", "--sha256", "ab" * 32),
            2,
            "'ITI-99' names no transactions of this platform.",
        ),
        (
            ("attest", *PRAXIS, "--for", "ITI-18", "--until", "2020-01-01", "--sha256", "ab" * 32),
            2,
            "2020-01-01 is over.",
        ),
        (("attest", " ", *PRAXIS[1:], *QUERIES, "--sha256", "ab" * 32), 2, "some printable text"),
        (("revoke", *PRAXIS), 2, "Nothing holds for Praxis 4.2 of Logiciel SA."),
    ],
)
def test_what_is_not_understood_is_said_in_a_sentence(directory, words, code, message):
    words = tuple(str(directory / word) if word == "coffre.toml" else word for word in words)
    done = software(directory, *words)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert not (directory / "audit").exists() or words[0] == "revoke"
