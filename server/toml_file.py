"""TOML read into a model, and everything wrong with it told by file, line and reason."""

import bisect
import difflib
import itertools
import json
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

# A national code set has some thousand rows of 200 bytes; what is larger was not written for us.
MAX_FILE_BYTES = 8 * 2**20

Key = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `line` is 0 where there is none, as in an environment variable."""

    file: str
    line: int
    key: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.reason) if part)


class BadFile(Exception):
    """A file that was refused, with everything that is wrong with it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class TomlFile:
    """The content of a TOML file, with the line of each key."""

    file: str
    content: Mapping[str, Any]
    lines: Mapping[Key, int]

    def problem(self, key: Key, reason: str) -> Problem:
        """The reason, at the line of the key or of the table it should stand in."""
        known = next((key[:n] for n in range(len(key), 0, -1) if key[:n] in self.lines), ())
        return Problem(self.file, self.lines.get(known, 0), written(key), reason)


def read_file(path: Path) -> bytes:
    """The bytes of a file of ours, or BadFile."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadFile(Problem(str(path), 0, "", f"cannot be read: {error.strerror}")) from None
    if len(content) > MAX_FILE_BYTES:
        raise BadFile(Problem(str(path), 0, "", f"is too large, expected at most {MAX_FILE_BYTES} bytes"))
    return content


def read_toml(content: bytes, file: str) -> TomlFile:
    """Read a TOML file, or raise BadFile with the line at which it ceases to be one."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadFile(Problem(file, line, "", f"byte {error.start} is not UTF-8")) from None
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(_syntax_problem(str(error), text, file)) from None
    return TomlFile(file, read, _Lines(text.replace("\r\n", "\n")).found)


def validated(model: type[M], content: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> M:
    """The content as the model: text stays text and a number a number, as TOML tells them apart."""
    return model.model_validate_json(json.dumps(content, default=str), strict=True, context=context)


def reasons(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Key, str]]:
    """Each error's key and what to say of it."""
    for details in error.errors():
        # Pydantic marks an error in a table's key so; the key before it says which.
        key = tuple(part for part in details["loc"] if part != "[key]")
        yield key, _reason(details, model, key)


def written(key: Key) -> str:
    """The key as one would speak of it: domain.tolerate[1]."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".")


def near(name: str, known: Sequence[str], what: str) -> str:
    """What to say of an unknown name: the known one that was meant, or all of them."""
    for meant in difflib.get_close_matches(name, known, n=1):
        return f"unknown {what}, did you mean {meant}?"
    return f"unknown {what}, expected one of {', '.join(known)}"


def _reason(details: ErrorDetails, model: type[BaseModel], key: Key) -> str:
    found = json.dumps(details["input"], ensure_ascii=False, default=str)
    limits = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return near(str(key[-1]), _known_keys(model, key[:-1]), "key")
        case "value_error":
            return str(limits["error"])
        case "greater_than_equal":
            return f"expected at least {limits['ge']}, found {found}"
        case "less_than_equal":
            return f"expected at most {limits['le']}, found {found}"
        case "string_too_short":
            return "expected some text, found none"
        case "enum":
            return f"expected {limits['expected']}, found {found}"
        case "int_type" | "int_from_float" | "int_parsing":
            return f"expected a whole number, found {found}"
        case "string_type" | "path_type":
            return f"expected text in quotes, found {found}"
        case "tuple_type" | "list_type":
            return f"expected a list in brackets, found {found}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"expected a table, found {found}"
        case _:
            return f"{details['msg']}, found {found}"


def _known_keys(model: type[BaseModel], path: Key) -> list[str]:
    annotation: Any = model
    for part in path:
        if isinstance(part, int):
            annotation = typing.get_args(annotation)[0]
        elif typing.get_origin(annotation) is dict:
            annotation = typing.get_args(annotation)[1]
        else:
            fields = annotation.model_fields
            annotation = next(f.annotation for name, f in fields.items() if part in (name, f.alias))
            if isinstance(annotation, types.UnionType):
                # A table that may be absent is known by its own keys.
                annotation = next(one for one in typing.get_args(annotation) if one is not type(None))
    return [field.alias or name for name, field in annotation.model_fields.items()]


def _syntax_problem(message: str, text: str, file: str) -> Problem:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", message, re.DOTALL)
    reason, line = (found[1], found[2]) if found else (message, None)
    return Problem(file, int(line) if line else text.count("\n") + 1, "", f"not TOML: {reason}")


class _Lines:
    """Finds on which line each key of a well-formed TOML text stands; tomllib does not tell."""

    def __init__(self, text: str) -> None:
        self.found: dict[Key, int] = {}
        self._text = text
        self._at = 0
        self._line_ends = [end.start() for end in re.finditer("\n", text)]
        self._sizes: dict[Key, int] = {}
        table: Key = ()
        while self._skip() < len(text):
            if self._take("[["):
                array = self._resolved(self._names())
                self._sizes[array] = self._sizes.get(array, 0) + 1
                table = (*array, self._sizes[array] - 1)
                self._note(table)
                self._take("]]")
            elif self._take("["):
                table = self._resolved(self._names())
                self._note(table)
                self._take("]")
            else:
                self._pair(table)

    def _resolved(self, names: Key) -> Key:
        """The header's names with the number of the table of tables each one lies in."""
        key: Key = ()
        for position, name in enumerate(names):
            key = (*key, name)
            if position < len(names) - 1 and key in self._sizes:
                key = (*key, self._sizes[key] - 1)
        return key

    def _pair(self, table: Key) -> None:
        key = (*table, *self._names())
        self._note(key)
        self._take("=")
        self._value(key)

    def _value(self, key: Key) -> None:
        self._skip()
        if self._take("["):
            for number in itertools.count():
                self._skip()
                if self._take("]"):
                    return
                self._note((*key, number))
                self._value((*key, number))
                self._take(",")
        elif self._take("{"):
            while not self._take("}"):
                self._pair(key)
                self._take(",")
        elif scalar := _SCALAR.match(self._text, self._at):
            self._at = scalar.end()

    def _names(self) -> Key:
        names = []
        self._skip()
        while name := _NAME.match(self._text, self._at):
            names.append(name[0].strip("\"'"))
            self._at = name.end()
            if not self._take("."):
                break
            self._skip()
        return tuple(names)

    def _note(self, key: Key) -> None:
        line = bisect.bisect_left(self._line_ends, self._at) + 1
        for length in range(1, len(key) + 1):
            self.found.setdefault(key[:length], line)

    def _take(self, token: str) -> bool:
        self._skip()
        if self._text.startswith(token, self._at):
            self._at += len(token)
            return True
        return False

    def _skip(self) -> int:
        self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches nothing too
        return self._at


_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_NAME = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_SCALAR = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r"""|"(?:[^"\\]|\\.)*"|'[^']*'|[^,\]}\n#]+""",
    re.DOTALL,
)
