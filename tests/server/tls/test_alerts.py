"""Refused peers in the audit trail, one by one and by the thousand (ITI TF-2: 3.19.5)."""

import asyncio
from datetime import UTC, datetime

import pytest

from audit_message.model import AuditMessage
from exchange.audit_trail import RefusedNode
from exchange.diary import Node
from exchange.ports import AuditUnavailable
from server.tls.alerts import NodeAlerts

pytestmark = pytest.mark.anyio

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
NODE = Node("4711", "coffre.example")


class Trail:
    """Keeps what it is given, unless it is full."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.full = False

    async def record(self, *messages: AuditMessage) -> None:
        if self.full:
            raise AuditUnavailable("no room")
        self.reasons += [one.event.outcome_description for one in messages]


def refused(number: int) -> RefusedNode:
    return RefusedNode("https://10.0.0.6:8443", "10.0.0.6", "10.0.0.5", f"reason {number}")


async def test_a_flood_of_refusals_costs_a_bounded_number_of_records():
    """The disk is synced for each record, and each is kept for years."""
    trail = Trail()
    async with NodeAlerts.kept(trail, lambda: NOON, NODE) as alerts:
        for number in range(1000):
            await alerts.record(refused(number))
        assert trail.reasons == [f"reason {number}" for number in range(60)]
    assert trail.reasons[60:] == [
        "940 more connections were refused without a record of their own; the latest: reason 999"
    ]


async def test_after_a_while_each_refusal_has_a_record_again():
    trail = Trail()
    async with NodeAlerts.kept(trail, lambda: NOON, NODE, period_seconds=0.05) as alerts:
        for number in range(62):
            await alerts.record(refused(number))
        async with asyncio.timeout(10):
            while len(trail.reasons) < 61:
                await asyncio.sleep(0.01)
        await alerts.record(refused(100))
        assert trail.reasons[60:] == [
            "2 more connections were refused without a record of their own; the latest: reason 61",
            "reason 100",
        ]


async def test_a_trail_that_cannot_be_written_is_told_to_the_operator(caplog):
    """The peer is refused all the same."""
    trail = Trail()
    trail.full = True
    async with NodeAlerts.kept(trail, lambda: NOON, NODE) as alerts:
        await alerts.record(refused(1))
    assert "the audit trail cannot be written" in caplog.text
