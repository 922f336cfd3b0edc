"""Step 3: the software that asks, and what it was attested for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from exchange.subject import NodeCertificate, Software

# Days are what people are told; an attestation holds until the last second of its last one.
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Attestation:
    """A product that may do these transactions up to a moment, unless it was revoked before."""

    software: Software
    transactions: frozenset[str]
    until: datetime
    revoked: datetime | None = None

    def __str__(self) -> str:
        return f"{self.software} for {', '.join(sorted(self.transactions))} until {self.last_day}"

    @property
    def last_day(self) -> date:
        """The last day on which it may hold."""
        return (self.until - _SECOND).date()

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at this moment."""
        return self.revoked is None and at < self.until


class Attestations(Protocol):
    """The register of attested software, as it is now."""

    async def of(self, certificate: NodeCertificate) -> Sequence[Attestation]:
        """All that were ever bound to this certificate, the latest one last."""


class NotAttested(Exception):
    """Why this software may not do this, in words for its peer."""


async def software_asking(
    certificate: NodeCertificate | None, transaction: str, attestations: Attestations, at: datetime
) -> Software:
    """The product that was attested for this transaction, or NotAttested."""
    if certificate is None:
        raise NotAttested("attested software is known by a client certificate, and none was shown")
    held = await attestations.of(certificate)
    in_force = [one for one in held if one.holds(at)]
    for one in reversed(in_force):
        if transaction in one.transactions:
            return one.software
    if in_force:
        latest = in_force[-1]
        transactions = ", ".join(sorted(latest.transactions))
        raise NotAttested(f"{latest.software} is attested for {transactions}, not for {transaction}")
    raise NotAttested(why_none_holds(certificate, held))


def why_none_holds(certificate: NodeCertificate, held: Sequence[Attestation]) -> str:
    """What is missing to software of which no attestation is in force."""
    if not held:
        return f"no attested software is known by the certificate {certificate.subject or certificate.sha256}"
    latest = held[-1]
    if latest.revoked:
        return f"the attestation of {latest.software} was revoked on {latest.revoked:%Y-%m-%d}"
    return f"the attestation of {latest.software} has expired, its last day was {latest.last_day}"
