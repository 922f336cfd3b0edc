"""The audit log over HTTP: journals, Retrieve ATNA Audit Event [ITI-81] and Syslog Event [ITI-82]."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from atna_audit.iti81_retrieve_atna_audit_event import (
    KNOWN_PARAMETERS,
    BadSearch,
    read_search,
    retrieve_audit_events,
    searchset,
)
from atna_audit.iti82_retrieve_syslog_event import SYSLOG_PARAMETERS, TooMany, retrieve_syslog_events
from atna_audit.journal import Journal, Wanted
from atna_audit.journal_texts import Language
from consent_broker import store
from consent_broker.administration import Act, scope_of
from consent_broker.broker import asker_of
from consent_broker.directory import Directory
from consent_broker.model import Asker
from consent_broker.rules import Rules
from database import Database
from exchange.call import Answer
from exchange.diary import Diary
from exchange.http_status import Status
from exchange.json_text import write_json
from exchange.problems import OPERATION_OUTCOME, Problem
from exchange.replies import Forbidden
from exchange.resources import FORM, JSON, Asked, Operation, Pairs, Parameter, Place
from ihe.http_transactions import ITI_81, ITI_82, JOURNAL_READING
from server.journal import read_journal
from server.journal_forms import as_csv, as_json, as_pdf
from server.rest.consent import PATIENT_ID, patient_id_of
from server.rest.fhir_xml import write_fhir_xml

FHIR_JSON, FHIR_XML = "application/fhir+json", "application/fhir+xml"
_XML_TYPES = (FHIR_XML, "application/xml", "text/xml")
_JSON_TYPES = (FHIR_JSON, JSON)
CSV, PDF = "text/csv", "application/pdf"

# What one page of a journal may have.
JOURNAL_ROWS = 1000

_TEXT: Mapping[str, object] = {"type": "string", "maxLength": 500}
_TIME: Mapping[str, object] = {"type": "string", "format": "date-time"}


def _asked_for(name: str, description: str, schema: Mapping[str, object] = _TEXT) -> Parameter:
    return Parameter(name=name, place=Place.QUERY, description=description, schema=schema)


_JOURNAL_PARAMETERS = (
    PATIENT_ID,
    _asked_for("language", "fr, de, en or lb.", {"type": "string", "enum": list(map(str, Language))}),
    _asked_for("person", "Part of a name, an id or an establishment."),
    _asked_for("document", "Part of a document's title, or its uniqueId."),
    _asked_for("since", "From this time on.", _TIME),
    _asked_for("until", "Before this time.", _TIME),
    _asked_for("number", "How many accesses.", {"type": "integer", "minimum": 1, "maximum": JOURNAL_ROWS}),
)


@dataclass(frozen=True, slots=True)
class AuditOperations:
    """The operations on the log of one domain: patients read of themselves, administrators all."""

    database: Database
    rules: Rules
    time_zone: ZoneInfo
    address: str

    def all(self) -> tuple[Operation, ...]:
        """Every row."""
        search = Operation(
            name="searchAuditEvent",
            method="GET",
            path="/fhir/AuditEvent",
            summary="Search audit events by FHIR.",
            transaction=ITI_81,
            parameters=tuple(
                _asked_for(name, "As in ITI-81 and FHIR R4.") for name in sorted(KNOWN_PARAMETERS)
            ),
            perform=self.events,
            gives=(*_JSON_TYPES, *_XML_TYPES),
            gives_schema={"type": "object"},
            errors=OPERATION_OUTCOME,
        )
        return (
            Operation(
                name="readJournal",
                method="GET",
                path="/api/journal",
                summary="Who got to a record, when, in what context and to do what.",
                transaction=JOURNAL_READING,
                parameters=_JOURNAL_PARAMETERS,
                perform=self.journal,
                gives=(JSON, CSV, PDF),
                gives_schema={"type": "object"},
            ),
            search,
            replace(
                search,
                name="searchAuditEventByPost",
                method="POST",
                path="/fhir/AuditEvent/_search",
                parameters=(),
                takes=(FORM,),
                takes_schema={"type": "object", "additionalProperties": {"type": "string"}},
            ),
            Operation(
                name="searchSyslog",
                method="GET",
                path="/syslogsearch",
                summary="Search syslog messages by their headers.",
                transaction=ITI_82,
                parameters=tuple(_asked_for(name, "As in ITI-82.") for name in ("date", *SYSLOG_PARAMETERS)),
                perform=self.syslog,
                gives_schema={"type": "object"},
            ),
        )

    async def journal(self, asked: Asked, diary: Diary) -> Answer:
        """The patient's journal, for him, who acts in his stead, and administrators."""
        asker = await self._asker(asked)
        patient_id = patient_id_of(asked.header(PATIENT_ID.name.lower()) or asker.patient_id)
        diary.patient_ids = (patient_id,)
        held = await store.directives_of((patient_id,), self.rules.unopened, self.database, asked.at)
        if scope_of(asker, Act.LOOK, patient_id, held[patient_id], self.rules, asked.at) is None:
            raise Forbidden("nobody who may read the journal")
        said = dict(asked.query)
        wanted = Wanted(
            patient_id=patient_id,
            since=_time(said.get("since", ""), "since"),
            until=_time(said.get("until", ""), "until"),
            person=said.get("person", ""),
            document=said.get("document", ""),
            number=_number(said.get("number", "100")),
        )
        diary.query_xml = wanted.words.encode()
        try:
            language = Language(said.get("language", Language.FRENCH))
        except ValueError:
            raise Problem(Status.BAD_REQUEST, "language is expected as fr, de, en or lb") from None
        found = await read_journal(wanted, self.database)
        return self._written(found, asked, language)

    async def _asker(self, asked: Asked) -> Asker:
        claimed = asker_of(asked.subject, self.rules)
        return await Directory(self.database).checked(claimed, self.rules, asked.at)

    def _written(self, found: Journal, asked: Asked, language: Language) -> Answer:
        if asked.accepted == CSV:
            return Answer(200, f"{CSV}; charset=utf-8", as_csv(found, language, self.time_zone))
        if asked.accepted == PDF:
            return Answer(200, PDF, as_pdf(found, language, self.time_zone, asked.at))
        return Answer(200, JSON, write_json(as_json(found, language, self.time_zone)))

    async def events(self, asked: Asked, diary: Diary) -> Answer:
        """AuditEvents, of his own record for a patient."""
        asker = await self._asker(asked)
        parameters = (*asked.query, *_form(asked))
        diary.query_xml = urlencode(parameters).encode()
        patient_id = ""
        if asker.profession not in self.rules.administrators:
            if not asker.patient_id:
                raise Forbidden("neither a patient nor an administrator of the domain")
            patient_id = asker.patient_id
            diary.patient_ids = (patient_id,)
        if "handling=strict" in asked.header("prefer").replace(" ", ""):
            unknown = sorted({name for name, _ in parameters} - KNOWN_PARAMETERS)
            if unknown:
                raise Problem(Status.BAD_REQUEST, "not every parameter is known here")
        try:
            search = read_search(parameters, patient_id=patient_id)
        except BadSearch as problem:
            raise Problem(Status.BAD_REQUEST, str(problem)) from None
        page = await retrieve_audit_events(search, self.database)
        here = f"{self.address}/fhir/AuditEvent"
        rest = [one for one in parameters if one[0] != "_page"]
        following = urlencode((*rest, ("_page", page.following)))
        bundle = searchset(page, f"{here}?{urlencode(parameters)}", f"{here}?{following}")
        return _fhir(bundle, asked.accepted, dict(parameters).get("_format", ""))

    async def syslog(self, asked: Asked, diary: Diary) -> Answer:
        """Syslog messages as they came, for administrators: nobody knows of whom all is that they say."""
        diary.query_xml = urlencode(asked.query).encode()
        asker = await self._asker(asked)
        if not asker.person or asker.profession not in self.rules.administrators:
            raise Forbidden("no administrator of the domain")
        try:
            found = await retrieve_syslog_events(asked.query, self.database)
        except BadSearch as problem:
            raise Problem(Status.BAD_REQUEST, str(problem)) from None
        except TooMany as problem:
            raise Problem(Status.CONTENT_TOO_LARGE, str(problem)) from None
        return Answer(200, JSON, write_json({"total": len(found), "messages": found}))


def _form(asked: Asked) -> Pairs:
    return asked.content if isinstance(asked.content, tuple) else ()


def _fhir(resource: dict[str, Any], accepted: str, format_: str) -> Answer:
    """In the form that _format names, else that is accepted (FHIR R4: 3.1.0.1.11)."""
    wanted = {"xml": FHIR_XML, "json": FHIR_JSON}.get(format_, format_.replace(" ", "+")) or accepted
    if wanted in _XML_TYPES:
        return Answer(200, f"{wanted}; charset=utf-8", write_fhir_xml(resource))
    if wanted in _JSON_TYPES:
        return Answer(200, f"{wanted}; charset=utf-8", write_json(resource))
    raise Problem(Status.NOT_ACCEPTABLE, "_format is expected as json or xml")


def _time(text: str, name: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(Status.BAD_REQUEST, f"{name} is expected as 2030-01-31T12:00:00+01:00") from None
    if at.tzinfo is None:
        raise Problem(Status.BAD_REQUEST, f"{name} is expected with its offset")
    return at


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= JOURNAL_ROWS):
        raise Problem(Status.BAD_REQUEST, f"number is expected from 1 to {JOURNAL_ROWS}")
    return int(text)
