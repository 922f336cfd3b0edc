"""The vault on a running server: nothing to read on the disk, nothing delivered that was changed there."""

import http.client
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.messages.requests import FAILURE, ITI_43, SUCCESS, retrieve, submission
from tests.services.platform import OPEN_DOMAIN, Platform, running
from tests.services.softhsm import PIN, SoftHsm
from tests.wire import MTOM_TYPE, envelope, mtom, post

SECRET = b"Nobody may read that the patient has been to the clinic. " * 40
LONG = SECRET * 1000


def deposit(platform: Platform, content: bytes) -> str:
    """Provide one document for a fresh patient and say its uniqueId."""
    sent = submission(platform.add_patient())
    assert platform.provide(sent, content).status_urn == SUCCESS
    return sent.unique_id


def file_of_next_document(platform: Platform, content: bytes) -> tuple[str, Path]:
    before = platform.stored_files
    unique_id = deposit(platform, content)
    (file,) = platform.stored_files - before
    return unique_id, file


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def cut_a_whole_chunk(path: Path) -> None:
    os.truncate(path, 65536 + 16)


def change_the_first_byte(path: Path) -> None:
    flip(path, 0)


def remove(path: Path) -> None:
    path.unlink()


def test_coffre_fort_localise(fresh_platform):
    """No file holds the text of a document.

    Documents, database with its log, audit records and the server's log.
    """
    platform = fresh_platform()
    unique_id = deposit(platform, SECRET)
    files = [path for path in platform.directory.rglob("*") if path.is_file()]
    assert {"coffre.db", "coffre.db-wal", "master.key"} <= {path.name for path in files}
    assert [path for path in files if b"been to the clinic" in path.read_bytes()] == []
    assert platform.retrieve(unique_id).parts[1][1] == SECRET


@pytest.mark.parametrize("damage", [change_the_first_byte, cut, cut_a_whole_chunk, remove])
def test_a_damaged_document_is_an_error_and_the_others_come(platform, damage):
    """ITI TF-2: 3.43.4.1.3, XDSRepositoryError with the DocumentUniqueId as location."""
    unique_id, file = file_of_next_document(platform, LONG)
    other = deposit(platform, SECRET)
    damage(file)
    answer = platform.retrieve(unique_id, other)
    assert answer.errors == [("XDSRepositoryError", f"document {unique_id} cannot be read")]
    assert answer.found("RegistryError")[0].get("location") == unique_id
    assert [content for _, content in answer.parts[1:]] == [SECRET]
    assert platform.retrieve(unique_id).status_urn == FAILURE


def test_two_documents_whose_files_were_exchanged_are_both_errors(platform):
    unique_id, file = file_of_next_document(platform, LONG)
    other, other_file = file_of_next_document(platform, LONG)
    content = file.read_bytes()
    file.write_bytes(other_file.read_bytes())
    other_file.write_bytes(content)
    assert platform.retrieve(unique_id, other).codes == ["XDSRepositoryError", "XDSRepositoryError"]


def test_damage_at_the_end_of_a_document_is_an_error_in_its_place(platform):
    """ITI TF-2: 3.43.4.1.3; up to [repository] verified_bytes it is read before the answer begins."""
    unique_id, file = file_of_next_document(platform, LONG)
    other = deposit(platform, SECRET)
    flip(file, file.stat().st_size - 20)
    answer = platform.retrieve(unique_id, other)
    assert answer.errors == [("XDSRepositoryError", f"document {unique_id} cannot be read")]
    assert [content for _, content in answer.parts[1:]] == [SECRET]


@pytest.mark.parametrize("packaging", ["MTOM", "plain SOAP"])
@pytest.mark.parametrize("encrypt", ["true", "false"])
def test_an_answer_that_meets_damage_on_its_way_is_cut_off(fresh_platform, packaging, encrypt):
    """The consumer sees that its answer is not whole: chunks without the last one (RFC 9112: 7.1)."""
    platform = fresh_platform(toml=f"{OPEN_DOMAIN}verified_bytes = 0\n[vault]\nencrypt = {encrypt}\n")
    unique_id, file = file_of_next_document(platform, LONG)
    other = deposit(platform, SECRET)
    flip(file, file.stat().st_size - 20)
    request = envelope(ITI_43, retrieve(unique_id, other))
    message = (mtom(request), MTOM_TYPE) if packaging == "MTOM" else (request,)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        post(platform.repository_url, *message)
    assert platform.retrieve(other).status_urn == SUCCESS


def test_documents_are_read_again_after_a_restart(fresh_platform):
    platform = fresh_platform()
    unique_id = deposit(platform, SECRET)
    platform.kill()
    restarted = fresh_platform()
    assert restarted.retrieve(unique_id).parts[1][1] == SECRET


def test_a_server_does_not_start_without_the_master_key_of_its_documents(fresh_platform):
    """A fresh key in its place would make every document look damaged."""
    platform = fresh_platform()
    deposit(platform, SECRET)
    platform.kill()
    (platform.directory / "master.key").unlink()
    command = [sys.executable, "-m", "server.command_line", "serve", "--port", "0"]
    command += ["--config", str(platform.directory / "coffre.toml")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4
    assert f"the master key {platform.directory / 'master.key'} cannot be read" in ended.stderr
    assert not (platform.directory / "master.key").exists()


def test_without_encryption_documents_lie_there_as_they_came(fresh_platform):
    """[vault] encrypt = false, for disks that are encrypted themselves."""
    platform = fresh_platform(toml=OPEN_DOMAIN + "\n[vault]\nencrypt = false\n")
    unique_id, file = file_of_next_document(platform, SECRET)
    assert file.read_bytes() == SECRET
    assert platform.retrieve(unique_id).parts[1][1] == SECRET
    assert not (platform.directory / "master.key").exists()


def test_the_master_key_may_lie_in_a_token_and_no_document_is_read_without_it(tmp_path):
    """[vault] pkcs11_module; PKCS #11 v2.40."""
    softhsm = SoftHsm.at(tmp_path / "softhsm")
    softhsm.new_token("coffre")
    (tmp_path / "pin").write_text(f"{PIN}\n")
    vault = (
        f'[vault]\npkcs11_module = "{softhsm.module}"\npkcs11_token = "coffre"\npkcs11_pin_file = "../pin"\n'
    )
    toml = f"{OPEN_DOMAIN}\n{vault}"
    with running(tmp_path / "platform", toml=toml, environment=softhsm.environment) as platform:
        unique_id = deposit(platform, SECRET)
        assert not (platform.directory / "master.key").exists()
    with running(tmp_path / "platform", toml=toml, environment=softhsm.environment) as platform:
        assert platform.retrieve(unique_id).parts[1][1] == SECRET
    (tmp_path / "pin").write_text("000000\n")
    command = [sys.executable, "-m", "server.command_line", "serve", "--port", "0"]
    command += ["--config", str(platform.directory / "coffre.toml")]
    environment = os.environ | softhsm.environment
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert (ended.returncode, "the token coffre: PinIncorrect" in ended.stderr) == (4, True)
    assert PIN not in ended.stderr + platform.log
