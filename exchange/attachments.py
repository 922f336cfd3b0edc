"""The documents that came with one message, staged until the message is understood."""

import logging
from dataclasses import dataclass, replace

from ebxml.refused import Refused
from exchange.ports import DocumentWriter, StagedDocument, Staging, StorageError
from ihe.error_codes import REPOSITORY_ERROR, RegistryError

log = logging.getLogger("coffre.exchange")


@dataclass(frozen=True, slots=True)
class NotKept:
    """Why nothing of a message is kept: one document could not be, or without `content_id` the whole."""

    error: RegistryError
    content_id: str | None = None

    def refusal(self, name: str = "") -> Refused:
        """The error with the name of its object in front (ITI TF-3: Table 4.2.4.1-2)."""
        context = f"{name}: {self.error.context}" if name else self.error.context
        return Refused(replace(self.error, context=context))


class Attachments:
    """Staged documents by Content-ID; whatever nobody claimed is discarded with the request.

    After one that could not be kept, none is: the message will be refused, in its own transaction's words.
    """

    def __init__(self, staging: Staging | None) -> None:
        self.staging = staging
        self.not_kept: NotKept | None = None
        self._unclaimed: dict[str, StagedDocument] = {}

    def __len__(self) -> int:
        return len(self._unclaimed)

    def add(self, content_id: str, staged: StagedDocument) -> None:
        """Remember a part that has been staged."""
        self._unclaimed[content_id] = staged

    async def stage(self, content_id: str, document: bytes) -> None:
        """Stage a document that stood in the envelope itself, base64 and all (ITI TF-2: V.3.6)."""
        arrival = Arrival(self, content_id)
        await arrival.write(document)
        await arrival.finish()

    def get(self, content_id: str) -> StagedDocument | None:
        """The part of this Content-ID, which stays unclaimed."""
        return self._unclaimed.get(content_id)

    def unclaimed(self) -> tuple[str, ...]:
        """The Content-IDs nobody has claimed."""
        return tuple(self._unclaimed)

    def claim_all(self) -> None:
        """Pass every part to the handler: from here on it keeps or removes them."""
        self._unclaimed.clear()

    async def discard(self) -> None:
        """Remove what nobody claimed."""
        while self._unclaimed and self.staging:
            _, staged = self._unclaimed.popitem()
            await self.staging.discard(staged)


class Arrival:
    """One document on its way to staging; what cannot be kept is read past (ITI TF-2: 3.41.4.1.3)."""

    def __init__(
        self, attachments: Attachments, content_id: str, content_type: str = "application/octet-stream"
    ) -> None:
        if attachments.staging is None:
            raise LookupError("this endpoint takes no documents")
        self._attachments = attachments
        self._staging = attachments.staging
        self._content_id = content_id
        self._content_type = content_type
        self._writer: DocumentWriter | None = None

    async def write(self, data: bytes) -> None:
        """Take the next piece."""
        if self._attachments.not_kept:
            await self.abandon()
            return
        try:
            await (await self._begun()).write(data)
        except (StorageError, Refused) as problem:
            self._not_kept(problem)

    async def finish(self) -> None:
        """The document is complete: from here on it is among the attachments, if it was kept."""
        if self._attachments.not_kept:
            await self.abandon()
            return
        try:
            staged = await (await self._begun()).finish()
        except (StorageError, Refused) as problem:
            self._not_kept(problem)
        else:
            self._writer = None
            self._attachments.add(self._content_id, staged)

    async def abandon(self) -> None:
        """Forget the document."""
        if self._writer:
            writer, self._writer = self._writer, None
            await writer.abandon()

    async def _begun(self) -> DocumentWriter:
        if self._writer is None:
            self._writer = await self._staging.begin(self._content_type)
        return self._writer

    def _not_kept(self, problem: StorageError | Refused) -> None:
        # The writer has abandoned the document by itself.
        self._writer = None
        if isinstance(problem, Refused):
            error = problem.errors[0]
        else:
            log.error("a document cannot be stored: %s", problem)
            error = REPOSITORY_ERROR.error("the document could not be stored")
        self._attachments.not_kept = NotKept(error, self._content_id)
