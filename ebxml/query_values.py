"""How a stored query spells values: 'text', 20240101, ('a','b') (ITI TF-2: 3.18.4.1.2.3.5)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# ebRIM 3.0 LongName: a rim:Value holds no more, so one list goes on in the next.
VALUE_CHARACTERS = 256


class NotReadable(Exception):
    """A rim:Value that is spelled wrong; the text says how it should be."""


@dataclass(frozen=True, slots=True)
class QueryValue:
    """One value as spelled; `quoted` tells text from a number."""

    text: str
    quoted: bool


def read_query_value(text: str) -> tuple[tuple[QueryValue, ...], bool]:
    """Read one rim:Value: its values, and whether they stand in parentheses.

    White space around values is passed over, and quotation marks do for apostrophes: peers write both,
    and so does one example of the standard.
    """
    text = text.strip()
    listed = text.startswith("(")
    if not listed:
        return tuple(_read_values(text)), False
    if not text.endswith(")"):
        raise NotReadable("is a list without its closing parenthesis")
    inside = text[1:-1].strip()
    return tuple(_read_values(inside)) if inside else (), True


def query_text(text: str) -> str:
    """Spell one text."""
    return "'" + text.replace("'", "''") + "'"


def query_list(texts: Iterable[str]) -> tuple[str, ...]:
    """Spell a list of texts, in as many rim:Values as it takes; together they are one list."""
    values: list[str] = []
    for text in map(query_text, texts):
        if values and len(values[-1]) + len(text) + 3 <= VALUE_CHARACTERS:
            values[-1] += "," + text
        else:
            values.append("(" + text)
    return tuple(value + ")" for value in values)


def _read_values(text: str) -> Iterator[QueryValue]:
    position = 0
    while True:
        found = _VALUE.match(text, position)
        if found is None:
            raise NotReadable(
                "is spelled wrong, expected a number, or text in apostrophes that are doubled within"
            )
        apostrophes, quotation_marks, bare = found.groups()
        if bare is not None:
            yield QueryValue(bare, quoted=False)
        elif apostrophes is not None:
            yield QueryValue(apostrophes.replace("''", "'"), quoted=True)
        else:
            yield QueryValue(quotation_marks.replace('""', '"'), quoted=True)
        position = found.end()
        if position == len(text):
            return
        if text[position] != ",":
            raise NotReadable("has more behind a value, expected a comma or the end")
        position += 1


# Each piece begins with a character that the one before it cannot end in: no text is tried twice.
_VALUE = re.compile(r"""\s*(?:'([^']*(?:''[^']*)*)'|"([^"]*(?:""[^"]*)*)"|([^\s'"(),]+))\s*""")
