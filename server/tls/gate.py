"""The gate of a listener: accepts connections, lets nodes in, tells why one was refused (ITI TF-2: 3.19)."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Self

from server.callers import network_of
from server.loads import Loads
from server.tls.contexts import NodeContexts
from server.tls.reasons import reason_of
from server.turns import Shares

log = logging.getLogger("coffre.tls")

# Connections that the system completes before we accept them.
BACKLOG = 512

# Nothing can be accepted while all file descriptors are taken; some of them end soon.
EXHAUSTED_PAUSE_SECONDS = 0.5

# How long a process waits for one that has fewer connections to accept the next; then it does so itself.
TURN_SECONDS = 0.005

# What a refused peer may still send while it reads why, in pieces of up to 256 KiB.
GOODBYE_PIECES = 8


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What peers may hold who have not proved yet who they are."""

    # A handshake costs a signature and some round trips; more at once than this are an attack or a storm.
    handshakes: int = 256
    # Of one address: a balancer in front of us has no more under way, one that stalls them takes not all.
    handshakes_of_one: int = 64
    # Slow lines and smart cards need seconds.
    handshake_seconds: float = 20.0
    # A refused peer is told why, and this long we wait for it to have read that.
    goodbye_seconds: float = 2.0
    # What we have sent and the peer does not take: a line that was cut, or a peer that stopped to read.
    untaken_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class RefusedPeer:
    """A peer that did not come to the end of its handshake: where it called, from where, and why."""

    address: str
    our_address: str
    our_port: int
    reason: str


@dataclass(frozen=True, slots=True)
class NodeAuthentication:
    """How a listener finds out who is there, and whom it tells about those who are refused."""

    contexts: NodeContexts
    refused: Callable[[RefusedPeer], Awaitable[None]]


async def listening_at(host: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Sockets that listen at every address of that host; OSError if one of them cannot."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    places = dict.fromkeys((family, address[:2]) for family, _, _, _, address in found)
    with contextlib.ExitStack() as opened:
        listening = [
            opened.enter_context(
                socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=shared)
            )
            for family, address in places
        ]
        opened.pop_all()
    return listening


class Gate:
    """Accepts on some sockets; each connection goes to a protocol of its own once its handshake is done."""

    def __init__(
        self,
        protocol: Callable[[], asyncio.Protocol],
        listening: Sequence[socket.socket],
        authentication: NodeAuthentication | None,
        limits: GateLimits | None = None,
        full: Callable[[], bool] = lambda: False,
        loads: Loads | None = None,
    ) -> None:
        self._full = full
        self._loads = loads
        self._protocol = protocol
        self._listening = listening
        self._authentication = authentication
        self._limits = limits or GateLimits()
        self._shares = Shares(self._limits.handshakes_of_one)
        self._admissions: set[asyncio.Task[None]] = set()
        self._accepting = [asyncio.create_task(self._accept(one)) for one in listening]

    @classmethod
    async def open(
        cls,
        protocol: Callable[[], asyncio.Protocol],
        host: str,
        port: int,
        authentication: NodeAuthentication | None,
        *,
        shared: bool = False,
        limits: GateLimits | None = None,
    ) -> Self:
        """Listen there, without `authentication` in plain; with `shared` several processes have one port."""
        return cls(protocol, await listening_at(host, port, shared=shared), authentication, limits)

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The sockets it listens on."""
        return self._listening

    @property
    def port(self) -> int:
        """Where it listens."""
        number: int = self._listening[0].getsockname()[1]
        return number

    def close(self) -> None:
        """Accept nothing more; connections that were let in stay."""
        for accepting in self._accepting:
            accepting.cancel()
        for admission in self._admissions:
            admission.cancel()
        for listening in self._listening:
            listening.close()

    async def wait_closed(self) -> None:
        """Return when nothing is on its way any more."""
        await asyncio.gather(*self._accepting, *self._admissions, return_exceptions=True)

    async def _accept(self, listening: socket.socket) -> None:
        listening.setblocking(False)
        listening.listen(BACKLOG)
        loop = asyncio.get_running_loop()
        while True:
            if self._loads and self._loads.is_ahead:
                await asyncio.sleep(TURN_SECONDS)
            try:
                connection, address = await loop.sock_accept(listening)
            except ConnectionError:
                continue  # it was gone again before it was accepted
            except OSError as problem:
                log.error("no connection can be accepted: %s", problem.strerror)
                await asyncio.sleep(EXHAUSTED_PAUSE_SECONDS)
                continue
            if self._loads:
                self._loads.have_one_more()
            client = network_of(address[0])
            crowded = self._full() or len(self._admissions) >= self._limits.handshakes
            if crowded or not self._shares.take(client):
                log.warning("a connection from %s was closed: there are too many", address[0])
                connection.close()
                continue
            admission = asyncio.create_task(self._admit(connection, address[0]))
            self._admissions.add(admission)
            admission.add_done_callback(partial(self._admitted, client))

    def _admitted(self, client: str, admission: asyncio.Task[None]) -> None:
        self._admissions.discard(admission)
        self._shares.give_back(client)

    async def _admit(self, connection: socket.socket, peer: str) -> None:
        try:
            our_address, our_port, *_ = connection.getsockname()
            # The system looks after both, also while nothing of ours waits for this peer.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            untaken = round(self._limits.untaken_seconds * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, untaken)
            # The head of an answer goes before its body; without this the body would wait until the peer
            # has acknowledged the head, which it may put off for 40 ms. asyncio sees to it only for sockets
            # that were opened with TCP's number.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connect = partial(asyncio.get_running_loop().connect_accepted_socket, self._protocol, connection)
            if self._authentication is None:
                await connect()
            elif reason := await self._handshake(connect, connection, self._authentication.contexts.newest()):
                log.warning("a connection from %s was refused: %s", peer, reason)
                await self._authentication.refused(RefusedPeer(peer, our_address, our_port, reason))
        except OSError as problem:
            log.info("a connection from %s ended at once: %s", peer, type(problem).__name__)

    async def _handshake(
        self, connect: Callable[..., Awaitable[object]], connection: socket.socket, context: ssl.SSLContext
    ) -> str:
        """Why the peer was refused; empty when it was let in, or was gone before it had begun."""
        attempt = _Attempt()
        _ATTEMPT.set(attempt)
        context.sslobject_class = _Watched
        timeout = self._limits.handshake_seconds
        entering = asyncio.ensure_future(connect(ssl=context, ssl_handshake_timeout=timeout))
        refused = asyncio.ensure_future(attempt.refused.wait())
        try:
            await asyncio.wait((entering, refused), return_when=asyncio.FIRST_COMPLETED)
            if attempt.problem:
                # Our alert has left. Closing with bytes of the peer unread would be a reset, which takes the
                # alert away from it; so we end our side and let the peer end its own.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                await asyncio.wait((entering,), timeout=self._limits.goodbye_seconds)
        finally:
            refused.cancel()
            entering.cancel()
            (outcome,) = await asyncio.gather(entering, return_exceptions=True)
        if attempt.problem:
            return reason_of(attempt.problem)
        if isinstance(outcome, OSError) and attempt.steps > 1:
            return reason_of(outcome)
        return ""


class _Attempt:
    """One handshake, as the gate sees it from outside."""

    def __init__(self) -> None:
        self.steps = 0
        self.problem: ssl.SSLError | None = None
        self.refused = asyncio.Event()


_ATTEMPT: ContextVar[_Attempt] = ContextVar("_ATTEMPT")


class _Watched(ssl.SSLObject):
    """A handshake whose failure the peer hears of: asyncio cuts the connection before the alert has left."""

    def do_handshake(self) -> None:
        """Go on with the handshake; what asyncio never sees fail, it gives the time to flush the alert."""
        attempt = _ATTEMPT.get()
        attempt.steps += 1
        if attempt.problem:
            if attempt.steps > GOODBYE_PIECES:
                raise attempt.problem
            raise ssl.SSLWantReadError
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as problem:
            attempt.problem, attempt.steps = problem, 0
            attempt.refused.set()
            raise ssl.SSLWantReadError from problem
