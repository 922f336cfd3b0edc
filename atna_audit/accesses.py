"""From audit records to accesses as people speak of them: who did what with which documents (EHDS art. 9)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from audit_message.model import ActiveParticipant, AuditMessage, ParticipantObject
from exchange.basis import Basis, basis_in
from ihe.audit_events import (
    ACCESS_DECISION,
    APPLICATION,
    AUDIT_LOG_USED,
    CONSENT_CHANGED,
    CONSENT_DIRECTIVE,
    CONSENT_READ,
    DESTINATION,
    DOCUMENT,
    EMERGENCY_OVERRIDE,
    EMERGENCY_PURPOSES,
    EXPORT,
    IMPORT,
    ON_BEHALF_OF,
    ORGANIZATION,
    PATIENT,
    PATIENT_RECORD,
    QUERY,
    REPLACED_ENTRY,
    SOURCE,
    STORED_QUERY,
    SUBMISSION_SET,
    Action,
    CodedValue,
    ObjectKind,
    Outcome,
)
from ihe.stored_queries import GET_DOCUMENTS

# One act of a person is several messages: those of both sides, and what an actor asks another meanwhile.
SAME_ACT = timedelta(seconds=60)


class Deed(StrEnum):
    """What was done, from the patient's point of view."""

    LIST_SEEN = "list-seen"
    DOCUMENT_OPENED = "document-opened"
    DEPOSITED = "deposited"
    REPLACED = "replaced"
    CHANGED = "changed"
    DELETED = "deleted"
    RIGHTS_CHANGED = "rights-changed"
    RIGHTS_SEEN = "rights-seen"
    JOURNAL_READ = "journal-read"
    IDENTITY_CHANGED = "identity-changed"
    EMERGENCY = "emergency"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Person:
    """Who it was, as his identity provider vouches for him; without a user, the machine that asked."""

    id: str
    name: str
    is_machine: bool = False
    profession: CodedValue | None = None
    establishment: str = ""
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document by its uniqueId or entryUUID; the title may still have to be found."""

    id: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One access; `records` are the numbers of what tells of it."""

    at: datetime
    deed: Deed
    succeeded: bool
    person: Person
    documents: tuple[NamedDocument, ...] = ()
    purpose: CodedValue | None = None
    basis: Basis | None = None
    software: str = ""
    emergency: bool = False
    change: str = ""
    submission_set: str = ""
    is_by_reference: bool = False
    records: tuple[int, ...] = ()


def accesses(records: Iterable[tuple[int, AuditMessage]]) -> list[Access]:
    """The accesses that these records tell of, the latest first, each once."""
    told = sorted((_access(*one) for one in records), key=lambda one: (one.at, one.records))
    acts: list[Access] = []
    for access in told:
        same = next((n for n in _recent(acts, access) if _is_one_act(acts[n], access)), None)
        if same is None:
            acts.append(access)
        else:
            acts[same] = _joined(acts[same], access)
    return sorted(acts, key=lambda one: (one.at, one.records), reverse=True)


def _recent(acts: list[Access], access: Access) -> Iterator[int]:
    for number in range(len(acts) - 1, -1, -1):
        if access.at - acts[number].at > SAME_ACT:
            return
        yield number


def _is_one_act(before: Access, access: Access) -> bool:
    """Whether two records tell of one act of one person."""
    if before.submission_set and before.submission_set == access.submission_set:
        return before.succeeded == access.succeeded
    if before.person.id != access.person.id or before.succeeded != access.succeeded:
        return False
    if before.is_by_reference and access.deed in (Deed.DOCUMENT_OPENED, Deed.DELETED):
        # Software looks a document up before it opens it, and so does a repository.
        return True
    if access.is_by_reference and before.deed is Deed.DOCUMENT_OPENED:
        return True
    if before.deed is not access.deed or before.is_by_reference is not access.is_by_reference:
        return False
    same_documents = {one.id for one in before.documents} == {one.id for one in access.documents}
    return same_documents and before.deed is not Deed.RIGHTS_CHANGED


def _joined(one: Access, other: Access) -> Access:
    """All that either says; of a look-up and what it was for, the latter."""
    main, rest = (other, one) if one.is_by_reference and not other.is_by_reference else (one, other)
    if main.person.is_machine and not rest.person.is_machine:
        main = replace(main, person=rest.person)
    if rest.deed is Deed.REPLACED:
        main = replace(main, deed=Deed.REPLACED)
    return replace(
        main,
        documents=main.documents or rest.documents,
        purpose=main.purpose or rest.purpose,
        basis=main.basis or rest.basis,
        software=main.software or rest.software,
        emergency=main.emergency or rest.emergency,
        records=(*one.records, *other.records),
    )


def _access(number: int, message: AuditMessage) -> Access:
    event = message.event
    codes = {one.code for one in event.type_codes}
    purposes = event.purposes_of_use
    emergency = EMERGENCY_OVERRIDE.code in codes or any(one.code in EMERGENCY_PURPOSES for one in purposes)
    patient = next(_objects(message, PATIENT), None)
    details = {detail.type: detail.value for detail in patient.details} if patient else {}
    basis = basis_in(details.get(ACCESS_DECISION, ""))
    submission_set = next(_objects(message, SUBMISSION_SET), None)
    return Access(
        at=event.at,
        deed=_deed(message, codes),
        succeeded=event.outcome is Outcome.SUCCESS,
        person=_person(message),
        documents=tuple(NamedDocument(one.id, one.name) for one in _objects(message, DOCUMENT)),
        purpose=purposes[0] if purposes else None,
        basis=basis,
        software=_by_role(message, APPLICATION),
        emergency=emergency or basis is Basis.EMERGENCY,
        change=details.get(CONSENT_DIRECTIVE, ""),
        submission_set=submission_set.id if submission_set else "",
        is_by_reference=any(one.id == GET_DOCUMENTS.id for one in _objects(message, STORED_QUERY)),
        records=(number,),
    )


def _deed(message: AuditMessage, codes: set[str]) -> Deed:
    event, action = message.event.event_id.code, message.event.action
    if EMERGENCY_OVERRIDE.code in codes:
        return Deed.EMERGENCY
    if CONSENT_CHANGED.code in codes:
        return Deed.RIGHTS_CHANGED
    if CONSENT_READ.code in codes:
        return Deed.RIGHTS_SEEN
    if event == AUDIT_LOG_USED.code:
        return Deed.JOURNAL_READ
    if event == QUERY.code:
        return Deed.LIST_SEEN
    if event in (EXPORT.code, IMPORT.code):
        if any(_objects(message, SUBMISSION_SET)):
            replaces = any(
                detail.type == REPLACED_ENTRY for one in _objects(message, DOCUMENT) for detail in one.details
            )
            if action is Action.UPDATE:
                return Deed.CHANGED
            return Deed.REPLACED if replaces else Deed.DEPOSITED
        return Deed.DOCUMENT_OPENED if any(_objects(message, DOCUMENT)) else Deed.OTHER
    if event == PATIENT_RECORD.code:
        erased = action is Action.DELETE and any(_objects(message, DOCUMENT))
        return Deed.DELETED if erased else Deed.IDENTITY_CHANGED
    return Deed.OTHER


def _person(message: AuditMessage) -> Person:
    human = next(_humans(message), None)
    if human is None:
        machine = next((one for one in message.participants if one.is_requestor), None)
        if machine is None:
            return Person("", "", is_machine=True)
        name = _common_name(machine.user_name) or machine.network_access_point or machine.user_id
        return Person(name, name, is_machine=True)
    return Person(
        human.user_id,
        human.user_name or human.user_id,
        profession=human.roles[0] if human.roles else None,
        establishment=_by_role(message, ORGANIZATION),
        on_behalf_of=_by_role(message, ON_BEHALF_OF),
    )


def _humans(message: AuditMessage) -> Iterator[ActiveParticipant]:
    """Requestors that are no end of the line (ITI TF-2: 3.20.7)."""
    ends = {SOURCE.code, DESTINATION.code, APPLICATION.code}
    for one in message.participants:
        if one.is_requestor and not ends & {role.code for role in one.roles}:
            yield one


def _by_role(message: AuditMessage, role: CodedValue) -> str:
    found = (one for one in message.participants if role.code in {each.code for each in one.roles})
    return next((one.user_name or one.user_id for one in found), "")


def _common_name(subject: str) -> str:
    """The CN of a certificate's subject as RFC 4514 writes it, or all of it."""
    names = [part.partition("=")[2] for part in subject.split(",") if part.upper().startswith("CN=")]
    return names[0] if names else subject


def _objects(message: AuditMessage, kind: ObjectKind) -> Iterator[ParticipantObject]:
    return (
        one for one in message.objects if (one.type_code, one.role) == (kind.type_code, kind.role) and one.id
    )
