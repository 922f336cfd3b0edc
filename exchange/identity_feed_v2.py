"""The journey of one HL7 v2 message [ITI-8], as `exchange.serve` is that of a SOAP request."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from ebxml.refused import Refused
from exchange.audit_trail import Happening, audit_messages_of
from exchange.diary import CUT_OFF
from exchange.pledge import Pledge, owing
from exchange.ports import AuditUnavailable, CannotMerge, Obstacle, Touched
from exchange.replies import Forbidden, where
from exchange.serve import Surroundings
from exchange.software import NotAttested, software_asking
from exchange.subject import NodeCertificate, Software, Subject
from exchange.verbs import Verb
from hl7v2.ack import write_ack
from hl7v2.adt import AdtMessage, PatientIdDomain, errors_in_adt, patient_id_of, prior_patient_id_of, read_adt
from hl7v2.conditions import (
    APPLICATION_INTERNAL_ERROR,
    APPLICATION_RECORD_LOCKED,
    DUPLICATE_KEY_IDENTIFIER,
    SEGMENT_SEQUENCE_ERROR,
    UNKNOWN_KEY_IDENTIFIER,
    FieldError,
)
from hl7v2.datatypes import CX
from hl7v2.message import NotHl7
from ihe.audit_events import Outcome
from ihe.error_codes import REGISTRY_BUSY
from ihe.patient_identity_feed import (
    ITI_8_ADD,
    PATIENT_IDENTIFIER_LIST,
    PRIOR_PATIENT_IDENTIFIER_LIST,
    Effect,
    FeedField,
)

log = logging.getLogger("coffre.exchange")

# MSH-10 has 20 characters in v2.3.1: as many hexadecimal digits of a UUID do not meet again.
CONTROL_ID_DIGITS = 20

_HEADER = FeedField("MSH", 0, "message header")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One frame's content, and between which addresses it came.

    `trouble` is why there is no content: the stream could not be divided into frames any further.
    """

    content: bytes
    endpoint: str
    endpoint_address: str = ""
    peer_address: str = ""
    trouble: str = ""
    peer_certificate: NodeCertificate | None = None


@dataclass(frozen=True, slots=True)
class V2Feed:
    """What the feed does at its registry: `add` an id, `merge` a subsumed one into a surviving one."""

    add: Callable[[CX], Awaitable[None]]
    merge: Callable[[CX, CX], Awaitable[None]]
    domain: PatientIdDomain


@dataclass(slots=True)
class _Notes:
    """What becomes known about the message on its way, for its acknowledgement and its record."""

    message: AdtMessage | None = None
    patient_id: CX | None = None
    prior_patient_id: CX | None = None
    errors: tuple[FieldError, ...] = ()
    outcome: Outcome = Outcome.SUCCESS
    outcome_text: str = field(default="")
    software: Software | None = None
    software_refused: bool = False
    at: datetime | None = None
    pledge: Pledge | None = None

    async def patients(self) -> Touched:
        """Those of this domain whom the message names."""
        return Touched(frozenset(filter(None, (self.patient_id, self.prior_patient_id))))


async def take_message(delivery: Delivery, feed: V2Feed, around: Surroundings) -> bytes:
    """Take one message to its acknowledgement; whatever happens is answered and recorded, nothing raises."""
    notes = _Notes()
    try:
        # 1 to 4. Bytes to a typed message, and who sent it.
        if delivery.trouble:
            raise NotHl7(delivery.trouble)
        message = notes.message = read_adt(delivery.content)
        notes.software = await _software(delivery, around)
        subject = Subject(
            delivery.peer_address, certificate=delivery.peer_certificate, software=notes.software
        )
        # 5. Every error of the message, or none.
        notes.errors = (*errors_in_adt(message), *_identify(message, feed.domain, notes))
        if not notes.errors:
            # 6. The consent broker's decision.
            decision = await around.consent.decide(subject, Verb.IDENTIFY, notes.patients, around.clock())
            if not decision.permit:
                raise Forbidden(*decision.reasons)
            # 7. The registry's own work: durable before the acknowledgement is written.
            _pledge(delivery, notes, around)
            with owing(notes.pledge):
                notes.errors = await _perform(message, feed, notes)
        if notes.errors:
            notes.outcome, notes.outcome_text = Outcome.MINOR, _said(notes.errors)
    except Exception as problem:  # the one place where an exception becomes an acknowledgement
        _explain(problem, notes, around)
    # 10. The audit record, durable before the first byte of the acknowledgement leaves.
    try:
        await around.audit.record(*audit_messages_of(_happening(delivery, notes, around)))
        around.tally.recorded += 1
        if around.pledges and notes.pledge:
            around.pledges.kept(notes.pledge)
    except AuditUnavailable as problem:
        if around.pledges and notes.pledge:
            around.pledges.broken(notes.pledge)
        log.critical("the audit trail cannot be written: %s", problem)
        notes.errors = (_internal("the audit trail is not available"),)
    control_id = around.new_uuid().rpartition(":")[2].replace("-", "")[-CONTROL_ID_DIGITS:]
    return write_ack(notes.message, notes.errors, control_id, around.clock())


async def _software(delivery: Delivery, around: Surroundings) -> Software | None:
    if around.attestations is None:
        return None
    certificate = delivery.peer_certificate
    return await software_asking(certificate, ITI_8_ADD.number, around.attestations, around.clock())


def _pledge(delivery: Delivery, notes: _Notes, around: Surroundings) -> None:
    if around.pledges:
        notes.at = around.clock()
        cut_off = replace(_happening(delivery, notes, around), outcome_text=CUT_OFF)
        notes.pledge = around.pledges.made(*audit_messages_of(cut_off))


def _identify(message: AdtMessage, domain: PatientIdDomain, notes: _Notes) -> Iterator[FieldError]:
    """Find the ids of this domain; ids of others do not alter what is known (ITI TF-2: 3.8.4.1.3)."""
    if message.kind is None:
        return
    merges = message.kind.effect is Effect.MERGE
    surviving = patient_id_of(message.patient_ids, PATIENT_IDENTIFIER_LIST, domain)
    subsumed = prior_patient_id_of(message, domain) if merges else None
    for found in (surviving, subsumed):
        if isinstance(found, FieldError):
            yield found
    if isinstance(surviving, CX):
        notes.patient_id = surviving
    if isinstance(subsumed, CX):
        notes.prior_patient_id = subsumed
    if merges and (surviving is None) != (subsumed is None):
        text = "no id of this domain, and the other one is"
        missing = PATIENT_IDENTIFIER_LIST if surviving is None else PRIOR_PATIENT_IDENTIFIER_LIST
        yield FieldError(UNKNOWN_KEY_IDENTIFIER, missing, text)


async def _perform(message: AdtMessage, feed: V2Feed, notes: _Notes) -> tuple[FieldError, ...]:
    effect = message.kind.effect if message.kind else Effect.NOTHING
    if effect is Effect.ADD and notes.patient_id:
        await feed.add(notes.patient_id)
    if effect is Effect.MERGE and notes.patient_id and notes.prior_patient_id:
        try:
            await feed.merge(notes.prior_patient_id, notes.patient_id)
        except CannotMerge as problem:
            return (_obstacle(problem.obstacle),)
    return ()


def _obstacle(obstacle: Obstacle) -> FieldError:
    """What prevents a merge, with the field at fault (ITI TF-2: 3.8.4.2.3)."""
    survivor = obstacle in (Obstacle.SURVIVING_UNKNOWN, Obstacle.SURVIVING_SUBSUMED)
    condition = DUPLICATE_KEY_IDENTIFIER if obstacle is Obstacle.SAME_PATIENT else UNKNOWN_KEY_IDENTIFIER
    place = PATIENT_IDENTIFIER_LIST if survivor else PRIOR_PATIENT_IDENTIFIER_LIST
    return FieldError(condition, place, str(obstacle))


def _explain(problem: Exception, notes: _Notes, around: Surroundings) -> None:
    match problem:
        case NotHl7():
            notes.errors = (FieldError(SEGMENT_SEQUENCE_ERROR, _HEADER, str(problem)),)
            notes.outcome, notes.outcome_text = Outcome.MINOR, str(problem)
        case NotAttested():
            notes.errors = (FieldError(APPLICATION_INTERNAL_ERROR, _HEADER, str(problem)),)
            notes.outcome, notes.outcome_text = Outcome.MINOR, str(problem)
            notes.software_refused = True
        case Refused() if all(error.code == REGISTRY_BUSY.name for error in problem.errors):
            text = "too many requests at once; send this one again"
            notes.errors = (FieldError(APPLICATION_RECORD_LOCKED, _HEADER, text),)
            notes.outcome, notes.outcome_text = Outcome.MINOR, text
        case _:
            reference = around.new_uuid()
            if isinstance(problem, Forbidden):
                log.warning("message %s was not permitted", reference)
            else:
                log.error("message %s failed: %s", reference, where(problem))
            notes.errors = (_internal(f"internal error, reference {reference}"),)
            notes.outcome = Outcome.SERIOUS
            notes.outcome_text = f"{type(problem).__name__} (reference {reference})"


def _internal(text: str) -> FieldError:
    return FieldError(APPLICATION_INTERNAL_ERROR, _HEADER, text)


def _said(errors: tuple[FieldError, ...]) -> str:
    return "; ".join(f"{error.field} {error.condition.code}: {error.text}" for error in errors)


def _happening(delivery: Delivery, notes: _Notes, around: Surroundings) -> Happening:
    """What the record tells: a merge of the subsumed patient's end as well (ITI TF-2: 3.8.5.1)."""
    message = notes.message
    return Happening(
        transaction=message.kind if message else None,
        at=notes.at or around.clock(),
        outcome=notes.outcome,
        outcome_text=notes.outcome_text,
        we_are="server",
        peer_user_id=(
            f"{message.sending_facility}|{message.sending_application}" if message else delivery.peer_address
        ),
        peer_address=delivery.peer_address,
        peer_name=delivery.peer_certificate.subject if delivery.peer_certificate else "",
        endpoint=(
            f"{message.receiving_facility}|{message.receiving_application}"
            if message and message.kind
            else delivery.endpoint
        ),
        endpoint_address=delivery.endpoint_address,
        process_id=around.node.process_id,
        audit_source_id=around.node.audit_source_id,
        patient_ids=(notes.patient_id,) if notes.patient_id else (),
        obsolete_patient_ids=(notes.prior_patient_id,) if notes.prior_patient_id else (),
        message_id=message.control_id if message else "",
        software=str(notes.software or ""),
        software_refused=notes.software_refused,
    )
