"""What is said at the Document Repository's endpoint: ITI-41, ITI-43 and ITI-86."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from ebxml import read, write
from ebxml.affinity_domain import AffinityDomain
from ebxml.check import errors_in_submission
from ebxml.model import (
    DocumentRequest,
    DocumentResponse,
    RegistryResponse,
    RetrieveRequest,
    Submission,
)
from exchange.audit_trail import AuditedDocument
from exchange.consent_documents import acknowledged_in
from exchange.conversation import (
    Message,
    NamesPatients,
    RefusesByRegistryResponse,
    Reply,
    refuse_surplus_parts,
)
from exchange.diary import Diary
from exchange.ports import (
    Decision,
    RemoveResult,
    RetrieveResult,
    StagedDocument,
    StoredDocument,
    Touched,
)
from exchange.registry_conversations import refuse_unacceptable, reply_with_response
from exchange.schema_errors import refuse_invalid
from exchange.submitted import note_submission
from exchange.verbs import Verb
from exchange.visibility import NOTHING
from ihe.error_codes import (
    MISSING_DOCUMENT,
    MISSING_DOCUMENT_METADATA,
    REPOSITORY_ERROR,
    REPOSITORY_METADATA_ERROR,
    RegistryError,
    ResponseStatus,
)
from ihe.transactions import ITI_41, ITI_43, ITI_86, Transaction
from soap.mtom import content_id_of_href


@dataclass(frozen=True, slots=True)
class ProvidedSubmission:
    """An ITI-41 request: metadata, and by DocumentEntry id the documents as staged.

    `faults` name every xds:Document in `lost`: it refers to a MIME part that did not come.
    """

    submission: Submission
    documents: Mapping[str, StagedDocument]
    lost: frozenset[str]
    faults: tuple[RegistryError, ...]


@dataclass(frozen=True, slots=True)
class ProvideAndRegisterDocumentSet(RefusesByRegistryResponse):
    """Provide and Register Document Set-b (ITI TF-2: 3.41)."""

    handle: Callable[[Submission, Mapping[str, StagedDocument]], Awaitable[RegistryResponse]]
    errors_in_documents: Callable[[Submission, Mapping[str, StagedDocument]], Iterator[RegistryError]]
    domain: AffinityDomain

    transaction: ClassVar[Transaction] = ITI_41
    verb: ClassVar[Verb] = Verb.DEPOSIT

    async def read(self, message: Message, diary: Diary) -> ProvidedSubmission:
        provided = read.take_documents(message.body)
        refuse_invalid(message.body, REPOSITORY_METADATA_ERROR, self.domain)
        submission = read.read_submission(message.body[0])
        note_submission(submission, diary)
        documents = await _documents(provided, message)
        if not_kept := message.attachments.not_kept:
            raise not_kept.refusal(_name_of(not_kept.content_id, provided))
        return ProvidedSubmission(submission, *documents)

    def errors_in(self, request: ProvidedSubmission) -> Iterator[RegistryError]:
        yield from request.faults
        yield from errors_in_submission(request.submission, self.domain, self.transaction)
        # What is said of an xds:Document is not said once more of its DocumentEntry.
        entries = (one for one in request.submission.document_entries if one.entry_uuid not in request.lost)
        rest = replace(request.submission, document_entries=tuple(entries))
        yield from self.errors_in_documents(rest, request.documents)

    async def patients(self, request: ProvidedSubmission, diary: Diary) -> Touched:
        return Touched(frozenset(diary.patient_ids), acknowledged=acknowledged_in(request.submission))

    async def perform(self, request: ProvidedSubmission, decision: Decision) -> RegistryResponse:
        refuse_unacceptable(request.submission, decision, REPOSITORY_ERROR)
        return await self.handle(request.submission, request.documents)

    def reply(self, result: RegistryResponse, diary: Diary) -> Reply:
        return reply_with_response(result, diary)


async def _documents(
    provided: tuple[read.ProvidedDocument, ...], message: Message
) -> tuple[Mapping[str, StagedDocument], frozenset[str], tuple[RegistryError, ...]]:
    """Every xds:Document with the bytes it stands for, or lost; inline ones join the staged parts."""
    documents: dict[str, StagedDocument] = {}
    lost = set()
    faults: list[RegistryError] = []
    referred: dict[str, str] = {}
    for document in provided:
        content_id = _content_id(document)
        if document.href is None:
            await message.attachments.stage(content_id, document.inline or b"")
        staged = message.attachments.get(content_id)
        owner = referred.setdefault(content_id, document.id)
        if owner != document.id:
            lost.add(document.id)
            faults.append(
                MISSING_DOCUMENT.error(
                    f"xds:Document {document.id} refers to {document.href}, which is xds:Document {owner}"
                )
            )
        elif document.id in documents:
            faults.append(
                REPOSITORY_METADATA_ERROR.error(f"two xds:Document elements have the id {document.id}")
            )
        elif staged:
            documents[document.id] = staged
        else:
            lost.add(document.id)
            faults.append(
                MISSING_DOCUMENT.error(
                    f"xds:Document {document.id} refers to {document.href}, no MIME part has that Content-ID"
                )
            )
    faults.extend(
        MISSING_DOCUMENT_METADATA.error(f"no xds:Document refers to the MIME part {content_id}")
        for content_id in message.attachments.unclaimed()
        if content_id not in referred
    )
    return documents, frozenset(lost), tuple(faults)


def _content_id(document: read.ProvidedDocument) -> str:
    # That of a MIME part has no space in it.
    return f"inline {document.id}" if document.href is None else content_id_of_href(document.href)


def _name_of(content_id: str | None, provided: tuple[read.ProvidedDocument, ...]) -> str:
    """What a staged document is to its sender: an xds:Document, or a MIME part that none refers to."""
    if content_id is None:
        return ""
    named = (document.id for document in provided if _content_id(document) == content_id)
    return next((f"xds:Document {id_}" for id_ in named), f"MIME part {content_id}")


@dataclass(frozen=True, slots=True)
class RetrieveDocumentSet(NamesPatients):
    """Retrieve Document Set (ITI TF-2: 3.43).

    Only the registry knows whose the documents are: for whom there are rules, it is asked which are there.
    """

    handle: Callable[[RetrieveRequest, bool], Awaitable[RetrieveResult]]
    domain: AffinityDomain

    transaction: ClassVar[Transaction] = ITI_43
    verb: ClassVar[Verb] = Verb.READ

    async def read(self, message: Message, diary: Diary) -> RetrieveRequest:
        refuse_surplus_parts(message)
        refuse_invalid(message.body, REPOSITORY_ERROR, self.domain)
        request = read.read_retrieve_request(message.body)
        diary.documents = tuple(_audited(wanted) for wanted in request.documents)
        return request

    def errors_in(self, request: RetrieveRequest) -> Iterator[RegistryError]:
        """None of the message alone: whether a document can be had is found one by one (3.43.4.1.3)."""
        return iter(())

    async def perform(self, request: RetrieveRequest, decision: Decision) -> RetrieveResult:
        return await self.handle(request, not decision.view.unrestricted)

    def reply(self, result: RetrieveResult, diary: Diary) -> Reply:
        found = tuple(request for request, _ in result.documents)
        if result.errors:
            diary.failed_documents = tuple(
                document for document in diary.documents
                if document.unique_id not in {request.document_unique_id for request in found}
            )  # fmt: skip
            diary.failure_text = "; ".join(f"{error.code}: {error.context}" for error in result.errors)
            status = ResponseStatus.PARTIAL_SUCCESS if found else ResponseStatus.FAILURE
        else:
            status = ResponseStatus.SUCCESS
        diary.documents = tuple(_audited(request, stored.patient_id) for request, stored in result.documents)
        documents = tuple(stored for _, stored in result.documents)
        pieces = write.write_retrieve_response(
            status, result.errors, tuple(_response(request, stored) for request, stored in result.documents)
        )
        return Reply(pieces, documents)

    def refusal(self, errors: tuple[RegistryError, ...], message: Message) -> Reply:
        return Reply(write.write_retrieve_response(ResponseStatus.FAILURE, errors, ()))


@dataclass(frozen=True, slots=True)
class RemoveDocuments(RefusesByRegistryResponse):
    """Remove Documents (RMD supplement: 3.86), which names them as ITI-43 does."""

    handle: Callable[[RetrieveRequest, Collection[str] | None], Awaitable[RemoveResult]]
    owners: Callable[[Collection[str]], Awaitable[Mapping[str, Collection[str]]]]
    left_over: Callable[[Collection[str]], Awaitable[Collection[str]]]
    domain: AffinityDomain

    transaction: ClassVar[Transaction] = ITI_86
    verb: ClassVar[Verb] = Verb.MANAGE

    async def read(self, message: Message, diary: Diary) -> RetrieveRequest:
        refuse_surplus_parts(message)
        refuse_invalid(message.body, REPOSITORY_ERROR, self.domain)
        request = read.read_retrieve_request(message.body)
        diary.documents = tuple(_audited(wanted) for wanted in request.documents)
        return request

    def errors_in(self, request: RetrieveRequest) -> Iterator[RegistryError]:
        """None of the message alone: whether a document is there is found one by one (3.86.4.1.3)."""
        return iter(())

    async def patients(self, request: RetrieveRequest, diary: Diary) -> Touched:
        """Those in whose records the documents still are; metadata are usually removed first."""
        owners = await self.owners(_unique_ids(request))
        return Touched(owners=frozenset(each for patients in owners.values() for each in patients))

    async def perform(self, request: RetrieveRequest, decision: Decision) -> RemoveResult:
        return await self.handle(request, await self._removable(request, decision))

    async def _removable(self, request: RetrieveRequest, decision: Decision) -> Collection[str] | None:
        """The documents that the subject may remove: in no record but those he may change, or in none at all.

        None where there are no rules.
        """
        if decision.view.unrestricted:
            return None
        owners = await self.owners(_unique_ids(request))
        removable = {
            unique_id
            for unique_id, patients in owners.items()
            if all(decision.view.of(each) != NOTHING for each in patients)
        }
        if decision.leftovers:
            removable |= {*await self.left_over(_unique_ids(request) - owners.keys())}
        return removable

    def reply(self, result: RemoveResult, diary: Diary) -> Reply:
        removed = {wanted: _audited(wanted, patient_id) for wanted, patient_id in result.removed}
        status = ResponseStatus.SUCCESS
        if result.errors:
            gone = {_audited(wanted) for wanted in removed}
            diary.failed_documents = tuple(one for one in diary.documents if one not in gone)
            diary.failure_text = "; ".join(f"{error.code}: {error.context}" for error in result.errors)
            status = ResponseStatus.PARTIAL_SUCCESS if removed else ResponseStatus.FAILURE
        diary.documents = tuple(removed.values())
        return Reply((write.write_registry_response(RegistryResponse(status, result.errors)),))


def _unique_ids(request: RetrieveRequest) -> set[str]:
    return {one.document_unique_id for one in request.documents}


def _response(request: DocumentRequest, stored: StoredDocument) -> DocumentResponse:
    made = stored.document_unique_id != request.document_unique_id
    return DocumentResponse(
        request,
        stored.mime_type,
        stored.document_unique_id if made else "",
        stored.new_repository_unique_id,
    )


def _audited(request: DocumentRequest, patient_id: str = "") -> AuditedDocument:
    return AuditedDocument(
        request.document_unique_id, request.repository_unique_id, request.home_community_id or "", patient_id
    )
