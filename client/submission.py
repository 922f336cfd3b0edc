"""Files and what is said about them, made into one submission (ITI TF-3: 4.2.1.4)."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from client.codes import CodeBook
from client.errors import BadMetadata
from client.files import LocalFile
from client.metadata import CODED_KEYS, CODED_LIST_KEYS, Metadata
from client.times import dtm_of
from client.usual_codes import usual_metadata
from ebxml.model import (
    Association,
    Code,
    DocumentEntry,
    Folder,
    InternationalString,
    LocalizedString,
    Submission,
    SubmissionSet,
)
from hl7v2.datatypes import CX
from ihe.associations import HAS_MEMBER, ORIGINAL, RPLC

# ITI TF-3: 4.2.3.2.24: a title has fewer than 128 characters; a file may have a longer name.
TITLE_CHARACTERS = 127

NewUuid = Callable[[], uuid.UUID]


@dataclass(frozen=True, slots=True)
class Described:
    """A file with its entry; `assumed` names the attributes that nobody has said."""

    file: LocalFile
    entry: DocumentEntry
    content_type_code: Code
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What the documents are joined to: what is registered, or a folder that is yet to be made."""

    replaced_entry_uuid: str = ""
    folder_entry_uuid: str = ""
    new_folder_title: str = ""


def described(file: LocalFile, said: Metadata, codes: CodeBook, new_uuid: NewUuid) -> Described:
    """Make the entry of a file; BadMetadata names every attribute that is missing."""
    metadata = said.or_else(usual_metadata(said.type_code, codes)).or_else(_of_file(file, new_uuid))
    if missing := tuple(_missing(metadata, codes)):
        raise BadMetadata(*(f"{file.path.name}: {one}" for one in missing))
    language = metadata.language_code or ""
    metadata = _in_language(metadata, codes, language)
    patient_id, content_type_code = metadata.patient_id, metadata.content_type_code
    if patient_id is None or content_type_code is None:
        raise AssertionError("an attribute is missing that _missing does not know")
    entry = DocumentEntry(
        entry_uuid=new_uuid().urn,
        mime_type=file.mime_type,
        author=metadata.author or (),
        class_code=metadata.class_code,
        comments=_text(metadata.comments, language),
        confidentiality_code=metadata.confidentiality_code or (),
        creation_time=metadata.creation_time,
        event_code_list=metadata.event_code_list or (),
        format_code=metadata.format_code,
        hash=file.sha1,
        healthcare_facility_type_code=metadata.healthcare_facility_type_code,
        language_code=language,
        legal_authenticator=metadata.legal_authenticator,
        patient_id=patient_id,
        practice_setting_code=metadata.practice_setting_code,
        service_start_time=metadata.service_start_time,
        service_stop_time=metadata.service_stop_time,
        size=str(file.size_bytes),
        source_patient_id=metadata.source_patient_id or patient_id,
        title=_text(metadata.title, language),
        type_code=metadata.type_code,
        unique_id=metadata.unique_id,
    )
    assumed = tuple(name for name in said.unsaid() if name in _ASSUMED and getattr(metadata, name))
    return Described(file, entry, content_type_code, assumed)


def submission_of(
    documents: Sequence[Described], links: Links, source_id: str, now: datetime, new_uuid: NewUuid
) -> Submission:
    """Join the documents by one SubmissionSet, and to folder and replaced document (ITI TF-3: 4.2.2)."""
    patient_id = _one_patient(documents)
    first = documents[0]
    submission_set = SubmissionSet(
        entry_uuid=new_uuid().urn,
        author=first.entry.author,
        content_type_code=first.content_type_code,
        patient_id=patient_id,
        source_id=source_id,
        submission_time=dtm_of(now),
        title=first.entry.title if len(documents) == 1 else (),
        unique_id=oid_of(new_uuid()),
    )
    folder = _new_folder(links.new_folder_title, first, new_uuid) if links.new_folder_title else None
    return Submission(
        submission_sets=(submission_set,),
        document_entries=tuple(one.entry for one in documents),
        folders=(folder,) if folder else (),
        associations=tuple(_associations(submission_set, documents, folder, links, new_uuid)),
    )


def metadata_of_replaced(entry: DocumentEntry, mime_type: str) -> Metadata:
    """What a new version shares with the old one, unless it says otherwise."""
    return Metadata(
        title=entry.title[0].value if entry.title else None,
        type_code=entry.type_code,
        class_code=entry.class_code,
        format_code=entry.format_code if entry.mime_type == mime_type else None,
        confidentiality_code=entry.confidentiality_code or None,
        event_code_list=entry.event_code_list or None,
        healthcare_facility_type_code=entry.healthcare_facility_type_code,
        practice_setting_code=entry.practice_setting_code,
        language_code=entry.language_code,
        author=entry.author or None,
        service_start_time=entry.service_start_time,
        service_stop_time=entry.service_stop_time,
        patient_id=entry.patient_id,
        source_patient_id=entry.source_patient_id,
    )


def oid_of(number: uuid.UUID) -> str:
    """An OID that needs nobody's permission (ITU-T X.667: 2.25)."""
    return f"2.25.{number.int}"


# Shown to a person, who may correct them; ids and the file's own type need no second look.
_ASSUMED = (
    *(field for field, _ in (*CODED_KEYS.values(), *CODED_LIST_KEYS.values())),
    "language_code",
    "creation_time",
)

# What ITI-41 requires of a sender (ITI TF-3: 4.3.1), by the word to say it with.
_REQUIRED: Mapping[str, str] = {
    **{field: key for key, (field, _) in CODED_KEYS.items()},
    "confidentiality_code": "confidentiality",
    "patient_id": "patient",
}
_ATTRIBUTES = dict((*CODED_KEYS.values(), *CODED_LIST_KEYS.values()))


def _of_file(file: LocalFile, new_uuid: NewUuid) -> Metadata:
    """What the file itself tells, for want of better."""
    changed = datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
    title = " ".join(file.path.stem.replace("_", " ").replace("-", " ").split())
    return Metadata(
        title=title[:TITLE_CHARACTERS] or None,
        creation_time=dtm_of(changed),
        unique_id=oid_of(new_uuid()),
    )


def _missing(metadata: Metadata, codes: CodeBook) -> Iterator[str]:
    if metadata.type_code is None:
        yield f"type is missing, {codes.expected('typeCode')}"
    for field in metadata.unsaid():
        # What usually goes with the type will be known with the type.
        if metadata.type_code is None and field != "patient_id":
            continue
        if key := _REQUIRED.get(field):
            expected = codes.expected(_ATTRIBUTES[field]) if field in _ATTRIBUTES else "whose is it?"
            yield f"{key} is missing, {expected}"


def _in_language(metadata: Metadata, codes: CodeBook, language: str) -> Metadata:
    """The same, with display names in the document's language."""
    named: dict[str, Any] = {}
    for field, attribute in _ATTRIBUTES.items():
        match getattr(metadata, field):
            case Code() as code:
                named[field] = codes.in_language(attribute, code, language)
            case tuple() as several:
                named[field] = tuple(codes.in_language(attribute, code, language) for code in several)
    return replace(metadata, **named)


def _one_patient(documents: Sequence[Described]) -> CX:
    patient_ids = {one.entry.patient_id: one.file.path.name for one in documents}
    if len(patient_ids) > 1:
        names = " and ".join(patient_ids.values())
        raise BadMetadata(f"{names} are of different patients, expected one patient in a submission")
    patient_id = documents[0].entry.patient_id
    if patient_id is None:
        raise AssertionError("a described document has a patient")
    return patient_id


def _new_folder(title: str, first: Described, new_uuid: NewUuid) -> Folder:
    return Folder(
        entry_uuid=new_uuid().urn,
        # Folder.codeList is required, and says which kind of care the folder is about (ITI TF-3: 4.2.3.4.2).
        code_list=(first.content_type_code,),
        patient_id=first.entry.patient_id,
        title=_text(title, first.entry.language_code or ""),
        unique_id=oid_of(new_uuid()),
    )


def _associations(
    submission_set: SubmissionSet,
    documents: Sequence[Described],
    folder: Folder | None,
    links: Links,
    new_uuid: NewUuid,
) -> Iterator[Association]:
    """HasMember from the SubmissionSet to each object, folder membership, replacement (ITI TF-3: 4.2.2)."""

    def join(urn: str, source: str, target: str, status: str | None = None) -> Association:
        return Association(
            entry_uuid=new_uuid().urn,
            association_type=urn,
            source_object=source,
            target_object=target,
            submission_set_status=status,
        )

    submitted = submission_set.entry_uuid
    folder_entry_uuid = folder.entry_uuid if folder else links.folder_entry_uuid
    if folder:
        yield join(HAS_MEMBER.urn, submitted, folder.entry_uuid)
    for one in documents:
        yield join(HAS_MEMBER.urn, submitted, one.entry.entry_uuid, ORIGINAL)
        if folder_entry_uuid:
            membership = join(HAS_MEMBER.urn, folder_entry_uuid, one.entry.entry_uuid)
            yield membership
            yield join(HAS_MEMBER.urn, submitted, membership.entry_uuid)
    if links.replaced_entry_uuid:
        yield join(RPLC.urn, documents[0].entry.entry_uuid, links.replaced_entry_uuid)


def _text(text: str | None, language: str) -> InternationalString:
    return (LocalizedString(text, lang=language),) if text else ()
