"""Answers are made within the decision that holds when they leave (docs/consent.md)."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from exchange import deciding
from exchange.deciding import MOST_ANSWERS, Deciding
from exchange.ports import Decision, Touched
from exchange.replies import Forbidden
from exchange.serve import Actor
from exchange.standing import Standing
from exchange.subject import Subject
from exchange.verbs import Verb
from exchange.visibility import EVERYTHING, NOTHING, View
from ihe.audit_events import Outcome
from tests.exchange.test_serve import REGISTER, answer_of, registry
from tests.messages.surroundings import KeptTrail, surroundings

pytestmark = pytest.mark.anyio

PATIENT = "p1^^^&2.999.3&ISO"
OPEN = Decision(permit=True, view=View({PATIENT: EVERYTHING}))
SHUT = Decision(permit=True, view=View({PATIENT: NOTHING}))


@dataclass
class Changing:
    """A broker whose patient decides this and then that."""

    decisions: list[Decision]
    asked: int = field(default=0)

    async def decide(self, subject, verb, whose, at, counted=False) -> Decision:
        await whose()
        self.asked += 1
        return self.decisions[min(self.asked, len(self.decisions)) - 1]


class Silent:
    """A broker that does not answer."""

    async def decide(self, *question) -> Decision:
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")


class Broken:
    """A broker whose database is gone."""

    async def decide(self, *question) -> Decision:
        raise OSError("no route to host")


def asking(broker, verb: Verb = Verb.FIND) -> tuple[Deciding, list[None]]:
    lookups: list[None] = []

    async def whose() -> Touched:
        lookups.append(None)
        return Touched(owners=frozenset({PATIENT}))

    at = datetime(2030, 1, 1, tzinfo=UTC)
    return Deciding(broker, Subject("10.0.0.5"), verb, whose, lambda: at), lookups


async def test_what_was_looked_up_while_the_patient_changed_his_mind_is_looked_up_again():
    """The answer that is ready shows what he had shared before."""
    asked, lookups = asking(Changing([OPEN, SHUT]))
    first = await asked.decision()
    assert first == OPEN
    assert await asked.changed(first) == SHUT
    assert await asked.changed(SHUT) is None
    assert len(lookups) == 1


async def test_a_decision_that_stays_the_same_is_made_once_more_and_no_more():
    """Nothing is remembered from one request to the next, but within one the records are the same."""
    broker = Changing([OPEN])
    asked, lookups = asking(broker)
    assert await asked.changed(await asked.decision()) is None
    assert (broker.asked, len(lookups)) == (2, 1)


async def test_what_still_stands_is_not_decided_again():
    """The broker says by what it decided, and asks for that alone."""
    asked_at: list[datetime] = []

    async def by(rows, at) -> bool:
        asked_at.append(at)
        return rows is not None

    broker = Changing([replace(OPEN, standing=Standing(None, by)), SHUT])
    asked, _ = asking(broker)
    first = await asked.decision()
    assert first.standing
    first.standing.rows = []
    assert await asked.changed(first) is None
    assert (broker.asked, len(asked_at)) == (1, 1)
    first.standing.rows = None
    assert await asked.changed(first) == SHUT


async def test_what_was_changed_stays_changed():
    """A deposit was permitted when it was made."""
    broker = Changing([OPEN, SHUT])
    asked, _ = asking(broker, Verb.DEPOSIT)
    assert await asked.changed(await asked.decision()) is None
    assert broker.asked == 1


async def test_whoever_changes_his_mind_for_ever_shows_nothing():
    """The number of answers is limited."""
    asked, _ = asking(Changing([OPEN, SHUT] * MOST_ANSWERS))
    decisions = [await asked.decision(), SHUT, OPEN, SHUT]
    assert [await asked.changed(decision) for decision in decisions] == [SHUT, OPEN, SHUT, OPEN]
    with pytest.raises(Forbidden):
        await asked.changed(OPEN)


@pytest.mark.parametrize("broker", [Silent(), Broken()], ids=["silent", "broken"])
async def test_a_broker_that_does_not_answer_permits_nothing(broker, monkeypatch):
    """Nothing is done, and the record says that something is wrong."""
    monkeypatch.setattr(deciding, "DECISION_SECONDS", 0.05)
    done: list[object] = []

    async def note(submission, **_):
        done.append(submission)

    trail = KeptTrail()
    actor: Actor = registry(note)
    answer = await answer_of(REGISTER, actor, surroundings(trail, consent=broker))
    assert answer.codes == ["XDSRegistryError"]
    assert b"Success" not in answer.body
    assert done == []
    assert trail.messages[0].event.outcome is Outcome.SERIOUS
