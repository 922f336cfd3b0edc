"""The published schemas, read as data, and what they refuse in a message."""

import threading
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

from ihe.namespaces import HL7, XOP

# What a person reads before repairing the sender.
MAX_ERRORS = 20

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One thing the schema refuses, in libxml2's words."""

    path: str
    line: int
    reason: str


def errors_of(node: etree._Element) -> tuple[SchemaError, ...]:
    """What a published schema refuses in an element and all below it (XML Schema part 1: 5.2)."""
    # An element apart from its envelope, whose prefixes it keeps.
    alone = etree.fromstring(etree.tostring(node, with_tail=False))
    # The schema knows inline documents; an Include stands for one (XOP 1.0: 4.1).
    for include in list(alone.iter(f"{{{XOP}}}Include")):
        parent = include.getparent()
        if parent is not None:
            parent.remove(include)
    schema = {HL7: "feed.xsd", None: "audit.xsd"}.get(etree.QName(alone).namespace, "xds.xsd")
    # The log of errors belongs to the schema, not to the call.
    with _one_at_a_time:
        rules = _compiled(schema)
        if rules.validate(alone):
            return ()
        return tuple(SchemaError(one.path or "/", one.line, one.message) for one in rules.error_log)[
            :MAX_ERRORS
        ]


def published(name: str) -> Path:
    """Where a schema lies: beside the room that publishes it, none of whose code is run."""
    spec = find_spec("schemas")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(name)
    return Path(spec.submodule_search_locations[0]) / name


@cache
def _compiled(schema: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(published(schema))))
