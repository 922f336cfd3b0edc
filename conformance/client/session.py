"""A session with software under test: its endpoints, all that was seen, and the run that it comes to."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from conformance.client.actors import Actors
from conformance.client.endpoints import Heard, identity_feed, web_services
from conformance.client.observed import Observation
from conformance.client.scenarios import outcomes
from conformance.client.store import Store
from conformance.judging.codes import ValueSets
from conformance.plan import PLAN_SET
from conformance.results import Outcome, Run
from conformance.sink import listening

# A person sends some hundreds; what comes later is answered and not kept.
MAX_MESSAGES_KEPT = 1_000

Told = Callable[[Observation, tuple[Outcome, ...]], None]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen; 0 is any free one, None is none."""

    http: int = 0
    https: int | None = None
    mllp: int | None = None
    audit_udp: int | None = None
    audit_tls: int | None = None


@dataclass
class Session:
    """What was seen so far; `tell` hears of every message with the checklist as it then stands."""

    product: str
    version: str
    tell: Told
    endpoints: tuple[tuple[str, str], ...] = ()
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _observed: list[Observation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def watch(self, seen: Observation) -> None:
        """Take note of a message."""
        with self._lock:
            if len(self._observed) < MAX_MESSAGES_KEPT:
                self._observed.append(seen)
            standing = outcomes(tuple(self._observed))
            self.tell(seen, standing)

    def run(self) -> Run:
        """What it comes to."""
        with self._lock:
            standing = outcomes(tuple(self._observed))
        return Run(
            self.product,
            self.version,
            self.endpoints,
            PLAN_SET,
            "",
            self.started,
            datetime.now(UTC),
            standing,
        )


@contextmanager
def session(
    product: str,
    version: str,
    host: str,
    ports: Ports,
    tls: ssl.SSLContext | None,
    repository: str,
    allowed: ValueSets,
    tell: Told,
) -> Iterator[Session]:
    """Open the endpoints, and close them at the end."""
    here = Session(product, version, tell)
    actors = Actors(Store(repository), allowed)
    with ExitStack() as stack:
        http = stack.enter_context(web_services(host, ports.http, actors, here.watch))
        addresses = dict(_web_addresses("http", host, http))
        if tls and ports.https is not None:
            https = stack.enter_context(web_services(host, ports.https, actors, here.watch, tls))
            addresses |= {f"{name} (TLS)": url for name, url in _web_addresses("https", host, https)}
        if ports.mllp is not None:
            mllp = stack.enter_context(identity_feed(host, ports.mllp, here.watch))
            addresses["identity (HL7 v2)"] = f"mllp://{host}:{mllp}"
        if ports.audit_udp or (ports.audit_tls and tls):
            stack.enter_context(listening(ports.audit_udp or 0, ports.audit_tls or 0, tls, Heard(here.watch)))
            addresses |= _audit_addresses(host, ports)
        here.endpoints = tuple(addresses.items())
        yield here


def _web_addresses(scheme: str, host: str, port: int) -> Iterator[tuple[str, str]]:
    for actor in ("registry", "repository"):
        yield actor, f"{scheme}://{host}:{port}/{actor}"
    for actor in ("registry", "repository"):
        yield f"{actor} in trouble", f"{scheme}://{host}:{port}/trouble/{actor}"


def _audit_addresses(host: str, ports: Ports) -> Mapping[str, str]:
    found = {"audit (UDP)": ports.audit_udp, "audit (TLS)": ports.audit_tls}
    schemes = {"audit (UDP)": "syslog", "audit (TLS)": "syslog+tls"}
    return {name: f"{schemes[name]}://{host}:{port}" for name, port in found.items() if port}
