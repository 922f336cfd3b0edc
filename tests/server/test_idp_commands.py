"""`coffre idp`, and the commands that name a user (ITI TF-2: 3.40)."""

import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from server.command_line import main
from server.commands.outcome import ExitCode
from tests.messages.assertions import assertion, keys, signed
from tests.services.platform import running


@pytest.fixture
def coffre(tmp_path, monkeypatch, capfd):
    """Run a command in a directory of its own: its status, what it prints, and what it complains of."""
    for name in [name for name in os.environ if name.startswith("COFFRE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["coffre", *words])
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        return (status, *capfd.readouterr())

    return run


def test_a_small_site_asks_for_its_users_after_three_commands(coffre, tmp_path, monkeypatch):
    """From `init` to a document that is submitted, found and fetched for somebody."""
    assert coffre("init", "vault")[0] == 0
    assert coffre("idp", "init", "--config", "vault/coffre.toml")[0] == 0
    monkeypatch.setenv("COFFRE_CONFIG", "vault/coffre.toml")
    assert (
        coffre("idp", "user", "add", "amuller", "--name", "Dr Anne Muller", "--role", "221^Doctor^2.999.1")[0]
        == 0
    )
    with running(tmp_path / "vault", toml=Path("vault/coffre.toml").read_text()) as server:
        monkeypatch.setenv("COFFRE_REGISTRY", server.url)
        monkeypatch.setenv("COFFRE_REPOSITORY", server.url)
        patient_id = uuid4().hex
        assert coffre("patient", "add", patient_id)[0] == 0
        Path("letter.txt").write_text("All is well.")
        submit = ("submit", "letter.txt", "--patient", patient_id, "--type", "laboratory", "--author", "Dr A")

        status, _, complaint = coffre(*submit)
        assert status == ExitCode.REFUSED
        assert "a user's assertion is required (SOAP fault Sender SecurityTokenUnavailable)" in complaint
        assert "--as USER or --assertion FILE" in complaint

        assert coffre(*submit, "--as", "amuller")[0] == 0
        token = coffre(
            "idp", "token", "amuller", "--minutes", "1", "--purpose", "ETREAT^emergency^2.16.840.1.113883.5.8"
        )
        Path("amuller.xml").write_text(f"<answer>{token[1]}</answer>")
        status, found, _ = coffre("find", "--patient", patient_id, "--assertion", "amuller.xml", "--json")
        assert (status, found.count('"uniqueId"')) == (0, 1)
        unique_id = found.partition('"uniqueId": "')[2].partition('"')[0]
        assert coffre("fetch", unique_id, "--as", "amuller", "-o", "inbox")[0] == 0
        assert coffre("repository", "check", "--repair", "--registry", server.registry_url)[0] == 0
        Path("other.xml").write_bytes(signed(assertion(), keys("self-made")))
        status, _, complaint = coffre("find", "--patient", patient_id, "--assertion", "other.xml")
        assert (status, "SOAP fault Sender FailedCheck" in complaint) == (ExitCode.REFUSED, True)
    assert len(list(Path("inbox").iterdir())) == 1


def test_mistakes_are_told_with_a_remedy(coffre, monkeypatch):
    status, _, complaint = coffre("idp", "token", "amuller")
    assert (status, "`coffre idp init" in complaint) == (ExitCode.CONFIGURATION, True)
    coffre("init", "vault")
    coffre("idp", "init", "--config", "vault/coffre.toml")
    monkeypatch.setenv("COFFRE_CONFIG", "vault/coffre.toml")
    status, _, complaint = coffre("idp", "init", "--config", "vault/coffre.toml")
    assert (status, "holds an identity provider already" in complaint) == (ExitCode.FILE, True)
    status, _, complaint = coffre("idp", "token", "amuller")
    assert (status, "It knows coffre;" in complaint) == (ExitCode.USAGE, True)
    assert coffre("idp", "user", "add", "amuller", "--name", "Dr A")[0] == 0
    assert coffre("idp", "user", "add", "amuller", "--name", "Dr A")[0] == ExitCode.USAGE
    status, _, complaint = coffre("idp", "token", "amuller", "--purpose", "^x")
    assert (status, "expected CODE^NAME^SYSTEM" in complaint) == (ExitCode.USAGE, True)
    status, _, complaint = coffre(
        "idp", "user", "add", "b", "--name", "B", "--authority", "no oid", "--id", "1"
    )
    assert (status, "authority: 'no oid' is not an OID" in complaint) == (ExitCode.USAGE, True)
    status, _, complaint = coffre("find", "--patient", "1", "--assertion", "vault/coffre.toml")
    assert (status, "is not readable XML" in complaint) == (ExitCode.FILE, True)


def test_a_configuration_that_was_changed_is_left_to_its_owner(coffre):
    Path("coffre.toml").write_text("[xua]\n")
    status, said, _ = coffre("idp", "init", "--config", "coffre.toml", "--directory", "people")
    lines = 'Now write under [xua] in coffre.toml:\nlocal_provider = "people"\nsystem_user = "coffre"\n'
    assert (status, lines in said) == (0, True)
    assert Path("coffre.toml").read_text() == "[xua]\n"
