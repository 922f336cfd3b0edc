"""The socket of the HL7 v2 feed: its order, its limits, its end (ITI TF-2: 3.8.4; HL7 v2.3.1 appendix C)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from exchange.identity_feed_v2 import Delivery
from server.mllp import MllpLimits, MllpListener

pytestmark = pytest.mark.anyio

# Long enough for a busy machine; nothing waits for so long unless the test fails.
PATIENCE_SECONDS = 10.0

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(delivery: Delivery) -> bytes:
    return delivery.content or delivery.trouble.encode()


@contextlib.asynccontextmanager
async def listening(take=echo, **limits) -> AsyncIterator[MllpListener]:
    listener = await MllpListener.start(take, "127.0.0.1", 0, limits=MllpLimits(**limits))
    try:
        yield listener
    finally:
        await listener.stop()


@contextlib.asynccontextmanager
async def connected(listener: MllpListener) -> AsyncIterator[Ends]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield reader, writer
    finally:
        writer.close()


async def test_messages_of_a_connection_are_answered_in_order():
    """HL7 v2.3.1: C.4: also when they come together."""
    async with listening() as listener, connected(listener) as (reader, writer):
        writer.write(b"\x0bone\x1c\r\x0btwo\x1c\r")
        assert await reader.readexactly(12) == b"\x0bone\x1c\r\x0btwo\x1c\r"
        writer.write(b"\x0bthree\x1c\r")
        assert await reader.readexactly(8) == b"\x0bthree\x1c\r"


async def test_a_peer_that_ends_its_side_still_gets_its_answer():
    """Simple senders half-close behind their only message."""
    async with listening() as listener, connected(listener) as (reader, writer):
        writer.write(b"\x0bone\x1c\r")
        writer.write_eof()
        assert await reader.read() == b"\x0bone\x1c\r"


async def test_who_does_not_speak_mllp_is_told_and_the_connection_ends():
    """HL7 v2.3.1: C.4."""
    async with listening(frame_bytes=100) as listener, connected(listener) as (reader, writer):
        writer.write(b"\x0b" + b"x" * 200)
        assert await reader.read() == b"\x0ba frame is longer than 100 bytes\x1c\r"


async def test_a_silent_connection_ends():
    """A source opens a new one when it needs it."""
    async with listening(idle_seconds=0.05) as listener, connected(listener) as (reader, _):
        assert await reader.read() == b""


async def test_a_frame_that_does_not_come_to_its_end_ends_the_connection():
    """One byte now and then does not hold a connection for ever."""
    async with listening(frame_seconds=0.2) as listener, connected(listener) as (reader, writer):

        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"x")
                    await asyncio.sleep(0.02)

        writer.write(b"\x0b")
        dripping = asyncio.create_task(drip())
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        dripping.cancel()


@pytest.mark.parametrize("limit", ["connections", "connections_of_one"])
async def test_connections_beyond_the_limit_are_closed_at_once(limit):
    """Of all clients and of one; one of them leaving makes room."""
    async with listening(**{limit: 1}) as listener:
        async with connected(listener) as (reader, writer):
            writer.write(b"\x0bone\x1c\r")
            await reader.readexactly(6)
            async with connected(listener) as (second, _):
                assert await second.read() == b""
            writer.write_eof()
            assert await reader.read() == b""
        async with connected(listener) as (reader, writer):
            writer.write(b"\x0btwo\x1c\r")
            assert await reader.readexactly(6) == b"\x0btwo\x1c\r"


async def test_what_was_taken_is_answered_before_the_listener_stops():
    """And nothing behind it: its sender sends it again, elsewhere."""
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def slow(delivery: Delivery) -> bytes:
        taken.set()
        await go_on.wait()
        return delivery.content

    async with listening(slow) as listener, connected(listener) as (reader, writer):
        writer.write(b"\x0bone\x1c\r\x0btwo\x1c\r")
        await taken.wait()
        async with connected(listener) as (idle, _):
            stopping = asyncio.create_task(listener.stop())
            assert await idle.read() == b""
            assert not stopping.done()
            go_on.set()
            assert await reader.read() == b"\x0bone\x1c\r"
            await stopping


async def test_stopping_does_not_wait_for_ever():
    """What is late is cut off; its sender has no acknowledgement and sends it again."""

    async def never(delivery: Delivery) -> bytes:
        await asyncio.Event().wait()
        return b""

    async with listening(never, stop_seconds=0.05) as listener, connected(listener) as (reader, writer):
        writer.write(b"\x0bone\x1c\r")
        await asyncio.sleep(0.05)
        await listener.stop()
        assert await reader.read() == b""
