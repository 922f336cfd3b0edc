"""What the registry already holds that a submission touches, read in one round trip and locked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import bindparam, func, select, update

from database import Call, Row, Statement, Transaction, any_of, constant
from ebxml.model import DocumentEntry, Folder, Submission, SubmissionSet
from ihe.associations import APND, ASSOCIATION_TYPES, HAS_MEMBER, XFRM, XFRM_RPLC
from registry import tables as t
from registry.final_metadata import objects_of
from registry.seen import ALL_SEEN, KEPT_SIGHTS, Seen, Sight, through
from registry.uuids import bare_uuids, urn


@dataclass(frozen=True, slots=True)
class FoundObject:
    """A registered object, as far as registration rules look at it."""

    id: int
    kind: t.Kind
    status: int
    patient: int
    object_type: int | None


@dataclass(frozen=True, slots=True)
class FoundUniqueId:
    """The first object that bears a uniqueId; type, hash and size only of a DocumentEntry."""

    kind: t.Kind
    object_type: int | None
    hash: bytes | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class FoundMembership:
    """An approved Folder that contains a document about to be replaced."""

    document_uuid: str
    folder_uuid: str
    folder_id: int


@dataclass(frozen=True, slots=True)
class Found:
    """`patient` is None for an unknown one; `last_object` is the last number of the `reserved` ones."""

    patient: int | None
    last_object: int
    reserved: int
    objects: Mapping[str, FoundObject]
    unique_ids: Mapping[str, FoundUniqueId]
    memberships: tuple[FoundMembership, ...]
    transformed: frozenset[str]
    taken: frozenset[str]
    """The ids of new objects that are those of registered ones, seen or not."""


# Serializes whatever changes one patient's record, so that of two replacements the second sees the first.
# A patient merged into another is as unknown as one never heard of (ITI TF-2: 3.8.4.2.3).
_LOCK_PATIENT = Statement(
    update(t.patient)
    .where(t.patient.c.cx == bindparam("wanted_cx"), t.patient.c.survivor.is_(None))
    .values(last_object=t.patient.c.last_object + bindparam("count"))
    .returning(t.patient.c.id, t.patient.c.last_object)
)
_objects = (
    t.registered_object.outerjoin(t.document_entry, t.document_entry.c.id == t.registered_object.c.id)
    .outerjoin(t.submission_set, t.submission_set.c.id == t.registered_object.c.id)
    .outerjoin(t.folder, t.folder.c.id == t.registered_object.c.id)
    .outerjoin(t.association, t.association.c.id == t.registered_object.c.id)
)
_each_kind = (t.document_entry, t.submission_set, t.folder, t.association)
# Held until the end: nothing referred to is removed meanwhile, not even from another patient's record.
_seen_objects = (
    select(
        t.registered_object.c.entry_uuid,
        t.registered_object.c.id,
        t.registered_object.c.kind,
        func.coalesce(*(table.c.status for table in _each_kind)),
        func.coalesce(*(table.c.patient for table in _each_kind)),
        t.document_entry.c.object_type,
    )
    .select_from(_objects)
    .where(
        any_of(t.registered_object.c.entry_uuid, bindparam("entry_uuids")),
        func.coalesce(*(table.c.id for table in _each_kind)).is_not(None),
    )
    .with_for_update(read=True, key_share=True, of=t.registered_object)
)
_TAKEN = Statement(
    select(t.registered_object.c.entry_uuid).where(
        any_of(t.registered_object.c.entry_uuid, bindparam("entry_uuids"))
    )
)
_UNIQUE_IDS = Statement(
    select(
        t.registered_unique_id.c.unique_id,
        t.registered_unique_id.c.kind,
        t.document_entry.c.object_type,
        t.document_entry.c.hash,
        t.document_entry.c.size_bytes,
    )
    .select_from(
        t.registered_unique_id.outerjoin(
            t.document_entry, t.document_entry.c.id == t.registered_unique_id.c.id
        )
    )
    .where(any_of(t.registered_unique_id.c.unique_id, bindparam("unique_ids")))
)
_memberships = (
    select(t.registered_object.c.entry_uuid, t.folder.c.entry_uuid, t.folder.c.id)
    .select_from(
        t.registered_object.join(t.association, t.association.c.target == t.registered_object.c.id).join(
            t.folder, t.folder.c.id == t.association.c.source
        )
    )
    .where(
        any_of(t.registered_object.c.entry_uuid, bindparam("entry_uuids")),
        t.association.c.association_type == constant(t.ASSOCIATION_TYPE_NUMBERS[HAS_MEMBER.urn]),
        t.association.c.status == constant(t.APPROVED),
        t.folder.c.status == constant(t.APPROVED),
    )
    .distinct()
)
_transformed = (
    select(t.registered_object.c.entry_uuid)
    .select_from(t.registered_object.join(t.association, t.association.c.source == t.registered_object.c.id))
    .where(
        any_of(t.registered_object.c.entry_uuid, bindparam("entry_uuids")),
        t.association.c.association_type.in_(
            [
                constant(t.ASSOCIATION_TYPE_NUMBERS[XFRM.urn]),
                constant(t.ASSOCIATION_TYPE_NUMBERS[XFRM_RPLC.urn]),
            ]
        ),
    )
    .distinct()
)


async def lock_and_find(submission: Submission, transaction: Transaction, seen: Seen = ALL_SEEN) -> Found:
    """Lock the patient, reserve a number for each object, and read what the submission refers to.

    What its sender may not see is not found, and has replaced nothing.
    """
    objects = tuple(objects_of(submission))
    named = {each.entry_uuid for each in objects}
    for association in submission.associations:
        named |= {association.source_object, association.target_object}
    bearers: tuple[SubmissionSet | DocumentEntry | Folder, ...] = (
        *submission.submission_sets,
        *submission.document_entries,
        *submission.folders,
    )
    unique_ids = [each.unique_id for each in bearers if each.unique_id]
    replaced = [
        each.target_object
        for each in submission.associations
        if (row := ASSOCIATION_TYPES.get(each.association_type)) and row.deprecates_target
    ]
    appended_to = [
        each.target_object for each in submission.associations if each.association_type == APND.urn
    ]
    patient_id = submission.submission_set.patient_id
    calls: list[Call] = [
        (_LOCK_PATIENT, {"wanted_cx": patient_id and str(patient_id), "count": len(objects)}),
        (_UNIQUE_IDS, {"unique_ids": unique_ids}),
        (objects_of_sight(seen.sight), {"entry_uuids": bare_uuids(named), **seen.values}),
        (_TAKEN, {"entry_uuids": bare_uuids(each.entry_uuid for each in objects)}),
    ]
    if replaced:
        calls.append((_memberships_of(seen.sight), {"entry_uuids": bare_uuids(replaced), **seen.values}))
    if appended_to:
        calls.append((_transformed_of(seen.sight), {"entry_uuids": bare_uuids(appended_to), **seen.values}))
    patients, held, known, taken, *more = await transaction.fetch_each(*calls)
    memberships = more.pop(0) if replaced else []
    transformed = more.pop(0) if appended_to else []
    patient, last_object = patients[0] if patients else (None, 0)
    return Found(
        patient=patient,
        last_object=last_object,
        reserved=len(objects),
        objects=found_objects(known),
        unique_ids={row[0]: FoundUniqueId(t.Kind(row[1]), *row[2:]) for row in held},
        memberships=tuple(FoundMembership(urn(row[0]), urn(row[1]), row[2]) for row in memberships),
        transformed=frozenset(urn(row[0]) for row in transformed),
        taken=frozenset(urn(row[0]) for row in taken),
    )


@lru_cache(maxsize=KEPT_SIGHTS)
def objects_of_sight(sight: Sight) -> Statement:
    """Selects the objects of these entryUUIDs, as FoundObjects."""
    return Statement(through(_seen_objects, sight))


@lru_cache(maxsize=KEPT_SIGHTS)
def _memberships_of(sight: Sight) -> Statement:
    return Statement(through(_memberships, sight))


@lru_cache(maxsize=KEPT_SIGHTS)
def _transformed_of(sight: Sight) -> Statement:
    return Statement(through(_transformed, sight))


def found_objects(rows: list[Row]) -> dict[str, FoundObject]:
    """The rows of `objects_of_sight`, by entryUUID."""
    return {urn(row[0]): FoundObject(row[1], t.Kind(row[2]), row[3], row[4], row[5]) for row in rows}
