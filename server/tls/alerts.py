"""Refused peers in the audit trail: each one, until somebody makes a flood of them (ITI TF-2: 3.19.5)."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Self

from exchange.audit_trail import RefusedNode, node_refused
from exchange.diary import Node
from exchange.ports import AuditTrail, AuditUnavailable, Clock
from server.tls.gate import RefusedPeer

log = logging.getLogger("coffre.tls")

# A misconfigured sender tries some times a minute; a scanner tries thousands of times, and each record would
# be synced to the disk and kept for years. Beyond this number the refusals of a period share one record.
RECORDS_PER_PERIOD = 60
PERIOD_SECONDS = 60.0


class NodeAlerts:
    """Writes a Security Alert for each refused peer; beyond the limit one for the rest of the period."""

    def __init__(self, audit: AuditTrail, clock: Clock, node: Node) -> None:
        self._audit = audit
        self._clock = clock
        self._node = node
        self._recorded = 0
        self._unrecorded = 0
        self._latest: RefusedNode | None = None

    @classmethod
    @asynccontextmanager
    async def kept(
        cls, audit: AuditTrail, clock: Clock, node: Node, period_seconds: float = PERIOD_SECONDS
    ) -> AsyncIterator[Self]:
        """Lend one whose periods begin and end by themselves; the last ends with the block."""
        alerts = cls(audit, clock, node)

        async def periods() -> None:
            while True:
                await asyncio.sleep(period_seconds)
                await alerts.end_period()

        running = asyncio.create_task(periods())
        try:
            yield alerts
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await alerts.end_period()

    def at(self, scheme: str) -> Callable[[RefusedPeer], Awaitable[None]]:
        """For the gate of a listener of this scheme."""

        async def refused(peer: RefusedPeer) -> None:
            endpoint = f"{scheme}://{peer.our_address}:{peer.our_port}"
            await self.record(RefusedNode(endpoint, peer.our_address, peer.address, peer.reason))

        return refused

    async def record(self, refused: RefusedNode) -> None:
        """Keep this refusal."""
        if self._recorded < RECORDS_PER_PERIOD:
            self._recorded += 1
            await self._write(refused)
        else:
            self._unrecorded += 1
            self._latest = refused

    async def end_period(self) -> None:
        """Write the record of those that had none of their own, and begin anew."""
        latest, number = self._latest, self._unrecorded
        self._recorded, self._unrecorded, self._latest = 0, 0, None
        if latest:
            reason = f"{number} more connections were refused without a record of their own; the latest: "
            await self._write(replace(latest, reason=reason + latest.reason))

    async def _write(self, refused: RefusedNode) -> None:
        message = node_refused(refused, self._clock(), self._node.process_id, self._node.audit_source_id)
        try:
            await self._audit.record(message)
        except AuditUnavailable as problem:
            log.critical("the audit trail cannot be written: %s", problem)
