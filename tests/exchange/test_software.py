"""What attested software may do, and what is said to other software."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exchange.software import Attestation, NotAttested, software_asking
from exchange.subject import NodeCertificate, Software

pytestmark = pytest.mark.anyio

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
PRAXIS = Software("Praxis", "4.2", "Logiciel SA")
CERTIFICATE = NodeCertificate("CN=practice", "ab" * 32, "CN=authority")
FOR_QUERIES = Attestation(PRAXIS, frozenset({"ITI-18", "ITI-43"}), datetime(2030, 1, 2, tzinfo=UTC))


class Register:
    """A register that holds the same for every certificate."""

    def __init__(self, *attestations: Attestation) -> None:
        self.attestations = attestations

    async def of(self, certificate: NodeCertificate) -> tuple[Attestation, ...]:
        return self.attestations


async def asking(*held: Attestation, transaction="ITI-18", certificate=CERTIFICATE, at=NOW) -> Software | str:
    try:
        return await software_asking(certificate, transaction, Register(*held), at)
    except NotAttested as problem:
        return str(problem)


async def test_what_was_attested_may_ask_until_the_end_of_its_last_day():
    assert await asking(FOR_QUERIES) == PRAXIS
    assert await asking(FOR_QUERIES, at=datetime(2030, 1, 1, 23, 59, 59, tzinfo=UTC)) == PRAXIS
    assert await asking(FOR_QUERIES, at=datetime(2030, 1, 2, tzinfo=UTC)) == (
        "the attestation of Praxis 4.2 of Logiciel SA has expired, its last day was 2030-01-01"
    )


async def test_a_refusal_names_what_is_missing():
    assert await asking(certificate=None) == (
        "attested software is known by a client certificate, and none was shown"
    )
    assert await asking() == "no attested software is known by the certificate CN=practice"
    nameless = NodeCertificate("", "ab" * 32)
    assert await asking(certificate=nameless) == (
        f"no attested software is known by the certificate {'ab' * 32}"
    )
    assert await asking(FOR_QUERIES, transaction="ITI-41") == (
        "Praxis 4.2 of Logiciel SA is attested for ITI-18, ITI-43, not for ITI-41"
    )
    revoked = replace(FOR_QUERIES, revoked=NOW - timedelta(days=1))
    assert await asking(revoked) == "the attestation of Praxis 4.2 of Logiciel SA was revoked on 2029-12-31"


async def test_one_certificate_may_stand_for_several_products():
    """An old version beside the new one: whichever was attested for the transaction."""
    newer = Software("Praxis", "5.0", "Logiciel SA")
    submits = Attestation(newer, frozenset({"ITI-41"}), FOR_QUERIES.until)
    assert await asking(FOR_QUERIES, submits) == PRAXIS
    assert await asking(FOR_QUERIES, submits, transaction="ITI-41") == newer
    ended = replace(FOR_QUERIES, revoked=NOW)
    assert await asking(FOR_QUERIES, replace(submits, transactions=ended.transactions)) == newer
    assert await asking(ended, submits) == "Praxis 5.0 of Logiciel SA is attested for ITI-41, not for ITI-18"
