"""An empty Audit Record Repository in each of the two databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from atna_audit.checkpoints import SigningKey
from atna_audit.store import AuditStore
from database import Database, open_database


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    database = await open_database(migrated_database_url)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database, tmp_path: Path) -> AuditStore:
    return AuditStore(database, SigningKey.of_file(tmp_path / "audit-signing.key"))
