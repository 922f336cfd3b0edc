"""What docs/operating.md says of copies holds: in which order to make them, and what is there after it."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.messages.requests import SUCCESS, Submission, submission
from tests.services import postgresql
from tests.services.platform import ROOT, Platform

TIMEOUT_SECONDS = 120
LONG = bytes(range(256)) * 1024


def content_of(sent: Submission) -> bytes:
    return f"the document {sent.unique_id}\r\n".encode() * 50


def coffre(platform: Platform, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.command_line", *words]
    command += ["--config", str(platform.directory / "coffre.toml")]
    environment = {"PATH": "", **platform.environment}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )


class Source:
    """Submits one document after the other, each for the same patient."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._patient_id = platform, platform.add_patient()
        self._stopped, self._acknowledged = threading.Event(), threading.Condition()
        self.acknowledged: list[Submission] = []
        self.before_files = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self._submit)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()

    def wait_for(self, count: int) -> None:
        """Return when so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        with self._acknowledged:
            enough = self._acknowledged.wait_for(lambda: len(self.acknowledged) >= wanted, TIMEOUT_SECONDS)
            assert enough

    def _submit(self) -> None:
        while not self._stopped.is_set():
            sent = submission(self._patient_id)
            if self._platform.provide(sent, content_of(sent)).status_urn == SUCCESS:
                with self._acknowledged:
                    self.acknowledged.append(sent)
                    self._acknowledged.notify()


def copy_sqlite(file: Path, to: Path) -> None:
    """`sqlite3 coffre.db ".backup copy.db"`, by the function behind it."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def copy_files(platform: Platform, to: Path, *names: str) -> None:
    """By any copying of files, while some come and go."""
    to.mkdir(exist_ok=True)
    for name in names:
        subprocess.run(["cp", "-r", platform.directory / name, to], capture_output=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def copied_while_it_ran(
    request: pytest.FixtureRequest, fresh_platform, tmp_path: Path
) -> tuple[Source, list[Submission], Platform]:
    """A source, what was acknowledged to it before the copies were begun, and the server on the copies."""
    sqlite = request.param == "sqlite"
    url = "" if sqlite else request.getfixturevalue("migrated_postgresql_url")
    copied_url = "" if sqlite else request.getfixturevalue("postgresql_url")
    platform = fresh_platform(database_url=url)
    copies = tmp_path / "copies"
    copies.mkdir()
    source = Source(platform)
    copy_files(platform, copies, "coffre.toml", "master.key")
    with source.at_work():
        source.wait_for(5)
        known = list(source.acknowledged)
        if sqlite:
            copy_sqlite(platform.directory / "coffre.db", copies / "coffre.db")
        else:
            postgresql.copy_database(url, copied_url)
        # These are in the copied files, and not in the database.
        source.wait_for(3)
        source.before_files = len(source.acknowledged)
        copy_files(platform, copies, "documents", "audit", "audit-signing.key")
    platform.kill()
    # As documented: what the copied database lacks of the audit records is delivered to it again.
    (copies / "audit" / "our-own.cursor").unlink(missing_ok=True)
    return source, known, fresh_platform(name="copies", database_url=copied_url)


def test_copies_of_a_running_server_hold_all_that_was_acknowledged(copied_while_it_ran):
    """docs/operating.md: What to copy, and in which order."""
    source, known, restored = copied_while_it_ran
    registered = set(restored.documents_of(known[0].patient_id))
    assert {one.unique_id for one in known} <= registered
    for one in source.acknowledged:
        answer = restored.retrieve(one.unique_id)
        if one.unique_id in registered:
            assert answer.parts[1][1] == content_of(one)
    # What was pending in the copied database is asked about, what only the files know is removed.
    options = ("--deep", "--repair", "--older-than", "0", "--registry", restored.registry_url, "--json")
    check = coffre(restored, "repository", "check", *options)
    assert check.returncode == 0, check.stderr
    found = json.loads(check.stdout)["found"]
    assert (found["missing"], found["damaged"]) == ([], [])
    for one in source.acknowledged:
        if one.unique_id not in registered:
            assert restored.retrieve(one.unique_id).codes == ["XDSDocumentUniqueIdError"]
    assert coffre(restored, "audit", "verify").returncode == 0
    # Of what the copied database never knew there is the record all the same.
    patient = ("--patient", known[0].patient_id, "--event", "ITI-41", "-n", "1000", "--json")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while len(json.loads(coffre(restored, "audit", "search", *patient).stdout)) < source.before_files:
        assert time.monotonic() < deadline, restored.log


def restored(fresh_platform, copies: Path, name: str) -> Platform:
    """Put copies back in an empty place, and start."""
    shutil.copytree(copies, copies.parent / name)
    platform: Platform = fresh_platform(name=name)
    return platform


def test_what_copies_tell_of_a_destroyed_record(fresh_platform, tmp_path):
    """docs/operating.md: A new master key; Destroying a record."""
    platform = fresh_platform()
    sent = [submission(platform.add_patient()) for _ in range(2)]
    for one in sent:
        assert platform.provide(one, LONG).status_urn == SUCCESS
    gone, kept = (one.unique_id for one in sent)
    copies = tmp_path / "copies"
    copy_files(platform, copies, "coffre.toml", "master.key", "documents")
    copy_sqlite(platform.directory / "coffre.db", copies / "coffre.db")
    assert coffre(platform, "repository", "rewrap", "--new-key").returncode == 0
    assert coffre(platform, "repository", "destroy", sent[0].patient_id, "--yes").returncode == 0

    # The files come back from the copy: the key does not.
    subprocess.run(["cp", "-r", copies / "documents", platform.directory], check=True)
    answer = platform.retrieve(gone, kept)
    assert answer.errors == [("XDSDocumentUniqueIdError", f"no such document: {gone}")]
    assert [content for _, content in answer.parts[1:]] == [LONG]
    platform.kill()

    # The database from before, and the master key of its time: everything is readable.
    before = restored(fresh_platform, copies, "before")
    assert [content for _, content in before.retrieve(gone, kept).parts[1:]] == [LONG, LONG]
    before.kill()

    # The master key of its time is gone: nothing is, and nothing begins.
    *_, newest = (platform.directory / "master.key").read_text().splitlines()
    (copies / "master.key").write_text(f"{newest}\n")
    with pytest.raises(RuntimeError, match="master key"):
        restored(fresh_platform, copies, "without")
    # The rotated file holds both.
    (copies / "master.key").write_text((platform.directory / "master.key").read_text())
    rotated = restored(fresh_platform, copies, "rotated")
    assert rotated.retrieve(kept).parts[1][1] == LONG
