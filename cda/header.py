"""The header of a clinical document, as far as metadata are taken from it (CDA R2: 4.2; PCC TF-2: 4.1.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from hl7v2.datatypes import CX, DTM, XCN, XON, XTN, errors_in_dtm, errors_in_oid
from hl7v2.er7 import escaped
from ihe.bppc import (
    ACKNOWLEDGEMENT,
    SCANNED_ACKNOWLEDGEMENT,
    SCANNED_TEMPLATE,
    SERVICE_EVENT_TEMPLATE,
    TEMPLATE,
)
from ihe.namespaces import HL7

ROOT = f"{{{HL7}}}ClinicalDocument"

# Headers name one patient and a handful of authors; what goes on for longer was not written by people.
MOST_PEOPLE = 100
# A consent form has a handful of boxes to tick.
MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class HeaderCode:
    """A coded value of the header: code, codeSystem and displayName (CDA R2: 4.2.1)."""

    code: str
    scheme: str
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class HeaderAuthor:
    """ClinicalDocument/author (ITI TF-3: 4.2.3.1.4; PCC TF-2: 4.1.1)."""

    person: XCN | None
    institution: tuple[XON, ...] = ()
    role: tuple[str, ...] = ()
    telecommunication: tuple[XTN, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Each field names the attribute of ITI TF-3: 4.2.3.2 it stands for; what the header lacks is empty."""

    unique_id: str = ""
    title: str = ""
    type_code: HeaderCode | None = None
    creation_time: DTM | None = None
    language_code: str = ""
    confidentiality_code: tuple[HeaderCode, ...] = ()
    author: tuple[HeaderAuthor, ...] = ()
    legal_authenticator: XCN | None = None
    patient_ids: tuple[CX, ...] = ()
    healthcare_facility_type_code: HeaderCode | None = None
    event_code_list: tuple[HeaderCode, ...] = ()
    """The policies that a consent document acknowledges (ITI TF-3: 5.1.2.1.1.1)."""
    service_start_time: DTM | None = None
    service_stop_time: DTM | None = None
    format_codes: tuple[str, ...] = ()
    """The formatCodes of IHE's own templates that the document claims, the more particular first."""


def read_header(document: etree._Element) -> Header | None:
    """Read the header of a ClinicalDocument; None for every other element."""
    if document.tag != ROOT:
        return None
    start, stop = _service_times(document)
    return Header(
        unique_id=_unique_id(document.find(element_path("id"))),
        title=text_of(document.find(element_path("title"))),
        type_code=code_of(document.find(element_path("code"))),
        creation_time=time_of(document.find(element_path("effectiveTime"))),
        language_code=attribute_of(document.find(element_path("languageCode")), "code"),
        confidentiality_code=tuple(_codes(document, "confidentialityCode")),
        author=tuple(_authors(document)),
        legal_authenticator=_person(document.find(element_path("legalAuthenticator/assignedEntity"))),
        patient_ids=tuple(_patient_ids(document)),
        healthcare_facility_type_code=code_of(document.find(element_path(_FACILITY))),
        event_code_list=tuple(_policies(document)),
        service_start_time=start,
        service_stop_time=stop,
        format_codes=tuple(_format_codes(document)),
    )


# Template ids of document types and the formatCodes that go with them (ITI TF-3: 5.1.2 and 5.2.2; IHE's value
# set of formatCodes). One document may claim several: the particular comes first.
FORMAT_CODE_OF_TEMPLATE = {
    TEMPLATE: ACKNOWLEDGEMENT,
    SCANNED_TEMPLATE: ACKNOWLEDGEMENT,
    "1.3.6.1.4.1.19376.1.2.20": "urn:ihe:iti:xds-sd:pdf:2008",
    "1.3.6.1.4.1.19376.1.3.3": "urn:ihe:lab:xd-lab:2008",
    "1.3.6.1.4.1.19376.1.9.1.1.1": "urn:ihe:pharm:pre:2010",
    "1.3.6.1.4.1.19376.1.9.1.1.3": "urn:ihe:pharm:dis:2010",
    "2.16.840.1.113883.10.22.1.1": "urn:ihe:pcc:ips:2020",
    "1.3.6.1.4.1.19376.1.5.3.1.1.2": "urn:ihe:pcc:xds-ms:2007",
}

_FACILITY = "componentOf/encompassingEncounter/location/healthCareFacility/code"
_TIME = re.compile(r"(\d{4,14})(?:\.\d+)?(?:([+-])(\d{2}):?(\d{2})?)?")
_SPACE = re.compile(r"\s+")


def element_path(path: str) -> str:
    """A path of local names, as lxml looks for it."""
    return "/".join(f"{{{HL7}}}{step}" for step in path.split("/"))


def _unique_id(element: etree._Element | None) -> str:
    """DocumentEntry.uniqueId is root, or root^extension (PCC TF-2: 4.1.1; ITI TF-3: 4.2.3.2.26)."""
    root, extension = attribute_of(element, "root"), attribute_of(element, "extension")
    return f"{root}^{extension}" if root and extension else root


def code_of(element: etree._Element | None) -> HeaderCode | None:
    """A coded value; None where code or codeSystem is missing."""
    code, scheme = attribute_of(element, "code"), attribute_of(element, "codeSystem")
    return HeaderCode(code, scheme, attribute_of(element, "displayName")) if code and scheme else None


def _codes(parent: etree._Element, name: str) -> Iterator[HeaderCode]:
    for element in parent.iterfind(element_path(name)):
        if code := code_of(element):
            yield code


def _patient_ids(document: etree._Element) -> Iterator[CX]:
    """recordTarget/patientRole/id as CX (ITI TF-3: 4.2.3.2.22)."""
    for element in document.findall(element_path("recordTarget/patientRole/id"))[:MOST_PEOPLE]:
        root, extension = attribute_of(element, "root"), attribute_of(element, "extension")
        if extension and not any(errors_in_oid(root)):
            yield CX.of(extension, root)


def _authors(document: etree._Element) -> Iterator[HeaderAuthor]:
    """Each author with what the header says of person and organization (ITI TF-3: 4.2.3.1.4)."""
    for assigned in document.findall(element_path("author/assignedAuthor"))[:MOST_PEOPLE]:
        person = _person(assigned)
        organizations = assigned.findall(element_path("representedOrganization"))[:MOST_PEOPLE]
        institutions = tuple(filter(None, map(_organization, organizations)))
        telecoms = tuple(filter(None, map(_e_mail, assigned.findall(element_path("telecom"))[:MOST_PEOPLE])))
        if person or institutions or telecoms:
            yield HeaderAuthor(person, institutions, tuple(_role(assigned)), telecoms)


def _role(assigned: etree._Element) -> Iterator[str]:
    """authorRole is what the person is to the organization, assignedAuthor/code (ITI TF-3: 4.2.3.1.4.3)."""
    if code := code_of(assigned.find(element_path("code"))):
        yield f"{escaped(code.code)}^^^&{code.scheme}&ISO"


def _person(assigned: etree._Element | None) -> XCN | None:
    """An assigned person as XCN; what is only software has no name (ITI TF-3: Table 4.2.3.1.7-2)."""
    name = None if assigned is None else assigned.find(element_path("assignedPerson/name"))
    if assigned is None or name is None:
        return None
    family = " ".join(_parts(name, "family")) or ("" if len(name) else text_of(name))
    given, *more = (*_parts(name, "given"), "")
    if not family:
        return None
    authority, number = _own_id(assigned)
    components = [
        number, family, given, " ".join(filter(None, more)), " ".join(_parts(name, "suffix")),
        " ".join(_parts(name, "prefix")),
    ]  # fmt: skip
    text = "^".join(map(escaped, components))
    return XCN(f"{text}^^^&{authority}&ISO" if number else text.rstrip("^"))


def _own_id(assigned: etree._Element) -> tuple[str, str]:
    """The first id that a register gave: OID and number, both empty if there is none."""
    for element in assigned.findall(element_path("id"))[:MOST_PEOPLE]:
        root, extension = attribute_of(element, "root"), attribute_of(element, "extension")
        if extension and not any(errors_in_oid(root)):
            return root, extension
    return "", ""


def _organization(element: etree._Element) -> XON | None:
    """An organization as XON, by its register's number or by its own OID (ITI TF-3: Table 4.2.3.1.7-2)."""
    name = escaped(text_of(element.find(element_path("name"))))
    identifier = element.find(element_path("id"))
    root, extension = attribute_of(identifier, "root"), attribute_of(identifier, "extension")
    if not name:
        return None
    if any(errors_in_oid(root)):
        return XON(name)
    return XON(f"{name}^^^^^&{root}&ISO^^^^{escaped(extension)}" if extension else f"{name}^^^^^^^^^{root}")


def _e_mail(element: etree._Element) -> XTN | None:
    """An e-mail address as XTN (ITI TF-3: Table 4.2.3.1.7-2)."""
    scheme, _, address = attribute_of(element, "value").partition(":")
    return XTN(f"^^Internet^{escaped(address)}") if scheme.lower() == "mailto" and address else None


def _policies(document: etree._Element) -> Iterator[HeaderCode]:
    """documentationOf/serviceEvent/code, where a policy is acknowledged (ITI TF-3: 5.1.2.1.1.1)."""
    for event in document.findall(element_path("documentationOf/serviceEvent"))[:MOST_EVENTS]:
        templates = {attribute_of(one, "root") for one in event.iterfind(element_path("templateId"))}
        code = code_of(event.find(element_path("code")))
        if code and SERVICE_EVENT_TEMPLATE in templates:
            yield code


def _service_times(document: etree._Element) -> tuple[DTM | None, DTM | None]:
    """documentationOf/serviceEvent/effectiveTime (ITI TF-3: 4.2.3.2.19 and 20)."""
    interval = document.find(element_path("documentationOf/serviceEvent/effectiveTime"))
    if interval is None:
        return None, None
    at = time_of(interval)
    start, stop = (time_of(interval.find(element_path(name))) for name in ("low", "high"))
    return start or at, stop or at


def _format_codes(document: etree._Element) -> Iterator[str]:
    claimed = {attribute_of(element, "root") for element in document.iterfind(element_path("templateId"))}
    found = [code for template, code in FORMAT_CODE_OF_TEMPLATE.items() if template in claimed]
    scanned_text = document.find(element_path("component/nonXMLBody/text"))
    if attribute_of(scanned_text, "mediaType") == "text/plain":
        found = [code.replace("xds-sd:pdf", "xds-sd:text") for code in found]
    if ACKNOWLEDGEMENT in found and scanned_text is not None:
        found = [SCANNED_ACKNOWLEDGEMENT]
    yield from found


def time_of(element: etree._Element | None) -> DTM | None:
    """A TS as DTM: in UTC, to the second, no more precise than it was (ITI TF-3: Table 4.2.3.1.7-2)."""
    found = _TIME.fullmatch(attribute_of(element, "value"))
    if not found:
        return None
    digits, sign, hours, minutes = found.groups()
    digits = digits[: len(digits) // 2 * 2]
    if any(errors_in_dtm(digits)):
        return None
    if not sign or len(digits) < len("YYYYMMDDhh"):
        return DTM(digits)
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    whole = digits.ljust(14, "0")
    try:
        in_utc = datetime.strptime(whole, "%Y%m%d%H%M%S") - offset
    except (ValueError, OverflowError):
        return None
    return DTM(f"{in_utc:%Y%m%d%H%M%S}"[: len(digits)])


def attribute_of(element: etree._Element | None, name: str) -> str:
    """An attribute, empty where there is none or the element has no value (CDA R2: nullFlavor)."""
    if element is None or element.get("nullFlavor"):
        return ""
    return (element.get(name) or "").strip()


def _parts(name: etree._Element, part: str) -> list[str]:
    return [text for element in name.findall(element_path(part)) if (text := text_of(element))]


def text_of(element: etree._Element | None) -> str:
    """The text of an element and of all in it, in one line."""
    if element is None:
        return ""
    return _SPACE.sub(" ", "".join(map(str, element.itertext()))).strip()
