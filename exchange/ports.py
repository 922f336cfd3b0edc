"""What a journey needs from outside: each port is a Protocol, handed in by `server/` or by a test."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Clock = Callable[[], datetime]
"""Now, in UTC and with its zone."""

NewUuid = Callable[[], str]
"""A fresh `urn:uuid:` in lower case."""


@dataclass(frozen=True, slots=True)
class StagedDocument:
    """A document's bytes, durable in staging but not yet visible; `handle` names them to their store."""

    handle: str
    sha1: str
    sha256: str
    size: int
    content_type: str


class DocumentWriter(Protocol):
    """Takes one document as it streams in."""

    async def write(self, data: bytes) -> None:
        """Take the next piece; returns when it may be forgotten by the caller."""

    async def finish(self) -> StagedDocument:
        """Make what was written durable and say what it is."""

    async def abandon(self) -> None:
        """Forget the document; what was written leaves no trace."""


class Staging(Protocol):
    """Where attachments go before their message is understood."""

    async def begin(self, content_type: str) -> DocumentWriter:
        """Open a place for one more document."""

    async def discard(self, staged: StagedDocument) -> None:
        """Remove a staged document that no submission wants."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document ready to leave: `chunks` yields its `size` bytes, verified as they pass."""

    document_unique_id: str
    mime_type: str
    size: int
    chunks: AsyncIterator[bytes]
