"""Step 6: the consent broker's decision, and whether it is still the same when the answer is ready."""

import asyncio
from dataclasses import dataclass

from exchange.ports import Clock, Consent, Decision, Touched, Whose
from exchange.replies import Forbidden
from exchange.subject import Subject
from exchange.verbs import READING, Verb

# A decision takes milliseconds; whoever waits this long for one is denied what he asked for.
DECISION_SECONDS = 20.0

# Each time, the patient has changed his mind while the answer was made.
MOST_ANSWERS = 5


@dataclass(slots=True)
class Deciding:
    """What is asked of the consent broker for one request; whose records it touches is found out once."""

    consent: Consent
    subject: Subject
    verb: Verb
    whose: Whose
    clock: Clock
    _touched: Touched | None = None
    _made: int = 0

    async def decision(self) -> Decision:
        """What is permitted now; TimeoutError if the broker does not say, which permits nothing."""
        async with asyncio.timeout(DECISION_SECONDS):
            decision = await self.consent.decide(
                self.subject, self.verb, self._once, self.clock(), self._made > 0
            )
        self._made += 1
        return decision

    async def changed(self, decision: Decision) -> Decision | None:
        """The decision that holds now, if an answer was looked up within another one.

        So nothing leaves that shows what a patient has withdrawn while it was looked up. A change that was
        made stands, as it was permitted when it was made.
        """
        if self.verb not in READING or decision.view.unrestricted:
            return None
        if decision.standing:
            async with asyncio.timeout(DECISION_SECONDS):
                if await decision.standing.holds(self.clock()):
                    return None
        now = await self.decision()
        if (now.permit, now.view) == (decision.permit, decision.view):
            return None
        if self._made > MOST_ANSWERS:
            raise Forbidden("what may be seen changed each time that it was looked up")
        return now

    async def _once(self) -> Touched:
        if self._touched is None:
            self._touched = await self.whose()
        return self._touched
