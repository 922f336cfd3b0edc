"""What a domain lays down for all its patients: data, and the same for everybody (see `server/rules.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from consent_broker.model import Level, Origin, Pair, Party, RecordStatus, Right
from consent_broker.notifications import NotificationKind

ANY = "*"


@dataclass(frozen=True, slots=True)
class Access:
    """One row of the access matrix: what a profession may do with documents of these types."""

    profession: Pair
    specialties: frozenset[Pair] | None
    types: frozenset[Pair]
    rights: frozenset[Right]
    valid_from: date | None = None
    valid_until: date | None = None

    def applies(self, profession: Pair, specialty: Pair, on: date) -> bool:
        """Whether the row speaks of this professional today."""
        return (
            self.profession == profession
            and (self.specialties is None or specialty in self.specialties)
            and (self.valid_from is None or self.valid_from <= on)
            and (self.valid_until is None or on < self.valid_until)
        )


class Lift(StrEnum):
    """What stands in the way of who treats an emergency, and a domain may lift; nothing else is lifted."""

    RELATIONSHIP = "relationship"
    MATRIX = "matrix"
    ALLOW_LIST = "allow-list"
    EXCLUSION = "exclusion"


@dataclass(frozen=True, slots=True)
class EmergencyRules:
    """What an emergency opens: what it lifts, how far at most, for whom, and what is asked in return.

    Without `professions` it is open to every one of them.
    """

    lifts: frozenset[Lift] = frozenset({Lift.RELATIONSHIP})
    highest: Level = Level.RESTRICTED
    professions: frozenset[Pair] = frozenset()
    asks_for_reason: bool = False
    tells_patient: bool = True


@dataclass(frozen=True, slots=True)
class MinorRules:
    """From what age a patient reads, and decides, himself, and when he is of age, in years.

    Who represents him as a minor decides for him until he does so himself, and reads until he is of age.
    """

    reads: int
    decides: int
    majority: int


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a care relationship of this origin lasts for some professions, in days; 0 is without end."""

    origin: Origin
    professions: frozenset[Pair]
    days: int


@dataclass(frozen=True, slots=True)
class PolicyGrant:
    """Rights that a policy gives; without a party, to the institution that wrote the document."""

    party: Party | None
    rights: frozenset[Right]
    level: Level = Level.NORMAL
    origin: Origin = Origin.PORTAL


@dataclass(frozen=True, slots=True)
class Policy:
    """What follows when a patient acknowledges it by a consent document (ITI TF-3: 5.1).

    Beside the patient and who acts in his name, `professions` may submit it. One that is `signed` needs a
    legalAuthenticator, and a `receipt` is what the platform itself writes of changes made elsewhere: nothing
    follows from it.
    """

    status: RecordStatus | None = None
    grants: tuple[PolicyGrant, ...] = ()
    excluded: frozenset[Party] = frozenset()
    minimum: Level | None = None
    emergency: Level | None = None
    no_emergency: bool = False
    professions: frozenset[Pair] = frozenset()
    signed: bool = False
    receipt: bool = False

    @property
    def names_author(self) -> bool:
        """Whether it gives rights to the institution that wrote the document."""
        return any(grant.party is None for grant in self.grants)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rule pack of a domain.

    `unopened` is the status of a record of which nobody has said anything: not opened where patients opt in,
    open where they opt out. With `objection_days` a new patient's record opens by itself after so many,
    unless he objects. In a `pilot` only who takes part in it has a record. A document whose
    confidentialityCode has no level is seen by its patient alone. Where `listed_only`, a professional must
    stand in the directory with the profession that he claims, where `members_only` also as a member of the
    institution for which he speaks.
    """

    unopened: RecordStatus
    levels: Mapping[Pair, Level]
    access: tuple[Access, ...]
    patients: frozenset[Pair]
    """Roles that say of a person that he asks about himself."""
    emergencies: frozenset[Pair]
    administrators: frozenset[Pair]
    """Roles that may update and remove in every record that is open, at the patients' word."""
    systems: frozenset[Pair]
    """Roles of other actors of the platform, which ask whether a document is registered."""
    durations_days: Mapping[Origin, int]
    durations_by_profession: tuple[Duration, ...] = ()
    emergency: EmergencyRules = EmergencyRules()
    minors: MinorRules | None = None
    objection_days: int = 0
    pilot: bool = False
    authors_see_own: bool = True
    listed_only: bool = False
    members_only: bool = False
    policies: Mapping[Pair, Policy] = field(default_factory=dict)
    """What consent documents may acknowledge; without any policy they are documents like others."""
    tells: frozenset[NotificationKind] = frozenset()
    """Of what patients are told besides emergencies."""

    @property
    def receipt(self) -> Pair | None:
        """The policy of the receipts that are written of changes; None if none are."""
        return next((pair for pair, policy in self.policies.items() if policy.receipt), None)

    def days_of(self, origin: Origin, profession: Pair) -> int:
        """How long a care relationship lasts unless it says otherwise; 0 is without end."""
        special = (
            each.days
            for each in self.durations_by_profession
            if each.origin is origin and profession in each.professions
        )
        return next(special, self.durations_days[origin])

    def codes_up_to(self, level: Level) -> frozenset[Pair]:
        """The confidentialityCodes that a clearance for this level covers."""
        return frozenset(pair for pair, of in self.levels.items() if of <= level)

    def codes_from(self, level: Level) -> frozenset[Pair]:
        """The confidentialityCodes of this level and those above; one without a level is above all."""
        return frozenset(pair for pair, of in self.levels.items() if of >= level)

    def types_for(self, profession: Pair, specialty: Pair, right: Right, on: date) -> frozenset[Pair]:
        """The typeCodes that the matrix opens to a professional."""
        return frozenset(
            pair
            for row in self.access
            if right in row.rights and row.applies(profession, specialty, on)
            for pair in row.types
        )
