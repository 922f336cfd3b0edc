"""The consent broker's one question."""

from datetime import UTC, datetime

import pytest

from consent_broker.broker import OpenDomain
from exchange.ports import Decision, Touched
from exchange.subject import Subject
from exchange.verbs import Verb

pytestmark = pytest.mark.anyio


async def nobody() -> Touched:
    raise AssertionError("where there are no rules nobody needs to find out whose records are touched")


async def test_a_domain_without_consent_rules_permits_and_says_why():
    """A reason stands in the record even when nothing was weighed."""
    at = datetime(2030, 1, 1, tzinfo=UTC)
    decision = await OpenDomain().decide(Subject("10.0.0.5"), Verb.FIND, nobody, at)
    assert decision == Decision(permit=True, reasons=("the domain declares no consent rules",))
