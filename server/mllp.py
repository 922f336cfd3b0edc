"""The socket of the HL7 v2 identity feed: frames in, acknowledgements out, in order (ITI TF-2: 3.8.4)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

from exchange.identity_feed_v2 import Delivery
from hl7v2.mllp import FRAME_LIMIT_BYTES, Decoder, NotMllp, frame
from server.callers import Caller, client_of
from server.tls.certificates import pem_of_peer
from server.tls.gate import Gate, NodeAuthentication
from server.turns import Shares

log = logging.getLogger("coffre.server")

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpLimits:
    """What identity sources may hold and how long they are waited for."""

    # A community has a handful of identity sources; each holds one connection, or one for each of its queues.
    connections: int = 64
    connections_of_one: int = 16
    frame_bytes: int = FRAME_LIMIT_BYTES
    # A source keeps its connection over a quiet night, and opens a new one when it finds it closed.
    idle_seconds: float = 12 * 3600.0
    # From the first byte of a frame to its last, and for an acknowledgement to be taken.
    frame_seconds: float = 60.0
    # What was accepted is finished: a merge of a very large record takes this long.
    stop_seconds: float = 30.0


class MllpListener:
    """Accepts connections and hands their messages over, one after the other on each of them."""

    def __init__(self, take: Callable[[Delivery], Awaitable[bytes]], limits: MllpLimits) -> None:
        self._take = take
        self._limits = limits
        self._gate: Gate
        self._connections: set[asyncio.Task[None]] = set()
        self._shares = Shares(limits.connections_of_one)
        self._listening_for_more: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    @classmethod
    async def start(
        cls,
        take: Callable[[Delivery], Awaitable[bytes]],
        host: str,
        port: int,
        *,
        authentication: NodeAuthentication | None = None,
        shared: bool = False,
        limits: MllpLimits | None = None,
    ) -> Self:
        """Listen, over TLS or in plain; `shared` lets the processes of one server listen on the same port."""
        listener = cls(take, limits or MllpLimits())
        listener._gate = await Gate.open(listener._protocol, host, port, authentication, shared=shared)
        return listener

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._gate.port

    async def stop(self) -> None:
        """Take nothing more, and finish what was taken."""
        self._stopping.set()
        self._gate.close()
        for connection in self._listening_for_more:
            connection.cancel()
        if self._connections:
            _, late = await asyncio.wait(self._connections, timeout=self._limits.stop_seconds)
            for connection in late:
                connection.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(CHUNK_BYTES), self._connected)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        client = client_of(_caller(writer))
        if (
            connection is None
            or self._stopping.is_set()
            or len(self._connections) >= self._limits.connections
            or not self._shares.take(client)
        ):
            log.warning("an MLLP connection was refused: %d are open", len(self._connections))
            writer.close()
            return
        self._connections.add(connection)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, TimeoutError) as problem:
            log.info("an MLLP connection ended: %s", type(problem).__name__)
        finally:
            self._connections.discard(connection)
            self._shares.give_back(client)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = Decoder(self._limits.frame_bytes)
        ours, caller = writer.get_extra_info("sockname"), _caller(writer)
        scheme = "mllps" if writer.get_extra_info("ssl_object") else "mllp"
        endpoint = f"{scheme}://{ours[0]}:{ours[1]}"
        deliver = partial(
            Delivery,
            endpoint=endpoint,
            endpoint_address=ours[0],
            peer_address=caller.address,
            peer_certificate=caller.certificate,
        )
        frame_ends_by: float | None = None
        while not self._stopping.is_set() and (data := await self._read(reader, frame_ends_by)):
            decoder.receive_data(data)
            trouble = ""
            try:
                for message in decoder.messages():
                    frame_ends_by = None
                    await self._answer(writer, deliver(message))
                    if self._stopping.is_set():
                        return
            except NotMllp as problem:
                trouble = str(problem)
            if trouble:
                await self._answer(writer, deliver(b"", trouble=trouble))
                return
            if not decoder.inside:
                frame_ends_by = None
            elif frame_ends_by is None:
                frame_ends_by = asyncio.get_running_loop().time() + self._limits.frame_seconds

    async def _read(self, reader: asyncio.StreamReader, by: float | None) -> bytes:
        """The next bytes; nothing when the peer has ended, and TimeoutError when it keeps silent."""
        connection = asyncio.current_task()
        if connection:
            self._listening_for_more.add(connection)
        idle_until = asyncio.get_running_loop().time() + self._limits.idle_seconds
        try:
            async with asyncio.timeout_at(idle_until if by is None else by):
                return await reader.read(CHUNK_BYTES)
        finally:
            if connection:
                self._listening_for_more.discard(connection)

    async def _answer(self, writer: asyncio.StreamWriter, delivery: Delivery) -> None:
        writer.write(frame(await self._take(delivery)))
        async with asyncio.timeout(self._limits.frame_seconds):
            await writer.drain()


def _caller(writer: asyncio.StreamWriter) -> Caller:
    address = writer.get_extra_info("peername")[0]
    pem = pem_of_peer(writer.get_extra_info("ssl_object"))
    return Caller.with_certificate(address, pem) if pem else Caller(address)
