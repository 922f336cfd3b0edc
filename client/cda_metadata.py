"""What a clinical document says of itself, as metadata of the domain (PCC TF-2: 4.1.1)."""

from cda.header import Header, HeaderCode
from client.codes import CodeBook
from client.metadata import Metadata
from ebxml.model import Author, Code, LocalizedString
from hl7v2.datatypes import CX, errors_in_identifier, errors_in_language_code
from ihe.bppc import FORMATS_SCHEME


def metadata_of(header: Header, codes: CodeBook, assigning_authority: str) -> Metadata:
    """Take from the header what the domain can hold; codes it does not know are left for others to say."""
    formats = (HeaderCode(code, FORMATS_SCHEME) for code in header.format_codes)
    confidentiality = tuple(
        filter(None, (_code("confidentialityCode", one, codes) for one in header.confidentiality_code))
    )
    return Metadata(
        title=header.title or None,
        type_code=_code("typeCode", header.type_code, codes),
        format_code=next(filter(None, (_code("formatCode", one, codes) for one in formats)), None),
        confidentiality_code=confidentiality or None,
        healthcare_facility_type_code=_code(
            "healthcareFacilityTypeCode", header.healthcare_facility_type_code, codes
        ),
        language_code=None if any(errors_in_language_code(header.language_code)) else header.language_code,
        author=tuple(
            Author(one.person, one.institution, one.role, (), one.telecommunication) for one in header.author
        )
        or None,
        legal_authenticator=header.legal_authenticator,
        creation_time=header.creation_time,
        event_code_list=tuple(
            filter(None, (_code("eventCodeList", one, codes) for one in header.event_code_list))
        )
        or None,
        service_start_time=header.service_start_time,
        service_stop_time=header.service_stop_time,
        unique_id=None if any(errors_in_identifier(header.unique_id)) else header.unique_id,
        patient_id=_of_authority(header, assigning_authority),
    )


def other_patient(header: Header, patient_id: CX) -> CX | None:
    """The patient the document is about, if the same authority calls them otherwise than `patient_id`."""
    same = [one for one in header.patient_ids if one.assigning_authority == patient_id.assigning_authority]
    return same[0] if same and patient_id.id not in [one.id for one in same] else None


def _of_authority(header: Header, assigning_authority: str) -> CX | None:
    return next((one for one in header.patient_ids if one.assigning_authority == assigning_authority), None)


def _code(attribute: str, code: HeaderCode | None, codes: CodeBook) -> Code | None:
    known = code and codes.known(attribute, code.code, code.scheme)
    if not code or not known:
        return None
    # A domain without a list has no name for it; the document may have one.
    if known.display_name[0].value == code.code and code.display_name:
        return Code(code.code, code.scheme, (LocalizedString(code.display_name),))
    return known
