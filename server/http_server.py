"""The HTTP listener: uvicorn behind the gate of a secure node (ITI TF-2: 3.19; Appendix V)."""

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import multiprocess

from server.tls.certificates import node_certificate, pem_of_peer
from server.tls.contexts import NodeContexts, NodeFiles
from server.tls.gate import Gate, NodeAuthentication, listening_at

log = logging.getLogger("coffre.server")

# As they are counted on the wire (RFC 8446 section 4.2.1).
_TLS_VERSIONS: Mapping[str | None, int] = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}

ALERTS = "alerts"
"""The key of the lifespan's state under which the application says who hears of refused peers."""


class HttpConfig(uvicorn.Config):
    """uvicorn's configuration, and the files by which the node proves itself; None for plain lines."""

    def __init__(self, app: Callable[..., Any], node_files: NodeFiles | None, **settings: Any) -> None:
        super().__init__(app, http=NodeHttp, loop="asyncio", **settings)
        self.node_files = node_files


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
            log.error("no listening at %s:%d: %s", self.config.host, self.config.port, problem.strerror)
            await self.lifespan.shutdown()
            sys.exit(STARTUP_FAILURE)
        files, alerts = self.config.node_files, self.lifespan.state[ALERTS]
        authentication = NodeAuthentication(NodeContexts(files), alerts.at("https")) if files else None
        protocol = partial(NodeHttp, self.config, self.server_state, self.lifespan.state)
        gate = Gate(protocol, listening, authentication)
        self.servers = [gate]  # type: ignore[list-item]  # of a server, uvicorn only closes it and waits for it
        log.info("listening at %s://%s:%d", "https" if files else "http", self.config.host, gate.port)
        self.started = True


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
    multiprocess.Process = HttpProcess  # type: ignore[misc]
    multiprocess.Multiprocess(config, sockets=[config.bind_socket()]).run()


class NodeHttp(HttpToolsProtocol):
    """uvicorn's HTTP connection; requests on it know the certificate that the peer has proved to hold."""

    _tls: dict[object, object] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look at the peer's certificate once for all requests."""
        super().connection_made(transport)
        self._tls = _tls_extension(transport.get_extra_info("ssl_object"))

    def on_message_begin(self) -> None:
        """Give every request what is known of the connection."""
        super().on_message_begin()
        if self._tls is not None:
            self.scope["extensions"] = {"tls": self._tls}


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
