"""A process killed at any moment loses nothing that it said was stored, and leaves nothing else behind."""

import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from database import open_database
from repository.blobs import DirectoryBlobs
from repository.vault import open_vault
from server.migrations.migrate import migrate
from tests.repository.iti41 import store_in
from tests.repository.writes_documents import document

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
ROUNDS = 12
ROUNDS_WITH_DATABASE = 3


def killed(*arguments: str, after_seconds: float) -> list[list[str]]:
    """Start a writer, kill it some time after its first word, and return the lines it had printed."""
    command = [sys.executable, "-m", "tests.repository.writes_documents", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(after_seconds)
        writer.kill()
        lines = (first + writer.stdout.read()).decode().splitlines(keepends=True)
    return [line.split() for line in lines if line.endswith("\n")]


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and path.name != "lock"}


async def test_every_blob_said_to_be_finished_is_whole_after_a_kill(tmp_path):
    """ITI TF-2: 3.41.4.1.3."""
    chance = random.Random(41)
    finished, keys = {}, {}
    for seed in range(ROUNDS):
        for number, handle, size, sha1, sha256, key in killed(
            "blobs", str(tmp_path), str(seed), after_seconds=chance.uniform(0, 0.15)
        ):
            finished[handle] = document(seed, int(number))
            keys[handle] = bytes.fromhex(key)
            assert int(size) == len(finished[handle])
            assert sha1 == hashlib.sha1(finished[handle]).hexdigest()  # noqa: S324  # the metadata's own hash
            assert sha256 == hashlib.sha256(finished[handle]).hexdigest()
    assert len(finished) > ROUNDS

    blobs = await DirectoryBlobs.open(tmp_path)

    async def recorded_of(handles):
        return finished.keys() & set(handles)

    await blobs.recover(recorded_of)
    for handle, content in finished.items():
        chunks = blobs.read(handle, len(content), hashlib.sha256(content).hexdigest(), keys[handle])
        assert b"".join([chunk async for chunk in chunks]) == content
    assert files(tmp_path) == finished.keys()
    await blobs.close()


async def test_every_document_said_to_be_stored_can_be_retrieved_after_a_kill(database_url, tmp_path):
    """ITI TF-2: 3.41.4.1.3: pending or available, killed between the two or anywhere else."""
    migrate(database_url)
    documents = tmp_path / "documents"
    chance = random.Random(43)
    stored = {}
    for seed in range(ROUNDS_WITH_DATABASE):
        lines = killed(
            "submissions", str(documents), str(seed), database_url, after_seconds=chance.uniform(0, 0.2)
        )
        for number, _ in lines:
            stored[f"2.999.{seed}.{number}"] = document(seed, int(number))

    database = await open_database(database_url)
    vault = await open_vault(database, documents.with_name("master.key"))
    store = await store_in(documents, database, vault)
    found = await store.find(list(stored))
    for unique_id, content in stored.items():
        opened = await store.open_copy(found[unique_id])
        assert b"".join([chunk async for chunk in opened.chunks]) == content
    # At most one document of each round was recorded without the process coming to say so.
    assert 0 <= len(files(documents)) - len(stored) <= ROUNDS_WITH_DATABASE
    await store.close()
    await database.close()
