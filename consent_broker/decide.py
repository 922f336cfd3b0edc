"""The one question put to the consent broker before an actor works."""

from datetime import datetime

from exchange.ports import Decision
from exchange.subject import Subject


class OpenDomain:
    """The broker of a domain that has declared no consent rules: whoever reaches it may ask."""

    async def decide(
        self, subject: Subject, verb: str, patient_ids: tuple[str, ...], at: datetime
    ) -> Decision:
        """Permit, and say in the record that no rule was applied."""
        return Decision(permit=True, reasons=("the domain declares no consent rules",))
