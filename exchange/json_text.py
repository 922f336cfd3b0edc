"""JSON that nobody vouches for, within limits (RFC 8259; I-JSON, RFC 7493)."""

import json
import re
from typing import NoReturn

# The deepest body we know, a FHIR search by POST or a directive, has four.
MAX_DEPTH = 32
# Numbers of these bodies are counts and levels; Python would take as many digits as there are, slowly.
MAX_DIGITS = 20

_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJson(Exception):
    """What is wrong with the text, in words for the peer; nothing of it is quoted."""


def read_json(content: bytes) -> object:
    """The value, in which each name stands once; raises NotJson."""
    _refuse_depth(content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise NotJson("the body is not UTF-8") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_each_once,
            parse_constant=_no_constant,
            parse_int=_integer,
        )
    except json.JSONDecodeError as problem:
        raise NotJson(
            f"the body is not JSON: {problem.msg} (line {problem.lineno}, column {problem.colno})"
        ) from None
    if _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise NotJson("half a surrogate pair is no character")
    return value


def write_json(value: object) -> bytes:
    """The value as UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _refuse_depth(content: bytes) -> None:
    """Before the parser, which would go as deep as its own stack."""
    depth = 0
    for mark in _TEXT.sub(b"", content):
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise NotJson(f"values are nested more than {MAX_DEPTH} deep")
        elif mark in b"]}":
            depth -= 1


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotJson("a name stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise NotJson("JSON has no NaN and no Infinity")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotJson(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)
