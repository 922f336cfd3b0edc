"""First come, first served: things handed from one holder to the next, with limits on the queue."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from database.port import DatabaseBusy, Limits

Thing = TypeVar("Thing")


class Turns(Generic[Thing]):
    """Hands each returned thing straight to who has waited longest, so that nobody overtakes."""

    def __init__(
        self, things: Iterable[Thing], limits: Limits, abandoned: Callable[[Thing], None] | None = None
    ):
        self._free = deque(things)
        self._waiters: deque[asyncio.Future[Thing]] = deque()
        self._limits = limits
        # Called instead of `give` for a thing that reached a waiter who had just given up.
        self._abandoned = abandoned or self.give

    @property
    def waited_for(self) -> bool:
        """Whether somebody wants the next thing."""
        return any(not waiter.done() for waiter in self._waiters)

    async def take(self) -> Thing:
        """Have a thing, or raise DatabaseBusy."""
        if self._free:
            return self._free.popleft()
        if len(self._waiters) >= self._limits.waiting:
            raise DatabaseBusy(f"{self._limits.waiting} requests wait already")
        waiter: asyncio.Future[Thing] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                self._abandoned(waiter.result())
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            if isinstance(error, TimeoutError):
                raise DatabaseBusy(f"no turn within {self._limits.wait_seconds} s") from error
            raise

    def give(self, thing: Thing) -> None:
        """Hand a thing back."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(thing)
                return
        self._free.append(thing)
