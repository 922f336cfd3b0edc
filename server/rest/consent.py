"""What a patient decides, over HTTP and JSON: the operations of `coffre consent`, for whoever may."""

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial

from consent_broker import operations, store
from consent_broker.administration import Act, Scope, declared, may_declare, scope_of
from consent_broker.broker import asker_of, person_of
from consent_broker.directory import Directory
from consent_broker.explain import explained
from consent_broker.history import history
from consent_broker.model import Asker, Directives, Level, Origin, Party, PartyKind, Right
from consent_broker.notifications import Notifications
from consent_broker.operations import NotPossible
from consent_broker.rules import Rules
from consent_broker.store import MAX_DIRECTIVES, TooManyDirectives, described
from consent_broker.texts import Why, told
from consent_broker.versions import Stale, only_at, version_of
from database import Database
from exchange.call import Answer
from exchange.diary import Diary
from exchange.http_status import Status
from exchange.problems import Problem
from exchange.replies import Forbidden
from exchange.resources import JSON, Asked, Operation, Parameter, Performing, Place
from exchange.verbs import Verb
from hl7v2.datatypes import CX, errors_in_cx
from ihe.http_transactions import CONSENT_CHANGE, CONSENT_READING, HttpTransaction
from server.rest.consent_bodies import (
    ChangeJson,
    ChangesJson,
    DeclarationRequest,
    DeclaredJson,
    ExplainedJson,
    ExplainRequest,
    Json,
    NotificationJson,
    NotificationsJson,
    PartyJson,
    RecordJson,
    ShownDocumentJson,
    read,
    schema_of,
)
from server.rest.consent_changes import CHANGES, ChangeRow, Changes, Making, pair
from server.shown import shown_by, shown_in_words

PATH = "/api/consent"
PATIENT_ID = Parameter(
    name="Patient-Id",
    place=Place.HEADER,
    description="Whose record, as ID^^^&OID&ISO; without it, that of the patient who asks.",
    schema={"type": "string", "maxLength": 255},
)
IF_MATCH = Parameter(
    name="If-Match",
    place=Place.HEADER,
    description="The ETag of what was seen: nothing is changed if something else has changed it since.",
    schema={"type": "string", "maxLength": 100},
)
_FAILURES = {
    Status.CONFLICT: "The state of the record, or the rules of the domain, do not allow it.",
    Status.PRECONDITION_FAILED: "What holds has changed since.",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Who does what about whose record, and what holds for it."""

    asker: Asker
    patient_id: str
    held: Directives
    version: int
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class ConsentOperations:
    """The operations on one domain's directives.

    Professionals may declare care relationships of the `declarable` origins; users at the nodes with these
    certificates are `operators`.
    """

    database: Database
    rules: Rules
    declarable: frozenset[Origin] = frozenset()
    operators: frozenset[str] = frozenset()

    def all(self) -> tuple[Operation, ...]:
        """Every row."""
        shown = Operation(
            name="showConsent",
            method="GET",
            path=PATH,
            summary="What holds for a record now.",
            transaction=CONSENT_READING,
            parameters=(PATIENT_ID,),
            perform=self._show,
            gives_schema=schema_of(RecordJson),
        )
        return (
            shown,
            replace(
                shown,
                name="consentHistory",
                path=f"{PATH}/history",
                summary="Everything that ever changed.",
                perform=self._history,
                gives_schema=schema_of(ChangesJson),
            ),
            replace(
                shown,
                name="consentNotifications",
                path=f"{PATH}/notifications",
                summary="What the patient was, or is to be, told: who got in by an emergency, and why.",
                perform=self._notifications,
                gives_schema=schema_of(NotificationsJson),
            ),
            self._posting(
                "explain",
                "What somebody could do, when, why, and what he would see.",
                ExplainRequest,
                ExplainedJson,
                self._explain,
                transaction=CONSENT_READING,
            ),
            *(self._declarations() if self.declarable else ()),
            *(self._changing(row) for row in CHANGES),
        )

    def _declarations(self) -> Iterator[Operation]:
        summary = "Say, as a professional, that one cares for a patient."
        row = self._posting("declare", summary, DeclarationRequest, DeclaredJson, self._declare)
        yield replace(row, failures=_FAILURES)

    def _changing(self, row: ChangeRow) -> Operation:
        operation = self._posting(row.name, row.summary, row.body, ChangesJson, partial(self._change, row))
        return replace(operation, parameters=(PATIENT_ID, IF_MATCH), failures=_FAILURES)

    def _posting(
        self,
        name: str,
        summary: str,
        body: type[Json],
        gives: type[Json],
        perform: Performing,
        transaction: HttpTransaction = CONSENT_CHANGE,
    ) -> Operation:
        return Operation(
            name=f"consent{''.join(word.title() for word in name.split('-'))}",
            method="POST",
            path=f"{PATH}/{name}",
            summary=summary,
            transaction=transaction,
            parameters=(PATIENT_ID,),
            perform=perform,
            takes=(JSON,),
            takes_schema=schema_of(body),
            gives_schema=schema_of(gives),
        )

    async def _show(self, asked: Asked, diary: Diary) -> Answer:
        desk = await self._desk(asked, Act.LOOK, diary)
        return _answer(RecordJson.of(desk.patient_id, desk.held, asked.at), desk.version)

    async def _history(self, asked: Asked, diary: Diary) -> Answer:
        desk = await self._desk(asked, Act.LOOK, diary)
        changes = await history(desk.patient_id, self.database)
        return _answer(_told(desk.patient_id, changes), desk.version)

    async def _notifications(self, asked: Asked, diary: Diary) -> Answer:
        desk = await self._desk(asked, Act.LOOK, diary)
        found = await Notifications(self.database).of(desk.patient_id)
        written = tuple(map(NotificationJson.of, found))
        return _answer(NotificationsJson(patient_id=desk.patient_id, notifications=written))

    async def _explain(self, asked: Asked, diary: Diary) -> Answer:
        desk = await self._desk(asked, Act.LOOK, diary)
        body = read(asked.content, ExplainRequest)
        asker = Asker(
            person=body.person or "",
            organization=body.organization or "",
            profession=pair(body.profession),
            specialty=pair(body.specialty),
            purpose=pair(body.purpose),
        )
        at, verb = body.at.astimezone(UTC) if body.at else asked.at, Verb(body.verb)
        verdict = await explained(
            desk.patient_id,
            asker,
            verb,
            at,
            asked.at,
            self.rules,
            self.database,
            emergency=body.emergency,
        )
        answer = told(Why.PERMITTED if verdict.permit else Why.REFUSED, body.language)
        reasons = tuple(reason.told(body.language) for reason in verdict.reasons)
        shown = await shown_by(verdict, verb, desk.patient_id, self.database)
        documents = (
            ShownDocumentJson(
                document=one.logical_id,
                unique_id=one.unique_id,
                title=None if desk.scope is Scope.OPERATOR else one.title,
            )
            for one in (shown.documents if shown else ())
        )
        return _answer(
            ExplainedJson(
                permit=verdict.permit,
                answer=answer,
                reasons=reasons,
                sees=shown_in_words(shown, body.language) if shown else None,
                documents=tuple(documents),
            )
        )

    async def _change(self, row: ChangeRow, asked: Asked, diary: Diary) -> Answer:
        diary.change = row.name
        desk = await self._desk(asked, row.act, diary)
        body = read(asked.content, row.body)
        # What is to be changed, until it is known what was.
        diary.change = f"{row.name} {body.model_dump_json(by_alias=True, exclude_unset=True)}"
        known = _known_version(asked, desk.version)
        making = Making(desk.patient_id, self.rules, self.database, asked.at, _by(asked))
        with only_at(known), asked.changing():
            changes = await _in_http_words(row.make(body, making))
        diary.change = "; ".join(map(str, changes))
        version = await version_of(desk.patient_id, self.database)
        return _answer(_told(desk.patient_id, changes), version)

    async def _declare(self, asked: Asked, diary: Diary) -> Answer:
        """Take a professional's word; nothing of the answer depends on what the patient has decided."""
        diary.change = "declare"
        desk = await self._opened(asked, diary)
        body = read(asked.content, DeclarationRequest)
        party = body.party.party if body.party else Party(PartyKind.PERSON, desk.asker.person)
        if body.origin not in self.declarable:
            raise Problem(Status.CONFLICT, "the domain does not take this origin from professionals")
        if not may_declare(desk.asker, party, body.origin, desk.held, self.rules, asked.at):
            raise Forbidden("no professional, or neither for himself nor for one whom he refers")
        directive = await operations.care_relationship(
            party,
            frozenset(Right),
            Level.NORMAL,
            body.origin,
            self.rules,
            self.database,
            asked.at,
            days=body.days,
            profession=desk.asker.profession if party in desk.asker.parties else ("", ""),
        )
        said = f"declared {described(directive)}, on the evidence of {body.evidence}"
        diary.change = said
        if added := declared(directive, desk.held, asked.at):
            making = Making(desk.patient_id, self.rules, self.database, asked.at, _by(asked))
            # What the patient decides at this moment is not to be taken away by what was there before.
            with only_at(desk.version), asked.changing():
                changes = await _in_http_words(making.give(added))
            diary.change = f"{'; '.join(map(str, changes))}; {said}"
        else:
            diary.change = f"nothing: the patient's own word stands, or more; {said}"
        taken = DeclaredJson(patient_id=desk.patient_id, party=PartyJson.of(party), origin=body.origin)
        return _answer(taken)

    async def _desk(self, asked: Asked, act: Act, diary: Diary) -> Desk:
        """Whose record it is about, and what holds for it, if he may do this; else Forbidden."""
        desk = await self._opened(asked, diary)
        certificate = asked.subject.certificate
        if certificate and certificate.sha256 in self.operators:
            return replace(desk, scope=Scope.OPERATOR)
        scope = scope_of(desk.asker, act, desk.patient_id, desk.held, self.rules, asked.at)
        if scope is None:
            raise Forbidden(f"nobody who may {act} here")
        return replace(desk, scope=scope)

    async def _opened(self, asked: Asked, diary: Diary) -> Desk:
        claimed = asker_of(asked.subject, self.rules)
        patient_id = patient_id_of(asked.header(PATIENT_ID.name.lower()) or claimed.patient_id)
        diary.patient_ids = (patient_id,)
        asker = await Directory(self.database).checked(claimed, self.rules, asked.at)
        # Before what holds: a change in between makes the version too old, never the other way round.
        version = await version_of(patient_id, self.database)
        held = await store.directives_of((patient_id,), self.rules.unopened, self.database, asked.at)
        return Desk(asker, patient_id, held[patient_id], version)


def patient_id_of(text: str) -> str:
    """The patient whom a header names, or 400."""
    if not text:
        detail = f"whose record? Say so in the header {PATIENT_ID.name}"
        raise Problem(Status.BAD_REQUEST, detail)
    # What is wrong with it is not repeated: it is a patient's.
    if any(errors_in_cx(text)):
        raise Problem(Status.BAD_REQUEST, f"{PATIENT_ID.name} is expected as ID^^^&OID&ISO")
    return CX(text)


def _known_version(asked: Asked, version: int) -> int | None:
    """The version that If-Match names; a Problem where it is another one (RFC 9110: 13.1.1)."""
    wanted = asked.header(IF_MATCH.name.lower())
    if wanted in ("", "*"):
        return None
    if _etag(version) not in (one.strip() for one in wanted.split(",")):
        raise _stale()
    return version


def _stale() -> Problem:
    return Problem(Status.PRECONDITION_FAILED, "what holds has changed since; look again")


async def _in_http_words(changing: Awaitable[Changes]) -> Changes:
    try:
        return await changing
    except Stale:
        raise _stale() from None
    except NotPossible as problem:
        raise Problem(Status.CONFLICT, str(problem)) from None
    except TooManyDirectives:
        raise Problem(Status.CONFLICT, f"the record has {MAX_DIRECTIVES} directives already") from None


def _by(asked: Asked) -> str:
    """Who changes it, for the patient who reads its history."""
    user = asked.subject.user
    return f"{user.name} ({person_of(user.id)})" if user else ""


def _told(patient_id: str, changes: Changes) -> ChangesJson:
    return ChangesJson(patient_id=patient_id, changes=tuple(map(ChangeJson.of, changes)))


def _etag(version: int) -> str:
    return f'"{version}"'


def _answer(content: Json, version: int | None = None) -> Answer:
    headers = () if version is None else (("etag", _etag(version)),)
    return Answer(200, JSON, content.model_dump_json(by_alias=True).encode(), headers)
