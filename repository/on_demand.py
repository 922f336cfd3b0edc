"""Documents that are made when they are asked for (ITI TF-2: 3.43.4.1.3, 3.61)."""

import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from database import DatabaseError
from ebxml.model import Association, DocumentEntry, RegistryResponse, Submission, SubmissionSet
from exchange.ports import (
    Clock,
    DocumentProvider,
    NewUuid,
    OnDemandEntries,
    ProviderFailed,
    RegistryPort,
    StagedDocument,
    StorageError,
    StoredDocument,
)
from hl7v2.datatypes import DTM
from ihe.associations import HAS_MEMBER, IS_SNAPSHOT_OF, ORIGINAL
from ihe.error_codes import DUPLICATE_UNIQUE_ID_IN_REGISTRY, ResponseStatus
from ihe.object_types import DocumentEntryType
from repository.document_rows import NewDocument
from repository.iti41_provide_and_register_document_set import (
    DEFAULT_MIME_TYPE,
    provide_and_register_document_set,
)
from repository.store import RepositoryStore

# Ids of what was made come from what it holds; this UUID says that they are ours, and never changes.
_SNAPSHOTS = uuid.UUID("5e6a4e5c-8b0f-4f0e-9d6b-0f2f5c1a7d43")

_ENTRY, _SET = "Snapshot", "SubmissionSet"


class OnDemandRegistry(RegistryPort, OnDemandEntries, Protocol):
    """All that is asked of the registry about documents made on demand."""


@dataclass(frozen=True, slots=True)
class OnDemandDocuments:
    """Has documents made by a provider, and keeps them where `persist` says so (3.43.4.1.3).

    What holds the same bytes for the same entry has the same uniqueId, so one that did not change since it
    was asked for last is neither stored nor registered again.
    """

    provider: DocumentProvider
    registry: OnDemandRegistry
    store: RepositoryStore
    repository_unique_id: str
    persist: bool
    clock: Clock
    new_uuid: NewUuid

    async def document(self, unique_id: str) -> StoredDocument | None:
        """The document as it is now, or None if no entry of ours announces one."""
        entry = await self.registry.announced(unique_id)
        if entry is None or entry.repository_unique_id != self.repository_unique_id:
            return None
        staged = await self._made(entry)
        snapshot_id = _unique_id(entry, "document", staged)
        if not self.persist:
            return self.store.read_once(staged, snapshot_id, entry.mime_type or DEFAULT_MIME_TYPE)
        # What is kept is the same whoever asked first, and is nobody's deposit but ours.
        with self.registry.for_itself():
            await self._keep(entry, staged, snapshot_id)
        kept = await self.store.find([snapshot_id])
        document = await self.store.open_copy(kept.get(snapshot_id, ()))
        return replace(document, new_repository_unique_id=self.repository_unique_id)

    async def _made(self, entry: DocumentEntry) -> StagedDocument:
        writer = await self.store.staging.begin(entry.mime_type or DEFAULT_MIME_TYPE)
        try:
            await self.provider.provide(entry, writer.write)
        except BaseException:
            await writer.abandon()
            raise
        return await writer.finish()

    async def _keep(self, entry: DocumentEntry, staged: StagedDocument, snapshot_id: str) -> None:
        """Store and register what was made, unless it is there already; or neither."""
        try:
            if await self.store.find([snapshot_id]):
                await self.store.discard([staged])
                return
            if await self.registry.registered([snapshot_id]):
                # Its metadata outlived it: an administrator removed the document (RMD supplement: 3.86).
                await self._keep_again(entry, staged, snapshot_id)
                return
            announcement = await self._announcement(entry)
        except BaseException:
            await self.store.discard([staged])
            raise
        response = await provide_and_register_document_set(
            self._submission(entry, announcement, staged, snapshot_id),
            {_ENTRY: staged},
            self.store,
            self.registry,
            repository_unique_id=self.repository_unique_id,
            clock=self.clock,
            new_uuid=self.new_uuid,
        )
        if response.status is not ResponseStatus.SUCCESS and not _was_registered_meanwhile(response):
            codes = ", ".join(error.code for error in response.errors)
            raise ProviderFailed(f"the registry refused what was made: {codes}")

    async def _keep_again(self, entry: DocumentEntry, staged: StagedDocument, snapshot_id: str) -> None:
        mime_type = entry.mime_type or DEFAULT_MIME_TYPE
        document = NewDocument(snapshot_id, mime_type, staged, entry.patient_id or "")
        submission_id = self.new_uuid()
        await self.store.add(submission_id, [document], self.clock())
        # It can be retrieved while it is pending, too, and is settled like all that is.
        with suppress(DatabaseError, StorageError):
            await self.store.make_available(submission_id, [staged])

    async def _announcement(self, entry: DocumentEntry) -> SubmissionSet:
        announcement = await self.registry.submission_set_of(entry)
        if announcement is None:
            raise ProviderFailed("no SubmissionSet announces the on-demand entry")
        return announcement

    def _submission(
        self, entry: DocumentEntry, announcement: SubmissionSet, staged: StagedDocument, snapshot_id: str
    ) -> Submission:
        """The entry as it was announced, stable now, and a snapshot of it (3.43.4.1.3; ITI TF-3: 4.2.2.2)."""
        now = DTM(self.clock().strftime("%Y%m%d%H%M%S"))
        return Submission(
            submission_sets=(
                SubmissionSet(
                    entry_uuid=_SET,
                    author=announcement.author,
                    content_type_code=announcement.content_type_code,
                    patient_id=entry.patient_id,
                    source_id=self.repository_unique_id,
                    submission_time=now,
                    # The registry takes it once: of two that were made at the same time one stays.
                    unique_id=_unique_id(entry, "submission", staged),
                ),
            ),
            document_entries=(
                replace(
                    entry,
                    entry_uuid=_ENTRY,
                    object_type=DocumentEntryType.STABLE,
                    unique_id=snapshot_id,
                    creation_time=now,
                    hash=staged.sha1,
                    size=str(staged.size),
                    availability_status=None,
                    home_community_id=None,
                    logical_id=None,
                    version=None,
                ),
            ),
            associations=(
                Association(
                    entry_uuid="Member",
                    association_type=HAS_MEMBER.urn,
                    source_object=_SET,
                    target_object=_ENTRY,
                    submission_set_status=ORIGINAL,
                ),
                Association(
                    entry_uuid="SnapshotOf",
                    association_type=IS_SNAPSHOT_OF.urn,
                    source_object=_ENTRY,
                    target_object=entry.entry_uuid,
                ),
            ),
        )


def _unique_id(entry: DocumentEntry, kind: str, staged: StagedDocument) -> str:
    """The OID of what was made of this entry and holds these bytes (ITI TF-2: 3.43.4.1.3; ITU-T X.667)."""
    name = " ".join((kind, entry.repository_unique_id or "", entry.entry_uuid, staged.sha256))
    return f"2.25.{uuid.uuid5(_SNAPSHOTS, name).int}"


def _was_registered_meanwhile(response: RegistryResponse) -> bool:
    return {error.code for error in response.errors} == {DUPLICATE_UNIQUE_ID_IN_REGISTRY.name}
