"""Components, subcomponents and escapes of HL7 v2 text (ITI TF-3: 4.2.3.1.7; HL7 v2.5 chapter 2)."""

import re
from collections.abc import Iterator

ESCAPES = {"F": "|", "S": "^", "R": "~", "T": "&", "E": "\\"}

# A value is quoted in an error so that its sender finds it, not so that the log repeats it whole.
SHOWN_CHARACTERS = 100


def component(text: str, number: int) -> str:
    """Component `number`, counted from 1 and unescaped; "" where it is absent (HL7 v2.5: 2.5.3)."""
    return unescaped(raw_component(text, number))


def subcomponent(text: str, number: int, subnumber: int) -> str:
    """One subcomponent, counted from 1 and unescaped; "" where it is absent (HL7 v2.5: 2.5.3)."""
    parts = raw_component(text, number).split("&", subnumber)
    return unescaped(parts[subnumber - 1]) if len(parts) >= subnumber else ""


def raw_component(text: str, number: int) -> str:
    """Component `number` with its escapes and subcomponents as they stand (HL7 v2.5: 2.5.3)."""
    parts = text.split("^", number)
    return parts[number - 1] if len(parts) >= number else ""


def unescaped(text: str) -> str:
    r"""Text with \F\ \S\ \R\ \T\ \E\ replaced by what they stand for (HL7 v2.5: 2.7)."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: ESCAPES[found[1]], text)


def escaped(text: str) -> str:
    r"""Text fit to stand in one subcomponent (HL7 v2.5: 2.7)."""
    return _SEPARATOR.sub(lambda found: f"\\{_LETTERS[found[0]]}\\", text)


def errors_in_escapes(text: str) -> Iterator[str]:
    """Formatting and hexadecimal escapes are not allowed in metadata (ITI TF-3: 4.2.3.1.7)."""
    if "\\" in text and "\\" in _ESCAPE.sub("", text):
        escapes = r"\F\ \S\ \R\ \T\ \E\,"
        yield rf"{shown(text)} has a backslash outside the escapes {escapes} expected \E\ for a literal one"


def shown(text: str) -> str:
    """The value in quotes, cut to what an error needs."""
    return f"'{text}'" if len(text) <= SHOWN_CHARACTERS else f"'{text[:SHOWN_CHARACTERS]}...'"


_ESCAPE = re.compile(r"\\([FSRTE])\\")
_SEPARATOR = re.compile(r"[|^~&\\]")
_LETTERS = {character: letter for letter, character in ESCAPES.items()}
