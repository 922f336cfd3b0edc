"""What a patient has decided about his record, and who asks to see it: the broker's own words."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

Pair = tuple[str, str]
"""A code and its coding scheme."""


class RecordStatus(StrEnum):
    """Whether there is a record at all; only an open one is seen by anybody."""

    NOT_OPENED = "not-opened"
    OPEN = "open"
    CLOSED = "closed"


class Level(IntEnum):
    """How confidential a document is; whoever may see one level sees all below it."""

    NORMAL = 1
    RESTRICTED = 2
    SECRET = 3


class Right(StrEnum):
    """What may be done with a record; each is given on its own."""

    READ = "read"
    DEPOSIT = "deposit"


class Origin(StrEnum):
    """How a care relationship came about."""

    REFERRING_DOCTOR = "referring-doctor"
    PRESENCE = "presence"
    ADMISSION = "admission"
    REFERRAL = "referral"
    PORTAL = "portal"


class PartyKind(StrEnum):
    """A self-employed professional is named himself; an institution stands for whoever works there today."""

    PERSON = "person"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True, order=True)
class Party:
    """Whom a directive speaks of: a person by root|extension, an organization as assertions name it."""

    kind: PartyKind
    id: str


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment up to another, which is no longer in it; None is unbounded."""

    start: datetime | None = None
    end: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Whether this moment is in the period."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


ALWAYS = Period()


@dataclass(frozen=True, slots=True)
class Grant:
    """A care relationship: what this party may do, and up to what confidentiality it sees."""

    party: Party
    rights: frozenset[Right]
    level: Level
    origin: Origin
    period: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Helper:
    """A person who reads the record in the patient's stead, and decides in his stead where `manages`."""

    person: str
    manages: bool
    period: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Directives:
    """Everything one patient has decided, as of now.

    `hidden` documents are for the patient alone, `reserved` ones for the parties named with them. No
    `emergency_level` means that even an emergency opens nothing.
    """

    status: RecordStatus
    grants: tuple[Grant, ...] = ()
    excluded: frozenset[Party] = frozenset()
    helpers: tuple[Helper, ...] = ()
    hidden: frozenset[str] = frozenset()
    reserved: tuple[tuple[str, frozenset[Party]], ...] = ()
    emergency_level: Level | None = Level.NORMAL


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as far as it was proven; what was not said is empty."""

    person: str = ""
    patient_id: str = ""
    """The CX of the patient who is this person, if the identity provider knows him as one."""
    organization: str = ""
    profession: Pair = ("", "")
    specialty: Pair = ("", "")
    purpose: Pair = ("", "")

    @property
    def parties(self) -> frozenset[Party]:
        """Everyone this is, to a directive."""
        person = {Party(PartyKind.PERSON, self.person)} if self.person else set()
        organization = {Party(PartyKind.ORGANIZATION, self.organization)} if self.organization else set()
        return frozenset(person | organization)
