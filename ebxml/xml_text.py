"""Text as it may stand in XML written by hand (XML 1.0: 2.2, 2.4, 3.3.3)."""

import re


def escaped(text: str) -> str:
    """Text fit for an attribute or an element, from which a parser reads the very same text."""
    return _SPECIAL.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    # XML 1.0 has no way to write the rest, not even as a reference; they come from no XML either.
    return _REFERENCES.get(found[0], "\ufffd")


# A parser turns white space in attributes into spaces unless it is written as a reference.
_REFERENCES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}
_SPECIAL = re.compile('[&<>"\x00-\x1f\ud800-\udfff\ufffe\uffff]')
