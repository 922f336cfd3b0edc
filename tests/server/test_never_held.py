"""The leak-proof property: answers equal those of a registry that never held what the subject may not see.

docs/consent.md; each example sends some hundred messages to two whole platforms of this process.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from consent_broker import store
from consent_broker.model import Directives, RecordStatus
from consent_broker.rules import Rules
from consent_broker.store import Directive
from exchange.call import Call
from exchange.serve import serve
from hl7v2.datatypes import CX
from registry.patients import add_patient
from registry.store import RegistryStore
from server.composition import Platform, running_platform
from server.configuration import load
from server.rules import read_rule_pack
from tests.messages.every_request import Sent
from tests.services.never_held import Answer, Side, SteppingClock, check
from tests.services.ruled import RULED_DOMAIN, write_rules

pytestmark = pytest.mark.anyio

quietly = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@dataclass(repr=False)
class Worlds:
    """Two platforms with the same rules and the same clock."""

    whole: Platform
    twin: Platform
    clock: SteppingClock
    rules: Rules

    async def hold(self, seed: int) -> None:
        # Each example begins now, so that no assertion grows old.
        self.clock.at = datetime.now(UTC)
        await check(seed, (side(self.whole, self.clock), side(self.twin, self.clock)), self.rules, self.clock)


@pytest.fixture
async def worlds(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Worlds]:
    """Two platforms with the same rules and the same clock."""
    clock = SteppingClock()
    async with AsyncExitStack() as stack:

        async def platform(name: str) -> Platform:
            directory = write_rules(tmp_path / name)
            (directory / "coffre.toml").write_text(RULED_DOMAIN)
            environment = {}
            if name in request.param:
                environment["COFFRE_DATABASE_URL"] = request.getfixturevalue(request.param[name])
            configuration = load(directory / "coffre.toml", environment)
            running = running_platform(configuration, ("registry", "repository"), clock)
            return await stack.enter_async_context(running)

        whole, twin = await platform("whole"), await platform("twin")
        yield Worlds(whole, twin, clock, read_rule_pack(str(tmp_path / "whole" / "rules.toml")))


def side(platform: Platform, clock: Callable[[], Any]) -> Side:
    """A platform as its peers and its patients meet it."""
    database = platform.database

    async def send(sent: Sent) -> Answer:
        async def body() -> AsyncIterator[bytes]:
            yield sent.message

        url = platform.urls[sent.actor]
        call = Call(sent.content_type, body(), url, "127.0.0.1", "127.0.0.1")
        answer = await serve(call, platform.actors[sent.actor], platform.around)
        content = answer.body
        if not isinstance(content, bytes):
            content = b"".join([piece async for piece in content])
        return answer.status, answer.content_type, content

    async def known(patient_id: str) -> None:
        await add_patient(CX(patient_id), RegistryStore(database), clock)

    async def turn(patient_id: str, status: RecordStatus) -> None:
        await store.set_status(patient_id, status, clock(), "portal", database)

    async def let(patient_id: str, directive: Directive) -> None:
        await store.add(patient_id, directive, clock(), "portal", database)

    async def no_longer(patient_id: str, directive: Directive) -> None:
        await store.end(patient_id, directive, clock(), "portal", database)

    async def held(patient_id: str) -> Directives:
        return (await store.directives_of((patient_id,), RecordStatus.NOT_OPENED, database, clock()))[
            patient_id
        ]

    return Side(send, known, turn, let, no_longer, held)


@pytest.mark.parametrize("worlds", [{}], ids=["sqlite"], indirect=True)
@settings(max_examples=12, phases=[Phase.generate], suppress_health_check=quietly)
@given(st.integers(0, 10**9))
async def test_on_sqlite_nothing_tells_that_something_is_hidden(worlds, seed):
    await worlds.hold(seed)


@pytest.mark.parametrize(
    "worlds",
    [{"whole": "migrated_postgresql_url", "twin": "postgresql_url"}],
    ids=["postgresql"],
    indirect=True,
)
@settings(max_examples=3, phases=[Phase.generate], suppress_health_check=quietly)
@given(st.integers(0, 10**9))
async def test_on_postgresql_nothing_tells_that_something_is_hidden(worlds, seed):
    await worlds.hold(seed)
