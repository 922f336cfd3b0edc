"""The Document Sharing objects and messages, frozen (ITI TF-3: 4.1 and 4.2; ITI TF-2: 3.18, 3.41 to 3.43).

Fields are named after the attributes of `ihe/attributes.py`. A datatype field holds the wire text
unchanged, in a `str` subclass of `hl7v2.datatypes`, so that what was submitted is what is returned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ebxml.problem import Problem
from hl7v2.datatypes import CX, DTM, XCN
from ihe.error_codes import RegistryError, ResponseStatus
from ihe.object_types import DocumentEntryType
from ihe.stored_queries import StoredQuery


@dataclass(frozen=True, slots=True)
class LocalizedString:
    """One rim:LocalizedString; `lang` and `charset` are None where the sender gave none."""

    value: str
    lang: str | None = None
    charset: str | None = None


InternationalString = tuple[LocalizedString, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A rim:Slot as it came: extra metadata (ITI TF-3: 4.2.3.1.6) or a query parameter."""

    name: str
    values: tuple[str, ...]
    slot_type: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A coded attribute's value (ITI TF-3: 4.2.3.1.2)."""

    code: str
    scheme: str
    display_name: InternationalString = ()


@dataclass(frozen=True, slots=True)
class Author:
    """One author (ITI TF-3: 4.2.3.1.4); the lists have no positional correspondence.

    `extra` holds Slots of other names: peers misspell the five, and what was submitted is returned.
    """

    person: XCN | None = None
    institution: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    specialty: tuple[str, ...] = ()
    telecommunication: tuple[str, ...] = ()
    extra: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEntry:
    """ITI TF-3: 4.2.3.2; `entry_uuid` may be symbolic in a submission and is a UUID once registered."""

    entry_uuid: str
    object_type: str = DocumentEntryType.STABLE
    mime_type: str | None = None
    author: tuple[Author, ...] = ()
    availability_status: str | None = None
    class_code: Code | None = None
    comments: InternationalString = ()
    confidentiality_code: tuple[Code, ...] = ()
    creation_time: DTM | None = None
    document_availability: str | None = None
    event_code_list: tuple[Code, ...] = ()
    format_code: Code | None = None
    hash: str | None = None
    healthcare_facility_type_code: Code | None = None
    home_community_id: str | None = None
    language_code: str | None = None
    legal_authenticator: XCN | None = None
    logical_id: str | None = None
    patient_id: CX | None = None
    practice_setting_code: Code | None = None
    reference_id_list: tuple[str, ...] = ()
    repository_unique_id: str | None = None
    service_start_time: DTM | None = None
    service_stop_time: DTM | None = None
    size: str | None = None
    source_patient_id: CX | None = None
    source_patient_info: tuple[str, ...] = ()
    title: InternationalString = ()
    type_code: Code | None = None
    unique_id: str | None = None
    uri: str | None = None
    version: str | None = None
    limited_metadata: bool = False
    extra: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSet:
    """ITI TF-3: 4.2.3.3."""

    entry_uuid: str
    author: tuple[Author, ...] = ()
    availability_status: str | None = None
    comments: InternationalString = ()
    content_type_code: Code | None = None
    home_community_id: str | None = None
    intended_recipient: tuple[str, ...] = ()
    logical_id: str | None = None
    patient_id: CX | None = None
    source_id: str | None = None
    submission_time: DTM | None = None
    title: InternationalString = ()
    unique_id: str | None = None
    version: str | None = None
    limited_metadata: bool = False
    extra: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """ITI TF-3: 4.2.3.4."""

    entry_uuid: str
    availability_status: str | None = None
    code_list: tuple[Code, ...] = ()
    comments: InternationalString = ()
    home_community_id: str | None = None
    last_update_time: DTM | None = None
    logical_id: str | None = None
    patient_id: CX | None = None
    title: InternationalString = ()
    unique_id: str | None = None
    version: str | None = None
    limited_metadata: bool = False
    extra: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """ITI TF-3: 4.2.2."""

    entry_uuid: str
    association_type: str
    source_object: str
    target_object: str
    availability_status: str | None = None
    home_community_id: str | None = None
    logical_id: str | None = None
    submission_set_status: str | None = None
    previous_version: str | None = None
    association_propagation: str | None = None
    original_status: str | None = None
    new_status: str | None = None
    association_documentation: Code | None = None
    title: InternationalString = ()
    comments: InternationalString = ()
    version: str | None = None
    extra: tuple[Slot, ...] = ()


RegistryObject = DocumentEntry | SubmissionSet | Folder | Association


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What one lcm:SubmitObjectsRequest holds (ITI TF-3: 4.2.1.4).

    `faults` are the errors that reading found (a second value, a misplaced Classification) and that the
    objects cannot express, worded for the sender; the check step reports them together with its own.
    """

    submission_sets: tuple[SubmissionSet, ...] = ()
    document_entries: tuple[DocumentEntry, ...] = ()
    folders: tuple[Folder, ...] = ()
    associations: tuple[Association, ...] = ()
    faults: tuple[Problem, ...] = ()

    @property
    def submission_set(self) -> SubmissionSet:
        """The one SubmissionSet of a checked submission."""
        return self.submission_sets[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQueryRequest:
    """An ITI-18 or ITI-51 query as read (ITI TF-2: 3.18.4.1.2); `slots` keeps repeated Slots apart."""

    query_id: str
    return_type: str
    slots: tuple[Slot, ...] = ()
    home_community_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQueryCriteria:
    """A query whose parameters were found right, their values decoded.

    `values` maps a Slot name to its lists: the inner tuple is ORed, the outer one ANDed. Codes stand as
    (code, scheme) pairs, times as 14-digit integers, everything else as text.
    """

    query: StoredQuery
    leaf_class: bool
    values: Mapping[str, tuple[tuple[object, ...], ...]]


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """One xds:DocumentRequest of ITI-43 (ITI TF-2: 3.43.4.1.2)."""

    repository_unique_id: str
    document_unique_id: str
    home_community_id: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentResponse:
    """What answers one xds:DocumentRequest; the new ids are those of what was made on demand (3.43.4.2.2)."""

    request: DocumentRequest
    mime_type: str
    new_document_unique_id: str = ""
    new_repository_unique_id: str = ""


@dataclass(frozen=True, slots=True)
class RetrieveRequest:
    """An ITI-43 request (ITI TF-2: 3.43.4.1.2)."""

    documents: tuple[DocumentRequest, ...]


@dataclass(frozen=True, slots=True)
class RemoveObjectsRequest:
    """An ITI-62 request (Remove Metadata supplement: 3.62.4.1.2)."""

    entry_uuids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegistryResponse:
    """An rs:RegistryResponse (ITI TF-3: 4.2.4)."""

    status: ResponseStatus
    errors: tuple[RegistryError, ...] = field(default=())
