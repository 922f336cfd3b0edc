"""Audit messages to bytes (DICOM PS3.15 A.5.1)."""

import re
from base64 import b64encode
from datetime import UTC, datetime
from functools import lru_cache

from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    ParticipantObject,
)
from ihe.audit_events import Action, CodedValue, Outcome

# Nearly every code comes from a table of some dozens; the rest are the role codes of users.
CODED_CACHE_SIZE = 1024

# Those who ask are the same again and again, and so is whom they ask.
PARTICIPANTS_CACHE_SIZE = 1024

# What is asked, how it ends, and for what purpose: few, but for what went wrong.
EVENTS_CACHE_SIZE = 256

SOURCES_CACHE_SIZE = 16

# Besides markup, line ends and tabs are escaped, for a parser turns them into spaces within attributes.
# What XML 1.0 cannot carry at all becomes U+FFFD: a peer must not be able to spoil the record about it.
_NOT_PLAIN = re.compile('[&<>"\t\n\r]|[^ -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_UNCARRIED = "\ufffd"


def write_audit_message(message: AuditMessage) -> bytes:
    """Write the message as UTF-8 XML, children in the order of the schema (DICOM PS3.15 A.5.1)."""
    event_id, at, *rest = message.event
    # Nothing else of most events differs from one to the next.
    before, after = _around_the_time(event_id, *rest)
    pieces = [
        before,
        _date_time(at),
        after,
        _participants(message.participants),
        _source(message.source),
        *map(_object, message.objects),
        "</AuditMessage>",
    ]
    return "".join(pieces).encode()


@lru_cache(maxsize=EVENTS_CACHE_SIZE)
def _around_the_time(
    event_id: CodedValue,
    outcome: Outcome,
    action_code: Action | None,
    type_codes: tuple[CodedValue, ...],
    outcome_description: str,
    purposes_of_use: tuple[CodedValue, ...],
) -> tuple[str, str]:
    """The message's beginning up to the time of its event, and what follows of the event."""
    action = f' EventActionCode="{action_code}"' if action_code else ""
    description = _text(outcome_description)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><AuditMessage><EventIdentification{action} EventDateTime="',
        "".join(
            (
                f'" EventOutcomeIndicator="{int(outcome)}">',
                _coded("EventID", event_id),
                *(_coded("EventTypeCode", code) for code in type_codes),
                f"<EventOutcomeDescription>{description}</EventOutcomeDescription>" if description else "",
                *(_coded("PurposeOfUse", code) for code in purposes_of_use),
                "</EventIdentification>",
            )
        ),
    )


@lru_cache(maxsize=PARTICIPANTS_CACHE_SIZE)
def _participants(participants: tuple[ActiveParticipant, ...]) -> str:
    return "".join(map(_participant, participants))


def _participant(participant: ActiveParticipant) -> str:
    return "".join(
        (
            f'<ActiveParticipant UserID="{_text(participant.user_id)}"',
            _optional("AlternativeUserID", participant.alternative_user_id),
            _optional("UserName", participant.user_name),
            f' UserIsRequestor="{"true" if participant.is_requestor else "false"}"',
            _optional("NetworkAccessPointID", participant.network_access_point),
            _optional("NetworkAccessPointTypeCode", participant.network_access_point_type),
            ">",
            *(_coded("RoleIDCode", role) for role in participant.roles),
            "</ActiveParticipant>",
        )
    )


@lru_cache(maxsize=SOURCES_CACHE_SIZE)
def _source(source: AuditSource) -> str:
    return "".join(
        (
            "<AuditSourceIdentification",
            _optional("AuditEnterpriseSiteID", source.enterprise_site_id),
            f' AuditSourceID="{_text(source.id)}">',
            *(_coded("AuditSourceTypeCode", code) for code in source.type_codes),
            "</AuditSourceIdentification>",
        )
    )


def _object(object_: ParticipantObject) -> str:
    query = b64encode(object_.query).decode()
    return "".join(
        (
            "<ParticipantObjectIdentification",
            _optional("ParticipantObjectID", object_.id),
            _kind(object_.type_code, object_.role, object_.life_cycle, object_.sensitivity, object_.id_type),
            # The schema has room for a name or a query, not both.
            f"<ParticipantObjectQuery>{query}</ParticipantObjectQuery>"
            if query
            else _optional_element("ParticipantObjectName", object_.name),
            *(
                f'<ParticipantObjectDetail type="{_text(detail.type)}" value="{_base64(detail.value)}"/>'
                for detail in object_.details
            ),
            "</ParticipantObjectIdentification>",
        )
    )


@lru_cache(maxsize=CODED_CACHE_SIZE)
def _kind(type_code: str, role: str, life_cycle: str, sensitivity: str, id_type: CodedValue) -> str:
    return "".join(
        (
            _optional("ParticipantObjectTypeCode", type_code),
            _optional("ParticipantObjectTypeCodeRole", role),
            _optional("ParticipantObjectDataLifeCycle", life_cycle),
            _optional("ParticipantObjectSensitivity", sensitivity),
            ">",
            _coded("ParticipantObjectIDTypeCode", id_type),
        )
    )


@lru_cache(maxsize=CODED_CACHE_SIZE)
def _coded(element: str, value: CodedValue) -> str:
    return (
        f'<{element} csd-code="{_text(value.code)}" codeSystemName="{_text(value.system)}"'
        f'{_optional("displayName", value.display_name)} originalText="{_text(value.original_text)}"/>'
    )


def _optional(attribute: str, value: str) -> str:
    return f' {attribute}="{_text(value)}"' if value else ""


def _optional_element(element: str, value: str) -> str:
    return f"<{element}>{_text(value)}</{element}>" if value else ""


def _text(value: str) -> str:
    return _NOT_PLAIN.sub(lambda found: _ESCAPES.get(found[0], _UNCARRIED), value)


def _base64(value: str) -> str:
    # Base64 carries every character; only halves of surrogate pairs have no UTF-8.
    return b64encode(value.encode(errors="replace")).decode()


def _date_time(at: datetime) -> str:
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return f"{utc.isoformat(timespec='milliseconds')[:-6]}Z"
