"""A receipt of what a patient decided, as an acknowledgement (ITI TF-3: 5.1.2; CDA R2: 4.2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from hl7v2.datatypes import CX
from ihe.bppc import DOCUMENT_CODE, SERVICE_EVENT_TEMPLATE, TEMPLATE
from ihe.namespaces import HL7

MEDICAL_DOCUMENT_TEMPLATE = "1.3.6.1.4.1.19376.1.5.3.1.1.1"


@dataclass(frozen=True, slots=True)
class Section:
    """What is told, in one language."""

    language: str
    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptDocument:
    """Everything that a receipt says; the `custodian` keeps it, and its software has written it."""

    unique_id: str
    patient_id: CX
    policy: tuple[str, str]
    at: datetime
    confidentiality: tuple[str, str]
    custodian_id: str
    custodian: str
    sections: tuple[Section, ...]
    """In the order in which they are read; the document is in the language of the first."""


def write_receipt(receipt: ReceiptDocument) -> bytes:
    """Write the document; the same receipt is written the same at any time."""
    first = receipt.sections[0]
    time = f"{receipt.at:%Y%m%d%H%M%S}+0000"
    organization = f"<id root={quoteattr(receipt.custodian_id)}/><name>{escape(receipt.custodian)}</name>"
    parts = (
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<ClinicalDocument xmlns="{HL7}">',
        '<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>',
        *(f'<templateId root="{template}"/>' for template in (MEDICAL_DOCUMENT_TEMPLATE, TEMPLATE)),
        f"<id root={quoteattr(receipt.unique_id)}/>",
        _code("code", DOCUMENT_CODE),
        f"<title>{escape(first.title)}</title>",
        f'<effectiveTime value="{time}"/>',
        _code("confidentialityCode", receipt.confidentiality),
        f"<languageCode code={quoteattr(first.language)}/>",
        f"<recordTarget><patientRole>{_patient(receipt.patient_id)}</patientRole></recordTarget>",
        f'<author><time value="{time}"/><assignedAuthor><id root={quoteattr(receipt.custodian_id)}/>',
        "<assignedAuthoringDevice><softwareName>Coffre</softwareName></assignedAuthoringDevice>",
        f"<representedOrganization>{organization}</representedOrganization></assignedAuthor></author>",
        "<custodian><assignedCustodian><representedCustodianOrganization>",
        f"{organization}</representedCustodianOrganization></assignedCustodian></custodian>",
        '<documentationOf typeCode="DOC"><serviceEvent classCode="ACT" moodCode="EVN">',
        f'<templateId root="{SERVICE_EVENT_TEMPLATE}"/><id root={quoteattr(receipt.unique_id + ".1")}/>',
        _code("code", receipt.policy),
        f'<effectiveTime><low value="{time}"/></effectiveTime></serviceEvent></documentationOf>',
        "<component><structuredBody>",
        *map(_section, receipt.sections),
        "</structuredBody></component></ClinicalDocument>\n",
    )
    return "".join(parts).encode()


def _code(name: str, pair: tuple[str, str]) -> str:
    return f"<{name} code={quoteattr(pair[0])} codeSystem={quoteattr(pair[1])}/>"


def _patient(patient_id: CX) -> str:
    root, extension = quoteattr(patient_id.assigning_authority), quoteattr(patient_id.id)
    return f"<id root={root} extension={extension}/>"


def _section(section: Section) -> str:
    return (
        f"<component><section><title>{escape(section.title)}</title>"
        f"<text>{_paragraphs(section.sentences)}</text>"
        f"<languageCode code={quoteattr(section.language)}/></section></component>"
    )


def _paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<paragraph>{escape(sentence)}</paragraph>" for sentence in sentences)
