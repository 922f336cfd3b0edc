"""The register of attested software, as every process of one database reads it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from consent_broker.software_register import KnownBy, SoftwareRegister
from database import open_database
from exchange.software import Attestation
from exchange.subject import NodeCertificate, Software

pytestmark = pytest.mark.anyio

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PRAXIS = Software("Praxis", "4.2", "Logiciel SA")
CERTIFICATE = NodeCertificate("CN=practice,O=Cabinet", "ab" * 32, "CN=authority")
RENEWED = NodeCertificate("CN=practice,O=Cabinet", "cd" * 32, "CN=authority")
OF_ANOTHER_AUTHORITY = NodeCertificate("CN=practice,O=Cabinet", "ef" * 32, "CN=other")


@asynccontextmanager
async def two_processes(url: str) -> AsyncIterator[tuple[SoftwareRegister, SoftwareRegister]]:
    one, other = await open_database(url), await open_database(url)
    try:
        yield SoftwareRegister(one), SoftwareRegister(other)
    finally:
        await one.close()
        await other.close()


def attestation(*transactions: str, software: Software = PRAXIS) -> Attestation:
    return Attestation(software, frozenset(transactions), NOW + DAY)


async def test_it_is_known_by_one_certificate_or_by_all_of_one_name(migrated_database_url):
    async with two_processes(migrated_database_url) as (one, other):
        await one.attest(attestation("ITI-18"), {KnownBy("ab" * 32)}, NOW, "operator")
        assert await other.of(CERTIFICATE) == (attestation("ITI-18"),)
        assert await other.of(RENEWED) == ()
        by_name = KnownBy(subject="CN=practice,O=Cabinet", issuer="CN=authority")
        suite = Software("Suite", "1", "Logiciel SA")
        await one.attest(attestation("ITI-41", software=suite), {by_name}, NOW, "operator")
        assert await other.of(RENEWED) == (attestation("ITI-41", software=suite),)
        assert len(await other.of(CERTIFICATE)) == 2
        assert await other.of(OF_ANOTHER_AUTHORITY) == ()
        # What is empty in the register matches no certificate without names.
        assert await other.of(NodeCertificate("", "12" * 32, "")) == ()


async def test_a_new_attestation_takes_the_place_of_the_old_one_and_the_history_stays(migrated_database_url):
    async with two_processes(migrated_database_url) as (one, other):
        known_by = KnownBy("ab" * 32)
        await one.attest(attestation("ITI-18", "ITI-43"), {known_by}, NOW, "anne")
        await one.attest(attestation("ITI-18"), {known_by, KnownBy("cd" * 32)}, NOW + DAY / 4, "ben")
        assert [found.revoked for found in await other.of(CERTIFICATE)] == [NOW + DAY / 4, None]
        elsewhere = Software("Praxis", "4.2", "Somebody else")
        assert await other.revoke(elsewhere, NOW + DAY / 2, "carl") == 0
        assert await other.revoke(PRAXIS, NOW + DAY / 2, "carl") == 1
        assert await other.revoke(PRAXIS, NOW + DAY / 2, "carl") == 0
        assert [found.holds(NOW) for found in await one.of(RENEWED)] == [False]
        history = [
            (
                str(entry.attestation),
                [str(name) for name in entry.known_by],
                entry.made,
                entry.made_by,
                entry.attestation.revoked,
                entry.ended_by,
            )
            for entry in await one.entries()
        ]
        product = "Praxis 4.2 of Logiciel SA"
        first, second = f"SHA-256 {'ab' * 32}", f"SHA-256 {'cd' * 32}"
        assert history == [
            (f"{product} for ITI-18, ITI-43 until 2030-01-02", [first], NOW, "anne", NOW + DAY / 4, "ben"),
            (
                f"{product} for ITI-18 until 2030-01-02",
                [first, second],
                NOW + DAY / 4,
                "ben",
                NOW + DAY / 2,
                "carl",
            ),
        ]
