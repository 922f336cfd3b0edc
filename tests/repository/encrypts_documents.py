"""A process that encrypts documents until it is done or killed; run by test_encryption.py.

encrypts_documents.py DIRECTORY URL   says of each document when its turn comes
"""

import asyncio
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from database import open_database
from repository.encryption import encrypt_documents
from repository.vault import open_vault
from tests.repository.iti41 import store_in


class Owner:
    """All documents are one patient's."""

    async def owners(self, unique_ids: Iterable[str]) -> dict[str, list[str]]:
        print(*unique_ids, flush=True)
        return {one: ["P1^^^&2.999.3&ISO"] for one in unique_ids}


async def encrypt(directory: Path, url: str) -> None:
    database = await open_database(url)
    vault = await open_vault(database, directory.with_name("master.key"))
    store = await store_in(directory, database, vault)
    await encrypt_documents(store, Owner(), lambda: datetime.now(UTC))
    await store.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(encrypt(Path(sys.argv[1]), sys.argv[2]))
