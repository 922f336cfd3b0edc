"""What a domain lays down for all its patients: data, and the same for everybody (see `server/rules.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from consent_broker.model import Level, Origin, Pair, RecordStatus, Right

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


@dataclass(frozen=True, slots=True)
class Rules:
    """The rule pack of a domain.

    `unopened` is the status of a record of which nobody has said anything: not opened where patients opt in,
    open where they opt out. A document whose confidentialityCode has no level is seen by its patient alone.
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

    def codes_up_to(self, level: Level) -> frozenset[Pair]:
        """The confidentialityCodes that a clearance for this level covers."""
        return frozenset(pair for pair, of in self.levels.items() if of <= level)

    def types_for(self, profession: Pair, specialty: Pair, right: Right, on: date) -> frozenset[Pair]:
        """The typeCodes that the matrix opens to a professional."""
        return frozenset(
            pair
            for row in self.access
            if right in row.rights and row.applies(profession, specialty, on)
            for pair in row.types
        )
