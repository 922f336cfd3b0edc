"""A finding in a few lines: the same on every screen."""

from conformance.results import Finding

_ROWS = ("where", "section", "seen", "expected", "fix")


def headline(one: Finding) -> str:
    """How severe it is, and which rule it is about."""
    return f"{one.severity.upper()}: {one.rule}"


def rows_of(one: Finding) -> list[str]:
    """Where, by which section, what was seen, what was expected, and what to do."""
    return [f"{name:9} {getattr(one, name)}" for name in _ROWS]
