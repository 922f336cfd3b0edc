"""Rule packs: what a domain lays down about who may do what with which documents, as TOML."""

from collections.abc import Iterator
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from consent_broker.model import Level, Origin, Pair, Party, PartyKind, RecordStatus, Right
from consent_broker.notifications import NotificationKind
from consent_broker.rules import (
    Access,
    Duration,
    EmergencyRules,
    Lift,
    MinorRules,
    Policy,
    PolicyGrant,
    Rules,
)
from server.codes import Text
from server.toml_file import BadFile, read_file, read_toml, reasons, validated

Codes = tuple[Text, ...]
# A hundred years are without end.
Days = Annotated[int, Field(ge=0, le=36_525)]
Years = Annotated[int, Field(ge=0, le=25)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LevelRow(_Row):
    """The confidentialityCodes of one scheme, by the level that each stands for."""

    scheme: Text
    normal: Codes = ()
    restricted: Codes = ()
    secret: Codes = ()


class RoleRow(_Row):
    """Roles that say more than a profession; without a scheme, plain codes as XSPA has them."""

    says: Literal["patient", "administrator", "system"] = Field(alias="is")
    scheme: str = ""
    codes: Codes


class PurposeRow(_Row):
    """Purposes of use that are an emergency."""

    says: Literal["emergency"] = Field(alias="is")
    scheme: Text
    codes: Codes


class AccessRow(_Row):
    """A row of the access matrix, for some professions; without specialties, for all of theirs."""

    professions: Codes
    specialties: Codes = ()
    read: Codes = ()
    deposit: Codes = ()
    valid_from: date | None = None
    valid_until: date | None = None


class DurationRow(_Row):
    """How long a care relationship of one origin lasts for some professions, in days; 0 is without end."""

    origin: Origin
    professions: Codes
    days: Days


class EmergencySection(_Row):
    """What an emergency lifts, up to what level, for whom; if a reason is asked and the patient told."""

    lifts: tuple[Lift, ...] = (Lift.RELATIONSHIP,)
    highest: Literal["normal", "restricted"] = "restricted"
    professions: Codes = ()
    reason: bool = False
    tells_patient: bool = True


class MinorsSection(_Row):
    """At what age a minor reads, decides, and is of age."""

    reads: Years
    decides: Years
    majority: Years

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        if not self.reads <= self.decides <= self.majority:
            raise ValueError("a minor reads first, then decides, then is of age")
        return self


class GrantRow(_Row):
    """Rights that a policy gives: to whom it names, or to the institution that wrote the document."""

    to: Literal["author"] | None = None
    person: str = ""
    organization: str = ""
    rights: Annotated[tuple[Right, ...], Field(min_length=1)]
    level: Literal["normal", "restricted"] = "normal"
    origin: Origin = Origin.PORTAL

    @model_validator(mode="after")
    def _to_one(self) -> Self:
        if sum(map(bool, (self.to, self.person, self.organization))) != 1:
            raise ValueError('a grant is for one: to = "author", or a person, or an organization')
        return self

    def grant(self) -> PolicyGrant:
        """The grant as the broker has it."""
        return PolicyGrant(
            None if self.to else _party(self.person, self.organization),
            frozenset(self.rights),
            Level[self.level.upper()],
            self.origin,
        )


class ExclusionRow(_Row):
    """Whom a policy excludes."""

    person: str = ""
    organization: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.person) == bool(self.organization):
            raise ValueError("an exclusion is of one: a person, or an organization")
        return self


class PolicyRow(_Row):
    """A policy that consent documents acknowledge, and what follows from that."""

    id: Text
    domain: Text
    record: Literal["open", "closed"] | None = None
    minimum: Literal["normal", "restricted", "secret"] | None = None
    emergency: Literal["none", "normal", "restricted"] | None = None
    grants: tuple[GrantRow, ...] = Field(default=(), alias="grant")
    exclusions: tuple[ExclusionRow, ...] = Field(default=(), alias="exclude")
    professions: Codes = ()
    signed: bool = False
    receipt: bool = False

    @model_validator(mode="after")
    def _a_receipt_gives_nothing(self) -> Self:
        gives = self.record or self.minimum or self.emergency or self.grants or self.exclusions
        if self.receipt and (gives or self.professions):
            raise ValueError("a receipt is the platform's own, and nothing follows from it")
        return self

    def policy(self, professions: frozenset[Pair]) -> Policy:
        """The policy as the broker has it."""
        return Policy(
            RecordStatus(self.record) if self.record else None,
            tuple(grant.grant() for grant in self.grants),
            frozenset(_party(each.person, each.organization) for each in self.exclusions),
            Level[self.minimum.upper()] if self.minimum else None,
            Level[self.emergency.upper()] if self.emergency in ("normal", "restricted") else None,
            self.emergency == "none",
            professions,
            self.signed,
            self.receipt,
        )


class DirectorySection(_Row):
    """Whether what an assertion claims is held against the directory."""

    professionals: bool = False
    memberships: bool = False


class NotificationsSection(_Row):
    """Of what patients are told besides emergencies."""

    tell: frozenset[
        Literal["first-access", "deposited", "opened", "removed", "rights-changed", "journal-read"]
    ] = frozenset()


class RulePack(_Row):
    """The whole file."""

    regime: Literal["opt-in", "opt-out"]
    objection_days: Days = 0
    pilot: bool = False
    authors_see_own: bool = True
    profession_scheme: Text
    specialty_scheme: Text
    type_scheme: Text
    levels: tuple[LevelRow, ...] = Field(alias="level")
    roles: tuple[RoleRow, ...] = Field(default=(), alias="role")
    purposes: tuple[PurposeRow, ...] = Field(default=(), alias="purpose")
    durations: dict[Origin, Days]
    durations_by_profession: tuple[DurationRow, ...] = Field(default=(), alias="duration")
    emergency: EmergencySection = EmergencySection()
    minors: MinorsSection | None = None
    directory: DirectorySection = DirectorySection()
    notifications: NotificationsSection = NotificationsSection()
    policies: tuple[PolicyRow, ...] = Field(default=(), alias="policy")
    access: tuple[AccessRow, ...]

    @model_validator(mode="after")
    def _every_origin_lasts(self) -> Self:
        if missing := set(Origin) - self.durations.keys():
            raise ValueError(f"durations lacks {', '.join(sorted(missing))}")
        return self

    @model_validator(mode="after")
    def _who_opts_in_need_not_object(self) -> Self:
        if self.regime == "opt-in" and self.objection_days:
            raise ValueError("objection_days are of opt-out: where patients opt in nothing opens by itself")
        return self

    @model_validator(mode="after")
    def _policies_within_the_rules(self) -> Self:
        ids = [(row.id, row.domain) for row in self.policies]
        if twice := {f"{id_} of {domain}" for id_, domain in ids if ids.count((id_, domain)) > 1}:
            raise ValueError(f"two policies are {', '.join(sorted(twice))}")
        if self.emergency.highest == "normal" and any(row.emergency == "restricted" for row in self.policies):
            raise ValueError("an emergency opens at most what is normal, a policy more")
        if sum(row.receipt for row in self.policies) > 1:
            raise ValueError("two policies are receipts, expected one at most")
        return self

    def rules(self) -> Rules:
        """The pack as the broker reads it."""
        at_once = self.regime == "opt-out" and not self.objection_days and not self.pilot
        return Rules(
            unopened=RecordStatus.OPEN if at_once else RecordStatus.NOT_OPENED,
            levels={
                (code, row.scheme): level
                for row in self.levels
                for level, codes in (
                    (Level.NORMAL, row.normal),
                    (Level.RESTRICTED, row.restricted),
                    (Level.SECRET, row.secret),
                )
                for code in codes
            },
            access=tuple(self._access()),
            patients=_pairs(row for row in self.roles if row.says == "patient"),
            administrators=_pairs(row for row in self.roles if row.says == "administrator"),
            systems=_pairs(row for row in self.roles if row.says == "system"),
            emergencies=_pairs(self.purposes),
            durations_days=self.durations,
            durations_by_profession=tuple(
                Duration(row.origin, self._professions(row.professions), row.days)
                for row in self.durations_by_profession
            ),
            emergency=EmergencyRules(
                frozenset(self.emergency.lifts),
                Level[self.emergency.highest.upper()],
                self._professions(self.emergency.professions),
                self.emergency.reason,
                self.emergency.tells_patient,
            ),
            minors=MinorRules(self.minors.reads, self.minors.decides, self.minors.majority)
            if self.minors
            else None,
            objection_days=self.objection_days,
            pilot=self.pilot,
            authors_see_own=self.authors_see_own,
            listed_only=self.directory.professionals,
            members_only=self.directory.memberships,
            tells=frozenset(map(NotificationKind, self.notifications.tell)),
            policies={
                (row.id, row.domain): row.policy(self._professions(row.professions)) for row in self.policies
            },
        )

    def _professions(self, codes: Codes) -> frozenset[Pair]:
        return frozenset((code, self.profession_scheme) for code in codes)

    def _access(self) -> Iterator[Access]:
        for row in self.access:
            for profession in row.professions:
                for right, types in ((Right.READ, row.read), (Right.DEPOSIT, row.deposit)):
                    yield Access(
                        (profession, self.profession_scheme),
                        frozenset((code, self.specialty_scheme) for code in row.specialties) or None,
                        frozenset((code, self.type_scheme) for code in types),
                        frozenset({right}),
                        row.valid_from,
                        row.valid_until,
                    )


def built_in_rule_packs() -> tuple[str, ...]:
    """The names of the rule packs that come with the product."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _SHIPPED.iterdir()))


def read_rule_pack(where: str) -> Rules:
    """The rules of that built-in name or in that file, or BadFile with every line that is wrong."""
    built_in = where in built_in_rule_packs()
    content = (_SHIPPED / f"{where}.toml").read_bytes() if built_in else read_file(Path(where))
    toml = read_toml(content, where)
    try:
        return validated(RulePack, toml.content).rules()
    except ValidationError as error:
        raise BadFile(*(toml.problem(key, reason) for key, reason in reasons(error, RulePack))) from None


def _pairs(rows: "Iterator[RoleRow] | tuple[PurposeRow, ...]") -> frozenset[Pair]:
    return frozenset((code, row.scheme) for row in rows for code in row.codes)


def _party(person: str, organization: str) -> Party:
    return Party(PartyKind.PERSON, person) if person else Party(PartyKind.ORGANIZATION, organization)


_SHIPPED = resources.files("server") / "rule_packs"
