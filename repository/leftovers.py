"""Documents of which nobody heard whether they were registered: the registry is asked (ITI TF-2: 3.41)."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from exchange.ports import RegistryPort
from repository.document_rows import PendingDocument
from repository.store import RepositoryStore

log = logging.getLogger("coffre.repository")

# Longer than any ITI-42 is under way: a registry that hangs for a minute may still commit, and a document
# removed before that would be registered without its bytes.
UNDER_WAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the documents that were left pending."""

    registered: int = 0
    removed: int = 0
    disputed: tuple[PendingDocument, ...] = ()
    """Registered with another hash than ours has; they stay as they are, for a person to look at."""


async def settle_leftovers(store: RepositoryStore, registry: RegistryPort, before: datetime) -> Settled:
    """Keep what the registry knows, remove what it does not; RegistryUnreachable leaves the rest pending."""
    registered = removed = after_id = 0
    disputed: list[PendingDocument] = []
    while batch := await store.pending(before, after_id):
        after_id = batch[-1].id
        hashes = await registry.registered(dict.fromkeys(one.unique_id for one in batch))
        for one in batch:
            known = hashes.get(one.unique_id)
            if known is None:
                await store.settle(one, registered=False)
                removed += 1
            elif known in ("", one.sha1):
                await store.settle(one, registered=True)
                registered += 1
            else:
                disputed.append(one)
    if registered or removed or disputed:
        log.warning(
            "documents left pending: %d are registered, %d are not and were removed, "
            "%d are registered with another hash",
            registered,
            removed,
            len(disputed),
        )
    return Settled(registered, removed, tuple(disputed))
