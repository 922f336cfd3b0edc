"""Documents made on demand by a system that answers GET, at one address for all (ITI TF-2: 3.43.4.1.3)."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx2

from ebxml.model import DocumentEntry
from exchange.ports import DocumentTooLarge, NothingOnDemand, ProviderFailed
from exchange.registry_link import RegistryLink
from exchange.serve import Surroundings
from repository.on_demand import OnDemandDocuments
from repository.store import RepositoryStore
from server.settings import Configuration, OnDemand

# What the address may hold of an entry. No patient's id: addresses end in logs along the way.
UNIQUE_ID, ENTRY_UUID = "{uniqueId}", "{entryUUID}"

_NOT_THERE = {404, 410}


@asynccontextmanager
async def documents_on_demand(
    configuration: Configuration, store: RepositoryStore, registry: RegistryLink, around: Surroundings
) -> AsyncIterator[OnDemandDocuments | None]:
    """What makes documents on demand as long as this lasts; None where nothing is configured."""
    settings = configuration.on_demand
    if not settings.url:
        yield None
        return
    # No redirects, no proxies, nothing of the environment: only the configured address is ever asked.
    async with httpx2.AsyncClient(verify=_trust(settings), trust_env=False, timeout=None) as client:
        yield OnDemandDocuments(
            provider=HttpProvider(client, settings),
            registry=registry,
            store=store,
            repository_unique_id=configuration.repository.unique_id,
            persist=settings.persist,
            clock=around.clock,
            new_uuid=around.new_uuid,
        )


@dataclass(frozen=True, slots=True)
class HttpProvider:
    """Asks the configured address for the document of an entry; `timeout_seconds` bound the whole of it."""

    client: httpx2.AsyncClient
    settings: OnDemand

    async def provide(self, entry: DocumentEntry, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Pass on what the provider answers, if it is of the entry's mimeType."""
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                await self._fetch(entry, write)
        except TimeoutError:
            seconds = self.settings.timeout_seconds
            raise ProviderFailed(f"the provider did not finish within {seconds} s") from None
        except httpx2.HTTPError as problem:
            raise ProviderFailed(f"no answer from the provider: {type(problem).__name__}") from problem

    async def _fetch(self, entry: DocumentEntry, write: Callable[[bytes], Awaitable[None]]) -> None:
        mime_type = entry.mime_type or ""
        headers = {"accept": mime_type, "accept-encoding": "identity"}
        async with self.client.stream("GET", self._address(entry), headers=headers) as answer:
            if answer.status_code in _NOT_THERE:
                raise NothingOnDemand
            if answer.status_code != httpx2.codes.OK:
                raise ProviderFailed(f"the provider answered with status {answer.status_code}")
            # A page that asks for a password comes with status 200, too.
            given = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if given != mime_type.lower():
                raise ProviderFailed("the provider answered with another Content-Type than was announced")
            size_bytes = 0
            async for chunk in answer.aiter_bytes():
                size_bytes += len(chunk)
                if size_bytes > self.settings.size_bytes:
                    raise DocumentTooLarge(self.settings.size_bytes)
                await write(chunk)

    def _address(self, entry: DocumentEntry) -> str:
        address = self.settings.url.replace(UNIQUE_ID, quote(entry.unique_id or "", safe=""))
        return address.replace(ENTRY_UUID, quote(entry.entry_uuid, safe=""))


def _trust(settings: OnDemand) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.key)
    return context
