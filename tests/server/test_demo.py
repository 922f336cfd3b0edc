"""`coffre demo` tells the whole way of a document, and does not lie about it."""

import re
import socket
import subprocess

import pytest

import server.demo
from server.commands.outcome import ExitCode, Trouble
from tests.house.tree import PROGRAMS
from tests.server.test_command_line import clean_environment


def demo(*options, **environment):
    words = [str(PROGRAMS / "coffre"), "demo", *map(str, options)]
    return subprocess.run(words, env=clean_environment() | environment, capture_output=True, text=True)


def test_the_demo_carries_three_documents_in_and_out_and_ends_well(tmp_path):
    # What the environment says is for other servers, and a narrow encoding is no reason to fail.
    done = demo("--keep", tmp_path / "kept", COFFRE_PORT="1", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Dr Paul Weber" in done.stdout.partition("Who did what?")[2]
    for transaction in ("ITI-44", "ITI-41", "ITI-18", "ITI-43", "ITI-42"):
        assert f"[{transaction}]" in done.stdout
    assert re.findall(r"(\w+\.\w+) .* yes\b", done.stdout) == [
        "lettre_de_sortie.pdf",
        "compte_rendu_de_laboratoire.xml",
        "lettre_de_sortie_corrigee.pdf",
    ]
    assert "every document came back byte for byte" in done.stdout
    kept = tmp_path / "kept"
    submitted = sorted(path.read_bytes() for path in (kept / "documents-to-submit").iterdir())
    assert sorted(path.read_bytes() for path in (kept / "fetched").iterdir()) == submitted
    assert len(submitted) == 3
    again = demo("--keep", kept)
    assert (again.returncode, "is there already" in again.stderr) == (ExitCode.FILE, True)


def test_a_server_that_does_not_start_ends_the_demo_with_its_log(tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(server.demo, "_free_port", lambda: taken.getsockname()[1])
        with pytest.raises(Trouble) as trouble:
            server.demo.run(tmp_path / "new")
    assert trouble.value.code is ExitCode.CONFIGURATION
    assert trouble.value.message.startswith("Step 2, 'It is ready', failed. The server did not become ready.")
    assert any("address already in use" in line for line, _ in trouble.value.details)
