"""Retrieve ATNA Audit Event [ITI-81]: what is asked of stored records, in the words of FHIR search."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from atna_audit.audit_event import audit_event, patient_of_token, system_of
from atna_audit.search import Search, find
from atna_audit.tables import About
from audit_message.audit_event import read_record
from audit_message.model import AuditMessage
from audit_message.read import NotAnAuditMessage
from audit_message.syslog import read_syslog
from database import Database
from ihe.audit_events import DOCUMENT, PATIENT, CodedValue

# A page without a word of the consumer, and the most that one may have.
USUAL_COUNT, HIGHEST_COUNT = 100, 1000

# What one page may have read: some seconds. A search that finds less of so many goes on at its next page.
RECORDS_LIMIT = 20_000
RECORDS_AT_ONCE = 500

Parameters = Sequence[tuple[str, str]]


class BadSearch(Exception):
    """A parameter that cannot be understood; the text quotes no value."""


@dataclass(frozen=True, slots=True)
class Page:
    """The records found, with their numbers, and where the next page begins if there is one."""

    events: tuple[tuple[int, AuditMessage], ...]
    following: str = ""


@dataclass(frozen=True, slots=True)
class EventSearch:
    """A search that was understood: as far as the database narrows it, and all of it."""

    narrowed: Search
    conditions: tuple[Callable[[AuditMessage], bool], ...]
    count: int


def read_search(parameters: Parameters, *, patient_id: str = "") -> EventSearch:
    """Understand the parameters (ITI TF-2: 3.81.4.1.2); for a `patient_id`, of his record alone.

    Unknown ones are ignored; raises BadSearch.
    """
    asked = [(_PLAIN_NAMES.get(name, name), value) for name, value in parameters if value]
    since, until = period_of([value for name, value in asked if name == "date"])
    about = {About.PATIENT: patient_id} if patient_id else {}
    conditions: list[Callable[[AuditMessage], bool]] = []
    if patient_id:
        # What names others beside him is not for him.
        conditions.append(lambda message: set(_patients(message)) == {patient_id})
    for name, value in asked:
        if name in _CONDITIONS:
            alternatives = _alternatives(value)
            conditions.append(_any_of(_CONDITIONS[name], alternatives))
            if len(alternatives) == 1:
                for index, indexed in _indexed(name, alternatives[0]):
                    about.setdefault(index, indexed)
    place = next((value for name, value in asked if name == "_page"), "")
    narrowed = Search(since=since, until=until, about=about, before=_place(place))
    return EventSearch(narrowed, tuple(conditions), _count(asked))


async def retrieve_audit_events(search: EventSearch, database: Database) -> Page:
    """The latest records of which all this holds (ITI TF-2: 3.81.4.1.3)."""
    found: list[tuple[int, AuditMessage]] = []
    narrowed, read = search.narrowed, 0
    while read < RECORDS_LIMIT:
        records = await find(database, narrowed, RECORDS_AT_ONCE)
        for record in records:
            # Where it goes on is behind the last that was looked at, whether it was found or not.
            if len(found) == search.count:
                return Page(tuple(found), _written(narrowed.before))
            narrowed = replace(narrowed, before=record.place)
            message = _read(record.message)
            if message and all(holds(message) for holds in search.conditions):
                found.append((record.id, message))
        if len(records) < RECORDS_AT_ONCE:
            return Page(tuple(found))
        read += len(records)
    return Page(tuple(found), _written(narrowed.before))


def searchset(page: Page, own_address: str, next_address: str) -> dict[str, Any]:
    """The Bundle of an answer (FHIR R4: 3.1.1)."""
    links = [{"relation": "self", "url": own_address}]
    if page.following:
        links.append({"relation": "next", "url": next_address})
    base = own_address.partition("/AuditEvent")[0]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
    if page.events:
        bundle["entry"] = [
            {
                "fullUrl": f"{base}/AuditEvent/{number}",
                "resource": audit_event(message, number),
                "search": {"mode": "match"},
            }
            for number, message in page.events
        ]
    return bundle


def _read(message: bytes) -> AuditMessage | None:
    try:
        return read_record(read_syslog(message).content)
    except NotAnAuditMessage:
        return None


def period_of(dates: Iterable[str]) -> tuple[datetime, datetime]:
    """ITI-81 asks for a time with both of its ends (ITI TF-2: 3.81.4.1.2.1)."""
    since, until = None, None
    for text in dates:
        prefix, date = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
        begin, end = _span(date)
        if prefix in ("ge", "gt", "sa", "eq"):
            lower = begin if prefix in ("ge", "eq") else end
            since = max(since or lower, lower)
        if prefix in ("le", "lt", "eb", "eq"):
            upper = end if prefix in ("le", "eq") else begin
            until = min(until or upper, upper)
        if prefix not in ("ge", "gt", "sa", "eq", "le", "lt", "eb"):
            raise BadSearch("date is expected with ge, gt, sa, le, lt, eb or eq before it")
    if since is None or until is None:
        raise BadSearch("date is expected twice, with ge and with le before it")
    return since, until


def _span(text: str) -> tuple[datetime, datetime]:
    """The stretch of time that a date of FHIR stands for, its end exclusive."""
    try:
        if len(text) <= len("2030-01-01"):
            year, month, day = (*map(int, text.split("-")), 0, 0)[:3]
            begin = datetime(year, month or 1, day or 1, tzinfo=UTC)
            if day:
                return begin, begin + timedelta(days=1)
            if month:
                return begin, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
            return begin, datetime(year + 1, 1, 1, tzinfo=UTC)
        at = datetime.fromisoformat(text)
        begin = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        exact = timedelta(milliseconds=1) if "." in text else timedelta(seconds=1)
        return begin, begin + exact
    except (ValueError, OverflowError):
        raise BadSearch("date is expected as 2030-01-31 or 2030-01-31T12:00:00Z") from None


def _count(asked: Parameters) -> int:
    text = next((value for name, value in asked if name == "_count"), str(USUAL_COUNT))
    if not text.isascii() or not text.isdigit() or not int(text[:9]) >= 1:
        raise BadSearch("_count is expected as a number from 1 on")
    return min(int(text[:9]), HIGHEST_COUNT)


def _place(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    at, _, number = text.partition("-")
    if not (at.isascii() and at.isdigit() and number.isascii() and number.isdigit() and len(text) < 40):
        raise BadSearch("_page is expected as the link of a page has it")
    return int(at), int(number)


def _written(place: tuple[int, int] | None) -> str:
    return f"{place[0]}-{place[1]}" if place else ""


def _alternatives(value: str) -> list[str]:
    """A comma is an OR, unless it is escaped (FHIR R4: 3.1.1.4.3)."""
    marked = value.replace("\\,", "\0")
    return [one.replace("\0", ",") for one in marked.split(",") if one]


def _indexed(name: str, value: str) -> Iterator[tuple[About, str]]:
    """What the index of the records knows of a parameter."""
    if name == "patient" and (patient := patient_of_token(value)):
        yield About.PATIENT, patient
    elif name == "agent" and "|" not in value:
        yield About.PERSON, value
    elif name in ("type", "subtype"):
        yield About.EVENT, value.rpartition("|")[2]


def _any_of(
    condition: Callable[[AuditMessage, str], bool], values: Sequence[str]
) -> Callable[[AuditMessage], bool]:
    return lambda message: any(condition(message, value) for value in values)


def _address(message: AuditMessage, value: str) -> bool:
    return any(
        one.network_access_point.casefold().startswith(value.casefold()) for one in message.participants
    )


def _agent(message: AuditMessage, value: str) -> bool:
    wanted = value.rpartition("|")[2]
    return any(one.user_id == wanted for one in message.participants)


def _agent_name(message: AuditMessage, value: str) -> bool:
    return any(one.user_name.casefold().startswith(value.casefold()) for one in message.participants)


def _agent_role(message: AuditMessage, value: str) -> bool:
    return any(_is_code(role, value) for one in message.participants for role in one.roles)


def _patient(message: AuditMessage, value: str) -> bool:
    wanted = patient_of_token(value)
    return any(
        one == wanted if wanted else one.partition("^")[0] == value.strip("|") for one in _patients(message)
    )


def _patients(message: AuditMessage) -> Iterator[str]:
    return (
        one.id for one in message.objects if (one.type_code, one.role) == (PATIENT.type_code, PATIENT.role)
    )


def _entity(message: AuditMessage, value: str) -> bool:
    wanted = {value, value.rpartition("|")[2], patient_of_token(value)} - {""}
    return any(one.id in wanted for one in message.objects)


def _entity_type(message: AuditMessage, value: str) -> bool:
    return any(one.type_code == value.rpartition("|")[2] for one in message.objects)


def _entity_role(message: AuditMessage, value: str) -> bool:
    return any(one.role == value.rpartition("|")[2] for one in message.objects)


def _entity_name(message: AuditMessage, value: str) -> bool:
    return any(one.name.casefold().startswith(value.casefold()) for one in message.objects)


def _is_code(code: CodedValue, value: str) -> bool:
    system, bar, wanted = value.rpartition("|")
    return code.code == wanted and (not bar or system_of(code.system) == system)


def _is_document(message: AuditMessage, value: str) -> bool:
    return any(
        one.id == value and (one.type_code, one.role) == (DOCUMENT.type_code, DOCUMENT.role)
        for one in message.objects
    )


# The parameters of ITI-81 and of FHIR's own AuditEvent, whichever way they are written.
_PLAIN_NAMES: Mapping[str, str] = {
    "agent.identifier": "agent",
    "user": "agent",
    "patient.identifier": "patient",
    "entity.identifier": "entity",
    "source.identifier": "source",
    "entity-id": "entity",
    "desc": "entity-name",
}
_CONDITIONS: Mapping[str, Callable[[AuditMessage, str], bool]] = {
    "address": _address,
    "agent": _agent,
    "agent-name": _agent_name,
    "agent-role": _agent_role,
    "altid": lambda message, value: any(one.alternative_user_id == value for one in message.participants),
    "patient": _patient,
    "document": _is_document,
    "entity": _entity,
    "entity-name": _entity_name,
    "entity-type": _entity_type,
    "entity-role": _entity_role,
    "source": lambda message, value: message.source.id == value.rpartition("|")[2],
    "site": lambda message, value: message.source.enterprise_site_id == value.rpartition("|")[2],
    "type": lambda message, value: _is_code(message.event.event_id, value),
    "subtype": lambda message, value: any(_is_code(one, value) for one in message.event.type_codes),
    "purpose": lambda message, value: any(_is_code(one, value) for one in message.event.purposes_of_use),
    "action": lambda message, value: message.event.action == value.rpartition("|")[2],
    "outcome": lambda message, value: str(int(message.event.outcome)) == value.rpartition("|")[2],
}
KNOWN_PARAMETERS = frozenset({*_CONDITIONS, *_PLAIN_NAMES, "date", "_count", "_page", "_format"})
