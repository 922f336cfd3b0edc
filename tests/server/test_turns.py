"""One client cannot starve the others: requests are let in by turns."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from exchange.subject import NodeCertificate
from server.callers import Caller, client_of
from server.turns import Shares, TooMany, TurnLimits, Turns

pytestmark = pytest.mark.anyio


def turns(**limits) -> Turns:
    return Turns(TurnLimits(**limits), asyncio.get_running_loop().time)


class House:
    """Requests that stay inside until they are told to go, in the order in which they came in."""

    def __init__(self, among: Turns) -> None:
        self.among = among
        self.inside: list[str] = []
        self._leaving: dict[str, asyncio.Event] = {}
        self._all: set[asyncio.Task[None]] = set()

    def ring(self, name: str) -> asyncio.Task[None]:
        self._leaving[name] = asyncio.Event()
        task = asyncio.create_task(self._visit(name))
        self._all.add(task)
        return task

    async def _visit(self, name: str) -> None:
        async with self.among.turn(name[0]):
            self.inside.append(name)
            await self._leaving[name].wait()
            self.inside.remove(name)

    async def leave(self, name: str) -> None:
        self._leaving[name].set()
        await settled()

    async def end(self) -> None:
        for task in self._all:
            task.cancel()
        await asyncio.gather(*self._all, return_exceptions=True)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def house(**limits) -> AsyncIterator[House]:
    one = House(turns(**limits))
    try:
        yield one
    finally:
        await one.end()


async def test_who_floods_waits_for_himself_and_not_before_others():
    """A hundred of one client wait; the one of another goes in as soon as anything is free."""
    async with house(under_way=4, under_way_of_one=4) as one:
        for number in range(100):
            one.ring(f"a{number}")
        await settled()
        assert one.inside == ["a0", "a1", "a2", "a3"]
        one.ring("b0")
        one.ring("b1")
        await one.leave("a0")
        await one.leave("a1")
        await one.leave("a2")
        await one.leave("a3")
        assert one.inside == ["a4", "b0", "a5", "b1"]


async def test_one_client_leaves_room_for_others_from_the_start():
    async with house(under_way=4, under_way_of_one=2) as one:
        for name in ("a0", "a1", "a2", "b0", "b1", "b2"):
            one.ring(name)
        await settled()
        assert one.inside == ["a0", "a1", "b0", "b1"]
        await one.leave("b0")
        assert one.inside == ["a0", "a1", "b1", "b2"]
        await one.leave("a1")
        assert one.inside == ["a0", "b1", "b2", "a2"]


async def test_more_than_may_wait_are_told_at_once_and_others_are_not():
    async with house(under_way=1, under_way_of_one=1, waiting_of_one=1) as one:
        one.ring("a0")
        one.ring("a1")
        await settled()
        with pytest.raises(TooMany, match="wait already"):
            await one.ring("a2")
        one.ring("b0")
        await settled()
        await one.leave("a0")
        await one.leave("a1")
        assert one.inside == ["b0"]


async def test_who_has_no_turn_in_time_is_told_so_and_leaves_no_trace():
    async with house(under_way=1, under_way_of_one=1, wait_seconds=0.01) as one:
        one.ring("a0")
        await settled()
        with pytest.raises(TooMany, match="no turn in time"):
            await one.ring("b0")
        one.ring("c0")
        await settled()
        await one.leave("a0")
        assert one.inside == ["c0"]


async def test_who_goes_away_while_waiting_gives_his_place_to_the_next():
    async with house(under_way=1, under_way_of_one=1) as one:
        one.ring("a0")
        gone, also_gone = one.ring("a1"), one.ring("b0")
        one.ring("c0")
        await settled()
        gone.cancel()
        await settled()
        # At the same moment in which it is let in.
        one._leaving["a0"].set()
        while one.inside:
            await asyncio.sleep(0)
        also_gone.cancel()
        await settled()
        assert one.inside == ["c0"]
        await one.leave("c0")
        assert one.among._under_way == 0
        assert one.among._waiting == {}
        assert not one.among._shares._held


async def test_a_second_of_requests_may_come_at_once_and_then_so_many_a_second():
    now = 100.0
    among = Turns(TurnLimits(per_second_of_one=10), lambda: now)

    async def taken(client: str) -> bool:
        try:
            async with among.turn(client):
                return True
        except TooMany:
            return False

    assert [await taken("a") for _ in range(12)] == [True] * 10 + [False] * 2
    assert await taken("b")
    now += 0.31
    assert [await taken("a") for _ in range(5)] == [True] * 3 + [False] * 2


def test_a_client_is_its_certificate_else_where_it_comes_from():
    certificate = NodeCertificate("CN=practice", "ab" * 32)
    assert client_of(Caller("10.0.0.1", certificate)) == "ab" * 32
    assert client_of(Caller("10.0.0.1")) == "10.0.0.1"
    # Whoever has one address of IPv6 has all of its network.
    assert client_of(Caller("2001:db8::1")) == client_of(Caller("2001:db8::2:3")) == "2001:db8::/64"
    assert client_of(Caller("")) == ""


def test_shares_are_counted_for_each():
    shares = Shares(2)
    assert [shares.take("a"), shares.take("a"), shares.take("a"), shares.take("b")] == [
        True,
        True,
        False,
        True,
    ]
    shares.give_back("a")
    assert shares.held_by("a") == 1
    assert shares.take("a")
