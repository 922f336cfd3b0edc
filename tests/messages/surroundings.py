"""What a journey needs around it: a clock that stands, ids that count, a trail that tests can read."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from audit_message.model import AuditMessage
from consent_broker.broker import OpenDomain
from exchange.call import Limits
from exchange.diary import Node
from exchange.ports import AuditUnavailable, Consent, Decision
from exchange.serve import Surroundings
from exchange.users import Users
from tests.messages.submissions import DOMAIN
from xua.acceptance import Policy
from xua.signature import Trust


@dataclass
class KeptTrail:
    """An audit trail that keeps its records where a test can see them, or is full."""

    full: bool = False
    messages: list[AuditMessage] = field(default_factory=list)

    async def record(self, *messages: AuditMessage) -> None:
        if self.full:
            raise AuditUnavailable("the disk is full")
        self.messages.extend(messages)


class NobodyMay:
    """A consent broker that says no."""

    async def decide(self, *question) -> Decision:
        return Decision(permit=False, reasons=("p1^^^&2.999.3&ISO excluded this professional",))


class EveryUseIsTheFirst:
    """Remembers no uses."""

    async def first_use(self, key: bytes, until: datetime) -> bool:
        return True


# A domain that asks for no assertion and would believe none.
NOBODY_ASKED = Users(Trust(()), Policy(frozenset()), required=False, uses=EveryUseIsTheFirst())


def surroundings(
    trail: KeptTrail, consent: Consent | None = None, domain=DOMAIN, users: Users | None = None
) -> Surroundings:
    numbers = count(1)
    return Surroundings(
        node=Node("4711", "vault.example"),
        domain=domain,
        users=users or NOBODY_ASKED,
        limits=Limits(),
        clock=lambda: datetime(2030, 1, 1, 12, tzinfo=UTC),
        new_uuid=lambda: f"urn:uuid:00000000-0000-4000-8000-{next(numbers):012}",
        consent=consent or OpenDomain(),
        audit=trail,
    )
