"""Record Audit Event [ITI-20]: whatever comes in is kept as it came, and found by what it says."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from atna_audit.following import spooled_as
from atna_audit.tables import About
from audit_message.departures import examine
from audit_message.facts import Facts, facts_as_written, facts_of
from audit_message.read import NotAnAuditMessage
from audit_message.syslog import SyslogMessage, read_syslog
from ihe.audit_events import DOCUMENT, PATIENT, Outcome
from ihe.namespaces import ANONYMOUS

# How many messages of one connection are remembered to tell two equal ones from one that was sent twice:
# those of the last seconds, for a sender that writes the time writes it at least to the second.
REMEMBERED_MESSAGES = 4096


# How AuditEvents come in, without a syslog header.
FHIR_FEED = "fhir"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came in, and what was not right about how it came.

    `repeated` counts the equal messages before it on the same connection.
    """

    message: bytes
    peer: str
    transport: str
    received_at: datetime
    diagnosis: tuple[str, ...] = ()
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A message and what it is found by; `at` is the time of the event, or of the arrival."""

    arrival: Arrival
    digest: str
    at: datetime
    outcome: Outcome | None
    sender: str
    subjects: frozenset[tuple[About, str]]
    diagnosis: tuple[str, ...]
    spooled_as: tuple[str, int] | None = None


@dataclass(slots=True)
class Repetitions:
    """Counts equal messages of one connection: nothing is sent twice on it, so each is an event."""

    _counts: OrderedDict[bytes, int] = field(default_factory=OrderedDict)

    def count(self, message: bytes) -> int:
        """How often this message came before, as far as is remembered."""
        key = hashlib.sha256(message).digest()
        before = self._counts.pop(key, 0)
        self._counts[key] = before + 1
        if len(self._counts) > REMEMBERED_MESSAGES:
            self._counts.popitem(last=False)
        return before


def record_of(arrival: Arrival) -> AuditRecord:
    """Read what can be read of a message; nothing is refused (ITI TF-2: 3.20.4.1.3)."""
    syslog = _unwrapped(arrival)
    at = syslog.timestamp or arrival.received_at
    sender = syslog.hostname or arrival.peer
    departures: tuple[str, ...] = ()
    facts = facts_as_written(syslog.content)
    try:
        if facts is None:
            message, departures = examine(syslog.content, at)
            facts = facts_of(message)
    except NotAnAuditMessage as problem:
        diagnosis = (*arrival.diagnosis, *syslog.diagnosis, f"no audit message: {problem}")
        nothing: frozenset[tuple[About, str]] = frozenset()
        from_spool = spooled_as(syslog.process_id)
        return AuditRecord(
            arrival, _digest(arrival, syslog), at, None, sender, nothing, diagnosis, from_spool
        )
    return AuditRecord(
        arrival,
        _digest(arrival, syslog),
        facts.at,
        facts.outcome,
        facts.source_id or sender,
        frozenset(_subjects(facts)),
        (*arrival.diagnosis, *syslog.diagnosis, *departures),
        spooled_as(syslog.process_id),
    )


def _unwrapped(arrival: Arrival) -> SyslogMessage:
    if arrival.transport == FHIR_FEED:
        return SyslogMessage(arrival.message)
    return read_syslog(arrival.message)


def _digest(arrival: Arrival, syslog: SyslogMessage) -> str:
    # Not of the host's name, the framing and the way, which may differ when a record is sent once more. A
    # message without a time of its own is the same only if all of it is.
    identity = [arrival.message]
    if syslog.timestamp is not None:
        names = (syslog.timestamp.isoformat(), syslog.app_name, syslog.process_id, syslog.message_id)
        identity = [" ".join(names).encode(), syslog.content]
    digest = hashlib.sha256(b"\n".join(identity))
    if arrival.repeated:
        digest.update(b"\n%d" % arrival.repeated)
    return digest.hexdigest()


def _subjects(facts: Facts) -> Iterator[tuple[About, str]]:
    for id_, type_code, role in facts.objects:
        for kind, about in ((PATIENT, About.PATIENT), (DOCUMENT, About.DOCUMENT)):
            if id_ and (type_code, role) == (kind.type_code, kind.role):
                yield about, id_
    for name in facts.names:
        # Nearly every peer is this one, and nobody looks for it.
        if name and name != ANONYMOUS:
            yield About.PERSON, name
    for code in facts.purposes:
        yield About.PURPOSE, code
    for code in facts.events:
        if code:
            yield About.EVENT, code
