"""Rule packs: what a domain lays down about who may do what with which documents, as TOML."""

from collections.abc import Iterator
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from consent_broker.model import Level, Origin, Pair, RecordStatus, Right
from consent_broker.rules import Access, Rules
from server.codes import Text
from server.toml_file import BadFile, read_file, read_toml, reasons, validated

Codes = tuple[Text, ...]


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


class RulePack(_Row):
    """The whole file."""

    regime: Literal["opt-in", "opt-out"]
    profession_scheme: Text
    specialty_scheme: Text
    type_scheme: Text
    levels: tuple[LevelRow, ...] = Field(alias="level")
    roles: tuple[RoleRow, ...] = Field(default=(), alias="role")
    purposes: tuple[PurposeRow, ...] = Field(default=(), alias="purpose")
    durations: dict[Origin, int]
    access: tuple[AccessRow, ...]

    @model_validator(mode="after")
    def _every_origin_lasts(self) -> Self:
        if missing := set(Origin) - self.durations.keys():
            raise ValueError(f"durations lacks {', '.join(sorted(missing))}")
        return self

    def rules(self) -> Rules:
        """The pack as the broker reads it."""
        return Rules(
            unopened=RecordStatus.NOT_OPENED if self.regime == "opt-in" else RecordStatus.OPEN,
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
        )

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


_SHIPPED = resources.files("server") / "rule_packs"
