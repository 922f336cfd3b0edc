"""The consent broker's one question."""

from datetime import UTC, datetime

import pytest

from consent_broker.decide import OpenDomain
from exchange.ports import Decision
from exchange.subject import Subject

pytestmark = pytest.mark.anyio


async def test_a_domain_without_consent_rules_permits_and_says_why():
    """A reason stands in the record even when nothing was weighed."""
    decision = await OpenDomain().decide(
        Subject("10.0.0.5"), "find", ("p1^^^&2.999.5&ISO",), datetime(2030, 1, 1, tzinfo=UTC)
    )
    assert decision == Decision(permit=True, reasons=("the domain declares no consent rules",))
