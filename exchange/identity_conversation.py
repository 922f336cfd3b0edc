"""What an identity source says at the Document Registry's endpoint: ITI-44."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from exchange.conversation import Message, NamesPatients, Reply, refuse_surplus_parts
from exchange.diary import Diary
from exchange.ports import CannotMerge, Clock, Decision, NewUuid, Obstacle
from exchange.verbs import Verb
from hl7v2.datatypes import CX
from hl7v3.patient_feed import (
    PATIENT_PATH,
    REPLACED_PATH,
    DuplicatesResolved,
    FeedError,
    RecordAdded,
    errors_in_duplicates_resolved,
    errors_in_record_added,
    read_duplicates_resolved,
    read_record_added,
    write_acknowledgement,
)
from ihe.audit_events import Outcome
from ihe.error_codes import RegistryError
from ihe.transactions import ITI_44_ADD, ITI_44_MERGE, ITI_44_REVISE, Transaction


@dataclass(frozen=True, slots=True)
class FeedResult:
    """A record and why it was not taken, if it was not."""

    record: RecordAdded
    errors: tuple[FeedError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Feed(NamesPatients):
    """What the interactions of the feed have in common: ids come in, an acknowledgement goes out."""

    assigning_authorities: frozenset[str]
    clock: Clock
    new_uuid: NewUuid

    transaction: ClassVar[Transaction]
    verb: ClassVar[Verb] = Verb.IDENTIFY

    async def read(self, message: Message, diary: Diary) -> RecordAdded:
        refuse_surplus_parts(message)
        record = read_record_added(message.body)
        self._note(record, diary)
        return record

    def errors_in(self, request: RecordAdded) -> Iterator[RegistryError]:
        """None as RegistryErrors: this transaction answers in HL7 V3's own words."""
        return iter(())

    def reply(self, result: FeedResult, diary: Diary) -> Reply:
        if result.errors:
            diary.failed(Outcome.MINOR, "; ".join(error.text for error in result.errors))
        return self._acknowledge(result.record, result.errors)

    def refusal(self, errors: tuple[RegistryError, ...], message: Message) -> Reply:
        details = tuple(FeedError("INTERR", f"{error.code}: {error.context}") for error in errors)
        return self._acknowledge(read_record_added(message.body), details)

    def _note(self, record: RecordAdded, diary: Diary) -> None:
        # What is about nobody of ours is recorded as it was told.
        diary.patient_ids = self._ours(record.patient_ids) or record.patient_ids
        diary.message_id = record.message_id.extension or record.message_id.root

    def _ours(self, ids: tuple[CX, ...]) -> tuple[CX, ...]:
        """The ids of the domain's own authorities; others do not alter what is known (3.44.4.1.3)."""
        return tuple(one for one in ids if one.assigning_authority in self.assigning_authorities)

    def _acknowledge(self, record: RecordAdded, errors: tuple[FeedError, ...]) -> Reply:
        message_id = self.new_uuid().rpartition(":")[2]
        return Reply((write_acknowledgement(message_id, self.clock(), record, errors),))


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRecordAdded(_Feed):
    """Patient Identity Feed HL7 V3, record added (ITI TF-2: 3.44.4.1); `handle` makes one id known."""

    handle: Callable[[CX], Awaitable[None]]

    transaction: ClassVar[Transaction] = ITI_44_ADD

    async def perform(self, request: RecordAdded, decision: Decision) -> FeedResult:
        """Make the domain's ids known."""
        errors = errors_in_record_added(request)
        if not errors:
            for patient_id in self._ours(request.patient_ids):
                await self.handle(patient_id)
        return FeedResult(request, errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRecordRevised(_Feed):
    """Patient Identity Feed HL7 V3, record revised (ITI TF-2: 3.44.4.1): a registry has nothing to revise."""

    transaction: ClassVar[Transaction] = ITI_44_REVISE

    async def perform(self, request: RecordAdded, decision: Decision) -> FeedResult:
        """Demographics are not kept here, so a good message is accepted and a bad one told why not."""
        return FeedResult(request, errors_in_record_added(request, "PRPA_IN201302UV02"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientDuplicatesResolved(_Feed):
    """Patient Identity Feed HL7 V3, duplicates resolved (ITI TF-2: 3.44.4.2); `handle` merges two patients.

    It is given the subsumed id and the surviving one, and raises CannotMerge.
    """

    handle: Callable[[CX, CX], Awaitable[None]]

    transaction: ClassVar[Transaction] = ITI_44_MERGE

    async def read(self, message: Message, diary: Diary) -> DuplicatesResolved:
        """Both patients are told to the diary, for both have a record of their own (ITI TF-2: 3.44.5.1)."""
        refuse_surplus_parts(message)
        merge = read_duplicates_resolved(message.body)
        self._note(merge, diary)
        diary.patient_ids = diary.patient_ids[:1]
        diary.obsolete_patient_ids = self._ours(merge.replaced_ids)
        return merge

    async def perform(self, request: DuplicatesResolved, decision: Decision) -> FeedResult:
        """Merge, if both are of this domain; if neither is, there is nothing to do here."""
        errors = errors_in_duplicates_resolved(request)
        surviving, subsumed = self._ours(request.patient_ids)[:1], self._ours(request.replaced_ids)
        if errors or not (surviving or subsumed):
            return FeedResult(request, errors)
        if not surviving:
            return FeedResult(request, (_foreign("surviving", PATIENT_PATH),))
        if not subsumed:
            return FeedResult(request, (_foreign("replaced", REPLACED_PATH),))
        try:
            await self.handle(subsumed[0], surviving[0])
        except CannotMerge as problem:
            return FeedResult(request, (_obstacle(problem.obstacle),))
        return FeedResult(request, ())


def _foreign(which: str, path: str) -> FeedError:
    text = f"the {which} id is of no assigning authority of this domain, and the other one is"
    return FeedError("KEY204", text, f"/PRPA_IN201304UV02/{path}")


def _obstacle(obstacle: Obstacle) -> FeedError:
    survivor = obstacle in (Obstacle.SURVIVING_UNKNOWN, Obstacle.SURVIVING_SUBSUMED)
    code = "KEY205" if obstacle is Obstacle.SAME_PATIENT else "KEY204"
    return FeedError(code, str(obstacle), f"/PRPA_IN201304UV02/{PATIENT_PATH if survivor else REPLACED_PATH}")
