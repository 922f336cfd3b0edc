"""What an identity source says at the Document Registry's endpoint: ITI-44."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from exchange.conversation import Message, Reply, Verb, refuse_surplus_parts
from exchange.diary import Diary
from exchange.ports import Clock, NewUuid
from hl7v2.datatypes import CX
from hl7v3.patient_feed import (
    FeedError,
    RecordAdded,
    errors_in_record_added,
    read_record_added,
    write_acknowledgement,
)
from ihe.audit_events import Outcome
from ihe.error_codes import REGISTRY_ERROR, RegistryError
from ihe.transactions import ITI_44_ADD, Transaction


@dataclass(frozen=True, slots=True)
class FeedResult:
    """A record and why it was not taken, if it was not."""

    record: RecordAdded
    errors: tuple[FeedError, ...]


@dataclass(frozen=True, slots=True)
class PatientRecordAdded:
    """Patient Identity Feed HL7 V3, record added (ITI TF-2: 3.44.4.1); `handle` makes one id known."""

    handle: Callable[[CX], Awaitable[None]]
    assigning_authorities: frozenset[str]
    clock: Clock
    new_uuid: NewUuid

    transaction: ClassVar[Transaction] = ITI_44_ADD
    verb: ClassVar[Verb] = Verb.MANAGE

    async def read(self, message: Message, diary: Diary) -> RecordAdded:
        refuse_surplus_parts(message)
        record = read_record_added(message.body)
        diary.patient_ids = tuple(self._ours(record))
        diary.message_id = record.message_id.extension or record.message_id.root
        return record

    def errors_in(self, request: RecordAdded) -> Iterator[RegistryError]:
        """None as RegistryErrors: this transaction answers in HL7 V3's own words."""
        return iter(())

    async def perform(self, request: RecordAdded) -> FeedResult:
        errors = errors_in_record_added(request)
        if not errors:
            for patient_id in self._ours(request):
                await self.handle(patient_id)
        return FeedResult(request, errors)

    def reply(self, result: FeedResult, diary: Diary) -> Reply:
        if result.errors:
            diary.failed(Outcome.MINOR, "; ".join(error.text for error in result.errors))
        return self._acknowledge(result.record, result.errors)

    def refusal(self, errors: tuple[RegistryError, ...], message: Message) -> Reply:
        details = tuple(FeedError("INTERR", f"{error.code}: {error.context}") for error in errors)
        return self._acknowledge(read_record_added(message.body), details)

    def trouble(self, reference: str) -> RegistryError:
        return REGISTRY_ERROR.error(f"internal error, reference {reference}")

    def _ours(self, record: RecordAdded) -> Iterator[CX]:
        """The ids of the domain's own authorities; others do not alter what is known (3.44.4.1.3)."""
        return (one for one in record.patient_ids if one.assigning_authority in self.assigning_authorities)

    def _acknowledge(self, record: RecordAdded, errors: tuple[FeedError, ...]) -> Reply:
        message_id = self.new_uuid().rpartition(":")[2]
        return Reply((write_acknowledgement(message_id, self.clock(), record, errors),))
