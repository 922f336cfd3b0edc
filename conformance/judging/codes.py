"""Codes: those of well-known systems by their check digits, those of a domain by its value sets."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from conformance.judging.datatypes import is_oid
from conformance.judging.found import error, warning
from conformance.results import Finding
from conformance.xml import select

ValueSets = Mapping[str, frozenset[str]]

_LOINC, _SNOMED, _IHE_FORMATS = "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.96", "1.3.6.1.4.1.19376.1.2.3"
_CONFIDENTIALITY = "2.16.840.1.113883.5.25"
_CONFIDENTIALITY_CODES = frozenset("ULMNRV")
_SECTION = "ITI TF-3: 4.2.3.1.2"


@dataclass(frozen=True, slots=True)
class Code:
    """A code where it stands."""

    attribute: str
    value: str
    scheme: str
    node: etree._Element


def value_sets(file: Path) -> ValueSets:
    """Read the codes that a domain allows, as code^^scheme by attribute."""
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    codes = content.get("codes")
    if not isinstance(codes, dict) or not all(isinstance(one, list) for one in codes.values()):
        raise ValueError(f"{file}: expected a table [codes] with a list of code^^scheme by attribute")
    return {attribute: frozenset(map(str, values)) for attribute, values in codes.items()}


def findings_in_code(code: Code, allowed: ValueSets) -> Iterator[Finding]:
    """Yield what is wrong with a code: no value set has it, or not even its system (ITI TF-3: 4.2.3.1.2)."""
    shown = f"{code.value}^^{code.scheme}"
    here = allowed.get(code.attribute)
    if here is not None and shown not in here:
        some = ", ".join(sorted(here)[:5])
        fix = f"Choose a {code.attribute} of the affinity domain."
        yield error(code.node, "a code is of the affinity domain's value set", _SECTION, shown, some, fix)
    if code.scheme and not is_oid(code.scheme):
        place = next(iter(select(code.node, "rim:Slot[@name='codingScheme']")), code.node)
        yield warning(place, "a coding scheme is an OID where it has one", _SECTION, code.scheme, "an OID")
    if expected := _of_system(code):
        fix = "Copy the code from its code system; one of its characters is not right."
        yield warning(code.node, "a code is one of its code system", _SECTION, shown, expected, fix)


def _of_system(code: Code) -> str:
    match code.scheme:
        case s if s == _LOINC and not _is_loinc(code.value):
            return "a LOINC code, whose last digit checks the others"
        case s if s == _SNOMED and not _is_snomed(code.value):
            return "a SNOMED CT identifier, whose last digit checks the others"
        case s if s == _CONFIDENTIALITY and code.value not in _CONFIDENTIALITY_CODES:
            return "one of U, L, M, N, R, V"
        case s if s == _IHE_FORMATS and not code.value.startswith("urn:"):
            return "a format code of IHE, which is a URN"
    return ""


def _is_loinc(value: str) -> bool:
    """The check digit of LOINC: mod 10 after Luhn."""
    found = re.fullmatch(r"(\d{1,7})-(\d)", value)
    if not found:
        return False
    total = 0
    for place, digit in enumerate(reversed(found[1])):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number // 10 + number % 10
    return (10 - total % 10) % 10 == int(found[2])


# Verhoeff's permutation of digits by place.
_PERMUTED = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _is_snomed(value: str) -> bool:
    """The check digit of SNOMED CT identifiers: Verhoeff."""
    if not re.fullmatch(r"[1-9]\d{5,17}", value):
        return False
    check = 0
    for place, digit in enumerate(reversed(value)):
        number = int(digit)
        for _ in range(place % 8):
            number = _PERMUTED[number]
        check = _times(check, number)
    return check == 0


def _times(a: int, b: int) -> int:
    """The product in the dihedral group of order 10."""
    turned = a + b if a < 5 else a - b
    return turned % 5 + (5 if (a < 5) != (b < 5) else 0)
