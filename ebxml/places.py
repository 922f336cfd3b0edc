"""Where in a message something is wrong, written like an XPath: an error's `location` (ITI TF-3: 4.2.4.2)."""

from ebxml.kinds import ObjectKind, cut, kind_of
from ebxml.model import RegistryObject
from ihe.attributes import (
    Attribute,
    Carrier,
    Classification,
    DescriptionElement,
    ExternalIdentifier,
    NameElement,
    Slot,
    VersionInfo,
    XmlAttribute,
)
from ihe.error_codes import ErrorCode, RegistryError


def place(kind: ObjectKind, entry_uuid: str, row: Attribute | None = None) -> str:
    """The place of an object, by the id that its sender gave it, or of one of its attributes."""
    of_object = f"{kind.element}[@id='{cut(entry_uuid)}']"
    return f"{of_object}/{_step(row.carrier)}" if row else of_object


def place_of(obj: RegistryObject, attribute: str = "") -> str:
    """The place of an object that was read, or of the attribute of this name."""
    kind = kind_of(obj)
    return place(kind, obj.entry_uuid, next((row for row in kind.rows if row.name == attribute), None))


def error_of(code: ErrorCode, obj: RegistryObject, problem: str, attribute: str = "") -> RegistryError:
    """One thing that is wrong with an object, or with its attribute of this name."""
    return code.error(f"{kind_of(obj).name} {cut(obj.entry_uuid)}: {problem}", place_of(obj, attribute))


def _step(carrier: Carrier) -> str:
    match carrier:
        case XmlAttribute(name):
            return f"@{name}"
        case Slot(name):
            return f"Slot[@name='{name}']"
        case Classification(scheme):
            return f"Classification[@classificationScheme='{scheme}']"
        case ExternalIdentifier(scheme):
            return f"ExternalIdentifier[@identificationScheme='{scheme}']"
        case NameElement():
            return "Name"
        case DescriptionElement():
            return "Description"
        case VersionInfo():
            return "VersionInfo"
