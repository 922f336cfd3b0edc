"""Where audit messages come in: TLS (RFC 5425) and datagrams (RFC 5426), for the Audit Record Repository.

TLS runs on memory buffers here: asyncio's own answers a sender's close_notify before its messages are stored,
and that answer is all the confirmation a sender ever gets.
"""

import asyncio
import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from atna_audit.iti20_record_audit_event import Arrival, AuditRecord, Repetitions, record_of
from atna_audit.store import AuditStore
from audit_message.framing import BadFraming, Decoder, Framed
from database import DatabaseError
from server.callers import network_of
from server.settings import AuditRepository, Configuration
from server.tls.alerts import NodeAlerts
from server.tls.contexts import NodeContexts
from server.tls.gate import RefusedPeer
from server.tls.reasons import reason_of
from server.turns import Shares

log = logging.getLogger("coffre.audit")

# Of one connection that are stored together, if its sender is quick: some hundred records.
CHUNK_BYTES = 1024 * 1024
DATAGRAM_BYTES = 65_535

# Every node of a community keeps one connection; more are refused, and tried again by their senders.
CONNECTIONS = 512
# Of one address: more than the processes of any one machine that was seen.
CONNECTIONS_OF_ONE = 64

# What all connections together may hold of messages that are not whole: four of the largest size.
HELD_LIMIT_BYTES = 256 * 1024 * 1024

# A handshake takes some round trips, and an answer to close_notify must be taken in this time.
HANDSHAKE_SECONDS = 20.0
# How long a sender that is refused may take to read why.
GOODBYE_SECONDS = 2.0
# A sender that says nothing for so long is gone, and connects anew if it is not.
IDLE_SECONDS = 12 * 3600.0

# How long a database that does not answer is left in peace; meanwhile senders wait.
RETRY_SECONDS = 1.0

# Datagrams that are stored together; what comes meanwhile waits in the system's buffer.
DATAGRAMS_AT_ONCE = 256
DATAGRAM_BUFFER_BYTES = 8 * 1024 * 1024

# With it, closing resets a connection instead of ending it, and the sender learns that something is lost.
_RESET = struct.pack("ii", 1, 0)


class _Stopping(Exception):
    """The server ends: what is not stored yet is not confirmed."""


@dataclass(slots=True)
class Intake:
    """From arrivals to stored records, waiting for the database as long as the server runs."""

    store: AuditStore
    clock: Callable[[], datetime]
    held_bytes: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _interruptible: set[asyncio.Task[None]] = field(default_factory=set)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Wait for a peer inside: the end of the server ends this wait, and no other."""
        task = asyncio.current_task()
        if task is None or self.stopping.is_set():
            raise _Stopping
        self._interruptible.add(task)
        try:
            yield
        finally:
            self._interruptible.discard(task)

    def stop(self) -> None:
        """Take nothing more."""
        self.stopping.set()
        for task in self._interruptible:
            task.cancel()

    async def keep(self, arrivals: list[Arrival]) -> None:
        """Return when they are durable; raises _Stopping if the server ends before."""
        # In a thread: a record as large as a query may be takes a second to be read.
        records = await asyncio.to_thread(_records_of, arrivals)
        while True:
            try:
                await self.store.add(records)
                return
            except DatabaseError as problem:
                log.error("audit messages wait for the database: %s", type(problem).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS):
                    await self.stopping.wait()
                raise _Stopping


class _Connection:
    """One sender over TLS."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
        intake: Intake,
    ) -> None:
        self._reader, self._writer, self._intake = reader, writer, intake
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._decoder = Decoder()
        self._repetitions = Repetitions()
        self.peer: str = writer.get_extra_info("peername")[0]
        self.heard = False

    async def shake_hands(self) -> None:
        """Let the sender prove who it is; an OSError says that it has not, and it has been told why."""
        with self._intake.interruptible():
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await self._handshake()

    async def serve(self) -> None:
        """Take messages until the sender ends; whatever ends it otherwise is an exception."""
        while chunk := await self._read():
            await self._take(self._decoder.receive_data(chunk))
        await self._take(self._decoder.receive_end())
        # Everything is stored: now the sender may know.
        with suppress(ssl.SSLWantReadError, ssl.SSLError):
            self._tls.unwrap()
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await self._flush()

    async def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                # The alert that says why; to close before the sender has ended would take it back.
                await self._flush()
                self._writer.write_eof()
                with suppress(TimeoutError):
                    async with asyncio.timeout(GOODBYE_SECONDS):
                        await self._reader.read(CHUNK_BYTES)
                raise
        await self._flush()

    async def _read(self) -> bytes:
        """What has come in by now, or nothing at the end that the sender has said."""
        chunks: list[bytes] = []
        size_bytes = 0
        while size_bytes < CHUNK_BYTES:
            try:
                chunk = self._tls.read(CHUNK_BYTES)
            except ssl.SSLWantReadError:
                if chunks:
                    break
                await self._flush()
                with self._intake.interruptible():
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self._fill()
                continue
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                # rsyslog ends a connection without close_notify, and what came before is as good.
                chunk = b""
            if not chunk:
                break
            chunks.append(chunk)
            size_bytes += len(chunk)
        return b"".join(chunks)

    async def _take(self, messages: Iterator[Framed]) -> None:
        arrivals: list[Arrival] = []
        lost: BadFraming | None = None
        held_before = self._decoder.waiting_bytes
        try:
            for one in messages:
                arrivals.append(self._arrival(one.content, one.diagnosis))
        except BadFraming as problem:
            lost = problem
            arrivals.append(self._arrival(problem.scrap, (f"bad framing: {problem.reason}",)))
        self._intake.held_bytes += self._decoder.waiting_bytes - held_before
        if arrivals:
            await self._intake.keep(arrivals)
        if lost:
            raise lost
        if self._intake.held_bytes > HELD_LIMIT_BYTES:
            raise ConnectionError(f"more than {HELD_LIMIT_BYTES} bytes of messages are not whole")

    def _arrival(self, message: bytes, diagnosis: tuple[str, ...]) -> Arrival:
        repeated = self._repetitions.count(message)
        return Arrival(message, self.peer, "tls", self._intake.clock(), diagnosis, repeated)

    async def _flush(self) -> None:
        if self._outgoing.pending:
            self._writer.write(self._outgoing.read())
            await self._writer.drain()

    async def _fill(self) -> None:
        if chunk := await self._reader.read(CHUNK_BYTES):
            self.heard = True
            self._incoming.write(chunk)
        else:
            self._incoming.write_eof()

    def forget(self) -> None:
        """Give back what the connection held."""
        self._intake.held_bytes -= self._decoder.waiting_bytes


class _TlsListener:
    """Accepts senders."""

    def __init__(self, contexts: NodeContexts, intake: Intake, alerts: NodeAlerts) -> None:
        self._contexts, self._intake, self._alerts = contexts, intake, alerts
        self._connections: set[asyncio.Task[None]] = set()
        self._shares = Shares(CONNECTIONS_OF_ONE)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        crowded = self._intake.stopping.is_set() or len(self._connections) >= CONNECTIONS
        client = network_of(writer.get_extra_info("peername")[0])
        if task is None or crowded or not self._shares.take(client):
            log.warning("an audit connection was refused: %d are open", len(self._connections))
            writer.transport.abort()
            return
        self._connections.add(task)
        connection = _Connection(reader, writer, self._contexts.newest(), self._intake)
        try:
            if await self._authenticated(connection, writer):
                await connection.serve()
        except (OSError, BadFraming, TimeoutError, _Stopping) as problem:
            log.warning("an audit connection from %s ended: %r", connection.peer, problem)
            _reset(writer)
        except BaseException:
            _reset(writer)
            raise
        finally:
            connection.forget()
            writer.close()
            self._connections.discard(task)
            self._shares.give_back(client)

    async def _authenticated(self, connection: _Connection, writer: asyncio.StreamWriter) -> bool:
        """Whether the sender is a known node; one that is not is recorded (ITI TF-2: 3.19.5)."""
        try:
            await connection.shake_hands()
            return True
        except (OSError, TimeoutError) as problem:
            if not connection.heard:
                return False  # a balancer looks whether somebody listens
            reason = reason_of(problem)
            log.warning("an audit connection from %s was refused: %s", connection.peer, reason)
            ours, port, *_ = writer.get_extra_info("sockname")
            await self._alerts.at("tls")(RefusedPeer(connection.peer, ours, port, reason))
            return False

    async def ended(self) -> None:
        """Return when what was taken is stored."""
        await asyncio.gather(*self._connections, return_exceptions=True)


@asynccontextmanager
async def receiving(
    configuration: Configuration,
    store: AuditStore,
    clock: Callable[[], datetime],
    alerts: NodeAlerts,
) -> AsyncIterator[None]:
    """Take audit messages until the block ends; several workers may share the ports (ITI TF-2: 3.20.4.1)."""
    intake = Intake(store, clock)
    settings = configuration.audit_repository
    shared = configuration.server.workers > 1
    async with AsyncExitStack() as stack:
        if settings.tls_port and (files := configuration.tls.files):
            listener = _TlsListener(NodeContexts(files), intake, alerts)
            await stack.enter_async_context(_tls(settings, listener, shared))
            log.info("audit repository at tls://%s:%d", settings.host, settings.tls_port)
        if settings.udp_port:
            await stack.enter_async_context(_datagrams(settings, intake, shared))
            log.info("audit repository at udp://%s:%d", settings.host, settings.udp_port)
        try:
            yield
        finally:
            intake.stop()


@asynccontextmanager
async def _tls(settings: AuditRepository, listener: _TlsListener, shared: bool) -> AsyncIterator[None]:
    server = await asyncio.start_server(
        listener.accept, settings.host, settings.tls_port, limit=CHUNK_BYTES, reuse_port=shared or None
    )
    try:
        yield
    finally:
        server.close()
        await listener.ended()


@asynccontextmanager
async def _datagrams(settings: AuditRepository, intake: Intake, shared: bool) -> AsyncIterator[None]:
    family, *_, address = socket.getaddrinfo(settings.host, settings.udp_port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
        datagrams.setblocking(False)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DATAGRAM_BUFFER_BYTES)
        datagrams.bind(address)
        taking = asyncio.create_task(_take_datagrams(datagrams, intake))
        try:
            yield
        finally:
            await asyncio.wait({taking})
            if rest := list(_waiting(datagrams, intake)):
                await _keep_datagrams(rest, intake)


async def _take_datagrams(datagrams: socket.socket, intake: Intake) -> None:
    while not intake.stopping.is_set():
        with intake.interruptible():
            message, (peer, *_) = await asyncio.get_running_loop().sock_recvfrom(datagrams, DATAGRAM_BYTES)
        first = Arrival(message, peer, "udp", intake.clock())
        await _keep_datagrams([first, *_waiting(datagrams, intake)], intake)


def _waiting(datagrams: socket.socket, intake: Intake) -> Iterator[Arrival]:
    with suppress(BlockingIOError):
        for _ in range(DATAGRAMS_AT_ONCE):
            message, (peer, *_) = datagrams.recvfrom(DATAGRAM_BYTES)
            yield Arrival(message, peer, "udp", intake.clock())


async def _keep_datagrams(arrivals: list[Arrival], intake: Intake) -> None:
    try:
        await intake.keep(arrivals)
    except _Stopping:
        log.error("%d audit datagrams are lost: the database does not answer", len(arrivals))


def _records_of(arrivals: list[Arrival]) -> list[AuditRecord]:
    return [record_of(arrival) for arrival in arrivals]


def _reset(writer: asyncio.StreamWriter) -> None:
    """Let the sender know that not all of what it sent is stored."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
