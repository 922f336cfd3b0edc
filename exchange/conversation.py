"""What the journey needs to know about one transaction: how to read, check, do and answer it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from lxml import etree

from ebxml.model import RegistryResponse, Submission
from ebxml.write import write_registry_response
from exchange.attachments import Attachments
from exchange.consent_documents import acknowledged_in
from exchange.diary import Diary
from exchange.ports import Decision, StoredDocument, Touched
from exchange.verbs import Verb
from ihe.error_codes import RegistryError, ResponseStatus
from ihe.transactions import Transaction
from soap.envelope import Envelope
from soap.fault import SoapFault


@dataclass(frozen=True, slots=True)
class Message:
    """An envelope that was understood, and where its attachments lie."""

    envelope: Envelope
    mtom: bool
    attachments: Attachments

    @property
    def body(self) -> etree._Element:
        """The one element in the soap:Body."""
        return self.envelope.body


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer's body: `pieces` in order, some of them read only on their way out.

    Between piece n and n+1 stands document n; a reply without documents has as many pieces as it likes.
    """

    pieces: tuple[bytes | AsyncIterator[bytes], ...]
    documents: tuple[StoredDocument, ...] = field(default=())


Request = TypeVar("Request")
Result = TypeVar("Result")


class Conversation(Protocol[Request, Result]):
    """One transaction at one endpoint."""

    @property
    def transaction(self) -> Transaction: ...

    @property
    def verb(self) -> Verb: ...

    async def read(self, message: Message, diary: Diary) -> Request:
        """XML to a typed request (step 4), telling the diary about it; Refused if no object can be made."""

    def errors_in(self, request: Request) -> Iterator[RegistryError]:
        """Every error of the request, or none (step 5)."""

    async def patients(self, request: Request, diary: Diary) -> Touched:
        """Whose records the request touches (step 6): those it names, and those whose objects it names."""

    async def perform(self, request: Request, decision: Decision) -> Result:
        """Do the actor's own work (step 7), within this decision; Refused where the store says no."""

    def reply(self, result: Result, diary: Diary) -> Reply:
        """The result as the Body's content (step 9), and for the diary what became of it."""

    def refusal(self, errors: tuple[RegistryError, ...], message: Message) -> Reply:
        """The Body's content that reports these errors."""


AnyConversation = Conversation[Any, Any]
"""A conversation among others of its endpoint: which request and result it speaks of is its own affair."""


def refuse_surplus_parts(message: Message) -> None:
    """A MIME part that nothing refers to would be lost without a word, so its message is not taken."""
    not_kept = message.attachments.not_kept
    if not_kept and not not_kept.content_id:
        raise not_kept.refusal()
    surplus = (not_kept.content_id,) if not_kept else message.attachments.unclaimed()
    if surplus:
        raise SoapFault.sender(f"the envelope does not refer to the MIME part {surplus[0]}")


class NamesPatients:
    """What conversations share whose requests say themselves whose records they touch."""

    __slots__ = ()

    async def patients(self, request: object, diary: Diary) -> Touched:
        """Those the diary has noted."""
        return Touched(named=frozenset((*diary.patient_ids, *diary.obsolete_patient_ids)))


class Deposits:
    """What conversations share whose requests are submissions, or hold one."""

    __slots__ = ()

    async def patients(self, request: Submission, diary: Diary) -> Touched:
        """Those the diary has noted, and what of their policies is acknowledged."""
        return Touched(frozenset(diary.patient_ids), acknowledged=acknowledged_in(request))


class RefusesByRegistryResponse:
    """What conversations share whose every answer is an rs:RegistryResponse."""

    __slots__ = ()

    def refusal(self, errors: tuple[RegistryError, ...], message: Message) -> Reply:
        """Say no in a RegistryResponse (ITI TF-3: 4.2.4)."""
        return Reply((write_registry_response(RegistryResponse(ResponseStatus.FAILURE, errors)),))
