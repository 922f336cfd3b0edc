"""The codes that a domain agreed on, found by code or by a name people use (ITI TF-3: 4.2.3.1.2)."""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Protocol

from client.errors import BadMetadata
from ebxml.model import Code, LocalizedString

# What may be listed in an error before it is shorter to look into the code set.
MOST_CHOICES = 15
# How alike two words must be for one to be a misspelling of the other; below this, suggestions are funny.
ALIKE = 0.75


class CodeRow(Protocol):
    """One code that one attribute may hold, with its names by language."""

    @property
    def attribute(self) -> str:
        """The attribute of ITI TF-3: 4.2.3, e.g. typeCode."""

    @property
    def code(self) -> str: ...

    @property
    def scheme(self) -> str: ...

    @property
    def display(self) -> Mapping[str, str]: ...


class CodeBook:
    """The rows of a domain; an attribute without rows takes any code."""

    def __init__(self, rows: Iterable[CodeRow] = ()) -> None:
        self._rows: dict[str, list[CodeRow]] = {}
        for row in rows:
            self._rows.setdefault(row.attribute, []).append(row)

    def resolve(self, attribute: str, text: str) -> Code:
        """The code meant: by itself, by a name, by beginnings of a name's words, or as CODE^NAME^SCHEME."""
        if "^" in text:
            return _written_out(attribute, text)
        rows = self._rows.get(attribute, [])
        found = (
            [row for row in rows if row.code == text]
            or [row for row in rows if any(_plain(name) == _plain(text) for name in _names(row))]
            or [row for row in rows if any(_begin_words(text, name) for name in _names(row))]
        )
        if len(found) == 1:
            return _code(found[0], "en")
        if found:
            raise BadMetadata(f"'{text}' can be more than one {attribute}: {_listed(found)}")
        raise BadMetadata(
            f"'{text}' is no {attribute}{self._meant(attribute, text)}; {self.expected(attribute)}"
        )

    def known(self, attribute: str, code: str, scheme: str) -> Code | None:
        """That code, if the attribute may hold it; without a row, the attribute may hold any."""
        if attribute not in self._rows:
            return Code(code, scheme, (LocalizedString(code),))
        row = self._row(attribute, code, scheme)
        return _code(row, "en") if row else None

    def in_language(self, attribute: str, code: Code, language: str) -> Code:
        """The code with its display name in that language, where the domain has given it one."""
        row = self._row(attribute, code.code, code.scheme)
        return _code(row, language.partition("-")[0].lower()) if row else code

    def expected(self, attribute: str) -> str:
        """What may be written for this attribute."""
        if rows := self._rows.get(attribute):
            return f"expected one of: {_listed(rows)}"
        return "expected CODE^DISPLAY NAME^SCHEME, the domain has no list of its own"

    def _row(self, attribute: str, code: str, scheme: str) -> CodeRow | None:
        rows = self._rows.get(attribute, [])
        return next((row for row in rows if (row.code, row.scheme) == (code, scheme)), None)

    def _meant(self, attribute: str, text: str) -> str:
        names = [name for row in self._rows.get(attribute, []) for name in (row.code, *_names(row))]
        by_plain = {_plain(name): name for name in names}
        first_words = {_plain(name).partition(" ")[0]: name for name in names}
        for meant in difflib.get_close_matches(_plain(text), [*by_plain, *first_words], n=1, cutoff=ALIKE):
            return f" (did you mean {by_plain.get(meant) or first_words[meant]}?)"
        return ""


def _code(row: CodeRow, language: str) -> Code:
    if language not in row.display:
        language = "en" if "en" in row.display else next(iter(row.display), "")
    name = row.display.get(language) or row.code
    return Code(row.code, row.scheme, (LocalizedString(name, lang=language or None),))


def _written_out(attribute: str, text: str) -> Code:
    """CODE^DISPLAY NAME^SCHEME, as HL7 v2 writes coded elements; the name may be left out."""
    code, name, scheme = (part.strip() for part in (*text.split("^"), "", "")[:3])
    if not code or not scheme or text.count("^") > 2:
        raise BadMetadata(f"'{text}' is no {attribute}, expected CODE^DISPLAY NAME^SCHEME")
    return Code(code, scheme, (LocalizedString(name or code),))


def _names(row: CodeRow) -> Iterable[str]:
    return row.display.values()


def _listed(rows: Iterable[CodeRow]) -> str:
    names = [f"{_code(row, 'en').display_name[0].value} ({row.code})" for row in rows]
    more = f" and {len(names) - MOST_CHOICES} more" if len(names) > MOST_CHOICES else ""
    return ", ".join(names[:MOST_CHOICES]) + more


def _begin_words(text: str, name: str) -> bool:
    """Whether each word of the text begins a word of the name, so that `lab rep` is Laboratory report."""
    words = _plain(name).split()
    return all(any(word.startswith(part) for word in words) for part in _plain(text).split())


def _plain(text: str) -> str:
    """Lower case, without accents, apostrophes and hyphens."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = (" " if letter in "-'’/,()" else letter for letter in letters if not unicodedata.combining(letter))
    return " ".join("".join(kept).split())
