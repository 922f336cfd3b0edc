"""Who gets through the gate, who does not, and what both hear of it (ITI TF-2: 3.19)."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from server.tls.contexts import NodeContexts, NodeFiles
from server.tls.gate import Gate, GateLimits, NodeAuthentication, RefusedPeer
from tests.services.certificates import EXPIRED, NOT_YET, Authority, Identity

pytestmark = pytest.mark.anyio

# Long enough for a busy machine; nothing waits for so long unless the test fails.
PATIENCE_SECONDS = 10.0


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


@dataclass
class Node:
    """A gate in front of an echo, what it refused, and the authority of its domain."""

    gate: Gate
    authority: Authority
    us: Identity
    refused: list[RefusedPeer]
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def reasons(self) -> list[str]:
        """Why it refused, once it has refused somebody."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.told.wait()
        return [one.reason for one in self.refused]

    def client(self, identity: Identity | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority.certificate)
        if identity:
            context.load_cert_chain(identity.certificate, identity.key)
        return context


@contextlib.asynccontextmanager
async def node(
    directory: Path, *, plain: bool = False, crl: Path | None = None, **limits: float
) -> AsyncIterator[Node]:
    authority = Authority(directory)
    us = authority.issue("us")
    refused: list[RefusedPeer] = []
    told = asyncio.Event()

    async def refuse(peer: RefusedPeer) -> None:
        refused.append(peer)
        told.set()

    files = NodeFiles(us.certificate, us.key, authority.certificate, crl)
    authentication = None if plain else NodeAuthentication(NodeContexts(files), refuse)
    gate = await Gate.open(Echo, "127.0.0.1", 0, authentication, limits=GateLimits(**limits))  # type: ignore[arg-type]  # they are what the test names
    try:
        yield Node(gate, authority, us, refused, told)
    finally:
        gate.close()
        await gate.wait_closed()


async def echoed(port: int, context: ssl.SSLContext | None, said: bytes = b"hello") -> bytes:
    """What comes back; b"" if nothing does."""
    host = "localhost" if context else None
    async with asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host)
        try:
            writer.write(said)
            return await reader.read(len(said))
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def test_a_node_of_the_domain_is_let_in(tmp_path):
    """ITI TF-2: 3.19.4."""
    async with node(tmp_path) as one:
        assert await echoed(one.gate.port, one.client(one.authority.issue("them"))) == b"hello"
        assert one.refused == []


class Impatience(Echo):
    """Sends back whether what is written leaves at once."""

    def data_received(self, data: bytes) -> None:
        connection = self.transport.get_extra_info("socket")
        self.transport.write(b"%d" % connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


async def test_the_body_of_an_answer_does_not_wait_until_its_head_is_acknowledged():
    """RFC 9293: 3.7.4; a peer may put off what acknowledges a lone segment by 40 ms."""
    gate = await Gate.open(Impatience, "127.0.0.1", 0, None)
    assert await echoed(gate.port, None, b"?") == b"1"
    gate.close()
    await gate.wait_closed()


async def test_without_authentication_lines_are_plain(tmp_path):
    async with node(tmp_path, plain=True) as one:
        assert await echoed(one.gate.port, None) == b"hello"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("kind", "alert", "reason"),
    [
        ("nobody", "CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE", "it showed no certificate, and one is required"),
        ("foreign", "UNKNOWN_CA", "its certificate was issued by an authority that is not trusted"),
        ("expired", "CERTIFICATE_EXPIRED", "its certificate has expired"),
        ("too early", "BAD_CERTIFICATE", "its certificate is not valid yet"),
        ("pretender", "DECRYPT_ERROR|UNKNOWN_CA", "not trusted|does not hold"),
    ],
)
async def test_a_refused_peer_hears_why_and_so_do_we(tmp_path, version, kind, alert, reason):
    """ITI TF-2: 3.19.4.1.3; RFC 8446 section 6.2: the alert reaches the peer."""
    async with node(tmp_path) as one:
        (tmp_path / "elsewhere").mkdir()
        identity = {
            "nobody": lambda: None,
            "foreign": lambda: Authority(tmp_path / "elsewhere", "foreign").issue("them"),
            "expired": lambda: one.authority.issue("them", valid=EXPIRED),
            "too early": lambda: one.authority.issue("them", valid=NOT_YET),
            # The right names, and another key.
            "pretender": lambda: Authority(tmp_path / "elsewhere").issue("them"),
        }[kind]()
        context = one.client(identity)
        context.maximum_version = version
        with pytest.raises(ssl.SSLError) as heard:
            await echoed(one.gate.port, context)
        assert any(word in str(heard.value.reason) for word in alert.split("|")), heard.value.reason
        (told,) = await one.reasons()
        assert any(words in told for words in reason.split("|")), told
        assert one.refused[0].address == "127.0.0.1"
        assert await echoed(one.gate.port, one.client(one.authority.issue("another"))) == b"hello"


async def test_what_is_no_tls_is_refused(tmp_path):
    """HTTP and MLLP in plain at a port for TLS."""
    async with node(tmp_path) as one:
        for said in (b"POST /registry HTTP/1.1\r\n\r\n", b"\x0bMSH|^~\\&|\x1c\r", b"\x00" * 100):
            with contextlib.suppress(ConnectionError):
                assert b"hello" not in await echoed(one.gate.port, None, said)
        await one.reasons()
        while len(one.refused) < 3:
            await asyncio.sleep(0.01)
        assert [peer.reason for peer in one.refused] == ["it speaks plain HTTP, not TLS"] + [
            "it does not speak TLS"
        ] * 2


async def test_who_only_knocks_is_not_reported(tmp_path):
    """A balancer looks whether somebody listens; it has not tried to authenticate."""
    async with node(tmp_path) as one:
        for _ in range(3):
            socket.create_connection(("127.0.0.1", one.gate.port)).close()
        assert await echoed(one.gate.port, one.client(one.authority.issue("them"))) == b"hello"
        assert one.refused == []


async def test_a_handshake_that_does_not_go_on_ends(tmp_path):
    """One byte now and then does not hold a connection for ever."""
    async with node(tmp_path, handshake_seconds=0.2) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.gate.port)
        writer.write(b"\x16\x03\x01")
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), PATIENCE_SECONDS) == b""
        assert await one.reasons() == ["it did not come to the end of the handshake in time"]
        writer.close()


async def test_a_peer_that_leaves_within_the_handshake_is_reported(tmp_path):
    """It may have refused our certificate."""
    async with node(tmp_path) as one:
        _, writer = await asyncio.open_connection("127.0.0.1", one.gate.port)
        writer.write(b"\x16\x03\x01")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        assert await one.reasons() == ["it went away in the middle of the handshake"]


async def test_a_peer_that_does_not_trust_us_is_reported(tmp_path):
    """ITI TF-2: 3.19.4: both sides authenticate."""
    async with node(tmp_path) as one:
        place = ("127.0.0.1", one.gate.port)

        def call() -> None:
            stranger = ssl.create_default_context()
            with socket.create_connection(place) as plain, pytest.raises(ssl.SSLCertVerificationError):
                stranger.wrap_socket(plain, server_hostname="localhost")

        await asyncio.to_thread(call)
        assert await one.reasons() == ["it does not trust the authority of our certificate"]


async def test_a_refused_peer_that_keeps_sending_is_cut_off(tmp_path):
    """It gets the time to read our alert, and no more."""
    async with node(tmp_path, goodbye_seconds=0.2) as one:
        _, writer = await asyncio.open_connection("127.0.0.1", one.gate.port)

        async def flood() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"x" * 65536)
                    await writer.drain()

        flooding = asyncio.create_task(flood())
        assert await one.reasons() == ["it does not speak TLS"]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await flooding
        writer.close()


@pytest.mark.parametrize("limits", [{"handshakes": 1}, {"handshakes_of_one": 1}])
async def test_handshakes_beyond_the_limit_are_closed_at_once(tmp_path, limits):
    """Of all addresses and of one; one that ends makes room."""
    async with node(tmp_path, **limits) as one:
        _, first = await asyncio.open_connection("127.0.0.1", one.gate.port)
        await asyncio.sleep(0.05)
        with pytest.raises(OSError):  # noqa: PT011 - a reset or an early end, as the moment has it
            await echoed(one.gate.port, one.client(one.authority.issue("them")))
        first.close()
        await asyncio.sleep(0.05)
        assert await echoed(one.gate.port, one.client(one.authority.issue("another"))) == b"hello"


async def test_nothing_said_with_the_end_of_the_handshake_is_lost(tmp_path):
    """RFC 8446 section 2: a client may send its request in one packet with the end of its handshake."""
    async with node(tmp_path) as one:
        context = one.client(one.authority.issue("them"))
        for _ in range(10):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            reader, writer = await asyncio.open_connection("127.0.0.1", one.gate.port)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await asyncio.wait_for(reader.read(65536), PATIENCE_SECONDS))
            tls.write(b"in one flight")
            writer.write(outgoing.read())
            answer = b""
            while not answer:
                incoming.write(await asyncio.wait_for(reader.read(65536), PATIENCE_SECONDS))
                with contextlib.suppress(ssl.SSLWantReadError):
                    answer = tls.read(100)
            assert answer == b"in one flight"
            writer.close()


async def test_a_closed_gate_lets_nobody_in_and_leaves_those_inside_alone(tmp_path):
    async with node(tmp_path) as one:
        context = one.client(one.authority.issue("them"))
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", one.gate.port, ssl=context, server_hostname="localhost"
        )
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        port = one.gate.port
        one.gate.close()
        await one.gate.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"after")
        assert await asyncio.wait_for(reader.readexactly(5), PATIENCE_SECONDS) == b"after"
        writer.close()
