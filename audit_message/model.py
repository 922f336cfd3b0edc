"""What an audit message says (DICOM PS3.15 A.5.1); an empty text means absent.

Tuples: they are made for every request, and what is written of them is found again by them.
"""

from datetime import datetime
from typing import NamedTuple

from ihe.audit_events import Action, CodedValue, Outcome


class EventIdentification(NamedTuple):
    """What happened, when and how it went; `at` knows its zone and is kept to the millisecond."""

    event_id: CodedValue
    at: datetime
    outcome: Outcome
    action: Action | None = None
    type_codes: tuple[CodedValue, ...] = ()
    outcome_description: str = ""
    purposes_of_use: tuple[CodedValue, ...] = ()


class ActiveParticipant(NamedTuple):
    """A person or a process that took part."""

    user_id: str
    is_requestor: bool
    roles: tuple[CodedValue, ...] = ()
    alternative_user_id: str = ""
    user_name: str = ""
    network_access_point: str = ""
    network_access_point_type: str = ""


class AuditSource(NamedTuple):
    """Who recorded it."""

    id: str
    enterprise_site_id: str = ""
    type_codes: tuple[CodedValue, ...] = ()


class Detail(NamedTuple):
    """One ParticipantObjectDetail; on the wire the value is base64 of its UTF-8."""

    type: str
    value: str


class ParticipantObject(NamedTuple):
    """What it was done to; `query` holds the bytes of the query itself, not their base64."""

    id: str
    id_type: CodedValue
    type_code: str = ""
    role: str = ""
    life_cycle: str = ""
    sensitivity: str = ""
    name: str = ""
    query: bytes = b""
    details: tuple[Detail, ...] = ()


class AuditMessage(NamedTuple):
    """One record of one event."""

    event: EventIdentification
    participants: tuple[ActiveParticipant, ...]
    source: AuditSource
    objects: tuple[ParticipantObject, ...] = ()
