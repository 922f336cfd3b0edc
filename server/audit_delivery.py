"""From the spool into the Audit Record Repository of the same process."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from atna_audit.iti20_record_audit_event import Arrival, record_of
from atna_audit.store import AuditStore
from database import DatabaseError
from server.syslog_transport import Session

# How records came that did not come over a network.
TRANSPORT = "spool"

# A database that takes longer for some thousand records is taken as gone: the end of a server waits for this.
STORING_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class OwnRepository:
    """A destination for a forwarder's thread, whose store belongs to the event loop."""

    store: AuditStore
    clock: Callable[[], datetime]
    loop: asyncio.AbstractEventLoop

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Begin to collect records."""
        yield _OwnSession(self)


@dataclass(slots=True)
class _OwnSession:
    repository: OwnRepository
    arrivals: list[Arrival] = field(default_factory=list)

    def send(self, message: bytes) -> None:
        """Take one message, as it would come over the network."""
        at = self.repository.clock()
        self.arrivals.append(Arrival(message, socket.gethostname(), TRANSPORT, at))

    def confirm(self) -> None:
        """Return when all are stored."""
        records = [record_of(arrival) for arrival in self.arrivals]
        storing = asyncio.run_coroutine_threadsafe(self.repository.store.add(records), self.repository.loop)
        try:
            storing.result(STORING_SECONDS)
        except (DatabaseError, TimeoutError) as problem:
            storing.cancel()
            raise OSError(f"our database does not take them: {type(problem).__name__}") from problem
