"""Metadata objects in ebRIM, attribute by attribute from the table of facts (ITI TF-3: 4.2)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml import etree

from ihe.attributes import (
    ASSOCIATION,
    AUTHOR_PARTS,
    DOCUMENT_ENTRY,
    FOLDER,
    SUBMISSION_SET,
    Attribute,
    Classification,
    Datatype,
    DescriptionElement,
    ExternalIdentifier,
    NameElement,
    Slot,
    VersionInfo,
    XmlAttribute,
)
from ihe.namespaces import RIM

# What makes a RegistryPackage a SubmissionSet or a Folder (ITI TF-3: 4.2.1).
SUBMISSION_SET_LABEL = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
FOLDER_LABEL = "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
TABLES: Mapping[str, Sequence[Attribute]] = {
    "DocumentEntry": DOCUMENT_ENTRY,
    "SubmissionSet": SUBMISSION_SET,
    "Folder": FOLDER,
    "Association": ASSOCIATION,
}
_ELEMENTS = {"DocumentEntry": "ExtrinsicObject", "Association": "Association"}
_LABELS = {"SubmissionSet": SUBMISSION_SET_LABEL, "Folder": FOLDER_LABEL}
# The order of the schema (ebRIM 3.0: rim.xsd).
_ORDER = (
    XmlAttribute,
    Slot,
    NameElement,
    DescriptionElement,
    VersionInfo,
    Classification,
    ExternalIdentifier,
)
_AUTHOR_ROWS = {row.name: row for row in AUTHOR_PARTS}


def metadata_object(kind: str, attributes: Mapping[str, Any]) -> etree._Element:
    """Write a DocumentEntry, SubmissionSet, Folder or Association; unknown names become extra metadata."""
    rows = {row.name: row for row in TABLES[kind]}
    node = etree.Element(_rim(_ELEMENTS.get(kind, "RegistryPackage")), nsmap={"rim": RIM})
    id = str(attributes["entryUUID"])
    named = [(rows[name], value) for name, value in attributes.items() if name in rows]
    extra = [(name, value) for name, value in attributes.items() if name not in rows]
    for carrier in _ORDER:
        for row, value in named:
            if isinstance(row.carrier, carrier):
                _add(node, id, row, value)
        if carrier is Slot:
            for name, value in extra:
                node.append(slot(name, value))
        if carrier is Classification and kind in _LABELS:
            node.append(label(id, _LABELS[kind]))
    return node


def slot(name: str, value: str | Iterable[str]) -> etree._Element:
    """Write a rim:Slot."""
    node = etree.Element(_rim("Slot"), name=name)
    values = etree.SubElement(node, _rim("ValueList"))
    for one in [value] if isinstance(value, str) else value:
        etree.SubElement(values, _rim("Value")).text = str(one)
    return node


def label(id: str, classification_node: str) -> etree._Element:
    """Write the Classification that says what a package is."""
    return etree.Element(
        _rim("Classification"),
        id=f"label-{id}",
        classifiedObject=id,
        classificationNode=classification_node,
    )


def code_parts(value: str) -> tuple[str, str, str]:
    """Code, coding scheme and display name of code^^scheme or code^name^scheme."""
    parts = [*value.split("^"), "", ""]
    return parts[0], parts[2], parts[1] or parts[0]


def _add(node: etree._Element, id: str, row: Attribute, value: Any) -> None:
    match row.carrier:
        case XmlAttribute(name):
            node.set(name, str(value))
        case Slot(name):
            node.append(slot(name, value if isinstance(value, list) else str(value)))
        case NameElement():
            node.append(_text("Name", str(value)))
        case DescriptionElement():
            node.append(_text("Description", str(value)))
        case VersionInfo():
            etree.SubElement(node, _rim("VersionInfo"), versionName=str(value))
        case Classification(scheme):
            for number, one in enumerate(value if isinstance(value, list) else [value]):
                node.append(_classification(id, f"{row.name}-{number}", scheme, row.datatype, one))
        case ExternalIdentifier(scheme, name):
            identifier = etree.SubElement(
                node,
                _rim("ExternalIdentifier"),
                id=f"{row.name}-{id}",
                registryObject=id,
                identificationScheme=scheme,
                value=str(value),
            )
            identifier.append(_text("Name", name))


def _classification(id: str, name: str, scheme: str, datatype: Datatype, value: Any) -> etree._Element:
    node = etree.Element(
        _rim("Classification"), id=f"{name}-{id}", classifiedObject=id, classificationScheme=scheme
    )
    if datatype is Datatype.AUTHOR:
        node.set("nodeRepresentation", "")
        for part, said in value.items():
            node.append(slot(_carried(_AUTHOR_ROWS[part]), said))
        return node
    code, coding_scheme, display_name = code_parts(value)
    node.set("nodeRepresentation", code)
    node.append(slot("codingScheme", coding_scheme))
    node.append(_text("Name", display_name))
    return node


def _carried(row: Attribute) -> str:
    return row.carrier.name if isinstance(row.carrier, Slot) else row.name


def _text(element: str, value: str) -> etree._Element:
    node = etree.Element(_rim(element))
    etree.SubElement(node, _rim("LocalizedString"), value=value)
    return node


def _rim(name: str) -> str:
    return f"{{{RIM}}}{name}"
