"""Small but complete objects and submissions, every value of which a test may replace."""

from collections.abc import Sequence
from itertools import count

from ebxml.model import (
    Association,
    Author,
    Code,
    DocumentEntry,
    Folder,
    LocalizedString,
    Submission,
    SubmissionSet,
)
from hl7v2.datatypes import CX, DTM, XCN

PATIENT = CX("p1^^^&2.999.3&ISO")
OTHER_PATIENT = CX("p2^^^&2.999.3&ISO")
HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
RPLC = "urn:ihe:iti:2007:AssociationType:RPLC"
XFRM = "urn:ihe:iti:2007:AssociationType:XFRM"
APND = "urn:ihe:iti:2007:AssociationType:APND"
XFRM_RPLC = "urn:ihe:iti:2007:AssociationType:XFRM_RPLC"
SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
IS_SNAPSHOT_OF = "urn:ihe:iti:2010:AssociationType:IsSnapshotOf"
STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
ON_DEMAND = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"
APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"

_numbers = count(1)


def code(text: str, scheme: str = "2.999.1") -> Code:
    return Code(text, scheme, (LocalizedString(text.lower()),))


def document_entry(entry_uuid: str = "", **attributes) -> DocumentEntry:
    n = next(_numbers)
    given = {
        "entry_uuid": entry_uuid or f"document{n}",
        "object_type": STABLE,
        "mime_type": "text/plain",
        "author": (Author(person=XCN("1^Smith^John^^^^^^&2.999.4&ISO"), institution=("Hospital",)),),
        "class_code": code("REPORT"),
        "confidentiality_code": (code("N"),),
        "creation_time": DTM("20240102030405"),
        "format_code": code("urn:ihe:iti:xds:2017:mimeTypeSufficient", "1.3.6.1.4.1.19376.1.2.3"),
        "hash": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "healthcare_facility_type_code": code("HOSPITAL"),
        "language_code": "en",
        "patient_id": PATIENT,
        "practice_setting_code": code("GENERAL"),
        "repository_unique_id": "2.999.9",
        "size": "12",
        "source_patient_id": CX("s1^^^&2.999.5&ISO"),
        "title": (LocalizedString(f"Report {n}"),),
        "type_code": code("LETTER"),
        "unique_id": f"2.999.20.{n}",
    }
    return DocumentEntry(**{**given, **attributes})


def submission_set(entry_uuid: str = "", **attributes) -> SubmissionSet:
    n = next(_numbers)
    given = {
        "entry_uuid": entry_uuid or f"set{n}",
        "author": (Author(person=XCN("2^Jones^Ann^^^^^^&2.999.4&ISO")),),
        "content_type_code": code("SUBMISSION"),
        "patient_id": PATIENT,
        "source_id": "2.999.8",
        "submission_time": DTM("20240102030406"),
        "unique_id": f"2.999.21.{n}",
    }
    return SubmissionSet(**{**given, **attributes})


def folder(entry_uuid: str = "", **attributes) -> Folder:
    n = next(_numbers)
    given = {
        "entry_uuid": entry_uuid or f"folder{n}",
        "code_list": (code("EPISODE"),),
        "patient_id": PATIENT,
        "title": (LocalizedString(f"Folder {n}"),),
        "unique_id": f"2.999.22.{n}",
    }
    return Folder(**{**given, **attributes})


def association(association_type: str, source: str, target: str, **attributes) -> Association:
    given = {
        "entry_uuid": f"association{next(_numbers)}",
        "association_type": association_type,
        "source_object": source,
        "target_object": target,
    }
    return Association(**{**given, **attributes})


def submission(
    *entries: DocumentEntry,
    folders: Sequence[Folder] = (),
    associations: Sequence[Association] = (),
    patient_id: CX = PATIENT,
    **attributes,
) -> Submission:
    """A SubmissionSet with these entries and Folders as members; a Folder's member Associations as well."""
    package = submission_set(patient_id=patient_id, **attributes)
    members = [
        association(HAS_MEMBER, package.entry_uuid, each.entry_uuid, submission_set_status="Original")
        for each in entries
    ]
    members += [association(HAS_MEMBER, package.entry_uuid, each.entry_uuid) for each in folders]
    own = {each.entry_uuid for each in folders}
    for each in associations:
        joins_folder = each.source_object in own or each.source_object.startswith("urn:uuid:")
        if each.association_type == HAS_MEMBER and joins_folder:
            members.append(association(HAS_MEMBER, package.entry_uuid, each.entry_uuid))
    return Submission(
        submission_sets=(package,),
        document_entries=entries,
        folders=tuple(folders),
        associations=(*members, *associations),
    )
