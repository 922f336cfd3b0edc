"""One HTTP request and its answer, as `server/` and the journey hand them to each other."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from exchange.subject import NodeCertificate


class Interrupted(Exception):
    """The peer went away before its request was complete."""


@dataclass(frozen=True, slots=True)
class Call:
    """A POST to an actor's endpoint; `body` streams, `fallback_action` is the SOAPAction header.

    `length_bytes` is what the peer says the body will have, None where it does not.

    Reading `body` raises Interrupted when the peer goes away.
    """

    content_type: str
    body: AsyncIterator[bytes]
    endpoint: str
    endpoint_address: str = ""
    peer_address: str = ""
    fallback_action: str = ""
    content_encoding: str = ""
    length_bytes: int | None = None
    from_ourselves: bool = False
    """Another actor of this process hands it over: whom it speaks for was verified when it was asked."""
    peer_certificate: NodeCertificate | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; `body` is whole where it is known, and streams where documents leave with it."""

    status: int
    content_type: str
    body: bytes | AsyncIterator[bytes]
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may weigh; each is a setting of `[limits]` (see `server/configuration.py`)."""

    metadata_size_bytes: int = 32 * 1024 * 1024
    """The envelope without its inline documents: read whole, so it costs memory."""

    document_size_bytes: int = 4 * 1024**3
    """One document; it streams, so this guards the disk, not memory."""

    request_size_bytes: int = 16 * 1024**3
    """All parts of one request together."""

    part_header_size_bytes: int = 16 * 1024
    """The MIME headers of one part, which are read whole; MTOM has three lines, mail gateways add a few."""

    documents_per_request: int = 1000
    """Parts of one ITI-41 and documents asked for by one ITI-43."""

    max_results: int = 100_000
    """Objects of one LeafClass answer; it streams, so this guards time, not memory."""
