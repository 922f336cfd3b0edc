"""What an operator does to the register of attested software; it counts from the next request on."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from audit_message.model import AuditMessage
from consent_broker.software_register import Entry, KnownBy, SoftwareRegister
from database import open_database
from exchange.operator_audit import software_register_changed
from exchange.software import Attestation
from exchange.subject import Software
from server.migrations import migrate
from server.operating import Done, recorded_work
from server.settings import Configuration

# The register in audit records; no address, for nobody reaches it but by its commands.
REGISTER_URI = "urn:coffre:attested-software"


async def attest(
    configuration: Configuration,
    attestation: Attestation,
    known_by: Collection[KnownBy],
    operator: str,
    grounds: str = "",
) -> None:
    """Let an attestation hold, in place of what held for the same product."""
    change = f"attested: {attestation}; known by {', '.join(map(str, sorted(known_by)))}"
    if grounds:
        change = f"{change}; {grounds}"
    async with _register(configuration, change, operator) as register:
        await register.attest(attestation, known_by, datetime.now(UTC), operator)


async def revoke(configuration: Configuration, software: Software, operator: str) -> int:
    """End what holds for this product; how many attestations that were."""
    async with _register(configuration, f"revoked: {software}", operator) as register:
        return await register.revoke(software, datetime.now(UTC), operator)


async def entries(configuration: Configuration) -> tuple[Entry, ...]:
    """The whole register with its history."""
    await asyncio.to_thread(migrate, configuration.database.url)
    database = await open_database(configuration.database.url)
    try:
        return await SoftwareRegister(database).entries()
    finally:
        await database.close()


@asynccontextmanager
async def _register(
    configuration: Configuration, change: str, operator: str
) -> AsyncIterator[SoftwareRegister]:
    def record(done: Done) -> AuditMessage:
        return software_register_changed(
            done.at, REGISTER_URI, change, operator, done.process_id, done.audit_source_id, done.trouble
        )

    async with recorded_work(configuration, record) as database:
        yield SoftwareRegister(database)
