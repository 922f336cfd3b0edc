"""Stored records in short, for people (ITI TF-2: 3.20.7)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from audit_message.audit_event import read_record
from audit_message.model import ActiveParticipant, AuditMessage
from audit_message.read import NotAnAuditMessage
from ihe.audit_events import (
    DOCUMENT,
    PATIENT,
    SECURITY_ALERT,
    SUBMISSION_SET,
    TRANSACTION_SYSTEM,
    CodedValue,
    ObjectKind,
    Outcome,
)
from ihe.namespaces import ANONYMOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSummary:
    """One record in short; `problem` says why nothing could be read of it, and is empty otherwise."""

    at: datetime | None = None
    event: str = ""
    action: str = ""
    outcome: Outcome | None = None
    outcome_description: str = ""
    who: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    submission_sets: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    audit_source: str = ""
    problem: str = ""


def summaries(records: Iterable[bytes]) -> Iterator[AuditSummary]:
    """Sum up each record; one that cannot be read is shown as such and does not end the list."""
    for record in records:
        try:
            yield _summary(read_record(record))
        except NotAnAuditMessage as problem:
            yield AuditSummary(problem=str(problem))


def _summary(message: AuditMessage) -> AuditSummary:
    event = message.event
    return AuditSummary(
        at=event.at,
        event=", ".join(map(_title, event.type_codes or (event.event_id,))),
        action=event.action or "",
        outcome=event.outcome,
        outcome_description=event.outcome_description,
        who=tuple(map(_name, _performers(message))),
        patients=_ids(message, PATIENT),
        submission_sets=_ids(message, SUBMISSION_SET),
        documents=_ids(message, DOCUMENT),
        audit_source=message.source.id,
    )


def _title(code: CodedValue) -> str:
    text = code.original_text or code.display_name
    return f"{code.code} {text}" if code.system == TRANSACTION_SYSTEM else text or code.code


def _performers(message: AuditMessage) -> tuple[ActiveParticipant, ...]:
    # An alert is requested by the process that reports it; the others are those it is about.
    wanted = message.event.event_id.code != SECURITY_ALERT.code
    asked = tuple(one for one in message.participants if one.is_requestor is wanted)
    return asked or message.participants[:1]


def _name(participant: ActiveParticipant) -> str:
    user_id = "" if participant.user_id == ANONYMOUS else participant.user_id
    name, address = participant.user_name or user_id, participant.network_access_point
    return f"{name} at {address}" if name and address else name or address or participant.user_id


def _ids(message: AuditMessage, kind: ObjectKind) -> tuple[str, ...]:
    return tuple(
        object_.id
        for object_ in message.objects
        if (object_.type_code, object_.role) == (kind.type_code, kind.role)
    )
