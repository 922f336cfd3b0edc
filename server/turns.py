"""So that one client cannot starve the others: how much each may hold, and who is next."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

# Clients whose pace is remembered: some hundred bytes each, and who is forgotten may begin anew.
REMEMBERED_CLIENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLimits:
    """What requests may hold of one process."""

    # All clients together: what waits for slow lines costs memory only, so there is room for many.
    under_way: int = 256
    # Practice software sends one request after the other; a hospital's system some at once.
    under_way_of_one: int = 32
    # More of one client than this wait for nothing: it has to slow down.
    waiting_of_one: int = 256
    # HTTP connections, idle ones included; behind a proxy all are the proxy's, and nobody's share.
    connections_of_one: int = 256
    # After this long most clients have given up.
    wait_seconds: float = 10.0
    # No honest client comes near, and a loop that went wild costs no more than this.
    per_second_of_one: int = 1000


class TooMany(Exception):
    """A client holds or sends more than it may, and why; it may try again."""


class Shares:
    """Counts what each client holds, up to so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    def take(self, client: str) -> bool:
        """Whether the client may hold one more; it does from now on."""
        if self._held[client] >= self._most:
            return False
        self._held[client] += 1
        return True

    def give_back(self, client: str) -> None:
        """The client holds one less; who holds nothing is forgotten."""
        self._held[client] -= 1
        if not self._held[client]:
            del self._held[client]

    def held_by(self, client: str) -> int:
        """How many it holds now."""
        return self._held.get(client, 0)


class Turns:
    """Lets requests in: so many at once, so many of one client, and of those who wait each client in turn."""

    def __init__(self, limits: TurnLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._pace = _Pace(limits.per_second_of_one, monotonic)
        self._under_way = 0
        self._shares = Shares(limits.under_way_of_one)
        # In the order in which clients come next.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Wait for this client's turn, and hold it inside; raises TooMany."""
        self._pace.keep(client)
        if not self._begin(client):
            await self._wait(client)
        try:
            yield
        finally:
            self._under_way -= 1
            self._shares.give_back(client)
            self._let_in()

    def _begin(self, client: str) -> bool:
        if self._under_way >= self._limits.under_way or not self._shares.take(client):
            return False
        self._under_way += 1
        return True

    async def _wait(self, client: str) -> None:
        queue = self._waiting.setdefault(client, deque())
        if len(queue) >= self._limits.waiting_of_one:
            raise TooMany("too many requests of this client wait already")
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await place
        except BaseException as problem:
            if place.done() and not place.cancelled():
                # It was let in at the same moment; somebody else goes in its stead.
                self._under_way -= 1
                self._shares.give_back(client)
            else:
                self._leave(client, place)
            self._let_in()
            if isinstance(problem, TimeoutError):
                raise TooMany("the request had no turn in time") from None
            raise

    def _leave(self, client: str, place: asyncio.Future[None]) -> None:
        queue = self._waiting.get(client)
        if queue and place in queue:
            queue.remove(place)
        if not queue:
            self._waiting.pop(client, None)

    def _let_in(self) -> None:
        """Give what is free to those who wait, each client once before any of them twice."""
        while any(self._let_in_one_of(client) for client in tuple(self._waiting)):
            pass

    def _let_in_one_of(self, client: str) -> bool:
        queue = self._waiting[client]
        while queue and queue[0].done():
            queue.popleft()
        if queue and not self._begin(client):
            return False
        del self._waiting[client]
        if not queue:
            return False
        queue.popleft().set_result(None)
        if queue:
            self._waiting[client] = queue
        return True


class _Pace:
    """A second's worth of requests may come at once, and then so many a second."""

    def __init__(self, per_second: int, monotonic: Callable[[], float]) -> None:
        self._interval_seconds = 1 / per_second
        self._monotonic = monotonic
        # When the bucket of each client will be empty, if nothing more comes.
        self._empty_at: dict[str, float] = {}

    def keep(self, client: str) -> None:
        """Count a request, or refuse it with TooMany."""
        now = self._monotonic()
        empty_at = max(self._empty_at.pop(client, now), now) + self._interval_seconds
        if empty_at - now > 1:
            self._empty_at[client] = empty_at - self._interval_seconds
            raise TooMany("more requests a second came from this client than are taken")
        self._empty_at[client] = empty_at
        if len(self._empty_at) > REMEMBERED_CLIENTS:
            del self._empty_at[next(iter(self._empty_at))]
