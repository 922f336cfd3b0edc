"""Requests at a pace, whether or not the answers keep up with it, by many clients of one machine.

Unlike `bench.load` this knows when each request was due, and tells refusals from failures; it costs ten times
as much processor time.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from itertools import cycle
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from httptools import HttpResponseParser

# After this long no client waits any more.
PATIENCE_SECONDS = 30
SUCCESS = b"ResponseStatusType:Success"


class Kind(Enum):
    """What became of a request."""

    ANSWERED = "answered"
    # 503 with the time to come again.
    REFUSED = "refused"
    FAILED = "failed"
    # Without any answer.
    BROKEN = "broken"


class Outcome(NamedTuple):
    """When a request was due, what became of it, after how long, and what the status or the problem is."""

    due: float
    kind: Kind
    seconds: float
    said: str


@dataclass
class Clients:
    """Many addresses of this machine, each with as many connections as it needs."""

    url: str
    addresses: int = 64
    outcomes: list[Outcome] = field(default_factory=list)
    _idle: list["_Connection"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._places = cycle(f"127.0.0.{number}" for number in range(2, 2 + self.addresses))

    async def ask(self, request: bytes, due: float) -> None:
        """Send a request and note what becomes of it."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                kind, said = await self._exchange(request)
        except OSError as problem:  # as a TimeoutError is
            kind, said = Kind.BROKEN, type(problem).__name__
        self.outcomes.append(Outcome(due, kind, time.monotonic() - due, said))

    async def _exchange(self, request: bytes) -> tuple[Kind, str]:
        while self._idle and self._idle[-1].transport.is_closing():
            self._idle.pop()
        connection = self._idle.pop() if self._idle else await self._connected()
        try:
            answer = await connection.exchange(request)
        except BaseException:
            connection.transport.abort()
            raise
        if connection.can_go_on:
            self._idle.append(connection)
        else:
            connection.transport.close()
        return answer

    async def _connected(self) -> "_Connection":
        place = urlsplit(self.url)
        _, connection = await asyncio.get_running_loop().create_connection(
            _Connection, str(place.hostname), int(place.port or 80), local_addr=(next(self._places), 0)
        )
        return connection

    async def at_a_pace(self, request: Callable[[], bytes], per_second: float, seconds: float) -> None:
        """Send so many a second, each when it is due, and wait for the last answer."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(int(per_second * seconds)):
                due = began + number / per_second
                await asyncio.sleep(max(0, due - time.monotonic()))
                group.create_task(self.ask(request(), due))

    async def as_quickly_as_answered(
        self, request: Callable[[], bytes], connections: int, seconds: float
    ) -> None:
        """Send the next when the last is answered, so many at once."""
        until = time.monotonic() + seconds

        async def one() -> None:
            while (now := time.monotonic()) < until:
                await self.ask(request(), now)

        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(one())

    def close(self) -> None:
        """Leave nothing open."""
        for one in self._idle:
            one.transport.close()


class _Connection(asyncio.Protocol):
    """One request after the other."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    async def exchange(self, request: bytes) -> tuple[Kind, str]:
        """Send a request; what the answer says, and its status."""
        self._parser = HttpResponseParser(self)
        self._body: list[bytes] = []
        self._retry_after = False
        self._answered: asyncio.Future[tuple[Kind, str]] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answered

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "_answered") and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("no answer"))

    def on_header(self, name: bytes, _value: bytes) -> None:
        self._retry_after |= name.lower() == b"retry-after"

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self.can_go_on = self._parser.should_keep_alive()
        status = self._parser.get_status_code()
        if status == 200 and SUCCESS in b"".join(self._body):
            kind = Kind.ANSWERED
        elif status == 503 and self._retry_after:
            kind = Kind.REFUSED
        else:
            kind = Kind.FAILED
        if not self._answered.done():
            self._answered.set_result((kind, str(status)))
