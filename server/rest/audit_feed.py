"""The RESTful feed of the Audit Record Repository: AuditEvents of other systems (ITI TF-2: 3.20)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atna_audit.iti20_record_audit_event import FHIR_FEED, Arrival, AuditRecord, record_of
from atna_audit.store import AuditStore
from consent_broker.broker import asker_of
from consent_broker.rules import Rules
from exchange.call import Answer
from exchange.diary import Diary
from exchange.http_status import Status
from exchange.json_text import NotJson, read_json, write_json
from exchange.problems import OPERATION_OUTCOME, Problem
from exchange.replies import Forbidden
from exchange.resources import JSON, Asked, Operation
from ihe.http_transactions import ITI_20
from server.rest.audit import FHIR_JSON, FHIR_XML

# Of one batch; its bytes are limited as those of any body.
EVENTS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class AuditFeed:
    """Takes AuditEvents from nodes that prove who they are by their certificates, and from administrators."""

    store: AuditStore
    rules: Rules | None

    def all(self) -> tuple[Operation, ...]:
        """Every row."""
        one = Operation(
            name="recordAuditEvent",
            method="POST",
            path="/fhir/AuditEvent",
            summary="Record an audit event.",
            transaction=ITI_20,
            takes=(FHIR_JSON, FHIR_XML, JSON),
            takes_schema={"type": "object"},
            gives=(FHIR_JSON, JSON),
            gives_schema={"type": "object"},
            errors=OPERATION_OUTCOME,
            perform=self.one,
            needs_user=False,
            as_it_came=True,
        )
        return (
            one,
            Operation(
                name="recordAuditEvents",
                method="POST",
                path="/fhir",
                summary="Record the audit events of a batch.",
                transaction=ITI_20,
                takes=(FHIR_JSON, JSON),
                takes_schema={"type": "object"},
                gives=(FHIR_JSON, JSON),
                gives_schema={"type": "object"},
                errors=OPERATION_OUTCOME,
                perform=self.batch,
                needs_user=False,
                as_it_came=True,
            ),
        )

    async def one(self, asked: Asked, diary: Diary) -> Answer:
        """Keep it as it came, whatever it is; tell a sender whose it is not."""
        self._allow(asked)
        content = _bytes(asked)
        await self._keep([content], asked)
        if not _is_read(content, asked.at):
            raise Problem(Status.BAD_REQUEST, "kept as it came, and no AuditEvent that could be read")
        return Answer(201, asked.accepted, write_json({"resourceType": "OperationOutcome", "issue": _DONE}))

    async def batch(self, asked: Asked, diary: Diary) -> Answer:
        """Keep each event of a Bundle of type batch; the answer has their statuses in their order."""
        self._allow(asked)
        try:
            bundle = read_json(_bytes(asked))
        except NotJson as problem:
            raise Problem(Status.BAD_REQUEST, str(problem)) from None
        found: dict[str, object] = bundle if isinstance(bundle, dict) else {}
        entries = found.get("entry", [])
        if not isinstance(entries, list) or found.get("resourceType") != "Bundle":
            raise Problem(Status.BAD_REQUEST, "a Bundle of AuditEvents is expected")
        if len(entries) > EVENTS_AT_ONCE:
            raise Problem(Status.CONTENT_TOO_LARGE, f"a batch may have {EVENTS_AT_ONCE} events")
        events = [write_json(one.get("resource") if isinstance(one, dict) else one) for one in entries]
        await self._keep(events, asked)
        statuses = ["201 Created" if _is_read(one, asked.at) else "400 Bad Request" for one in events]
        answer: dict[str, Any] = {"resourceType": "Bundle", "type": "batch-response"}
        answer["entry"] = [{"response": {"status": status}} for status in statuses]
        return Answer(200, asked.accepted, write_json(answer))

    def _allow(self, asked: Asked) -> None:
        if asked.subject.certificate:
            return
        if self.rules and asker_of(asked.subject, self.rules).profession in self.rules.administrators:
            return
        raise Forbidden("neither a node with a certificate nor an administrator")

    async def _keep(self, events: list[bytes], asked: Asked) -> None:
        await self.store.add([_record(one, asked.subject.address, asked.at) for one in events])


def _record(content: bytes, peer: str, at: datetime) -> AuditRecord:
    return record_of(Arrival(content, peer, FHIR_FEED, at))


def _is_read(content: bytes, at: datetime) -> bool:
    return _record(content, "", at).outcome is not None


def _bytes(asked: Asked) -> bytes:
    return asked.content if isinstance(asked.content, bytes) else b""


_DONE = [{"severity": "information", "code": "informational", "diagnostics": "recorded"}]
