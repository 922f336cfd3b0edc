"""What a patient decides, over HTTP and JSON: the operations of `coffre consent`, for whom each is meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from consent_broker import store
from consent_broker.administration import Act, scope_of
from consent_broker.broker import asker_of
from consent_broker.model import Directives, Level, Origin, Party, PartyKind, Period, RecordStatus, Right
from consent_broker.rules import Rules
from database import Database
from exchange.call import Answer
from exchange.diary import Diary
from exchange.http_status import Status
from exchange.problems import Problem
from exchange.replies import Forbidden
from exchange.resources import JSON, Asked, Operation, Parameter, Place
from hl7v2.datatypes import CX, errors_in_cx
from ihe.http_transactions import CONSENT_READING
from server.rest.description import SCHEMAS

PATIENT_ID = Parameter(
    name="Patient-Id",
    place=Place.HEADER,
    description="Whose record, as ID^^^&OID&ISO; without it, that of the patient who asks.",
    schema={"type": "string", "maxLength": 255},
)


LevelName = Literal["normal", "restricted", "secret"]
_LEVELS: Mapping[Level, LevelName] = {
    Level.NORMAL: "normal",
    Level.RESTRICTED: "restricted",
    Level.SECRET: "secret",
}


class _Json(BaseModel):
    """What goes over the line: names in camelCase, and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class PartyJson(_Json):
    """A professional, as OID|ID, or an institution, as urn:oid:1.2.3."""

    kind: PartyKind
    id: str

    @classmethod
    def of(cls, party: Party) -> "PartyJson":
        """The party as it is written."""
        return cls(kind=party.kind, id=party.id)


class PeriodJson(_Json):
    """From a moment up to another, which is no longer in it; null is unbounded."""

    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of(cls, period: Period) -> "PeriodJson":
        """The period as it is written."""
        return cls(start=period.start, end=period.end)


class GrantJson(_Json):
    """A care relationship."""

    party: PartyJson
    rights: tuple[Right, ...]
    level: LevelName
    origin: Origin
    period: PeriodJson


class HelperJson(_Json):
    """Who reads in the patient's stead, or also acts in his stead."""

    person: str
    manages: bool
    period: PeriodJson


class ReservedJson(_Json):
    """A document that only these may see, of those who may read."""

    document: str
    parties: tuple[PartyJson, ...]


class RecordJson(_Json):
    """What holds for a record now."""

    patient_id: str
    status: RecordStatus
    grants: tuple[GrantJson, ...]
    excluded: tuple[PartyJson, ...]
    helpers: tuple[HelperJson, ...]
    hidden: tuple[str, ...]
    reserved: tuple[ReservedJson, ...]
    emergency_level: LevelName | None


def schema_of(model: type[BaseModel]) -> Mapping[str, object]:
    """The model as JSON Schema, for the description of the interface."""
    return model.model_json_schema(ref_template=SCHEMAS + "{model}")


@dataclass(frozen=True, slots=True)
class ConsentOperations:
    """The operations on one domain's directives."""

    database: Database
    rules: Rules

    def all(self) -> tuple[Operation, ...]:
        """Every row."""
        return (
            Operation(
                name="showConsent",
                method="GET",
                path="/api/consent",
                summary="What holds for a record now.",
                transaction=CONSENT_READING,
                parameters=(PATIENT_ID,),
                perform=self.show,
                gives_schema=schema_of(RecordJson),
            ),
        )

    async def show(self, asked: Asked, diary: Diary) -> Answer:
        """What holds for a record now."""
        patient_id, held = await self._permitted(asked, Act.LOOK, diary)
        shown = RecordJson(
            patient_id=patient_id,
            status=held.status,
            grants=tuple(
                GrantJson(
                    party=PartyJson.of(one.party),
                    rights=tuple(sorted(one.rights)),
                    level=_LEVELS[one.level],
                    origin=one.origin,
                    period=PeriodJson.of(one.period),
                )
                for one in held.grants
            ),
            excluded=tuple(map(PartyJson.of, sorted(held.excluded))),
            helpers=tuple(
                HelperJson(person=one.person, manages=one.manages, period=PeriodJson.of(one.period))
                for one in held.helpers
            ),
            hidden=tuple(sorted(held.hidden)),
            reserved=tuple(
                ReservedJson(document=document, parties=tuple(map(PartyJson.of, sorted(parties))))
                for document, parties in held.reserved
            ),
            emergency_level=None if held.emergency_level is None else _LEVELS[held.emergency_level],
        )
        return Answer(200, JSON, shown.model_dump_json(by_alias=True).encode())

    async def _permitted(self, asked: Asked, act: Act, diary: Diary) -> tuple[str, Directives]:
        """Whose record it is about and what holds for it, or Forbidden."""
        asker = asker_of(asked.subject, self.rules)
        patient_id = _patient_id(asked.header(PATIENT_ID.name.lower()) or asker.patient_id)
        diary.patient_ids = (patient_id,)
        held = await store.directives_of((patient_id,), self.rules.unopened, self.database)
        scope = scope_of(asker, act, patient_id, held[patient_id], self.rules, asked.at)
        if scope is None:
            raise Forbidden(f"nobody who may {act} here")
        return patient_id, held[patient_id]


def _patient_id(text: str) -> str:
    if not text:
        detail = f"whose record? Say so in the header {PATIENT_ID.name}"
        raise Problem(Status.BAD_REQUEST, detail)
    # What is wrong with it is not repeated: it is a patient's.
    if any(errors_in_cx(text)):
        raise Problem(Status.BAD_REQUEST, f"{PATIENT_ID.name} is expected as ID^^^&OID&ISO")
    return CX(text)
