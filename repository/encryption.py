"""Documents that were stored without encryption go into the vault, one by one; servers may run on."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from exchange.ports import Clock, StorageError
from repository.check import Damage
from repository.store import RepositoryStore


class Owners(Protocol):
    """Knows whose a document is, which no row of a plain one says."""

    async def owners(self, unique_ids: Iterable[str]) -> Mapping[str, Collection[str]]:
        """In whose records each document is, those in none left out; raises RegistryUnreachable."""


@dataclass(frozen=True, slots=True)
class Encrypted:
    """What came of it; `plain` still are, for they are pending or among those that could not be read."""

    encrypted: int
    orphaned: int
    plain: int
    failed: tuple[Damage, ...]


async def encrypt_documents(store: RepositoryStore, registry: Owners, clock: Clock) -> Encrypted:
    """Encrypt every registered document that is not; begun again after any end, it goes on where it was.

    A document of which the registry does not know is sealed under the key of documents of nobody.
    """
    encrypted = after_id = 0
    failed: list[Damage] = []
    while batch := await store.plain_copies(after_id):
        after_id = batch[-1][0]
        for id_, copy in batch:
            # Of one document of two patients, which a registry would not take, the first has it.
            owners = sorted((await registry.owners([copy.unique_id])).get(copy.unique_id, ()))
            try:
                await store.encrypt(id_, copy, owners[0] if owners else "", clock())
            except StorageError as problem:
                # It may have been removed in the meantime, and rightly.
                if await store.has(copy):
                    failed.append(Damage(copy.unique_id, copy.identity.blob_handle, str(problem)))
            else:
                encrypted += 1
    # The plain files of those at which an earlier run was cut off.
    orphaned = [handle async for handle in store.orphans()]
    await store.remove_orphans(orphaned)
    return Encrypted(encrypted, len(orphaned), await store.count_plain(), tuple(failed))
