"""A process that stores documents until it is killed; run by test_crash.py.

writes_documents.py blobs DIRECTORY SEED             says of each blob that is finished what it is
writes_documents.py submissions DIRECTORY SEED URL   says of each document when it is pending, and available
"""

import asyncio
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from exchange.ports import StagedDocument
from repository.blobs import DirectoryBlobs


def document(seed: int, number: int) -> bytes:
    """The bytes of the n-th document, which the judge of the test makes again."""
    chance = random.Random(f"{seed} {number}")
    return chance.randbytes(chance.choice((0, 10, 1000, 100_000, 2_000_000)))


async def staged(blobs: DirectoryBlobs, content: bytes) -> StagedDocument:
    writer = await blobs.begin("application/octet-stream")
    for start in range(0, len(content), 65536):
        await writer.write(content[start : start + 65536])
    return await writer.finish()


async def write_blobs(directory: Path, seed: int) -> None:
    blobs = await DirectoryBlobs.open(directory)

    async def one_after_the_other(numbers: range) -> None:
        for number in numbers:
            done = await staged(blobs, document(seed, number))
            print(number, done.handle, done.size, done.sha1, done.sha256, done.key.hex(), flush=True)

    await asyncio.gather(*(one_after_the_other(range(first, 100_000, 3)) for first in range(3)))


async def write_submissions(directory: Path, seed: int, url: str) -> None:
    # SQLAlchemy takes 0.7 s to import, which a dozen processes that need no database are spared.
    from database import open_database
    from repository.document_rows import NewDocument
    from repository.store import RepositoryStore
    from repository.vault import open_vault

    database = await open_database(url)
    blobs = await DirectoryBlobs.open(directory)
    vault = await open_vault(database, directory.with_name("master.key"))
    store = RepositoryStore(database, blobs, vault)
    for number in range(100_000):
        done = await staged(blobs, document(seed, number))
        new = NewDocument(
            f"2.999.{seed}.{number}", "application/octet-stream", done, f"P{number % 3}^^^&2.999.3&ISO"
        )
        await store.add(f"submission {seed} {number}", [new], datetime.now(UTC))
        print(number, "pending", flush=True)
        await store.make_available(f"submission {seed} {number}", [done])
        print(number, "available", flush=True)


if __name__ == "__main__":
    what, directory, seed, *url = sys.argv[1:]
    if what == "blobs":
        asyncio.run(write_blobs(Path(directory), int(seed)))
    else:
        asyncio.run(write_submissions(Path(directory), int(seed), *url))
