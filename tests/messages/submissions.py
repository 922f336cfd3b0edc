"""Valid submissions to begin with: each builder takes what a test wants otherwise (ITI TF-3: 4.2)."""

from collections.abc import Sequence
from typing import Any

from lxml import etree

import schemas
from ebxml.affinity_domain import AffinityDomain
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
from ebxml.write import write_provide_and_register_request, write_submit_objects_request
from hl7v2.datatypes import CX, DTM, XCN

PATIENT_ID = CX("P1^^^&2.999.3&ISO")
SCHEME = "2.999.1"
HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
RPLC = "urn:ihe:iti:2007:AssociationType:RPLC"
STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
ON_DEMAND = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"

# Anything goes: no value sets, no tolerance.
DOMAIN = AffinityDomain(home_community_id="urn:oid:2.999.9", assigning_authorities=frozenset({"2.999.3"}))


def text(value: str) -> tuple[LocalizedString, ...]:
    """A text in one language."""
    return (LocalizedString(value),)


def code(value: str, scheme: str = SCHEME, display_name: str = "as shown") -> Code:
    return Code(value, scheme, text(display_name))


def document_entry(**changes: Any) -> DocumentEntry:
    """A DocumentEntry fit for ITI-42."""
    fields: dict[str, Any] = {
        "entry_uuid": "Document01",
        "object_type": STABLE,
        "mime_type": "text/xml",
        "author": (Author(person=XCN("^Author^Ann^^^Dr."), institution=("Hospital^^^^^^^^^2.999.61",)),),
        "class_code": code("REPORT"),
        "confidentiality_code": (code("N", "2.16.840.1.113883.5.25"),),
        "creation_time": DTM("20240102030405"),
        "format_code": code("urn:ihe:iti:xds:2017:mimeTypeSufficient", "1.3.6.1.4.1.19376.1.2.3"),
        "hash": "125de505c676074a8832e59e20e7352035fd5ed8",
        "healthcare_facility_type_code": code("HOSP"),
        "language_code": "fr-LU",
        "patient_id": PATIENT_ID,
        "practice_setting_code": code("GEN"),
        "repository_unique_id": "2.999.2.1",
        "size": "31",
        "source_patient_id": CX("MRN7^^^&2.999.7&ISO"),
        "title": text("Report"),
        "type_code": code("34133-9", "2.16.840.1.113883.6.1"),
        "unique_id": "2.999.5.1",
    } | changes
    return DocumentEntry(**fields)


def on_demand_entry(**changes: Any) -> DocumentEntry:
    """A DocumentEntry fit for ITI-61."""
    of_the_moment = {"object_type": ON_DEMAND, "creation_time": None, "hash": None, "size": None}
    return document_entry(**of_the_moment | changes)


def submission_set(**changes: Any) -> SubmissionSet:
    fields: dict[str, Any] = {
        "entry_uuid": "SubmissionSet01",
        "author": (Author(person=XCN("^Author^Ann^^^Dr.")),),
        "content_type_code": code("episode"),
        "patient_id": PATIENT_ID,
        "source_id": "2.999.6",
        "submission_time": DTM("20240102030406"),
        "unique_id": "2.999.4.1",
    } | changes
    return SubmissionSet(**fields)


def folder(**changes: Any) -> Folder:
    fields: dict[str, Any] = {
        "entry_uuid": "Folder01",
        "code_list": (code("pregnancy"),),
        "patient_id": PATIENT_ID,
        "title": text("Pregnancy"),
        "unique_id": "2.999.8.1",
    } | changes
    return Folder(**fields)


def association(association_type: str, source: str, target: str, **changes: Any) -> Association:
    entry_uuid = changes.pop("entry_uuid", f"{source}-{target}")
    return Association(
        entry_uuid=entry_uuid,
        association_type=association_type,
        source_object=source,
        target_object=target,
        **changes,
    )


def has_member(source: str, target: str, **changes: Any) -> Association:
    """A membership without SubmissionSetStatus: any but that of a DocumentEntry in a SubmissionSet."""
    return association(HAS_MEMBER, source, target, **changes)


def original(target: str = "Document01", **changes: Any) -> Association:
    """A DocumentEntry of the same message, in its SubmissionSet."""
    return has_member("SubmissionSet01", target, **{"submission_set_status": "Original"} | changes)


def submission(
    *further: Association,
    document_entries: Sequence[DocumentEntry] | None = None,
    folders: Sequence[Folder] = (),
    **changes: Any,
) -> Submission:
    """A submission of one DocumentEntry, or of those given; they and the Folders are linked as they must."""
    entries = (document_entry(),) if document_entries is None else tuple(document_entries)
    fields: dict[str, Any] = {
        "submission_sets": (submission_set(),),
        "document_entries": entries,
        "folders": tuple(folders),
        "associations": (
            *(original(entry.entry_uuid) for entry in entries),
            *(has_member("SubmissionSet01", one.entry_uuid) for one in folders),
            *further,
        ),
    } | changes
    return Submission(**fields)


def submission_element(of: Submission | None = None) -> etree._Element:
    """The lcm:SubmitObjectsRequest of a submission, as a parser gives it."""
    return schemas.parse(submission_bytes(of))


def submission_bytes(of: Submission | None = None) -> bytes:
    """The body of ITI-42."""
    return write_submit_objects_request(of or submission())


def provide_and_register_bytes(of: Submission | None = None, *hrefs: tuple[str, str]) -> bytes:
    """The body of ITI-41; without `hrefs`, Document01 is the part document01@test."""
    return write_provide_and_register_request(
        of or submission(), hrefs or (("Document01", "cid:document01@test"),)
    )
