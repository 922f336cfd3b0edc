"""What usually goes with a type of document, so that the type alone suffices to submit one.

A row holds only where the domain has its codes; options, sidecar and the document's own header go before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from client.codes import CodeBook
from client.metadata import Metadata
from ebxml.model import Code
from ihe.bppc import FORMATS_SCHEME

LOINC = "2.16.840.1.113883.6.1"
SNOMED_CT = "2.16.840.1.113883.6.96"
# ITI's list of class codes, and the confidentiality levels of HL7 (HL7 V3: Confidentiality).
IHE_CLASSES = "1.3.6.1.4.1.19376.1.2.6.1"
CONFIDENTIALITY = "2.16.840.1.113883.5.25"
# ITI TF-3: 4.2.3.2.9; the formatCode of what its MIME type describes well enough.
MIME_TYPE_SUFFICIENT = "urn:ihe:iti:xds:2017:mimeTypeSufficient"
# The language most documents of the shipped domain are in; it is shown as assumed.
LANGUAGE = "fr-LU"


@dataclass(frozen=True, slots=True)
class Usual:
    """classCode, healthcareFacilityTypeCode, practiceSettingCode and contentTypeCode of a type."""

    class_code: str
    facility: str
    practice: str
    content_type: str
    class_scheme: str = IHE_CLASSES


_GENERAL_PRACTICE, _HOSPITAL, _DIAGNOSTIC_INSTITUTION = "264358009", "22232009", "722171005"
_HOME_CARE, _PATIENT_HOME, _HEALTH_AUTHORITY = "66280005", "394778007", "394747008"
_GENERAL_MEDICINE, _INTERNAL_MEDICINE, _LABORATORY = "394802001", "419192003", "708184003"
_RADIOLOGY, _NURSING, _OTHER_SPECIALTY = "394914008", "722165004", "394658006"
_OUTPATIENT, _INPATIENT, _AT_HOME = "34108-1", "34112-3", "34129-7"
_EPISODE, _OWN_DEPOSIT, _PRIVACY = "34133-9", "51855-5", "57016-8"

USUAL: Mapping[str, Usual] = {
    "11502-2": Usual("REPORTS", _DIAGNOSTIC_INSTITUTION, _LABORATORY, _OUTPATIENT),
    "18748-4": Usual("REPORTS", _DIAGNOSTIC_INSTITUTION, _RADIOLOGY, _OUTPATIENT),
    "11488-4": Usual("REPORTS", _GENERAL_PRACTICE, _GENERAL_MEDICINE, _OUTPATIENT),
    "34131-3": Usual("REPORTS", _GENERAL_PRACTICE, _GENERAL_MEDICINE, _OUTPATIENT),
    "57833-6": Usual("PRESCRIPTIONS", _GENERAL_PRACTICE, _GENERAL_MEDICINE, _OUTPATIENT),
    "18842-5": Usual("SUMMARIES", _HOSPITAL, _INTERNAL_MEDICINE, _INPATIENT),
    "34129-7": Usual("REPORTS", _HOME_CARE, _NURSING, _AT_HOME),
    "60591-5": Usual("SUMMARIES", _GENERAL_PRACTICE, _GENERAL_MEDICINE, _EPISODE),
    "51855-5": Usual("PATIENT", _PATIENT_HOME, _OTHER_SPECIALTY, _OWN_DEPOSIT),
    "57016-8": Usual("57016-8", _HEALTH_AUTHORITY, _OTHER_SPECIALTY, _PRIVACY, LOINC),
    "59284-0": Usual("57016-8", _HEALTH_AUTHORITY, _OTHER_SPECIALTY, _PRIVACY, LOINC),
}


def usual_metadata(type_code: Code | None, codes: CodeBook) -> Metadata:
    """What is assumed where nobody says otherwise."""
    row = USUAL.get(type_code.code) if type_code and type_code.scheme == LOINC else None
    normal = codes.known("confidentialityCode", "N", CONFIDENTIALITY)
    assumed = Metadata(
        confidentiality_code=(normal,) if normal else None,
        format_code=codes.known("formatCode", MIME_TYPE_SUFFICIENT, FORMATS_SCHEME),
        language_code=LANGUAGE,
    )
    if not row:
        return assumed
    return Metadata(
        class_code=codes.known("classCode", row.class_code, row.class_scheme),
        healthcare_facility_type_code=codes.known("healthcareFacilityTypeCode", row.facility, SNOMED_CT),
        practice_setting_code=codes.known("practiceSettingCode", row.practice, SNOMED_CT),
        content_type_code=codes.known("contentTypeCode", row.content_type, LOINC),
    ).or_else(assumed)
