"""A message against its schema, with every fault named in plain words and found again in the message."""

from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lxml import etree

from schemas.names import run_where_names_go
from schemas.words import Fault, read_fault

# What a person reads before repairing the sender.
MAX_ERRORS_REPORTED = 50
# Tolerated ones are read past, but not without end: each costs memory and time.
MAX_ERRORS_READ = 10_000
# libxml2 writes down the place of each error by counting siblings: cheap up to here, hours in half a million.
MAX_NODES_AT_ONCE = 10_000
# A larger message is validated in pieces of this size, and left soon after the first errors.
PIECE_BYTES = 65_536

# The rule of the error that ends a report when there were more.
TOO_MANY_ERRORS = "TOO_MANY_ERRORS"

_FOLDER = Path(__file__).parent
# The name a caller knows, and the file that gathers all schemas of that name.
_GATHERED = {"xds": "xds.xsd", "audit": "audit.xsd"}
_SIZE = "count(descendant-or-self::*) + count(descendant-or-self::*/@*)"


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One fault; rule is libxml2's name for the clause of XML Schema that is broken."""

    rule: str
    element: str
    attribute: str | None
    line: int
    path: str
    message: str


# (rule, local name of the element, local name of the attribute): what a domain lets pass.
Tolerated = Collection[tuple[str, str, str | None]]


def errors_in(
    element: etree._Element, schema: str = "xds", tolerated: Tolerated = frozenset()
) -> tuple[SchemaError, ...]:
    """Name what the schema refuses in this message, without changing it (XML Schema part 1 section 5.2)."""
    small = bool(etree.XPath(_SIZE)(element) <= MAX_NODES_AT_ONCE)
    if small:
        with _compiled(schema) as rules:
            if rules.validate(element):
                return ()
    return run_where_names_go(lambda: _errors_met_again(element, schema, tolerated, refused=small))


_idle: dict[str, deque[etree.XMLSchema]] = {name: deque() for name in _GATHERED}


@contextmanager
def _compiled(schema: str) -> Iterator[etree.XMLSchema]:
    """Lend a schema to one user at a time: its log of errors belongs to the schema, not to the call."""
    idle = _idle[schema]
    try:
        rules = idle.pop()
    except IndexError:
        rules = etree.XMLSchema(etree.parse(str(_FOLDER / _GATHERED[schema])))
    try:
        yield rules
    finally:
        idle.append(rules)


def _errors_met_again(
    element: etree._Element, schema: str, tolerated: Tolerated, *, refused: bool
) -> tuple[SchemaError, ...]:
    """Validate the message as a stream, where each error is met at its own tag."""
    text = etree.tostring(element, encoding="UTF-8", xml_declaration=False, with_tail=False)
    with _compiled(schema) as rules:
        clean_bytes = _bytes_before_errors(text, rules)
        if clean_bytes == len(text):
            if refused:
                # Never seen; but a message once refused must not pass because its fault was not met again.
                raise RuntimeError("libxml2 refuses the tree and accepts the stream")
            return ()
        found: list[SchemaError] = []
        for count, (fault, place) in enumerate(_faults(element, text, clean_bytes, rules), start=1):
            if (fault.rule, fault.element, fault.attribute) not in tolerated:
                found.append(_error(fault, place, element))
            if len(found) == MAX_ERRORS_REPORTED or count == MAX_ERRORS_READ:
                found.append(_error(Fault(TOO_MANY_ERRORS, "", None, "reading stopped here"), place, element))
                break
    return tuple(found)


def _stream(rules: etree.XMLSchema) -> etree.XMLParser:
    # huge_tree: the message has passed our own limits, and may hold a text of any length.
    return etree.XMLParser(
        schema=rules, encoding="utf-8", huge_tree=True, resolve_entities=False, no_network=True
    )


def _bytes_before_errors(text: bytes, rules: etree.XMLSchema) -> int:
    """Return where the first piece with an error begins, or the length of the text if there is none."""
    stream = _stream(rules)
    start = 0
    while start < len(text):
        end = _end_of_tag(text, start + PIECE_BYTES)
        if _log_after(stream, text[start:end], ends=end == len(text)):
            break
        start = end
    return start


def _faults(
    element: etree._Element, text: bytes, clean_bytes: int, rules: etree.XMLSchema
) -> Iterator[tuple[Fault, etree._Element]]:
    """Yield each fault with the element whose start or end tag called it forth."""
    stream = _stream(rules)
    stream.feed(text[:clean_bytes])
    walk = etree.iterwalk(element, events=("start", "end"))
    walked, start, known = 0, clean_bytes, 0
    while start < len(text):
        end = _end_of_tag(text, start)
        log = _log_after(stream, text[start:end], ends=end == len(text))
        if len(log) > known:
            # The stream and the tree hold the same tags in the same order; <x/> is both a start and an end.
            tags = text.count(b"<", walked, end) + text.count(b"/>", walked, end)
            _event, place = next(islice(walk, tags - 1, None))
            for entry in islice(log, known, None):
                yield read_fault(entry.type_name, entry.message), place
            walked, known = end, len(log)
        start = end


def _log_after(stream: etree.XMLParser, piece: bytes, *, ends: bool) -> etree._ListErrorLog:
    stream.feed(piece)
    if ends:
        # libxml2 may hold the last tag back until it is told that nothing follows.
        with suppress(etree.XMLSyntaxError):
            stream.close()
    return stream.feed_error_log


def _end_of_tag(text: bytes, after: int) -> int:
    # In what lxml writes, a > stands at the end of a tag and nowhere else.
    return (text.find(b">", after) + 1) or len(text)


def _error(fault: Fault, met_at: etree._Element, root: etree._Element) -> SchemaError:
    # A text that should not be there is met at the next tag, which may be that of a child.
    place, *outer = _from_root(met_at, root)[::-1]
    for candidate in (place, *outer):
        if etree.QName(candidate).localname == fault.element:
            place = candidate
            break
    return SchemaError(
        rule=fault.rule,
        element=fault.element,
        attribute=fault.attribute,
        line=place.sourceline or 0,
        path="".join(_step(one, root) for one in _from_root(place, root)),
        message=fault.message,
    )


def _from_root(place: etree._Element, root: etree._Element) -> list[etree._Element]:
    way = [place]
    while way[-1] is not root and (parent := way[-1].getparent()) is not None:
        way.append(parent)
    return way[::-1]


def _step(one: etree._Element, root: etree._Element) -> str:
    """Write one step of a path such as /SubmitObjectsRequest/RegistryObjectList[1]/ExtrinsicObject[2]."""
    name = etree.QName(one).localname
    if one is root:
        return f"/{name}"
    nth = 1 + sum(1 for _ in one.itersiblings(etree.QName(one), preceding=True))
    return f"/{name}[{nth}]"
