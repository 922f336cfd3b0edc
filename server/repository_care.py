"""The repository's store and vault as configured, for the server and for the commands beside it."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

from atna_audit.spool import Spool
from database import Database, open_database
from exchange.diary import Node
from exchange.registry_link import RegistryLink
from repository.master_keys import BadMasterKey
from repository.store import RepositoryStore
from repository.token_master_keys import Token
from repository.vault import Vault, open_vault
from server.audit_trail import SpooledAuditTrail
from server.document_storage import open_blobs
from server.migrations import migrate
from server.registry_transport import over_http
from server.settings import Configuration
from server.settings import Vault as VaultSettings
from server.users import speaking_for_itself


@asynccontextmanager
async def opened_vault(configuration: Configuration) -> AsyncIterator[Vault]:
    """The vault of this configuration."""
    async with _opened_database(configuration) as database:
        yield await _open_vault(configuration, database)


@asynccontextmanager
async def opened_store(configuration: Configuration) -> AsyncIterator[RepositoryStore]:
    """The documents of this configuration; nothing is cleared up, as a server would at its start."""
    async with _opened_database(configuration) as database:
        vault = await vault_of(configuration, database)
        blobs = await open_blobs(configuration, lambda: datetime.now(UTC))
        store = RepositoryStore(database, blobs, vault, reads_plain=configuration.vault.read_plain)
        try:
            yield store
        finally:
            await store.close()


@asynccontextmanager
async def opened_registry_link(configuration: Configuration, url: str) -> AsyncIterator[RegistryLink]:
    """The way to a registry that runs elsewhere, or in another process of this machine."""
    spool = Spool.open(configuration.audit.spool)
    try:
        async with over_http(url, configuration.tls.calling()) as send:
            yield RegistryLink(
                send=send,
                registry_url=url,
                registry_address=urlsplit(url).hostname or "",
                our_address=configuration.server.host,
                repository_url=f"{configuration.address}/repository",
                node=Node(str(os.getpid()), configuration.audit.source_id),
                audit=SpooledAuditTrail(spool),
                clock=lambda: datetime.now(UTC),
                new_uuid=lambda: f"urn:uuid:{uuid.uuid4()}",
                itself=speaking_for_itself(configuration),
            )
    finally:
        await spool.close()


async def vault_of(configuration: Configuration, database: Database) -> Vault | None:
    """The vault, opened, if documents go into one; BadMasterKey if it cannot be."""
    return await _open_vault(configuration, database) if configuration.vault.encrypt else None


@asynccontextmanager
async def _opened_database(configuration: Configuration) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, configuration.database.url)
    database = await open_database(configuration.database.url)
    try:
        yield database
    finally:
        await database.close()


async def _open_vault(configuration: Configuration, database: Database) -> Vault:
    vault = configuration.vault
    return await open_vault(database, vault.master_key, vault.master_key_text, await _token(vault))


async def _token(vault: VaultSettings) -> Token | None:
    if vault.pkcs11_module is None:
        return None
    pin, file = vault.pkcs11_pin, vault.pkcs11_pin_file
    if file:
        try:
            pin = (await asyncio.to_thread(file.read_bytes)).decode().strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise BadMasterKey(f"the PIN in {file} cannot be read") from problem
    return Token(vault.pkcs11_module, vault.pkcs11_token, pin, vault.pkcs11_retired)
