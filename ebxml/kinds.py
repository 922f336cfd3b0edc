"""The four kinds of object, and their rows of `ihe.attributes` by carrier (ITI TF-3: 4.2.1, 4.2.3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ebxml.model import Association, DocumentEntry, Folder, RegistryObject, SubmissionSet
from hl7v2.datatypes import CX, DTM, XCN
from hl7v2.er7 import SHOWN_CHARACTERS
from ihe import attributes as rows
from ihe import object_types
from ihe.attributes import Attribute, Classification, Datatype, ExternalIdentifier, Slot, XmlAttribute


@dataclass(frozen=True, slots=True, eq=False)
class ObjectKind:
    """One kind of object: its class, its element, and its rows by Slot name, scheme or attribute name."""

    name: str
    element: str
    make: Callable[..., RegistryObject]
    rows: tuple[Attribute, ...]
    xml_attributes: Mapping[str, Attribute]
    slots: Mapping[str, Attribute]
    classifications: Mapping[str, Attribute]
    identifiers: Mapping[str, tuple[Attribute, str]]
    """Here each row has its fixed rim:Name beside it."""
    limited_metadata_node: str
    object_type: str
    """What objectType says of every object of the kind; "" where it is an attribute of its own."""


def kind_of(obj: RegistryObject) -> ObjectKind:
    """Say what kind of object this is."""
    return _KIND_OF[type(obj)]


def named(kind: ObjectKind, entry_uuid: str) -> str:
    """Name an object to its sender, by kind and by the id it was given."""
    return f"{kind.name} {cut(entry_uuid)}"


def cut(entry_uuid: str) -> str:
    """An id as far as an error repeats it: a sender may have written anything there."""
    return entry_uuid if len(entry_uuid) <= SHOWN_CHARACTERS else entry_uuid[:SHOWN_CHARACTERS] + "..."


def _kind(
    name: str,
    element: str,
    make: Callable[..., RegistryObject],
    table: tuple[Attribute, ...],
    object_type: str = "",
) -> ObjectKind:
    return ObjectKind(
        name,
        element,
        make,
        table,
        xml_attributes={row.carrier.name: row for row in table if isinstance(row.carrier, XmlAttribute)},
        slots=slots_of(table),
        classifications={row.carrier.scheme: row for row in table if isinstance(row.carrier, Classification)},
        identifiers={
            row.carrier.scheme: (row, row.carrier.name)
            for row in table
            if isinstance(row.carrier, ExternalIdentifier)
        },
        limited_metadata_node=object_types.LIMITED_METADATA_NODES.get(name, ""),
        object_type=object_type,
    )


def slots_of(table: tuple[Attribute, ...]) -> Mapping[str, Attribute]:
    """Those rows that a Slot carries, by its name."""
    return {row.carrier.name: row for row in table if isinstance(row.carrier, Slot)}


DOCUMENT_ENTRY = _kind("DocumentEntry", "ExtrinsicObject", DocumentEntry, rows.DOCUMENT_ENTRY)
SUBMISSION_SET = _kind(
    "SubmissionSet", "RegistryPackage", SubmissionSet, rows.SUBMISSION_SET, object_types.REGISTRY_PACKAGE
)
FOLDER = _kind("Folder", "RegistryPackage", Folder, rows.FOLDER, object_types.REGISTRY_PACKAGE)
ASSOCIATION = _kind("Association", "Association", Association, rows.ASSOCIATION, object_types.ASSOCIATION)
KINDS = (DOCUMENT_ENTRY, SUBMISSION_SET, FOLDER, ASSOCIATION)

AUTHOR_SLOTS = slots_of(rows.AUTHOR_PARTS)

# The model's own classes of text; every other datatype stands there as plain text.
TEXT_CLASSES: Mapping[Datatype, Callable[[str], str]] = {
    Datatype.CX: CX,
    Datatype.DTM: DTM,
    Datatype.XCN: XCN,
}

_KIND_OF: Mapping[type, ObjectKind] = {
    DocumentEntry: DOCUMENT_ENTRY,
    SubmissionSet: SUBMISSION_SET,
    Folder: FOLDER,
    Association: ASSOCIATION,
}
