"""How a finding is made: every module of this room says what it found by these three words."""

from lxml import etree

from conformance.results import Finding, Severity
from conformance.xml import where

# More of a value helps nobody to find it.
MAX_SHOWN = 300

Place = str | etree._Element


def error(place: Place, rule: str, section: str, seen: str, expected: str, fix: str = "") -> Finding:
    """Something that a receiver may refuse."""
    return _finding(Severity.ERROR, place, rule, section, seen, expected, fix)


def warning(place: Place, rule: str, section: str, seen: str, expected: str, fix: str = "") -> Finding:
    """Something that works with some receivers and not with others."""
    return _finding(Severity.WARNING, place, rule, section, seen, expected, fix)


def note(place: Place, rule: str, section: str, seen: str, expected: str, fix: str = "") -> Finding:
    """Something worth knowing."""
    return _finding(Severity.NOTE, place, rule, section, seen, expected, fix)


def _finding(
    severity: Severity, place: Place, rule: str, section: str, seen: str, expected: str, fix: str
) -> Finding:
    return Finding(
        severity,
        place if isinstance(place, str) else where(place),
        rule,
        section,
        _short(seen) or "nothing",
        _short(expected),
        fix or f"Write {_short(expected)}.",
    )


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
