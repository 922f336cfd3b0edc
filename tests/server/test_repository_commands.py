"""`coffre repository`: the keeper's commands, run as a person would run them."""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.messages.requests import SUCCESS, submission
from tests.services.platform import OPEN_DOMAIN, Platform
from tests.services.ports import free_port


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


def test_documents_from_before_the_vault_are_encrypted_beside_the_running_server(fresh_platform):
    """docs/operating.md: encrypt, read_plain, `coffre repository encrypt`."""
    platform = fresh_platform(toml=f"{OPEN_DOMAIN}\n[vault]\nencrypt = false\n")
    patient_id = platform.add_patient()
    one, other = deposit(platform, patient_id), deposit(platform, platform.add_patient())
    assert coffre(platform.directory, "encrypt").returncode == 4
    platform.kill()
    platform = fresh_platform(toml=f"{OPEN_DOMAIN}\n[vault]\nread_plain = true\n")
    assert platform.retrieve(one, other).status_urn == SUCCESS
    ended = coffre(platform.directory, "encrypt", "--registry", platform.registry_url)
    assert (ended.returncode, ended.stdout) == (0, "2 documents were encrypted, 0 are not.\n"), ended.stderr
    assert [content for _, content in platform.retrieve(one, other).parts[1:]] == [b"document"] * 2
    assert [path for path in platform.stored_files if path.read_bytes() == b"document"] == []
    assert coffre(platform.directory, "verify").returncode == 0
    assert json.loads(coffre(platform.directory, "destroy", patient_id, "--yes", "--json").stdout) == {
        "destroyed": 1
    }


def test_a_missing_master_key_is_told_in_a_sentence(running):
    deposit(running, running.add_patient())
    (running.directory / "master.key").unlink()
    ended = coffre(running.directory, "rewrap")
    assert ended.returncode == 4
    assert "cannot be read" in ended.stderr


def leave_pending(platform: Platform, patient_id: str, known_to_the_registry: bool) -> str:
    """Make it look as if the process was killed long ago, after it was registered or before."""
    unique_id = deposit(platform, patient_id)
    with closing(sqlite3.connect(platform.directory / "coffre.db", isolation_level=None)) as database:
        if not known_to_the_registry:
            database.execute("UPDATE document_entry SET unique_id = '' WHERE unique_id = ?", (unique_id,))
        long_ago = "UPDATE document SET state = 'pending', created_milliseconds = 0 WHERE unique_id = ?"
        database.execute(long_ago, (unique_id,))
    return unique_id


def test_a_sound_repository_is_said_to_be_sound(running):
    deposit(running, running.add_patient())
    for command in (["check"], ["check", "--deep"], ["verify"]):
        ended = coffre(running.directory, *command)
        assert ended.returncode == 0, ended.stderr
        said = "1 documents: 0 missing, 0 damaged, 0 pending; 0 files that belong to none.\n"
        assert ended.stdout == said


def test_pending_documents_and_orphans_are_repaired_beside_the_running_server(running):
    """ITI TF-2: 3.41.4.1.3: registered and retrievable, or nothing."""
    patient_id = running.add_patient()
    known = leave_pending(running, patient_id, known_to_the_registry=True)
    unknown = leave_pending(running, patient_id, known_to_the_registry=False)
    orphan = running.directory / "documents" / "ab" / ("ab" * 16)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"of nobody")

    ended = coffre(running.directory, "check", "--json")
    found = json.loads(ended.stdout)["found"]
    assert ended.returncode == 0
    assert {one["unique_id"] for one in found["pending"]} == {known, unknown}
    assert found["orphaned"] == ["ab" * 16]

    ended = coffre(running.directory, "check", "--repair", "--json", "--registry", running.registry_url)
    settled = json.loads(ended.stdout)["settled"]
    assert settled == {"registered": 1, "removed": 1, "disputed": []}
    assert not orphan.exists()
    assert running.retrieve(known).status_urn == SUCCESS
    assert running.retrieve(unknown).codes == ["XDSDocumentUniqueIdError"]
    assert len(running.stored_files) == 1


def test_missing_and_damaged_documents_are_named_and_end_in_the_status_of_damage(running):
    missing = deposit(running, running.add_patient())
    (file,) = running.stored_files
    damaged = deposit(running, running.add_patient())
    (other,) = running.stored_files - {file}
    file.unlink()
    other.write_bytes(bytes(24))
    for command in (["check"], ["verify"]):
        ended = coffre(running.directory, *command)
        assert ended.returncode == 5
        assert f"MISSING  {missing}  (blob {file.name}: there is no such blob)" in ended.stdout
        assert f"DAMAGED  {damaged}  (blob {other.name}:" in ended.stdout


def test_a_registry_that_cannot_be_asked_leaves_what_is_pending(running):
    leave_pending(running, running.add_patient(), known_to_the_registry=True)
    nowhere = f"http://127.0.0.1:{free_port()}/registry"
    ended = coffre(running.directory, "check", "--repair", "--registry", nowhere)
    assert ended.returncode == 3
    assert "The registry was not to be asked" in ended.stderr
    assert json.loads(coffre(running.directory, "check", "--json").stdout)["found"]["pending"]


def test_a_server_that_starts_settles_what_is_pending(fresh_platform):
    platform = fresh_platform()
    patient_id = platform.add_patient()
    known = leave_pending(platform, patient_id, known_to_the_registry=True)
    unknown = leave_pending(platform, patient_id, known_to_the_registry=False)
    platform.kill()
    restarted = fresh_platform()
    deadline = time.monotonic() + 20
    while len(restarted.stored_files) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert restarted.retrieve(known).status_urn == SUCCESS
    assert restarted.retrieve(unknown).codes == ["XDSDocumentUniqueIdError"]
    assert json.loads(coffre(restarted.directory, "check", "--json").stdout)["found"]["pending"] == []
