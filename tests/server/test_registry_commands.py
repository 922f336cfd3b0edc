"""`coffre registry`: the keeper's commands, run as a person would run them."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

from tests.messages.requests import SUCCESS, submission


def rebuild(platform, *words):
    command = [sys.executable, "-m", "server.command_line", "registry", "rebuild", *words]
    command += ["--config", str(platform.directory / "coffre.toml")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_damaged_columns_are_mended_while_the_server_runs(fresh_platform):
    """And a rebuild that cannot end says how to go on."""
    platform = fresh_platform()
    patient_id = platform.add_patient()
    sent = submission(patient_id)
    assert platform.provide(sent, b"document").status_urn == SUCCESS
    with closing(sqlite3.connect(platform.directory / "coffre.db")) as database, database:
        database.execute("UPDATE document_entry SET unique_id = 'lost', title = '[]'")
    ended = rebuild(platform, "--json")
    assert json.loads(ended.stdout) == {"objects": 3, "changed": 1}, ended.stderr
    assert platform.documents_of(patient_id) == [sent.unique_id]
    assert rebuild(platform).stdout == "3 objects were compared with what is stored of them, 0 mended.\n"
    with closing(sqlite3.connect(platform.directory / "coffre.db")) as database, database:
        database.execute("UPDATE document_entry SET fragment = x'01ff', large_fragment = NULL")
    ended = rebuild(platform)
    assert ended.returncode != 0
    assert ended.stderr.startswith("Broken off. To go on: coffre registry rebuild --after 0\n")
    assert "Traceback" not in ended.stderr
