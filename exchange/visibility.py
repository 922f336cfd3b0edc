"""What of a patient's record a subject may see: a small predicate over DocumentEntry metadata, as data.

The consent broker makes it; `registry/seen.py` writes it as SQL, and `holds` reads it here, for one entry.
Whatever else a record holds follows from its documents: see `registry/seen.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ebxml.model import Code, DocumentEntry

Pair = tuple[str, str]
"""A code and its coding scheme."""

CodedAttribute = Literal["class_code", "type_code", "format_code", "confidentiality_code"]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; without parts, always."""

    parts: "tuple[Visibility, ...]" = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; without parts, never."""

    parts: "tuple[Visibility, ...]" = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Visibility"


@dataclass(frozen=True, slots=True)
class CodedAs:
    """The attribute has values, and all of them are among these codes (ITI TF-3: 4.2.3.2)."""

    attribute: CodedAttribute
    codes: frozenset[Pair]


@dataclass(frozen=True, slots=True)
class OneOf:
    """The entry is a version of one of these documents, named by their logicalIDs."""

    logical_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class DepositedBy:
    """One of these persons or organisations sent the document, by what the registry noted of the sender."""

    depositors: frozenset[str]


Visibility = AllOf | AnyOf | Not | CodedAs | OneOf | DepositedBy

EVERYTHING: Final = AllOf()
NOTHING: Final = AnyOf()


@dataclass(frozen=True, slots=True)
class View:
    """What one subject may see, patient by patient; of a patient who is not named here, nothing."""

    by_patient: Mapping[str, Visibility]
    unrestricted: bool = False
    """Whether the domain has no rules: then everything of everybody is seen."""

    def of(self, patient_id: str) -> Visibility:
        """What of this patient's record may be seen."""
        return EVERYTHING if self.unrestricted else self.by_patient.get(patient_id, NOTHING)


OPEN_VIEW: Final = View({}, unrestricted=True)


def holds(visibility: Visibility, entry: DocumentEntry, depositor: str = "") -> bool:
    """Whether a registered entry may be seen, as far as its own metadata says."""
    match visibility:
        case AllOf(parts):
            return all(holds(part, entry, depositor) for part in parts)
        case AnyOf(parts):
            return any(holds(part, entry, depositor) for part in parts)
        case Not(part):
            return not holds(part, entry, depositor)
        case CodedAs(attribute, codes):
            held = {(code.code, code.scheme) for code in _codes(entry, attribute)}
            return bool(held) and held <= codes
        case OneOf(logical_ids):
            return (entry.logical_id or entry.entry_uuid) in logical_ids
        case DepositedBy(depositors):
            return depositor in depositors


def _codes(entry: DocumentEntry, attribute: CodedAttribute) -> Iterator[Code]:
    value: Code | tuple[Code, ...] | None = getattr(entry, attribute)
    if isinstance(value, Code):
        yield value
    elif value:
        yield from value
