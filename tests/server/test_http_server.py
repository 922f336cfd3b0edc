"""What a peer may hold of the HTTP listener, and for how long (ITI TF-2: 3.19; RFC 9112; RFC 6585)."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from exchange.call import Interrupted
from server import http_exchange
from server.http_server import HttpConfig, HttpLimits, HttpServer
from server.tls.gate import GateLimits
from server.turns import Shares

pytestmark = pytest.mark.anyio

# Long enough for a busy machine; nothing waits for so long unless the test fails.
PATIENCE_SECONDS = 20.0

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK"


async def application(scope, receive, send) -> None:
    """Read the request to its end, and answer with so many bytes as its path says."""
    while (await receive()).get("more_body"):
        pass
    size_bytes = int(scope["path"].strip("/") or 2)
    length = (b"content-length", str(size_bytes).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    for _ in range(size_bytes // 65536):
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": b"x" * (size_bytes % 65536), "more_body": False})


@contextlib.asynccontextmanager
async def serving(
    untaken_seconds: float = 120.0, keep_alive: int = 75, shares: Shares | None = None, **limits
) -> AsyncIterator[HttpServer]:
    config = HttpConfig(
        application,
        node_files=None,
        limits=HttpLimits(**limits),
        gate_limits=GateLimits(untaken_seconds=untaken_seconds),
        shares=shares,
        host="127.0.0.1",
        port=0,
        lifespan="off",
        log_config=None,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=1,
    )
    server = HttpServer(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield server
        finally:
            server.should_exit = True
            await running


def port_of(server: HttpServer) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


async def connect(server: HttpServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port_of(server))


async def heard(server: HttpServer, *said: bytes, pause_seconds: float = 0.0) -> bytes:
    """All that comes back until the server ends the connection."""
    reader, writer = await connect(server)
    answer = bytearray()

    async def listen() -> None:
        # What comes before a reset has been heard, too.
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                answer.extend(data)

    listening = asyncio.create_task(listen())
    with contextlib.suppress(ConnectionError):
        for piece in said:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_seconds)
    await listening
    writer.close()
    return bytes(answer)


async def test_a_connection_that_says_nothing_ends():
    async with serving(head_seconds=0.2) as server:
        assert await heard(server) == b""


@pytest.mark.parametrize("beginning", [b"GET / HTTP/1.1\r\nX: ", GET + b"GET / HTTP/1.1\r\nX: "])
async def test_a_head_that_comes_byte_by_byte_is_cut_off(beginning):
    """RFC 9110 section 15.5.9; a first head and a later one."""
    async with serving(head_seconds=0.5) as server:
        answer = await heard(server, beginning, *[b"x"] * 50, pause_seconds=0.02)
        assert answer.endswith(
            b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )


async def test_empty_lines_are_no_head_and_do_not_keep_a_connection():
    """RFC 9112 section 2.2: they are passed over before a request."""
    async with serving(head_seconds=0.4) as server:
        assert await heard(server, *[b"\r\n"] * 40, pause_seconds=0.02) == b""
        assert (await heard(server, GET, *[b"\r\n"] * 40, pause_seconds=0.02)).startswith(OK)


async def test_a_slow_body_or_a_long_pause_between_requests_is_no_slow_head():
    async with serving(head_seconds=0.2, keep_alive=5) as server:
        reader, writer = await connect(server)
        for _ in range(2):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx")
            await asyncio.sleep(0.5)
            writer.write(b"x")
            assert (await reader.readuntil(b"\r\n\r\nxx")).startswith(OK)
            await asyncio.sleep(0.5)
        writer.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 5000 + b"\r\n\r\n",
        b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 3000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 10000,
    ],
)
async def test_a_head_that_is_too_large_is_refused(head):
    """RFC 6585 section 5; whether it comes to its end or not."""
    async with serving(head_bytes=4096) as server:
        said = (
            b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
        assert await heard(server, head) in (said, b"")
        assert await heard(server, GET[:-2] + b"Connection: close\r\n\r\n") != b""


async def test_connections_beyond_the_limit_are_closed_at_once():
    """One of them leaving makes room."""
    async with serving(connections=1) as server:
        reader, writer = await connect(server)
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\nxx")).startswith(OK)
        assert await heard(server, GET) == b""
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.1)
        assert (await heard(server, GET[:-2] + b"Connection: close\r\n\r\n")).startswith(OK)


async def test_connections_of_one_client_beyond_its_share_are_told_to_wait():
    """RFC 9110 section 15.6.4; one of them leaving makes room."""
    shares = Shares(1)
    async with serving(shares=shares) as server:
        reader, writer = await connect(server)
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\nxx")).startswith(OK)
        assert (await heard(server)) == (
            b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n"
            b"connection: close\r\ncontent-length: 0\r\n\r\n"
        )
        writer.close()
        await writer.wait_closed()
        while shares.held_by("127.0.0.1"):
            await asyncio.sleep(0.01)
        assert (await heard(server, GET[:-2] + b"Connection: close\r\n\r\n")).startswith(OK)


async def test_an_idle_connection_ends():
    async with serving(keep_alive=1) as server:
        assert (await heard(server, GET)).startswith(OK)


async def test_a_peer_that_does_not_take_its_answer_is_cut_off():
    """What waits for it would wait for ever."""
    async with serving(untaken_seconds=1.0) as server:
        with socket.create_connection(("127.0.0.1", port_of(server))) as peer:
            peer.sendall(b"GET /50000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            while not server.server_state.connections:
                await asyncio.sleep(0.01)
            while server.server_state.connections:
                await asyncio.sleep(0.05)


async def test_a_body_that_does_not_come_is_given_up(monkeypatch):
    """No answer waits for it, and nothing reads on."""
    monkeypatch.setattr(http_exchange, "SILENCE_LIMIT_SECONDS", 0.05)

    async def silent():
        await asyncio.Event().wait()

    body = http_exchange.Body(silent)
    with pytest.raises(Interrupted):
        [chunk async for chunk in body.chunks()]
    await asyncio.wait_for(body.drain(1024), PATIENCE_SECONDS)
    assert not body.complete


async def test_a_body_that_drips_is_given_up(monkeypatch):
    """A byte now and then does not hold a connection for years."""
    monkeypatch.setattr(http_exchange, "SILENCE_LIMIT_SECONDS", 0.2)

    async def dripping():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def streaming():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x" * 1000, "more_body": len(sent) < 30}

    body = http_exchange.Body(dripping)
    with pytest.raises(Interrupted):
        [chunk async for chunk in body.chunks()]
    sent: list[bytes] = []
    async for chunk in http_exchange.Body(streaming).chunks():
        sent.append(chunk)
    assert len(sent) >= 30
