"""What a Document Administrator or On-Demand Source says at the registry: ITI-57, 61, 62, 92."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ebxml import read, write
from ebxml.affinity_domain import AffinityDomain
from ebxml.check_update import errors_in_restricted_update, errors_in_update
from ebxml.model import RegistryResponse, RemoveObjectsRequest, Submission
from exchange.consent_documents import Signatory
from exchange.conversation import Message, RefusesByRegistryResponse, Reply, refuse_surplus_parts
from exchange.diary import Diary
from exchange.ports import Decision, RemovedObjects, Touched
from exchange.registry_conversations import RegisterDocumentSet, TakesSubmission
from exchange.schema_errors import refuse_invalid
from exchange.verbs import Verb
from exchange.visibility import View
from ihe.error_codes import REGISTRY_ERROR, RegistryError, ResponseStatus
from ihe.transactions import ITI_57, ITI_61, ITI_62, ITI_92, Transaction

Owners = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Whose the objects of these entryUUIDs or logicalIDs are."""


@dataclass(frozen=True, slots=True)
class RegisterOnDemandDocumentEntry(RegisterDocumentSet):
    """Register On-Demand Document Entry (ITI TF-2: 3.61): a registration under rules of its own."""

    transaction: ClassVar[Transaction] = ITI_61


class Update(Protocol):
    """Does an update of what the View shows; of consent documents by the signatory's word."""

    def __call__(
        self, submission: Submission, /, *, view: View, signatory: Signatory
    ) -> Awaitable[RegistryResponse]: ...


@dataclass(frozen=True, slots=True)
class UpdateDocumentSet(TakesSubmission):
    """Update Document Set (MU supplement: 3.57): read and answered like a registration."""

    handle: Update
    owners: Owners

    transaction: ClassVar[Transaction] = ITI_57
    verb: ClassVar[Verb] = Verb.MANAGE

    def errors_in(self, request: Submission) -> Iterator[RegistryError]:
        return errors_in_update(request, self.domain)

    async def patients(self, request: Submission, diary: Diary) -> Touched:
        """An update may take a document from one patient to another."""
        return Touched(frozenset(diary.patient_ids), frozenset(await self.owners(_named(request))))

    async def perform(self, request: Submission, decision: Decision) -> RegistryResponse:
        return await self.handle(request, view=decision.view, signatory=decision.signatory)


@dataclass(frozen=True, slots=True)
class RestrictedUpdateDocumentSet(UpdateDocumentSet):
    """Restricted Update Document Set (RMU supplement: 3.92)."""

    transaction: ClassVar[Transaction] = ITI_92

    def errors_in(self, request: Submission) -> Iterator[RegistryError]:
        return errors_in_restricted_update(request, self.domain)


def _named(submission: Submission) -> set[str]:
    """Every object that an update names."""
    named = {each.logical_id or each.entry_uuid for each in submission.document_entries}
    named |= {each.logical_id or each.entry_uuid for each in submission.folders}
    for association in submission.associations:
        named |= {association.source_object, association.target_object}
    return named


@dataclass(frozen=True, slots=True)
class RemoveMetadata(RefusesByRegistryResponse):
    """Remove Metadata (RMD supplement: 3.62); `handle` says whose the removed objects were."""

    handle: Callable[[RemoveObjectsRequest, View, Signatory], Awaitable[RemovedObjects]]
    owners: Owners
    domain: AffinityDomain

    transaction: ClassVar[Transaction] = ITI_62
    verb: ClassVar[Verb] = Verb.MANAGE

    async def read(self, message: Message, diary: Diary) -> RemoveObjectsRequest:
        refuse_surplus_parts(message)
        refuse_invalid(message.body, REGISTRY_ERROR, self.domain)
        request = read.read_remove_objects_request(message.body)
        diary.removed_entry_uuids = request.entry_uuids
        return request

    def errors_in(self, request: RemoveObjectsRequest) -> Iterator[RegistryError]:
        if not request.entry_uuids:
            yield REGISTRY_ERROR.error("the request names no object, expected an rim:ObjectRef for each")

    async def patients(self, request: RemoveObjectsRequest, diary: Diary) -> Touched:
        return Touched(owners=frozenset(await self.owners(request.entry_uuids)))

    async def perform(self, request: RemoveObjectsRequest, decision: Decision) -> RemovedObjects:
        return await self.handle(request, decision.view, decision.signatory)

    def reply(self, result: RemovedObjects, diary: Diary) -> Reply:
        diary.patient_ids, diary.removed_titles = result.patient_ids, result.titles
        return Reply((write.write_registry_response(RegistryResponse(ResponseStatus.SUCCESS)),))
