"""From what happened to the audit messages that tell it (ITI TF-2: 3.20.7)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from ipaddress import ip_address

from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    Detail,
    EventIdentification,
    ParticipantObject,
)
from ihe.audit_events import (
    ACCESS_DECISION,
    ALERT_DESCRIPTION,
    APPLICATION,
    APPLICATION_ACTIVITY,
    APPLICATION_START,
    APPLICATION_STOP,
    ASSERTION_REFUSED,
    AUDIT_LOG_NAME,
    AUDIT_QUERY,
    BY_TRANSACTION,
    DESTINATION,
    EMERGENCY_OVERRIDE,
    IP_ADDRESS,
    LOGIN,
    MACHINE_NAME,
    NODE_AUTHENTICATION,
    ON_BEHALF_OF,
    ORGANIZATION,
    PATIENT,
    PATIENT_NUMBER,
    QUERY_ENCODING,
    REPLACED_ENTRY,
    REPOSITORY_UNIQUE_ID,
    REQUESTS_COUNTED,
    SECURITY_ALERT,
    SECURITY_RESOURCE,
    SOURCE,
    UNREADABLE_MESSAGE,
    URI,
    USE_OF_RESTRICTED_FUNCTION,
    USER_AUTHENTICATION,
    XSPA,
    About,
    Action,
    AuditedTransaction,
    CodedValue,
    ObjectKind,
    Outcome,
    Side,
)
from ihe.http_transactions import HttpTransaction
from ihe.namespaces import ANONYMOUS
from ihe.patient_identity_feed import FeedMessage
from ihe.transactions import Transaction
from xua.user import Role, User

# Addresses and certificates of those who ask again and again; to look at an address takes longer than all
# else that is said of its machine.
PEERS_REMEMBERED = 1024

# Who asks now asks again, by the same assertion.
USERS_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class AuditedDocument:
    """A document that was submitted, retrieved or removed; with no patient it stands in the record of each.

    `replaced_entry_uuid` is of the DocumentEntry in whose place it came.
    """

    unique_id: str
    repository_unique_id: str
    home: str = ""
    patient_id: str = ""
    title: str = ""
    replaced_entry_uuid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One exchange as one side saw it; what succeeded in part is two happenings (ITI TF-2: 3.43.5.1).

    `endpoint` is the URL that the request went to and `peer_user_id` its wsa:ReplyTo, on whichever side we
    are, or MSH-6|MSH-5 and MSH-4|MSH-3 of an HL7 v2 message; `peer_address` is the other machine's and
    `endpoint_address` our own; `peer_name` is the subject of its certificate. A `transaction` of None is a
    message of which not even that could be read. `user_refused` says that it failed because its user could
    not be verified, `software_refused` that its software was not attested; `software` is attested.
    `change` says what became of a patient's directives.
    """

    transaction: Transaction | FeedMessage | HttpTransaction | None
    at: datetime
    outcome: Outcome
    we_are: Side
    endpoint: str
    endpoint_address: str
    peer_address: str
    process_id: str
    audit_source_id: str
    outcome_text: str = ""
    peer_user_id: str = ANONYMOUS
    patient_ids: tuple[str, ...] = ()
    obsolete_patient_ids: tuple[str, ...] = ()
    submission_set_unique_id: str = ""
    query_id: str = ""
    query_xml: bytes = b""
    home_community_id: str = ""
    documents: tuple[AuditedDocument, ...] = ()
    removed_entry_uuids: tuple[str, ...] = ()
    removed_titles: Mapping[str, str] = field(default_factory=dict)
    access_reasons: tuple[str, ...] = ()
    opened_by_emergency: tuple[str, ...] = ()
    message_id: str = ""
    change: str = ""
    user: User | None = None
    user_refused: bool = False
    peer_name: str = ""
    software: str = ""
    software_refused: bool = False


def audit_messages_of(happening: Happening) -> tuple[AuditMessage, ...]:
    """Tell what happened, in one message for each patient unless it was a query (ITI TF-2: 3.20.7)."""
    if happening.transaction is None:
        return (_alert(happening, UNREADABLE_MESSAGE),)
    row = BY_TRANSACTION[happening.transaction]
    action = row.event(happening.we_are).action
    obsolete = happening.obsolete_patient_ids if row.obsolete_action else ()
    return (
        *(_message(row, happening, row.obsolete_action, (patient,)) for patient in obsolete),
        *(_message(row, happening, action, patients) for patients in _patients_by_message(row, happening)),
        *((_emergency(happening),) if happening.opened_by_emergency else ()),
        *((_alert(happening, USE_OF_RESTRICTED_FUNCTION),) if happening.software_refused else ()),
        *((_alert(happening, ASSERTION_REFUSED), _failed_login(happening)) if happening.user_refused else ()),
    )


def actor_started(
    at: datetime, application: str, address: str, process_id: str, audit_source_id: str
) -> AuditMessage:
    """Tell that an actor has begun to work (DICOM PS3.15 A.5.3.1)."""
    return _activity(APPLICATION_START, at, application, address, process_id, audit_source_id)


def actor_stopped(
    at: datetime, application: str, address: str, process_id: str, audit_source_id: str
) -> AuditMessage:
    """Tell that an actor has ended its work (DICOM PS3.15 A.5.3.1)."""
    return _activity(APPLICATION_STOP, at, application, address, process_id, audit_source_id)


@dataclass(frozen=True, slots=True)
class RefusedNode:
    """A node that was not let in at one of our endpoints, or did not let us in."""

    endpoint: str
    endpoint_address: str
    peer_address: str
    reason: str
    type_code: CodedValue = NODE_AUTHENTICATION


def node_refused(refused: RefusedNode, at: datetime, process_id: str, audit_source_id: str) -> AuditMessage:
    """Tell that a node was refused before it could say anything (DICOM PS3.15 A.5.3.11; ITI TF-2: 3.19.5)."""
    reporter = ActiveParticipant(
        refused.endpoint,
        is_requestor=True,
        alternative_user_id=process_id,
        network_access_point=refused.endpoint_address,
        network_access_point_type=_network_access_point_type(refused.endpoint_address),
    )
    peer = ActiveParticipant(
        refused.peer_address,
        is_requestor=False,
        network_access_point=refused.peer_address,
        network_access_point_type=_network_access_point_type(refused.peer_address),
    )
    alert = (ALERT_DESCRIPTION, refused.reason)
    return AuditMessage(
        EventIdentification(
            SECURITY_ALERT, at, Outcome.MINOR, Action.EXECUTE, (refused.type_code,), refused.reason
        ),
        (reporter, peer),
        AuditSource(audit_source_id),
        (
            _object(
                SECURITY_RESOURCE,
                URI,
                refused.peer_address,
                alert,
            ),
        ),
    )


def requests_counted(
    at: datetime, counts: Mapping[str, object], address: str, process_id: str, audit_source_id: str
) -> AuditMessage:
    """Tell how many requests this process has answered, for a reconciler (DICOM PS3.15 A.5.3.1)."""
    message = _activity(REQUESTS_COUNTED, at, audit_source_id, address, process_id, audit_source_id)
    details = tuple(Detail(name, str(count)) for name, count in counts.items())
    counted = ParticipantObject(
        process_id, REQUESTS_COUNTED, SECURITY_RESOURCE.type_code, SECURITY_RESOURCE.role, details=details
    )
    return message._replace(objects=(counted,))


def _patients_by_message(row: AuditedTransaction, happening: Happening) -> list[tuple[str, ...]]:
    named = (*happening.patient_ids, *(document.patient_id for document in happening.documents))
    patients = tuple(dict.fromkeys(filter(None, named)))
    return [(patient,) for patient in patients] if row.one_patient_each and patients else [patients]


def _message(
    row: AuditedTransaction, happening: Happening, action: Action | None, patients: tuple[str, ...]
) -> AuditMessage:
    event_type = row.event_type
    return AuditMessage(
        EventIdentification(
            row.event(happening.we_are).event_id,
            happening.at,
            happening.outcome,
            action,
            (event_type,),
            happening.outcome_text,
            _coded(happening.user.purpose_of_use) if happening.user else (),
        ),
        _participants(row, happening),
        AuditSource(happening.audit_source_id),
        tuple(object_ for kind in row.objects for object_ in _objects(kind, event_type, happening, patients)),
    )


def _participants(row: AuditedTransaction, happening: Happening) -> tuple[ActiveParticipant, ...]:
    # Source, user, destination; on a retrieve the content flows from whoever was asked.
    user = happening.user
    if row.source == "client":
        ends = (_sender(happening, SOURCE), *_human(user), _receiver(happening, DESTINATION))
    else:
        ends = (_receiver(happening, SOURCE), *_human(user), _sender(happening, DESTINATION))
    return (*ends, *_software(happening))


@lru_cache(maxsize=USERS_REMEMBERED)
def _human(user: User | None) -> tuple[ActiveParticipant, ...]:
    """The user of the assertion with his role, and for whom and where he works (ITI TF-2: 3.40.4.2)."""
    if user is None:
        return ()
    person = ActiveParticipant(user.audit_id, is_requestor=True, roles=_coded(user.role), user_name=user.name)
    principal, place = user.on_behalf_of, (user.organization_id, user.organization_name)
    return (
        person,
        *((_other(principal.id.extension, principal.name, ON_BEHALF_OF),) if principal else ()),
        *((_other(*place, ORGANIZATION),) if any(place) else ()),
    )


def _other(id_: str, name: str, role: CodedValue) -> ActiveParticipant:
    return ActiveParticipant(id_ or name, is_requestor=False, roles=(role,), user_name=name)


def _software(happening: Happening) -> tuple[ActiveParticipant, ...]:
    """The product by which the peer speaks, as attested or as its user's assertion says (PS3.16 CID 402)."""
    software = happening.software or (happening.user.software if happening.user else "")
    return (ActiveParticipant(software, is_requestor=False, roles=(APPLICATION,)),) if software else ()


def _coded(role: Role | None) -> tuple[CodedValue, ...]:
    # The schema asks for a code system and an original text, which XSPA's plain codes do not have.
    if role is None:
        return ()
    text = role.original_text or role.display_name or role.code
    return (
        CodedValue(role.code, role.system or XSPA, text, role.display_name if role.original_text else ""),
    )


def _sender(happening: Happening, *roles: CodedValue) -> ActiveParticipant:
    return _participant(happening, "client", happening.peer_user_id, roles)


def _receiver(happening: Happening, *roles: CodedValue) -> ActiveParticipant:
    return _participant(happening, "server", happening.endpoint, roles)


def _participant(
    happening: Happening, side: Side, user_id: str, roles: tuple[CodedValue, ...]
) -> ActiveParticipant:
    ours = side == happening.we_are
    address = happening.endpoint_address if ours else happening.peer_address
    return ActiveParticipant(
        user_id,
        is_requestor=side == "client",
        roles=roles,
        alternative_user_id=happening.process_id if ours else "",
        user_name="" if ours else happening.peer_name,
        network_access_point=address,
        network_access_point_type=_network_access_point_type(address),
    )


@lru_cache(maxsize=PEERS_REMEMBERED)
def _network_access_point_type(address: str) -> str:
    if not address:
        return ""
    try:
        ip_address(address)
    except ValueError:
        return MACHINE_NAME
    return IP_ADDRESS


def _objects(
    kind: ObjectKind, event_type: CodedValue, happening: Happening, patients: tuple[str, ...]
) -> tuple[ParticipantObject, ...]:
    write = partial(_object, kind, kind.id_type or event_type)
    match kind.about:
        case About.PATIENT:
            message_id = (kind.message_id_detail, happening.message_id)
            change = (kind.change_detail, happening.change)
            # What was decided about one patient is not for the eyes of another.
            reasons = "; ".join(happening.access_reasons) if len(patients) == 1 else ""
            decided = (ACCESS_DECISION, reasons)
            return tuple(write(patient, message_id, change, decided) for patient in patients)
        case About.SUBMISSION_SET:
            unique_id = happening.submission_set_unique_id
            return (write(unique_id),) if unique_id else ()
        case About.QUERY:
            if not happening.query_id and not happening.query_xml:
                return ()
            encoding = (QUERY_ENCODING, "UTF-8" if happening.query_xml else "")
            home = (kind.home_detail, happening.home_community_id)
            return (write(happening.query_id, encoding, home, query=happening.query_xml),)
        case About.DOCUMENT:
            return tuple(
                write(
                    document.unique_id,
                    (REPOSITORY_UNIQUE_ID, document.repository_unique_id),
                    (kind.home_detail, document.home),
                )
                for document in happening.documents
                if document.patient_id in ("", *patients)
            )
        case About.SUBMITTED_DOCUMENT:
            return tuple(
                write(document.unique_id, (REPLACED_ENTRY, document.replaced_entry_uuid), name=document.title)
                for document in happening.documents
            )
        case About.REGISTRY_OBJECT:
            return tuple(
                write(entry_uuid, name=happening.removed_titles.get(entry_uuid, ""))
                for entry_uuid in happening.removed_entry_uuids
            )
        case About.AUDIT_LOG:
            asked = (AUDIT_QUERY, happening.query_xml.decode(errors="replace"))
            return (write(happening.endpoint, asked, name=AUDIT_LOG_NAME),)
        case About.SECURITY_RESOURCE:
            return (write(happening.endpoint, (ALERT_DESCRIPTION, happening.outcome_text)),)


def _object(
    kind: ObjectKind,
    id_type: CodedValue,
    id_: str,
    *details: tuple[str, str],
    name: str = "",
    query: bytes = b"",
) -> ParticipantObject:
    said = tuple(Detail(type_, value) for type_, value in details if type_ and value)
    return ParticipantObject(
        id_, id_type, kind.type_code, kind.role, kind.life_cycle, name=name, query=query, details=said
    )


def _alert(happening: Happening, type_code: CodedValue) -> AuditMessage:
    """Name the peer and the endpoint of a message that should not have come (DICOM PS3.15 A.5.3.11)."""
    reporter = _receiver(happening)._replace(is_requestor=True)
    peer = _sender(happening)._replace(is_requestor=False)
    return AuditMessage(
        EventIdentification(
            SECURITY_ALERT,
            happening.at,
            happening.outcome,
            Action.EXECUTE,
            (type_code,),
            happening.outcome_text,
        ),
        (reporter, peer),
        AuditSource(happening.audit_source_id),
        _objects(SECURITY_RESOURCE, type_code, happening, ()),
    )


def _emergency(happening: Happening) -> AuditMessage:
    """Somebody got in by an emergency: who, to whose record, and why (DICOM PS3.15 A.5.3.11)."""
    purpose = _coded(happening.user.purpose_of_use) if happening.user else ()
    reporter = _receiver(happening)._replace(is_requestor=False)
    reason = (ALERT_DESCRIPTION, "; ".join(one.original_text for one in purpose))
    patients = (_object(PATIENT, PATIENT_NUMBER, patient) for patient in happening.opened_by_emergency)
    return AuditMessage(
        EventIdentification(
            SECURITY_ALERT,
            happening.at,
            happening.outcome,
            Action.EXECUTE,
            (EMERGENCY_OVERRIDE,),
            happening.outcome_text,
            purpose,
        ),
        (reporter, *_human(happening.user)),
        AuditSource(happening.audit_source_id),
        (_object(SECURITY_RESOURCE, URI, happening.endpoint, reason), *patients),
    )


def _failed_login(happening: Happening) -> AuditMessage:
    """Whoever it was could not be verified, so the machine stands for him (DICOM PS3.15 A.5.3.12)."""
    user = _sender(happening)._replace(user_id=happening.peer_address or happening.peer_user_id)
    return AuditMessage(
        EventIdentification(
            USER_AUTHENTICATION,
            happening.at,
            happening.outcome,
            Action.EXECUTE,
            (LOGIN,),
            happening.outcome_text,
        ),
        (user, _receiver(happening)._replace(is_requestor=False)),
        AuditSource(happening.audit_source_id),
    )


def _activity(
    type_code: CodedValue,
    at: datetime,
    application: str,
    address: str,
    process_id: str,
    audit_source_id: str,
) -> AuditMessage:
    participant = ActiveParticipant(
        application,
        is_requestor=False,
        roles=(APPLICATION,),
        alternative_user_id=process_id,
        network_access_point=address,
        network_access_point_type=_network_access_point_type(address),
    )
    return AuditMessage(
        EventIdentification(APPLICATION_ACTIVITY, at, Outcome.SUCCESS, Action.EXECUTE, (type_code,)),
        (participant,),
        AuditSource(audit_source_id),
    )
