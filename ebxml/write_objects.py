"""Objects to their ebRIM elements, as text: no tree is built (ITI TF-3: 4.2.1, 4.2.3)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ebxml.kinds import KINDS, ObjectKind, kind_of
from ebxml.model import Author, Code, InternationalString, RegistryObject, Slot
from ebxml.xml_text import escaped
from ihe.attributes import AUTHOR_PARTS, Attribute, Datatype
from ihe.namespaces import RIM
from ihe.object_types import CLASSIFICATION, EXTERNAL_IDENTIFIER, FOLDER_NODE, SUBMISSION_SET_NODE

NAMESPACE = f' xmlns:rim="{RIM}"'

NewId = Callable[[], str]


def fragment(obj: RegistryObject, new_uuid: NewId) -> bytes:
    """Write a registered object as it stands in every answer, but for its status (ITI TF-3: 4.2.5.1).

    Two objects that are equal have the same bytes, given the same UUIDs. limitedMetadata is not written:
    a registry never returns it (ITI TF-3: Table 4.3.2.1-3).
    """
    kind = kind_of(obj)
    attributes = _xml_attributes(obj, kind, without="availability_status")
    return f"<rim:{kind.element}{NAMESPACE}{attributes}{_content(obj, kind, new_uuid, flag=False)}".encode()


def with_status(fragment: bytes, status: str) -> bytes:
    """Put the status into a fragment, as the first attribute of its element."""
    element, space, rest = fragment.partition(b" ")
    return b'%b status="%b"%b%b' % (element, status.encode(), space, rest)


def with_patient_id(fragment: bytes, patient_id: str) -> bytes:
    """A fragment of an object with a patientId as that of another patient (ITI TF-2: 3.8.4.2.3).

    Nothing is parsed: what stands in a fragment is escaped, so the attribute's text is found for certain.
    """
    value = escaped(patient_id).encode()
    moved, found = _PATIENT_ID.subn(lambda held: held[1] + value, fragment)
    if found != 1:
        raise ValueError(f"a fragment holds {found} patient ids, expected one")
    return moved


def with_last_update_time(fragment: bytes, time: str) -> bytes:
    """A Folder's fragment with another lastUpdateTime (ITI TF-3: 4.2.3.4.6); one without any stays so."""
    return _LAST_UPDATE_TIME.sub(lambda held: held[1] + time.encode(), fragment)


def object_text(obj: RegistryObject, new_id: NewId) -> str:
    """Write an object of a request whole, in a place where the prefix rim is declared."""
    kind = kind_of(obj)
    return f"<rim:{kind.element}{_xml_attributes(obj, kind)}{_content(obj, kind, new_id, flag=True)}"


def slot_text(slot: Slot) -> str:
    """Write a Slot as it came."""
    slot_type = "" if slot.slot_type is None else f' slotType="{escaped(slot.slot_type)}"'
    return _slot(f' name="{escaped(slot.name)}"{slot_type}', slot.values)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a kind, by carrier, each with the text that never changes."""

    xml_attributes: tuple[tuple[str, str], ...]
    slots: tuple[tuple[str, str, bool], ...]
    classifications: tuple[tuple[Attribute, str], ...]
    identifiers: tuple[tuple[str, str, str], ...]
    label: str


def _xml_attributes(obj: RegistryObject, kind: ObjectKind, without: str = "") -> str:
    text = f' objectType="{kind.object_type}"' if kind.object_type else ""
    for field, name in _ROWS[kind].xml_attributes:
        value = getattr(obj, field)
        if value is not None and field != without:
            text += f' {name}="{escaped(value)}"'
    return text


def _content(obj: RegistryObject, kind: ObjectKind, new_id: NewId, *, flag: bool) -> str:
    """All from the end of the start tag, in the order of the schema (ebRIM 3.0: rim.xsd)."""
    rows = _ROWS[kind]
    parts = [">"]
    for field, name, many in rows.slots:
        value = getattr(obj, field)
        if value is not None and value != ():
            parts.append(_slot(name, value if many else (value,)))
    parts.extend([slot_text(slot) for slot in obj.extra])
    if obj.title:
        parts.append(_localized("Name", obj.title))
    if obj.comments:
        parts.append(_localized("Description", obj.comments))
    if obj.version is not None:
        parts.append(f'<rim:VersionInfo versionName="{escaped(obj.version)}"/>')
    entry_uuid = escaped(obj.entry_uuid)
    of_object = f'objectType="{CLASSIFICATION}" classifiedObject="{entry_uuid}"'
    if rows.label:
        parts.append(f'<rim:Classification id="{new_id()}" {of_object}{rows.label}')
    if flag and getattr(obj, "limited_metadata", False):
        node = kind.limited_metadata_node
        parts.append(f'<rim:Classification id="{new_id()}" {of_object} classificationNode="{node}"/>')
    for row, scheme in rows.classifications:
        value = getattr(obj, row.field)
        for one in value if row.many else (value,):
            if one is not None:
                described = _author(one) if row.datatype is Datatype.AUTHOR else _code(one)
                parts.append(f'<rim:Classification id="{new_id()}" {of_object}{scheme}{described}')
    for field, scheme, name in rows.identifiers:
        value = getattr(obj, field)
        if value is not None:
            parts.append(
                f'<rim:ExternalIdentifier id="{new_id()}" objectType="{EXTERNAL_IDENTIFIER}" '
                f'registryObject="{entry_uuid}"{scheme} value="{escaped(value)}">{name}'
            )
    parts.append(f"</rim:{kind.element}>")
    return "".join(parts)


def _slot(attributes: str, values: Iterable[str]) -> str:
    text = "</rim:Value><rim:Value>".join([escaped(value) for value in values])
    # No value and one that is empty are two things.
    inside = f"<rim:Value>{text}</rim:Value>" if values else ""
    return f"<rim:Slot{attributes}><rim:ValueList>{inside}</rim:ValueList></rim:Slot>"


def _localized(element: str, texts: InternationalString) -> str:
    strings = "".join(
        [
            "<rim:LocalizedString"
            + ("" if text.lang is None else f' xml:lang="{escaped(text.lang)}"')
            + ("" if text.charset is None else f' charset="{escaped(text.charset)}"')
            + f' value="{escaped(text.value)}"/>'
            for text in texts
        ]
    )
    return f"<rim:{element}>{strings}</rim:{element}>"


def _code(code: Code) -> str:
    scheme = _slot(' name="codingScheme"', (code.scheme,))
    name = _localized("Name", code.display_name) if code.display_name else ""
    return f' nodeRepresentation="{escaped(code.code)}">{scheme}{name}</rim:Classification>'


def _author(author: Author) -> str:
    parts = [' nodeRepresentation="">']
    for field, name, many in _AUTHOR_SLOTS:
        value = getattr(author, field)
        if value is not None and value != ():
            parts.append(_slot(name, value if many else (value,)))
    parts.extend([slot_text(slot) for slot in author.extra])
    parts.append("</rim:Classification>")
    return "".join(parts)


def _slot_rows(slots: Iterable[tuple[str, Attribute]]) -> tuple[tuple[str, str, bool], ...]:
    return tuple((row.field, f' name="{escaped(name)}"', row.many) for name, row in slots)


_LABELS = {"SubmissionSet": SUBMISSION_SET_NODE, "Folder": FOLDER_NODE}
_ROWS = {
    kind: _Rows(
        xml_attributes=tuple((row.field, name) for name, row in kind.xml_attributes.items()),
        slots=_slot_rows(kind.slots.items()),
        classifications=tuple(
            (row, f' classificationScheme="{scheme}"') for scheme, row in kind.classifications.items()
        ),
        identifiers=tuple(
            (
                row.field,
                f' identificationScheme="{scheme}"',
                f'<rim:Name><rim:LocalizedString value="{name}"/></rim:Name></rim:ExternalIdentifier>',
            )
            for scheme, (row, name) in kind.identifiers.items()
        ),
        label=f' classificationNode="{_LABELS[kind.name]}"/>' if kind.name in _LABELS else "",
    )
    for kind in KINDS
}
_PATIENT_ID_SCHEMES = [
    scheme for kind in KINDS for scheme, (row, _) in kind.identifiers.items() if row.name == "patientId"
]
_PATIENT_ID = re.compile(
    rf'( identificationScheme="(?:{"|".join(_PATIENT_ID_SCHEMES)})" value=")[^"]*'.encode()
)
_LAST_UPDATE_TIME = re.compile(rb'(<rim:Slot name="lastUpdateTime"><rim:ValueList><rim:Value>)[^<]*')
_AUTHOR_SLOTS = tuple((row.field, f' name="{row.name}"', row.many) for row in AUTHOR_PARTS)
