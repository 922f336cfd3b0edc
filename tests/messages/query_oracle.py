"""What each stored query should find, told in plain Python over a handful of objects.

Written from the Framework's text and knowing nothing of tables, rows or SQL: it names parameters as the wire
does. `values` holds, for each Slot, the list of each time it stands.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.messages.registry_objects import APPROVED, HAS_MEMBER, STABLE

ONLINE = "urn:ihe:iti:2010:DocumentAvailability:Online"
CODES = {
    "ClassCode": "class_code",
    "TypeCode": "type_code",
    "FormatCode": "format_code",
    "PracticeSettingCode": "practice_setting_code",
    "HealthcareFacilityTypeCode": "healthcare_facility_type_code",
    "EventCodeList": "event_code_list",
    "ConfidentialityCode": "confidentiality_code",
    "ContentType": "content_type_code",
    "CodeList": "code_list",
}
TIMES = {
    "CreationTime": "creation_time",
    "ServiceStartTime": "service_start_time",
    "ServiceStopTime": "service_stop_time",
    "SubmissionTime": "submission_time",
    "LastUpdateTime": "last_update_time",
}
PREFIXES = {"DocumentEntry": "D", "SubmissionSet": "S", "Folder": "F"}

Values = Mapping[str, list[list[Any]]]


@dataclass(frozen=True)
class Held:
    """One object of the store; `kind` is D, S, F or A."""

    kind: str
    obj: Any
    patient_id: str
    status: str = APPROVED
    latest: bool = True

    @property
    def uuid(self) -> str:
        return str(self.obj.entry_uuid)


class Store:
    """The objects, and one query's view of them."""

    def __init__(self, objects: Iterable[Held], values: Values) -> None:
        self.objects = list(objects)
        self.values = values
        self.every_version = values.get("$MetadataLevel") == [["2"]]

    def some(self, kind: str, *conditions: Callable[[Held], bool]) -> list[Held]:
        """The objects of this kind that pass the query's own filters and these, in their newest version."""
        return [
            one
            for one in self.objects
            if one.kind == kind
            and self.shows(one)
            and self.passes(one)
            and all(condition(one) for condition in conditions)
        ]

    def shows(self, one: Held) -> bool:
        """At metadata level 1, superseded versions are not there."""
        return one.latest or self.every_version

    def passes(self, one: Held) -> bool:
        """Every filter of the query that speaks of this kind of object."""
        if one.kind == "A":
            statuses = self.values.get("$XDSAssociationStatus")
            return one.status in statuses[0] if statuses else self.every_version or one.status == APPROVED
        for slot, lists in self.values.items():
            word = next_word(slot)
            suffix = slot.removeprefix(f"$XDS{word}")
            identifies = suffix in ("EntryUUID", "UniqueId", "LogicalID")
            if PREFIXES.get(word) == one.kind and not identifies and not fits(one, suffix, lists):
                return False
        return True

    def named(self, kind: str) -> list[Held]:
        """What an either-or parameter names, whatever it is; by its entryUUID in any version."""
        word = next(word for word, of in PREFIXES.items() if of == kind)
        fields = {"EntryUUID": "entry_uuid", "UniqueId": "unique_id", "LogicalID": "logical_id"}
        return [
            one
            for suffix, field in fields.items()
            for ids in self.values.get(f"$XDS{word}{suffix}", [])
            for one in self.objects
            if one.kind == kind
            and (self.shows(one) or suffix == "EntryUUID")
            and (getattr(one.obj, field) or one.uuid) in ids
        ]

    def links(self, *conditions: Callable[[Any], bool]) -> list[Held]:
        """Associations of the wanted status."""
        return self.some("A", lambda one: all(condition(one.obj) for condition in conditions))

    def stable_unless_asked(self, one: Held) -> bool:
        asked = {"$XDSDocumentEntryType", "$XDSDocumentEntryTypeExclude"} & self.values.keys()
        return bool(asked) or bool(one.obj.object_type == STABLE)


def next_word(slot: str) -> str:
    return next((word for word in PREFIXES if slot.startswith(f"$XDS{word}")), "")


def expected_answer(query: str, objects: Iterable[Held], values: Values) -> set[Held]:
    """The objects that the query of this name should answer with."""
    store = Store(objects, values)
    return set(_ANSWERS[query](store))


def find_documents(store: Store) -> list[Held]:
    return store.some("D", store.stable_unless_asked)


def find_submission_sets(store: Store) -> list[Held]:
    return store.some("S")


def find_folders(store: Store) -> list[Held]:
    return store.some("F")


def get_all(store: Store) -> list[Held]:
    ((patient_id,),) = store.values["$patientId"]

    def his(one: Held) -> bool:
        return one.patient_id == str(patient_id)

    found = [*store.some("D", his, store.stable_unless_asked), *store.some("S", his), *store.some("F", his)]
    return found + touching(store, found)


def touching(store: Store, ends: Iterable[Held]) -> list[Held]:
    uuids = {one.uuid for one in ends}
    return store.links(lambda link: link.source_object in uuids or link.target_object in uuids)


def get_documents(store: Store) -> list[Held]:
    return store.named("D")


def get_folders(store: Store) -> list[Held]:
    return store.named("F")


def get_associations(store: Store) -> list[Held]:
    (uuids,) = store.values["$uuid"]
    return touching(store, [one for one in store.objects if one.uuid in uuids])


def get_documents_and_associations(store: Store) -> list[Held]:
    found = store.named("D")
    return found + touching(store, found)


def get_submission_sets(store: Store) -> list[Held]:
    (uuids,) = store.values["$uuid"]
    sets = {one.uuid: one for one in store.some("S")}
    links = store.links(
        lambda link: (
            link.association_type == HAS_MEMBER and link.target_object in uuids and link.source_object in sets
        )
    )
    return links + [sets[link.obj.source_object] for link in links]


def members(store: Store, packages: Iterable[Held]) -> list[Held]:
    uuids = {one.uuid for one in packages}
    return store.links(lambda link: link.association_type == HAS_MEMBER and link.source_object in uuids)


def get_submission_set_and_contents(store: Store) -> list[Held]:
    packages = store.named("S")
    joins = members(store, packages)
    targets = {link.obj.target_object for link in joins}
    inside = store.some("D", lambda one: one.uuid in targets, store.stable_unless_asked)
    inside += store.some("F", lambda one: one.uuid in targets)
    uuids = {one.uuid for one in inside}
    inside += [
        link
        for link in store.links()
        if link.uuid in targets and {link.obj.source_object, link.obj.target_object} <= uuids
    ]
    uuids = {one.uuid for one in inside}
    return packages + inside + [link for link in joins if link.obj.target_object in uuids]


def get_folder_and_contents(store: Store) -> list[Held]:
    packages = store.named("F")
    joins = members(store, packages)
    targets = {link.obj.target_object for link in joins}
    inside = store.some("D", lambda one: one.uuid in targets, store.stable_unless_asked)
    uuids = {one.uuid for one in inside}
    return packages + inside + [link for link in joins if link.obj.target_object in uuids]


def get_folders_for_document(store: Store) -> list[Held]:
    uuids = {one.uuid for one in store.named("D")}
    joins = store.links(lambda link: link.association_type == HAS_MEMBER and link.target_object in uuids)
    return store.some("F", lambda one: one.uuid in {link.obj.source_object for link in joins})


def get_related_documents(store: Store) -> list[Held]:
    (types,) = store.values["$AssociationTypes"]
    given = {one.uuid: one for one in store.named("D")}
    others = {one.uuid: one for one in store.some("D", store.stable_unless_asked)}
    found: list[Held] = []
    for link in store.links(lambda link: link.association_type in types):
        for here, there in (
            (link.obj.source_object, link.obj.target_object),
            (link.obj.target_object, link.obj.source_object),
        ):
            if here in given and there in others:
                found += [link, given[here], others[there]]
    return found


_ANSWERS: Mapping[str, Callable[[Store], list[Held]]] = {
    "FindDocuments": find_documents,
    "FindDocumentsByReferenceId": find_documents,
    "FindDocumentsExclude": find_documents,
    "FindDocumentsByTitle": find_documents,
    "FindDocumentsForMultiplePatients": find_documents,
    "FindDocumentsByReferenceIdForMultiplePatients": find_documents,
    "FindSubmissionSets": find_submission_sets,
    "FindFolders": find_folders,
    "FindFoldersForMultiplePatients": find_folders,
    "GetAll": get_all,
    "GetDocuments": get_documents,
    "GetFolders": get_folders,
    "GetAssociations": get_associations,
    "GetDocumentsAndAssociations": get_documents_and_associations,
    "GetSubmissionSets": get_submission_sets,
    "GetSubmissionSetAndContents": get_submission_set_and_contents,
    "GetFolderAndContents": get_folder_and_contents,
    "GetFoldersForDocument": get_folders_for_document,
    "GetRelatedDocuments": get_related_documents,
}


def fits(one: Held, suffix: str, lists: list[list[Any]]) -> bool:
    """Whether the object passes one parameter: some value of each list."""
    if suffix.endswith("Exclude"):
        return not any(fits(one, suffix.removesuffix("Exclude"), [wanted]) for wanted in lists)
    if suffix == "PatientId":
        return one.patient_id in lists[0]
    if suffix == "Status":
        return one.status in lists[0]
    if suffix in CODES:
        codes = getattr(one.obj, CODES[suffix]) or ()
        held = {(code.code, code.scheme) for code in (codes if isinstance(codes, tuple) else (codes,))}
        return all(held & set(wanted) for wanted in lists)
    for name, field in TIMES.items():
        if suffix in (f"{name}From", f"{name}To"):
            time, bound = getattr(one.obj, field), lists[0][0]
            padded = int(time + "00000101000000"[len(time) :]) if time else None
            return padded is None or (padded >= bound if suffix.endswith("From") else padded < bound)
    texts = {
        "AuthorPerson": lambda: [author.person for author in one.obj.author if author.person],
        "AuthorInstitution": lambda: [name for author in one.obj.author for name in author.institution],
        "Title": lambda: [text.value for text in one.obj.title],
        "ReferenceIdList": lambda: list(one.obj.reference_id_list),
    }
    if suffix in texts:
        held_texts = texts[suffix]()
        return all(any(like(text, pattern) for text in held_texts for pattern in wanted) for wanted in lists)
    exact = {
        "Type": lambda: one.obj.object_type,
        "DocumentAvailability": lambda: one.obj.document_availability or ONLINE,
        "SourceId": lambda: one.obj.source_id,
    }
    return exact[suffix]() in lists[0]


def like(text: str, pattern: str) -> bool:
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None
