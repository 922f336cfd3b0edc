"""One target for each reader: it takes any bytes, and raises only where the reader is wrong."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from lxml import etree

import schemas
from atna_audit.iti20_record_audit_event import Arrival, record_of
from audit_message import framing
from cda.acknowledgement import NotAcknowledgement, read_acknowledgement
from exchange.call import Call
from exchange.identity_feed_v2 import Delivery, V2Feed, take_message
from exchange.serve import serve
from hl7v2 import mllp
from hl7v2.adt import PatientIdDomain
from ihe.audit_events import Outcome
from server.composition import Platform, running_platform
from server.configuration import load
from soap.content_type import read_content_type
from soap.fault import SoapFault
from soap.mime_part import content_id_of_href, read_part_headers
from soap.mtom import Decoder, PartBegins, PartData
from tests.fuzz import seeds
from tests.messages.assertions import ISSUER, keys
from tests.messages.requests import REPOSITORY
from tests.messages.surroundings import KeptTrail, surroundings
from tests.wire import MTOM_TYPE
from xua.assertion import read_assertion
from xua.refused import NotAccepted
from xua.security_header import Token, read_security_header
from xua.signature import IdentityProvider, Trust
from xua.verified import verify

# What keeps a reader busy for so long is a find as well.
MOST_SECONDS = 10


Take = Callable[[bytes], None]

DOMAIN = {
    "COFFRE_DOMAIN__CODES": "",
    "COFFRE_DOMAIN__ASSIGNING_AUTHORITIES": '[{ oid = "2.999.5", name = "test" }]',
    "COFFRE_REPOSITORY__UNIQUE_ID": REPOSITORY,
}


@dataclass(frozen=True, slots=True)
class Target:
    """How to begin with a reader, what it usually reads, and whether that is XML."""

    open: Callable[[], AbstractContextManager[Take]]
    seeds: Callable[[], Iterable[bytes]]
    xml: bool = False


def refuse_serious(trail: KeptTrail) -> None:
    """What nobody had foreseen is recorded as a serious failure, and is a find."""
    for message in trail.messages:
        if message.event.outcome > Outcome.MINOR:
            raise AssertionError(message.event.outcome_description)


def mtom(data: bytes) -> None:
    """A multipart message; however it is cut, it holds the same (RFC 2046: 5.1)."""
    whole, pieces = _parts_of(data, len(data) + 1), _parts_of(data, 1 + len(data) % 7)
    if whole != pieces:
        raise AssertionError(f"{whole!r} by itself is {pieces!r} in pieces")


def _parts_of(data: bytes, size: int) -> list[tuple[str, str, bytes]] | str:
    parts: list[tuple[str, str, bytes]] = []
    try:
        decoder = Decoder(read_content_type(MTOM_TYPE))
        for start in range(0, len(data), size):
            decoder.receive_data(data[start : start + size])
            _take_events(decoder, parts)
        decoder.receive_end()
        _take_events(decoder, parts)
    except SoapFault as fault:
        return fault.reason
    return parts


def _take_events(decoder: Decoder, parts: list[tuple[str, str, bytes]]) -> None:
    for event in decoder.events():
        match event:
            case PartBegins():
                parts.append((event.content_id, event.content_type, b""))
            case PartData(data):
                content_id, content_type, before = parts[-1]
                parts[-1] = content_id, content_type, before + data


def mime_header(data: bytes) -> None:
    """The head of a message and of a part, and the reference to one (RFC 2045; RFC 2392)."""
    lines = data.split(b"\n")
    for read in (
        lambda: read_content_type(lines[0].decode("latin-1")),
        lambda: read_part_headers(lines, 2),
        lambda: content_id_of_href(data.decode("utf-8", "replace")),
    ):
        with suppress(SoapFault):
            read()


@contextmanager
def soap() -> Iterator[Take]:
    """A request at each actor, all the way into its tables and back (ITI TF-2: Appendix V)."""
    with tempfile.TemporaryDirectory(prefix="coffre-fuzz-") as directory, asyncio.Runner() as runner:
        configuration = load(None, DOMAIN, Path(directory))
        running = running_platform(configuration, ("registry", "repository"))
        platform = runner.run(running.__aenter__())
        try:
            yield lambda data: runner.run(_converse(data, platform))
        finally:
            runner.run(running.__aexit__(None, None, None))


async def _converse(data: bytes, platform: Platform) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield data

    content_type = MTOM_TYPE if data.startswith(b"--") else "application/soap+xml"
    for actor in platform.actors.values():
        trail = KeptTrail()
        call = Call(content_type, body(), f"https://vault.example/{actor.name}")
        answer = (await serve(call, actor, replace(platform.around, audit=trail))).body
        whole = answer if isinstance(answer, bytes) else b"".join([piece async for piece in answer])
        refuse_serious(trail)
        if content_type != MTOM_TYPE:
            etree.fromstring(whole)


def hl7v2(data: bytes) -> None:
    """Frames of an identity feed, each to its acknowledgement (ITI TF-2: 3.8)."""
    decoder = mllp.Decoder()
    decoder.receive_data(data)
    messages = [data]
    with suppress(mllp.NotMllp):
        messages += decoder.messages()

    async def nothing(*ids: object) -> None:
        """The registry's part."""

    feed = V2Feed(nothing, nothing, PatientIdDomain(frozenset({"2.999.5"}), {"HOSPITAL": "2.999.5"}))
    for message in messages:
        trail = KeptTrail()
        written = asyncio.run(take_message(Delivery(message, "mllp://x:1"), feed, surroundings(trail)))
        if not written.startswith(b"MSH|"):
            raise AssertionError(written)
        refuse_serious(trail)


def syslog(data: bytes) -> None:
    """A stream of audit messages; every byte of it is kept, whatever it is (RFC 5424, 5425, 6587)."""
    decoder = framing.Decoder()
    try:
        framed = [*decoder.receive_data(data), *decoder.receive_end()]
    except framing.BadFraming:
        framed = []
    at = datetime(2030, 1, 1, tzinfo=UTC)
    for message in (data, *(one.content for one in framed)):
        record = record_of(Arrival(message, "10.0.0.5", "tls", at))
        if record.arrival.message != message or not record.digest:
            raise AssertionError(record)


def saml(data: bytes) -> None:
    """An assertion: its header, its signature, and what it says if that were good (ITI TF-2: 3.40)."""
    try:
        root = schemas.parse(data)
    except schemas.NotParsable:
        return
    at = datetime.now(UTC)
    for read in (
        lambda: read_security_header([root]),
        lambda: read_assertion(root),
        lambda: verify(Token(data, encrypted=False), _trust(), at),
        lambda: verify(Token(data, encrypted=True), _trust(), at),
    ):
        with suppress(NotAccepted):
            read()


def consent(data: bytes) -> None:
    """A consent document; what is taken for one says what it acknowledges from when (ITI TF-3: 5.1.2)."""
    with suppress(NotAcknowledgement):
        found = read_acknowledgement(data)
        if found.start is None or not found.header.event_code_list:
            raise AssertionError(found)


TARGETS = {
    "mtom": Target(lambda: nullcontext(mtom), seeds.mtom),
    "mime-header": Target(lambda: nullcontext(mime_header), seeds.mime_header),
    "soap": Target(soap, seeds.soap, xml=True),
    "hl7v2": Target(lambda: nullcontext(hl7v2), seeds.hl7v2),
    "syslog": Target(lambda: nullcontext(syslog), seeds.syslog),
    "saml": Target(lambda: nullcontext(saml), seeds.saml, xml=True),
    "consent": Target(lambda: nullcontext(consent), seeds.consent, xml=True),
}


@cache
def _trust() -> Trust:
    return Trust((IdentityProvider(ISSUER, (keys("idp").certificate,)),), (keys("us").rsa,))
