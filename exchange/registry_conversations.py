"""What is said at the Document Registry's endpoint about documents: ITI-18, ITI-42 and ITI-51."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Protocol

from lxml import etree

from ebxml import read, write
from ebxml.affinity_domain import AffinityDomain
from ebxml.check import errors_in_submission
from ebxml.check_query import criteria_of
from ebxml.model import RegistryResponse, StoredQueryCriteria, StoredQueryRequest, Submission
from ebxml.query_values import NotReadable, read_query_value
from ebxml.refused import Refused
from exchange.consent_documents import Signatory
from exchange.conversation import (
    Deposits,
    Message,
    RefusesByRegistryResponse,
    Reply,
    refuse_surplus_parts,
)
from exchange.diary import Diary
from exchange.ports import Decision, Touched
from exchange.schema_errors import refuse_invalid
from exchange.submitted import note_submission
from exchange.verbs import Verb
from exchange.visibility import View, holds
from ihe.audit_events import Outcome
from ihe.error_codes import (
    REGISTRY_ERROR,
    REGISTRY_METADATA_ERROR,
    ErrorCode,
    RegistryError,
    ResponseStatus,
)
from ihe.transactions import ITI_18, ITI_42, ITI_51, Transaction

# The parameters that name patients, for the record of a query that is refused before it is understood.
_PATIENT_PARAMETERS = frozenset(
    {"$XDSDocumentEntryPatientId", "$XDSSubmissionSetPatientId", "$XDSFolderPatientId", "$patientId"}
)


@dataclass(frozen=True, slots=True)
class TakesSubmission(RefusesByRegistryResponse):
    """What registrations and updates share: an lcm:SubmitObjectsRequest, answered by a RegistryResponse."""

    domain: AffinityDomain

    async def read(self, message: Message, diary: Diary) -> Submission:
        refuse_surplus_parts(message)
        refuse_invalid(message.body, REGISTRY_METADATA_ERROR, self.domain)
        submission = read.read_submission(message.body)
        note_submission(submission, diary)
        return submission

    def reply(self, result: RegistryResponse, diary: Diary) -> Reply:
        return reply_with_response(result, diary)


class Register(Protocol):
    """Registers a submission that can refer to what the View shows, and notes who sent its documents.

    What consent documents among them give, and those they replace, holds by the signatory's word.
    """

    def __call__(
        self, submission: Submission, /, *, view: View, depositor: str | None, signatory: Signatory
    ) -> Awaitable[RegistryResponse]: ...


@dataclass(frozen=True, slots=True)
class RegisterDocumentSet(Deposits, TakesSubmission):
    """Register Document Set-b (ITI TF-2: 3.42)."""

    handle: Register

    transaction: ClassVar[Transaction] = ITI_42
    verb: ClassVar[Verb] = Verb.DEPOSIT

    def errors_in(self, request: Submission) -> Iterator[RegistryError]:
        return errors_in_submission(request, self.domain, self.transaction)

    async def perform(self, request: Submission, decision: Decision) -> RegistryResponse:
        refuse_unacceptable(request, decision, REGISTRY_ERROR)
        return await self.handle(
            request, view=decision.view, depositor=decision.depositor, signatory=decision.signatory
        )


def refuse_unacceptable(submission: Submission, decision: Decision, code: ErrorCode) -> None:
    """Refuse each document that its sender may not add to this record."""
    unacceptable = [
        entry
        for entry in submission.document_entries
        if not holds(decision.acceptable, entry, decision.depositor or "")
    ]
    if unacceptable:
        raise Refused(
            *(
                code.error(f"{entry.entry_uuid}: such a document is not accepted from its sender")
                for entry in unacceptable
            )
        )


class StoredQueryAnswer(Protocol):
    """What the registry found: whole objects or references, as bytes ready to leave or still to be read."""

    @property
    def objects(self) -> Sequence[bytes]: ...

    @property
    def later(self) -> AsyncIterator[bytes] | None: ...

    @property
    def patient_ids(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class RegistryStoredQuery:
    """Registry Stored Query (ITI TF-2: 3.18)."""

    handle: Callable[[StoredQueryCriteria, View], Awaitable[StoredQueryAnswer]]
    owners: Callable[[StoredQueryCriteria], Awaitable[Collection[str]]]
    domain: AffinityDomain

    transaction: ClassVar[Transaction] = ITI_18
    verb: ClassVar[Verb] = Verb.FIND

    async def read(self, message: Message, diary: Diary) -> StoredQueryCriteria:
        refuse_surplus_parts(message)
        diary.query_xml = etree.tostring(
            message.body, encoding="UTF-8", xml_declaration=False, with_tail=False
        )
        refuse_invalid(message.body, REGISTRY_ERROR, self.domain)
        request = read.read_stored_query(message.body)
        diary.query_id = request.query_id
        diary.home_community_id = request.home_community_id or ""
        diary.patient_ids = tuple(_named_patients(request))
        return criteria_of(request, self.transaction is ITI_51)

    def errors_in(self, request: StoredQueryCriteria) -> Iterator[RegistryError]:
        """None are left: criteria are only made of a query whose every parameter was found right."""
        return iter(())

    async def patients(self, request: StoredQueryCriteria, diary: Diary) -> Touched:
        found = frozenset(await self.owners(request))
        return Touched(named=found) if diary.patient_ids else Touched(owners=found)

    async def perform(self, request: StoredQueryCriteria, decision: Decision) -> StoredQueryAnswer:
        return await self.handle(request, decision.view)

    def reply(self, result: StoredQueryAnswer, diary: Diary) -> Reply:
        diary.patient_ids = tuple(result.patient_ids)
        head = write.query_response_head(ResponseStatus.SUCCESS, ())
        if result.later:
            return Reply((head, result.later, write.QUERY_RESPONSE_TAIL))
        return Reply((b"".join((head, *result.objects, write.QUERY_RESPONSE_TAIL)),))

    def refusal(self, errors: tuple[RegistryError, ...], message: Message) -> Reply:
        head = write.query_response_head(ResponseStatus.FAILURE, errors)
        return Reply((head + write.QUERY_RESPONSE_TAIL,))


class MultiPatientStoredQuery(RegistryStoredQuery):
    """Multi-Patient Stored Query (ITI TF-2: 3.51): other queries, all else as in ITI-18."""

    transaction: ClassVar[Transaction] = ITI_51


def _named_patients(request: StoredQueryRequest) -> Iterator[str]:
    """The patients of a query, were its other parameters right or wrong."""
    for slot in request.slots:
        if slot.name in _PATIENT_PARAMETERS:
            for text in slot.values:
                with suppress(NotReadable):
                    yield from (value.text for value in read_query_value(text)[0])


def reply_with_response(response: RegistryResponse, diary: Diary) -> Reply:
    """An rs:RegistryResponse as it is; a Failure among them is noted as one."""
    if response.status is not ResponseStatus.SUCCESS:
        diary.failed(Outcome.MINOR, "; ".join(f"{error.code}: {error.context}" for error in response.errors))
    return Reply((write.write_registry_response(response),))
