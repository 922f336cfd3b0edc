"""`coffre repository`: the keeper's commands, run as a person would run them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.messages.requests import SUCCESS, submission
from tests.services.platform import Platform


def coffre(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.command_line", "repository", *words]
    command += ["--config", str(directory / "coffre.toml")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def running(fresh_platform) -> Platform:
    platform: Platform = fresh_platform()
    return platform


def deposit(platform: Platform, patient_id: str) -> str:
    sent = submission(patient_id)
    assert platform.provide(sent, b"document").status_urn == SUCCESS
    return sent.unique_id


def test_a_new_master_key_while_the_server_runs(running):
    one = deposit(running, running.add_patient())
    before = (running.directory / "master.key").read_text()
    ended = coffre(running.directory, "rewrap", "--new-key", "--json")
    assert json.loads(ended.stdout) == {"rewrapped": 1}, ended.stderr
    after = (running.directory / "master.key").read_text()
    assert after.startswith(before)
    assert after.count("\n") == before.count("\n") + 1
    other = deposit(running, running.add_patient())
    assert [content for _, content in running.retrieve(one, other).parts[1:]] == [b"document"] * 2
    assert json.loads(coffre(running.directory, "rewrap", "--json").stdout) == {"rewrapped": 0}


def test_a_destroyed_patient_s_documents_are_gone_at_once(running):
    patient_id, other_id = running.add_patient(), running.add_patient()
    gone, kept = deposit(running, patient_id), deposit(running, other_id)
    ended = coffre(running.directory, "destroy", patient_id, "--yes")
    assert ended.stdout == "The patient's key is destroyed, and with it 1 documents.\n", ended.stderr
    answer = running.retrieve(gone, kept)
    assert answer.errors == [("XDSDocumentUniqueIdError", f"no such document: {gone}")]
    assert len(answer.parts) == 2


def test_nothing_is_destroyed_without_being_asked_twice(running):
    patient_id = running.add_patient()
    unique_id = deposit(running, patient_id)
    assert coffre(running.directory, "destroy", patient_id).returncode != 0
    assert running.retrieve(unique_id).status_urn == SUCCESS


def test_a_missing_master_key_is_told_in_a_sentence(running):
    deposit(running, running.add_patient())
    (running.directory / "master.key").unlink()
    ended = coffre(running.directory, "rewrap")
    assert ended.returncode == 4
    assert "cannot be read" in ended.stderr
