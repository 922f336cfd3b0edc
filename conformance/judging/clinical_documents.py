"""CDA documents and the privacy policy acknowledgement among them (HL7 CDA R2: 4.2; ITI TF-3: 5.1)."""

from collections.abc import Iterator

from lxml import etree

from conformance.judging.found import error, note
from conformance.results import Finding
from conformance.xml import select, where

_CDA, _BPPC = "HL7 CDA R2: 4.2", "ITI TF-3: 5.1.2"
_TYPE_ID = ("2.16.840.1.113883.1.3", "POCD_HD000040")
_MEDICAL_DOCUMENT = "1.3.6.1.4.1.19376.1.5.3.1.1.1"
_ACKNOWLEDGEMENT, _SCANNED = "1.3.6.1.4.1.19376.1.5.3.1.1.7", "1.3.6.1.4.1.19376.1.5.3.1.1.7.1"
_XDS_SD = "1.3.6.1.4.1.19376.1.2.20"
_CONSENT_EVENT = "1.3.6.1.4.1.19376.1.5.3.1.2.6"
_CODE, _LOINC = "57016-8", "2.16.840.1.113883.6.1"
_HEADER = (
    "id",
    "code",
    "title",
    "effectiveTime",
    "confidentialityCode",
    "languageCode",
    "recordTarget",
    "author",
    "custodian",
    "component",
)


def findings_in_clinical_document(root: etree._Element) -> Iterator[Finding]:
    """Yield what is wrong in a ClinicalDocument; more is asked of an acknowledgement."""
    types = [(one.get("root", ""), one.get("extension", "")) for one in select(root, "hl7:typeId")]
    if types != [_TYPE_ID]:
        yield error(
            root, "a document says that it is CDA", _CDA, str(types or "no typeId"), "{} {}".format(*_TYPE_ID)
        )
    for name in _HEADER:
        if not select(root, f"hl7:{name}"):
            yield error(root, f"a document has its {name}", _CDA, f"no {name}", name)
    if not select(root, "hl7:recordTarget/hl7:patientRole/hl7:id[@root and @extension]"):
        yield error(
            root,
            "the patient has an id with its authority",
            _CDA,
            "no id with root and extension",
            '<id root="OID of the authority" extension="id"/>',
        )
    for one in select(root, "hl7:effectiveTime"):
        if len(one.get("value", "")) >= 14 and not any(sign in one.get("value", "") for sign in "+-"):
            yield note(
                one,
                "a time to the second says its zone",
                f"{_CDA}.1.6",
                one.get("value", ""),
                "20300101120000+0100",
            )
    templates = {one.get("root", "") for one in select(root, "hl7:templateId")}
    if templates & {_ACKNOWLEDGEMENT, _SCANNED}:
        yield from _of_acknowledgement(root, templates)


def _of_acknowledgement(root: etree._Element, templates: set[str]) -> Iterator[Finding]:
    if _MEDICAL_DOCUMENT not in templates:
        yield error(
            root,
            "an acknowledgement is a medical document",
            _BPPC,
            ", ".join(sorted(templates)),
            _MEDICAL_DOCUMENT,
        )
    scanned = _SCANNED in templates
    if scanned and _XDS_SD not in templates:
        yield error(root, "a scan follows XDS-SD", _BPPC, ", ".join(sorted(templates)), _XDS_SD)
    for one in select(root, "hl7:code"):
        if (one.get("code"), one.get("codeSystem")) != (_CODE, _LOINC):
            yield error(
                one,
                "an acknowledgement has its code",
                _BPPC,
                f"{one.get('code')} {one.get('codeSystem')}",
                f"{_CODE} {_LOINC}",
            )
    body = "nonXMLBody" if scanned else "structuredBody"
    if not select(root, f"hl7:component/hl7:{body}"):
        yield error(root, "an acknowledgement has its kind of body", _BPPC, "another body", body)
    for text in select(root, "hl7:component/hl7:nonXMLBody/hl7:text"):
        if text.get("representation") != "B64" or text.get("mediaType") not in (
            "application/pdf",
            "text/plain",
        ):
            yield error(
                text,
                "a scan is PDF or text in base64",
                "ITI TF-3: 5.2.3",
                f"{text.get('mediaType')} {text.get('representation')}",
                "application/pdf B64",
            )
    events = select(root, "hl7:documentationOf/hl7:serviceEvent")
    if not events:
        yield error(
            root, "a policy is acknowledged", _BPPC, "no documentationOf", "a serviceEvent for each policy"
        )
    for event in events:
        yield from _of_event(event)
    lows = {
        one.get("value", "")
        for one in select(root, "hl7:documentationOf/hl7:serviceEvent/hl7:effectiveTime/hl7:low")
    }
    if len(lows) > 1:
        yield error(
            root,
            "all acknowledgements of a document hold equally long",
            _BPPC,
            ", ".join(sorted(lows)),
            "one time",
        )


def _of_event(event: etree._Element) -> Iterator[Finding]:
    if not select(event, f"hl7:templateId[@root='{_CONSENT_EVENT}']"):
        yield error(
            event, "an acknowledgement is of its template", _BPPC, "another templateId", _CONSENT_EVENT
        )
    for one in select(event, "hl7:id"):
        if one.get("extension") is not None or not one.get("root"):
            yield error(one, "an acknowledgement's id is a root alone", _BPPC, where(one), '<id root="OID"/>')
    if not select(event, "hl7:id"):
        yield error(event, "an acknowledgement has an id", _BPPC, "no id", '<id root="OID"/>')
    codes = select(event, "hl7:code")
    if not codes or not codes[0].get("code") or not codes[0].get("codeSystem"):
        yield error(
            event, "the policy is named", _BPPC, "no code with its system", "the policy's id and its domain"
        )
    if not select(event, "hl7:effectiveTime/hl7:low[@value]"):
        yield error(event, "an acknowledgement has a beginning", _BPPC, "no low", '<low value="20300101"/>')
