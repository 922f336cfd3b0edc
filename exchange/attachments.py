"""The documents that came with one message, staged until the message is understood."""

from ebxml.refused import Refused
from exchange.ports import StagedDocument, Staging


class Attachments:
    """Staged documents by Content-ID; whatever nobody claimed is discarded with the request."""

    def __init__(self, staging: Staging | None) -> None:
        self.staging = staging
        self._unclaimed: dict[str, StagedDocument] = {}
        self._refused: Refused | None = None

    def __len__(self) -> int:
        return len(self._unclaimed)

    def add(self, content_id: str, staged: StagedDocument) -> None:
        """Remember a part that has been staged."""
        self._unclaimed[content_id] = staged

    async def stage(self, content_id: str, document: bytes) -> None:
        """Stage a document that stood in the envelope itself, base64 and all (ITI TF-2: V.3.6)."""
        if self.staging is None:
            raise LookupError("this endpoint takes no documents")
        writer = await self.staging.begin("application/octet-stream")
        await writer.write(document)
        self.add(content_id, await writer.finish())

    def refuse(self, problem: Refused) -> None:
        """Remember why a part could not be kept, until it is known in which transaction to say so."""
        self._refused = problem

    def must_be_kept(self) -> None:
        """Raise what kept a part out (ITI TF-2: 3.41.4.1.3)."""
        if self._refused:
            raise self._refused

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
