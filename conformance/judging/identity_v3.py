"""Patient Identity Feed HL7 V3 (ITI TF-2: 3.44.4)."""

from collections.abc import Iterator

from lxml import etree

from conformance.judging.datatypes import is_oid
from conformance.judging.found import error, warning
from conformance.results import Finding
from conformance.xml import select, where

_SECTION = "ITI TF-2: 3.44.4.1.2; Appendix O"
_INTERACTIONS = "2.16.840.1.113883.1.6"
_EVENT = "hl7:controlActProcess/hl7:subject/hl7:registrationEvent"


def findings_in_feed(root: etree._Element) -> Iterator[Finding]:
    """Yield what is wrong in a feed message beyond its schema."""
    name = etree.QName(root).localname
    if root.get("ITSVersion") != "XML_1.0":
        yield error(
            f"{where(root)}/@ITSVersion",
            "the version is XML_1.0",
            _SECTION,
            root.get("ITSVersion", ""),
            "XML_1.0",
        )
    for one in select(root, "hl7:interactionId"):
        if one.get("extension") != name or one.get("root") != _INTERACTIONS:
            yield error(
                one,
                "the interaction is the message's own",
                _SECTION,
                f"{one.get('root')} {one.get('extension')}",
                f"{_INTERACTIONS} {name}",
            )
    expected = {"processingCode": ("P", "T", "D"), "processingModeCode": ("T",), "acceptAckCode": ("AL",)}
    for element, codes in expected.items():
        for one in select(root, f"hl7:{element}"):
            if one.get("code") not in codes:
                yield error(
                    one, f"{element} is one of HL7's", _SECTION, one.get("code", ""), " or ".join(codes)
                )
    for element in ("id", "creationTime", "interactionId", "receiver", "sender"):
        if not select(root, f"hl7:{element}"):
            yield error(root, f"a message has its {element}", _SECTION, f"no {element}", element)
    for one in select(root, "hl7:controlActProcess/hl7:code"):
        if one.get("code") != name.replace("_IN", "_TE"):
            yield warning(
                one,
                "the trigger event is the interaction's",
                _SECTION,
                one.get("code", ""),
                name.replace("_IN", "_TE"),
            )
    yield from _of_patient(root, name)


def _of_patient(root: etree._Element, name: str) -> Iterator[Finding]:
    patients = select(root, f"{_EVENT}/hl7:subject1/hl7:patient")
    if len(patients) != 1:
        yield error(root, "a message is about one patient", _SECTION, f"{len(patients)} patients", "one")
    for patient in patients:
        ids = select(patient, "hl7:id")
        if not ids:
            yield error(patient, "a patient has an id", _SECTION, "no id", '<id root="OID" extension="id"/>')
        for id in ids:
            if not is_oid(id.get("root", "")) or not id.get("extension"):
                yield error(
                    id,
                    "a patient's id is an OID and an extension",
                    _SECTION,
                    f"{id.get('root')} {id.get('extension')}",
                    '<id root="OID" extension="id"/>',
                )
        if not select(patient, "hl7:patientPerson/hl7:name"):
            yield error(patient, "a patient has a name", _SECTION, "no name", "patientPerson/name")
        if name == "PRPA_IN201301UV02" and not select(patient, "hl7:providerOrganization"):
            yield warning(
                patient,
                "the organization that gave the id is named",
                _SECTION,
                "no providerOrganization",
                "providerOrganization with the OID of the id",
            )
    prior = select(
        root, f"{_EVENT}/hl7:replacementOf/hl7:priorRegistration/hl7:subject1/hl7:priorRegisteredRole/hl7:id"
    )
    if name == "PRPA_IN201304UV02" and len(prior) != 1:
        yield error(
            root, "a merge names the one id that ends", "ITI TF-2: 3.44.4.2.2", f"{len(prior)} ids", "one"
        )
    if not select(root, f"{_EVENT}/hl7:custodian/hl7:assignedEntity/hl7:id"):
        yield warning(
            root, "a record has its custodian", _SECTION, "no custodian", "custodian/assignedEntity/id"
        )
