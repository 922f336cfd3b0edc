"""From the spool to every audit repository: each record at least once, also after a crash (ITI-20)."""

import asyncio
import hashlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

from atna_audit.following import Cursor, CursorTaken, Position, SpooledRecord, drop_delivered, undelivered
from atna_audit.segments import SpoolDamaged
from audit_message.syslog import write_syslog
from database import DatabaseError
from server.settings import AuditRepositoryAddress
from server.syslog_transport import Session, repository_at

log = logging.getLogger("coffre.audit")

APP_NAME = "coffre"

# The cursor of the repository in our own database; those of others are named after their addresses.
OUR_CURSOR = "our-own"

# How soon after it was written a record goes out; each look opens the spool's files.
POLL_SECONDS = 0.5

# What a lost connection has sent again at most, as duplicates.
BATCH_LIMIT_BYTES = 4 * 1024 * 1024

# A repository that is down is tried again soon, and then ever less often, but several times in an hour.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0

# Delivered segments go by the minute; each look reads the positions of all destinations.
DROP_SECONDS = 60.0

# Another worker of this server forwards; should it end, one of the others takes over within this.
TAKE_OVER_SECONDS = 5.0


class Destination(Protocol):
    """An audit repository."""

    def session(self) -> AbstractContextManager[Session]:
        """Connect; an OSError says that it cannot be reached."""


@dataclass(slots=True)
class Forwarder:
    """Carries the records of a spool to one repository, in a thread of its own."""

    spool: Path
    name: str
    destination: Destination
    poll_seconds: float = POLL_SECONDS
    first_pause_seconds: float = FIRST_PAUSE_SECONDS
    _ended: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def start(self) -> None:
        """Begin to forward."""
        self._thread = Thread(target=self._run, name=f"audit-to-{self.name}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Deliver what is there now, once, and stop."""
        self._ended.set()
        if self._thread:
            self._thread.join()

    def deliver(self, cursor: Cursor) -> int:
        """Deliver one batch in one session and stand behind it; the answer is how many records it had."""
        waiting = undelivered(self.spool, cursor.confirmed)
        first = next(waiting, None)
        if first is None:
            return 0
        positions: dict[str, Position] = {}
        count = size_bytes = 0
        with self.destination.session() as session:
            for record in chain((first,), waiting):
                session.send(message_of(record))
                positions[record.series] = record.position
                count, size_bytes = count + 1, size_bytes + len(record.content)
                if size_bytes >= BATCH_LIMIT_BYTES:
                    break
            session.confirm()
        cursor.save(positions)
        return count

    def _run(self) -> None:
        while True:
            # Asked first: what was spooled before the end is delivered in the round that follows.
            last_round = self._ended.is_set()
            pause_seconds = self.poll_seconds
            if self.spool.is_dir():
                try:
                    with Cursor.held(self.spool, self.name) as cursor:
                        self._forward(cursor)
                except CursorTaken:
                    pause_seconds = TAKE_OVER_SECONDS
                except Exception as problem:
                    # The thread must outlive what nobody has thought of; the spool keeps everything.
                    log.error("audit records do not get to %s: %r", self.name, problem)
                    pause_seconds = LONGEST_PAUSE_SECONDS
            if last_round:
                return
            self._ended.wait(pause_seconds)

    def _forward(self, cursor: Cursor) -> None:
        pause_seconds = self.first_pause_seconds
        while True:
            last_round = self._ended.is_set()
            try:
                while self.deliver(cursor):
                    pause_seconds = self.first_pause_seconds
                wait_seconds = self.poll_seconds
            except (OSError, SpoolDamaged) as problem:
                log.warning("audit records wait for %s: %s", self.name, problem)
                wait_seconds, pause_seconds = pause_seconds, min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
            if last_round:
                return
            self._ended.wait(wait_seconds)


def message_of(record: SpooledRecord) -> bytes:
    """The record in its syslog header, the same however often it is sent (ITI TF-2: 3.20.4.1.2.1)."""
    at = datetime.fromtimestamp(record.written_ns / 1e9, UTC)
    return write_syslog(record.content, at, socket.gethostname(), APP_NAME, record.id)


def cursor_name(url: str) -> str:
    """A file name for the cursor of this address."""
    plain = "".join(one if one.isalnum() else "-" for one in url)
    return f"{plain}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"


async def _drop_delivered(
    spool: Path, destinations: Collection[str], needed: Callable[[], Awaitable[Collection[str]]]
) -> None:
    while destinations:
        await asyncio.sleep(DROP_SECONDS)
        try:
            await asyncio.to_thread(drop_delivered, spool, destinations, await needed())
        except (DatabaseError, OSError, SpoolDamaged) as problem:
            log.warning("delivered audit records stay in the spool: %s", problem)


@asynccontextmanager
async def forwarding(
    spool: Path,
    addresses: Sequence[AuditRepositoryAddress],
    needed: Callable[[], Awaitable[Collection[str]]],
    ours: Destination | None = None,
) -> AsyncIterator[None]:
    """Forward to all these repositories until the block ends, and then once more what was written last.

    `ours` is the Audit Record Repository of this process, if it has one; `needed` tells the series that stay
    in the spool, delivered or not.
    """
    forwarders = [
        Forwarder(spool, cursor_name(one.url), repository_at(one.url, one.ca, one.certificate, one.key))
        for one in addresses
    ]
    if ours:
        forwarders.append(Forwarder(spool, OUR_CURSOR, ours))
    for one in forwarders:
        one.start()
    # Of a datagram nobody knows whether it arrived: what was only sent so is kept here.
    confirmed = ours is not None or any(one.url.startswith("tls:") for one in addresses)
    dropping = asyncio.create_task(
        _drop_delivered(spool, [one.name for one in forwarders] if confirmed else [], needed)
    )
    try:
        yield
    finally:
        dropping.cancel()
        await asyncio.gather(dropping, return_exceptions=True)
        await asyncio.gather(*(asyncio.to_thread(one.end) for one in forwarders))
