"""The metadata attributes of one object, each against its row in the tables (ITI TF-3: 4.2.3, 4.3.1)."""

from collections.abc import Iterator

from lxml import etree

from conformance.judging.codes import Code, ValueSets, findings_in_code
from conformance.judging.datatypes import SPELLINGS, is_oid, is_uuid
from conformance.judging.found import Place, error, note, warning
from conformance.judging.parts import MAX_VALUE, slot_values
from conformance.messages.objects import TABLES
from conformance.results import Finding
from conformance.xml import PREFIXES, select, where
from ihe.attributes import (
    AUTHOR_PARTS,
    Attribute,
    Classification,
    Datatype,
    DescriptionElement,
    ExternalIdentifier,
    NameElement,
    Optionality,
    Slot,
    VersionInfo,
    XmlAttribute,
)
from ihe.object_types import DocumentEntryType

# ITI TF-3: 4.2.3.2.24.
MAX_TITLE = 128
_ONLY_AT_A_REGISTRY = {"availabilityStatus", "logicalID", "version"}
_ITS_OWN = {"entryUUID", "sourceObject", "targetObject", "objectType", "associationType"}


def findings_in_attributes(
    node: etree._Element, kind: str, transaction: str, allowed: ValueSets
) -> Iterator[Finding]:
    """Yield what is missing, too much, or spelled otherwise than its data type."""
    for row in TABLES[kind]:
        found = list(_found(node, row))
        yield from _of_presence(node, kind, row, found, transaction)
        for place, value in found:
            if row.datatype not in (Datatype.CODE, Datatype.AUTHOR):
                yield from _of_value(place, row, value)
        if row.datatype is Datatype.CODE:
            for place, value in found:
                if isinstance(place, etree._Element):
                    scheme = next(iter(slot_values(place, "codingScheme")), "")
                    yield from findings_in_code(Code(row.name, value, scheme, place), allowed)
        if row.datatype is Datatype.AUTHOR:
            for place, _ in found:
                yield from _of_author(place)
    if kind == "DocumentEntry":
        yield from _of_document_entry(node)


def _of_presence(
    node: etree._Element, kind: str, row: Attribute, found: list[tuple[Place, str]], transaction: str
) -> Iterator[Finding]:
    if row.name == "entryUUID":
        # The schema asks for every id already.
        return
    wanted = _optionality(row, transaction)
    section = f"ITI TF-3: {row.section}, Table 4.3.1-3"
    given = [value for _, value in found if value.strip() or row.datatype is Datatype.AUTHOR]
    if wanted is Optionality.R and not given:
        yield error(
            node,
            f"{transaction} requires {row.name} of every {kind}",
            section,
            f"no {row.name}",
            row.name,
            f"Add {_as_carried(row)}.",
        )
    if wanted is Optionality.X and given:
        rule = f"{transaction} has no {row.name} in a {kind}"
        yield error(found[0][0], rule, section, given[0], "none", f"Leave {row.name} out.")
    if wanted is Optionality.R2 and not given:
        rule = f"{row.name} is sent where it is known"
        yield note(
            node, rule, section, f"no {row.name}", row.name, f"Send {row.name} if your software knows it."
        )
    if len(given) > 1 and not row.many and not isinstance(row.carrier, NameElement | DescriptionElement):
        yield error(
            found[1][0],
            "what may stand once stands once",
            section,
            f"{len(given)} {row.name}",
            "one",
            f"Keep one {row.name}.",
        )


def _optionality(row: Attribute, transaction: str) -> Optionality:
    if transaction in ("ITI-57", "ITI-92"):
        # An update has what a registration has, and a registry knows the rest (MU supplement: 3.57.4.1.3.1).
        return row.iti_42
    return {"ITI-41": row.iti_41, "ITI-61": row.iti_61}.get(transaction, row.iti_42)


def _found(node: etree._Element, row: Attribute) -> Iterator[tuple[Place, str]]:
    match row.carrier:
        case XmlAttribute(name):
            if name in node.attrib:
                yield f"{where(node)}/@{name}", node.get(name, "")
        case Slot(name):
            for one in select(node, f"rim:Slot[@name='{name}']/rim:ValueList/rim:Value"):
                yield one, one.text or ""
        case NameElement():
            yield from ((one, one.get("value", "")) for one in select(node, "rim:Name/rim:LocalizedString"))
        case DescriptionElement():
            yield from (
                (one, one.get("value", "")) for one in select(node, "rim:Description/rim:LocalizedString")
            )
        case VersionInfo():
            yield from ((one, one.get("versionName", "")) for one in select(node, "rim:VersionInfo"))
        case Classification(scheme):
            for one in select(node, f"rim:Classification[@classificationScheme='{scheme}']"):
                yield one, one.get("nodeRepresentation", "")
        case ExternalIdentifier(scheme):
            for one in select(node, f"rim:ExternalIdentifier[@identificationScheme='{scheme}']"):
                yield one, one.get("value", "")


def _of_value(place: Place, row: Attribute, value: str) -> Iterator[Finding]:
    if row.name in _ITS_OWN or row.name in _ONLY_AT_A_REGISTRY:
        return
    section = f"ITI TF-3: {row.section}, Table 4.2.3.1.7-2"
    spelling = SPELLINGS.get(row.datatype)
    if spelling and value and not spelling.holds(value):
        yield error(place, f"{row.name} is spelled as {row.datatype}", section, value, spelling.expected)
    if isinstance(row.carrier, Slot) and len(value) > MAX_VALUE:
        seen = f"{len(value)} characters"
        yield error(
            place, "a value has at most 256 characters", "ebRIM 3.0, XML schema", seen, f"{MAX_VALUE} at most"
        )


def _of_author(place: Place) -> Iterator[Finding]:
    if not isinstance(place, etree._Element):
        return
    for row in AUTHOR_PARTS:
        spelling = SPELLINGS[row.datatype]
        for one in select(place, f"rim:Slot[@name='{row.name}']/rim:ValueList/rim:Value"):
            if one.text and not spelling.holds(one.text):
                rule, section = f"{row.name} is spelled as {row.datatype}", f"ITI TF-3: {row.section}"
                yield error(one, rule, section, one.text, spelling.expected)


def _of_document_entry(node: etree._Element) -> Iterator[Finding]:
    if node.get("objectType") not in set(DocumentEntryType):
        yield error(
            f"{where(node)}/@objectType",
            "an objectType is stable or on-demand",
            "ITI TF-3: 4.2.3.2.29",
            node.get("objectType", ""),
            f"{DocumentEntryType.STABLE} or {DocumentEntryType.ON_DEMAND}",
        )
    for field in ("PID-7|", "PID-8|"):
        times = sum(value.startswith(field) for value in slot_values(node, "sourcePatientInfo"))
        if times > 1:
            rule = "a Field that a person has once stands once"
            yield error(node, rule, "ITI TF-3: 4.2.3.2.23", f"{times} times {field}", "once")
    begin, end = (slot_values(node, name) for name in ("serviceStartTime", "serviceStopTime"))
    if begin and end and begin[0].ljust(14, "0") > end[0].ljust(14, "9"):
        rule, seen = "a service does not stop before it starts", f"{begin[0]} to {end[0]}"
        yield error(
            node,
            rule,
            "ITI TF-3: 4.2.3.2.20",
            seen,
            "serviceStartTime <= serviceStopTime",
            "Exchange the two, or correct the wrong one.",
        )
    title = str(node.xpath("string(rim:Name/rim:LocalizedString/@value)", namespaces=PREFIXES))
    if len(title) > MAX_TITLE:
        rule, seen = "a title has at most 128 characters", f"{len(title)} characters"
        yield error(f"{where(node)}/rim:Name", rule, "ITI TF-3: 4.2.3.2.24", seen, f"{MAX_TITLE} at most")
    if node.get("mimeType") == "application/octet-stream":
        rule = "a mimeType tells readers how to show the document"
        yield warning(
            f"{where(node)}/@mimeType",
            rule,
            "ITI TF-3: 4.2.3.2.15",
            "application/octet-stream",
            "the type of the document, such as application/pdf",
        )
    for value in slot_values(node, "documentAvailability"):
        if value not in (
            "urn:ihe:iti:2010:DocumentAvailability:Online",
            "urn:ihe:iti:2010:DocumentAvailability:Offline",
        ):
            rule = "a documentAvailability is Online or Offline"
            yield error(
                node, rule, "ITI TF-3: 4.2.3.2.30", value, "urn:ihe:iti:2010:DocumentAvailability:Online"
            )
    uuid_or_oid = str(
        node.xpath(
            "string(rim:ExternalIdentifier[rim:Name/rim:LocalizedString/@value='XDSDocumentEntry.uniqueId']/@value)",
            namespaces=PREFIXES,
        )
    )
    root = uuid_or_oid.partition("^")[0]
    if root and not (is_oid(root) or is_uuid(root) or ":" in root):
        rule = "a uniqueId is an OID, a UUID or a URI"
        yield warning(node, rule, "ITI TF-3: 4.2.3.2.26", uuid_or_oid, "an OID, with or without ^extension")


def _as_carried(row: Attribute) -> str:
    match row.carrier:
        case XmlAttribute(name):
            return f"the attribute {name}"
        case Slot(name):
            return f'rim:Slot name="{name}" with its value'
        case Classification(scheme):
            return f'rim:Classification classificationScheme="{scheme}"'
        case ExternalIdentifier(scheme, name):
            return f'rim:ExternalIdentifier identificationScheme="{scheme}" with the Name {name}'
        case NameElement():
            return "rim:Name"
        case DescriptionElement():
            return "rim:Description"
        case VersionInfo():
            return "rim:VersionInfo"
