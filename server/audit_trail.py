"""The audit port on the local spool."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from atna_audit.spool import Spool
from audit_message.model import AuditMessage
from audit_message.write import write_audit_message
from exchange.audit_gap import recording_interrupted
from exchange.diary import Node
from exchange.ports import AuditUnavailable
from exchange.tally import Tally

log = logging.getLogger("coffre.audit")


@dataclass(frozen=True, slots=True)
class SpooledAuditTrail:
    """Writes records as DICOM PS3.15 A.5 XML; they are durable when `record` returns (ITI TF-2: 3.20)."""

    spool: Spool

    async def record(self, *messages: AuditMessage) -> None:
        """Keep these records, or raise AuditUnavailable."""
        await self.spool.record(*map(write_audit_message, messages))


@dataclass(slots=True)
class FailingOpen:
    """Lets answers leave without their records where an operator has said so, and raises the alarm.

    What is lost is counted, and told in the first record that can be kept again.
    """

    trail: SpooledAuditTrail
    tally: Tally
    node: Node
    clock: Callable[[], datetime]
    _since: datetime | None = None
    _untold: int = 0

    async def record(self, *messages: AuditMessage) -> None:
        """Keep these records if they can be kept."""
        # Taken away while it is told: what comes meanwhile does not tell it too.
        (since, untold), self._since, self._untold = (self._since, self._untold), None, 0
        told: tuple[AuditMessage, ...] = ()
        if since:
            node = self.node
            told = recording_interrupted(since, self.clock(), untold, node.process_id, node.audit_source_id)
        try:
            await self.trail.record(*told, *messages)
        except AuditUnavailable as problem:
            self._since = since or self._since or self.clock()
            self._untold += untold + 1
            self.tally.lost += 1
            log.critical("AUDIT RECORDS ARE LOST, answers leave without them (fail_open): %s", problem)
