"""What the published schemas refuse, said where it stands and with what to do about it."""

import re
from collections.abc import Iterator

from lxml import etree

from conformance.judging.found import error
from conformance.results import Finding
from conformance.schemas import errors_of
from conformance.xml import PREFIXES, where

_BRACES = re.compile(r"\{([^}]*)\}")
_PREFIX_OF = {namespace: f"{prefix}:" for prefix, namespace in PREFIXES.items()}

# What to do about libxml2's words.
_REMEDIES = {
    "This element is not expected": "Put the elements into the schema's order, and leave out what it does "
    "not know; in an object: Slot, Name, Description, VersionInfo, Classification, ExternalIdentifier.",
    "Missing child element": "Add the element that is missing.",
    "is required but missing": "Add the attribute.",
    "is not allowed": "Leave the attribute out.",
    "exceeds the allowed maximum length": "Shorten the value.",
    "not a valid value": "Write a value of the type.",
    "No matching global declaration": "Send an element that the schema has at this place.",
}


def findings_of_schema(node: etree._Element, section: str = "ebRS 3.0, XML schema") -> Iterator[Finding]:
    """Yield what the schema of an element refuses in it (XML Schema part 1: 5.2)."""
    said = set()
    for one in errors_of(node):
        reason = _BRACES.sub(lambda found: _PREFIX_OF.get(found[1], found[0]), one.reason)
        fix = next((remedy for words, remedy in _REMEDIES.items() if words in reason), "Follow the schema.")
        place = where(_there(node, one.path))
        # libxml2 says twice of a value what its type and what its attribute think of it.
        if (place, fix) in said:
            continue
        said.add((place, fix))
        head, _, expected = reason.partition("Expected is ")
        yield error(
            place,
            "elements stand where the schema has them",
            section,
            head.strip(),
            expected.rstrip(". ") or "what the schema allows",
            fix,
        )


def _there(node: etree._Element, path: str) -> etree._Element:
    """The element at libxml2's path, which begins at the element that was checked."""
    below = "/".join(path.strip("/").split("/")[1:])
    # The path has the prefixes of the message.
    prefixes = {prefix: uri for one in node.iter() for prefix, uri in one.nsmap.items() if prefix}
    try:
        found = node.xpath(below, namespaces=prefixes) if below else []
    except etree.XPathEvalError:
        found = []
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else node
