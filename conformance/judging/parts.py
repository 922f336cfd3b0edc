"""What registry objects are made of: ids, Slots, Classifications, identifiers (ITI TF-3: 4.2.3.1)."""

from collections import Counter
from collections.abc import Iterator

from lxml import etree

from conformance.judging.datatypes import is_uuid
from conformance.judging.found import error, note
from conformance.messages.objects import FOLDER_LABEL, SUBMISSION_SET_LABEL, TABLES
from conformance.results import Finding
from conformance.xml import select
from ihe.attributes import (
    AUTHOR_PARTS,
    RESERVED_SLOT_PREFIX,
    Attribute,
    Classification,
    Datatype,
    ExternalIdentifier,
    Slot,
)
from ihe.object_types import LIMITED_METADATA_NODES

# ebRIM's LongName.
MAX_VALUE = 256

_LABELS = {SUBMISSION_SET_LABEL, FOLDER_LABEL}
_LIMITED = set(LIMITED_METADATA_NODES.values())
_AUTHOR_SLOTS = {row.carrier.name: row for row in AUTHOR_PARTS if isinstance(row.carrier, Slot)}


def findings_in_parts(node: etree._Element, kind: str) -> Iterator[Finding]:
    """Yield what is wrong with how an object is put together, whatever its attributes say."""
    yield from _of_id(node)
    yield from _of_slots(node, kind)
    for one in select(node, "rim:Classification"):
        yield from _of_classification(one, node, kind)
    for one in select(node, "rim:ExternalIdentifier"):
        yield from _of_identifier(one, node, kind)


def slot_values(node: etree._Element, name: str) -> list[str]:
    """The values of a Slot."""
    # Compared here: a name may hold what no XPath can quote.
    slots = (one for one in select(node, "rim:Slot") if one.get("name") == name)
    return [one.text or "" for slot in slots for one in select(slot, "rim:ValueList/rim:Value")]


def _of_id(node: etree._Element) -> Iterator[Finding]:
    id = node.get("id", "")
    if id.lower().startswith("urn:uuid:") and not is_uuid(id):
        yield error(
            node,
            "a UUID is written in lower case and whole",
            "ITI TF-3: 4.2.3.1.5",
            id,
            "urn:uuid: and 32 hexadecimal digits in lower case",
            "Write the UUID in lower case, in groups of 8-4-4-4-12.",
        )


def _of_slots(node: etree._Element, kind: str) -> Iterator[Finding]:
    known = {row.carrier.name for row in TABLES[kind] if isinstance(row.carrier, Slot)}
    slots = select(node, "rim:Slot")
    counted = Counter(one.get("name", "") for one in slots)
    for one in slots:
        name = one.get("name", "")
        values = slot_values(one.getparent(), name) if counted[name] == 1 else ["repeated"]  # type: ignore[arg-type]  # a child has a parent
        if counted[name] > 1:
            yield error(
                one,
                "the name of a Slot stands once on an object",
                "ebRIM 3.0, Slot",
                name,
                "one Slot with all values",
                "Put all values into one Slot's ValueList.",
            )
        if name not in known and name.startswith(RESERVED_SLOT_PREFIX):
            yield error(
                one,
                "the name of extra metadata is a URN and none of IHE",
                "ITI TF-3: 4.2.3.1.6",
                name,
                f"one of {', '.join(sorted(known))}",
                "Spell the attribute's name as the table has it.",
            )
        elif name not in known and not name.startswith("urn:"):
            yield error(
                one,
                "the name of extra metadata is a URN and none of IHE",
                "ITI TF-3: 4.2.3.1.6",
                name,
                "an attribute's name, or a URN of your own",
                "Spell the name as the table has it, or make it a URN.",
            )
        elif name not in known:
            yield note(
                one,
                "extra metadata may be dropped by a registry",
                "ITI TF-3: 4.2.3.1.6",
                name,
                "that you can do without it",
                "Rely on it only where the registry says that it keeps it.",
            )
        if not values:
            yield note(
                one,
                "a Slot without a value is as if it were not there",
                "ebRIM 3.0, Slot",
                f"{name} without a value",
                "a value",
                "Leave the Slot out, or give it its value.",
            )


def _of_classification(one: etree._Element, node: etree._Element, kind: str) -> Iterator[Finding]:
    section = "ITI TF-3: 4.2.3.1.2"
    if one.get("classifiedObject") != node.get("id"):
        yield error(
            one,
            "a Classification names the object it stands in",
            section,
            one.get("classifiedObject", ""),
            node.get("id", ""),
        )
    if labelled := one.get("classificationNode"):
        if labelled in _LIMITED:
            yield error(
                one,
                "limited metadata is refused",
                "ITI TF-3: 4.3.1",
                labelled,
                "complete metadata",
                "Leave the mark out, and send all required attributes.",
            )
        elif labelled not in _LABELS:
            yield error(one, "a label is one of the Framework's", section, labelled, " or ".join(_LABELS))
        return
    row = _by_scheme(one.get("classificationScheme", ""), kind)
    if row is None:
        yield error(
            one,
            "a Classification is of a scheme that its object has",
            section,
            one.get("classificationScheme", ""),
            f"a scheme of {kind}",
            "Take the classificationScheme of the attribute from its table.",
        )
    elif row.datatype is Datatype.AUTHOR:
        yield from _of_author(one)
    else:
        yield from _of_code(one, row)


def _of_code(one: etree._Element, row: Attribute) -> Iterator[Finding]:
    rule = "a code has a value, a coding scheme and a display name"
    section = f"ITI TF-3: 4.2.3.1.2, {row.section}"
    if not one.get("nodeRepresentation", "").strip():
        yield error(one, rule, section, "no nodeRepresentation", f"the code of {row.name}")
    schemes = slot_values(one, "codingScheme")
    if len(schemes) != 1 or not schemes[0].strip():
        yield error(one, rule, section, f"codingScheme {schemes or 'nowhere'}", "one codingScheme")
    if not any(name.get("value", "").strip() for name in select(one, "rim:Name/rim:LocalizedString")):
        yield error(one, rule, section, "no Name", f"a Name that shows the {row.name} to people")


def _of_author(one: etree._Element) -> Iterator[Finding]:
    rule, section = "an author is somebody, has one person at most and no code", "ITI TF-3: 4.2.3.1.4"
    if one.get("nodeRepresentation"):
        seen = f"nodeRepresentation {one.get('nodeRepresentation')}"
        yield error(one, rule, section, seen, 'nodeRepresentation=""')
    people = slot_values(one, "authorPerson")
    if len(people) > 1:
        yield error(
            one,
            rule,
            section,
            f"{len(people)} authorPerson",
            "one",
            "Give each person an author of their own.",
        )
    somebody = ("authorPerson", "authorInstitution", "authorTelecommunication")
    if not any(value.strip() for name in somebody for value in slot_values(one, name)):
        yield error(one, rule, section, "none of them", " or ".join(somebody))
    for slot in select(one, "rim:Slot"):
        if slot.get("name", "") not in _AUTHOR_SLOTS:
            yield error(
                slot, "an author has five attributes", section, slot.get("name", ""), ", ".join(_AUTHOR_SLOTS)
            )


def _of_identifier(one: etree._Element, node: etree._Element, kind: str) -> Iterator[Finding]:
    section = "ITI TF-3: 4.2.3.1.3"
    if one.get("registryObject") != node.get("id"):
        seen = one.get("registryObject", "")
        yield error(
            one, "an ExternalIdentifier names the object it stands in", section, seen, node.get("id", "")
        )
    carriers = (row.carrier for row in TABLES[kind])
    schemes = {one.scheme: one.name for one in carriers if isinstance(one, ExternalIdentifier)}
    name = schemes.get(one.get("identificationScheme", ""))
    if name is None:
        yield error(
            one,
            "an ExternalIdentifier is of a scheme that its object has",
            section,
            one.get("identificationScheme", ""),
            ", ".join(schemes),
        )
        return
    names = [found.get("value", "") for found in select(one, "rim:Name/rim:LocalizedString")]
    if name not in names:
        yield error(
            one, "an ExternalIdentifier has its fixed name", section, ", ".join(names) or "no Name", name
        )


def _by_scheme(scheme: str, kind: str) -> Attribute | None:
    rows = (row for row in TABLES[kind] if isinstance(row.carrier, Classification))
    return next((row for row in rows if row.carrier == Classification(scheme)), None)
