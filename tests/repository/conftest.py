"""A repository with empty tables and an empty directory, on each kind of database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from database import Database, open_database
from repository.blobs import DirectoryBlobs
from repository.store import RepositoryStore
from repository.vault import Vault, open_vault
from server.migrations.migrate import migrate
from tests.repository.iti41 import store_in
from tests.repository.places import InBucket, InDirectory, Place
from tests.services.softhsm import SoftHsm


@pytest.fixture(params=["directory", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where blobs can lie, one after the other."""
    if request.param == "directory":
        yield InDirectory(tmp_path / "documents")
        return
    service = request.getfixturevalue("object_store")
    bucket = InBucket(service, service.new_bucket())
    yield bucket
    bucket.empty()


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[DirectoryBlobs]:
    opened = await DirectoryBlobs.open(tmp_path / "documents")
    yield opened
    await opened.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    migrate(database_url)
    opened = await open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def vault(database: Database, tmp_path: Path) -> Vault:
    return await open_vault(database, tmp_path / "master.key")


@pytest.fixture
async def store(database: Database, vault: Vault, tmp_path: Path) -> AsyncIterator[RepositoryStore]:
    opened = await store_in(tmp_path / "documents", database, vault)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """Tokens for this process."""
    return SoftHsm.at(tmp_path_factory.mktemp("softhsm"))
