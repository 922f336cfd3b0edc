"""A schema file as a table of what each component allows, so that two files can be laid side by side."""

from pathlib import Path

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
UNBOUNDED = 1_000_000


def components(file: Path) -> dict[str, object]:
    """Tell of each named type and element, also of elements within types, what it allows."""
    schema = etree.parse(file).getroot()
    target = schema.get("targetNamespace", "")
    found: dict[str, object] = {}
    for one in schema.iter(f"{XS}simpleType", f"{XS}complexType", f"{XS}element"):
        if one.get("name"):
            way = [outer.attrib["name"] for outer in one.iterancestors() if outer.get("name")]
            found["/".join([*reversed(way), one.attrib["name"]])] = _allows(one, target)
    return found


def _allows(one: etree._Element, target: str) -> dict[str, object]:
    return {
        "is": etree.QName(one).localname,
        "type": _name(one, "type"),
        "group": _name(one, "substitutionGroup"),
        "abstract": one.get("abstract", "false"),
        "mixed": one.get("mixed", "false"),
        "derived": [_name(step, "base") for step in _own(one, "extension", "restriction")],
        "facets": sorted(
            (facet.tag, facet.attrib["value"]) for facet in _own(one, "maxLength", "enumeration")
        ),
        "children": _children(one, target),
        "attributes": {
            attribute.get("name") or _name(attribute, "ref"): (
                _name(attribute, "type"),
                attribute.get("use", "optional"),
                attribute.get("default"),
                sorted(value.attrib["value"] for value in attribute.iter(f"{XS}enumeration")),
            )
            for attribute in _own(one, "attribute")
        },
    }


def _own(one: etree._Element, *kinds: str) -> list[etree._Element]:
    """Find what belongs to this component and not to an element or attribute inside it."""
    inner = {f"{XS}element", f"{XS}attribute"}
    return [
        part
        for part in one.iter(*(XS + kind for kind in kinds))
        if not any(outer.tag in inner for outer in part.iterancestors() if one in outer.iterancestors())
    ]


def _children(one: etree._Element, target: str) -> list[tuple[str, int, int]]:
    """List the elements of the content; a sequence around them multiplies how often they may stand."""
    children = []
    for child in _own(one, "element", "any"):
        if child is one:
            continue
        least, most = 1, 1
        for part in (
            child,
            *(outer for outer in child.iterancestors(f"{XS}sequence") if one in outer.iterancestors()),
        ):
            least *= int(part.get("minOccurs", "1"))
            most *= int(part.get("maxOccurs", "1").replace("unbounded", str(UNBOUNDED)))
        name = _name(child, "ref") or f"{{{target}}}{child.get('name')}"
        wildcard = child.get("namespace"), child.get("processContents")
        children.append((str(wildcard) if child.tag == f"{XS}any" else name, least, min(most, UNBOUNDED)))
    return children


def _name(one: etree._Element, attribute: str) -> str | None:
    name = one.get(attribute)
    if name is None:
        return None
    prefix, _, local = name.rpartition(":")
    return f"{{{one.nsmap.get(prefix or None, '')}}}{local}"
