"""The rules that one object keeps or breaks by itself, by its attributes (ITI TF-3: 4.2.3, 4.3.1)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ebxml.affinity_domain import AffinityDomain, Tolerance
from ebxml.kinds import ASSOCIATION, DOCUMENT_ENTRY, KINDS, ObjectKind, kind_of, named
from ebxml.model import Author, Code, DocumentEntry, InternationalString, RegistryObject, Slot
from ebxml.places import place
from ebxml.problem import Problem
from hl7v2.datatypes import (
    ERRORS_IN,
    errors_in_dtm,
    errors_in_source_patient_info,
    errors_in_urn,
    errors_in_uuid_urn,
)
from hl7v2.er7 import shown
from ihe.attributes import AUTHOR_PARTS, RESERVED_SLOT_PREFIX, Attribute, Datatype, Optionality
from ihe.object_types import DocumentEntryType
from ihe.transactions import ITI_41, ITI_42, ITI_61, Transaction

# ITI TF-3: 4.2.3.2.24, 4.2.3.3.11, 4.2.3.4.8.
TITLE_CHARACTERS = {"DocumentEntry": 128, "SubmissionSet": 256, "Folder": 256}

Found = Iterator[str]
ErrorsIn = Callable[[Any, Attribute, AffinityDomain], Found]


def errors_in_object(
    obj: RegistryObject, domain: AffinityDomain, transaction: Transaction
) -> Iterator[Problem]:
    """Yield what is wrong with the object alone, each sentence with its section."""
    kind = kind_of(obj)
    sender = _sender(obj, transaction)
    for row, optionality, errors_in in _RULES[kind][sender.number]:
        value = getattr(obj, row.field)
        if value is None or value == ():
            if optionality is Optionality.R:
                yield _problem(obj, f"{row.name} is missing, {sender.number} requires it", row.section, row)
        elif optionality is Optionality.X:
            problem = f"{row.name} is given, {sender.number} does not allow it"
            yield _problem(obj, problem, row.section, row)
        elif errors_in is not None:
            for error in errors_in(value, row, domain):
                yield _problem(obj, f"{row.name} {error}", row.section, row)
    for error, section, attribute in _errors_across(obj, domain):
        about = next((row for row in kind.rows if row.name == attribute), None)
        yield _problem(obj, error, section, about)


def _sender(obj: RegistryObject, transaction: Transaction) -> Transaction:
    """Whose column holds: an on-demand entry out of place lacks nothing that ITI-61 would not want."""
    if isinstance(obj, DocumentEntry):
        if obj.object_type == DocumentEntryType.ON_DEMAND:
            return ITI_61
        if transaction is ITI_61:
            return ITI_42
    return transaction


def _problem(obj: RegistryObject, problem: str, section: str, row: Attribute | None) -> Problem:
    kind = kind_of(obj)
    text = f"{named(kind, obj.entry_uuid)}: {problem} (ITI TF-3: {section})"
    return Problem(text, place(kind, obj.entry_uuid, row), row.name if row else "")


def _errors_across(obj: RegistryObject, domain: AffinityDomain) -> Iterator[tuple[str, str, str]]:
    """Rules over more than one attribute, and those of attributes that have no row, which is then empty."""
    for slot in obj.extra:
        for error in _errors_in_extra(slot, domain):
            yield f"it {error}", "4.2.3.1.6", ""
    if getattr(obj, "limited_metadata", False):
        yield "limitedMetadata is given, XDS.b does not allow it", "4.3.1", ""
    if isinstance(obj, DocumentEntry):
        yield from _errors_in_service_times(obj)


def _errors_in_service_times(entry: DocumentEntry) -> Iterator[tuple[str, str, str]]:
    start, stop = entry.service_start_time, entry.service_stop_time
    if start is None or stop is None or any(errors_in_dtm(start)) or any(errors_in_dtm(stop)):
        return
    # As far as both go: a service that began on 20240115 and ended in 202401 breaks no rule.
    digits = min(len(start), len(stop))
    if start[:digits] > stop[:digits]:
        problem = f"serviceStartTime '{start}' is after serviceStopTime '{stop}', expected before"
        yield problem, "4.2.3.2.20", "serviceStopTime"


def _errors_in_extra(slot: Slot, domain: AffinityDomain) -> Found:
    if slot.name.lower().startswith(RESERVED_SLOT_PREFIX):
        yield f"has a Slot with the name {shown(slot.name)}, expected one that the framework knows"
    elif Tolerance.PLAIN_SLOT_NAMES not in domain.tolerances and any(errors_in_urn(slot.name)):
        yield f"has a Slot with the name {shown(slot.name)}, expected a URN for extra metadata"


def _errors_in_texts(value: Any, row: Attribute, domain: AffinityDomain) -> Found:
    """One value or several of a datatype that has a syntax."""
    errors_in = ERRORS_IN[row.datatype]
    for text in value if row.many else (value,):
        yield from errors_in(text)


def _errors_in_codes(value: Any, row: Attribute, domain: AffinityDomain) -> Found:
    """ITI TF-3: 4.2.3.1.2; what a display name says is nobody's business."""
    allowed = domain.codes.get(row.name)
    codes: tuple[Code, ...] = value if row.many else (value,)
    for code in codes:
        if not code.code:
            yield "has no code, expected one as nodeRepresentation"
        if not code.scheme:
            yield f"{shown(code.code)} has no codingScheme, expected one"
        if not any(text.value for text in code.display_name):
            yield f"{shown(code.code)} has no display name, expected one as Name"
        if allowed is not None and code.code and code.scheme and (code.code, code.scheme) not in allowed:
            yield (
                f"{shown(code.code)} of codingScheme {shown(code.scheme)} is not in the value set "
                "of the affinity domain, expected one that is"
            )


def _errors_in_authors(value: Any, row: Attribute, domain: AffinityDomain) -> Found:
    """ITI TF-3: 4.2.3.1.4."""
    authors: tuple[Author, ...] = value
    for author in authors:
        if not (author.person is not None or author.institution or author.telecommunication):
            yield "names nobody, expected an authorPerson, authorInstitution or authorTelecommunication"
        for part in AUTHOR_PARTS:
            texts = getattr(author, part.field)
            if texts is not None:
                for error in _errors_in_texts(texts, part, domain):
                    yield f"has an {part.name}: {error}"
        for slot in author.extra:
            yield from _errors_in_extra(slot, domain)


def _errors_in_title(value: Any, row: Attribute, domain: AffinityDomain, *, most: int) -> Found:
    title: InternationalString = value
    for text in title:
        if len(text.value) > most:
            yield f"{shown(text.value)} has {len(text.value)} characters, expected at most {most}"
    if row.iti_42 is Optionality.R and not any(text.value for text in title):
        yield "is empty, expected a text"


def _errors_in_id(value: str, row: Attribute, domain: AffinityDomain) -> Found:
    """Anything that does not look like a UUID is a symbolic id (ITI TF-3: 4.2.3.1.5)."""
    if not value:
        yield "is empty, expected a UUID or a symbolic id"
    elif value.lower().startswith("urn:uuid:"):
        yield from errors_in_uuid_urn(value)


def _errors_in_object_type(value: str, row: Attribute, domain: AffinityDomain) -> Found:
    if value not in _DOCUMENT_ENTRY_TYPES:
        stable, on_demand = _DOCUMENT_ENTRY_TYPES
        yield f"{shown(value)} is unknown, expected {stable} (stable) or {on_demand} (on-demand)"


def _errors_in_mime_type(value: str, row: Attribute, domain: AffinityDomain) -> Found:
    if errors := tuple(_errors_in_texts(value, row, domain)):
        yield from errors
    elif domain.mime_types and value not in domain.mime_types:
        yield f"{shown(value)} is not agreed in the affinity domain, expected a type that is"


def _errors_in_repository_unique_id(value: str, row: Attribute, domain: AffinityDomain) -> Found:
    if errors := tuple(_errors_in_texts(value, row, domain)):
        yield from errors
    elif domain.repository_unique_ids and value not in domain.repository_unique_ids:
        yield f"{shown(value)} is no repository of the affinity domain, expected one that is"


def _errors_in_source_patient_info(value: Any, row: Attribute, domain: AffinityDomain) -> Found:
    yield from _errors_in_texts(value, row, domain)
    yield from errors_in_source_patient_info(value)


def _rule(kind: ObjectKind, row: Attribute, transaction: Transaction) -> ErrorsIn | None:
    """The one function behind a row."""
    if row.name in _SET_BY_REGISTRY or (kind is ASSOCIATION and row.name in _CHECKED_AMONG_OBJECTS):
        return None
    if row.name == "title":
        most = TITLE_CHARACTERS.get(kind.name)
        return partial(_errors_in_title, most=most) if most else None
    if row.name == "repositoryUniqueId" and transaction is ITI_41:
        return _errors_in_texts  # the repository puts its own in its place (ITI TF-2: 3.41.4.1.3)
    if kind is DOCUMENT_ENTRY and row.name in _OWN_RULES:
        return _OWN_RULES[row.name]
    return _BY_DATATYPE.get(row.datatype)


def _optionality(row: Attribute, transaction: Transaction) -> Optionality:
    return {ITI_41: row.iti_41, ITI_61: row.iti_61}.get(transaction, row.iti_42)


_DOCUMENT_ENTRY_TYPES = tuple(DocumentEntryType)
# ITI TF-2: 3.42.4.1.3: what a sender says here is passed over, the registry writes its own.
_SET_BY_REGISTRY = frozenset({"availabilityStatus", "version"})
# `check_associations` follows these from object to object.
_CHECKED_AMONG_OBJECTS = frozenset({"associationType", "submissionSetStatus"})

_BY_DATATYPE: Mapping[Datatype, ErrorsIn] = {
    **dict.fromkeys(ERRORS_IN, _errors_in_texts),
    Datatype.CODE: _errors_in_codes,
    Datatype.AUTHOR: _errors_in_authors,
    Datatype.UUID: _errors_in_id,
}
_OWN_RULES: Mapping[str, ErrorsIn] = {
    "objectType": _errors_in_object_type,
    "mimeType": _errors_in_mime_type,
    "repositoryUniqueId": _errors_in_repository_unique_id,
    "sourcePatientInfo": _errors_in_source_patient_info,
}
_RULES = {
    kind: {
        transaction.number: tuple(
            (row, _optionality(row, transaction), _rule(kind, row, transaction)) for row in kind.rows
        )
        for transaction in (ITI_41, ITI_42, ITI_61)
    }
    for kind in KINDS
}
