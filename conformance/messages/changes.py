"""What a plan makes wrong in a message that was right: where, by attribute or XPath, and what there."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from lxml import etree

from conformance.messages.objects import TABLES
from conformance.plan import BadPlan
from conformance.xml import PREFIXES, select
from ihe.attributes import (
    Attribute,
    Classification,
    DescriptionElement,
    ExternalIdentifier,
    NameElement,
    Slot,
    VersionInfo,
    XmlAttribute,
)

_OBJECTS = {
    "DocumentEntry": "//rim:ExtrinsicObject",
    "SubmissionSet": "//rim:RegistryPackage[rim:Classification[@classificationNode="
    "'urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd']]",
    "Folder": "//rim:RegistryPackage[rim:Classification[@classificationNode="
    "'urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2']]",
    "Association": "//rim:Association",
}


def change(plan: str, root: etree._Element, changes: list[Mapping[str, Any]]) -> None:
    """Do each change in turn; BadPlan where there is nothing to change."""
    for one in changes:
        (what, at), *rest = one.items()
        if what not in _DOINGS:
            raise BadPlan(f"{plan}: {what!r} is no change")
        found = select(root, path_of(plan, str(at)))
        if not found:
            raise BadPlan(f"{plan}: there is nothing at {at} to {what}")
        for node in found:
            _DOINGS[what](node, dict(rest))


def path_of(plan: str, at: str) -> str:
    """The XPath of a place: one already, or Object.attribute/path as the Framework has it."""
    if at.startswith(("/", "(")):
        return at
    at, below, inside = at.partition("/")
    kind, _, name = at.partition(".")
    if kind not in TABLES:
        raise BadPlan(f"{plan}: {at!r} is no place in a message")
    row = next((row for row in TABLES[kind] if row.name == name), None)
    if name and row is None:
        raise BadPlan(f"{plan}: a {kind} has no attribute {name}")
    return _OBJECTS[kind] + (_carrier(row) if row else "") + below + inside


def _carrier(row: Attribute) -> str:
    match row.carrier:
        case Slot(name):
            return f"/rim:Slot[@name='{name}']"
        case Classification(scheme):
            return f"/rim:Classification[@classificationScheme='{scheme}']"
        case ExternalIdentifier(scheme):
            return f"/rim:ExternalIdentifier[@identificationScheme='{scheme}']"
        case NameElement():
            return "/rim:Name"
        case DescriptionElement():
            return "/rim:Description"
        case VersionInfo():
            return "/rim:VersionInfo"
        case XmlAttribute():
            return ""
    raise AssertionError(row)


def _remove(node: etree._Element, said: Mapping[str, Any]) -> None:
    parent = node.getparent()
    if parent is not None:
        parent.remove(node)


def _repeat(node: etree._Element, said: Mapping[str, Any]) -> None:
    twin = deepcopy(node)
    if "id" in twin.attrib:
        twin.set("id", said.get("id", f"{twin.get('id')}-again"))
    node.addnext(twin)


def _value(node: etree._Element, said: Mapping[str, Any]) -> None:
    """The value that the carrier holds, whatever carrier it is."""
    to = said["to"]
    local = etree.QName(node).localname
    if local == "Slot":
        (values,) = select(node, "rim:ValueList")
        for old in list(values):
            values.remove(old)
        for one in to if isinstance(to, list) else [to]:
            etree.SubElement(values, f"{{{PREFIXES['rim']}}}Value").text = str(one)
    elif local == "Classification":
        node.set("nodeRepresentation", str(to))
    elif local == "ExternalIdentifier":
        node.set("value", str(to))
    elif local in ("Name", "Description"):
        for text in select(node, "rim:LocalizedString"):
            text.set("value", str(to))
    else:
        node.text = str(to)


def _set(node: etree._Element, said: Mapping[str, Any]) -> None:
    node.set(str(said["attribute"]), str(said["to"]))


def _unset(node: etree._Element, said: Mapping[str, Any]) -> None:
    if node.attrib.pop(str(said["attribute"]), None) is None:
        raise BadPlan(f"there is no attribute {said['attribute']} to take away")


def _add(node: etree._Element, said: Mapping[str, Any]) -> None:
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items())
    (added,) = etree.fromstring(f"<added {declared}>{said['xml']}</added>")
    node.insert(int(said.get("place", len(node))), added)


def _rename(node: etree._Element, said: Mapping[str, Any]) -> None:
    prefix, _, local = str(said["to"]).rpartition(":")
    node.tag = f"{{{PREFIXES[prefix]}}}{local}" if prefix else local


_DOINGS: Mapping[str, Callable[[etree._Element, Mapping[str, Any]], None]] = {
    "remove": _remove,
    "repeat": _repeat,
    "value": _value,
    "set": _set,
    "unset": _unset,
    "add": _add,
    "rename": _rename,
}
