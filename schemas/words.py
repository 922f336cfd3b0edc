"""What libxml2 says about a fault, told again in words for the people at the other end."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ihe.namespaces import LCM, QUERY, RIM, RMD, RS, XDS, XML

# A value is quoted to be recognised, not to be carried.
MAX_QUOTED_CHARACTERS = 64
MAX_MESSAGE_CHARACTERS = 400

_XSI = "http://www.w3.org/2001/XMLSchema-instance"

_PREFIXES = {
    LCM: "lcm:",
    QUERY: "query:",
    RIM: "rim:",
    RMD: "rmd:",
    RS: "rs:",
    XDS: "xds:",
    XML: "xml:",
    _XSI: "xsi:",
}
_NAME = re.compile(r"\{([^}]*)\}([^\s',)]+)")
_SHAPE = re.compile(r"Element '([^']*)'(?:, attribute '([^']*)')?: (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of libxml2's log, taken apart: names are local names, the message is ours."""

    rule: str
    element: str
    attribute: str | None
    message: str


def read_fault(rule: str, text: str) -> Fault:
    """Take an entry apart (the clause numbers in the rule are those of XML Schema parts 1 and 2)."""
    shape = _SHAPE.match(text)
    if shape is None:
        return Fault(rule, "", None, text[:MAX_MESSAGE_CHARACTERS])
    element, attribute, detail = shape[1], shape[2], shape[3].strip()
    subject = _short(element) + (f"/@{_short(attribute)}" if attribute else "")
    for pattern, words in _WORDS:
        if match := pattern.match(detail):
            message = words(subject, match)
            break
    else:
        message = f"{subject}: {_NAME.sub(_short_match, detail)}"
    if missing := _MISSING_ATTRIBUTE.match(detail):
        attribute = missing[1]
    return Fault(
        rule, _local(element), _local(attribute) if attribute else None, message[:MAX_MESSAGE_CHARACTERS]
    )


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _short(name: str) -> str:
    return _NAME.sub(_short_match, name)


def _short_match(match: re.Match[str]) -> str:
    prefix = _PREFIXES.get(match[1])
    return f"{prefix}{match[2]}" if prefix else f"{match[2]} (of {_cut(match[1])})"


def _cut(value: str) -> str:
    return (
        value
        if len(value) <= MAX_QUOTED_CHARACTERS
        else value[: MAX_QUOTED_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    )


def _choice(match: re.Match[str]) -> str:
    return ", ".join(_short(name) for name in match[1].split(", "))


def _not_complete(subject: str, match: re.Match[str]) -> str:
    return f"{subject} is not complete, next is expected {_choice(match)}"


def _not_here(subject: str, match: re.Match[str]) -> str:
    return f"{subject} does not belong here" + (f", expected is {_choice(match)}" if match[1] else "")


_MISSING_ATTRIBUTE = re.compile(r"The attribute '([^']*)' is required but missing")
_EXPECTED = r"(?: Expected is (?:one of )?\( (.*) \))"
# In the order of how often they are met.
_WORDS: tuple[tuple[re.Pattern[str], Callable[[str, re.Match[str]], str]], ...] = (
    (_MISSING_ATTRIBUTE, lambda subject, match: f"{subject} needs the attribute {_short(match[1])}"),
    (
        re.compile(r"\[facet 'maxLength'\] .*has a length of '(\d+)'; .* length of '(\d+)'", re.DOTALL),
        lambda subject, match: f"{subject} is {match[1]} characters long, at most {match[2]} are allowed",
    ),
    (re.compile(r"Missing child element\(s\)\." + _EXPECTED), _not_complete),
    (re.compile(r"This element is not expected\." + _EXPECTED + "?"), _not_here),
    (
        re.compile(r"The attribute '.*' is not allowed"),
        lambda subject, _match: f"{subject} is not allowed here",
    ),
    (
        re.compile(
            r"\[facet 'enumeration'\] The value '(.*)' is not an element of the set \{(.*)\}", re.DOTALL
        ),
        lambda subject, match: f"{subject} is '{_cut(match[1])}', allowed are {match[2]}",
    ),
    (
        re.compile(r"'(.*)' is not a valid value of the atomic type '([^']*)'", re.DOTALL),
        lambda subject, match: f"{subject} is '{_cut(match[1])}', which is no {_short(match[2])}",
    ),
    (
        re.compile(r"'(.*)' is not a valid value", re.DOTALL),
        lambda subject, match: f"{subject} is '{_cut(match[1])}', which is not allowed",
    ),
    (
        re.compile(r"(?:Character|Element) content is not allowed, because the content type is empty"),
        lambda subject, _match: f"{subject} must be empty",
    ),
    (re.compile(r"Character content"), lambda subject, _match: f"{subject} must not contain text"),
    (re.compile(r"Element content"), lambda subject, _match: f"{subject} must not contain elements"),
    (
        re.compile(r"No matching global declaration"),
        lambda subject, _match: f"{subject} is not the root of any message known here",
    ),
)
