"""Syslog messages to an audit repository: over TLS (RFC 5425) and as datagrams (RFC 5426)."""

import fcntl
import logging
import socket
import ssl
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from audit_message.framing import write_frame

log = logging.getLogger("coffre.audit")

TLS_PORT = 6514
UDP_PORT = 514

# A repository that takes longer to accept, to take a message or to end a connection is taken as gone.
TIMEOUT_SECONDS = 20.0

# TLS records are of 16 KiB; some of them go to the system together.
CHUNK_BYTES = 64 * 1024

# The last bytes are on their way for some round trips; nobody waits for this but the forwarder.
ACKNOWLEDGED_POLL_SECONDS = 0.02

# 65,535 less the headers of IP and UDP (RFC 5426 section 3.2).
DATAGRAM_LIMIT_BYTES = 65_507


class Session(Protocol):
    """Messages on their way to one repository."""

    def send(self, message: bytes) -> None:
        """Send one message; an OSError says that the repository cannot be reached."""

    def confirm(self) -> None:
        """Return when all that was sent is known to have arrived, as far as the transport can tell."""


@dataclass(frozen=True, slots=True)
class TlsRepository:
    """Where to deliver, whom to trust, and who we are; without `certificate` we are nobody."""

    host: str
    port: int
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Connect anew, and once more at the end if it did not say that it had taken all."""
        with self._connected() as session:
            yield session
        if session.answered_close:
            return
        # rsyslog never says that it ends; a repository that does, and has not, was killed with our records in
        # its hands, however orderly its system or a proxy closed the connection.
        with self._connected() as empty:
            empty.confirm()
        if empty.answered_close:
            raise ConnectionError("the repository was cut off before it had stored all that was sent")

    @contextmanager
    def _connected(self) -> Iterator["_TlsSession"]:
        # The files are read again, so that renewed certificates are taken at once.
        context = ssl.create_default_context(cafile=self.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        with socket.create_connection((self.host, self.port), TIMEOUT_SECONDS) as plain:
            yield _TlsSession(plain, context, self.host)


class _CutOff(ConnectionError):
    """The connection ended without close_notify."""


class _TlsSession:
    """TLS on memory buffers: what the peer says at the end must be read, not only waited for."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._plain = plain
        self.answered_close = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._fill()
        self._flush()

    def send(self, message: bytes) -> None:
        with memoryview(write_frame(message)) as frame:
            for at in range(0, len(frame), CHUNK_BYTES):
                self._tls.write(frame[at : at + CHUNK_BYTES])
                self._flush()

    def confirm(self) -> None:
        # There is no acknowledgement, but a receiver must answer close_notify with its own (RFC 5425 section
        # 4.4), and its TLS comes upon ours only behind all that we sent. A refusal is an alert, which is an
        # SSLError when it is read; `unwrap` alone takes it for an end. rsyslog just closes: a system that
        # closes what it has not read resets the connection, so an end without a reset will do.
        with suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._flush()
        try:
            self._read_to_end()
            self._plain.shutdown(socket.SHUT_WR)
        except TimeoutError:
            # It waits for the end of the connection itself. Not sooner: a proxy that knows no half of a
            # connection closes both, and the answer of a repository that still stores is lost.
            self._plain.shutdown(socket.SHUT_WR)
            self._read_to_end()
        while self._plain.recv(CHUNK_BYTES):
            pass
        _wait_until_taken(self._plain)

    def _read_to_end(self) -> None:
        with suppress(_CutOff):
            while self._read():
                pass
            self.answered_close = True

    def _read(self) -> bytes:
        """What the peer says, or nothing when it has said that it ends."""
        while True:
            try:
                return self._tls.read(CHUNK_BYTES)
            except ssl.SSLWantReadError:
                self._fill()
            except ssl.SSLZeroReturnError:
                return b""

    def _flush(self) -> None:
        self._plain.sendall(self._outgoing.read())

    def _fill(self) -> None:
        # OpenSSL is not told of the end: some builds of it would take it for a close_notify.
        if not (chunk := self._plain.recv(CHUNK_BYTES)):
            raise _CutOff("the repository ended the connection without a word")
        self._incoming.write(chunk)


def _wait_until_taken(connection: socket.socket) -> None:
    """Return when the peer's system has acknowledged every byte; OSError if it has not, or has reset."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        waiting_bytes = int.from_bytes(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        if problem := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(problem, "the repository closed before it had read all that was sent")
        if not waiting_bytes:
            return
        if time.monotonic() > deadline:
            raise TimeoutError("the repository closed, and has not taken all that was sent")
        time.sleep(ACKNOWLEDGED_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class UdpRepository:
    """Where to send datagrams; what is lost on the way is not known."""

    host: str
    port: int

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Look the host up anew and begin to send."""
        *_, (family, kind, protocol, _, address) = socket.getaddrinfo(
            self.host, self.port, type=socket.SOCK_DGRAM
        )
        with socket.socket(family, kind, protocol) as datagrams:
            datagrams.connect(address)
            yield _UdpSession(datagrams)


@dataclass(frozen=True, slots=True)
class _UdpSession:
    datagrams: socket.socket

    def send(self, message: bytes) -> None:
        if len(message) > DATAGRAM_LIMIT_BYTES:
            log.warning(
                "a record of %d bytes is cut to fit into a datagram; TLS would carry it", len(message)
            )
        self.datagrams.send(message[:DATAGRAM_LIMIT_BYTES])

    def confirm(self) -> None:
        """Nothing can be known of datagrams."""


def repository_at(
    url: str, ca: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> TlsRepository | UdpRepository:
    """The repository at tls://HOST:PORT or udp://HOST:PORT; ValueError for any other address."""
    parts = urlsplit(url)
    if parts.scheme not in ("tls", "udp") or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"'{url}' is not an audit repository, expected tls://HOST:PORT or udp://HOST:PORT")
    if parts.scheme == "tls":
        return TlsRepository(parts.hostname, parts.port or TLS_PORT, ca, certificate, key)
    return UdpRepository(parts.hostname, parts.port or UDP_PORT)
