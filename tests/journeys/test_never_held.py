"""The leak-proof property over the wire: two servers, of which one never held what the subject may not see.

docs/consent.md; `tests/server/test_never_held.py` tries more examples without sockets between.
"""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from consent_broker.model import Directives, RecordStatus
from consent_broker.store import Directive
from server import consent
from server.configuration import load
from server.rules import read_rule_pack
from tests.messages import requests
from tests.messages.every_request import Sent
from tests.services.never_held import Answer, Side, SteppingClock, check
from tests.services.platform import Platform, running
from tests.services.ruled import RULED_DOMAIN, write_rules
from tests.wire import envelope, post

pytestmark = pytest.mark.anyio


def side(platform: Platform) -> Side:
    """A server as its peers and its operator meet it."""
    configuration = load(platform.directory / "coffre.toml", platform.environment)

    async def send(sent: Sent) -> Answer:
        url = platform.registry_url if sent.actor == "registry" else platform.repository_url
        answer = await asyncio.to_thread(post, url, sent.message, sent.content_type)
        # Each server has a port of its own.
        body = answer.body.replace(str(urlsplit(url).port).encode(), b"port")
        return answer.status, answer.headers["content-type"], body

    async def known(patient_id: str) -> None:
        message = envelope(requests.ITI_44, requests.patient_added(patient_id))
        answer = await asyncio.to_thread(post, platform.registry_url, message)
        assert [one.get("code") for one in answer.found("typeCode")] == ["CA"]

    async def turn(patient_id: str, status: RecordStatus) -> None:
        await consent.turn(configuration, patient_id, status, "portal")

    async def let(patient_id: str, directive: Directive) -> None:
        await consent.give(configuration, patient_id, directive, "portal")

    async def no_longer(patient_id: str, directive: Directive) -> None:
        await consent.take_back(configuration, patient_id, directive, "portal")

    async def held(patient_id: str) -> Directives:
        return (await consent.show(configuration, patient_id, "portal"))[0]

    return Side(send, known, turn, let, no_longer, held, same_clock=False)


@pytest.mark.parametrize("seed", [13])
async def test_nothing_that_comes_over_the_wire_tells_that_something_is_hidden(tmp_path: Path, seed):
    """Every query and transaction about a hidden document (docs/consent.md)."""
    with (
        running(write_rules(tmp_path / "whole"), toml=RULED_DOMAIN) as whole,
        running(write_rules(tmp_path / "twin"), toml=RULED_DOMAIN) as twin,
    ):
        rules = read_rule_pack(str(tmp_path / "whole" / "rules.toml"))
        await check(seed, (side(whole), side(twin)), rules, SteppingClock())
