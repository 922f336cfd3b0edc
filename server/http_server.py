"""The HTTP listener: uvicorn behind the gate of a secure node (ITI TF-2: 3.19; Appendix V)."""

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import multiprocess

from server.callers import Proxies, client_of
from server.loads import Loads
from server.tls.certificates import node_certificate, pem_of_peer
from server.tls.contexts import NodeContexts, NodeFiles
from server.tls.gate import Gate, GateLimits, NodeAuthentication, listening_at
from server.turns import Shares

log = logging.getLogger("coffre.server")

# As they are counted on the wire (RFC 8446 section 4.2.1).
_TLS_VERSIONS: Mapping[str | None, int] = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}

# What a client that holds too much is told to wait: time for what is under way to end.
RETRY_AFTER_SECONDS = 1

ALERTS = "alerts"
"""The key of the lifespan's state under which the application says who hears of refused peers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What a peer may hold of one process before it has sent a whole head of a request."""

    # Open ones, idle ones included.
    connections: int = 1024
    # Heads of SOAP requests have one kilobyte; with the certificate that a proxy passes on, some more.
    head_bytes: int = 64 * 1024
    # From the connection, or the first byte of a head, to the head's end: some round trips of a slow line.
    head_seconds: float = 20.0


class HttpConfig(uvicorn.Config):
    """uvicorn's configuration, our limits, and the files by which the node proves itself, if it does."""

    def __init__(
        self,
        app: Callable[..., Any],
        node_files: NodeFiles | None,
        limits: HttpLimits | None = None,
        gate_limits: GateLimits | None = None,
        shares: Shares | None = None,
        loads: Loads | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(app, http=NodeHttp, loop="asyncio", **settings)
        self.node_files = node_files
        self.limits = limits or HttpLimits()
        self.gate_limits = gate_limits
        # What each client may hold of the connections; every process has a copy of its own.
        self.shares = shares
        # Where several processes accept on the same sockets.
        self.loads = loads


class HttpServer(uvicorn.Server):
    """uvicorn's server, its connections accepted by our gate."""

    config: HttpConfig

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen; the end of either before that is the end of the process."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        try:
            listening = sockets or await listening_at(self.config.host, self.config.port)
        except OSError as problem:
            reason = (problem.strerror or str(problem)).lower()
            log.error("no listening at %s:%d: %s", self.config.host, self.config.port, reason)
            await self.lifespan.shutdown()
            sys.exit(STARTUP_FAILURE)
        files = self.config.node_files
        authentication = None
        if files:
            refused = self.lifespan.state[ALERTS].at("https")
            authentication = NodeAuthentication(NodeContexts(files), refused)
        protocol = partial(NodeHttp, self.config, self.server_state, self.lifespan.state)
        loads = self.config.loads
        if loads:
            loads.enter()
        gate = Gate(protocol, listening, authentication, self.config.gate_limits, self._full, loads)
        self.servers = [gate]  # type: ignore[list-item]  # of a server, uvicorn only closes it and waits for it
        log.info("listening at %s://%s:%d", "https" if files else "http", self.config.host, gate.port)
        self.started = True

    def _full(self) -> bool:
        return len(self.server_state.connections) >= self.config.limits.connections


class HttpProcess(multiprocess.Process):
    """One of several processes on the same sockets."""

    @property
    def server(self) -> HttpServer:
        """Made in the process itself."""
        if self._server is None:
            self._server = HttpServer(self.config)
        return self._server  # type: ignore[return-value]  # it is ours


def run_in_processes(config: HttpConfig) -> None:
    """Run so many servers under uvicorn's supervisor until it is told to end."""
    # It makes its processes by this name, and has no other place to say of which kind.
    multiprocess.Process = HttpProcess  # type: ignore[misc]  # a class is no variable to mypy
    multiprocess.Multiprocess(config, sockets=[config.bind_socket()]).run()


class NodeHttp(HttpToolsProtocol):
    """uvicorn's HTTP connection, with the peer's certificate for its requests and limits for their heads."""

    config: HttpConfig
    _tls: dict[object, object] | None = None
    _head_due: asyncio.TimerHandle | None = None
    _head_begun = False
    _head_bytes = 0
    _share: str | None = None

    def connection_made(
        self,
        transport: asyncio.Transport,  # type: ignore[override]  # as uvicorn has it
    ) -> None:
        """Look at the peer's certificate once for all requests, and wait for the first."""
        super().connection_made(transport)
        self._count()
        self._tls = _tls_extension(transport.get_extra_info("ssl_object"))
        self._expect_head()
        self._take_share()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._forget_head()
        if self._share is not None and self.config.shares:
            self.config.shares.give_back(self._share)
        super().connection_lost(exc)
        self._count()

    def data_received(self, data: bytes) -> None:
        """Let uvicorn read; what is not yet a whole head of a request is counted and waited for."""
        super().data_received(data)
        between_requests = self.cycle is None or self.cycle.response_complete
        if self.transport.is_closing() or not (self._head_begun or between_requests):
            return
        self._head_bytes += len(data)
        if self._head_bytes > self.config.limits.head_bytes:
            self._turn_away("431 Request Header Fields Too Large")
        elif self._head_due is None:
            self._expect_head()

    def on_message_begin(self) -> None:
        """Give every request what is known of the connection."""
        super().on_message_begin()
        self._head_begun, self._head_bytes = True, 0
        if self._tls is not None:
            self.scope["extensions"] = {"tls": self._tls}

    def on_headers_complete(self) -> None:
        """Refuse a head that came at once and is too large, as one that comes bit by bit."""
        self._forget_head()
        size_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size_bytes > self.config.limits.head_bytes:
            self._turn_away("431 Request Header Fields Too Large")
        elif status := _misleading(self.headers):
            self._turn_away(status)
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """What follows a head that was turned away is nobody's."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Nor is its end."""
        if not self.transport.is_closing():
            super().on_message_complete()

    def _count(self) -> None:
        if self.config.loads:
            self.config.loads.have(len(self.connections))

    def _take_share(self) -> None:
        if self.config.shares is None:
            return
        client = client_of(Proxies().caller({"client": self.client, "extensions": {"tls": self._tls or {}}}))
        if self.config.shares.take(client):
            self._share = client
        else:
            self._turn_away(f"503 Service Unavailable\r\nretry-after: {RETRY_AFTER_SECONDS}")

    def _expect_head(self) -> None:
        self._head_due = self.loop.call_later(self.config.limits.head_seconds, self._too_late)

    def _forget_head(self) -> None:
        self._head_begun, self._head_bytes = False, 0
        if self._head_due:
            self._head_due.cancel()
            self._head_due = None

    def _too_late(self) -> None:
        self._head_due = None
        if self._head_begun:
            self._turn_away("408 Request Timeout")
        else:
            self.transport.close()

    def _turn_away(self, status: str) -> None:
        log.warning("a connection from %s was closed: %s", self.client[0] if self.client else "", status)
        self.transport.write(f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode())
        self.transport.close()


def _misleading(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The status for a head that a proxy before us may have read in another way (RFC 9112: 3.2, 6.1)."""
    if sum(name == b"host" for name, _ in headers) > 1:
        return "400 Bad Request"
    codings = {value.strip().lower() for name, value in headers if name == b"transfer-encoding"}
    return "501 Not Implemented" if codings - {b"chunked"} else ""


def _tls_extension(tls: ssl.SSLObject | None) -> dict[object, object] | None:
    """The TLS extension of ASGI; asyncio does not tell the number of the cipher suite."""
    if tls is None:
        return None
    pem = pem_of_peer(tls)
    return {
        "server_cert": None,
        "client_cert_chain": (pem,) if pem else (),
        "client_cert_name": node_certificate(pem).subject if pem else None,
        "client_cert_error": None,
        "tls_version": _TLS_VERSIONS.get(tls.version()),
        "cipher_suite": None,
    }
