"""The audit port on the local spool."""

from dataclasses import dataclass

from atna_audit.spool import Spool
from audit_message.model import AuditMessage
from audit_message.write import write_audit_message


@dataclass(frozen=True, slots=True)
class SpooledAuditTrail:
    """Writes records as DICOM PS3.15 A.5 XML; they are durable when `record` returns (ITI TF-2: 3.20)."""

    spool: Spool

    async def record(self, *messages: AuditMessage) -> None:
        """Keep these records, or raise AuditUnavailable."""
        await self.spool.record(*map(write_audit_message, messages))
