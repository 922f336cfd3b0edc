"""What a patient has decided about his record, and who asks to see it: the broker's own words."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum, StrEnum

from consent_broker.texts import Why

Pair = tuple[str, str]
"""A code and its coding scheme."""


class RecordStatus(StrEnum):
    """Whether there is a record at all; only an open one is seen by anybody."""

    NOT_OPENED = "not-opened"
    OBJECTION_WINDOW = "objection-window"
    """It was announced, and opens by itself when the window ends unless the patient closes it before."""
    OPEN = "open"
    CLOSED = "closed"


class Level(IntEnum):
    """How confidential a document is; whoever may see one level sees all below it.

    What is secret is for the patient alone, and for who stands in his place.
    """

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


class Basis(StrEnum):
    """Why somebody acts in a patient's name by law; what follows from a minor's age is the rule pack's."""

    MINOR = "minor"
    GUARDIANSHIP = "guardianship"


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
    """A person of the patient's choice who reads the record in his stead, and acts too where `manages`."""

    person: str
    manages: bool
    period: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Representative:
    """A person who by law reads the record in the patient's name, and acts too where `manages`."""

    person: str
    basis: Basis
    manages: bool
    period: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A policy of the domain that a consent document of the patient's acknowledges (ITI TF-3: 5.1)."""

    policy: str
    document: str
    """The uniqueId of the consent document."""
    period: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Directives:
    """Everything one patient has decided, as of one moment.

    `opens` is the end of an objection window. `hidden` documents are for the patient alone, `reserved` ones
    for the parties named with them, `levels` go before what a document says of itself, and `minimum` is the
    least level of new documents. No `emergency_level` means that even an emergency opens nothing. `born` is
    known of minors, `pilot` marks who takes part in a trial. What his consent documents give is among the
    rest; `acknowledged` says which they are.
    """

    status: RecordStatus
    opens: datetime | None = None
    grants: tuple[Grant, ...] = ()
    excluded: frozenset[Party] = frozenset()
    helpers: tuple[Helper, ...] = ()
    representatives: tuple[Representative, ...] = ()
    hidden: frozenset[str] = frozenset()
    reserved: tuple[tuple[str, frozenset[Party]], ...] = ()
    levels: tuple[tuple[str, Level], ...] = ()
    minimum: Level = Level.NORMAL
    emergency_level: Level | None = Level.NORMAL
    born: date | None = None
    pilot: bool = False
    acknowledged: tuple[Acknowledgement, ...] = ()

    def status_at(self, at: datetime) -> RecordStatus:
        """The status; a record whose objection window has ended is open."""
        over = self.opens is not None and self.opens <= at
        return RecordStatus.OPEN if self.status is RecordStatus.OBJECTION_WINDOW and over else self.status

    def age_at(self, at: datetime) -> int | None:
        """The patient's age in whole years, where his birth date is known."""
        if self.born is None:
            return None
        today = at.date()
        return today.year - self.born.year - ((today.month, today.day) < (self.born.month, self.born.day))


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
    unlisted: Why | None = None
    """Why the domain's directory does not know him as what he says he is."""
    member_of: frozenset[str] | None = None
    """The institutions of which the directory says that he is a member today, where the domain asks it."""

    @property
    def is_no_member(self) -> bool:
        """Whether he names an institution that he is no member of; then he does not speak for it."""
        return (
            bool(self.organization) and self.member_of is not None and self.organization not in self.member_of
        )

    @property
    def parties(self) -> frozenset[Party]:
        """Everyone this is, to a directive that gives."""
        person = {Party(PartyKind.PERSON, self.person)} if self.person else set()
        named = bool(self.organization) and not self.is_no_member
        organization = {Party(PartyKind.ORGANIZATION, self.organization)} if named else set()
        return frozenset(person | organization)

    @property
    def all_parties(self) -> frozenset[Party]:
        """Everyone this is, to a directive that takes: also who he is without saying so."""
        members = {Party(PartyKind.ORGANIZATION, each) for each in self.member_of or ()}
        return self.parties | members

    def as_listed(self, unlisted: Why | None, member_of: frozenset[str] | None) -> "Asker":
        """The same, as far as the directory bears him out."""
        return replace(self, unlisted=unlisted, member_of=member_of)
