"""People and organizations as one writes them, as XCN and XON (ITI TF-3: Table 4.2.3.1.7-2)."""

from client.errors import BadMetadata
from hl7v2.datatypes import XCN, XON, errors_in_xcn, errors_in_xon
from hl7v2.er7 import escaped

# Written before a name and no part of it.
TITLES = frozenset(
    {"dr", "dr.", "prof", "prof.", "pr", "pr.", "mr", "mr.", "mme", "mme.", "m.", "mrs", "mrs."}
)


def person_of(text: str) -> XCN:
    """`Anne Muller`, `Dr Anne Muller`, `Muller, Anne`, or an XCN as it stands on the wire."""
    if "^" not in text:
        text = "^".join(_components(text)).rstrip("^")
    for error in errors_in_xcn(text):
        raise BadMetadata(f"author: {error}")
    return XCN(text)


def organization_of(text: str) -> XON:
    """A name, or an XON as it stands on the wire."""
    organization = XON(text if "^" in text else escaped(text.strip()))
    for error in errors_in_xon(organization):
        raise BadMetadata(f"institution: {error}")
    return organization


def name_of(person: XCN) -> str:
    """The name for a person to read."""
    names = (person.prefix, person.given, person.family, person.suffix)
    return " ".join(filter(None, names)) or person.id


def patterns_of(text: str) -> tuple[str, ...]:
    """What to look for in authorPerson: the text anywhere, unless it has wildcards of its own.

    Registries tell upper from lower case (ITI TF-2: Appendix F); people who search do not.
    """
    if "%" in text or "_" in text:
        return (text,)
    return tuple(dict.fromkeys(f"%{one}%" for one in (text, text.title(), text.upper())))


def _components(text: str) -> tuple[str, ...]:
    """XCN.1 to XCN.6."""
    words = text.split()
    titles = []
    while len(words) > 1 and words[0].lower() in TITLES:
        titles.append(words.pop(0))
    family, comma, given = " ".join(words).partition(",")
    if not comma:
        given, _, family = family.rpartition(" ")
    return ("", *(escaped(part.strip()) for part in (family, given, "", "", " ".join(titles))))
