"""A rim:RegistryObjectList to objects, and faults where no object can express it (ITI TF-3: 4.2)."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from lxml import etree

from ebxml.kinds import (
    ASSOCIATION,
    AUTHOR_SLOTS,
    DOCUMENT_ENTRY,
    FOLDER,
    SUBMISSION_SET,
    TEXT_CLASSES,
    ObjectKind,
    named,
)
from ebxml.model import Author, Code, InternationalString, LocalizedString, RegistryObject, Slot
from ebxml.places import place
from ebxml.problem import Problem
from hl7v2.er7 import shown
from ihe.attributes import Attribute, Datatype
from ihe.namespaces import RIM, XML
from ihe.object_types import FOLDER_NODE, SUBMISSION_SET_NODE

# An answer lists fewer (see `check.MAX_ERRORS`); this bounds what a hostile message costs in memory.
MAX_FAULTS = 1_000

_OBJECT_REF = f"{{{RIM}}}ObjectRef"
_EXTRINSIC_OBJECT = f"{{{RIM}}}ExtrinsicObject"
_REGISTRY_PACKAGE = f"{{{RIM}}}RegistryPackage"
_REGISTRY_OBJECT_LIST = f"{{{RIM}}}RegistryObjectList"
_ASSOCIATION = f"{{{RIM}}}Association"
_SLOT = f"{{{RIM}}}Slot"
_VALUE = f"{{{RIM}}}Value"
_NAME = f"{{{RIM}}}Name"
_DESCRIPTION = f"{{{RIM}}}Description"
_LOCALIZED_STRING = f"{{{RIM}}}LocalizedString"
_VERSION_INFO = f"{{{RIM}}}VersionInfo"
_CLASSIFICATION = f"{{{RIM}}}Classification"
_EXTERNAL_IDENTIFIER = f"{{{RIM}}}ExternalIdentifier"
_LANG = f"{{{XML}}}lang"

_LABELS = {SUBMISSION_SET_NODE: SUBMISSION_SET, FOLDER_NODE: FOLDER}


class Faults:
    """What reading found wrong, worded for the sender."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, text: str, section: str, location: str = "RegistryObjectList", attribute: str = "") -> None:
        """Note one fault with its section of ITI TF-3."""
        if len(self.found) < MAX_FAULTS:
            self.found.append(Problem(f"{text} (ITI TF-3: {section})", location, attribute))


def read_objects(registry_object_list: etree._Element, faults: Faults) -> Iterator[RegistryObject]:
    """Yield every object in document order; rim:ObjectRef stands for none (ITI TF-3: 4.2.1)."""
    fresh_ids = _fresh_ids(registry_object_list)
    loose_nodes = _read_loose_classifications(registry_object_list, faults)
    for element in registry_object_list.iterchildren("*"):
        tag = element.tag
        if tag == _EXTRINSIC_OBJECT:
            kind = DOCUMENT_ENTRY
        elif tag == _ASSOCIATION:
            kind = ASSOCIATION
        elif tag == _REGISTRY_PACKAGE:
            kind = _kind_of_package(element, loose_nodes, faults)
        elif tag in (_OBJECT_REF, _CLASSIFICATION):
            continue
        else:
            faults.add(
                f"RegistryObjectList: a rim:{etree.QName(element).localname} stands in it, expected "
                "rim:ExtrinsicObject, rim:RegistryPackage and rim:Association",
                "4.2.1",
            )
            continue
        yield _ObjectReader(kind, element, fresh_ids, faults).read(loose_nodes)


def read_slot(element: etree._Element) -> Slot:
    """A rim:Slot with all its values."""
    return Slot(
        element.get("name", ""),
        tuple([value.text or "" for value in element.iter(_VALUE)]),
        element.get("slotType"),
    )


def _fresh_ids(registry_object_list: etree._Element) -> Iterator[str]:
    """Symbolic ids that nothing in the list has, for objects whose sender gave none."""
    used = None
    for number in count(1):
        if used is None:
            used = {element.get("id") for element in registry_object_list}
        if (fresh := f"unnamed-{number}") not in used:
            yield fresh


def _read_loose_classifications(
    registry_object_list: etree._Element, faults: Faults
) -> Mapping[str, list[str]]:
    """Labels may stand beside their object, by its id; any other Classification stands in it (4.2.1)."""
    nodes: dict[str, list[str]] = {}
    ids: set[str | None] | None = None
    for element in registry_object_list.iterchildren(_CLASSIFICATION):
        if ids is None:
            ids = {sibling.get("id") for sibling in registry_object_list}
        classified, node = element.get("classifiedObject", ""), element.get("classificationNode")
        if node is None:
            faults.add(
                f"RegistryObjectList: the Classification by {shown(element.get('classificationScheme', ''))} "
                f"of {shown(classified)} stands beside its object, expected it inside",
                "4.2.3.1.2",
            )
        elif classified not in ids:
            faults.add(
                f"RegistryObjectList: the Classification as {shown(node)} has the classifiedObject "
                f"{shown(classified)}, expected the id of an object beside it",
                "4.2.1",
            )
        else:
            nodes.setdefault(classified, []).append(node)
    return nodes


def _kind_of_package(
    element: etree._Element, loose_nodes: Mapping[str, list[str]], faults: Faults
) -> ObjectKind:
    """A package is what its one label says; where that is wrong, what its identifiers suggest (4.2.1)."""
    entry_uuid = element.get("id", "")
    labels = {
        node
        for node in (
            *(one.get("classificationNode") for one in element.iterchildren(_CLASSIFICATION)),
            *loose_nodes.get(entry_uuid, ()),
        )
        if node in _LABELS
    }
    if len(labels) == 1:
        return _LABELS[labels.pop()]
    expected = f"{SUBMISSION_SET_NODE} for a SubmissionSet or {FOLDER_NODE} for a Folder"
    seen = "no Classification says" if not labels else "its Classifications disagree"
    faults.add(
        f"RegistryPackage {shown(entry_uuid)}: {seen} what it is, expected the classificationNode {expected}",
        "4.2.1",
    )
    # The other errors of the object, and of those that refer to it, are then still the right ones.
    schemes = {one.get("identificationScheme") for one in element.iterchildren(_EXTERNAL_IDENTIFIER)}
    return FOLDER if schemes & FOLDER.identifiers.keys() else SUBMISSION_SET


class _ObjectReader:
    """Collects the fields of one object, by the rows of its kind."""

    def __init__(
        self, kind: ObjectKind, element: etree._Element, fresh_ids: Iterator[str], faults: Faults
    ) -> None:
        self._kind = kind
        self._element = element
        self._id = element.get("id")
        self._faults = faults
        self._fields: dict[str, Any] = {"entry_uuid": self._id or next(fresh_ids)}
        self._slot_names: set[str] = set()
        self._extra: list[Slot] = []

    def read(self, loose_nodes: Mapping[str, list[str]]) -> RegistryObject:
        fields = self._fields
        for name, row in self._kind.xml_attributes.items():
            value = self._element.get(name)
            if row.field != "entry_uuid" and (value is not None or row.field in _ALWAYS_TEXT):
                fields[row.field] = value or ""
        for node in loose_nodes.get(self._id or "", ()):
            self._take_node(node)
        for child in self._element:
            tag = child.tag
            if tag == _SLOT:
                self._take_slot(child)
            elif tag == _CLASSIFICATION:
                self._take_classification(child)
            elif tag == _EXTERNAL_IDENTIFIER:
                self._take_identifier(child)
            elif tag in (_NAME, _DESCRIPTION):
                field = "title" if tag == _NAME else "comments"
                if field in fields:
                    self._fault(
                        f"{field} has a second rim:{etree.QName(child).localname}, expected one",
                        "4.2.3.1",
                        next(row for row in self._kind.rows if row.field == field),
                    )
                else:
                    fields[field] = _international_string(child)
            elif tag == _VERSION_INFO:
                fields["version"] = child.get("versionName")
            elif tag == _REGISTRY_OBJECT_LIST:
                self._fault(
                    "it has a RegistryObjectList, expected HasMember Associations to its members", "4.2.2.1"
                )
        for field, value in fields.items():
            if type(value) is list:
                fields[field] = tuple(value)
        return self._kind.make(extra=tuple(self._extra), **fields)

    def _take_slot(self, element: etree._Element) -> None:
        slot = read_slot(element)
        row = self._kind.slots.get(slot.name)
        if slot.name in self._slot_names:
            self._fault(
                f"a second Slot has the name {shown(slot.name)}, expected one with all values",
                row.section if row else "4.2.3.1.6",
                row,
            )
        elif row is None:
            self._extra.append(slot)
        elif slot.values:
            self._fields[row.field] = self._values(row.name, row, slot, row)
        self._slot_names.add(slot.name)

    def _values(self, name: str, row: Attribute, slot: Slot, of: Attribute) -> Any:
        """The values of a row's Slot as its field holds them, one or all; `of` is the attribute it is in."""
        make = TEXT_CLASSES.get(row.datatype)
        if row.many:
            return slot.values if make is None else tuple([make(value) for value in slot.values])
        if len(slot.values) > 1:
            problem = f"{name} has a second value {shown(slot.values[1])}, expected one"
            self._fault(problem, row.section, of)
        return slot.values[0] if make is None else make(slot.values[0])

    def _take_classification(self, element: etree._Element) -> None:
        scheme, node = element.get("classificationScheme"), element.get("classificationNode")
        row = self._kind.classifications.get(scheme or "")
        name = row.name if row else "a Classification"
        classified = element.get("classifiedObject", "")
        if self._id is not None and classified != self._id:
            self._fault(
                f"{name} has the classifiedObject {shown(classified)}, "
                "expected the id of the object around it",
                row.section if row else "4.2.3.1.2",
                row,
            )
        if row is None:
            if scheme is None and node is not None:
                self._take_node(node)
            else:
                self._fault(
                    f"a Classification has the classificationScheme {shown(scheme or '')}, "
                    f"expected one that a {self._kind.name} knows",
                    "4.2.5.2",
                )
        elif row.many:
            self._fields.setdefault(row.field, []).append(self._classified(row, element))
        elif row.field in self._fields:
            second = shown(element.get("nodeRepresentation", ""))
            self._fault(f"{row.name} has a second value {second}, expected one", row.section, row)
        else:
            self._fields[row.field] = self._classified(row, element)

    def _take_node(self, node: str) -> None:
        if node == self._kind.limited_metadata_node:
            self._fields["limited_metadata"] = True
        elif node not in _LABELS or self._kind not in _LABELS.values():
            self._fault(
                f"a Classification has the classificationNode {shown(node)}, "
                f"expected one that a {self._kind.name} knows",
                "4.2.5.2",
            )

    def _classified(self, row: Attribute, element: etree._Element) -> Code | Author:
        return self._author(row, element) if row.datatype is Datatype.AUTHOR else self._code(row, element)

    def _code(self, row: Attribute, element: etree._Element) -> Code:
        code = element.get("nodeRepresentation", "")
        schemes: list[str] = []
        display_name: InternationalString = ()
        for child in element:
            if child.tag == _SLOT and child.get("name") == "codingScheme":
                schemes.extend(read_slot(child).values)
            elif child.tag == _NAME:
                display_name = _international_string(child)
        if len(schemes) > 1:
            self._fault(
                f"{row.name} {shown(code)} has a second codingScheme {shown(schemes[1])}, expected one",
                row.section,
                row,
            )
        return Code(code, schemes[0] if schemes else "", display_name)

    def _author(self, row: Attribute, element: etree._Element) -> Author:
        if representation := element.get("nodeRepresentation"):
            self._fault(
                f"{row.name} has the nodeRepresentation {shown(representation)}, expected it empty",
                row.section,
                row,
            )
        parts: dict[str, Any] = {}
        extra: list[Slot] = []
        names: set[str] = set()
        for child in element.iterchildren(_SLOT):
            slot = read_slot(child)
            part = AUTHOR_SLOTS.get(slot.name)
            if slot.name in names:
                self._fault(
                    f"{row.name} has a second Slot of the name {shown(slot.name)}, "
                    "expected one with all values",
                    part.section if part else row.section,
                    row,
                )
            elif part is None:
                extra.append(slot)
            elif slot.values:
                parts[part.field] = self._values(f"{row.name}: {part.name}", part, slot, row)
            names.add(slot.name)
        return Author(extra=tuple(extra), **parts)

    def _take_identifier(self, element: etree._Element) -> None:
        scheme, value = element.get("identificationScheme", ""), element.get("value", "")
        row, expected_name = self._kind.identifiers.get(scheme, (None, ""))
        if row is None:
            self._fault(
                f"an ExternalIdentifier has the identificationScheme {shown(scheme)}, "
                f"expected one that a {self._kind.name} knows",
                "4.2.5.2",
            )
            return
        registry_object = element.get("registryObject", "")
        if self._id is not None and registry_object != self._id:
            self._fault(
                f"{row.name} has the registryObject {shown(registry_object)}, "
                "expected the id of the object around it",
                row.section,
                row,
            )
        names = [one.value for child in element.iterchildren(_NAME) for one in _international_string(child)]
        if expected_name not in names:
            seen = shown(names[0]) if names else "''"
            self._fault(f"{row.name} has the Name {seen}, expected {shown(expected_name)}", row.section, row)
        if row.field in self._fields:
            self._fault(f"{row.name} has a second value {shown(value)}, expected one", row.section, row)
        else:
            make = TEXT_CLASSES.get(row.datatype)
            self._fields[row.field] = value if make is None else make(value)

    def _fault(self, text: str, section: str, row: Attribute | None = None) -> None:
        entry_uuid = self._fields["entry_uuid"]
        location = place(self._kind, entry_uuid, row)
        self._faults.add(
            f"{named(self._kind, entry_uuid)}: {text}", section, location, row.name if row else ""
        )


def _international_string(element: etree._Element) -> InternationalString:
    return tuple(
        [
            LocalizedString(one.get("value", ""), one.get(_LANG), one.get("charset"))
            for one in element.iterchildren(_LOCALIZED_STRING)
        ]
    )


# What an object cannot be without: absent, it is empty, and the checks say so.
_ALWAYS_TEXT = frozenset({"object_type", "association_type", "source_object", "target_object"})
