"""What is said of directives over HTTP, as JSON: requests read, answers written."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from consent_broker.model import (
    Basis,
    Directives,
    Level,
    Origin,
    Party,
    PartyKind,
    Period,
    RecordStatus,
    Right,
)
from consent_broker.notifications import Notification, NotificationKind
from consent_broker.store import Change
from consent_broker.texts import Language
from exchange.http_status import Status
from exchange.problems import Fault, Problem
from exchange.verbs import Verb
from server.rest.description import SCHEMAS

# Ids of persons and institutions are OIDs, with an id of a register behind them.
MAX_ID_CHARACTERS = 200
# A sentence: the number of a card that was read, or of a letter.
MAX_EVIDENCE_CHARACTERS = 200
# A century; whoever means longer means without end.
MAX_DAYS = 36_525

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS, pattern=r"^[^\x00-\x1f]+$")]
Person = Annotated[
    str,
    Field(
        max_length=MAX_ID_CHARACTERS,
        pattern=r"^[^|\x00-\x1f]+\|[^|\x00-\x1f]+$",
        description="A person, ROOT|ID, as identity providers name him.",
    ),
]
Document = Annotated[
    str,
    Field(
        pattern="^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        description="The logicalID of a document.",
    ),
]
Days = Annotated[int, Field(ge=0, le=MAX_DAYS, description="For how many days; 0 is without end.")]
Code = Annotated[
    str, Field(max_length=MAX_ID_CHARACTERS, pattern=r"^[^|]+\|[^|]*$", description="CODE|SCHEME")
]
LevelName = Literal["normal", "restricted", "secret"]
LEVELS: Mapping[LevelName, Level] = {
    "normal": Level.NORMAL,
    "restricted": Level.RESTRICTED,
    "secret": Level.SECRET,
}
_NAMES: Mapping[Level, LevelName] = {level: name for name, level in LEVELS.items()}


class Json(BaseModel):
    """What goes over the line: names in camelCase, and no others; texts are no numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True
    )


class Nothing(Json):
    """An empty object."""


class PartyJson(Json):
    """A person, as ROOT|ID, or an institution, as urn:oid:1.2.3."""

    kind: Annotated[PartyKind, Field(strict=False)]
    id: Id

    @classmethod
    def of(cls, party: Party) -> "PartyJson":
        """The party as it is written."""
        return cls(kind=party.kind, id=party.id)

    @property
    def party(self) -> Party:
        """The party that is meant."""
        return Party(self.kind, self.id)


class AboutParty(Json):
    """A professional or an institution."""

    party: PartyJson


class AboutDocument(Json):
    """A document."""

    document: Document


class AboutBoth(Json):
    """A document, and a professional or an institution."""

    document: Document
    party: PartyJson


class AboutPerson(Json):
    """A person."""

    person: Person


class GrantRequest(Json):
    """A care relationship, as a patient gives it, from now on or from its start.

    Without days it lasts as long as the domain's rules say.
    """

    party: PartyJson
    rights: Annotated[tuple[Annotated[Right, Field(strict=False)], ...], Field(strict=False, min_length=1)]
    level: Literal["normal", "restricted"] = "normal"
    origin: Annotated[Origin, Field(strict=False)] = Origin.PORTAL
    start: Annotated[AwareDatetime | None, Field(strict=False)] = None
    days: Days | None = None
    profession: Code | None = None


class HelperRequest(Json):
    """A person of the patient's choice."""

    person: Person
    manages: bool = False
    days: Days = 0


class RepresentativeRequest(Json):
    """A person who acts by law."""

    person: Person
    basis: Annotated[Basis, Field(strict=False)]
    manages: bool = False
    days: Days = 0


class LevelRequest(Json):
    """How confidential a document is, or new documents at least are; null is as they say themselves."""

    document: Document | None = None
    level: LevelName | None


class EmergencyRequest(Json):
    """Up to what level an emergency opens the record; null is not at all."""

    level: Literal["normal", "restricted"] | None


class BornRequest(Json):
    """A minor's birth date."""

    day: Annotated[date, Field(strict=False)]


class DeclarationRequest(Json):
    """A care relationship, as a professional declares it; without a party, his own."""

    origin: Annotated[Origin, Field(strict=False)]
    party: PartyJson | None = None
    days: Days | None = None
    evidence: Annotated[
        str, Field(min_length=1, max_length=MAX_EVIDENCE_CHARACTERS, pattern=r"^[^\x00-\x1f]+$")
    ]


class ExplainRequest(Json):
    """Somebody's question, asked in his place: what could he do, when, and why."""

    person: Person | None = None
    organization: Id | None = None
    profession: Code | None = None
    specialty: Code | None = None
    purpose: Code | None = None
    emergency: bool = False
    verb: Literal["find", "read", "deposit", "manage"] = Verb.FIND.value
    at: Annotated[datetime | None, Field(strict=False)] = None
    language: Annotated[Language, Field(strict=False)] = Language.ENGLISH


class PeriodJson(Json):
    """From a moment up to another, which is no longer in it; null is unbounded."""

    start: datetime | None
    end: datetime | None

    @classmethod
    def of(cls, period: Period) -> "PeriodJson":
        """The period as it is written."""
        return cls(start=period.start, end=period.end)


class GrantJson(Json):
    """A care relationship."""

    party: PartyJson
    rights: tuple[Right, ...]
    level: LevelName
    origin: Origin
    period: PeriodJson


class HelperJson(Json):
    """Who reads in the patient's stead, or also acts."""

    person: str
    manages: bool
    period: PeriodJson


class RepresentativeJson(Json):
    """Who reads in the patient's name by law, or also acts."""

    person: str
    basis: Basis
    manages: bool
    period: PeriodJson


class ReservedJson(Json):
    """A document that only these may see, of those who may read."""

    document: str
    parties: tuple[PartyJson, ...]


class DocumentLevelJson(Json):
    """How confidential a document is, whatever it says itself."""

    document: str
    level: LevelName


class AcknowledgementJson(Json):
    """A policy that a consent document acknowledges; what follows from it is among the rest."""

    policy: str
    document: str
    period: PeriodJson


class RecordJson(Json):
    """What holds for a record now."""

    patient_id: str
    status: RecordStatus
    opens: datetime | None
    grants: tuple[GrantJson, ...]
    excluded: tuple[PartyJson, ...]
    helpers: tuple[HelperJson, ...]
    representatives: tuple[RepresentativeJson, ...]
    hidden: tuple[str, ...]
    reserved: tuple[ReservedJson, ...]
    levels: tuple[DocumentLevelJson, ...]
    minimum_level: LevelName
    emergency_level: LevelName | None
    born: date | None
    pilot: bool
    acknowledged: tuple[AcknowledgementJson, ...]

    @classmethod
    def of(cls, patient_id: str, held: Directives, at: datetime) -> "RecordJson":
        """The directives as they are written."""
        return cls(
            patient_id=patient_id,
            status=held.status_at(at),
            opens=held.opens,
            grants=tuple(
                GrantJson(
                    party=PartyJson.of(one.party),
                    rights=tuple(sorted(one.rights)),
                    level=_NAMES[one.level],
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
            representatives=tuple(
                RepresentativeJson(
                    person=one.person,
                    basis=one.basis,
                    manages=one.manages,
                    period=PeriodJson.of(one.period),
                )
                for one in held.representatives
            ),
            hidden=tuple(sorted(held.hidden)),
            reserved=tuple(
                ReservedJson(document=document, parties=tuple(map(PartyJson.of, sorted(parties))))
                for document, parties in held.reserved
            ),
            levels=tuple(DocumentLevelJson(document=one, level=_NAMES[level]) for one, level in held.levels),
            minimum_level=_NAMES[held.minimum],
            emergency_level=None if held.emergency_level is None else _NAMES[held.emergency_level],
            born=held.born,
            pilot=held.pilot,
            acknowledged=tuple(
                AcknowledgementJson(
                    policy=one.policy, document=one.document, period=PeriodJson.of(one.period)
                )
                for one in held.acknowledged
            ),
        )


class ChangeJson(Json):
    """One line of a record's history: what holds from then on, and what did before; nothing is empty."""

    at: datetime
    by: str
    what: str
    before: str

    @classmethod
    def of(cls, change: Change) -> "ChangeJson":
        """The change as it is written."""
        return cls(at=change.at, by=change.by, what=change.what, before=change.before)


class ChangesJson(Json):
    """Changes, the first one first."""

    patient_id: str
    changes: tuple[ChangeJson, ...]


class NotificationJson(Json):
    """That somebody got into the record, when, and why by his own words; `told` once the patient was told."""

    number: int
    kind: NotificationKind
    person: str
    name: str
    role: str
    organization: str
    purpose: str
    reason: str
    made: datetime
    told: datetime | None

    @classmethod
    def of(cls, notification: Notification) -> "NotificationJson":
        """The notification as it is written."""
        return cls(
            number=notification.number,
            kind=notification.kind,
            person=notification.person,
            name=notification.name,
            role=notification.role,
            organization=notification.organization,
            purpose=notification.purpose,
            reason=notification.reason,
            made=notification.made,
            told=notification.told,
        )


class NotificationsJson(Json):
    """What a patient was, or is to be, told; the oldest first."""

    patient_id: str
    notifications: tuple[NotificationJson, ...]


class DeclaredJson(Json):
    """What was declared; what follows from it is the patient's to say."""

    patient_id: str
    party: PartyJson
    origin: Origin


class ShownDocumentJson(Json):
    """A document as its patient calls it; an operator is not told the title."""

    document: Document
    unique_id: str
    title: str | None


class ExplainedJson(Json):
    """What somebody could do, and why, in the language asked for.

    Of the patient's documents of today the newest that he would see, and how many there are, if he reads.
    """

    permit: bool
    answer: str
    reasons: tuple[str, ...]
    sees: str | None
    documents: tuple[ShownDocumentJson, ...]


Body = TypeVar("Body", bound=Json)


def read(content: object, model: type[Body]) -> Body:
    """The body as this model; or every fault of it, without the values, at once."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = tuple(
            Fault("".join(f"/{part}" for part in one["loc"]), one["msg"])
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        )
        said = "the body is not as described"
        raise Problem(Status.UNPROCESSABLE_CONTENT, said, faults=faults) from None


def schema_of(model: type[Json]) -> Mapping[str, object]:
    """The model as JSON Schema, for the description of the interface."""
    return model.model_json_schema(ref_template=SCHEMAS + "{model}")
