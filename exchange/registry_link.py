"""The repository's way to its registry: whole ITI-42 and ITI-18 messages, wherever the registry is."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from lxml import etree

import schemas
from ebxml.model import (
    DocumentEntry,
    RegistryObject,
    RegistryResponse,
    Slot,
    StoredQueryRequest,
    Submission,
    SubmissionSet,
)
from ebxml.read import AnswerNotUnderstood, QueryResponse, read_query_response, read_registry_response
from ebxml.write import write_stored_query, write_submit_objects_request
from exchange.audit_trail import Happening, audit_messages_of
from exchange.bearing import Bearing, bearing, for_nobody
from exchange.diary import Node
from exchange.ports import AuditTrail, Clock, NewUuid, RegistryUnreachable
from exchange.replies import SOAP_CONTENT_TYPE
from exchange.submitted import submitted_documents
from ihe.audit_events import Outcome
from ihe.error_codes import ResponseStatus
from ihe.object_types import DocumentEntryType, Status
from ihe.stored_queries import GET_DOCUMENTS, GET_SUBMISSION_SETS, StoredQuery
from ihe.transactions import ITI_18, ITI_42, Transaction
from soap.envelope import ENVELOPE_TAIL, envelope_head, read_envelope
from soap.fault import FaultCode, SoapFault, read_fault
from xua.security_header import write_security_header

Send = Callable[[bytes, str], Awaitable[bytes]]
"""Posts a message of this content type and returns the answer's bytes; raises RegistryUnreachable."""

Answer = TypeVar("Answer", RegistryResponse, QueryResponse)


@dataclass(frozen=True, slots=True)
class RegistryLink:
    """Speaks as the repository, and keeps our side of the audit records (ITI TF-2: 3.18.5.1, 3.42.5.1)."""

    send: Send
    registry_url: str
    registry_address: str
    our_address: str
    repository_url: str
    node: Node
    audit: AuditTrail
    clock: Clock
    new_uuid: NewUuid
    itself: Callable[[], Bearing] | None = None
    """For whom it speaks when no user has asked it."""
    in_one_process: bool = False
    """Whether the registry knows it without that."""

    async def register(self, submission: Submission) -> RegistryResponse:
        """Send the submission and return the registry's answer unchanged."""
        submission_set = submission.submission_set
        return await self._ask(
            ITI_42,
            write_submit_objects_request(submission),
            read_registry_response,
            patient_ids=(submission_set.patient_id,) if submission_set.patient_id else (),
            submission_set_unique_id=submission_set.unique_id or "",
            documents=submitted_documents(submission),
        )

    async def registered(self, unique_ids: Iterable[str]) -> Mapping[str, str]:
        """Ask by ITI-18 for each document; the hash of those that are registered, in lower case."""
        return {
            entry.unique_id: (entry.hash or "").lower()
            async for entry in self._entries(unique_ids)
            if entry.unique_id
        }

    async def owners(self, unique_ids: Iterable[str]) -> Mapping[str, Collection[str]]:
        """Ask by ITI-18 for each document in whose records it is, for whoever asks; not of those in none."""
        owners: dict[str, set[str]] = {}
        async for entry in self._entries(unique_ids):
            owners.setdefault(str(entry.unique_id), set()).add(str(entry.patient_id))
        return owners

    async def mime_types(self, unique_ids: Iterable[str]) -> Mapping[str, Collection[str]]:
        """Ask by ITI-18 for each document; the mimeTypes with which it is shown to whoever asks."""
        mime_types: dict[str, set[str]] = {}
        async for entry in self._entries(unique_ids):
            mime_types.setdefault(str(entry.unique_id), set()).add(entry.mime_type or "")
        return mime_types

    def for_itself(self) -> AbstractContextManager[None]:
        """What is asked inside is asked for nobody but us, if the registry takes our word for it."""
        return for_nobody() if self.in_one_process or self.itself else nullcontext()

    async def left_over(self, unique_ids: Collection[str]) -> Collection[str]:
        """Ask by ITI-18, for ourselves, which of these documents are in no record at all."""
        with self.for_itself():
            return {*unique_ids} - (await self.registered(unique_ids)).keys()

    async def _entries(self, unique_ids: Iterable[str]) -> AsyncIterator[DocumentEntry]:
        # One at a time: an answer that spans patients is refused (ITI TF-2: 3.18.4.1.2.3.8).
        for unique_id in unique_ids:
            for entry in await self._named(unique_id):
                yield entry

    async def announced(self, unique_id: str) -> DocumentEntry | None:
        """Ask by ITI-18 for the on-demand entry of this uniqueId (ITI TF-2: 3.61.4.1.3)."""
        entries = [
            entry
            for entry in await self._named(unique_id)
            if entry.object_type == DocumentEntryType.ON_DEMAND
        ]
        approved = [entry for entry in entries if entry.availability_status == Status.APPROVED]
        return next(iter((*approved, *entries)), None)

    async def submission_set_of(self, entry: DocumentEntry) -> SubmissionSet | None:
        """Ask by ITI-18 for the SubmissionSet that announced an entry."""
        objects = await self._found(GET_SUBMISSION_SETS, "$uuid", entry.entry_uuid)
        return next((one for one in objects if isinstance(one, SubmissionSet)), None)

    async def _named(self, unique_id: str) -> list[DocumentEntry]:
        objects = await self._found(GET_DOCUMENTS, "$XDSDocumentEntryUniqueId", unique_id)
        return [one for one in objects if isinstance(one, DocumentEntry) and one.unique_id == unique_id]

    async def _found(self, query: StoredQuery, parameter: str, value: str) -> tuple[RegistryObject, ...]:
        quoted = value.replace("'", "''")
        slot = Slot(parameter, (f"('{quoted}')",))
        xml = write_stored_query(
            StoredQueryRequest(query_id=query.id, return_type="LeafClass", slots=(slot,))
        )
        response = await self._ask(ITI_18, xml, read_query_response, query_id=query.id, query_xml=xml)
        if response.status is not ResponseStatus.SUCCESS:
            codes = ", ".join(error.code for error in response.errors)
            raise RegistryUnreachable(f"the registry did not answer a query: {codes}", sent=True)
        return response.objects

    async def _ask(
        self, transaction: Transaction, body: bytes, read: Callable[[etree._Element], Answer], **told: Any
    ) -> Answer:
        """Send one message, read the answer, record both; `told` is what the record says of the message."""
        # The registry is asked for the user for whom the repository was asked (ITI TF-2: 3.40).
        whom = bearing.get() or (self.itself() if self.itself else None)
        head = envelope_head(
            action=transaction.action,
            message_id=self.new_uuid(),
            to=self.registry_url,
            more_headers=write_security_header(whom.token) if whom else b"",
        )
        told["user"] = whom.user if whom else None
        content_type = f'{SOAP_CONTENT_TYPE}; action="{transaction.action}"'
        try:
            answer = await self.send(head + body + ENVELOPE_TAIL, content_type)
            response = _understand(answer, transaction, read)
        except RegistryUnreachable as problem:
            await self._record(transaction, Outcome.SERIOUS, str(problem), told)
            raise
        failed = response.status is ResponseStatus.FAILURE
        text = "; ".join(error.code for error in response.errors) if failed else ""
        await self._record(transaction, Outcome.MINOR if failed else Outcome.SUCCESS, text, told)
        return response

    async def _record(
        self, transaction: Transaction, outcome: Outcome, text: str, told: Mapping[str, Any]
    ) -> None:
        happening = Happening(
            transaction=transaction,
            at=self.clock(),
            outcome=outcome,
            outcome_text=text,
            we_are="client",
            peer_user_id=self.repository_url,
            peer_address=self.registry_address,
            endpoint=self.registry_url,
            endpoint_address=self.our_address,
            process_id=self.node.process_id,
            audit_source_id=self.node.audit_source_id,
            **told,
        )
        await self.audit.record(*audit_messages_of(happening))


def _understand(answer: bytes, transaction: Transaction, read: Callable[[etree._Element], Answer]) -> Answer:
    try:
        envelope = read_envelope(
            schemas.parse(answer), fallback_action=transaction.response_action, message_id_required=False
        )
    except (schemas.NotParsable, SoapFault) as problem:
        raise RegistryUnreachable(f"the registry's answer cannot be read: {problem}", sent=True) from problem
    if fault := read_fault(envelope.body):
        # A Sender fault says that the message was not taken in; a Receiver fault may come after the commit.
        raise RegistryUnreachable(
            f"the registry answered with a fault: {fault.reason}", sent=fault.code is not FaultCode.SENDER
        )
    try:
        return read(envelope.body)
    except AnswerNotUnderstood as problem:
        raise RegistryUnreachable(
            f"the registry answered with something else: {problem}", sent=True
        ) from problem
