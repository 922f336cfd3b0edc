"""What a journey needs from outside: each port is a Protocol, handed in by `server/` or by a test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from audit_message.model import AuditMessage
from ebxml.model import DocumentEntry, DocumentRequest, RegistryResponse, Submission, SubmissionSet
from ebxml.refused import Refused
from exchange.consent_documents import ANYBODY, Pair, Signatory
from exchange.standing import Standing
from exchange.subject import Subject
from exchange.verbs import Verb
from exchange.visibility import EVERYTHING, OPEN_VIEW, View, Visibility
from ihe.error_codes import REPOSITORY_OUT_OF_RESOURCES, RegistryError

Clock = Callable[[], datetime]
"""Now, in UTC and with its zone."""

NewUuid = Callable[[], str]
"""A fresh `urn:uuid:` in lower case."""


@dataclass(frozen=True, slots=True)
class StagedDocument:
    """A document's bytes, durable in staging but not yet visible; `handle` names them to their store.

    `key` opens them, and stands nowhere else until their store has written it down; empty for plain bytes.
    """

    handle: str
    sha1: str
    sha256: str
    size: int
    content_type: str
    key: bytes = field(default=b"", repr=False)


class StorageError(Exception):
    """A document could not be written or read; what the system said stays in our log."""


class StorageFull(Refused):
    """There is no room for a document (ITI TF-2: 3.41.4.1.3)."""

    def __init__(self) -> None:
        super().__init__(REPOSITORY_OUT_OF_RESOURCES.error("no room is left to store the document"))


class DocumentTooLarge(Refused):
    """A document is longer than this repository takes."""

    def __init__(self, limit_bytes: int) -> None:
        context = f"the document is longer than the {limit_bytes} bytes taken here"
        super().__init__(REPOSITORY_OUT_OF_RESOURCES.error(context))


class DocumentWriter(Protocol):
    """Takes one document as it streams in; raises StorageError, StorageFull and DocumentTooLarge."""

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
    """A document ready to leave: `chunks` yields its `size` bytes, verified as they pass.

    `document_unique_id` is its own; that of the request was another where it was made on demand, and
    `new_repository_unique_id` says where it stays, if it does. `patient_id` is whose it was when it
    came, where that is known.
    """

    document_unique_id: str
    mime_type: str
    size: int
    chunks: AsyncIterator[bytes]
    new_repository_unique_id: str = ""
    patient_id: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the consent broker answers; `reasons` are for the record, never for the peer.

    `view` is what there is of these records for the subject, `acceptable` what a document must be like that
    he may add, and `depositor` the name under which the registry notes that he did. `leftovers` says whether
    he may clear away what is nobody's any more.
    """

    permit: bool
    reasons: tuple[str, ...] = ()
    view: View = OPEN_VIEW
    acceptable: Visibility = EVERYTHING
    depositor: str | None = None
    leftovers: bool = True
    opened_by_emergency: tuple[str, ...] = ()
    """The patients in whose records an emergency opened something."""
    signatory: Signatory = ANYBODY
    """For which policies he may speak, in whose name."""
    standing: Standing | None = field(default=None, compare=False)
    """Whether it would be the same now; without it, only another decision tells."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Whose records a request touches: the patients it names, and those whose objects it names.

    `acknowledged` are the policies of the consent documents that it brings.
    """

    named: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    acknowledged: frozenset[Pair] = frozenset()


Whose = Callable[[], Awaitable[Touched]]
"""Finds out whose records a request touches."""


class Consent(Protocol):
    """May this subject do this verb to these patients' records?"""

    async def decide(
        self, subject: Subject, verb: Verb, whose: Whose, at: datetime, counted: bool = False
    ) -> Decision:
        """Decide for all whose records are touched; where there are no rules nobody needs to find out.

        `counted` says that it was decided for the same request before.
        """


class OutcomeUnknown(Exception):
    """An actor's work is done, or nothing of it is; which of both was lost with its database."""


class AuditTrail(Protocol):
    """Where records go; `record` returns when they are durable."""

    async def record(self, *messages: AuditMessage) -> None:
        """Keep these records; raises AuditUnavailable when they cannot be made durable."""


class AuditUnavailable(Exception):
    """The audit trail cannot be written: no answer may leave (ITI TF-2: 3.20)."""


class RegistryUnreachable(Exception):
    """The registry gave no answer; `sent` tells whether it may have received the request all the same."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class RegistryPort(Protocol):
    """The repository's way to its registry (ITI TF-2: 3.18, 3.42)."""

    async def register(self, submission: Submission) -> RegistryResponse:
        """Send ITI-42 and return its answer; raises RegistryUnreachable."""

    async def registered(self, unique_ids: Iterable[str]) -> Mapping[str, str]:
        """Ask by ITI-18; the hash of each document that is registered, in lower case; RegistryUnreachable."""


class ShownEntries(Protocol):
    """What the registry shows of documents to whoever the repository is asked by."""

    async def mime_types(self, unique_ids: Iterable[str]) -> Mapping[str, Collection[str]]:
        """Ask by ITI-18; the mimeTypes of each document of which an entry is shown; RegistryUnreachable."""


class OnDemandEntries(Protocol):
    """What the registry knows of documents that are made when they are asked for (ITI TF-2: 3.61)."""

    def for_itself(self) -> AbstractContextManager[None]:
        """What is asked inside is asked for the repository itself, and for no user."""

    async def announced(self, unique_id: str) -> DocumentEntry | None:
        """The on-demand entry of this uniqueId, an Approved one before others; raises RegistryUnreachable."""

    async def submission_set_of(self, entry: DocumentEntry) -> SubmissionSet | None:
        """The SubmissionSet that announced it; raises RegistryUnreachable."""


class NothingOnDemand(Exception):
    """There is no document for this entry, now or any more."""


class ProviderFailed(Exception):
    """The provider gave no document, though there may be one."""


class DocumentProvider(Protocol):
    """Makes the document of an on-demand entry (ITI TF-2: 3.43.4.1.3)."""

    async def provide(self, entry: DocumentEntry, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write the document, of the entry's mimeType; raises NothingOnDemand and ProviderFailed."""


class Obstacle(StrEnum):
    """Why two patients cannot be merged (ITI TF-2: 3.8.4.2.3, 3.44.4.2.3)."""

    SAME_PATIENT = "the subsumed and the surviving id are the same"
    SUBSUMED_UNKNOWN = "the subsumed id is not known"
    SUBSUMED_ALREADY = "the subsumed id was merged into another one before"
    SURVIVING_UNKNOWN = "the surviving id is not known"
    SURVIVING_SUBSUMED = "the surviving id was itself merged into another one before"


class CannotMerge(Exception):
    """A merge that the registry did not make; it has changed nothing."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(str(obstacle))
        self.obstacle = obstacle


@dataclass(frozen=True, slots=True)
class RemovedObjects:
    """Whose the objects were that ITI-62 has removed, and the titles of the documents among them."""

    patient_ids: tuple[str, ...]
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoveResult:
    """What ITI-86 has removed, each with its patient where that is known, and why not the rest."""

    removed: tuple[tuple[DocumentRequest, str], ...]
    errors: tuple[RegistryError, ...] = ()


@dataclass(frozen=True, slots=True)
class RetrieveResult:
    """What ITI-43 can hand out, in the order asked for, and why not the rest."""

    documents: tuple[tuple[DocumentRequest, StoredDocument], ...]
    errors: tuple[RegistryError, ...] = ()
