"""Remove Metadata [ITI-62]: take objects away, all that were named or none (RMD supplement: 3.62.4.1.3)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice

from sqlalchemy import Table, bindparam, delete, select, union, union_all, update

from database import Call, ConflictingWrite, Row, Statement, Transaction, any_of
from ebxml.check import MAX_ERRORS
from ebxml.kinds import cut
from ebxml.model import Folder, RemoveObjectsRequest, SubmissionSet
from ebxml.refused import Refused
from exchange.consent_documents import ANYBODY, Signatory
from exchange.visibility import OPEN_VIEW, View
from ihe.error_codes import REFERENCES_EXIST, UNREFERENCED_OBJECT, UNRESOLVED_REFERENCE, RegistryError
from registry import tables as t
from registry.consent_documents import ConsentPort, Consents, following
from registry.found import FoundObject, found_objects, objects_of_sight
from registry.locks import lock_patients
from registry.patients import patient_ids_of
from registry.seen import KEPT_SIGHTS, Seen, Sight, seen_through, through
from registry.store import RegistryStore
from registry.stored_objects import read_stored
from registry.uuids import bare_uuids, urn


async def remove_metadata(
    request: RemoveObjectsRequest,
    store: RegistryStore,
    view: View = OPEN_VIEW,
    signatory: Signatory = ANYBODY,
    consents: ConsentPort | None = None,
) -> tuple[str, ...]:
    """Remove the objects and say whose they were, or raise Refused with everything that is in the way.

    It can name what this View shows. What consent documents among them gave is taken back with them.
    """
    seen = await seen_through(view, store.codes)
    consenting = await Consents.of(consents, signatory, store.codes)
    return await store.change(partial(_remove, request, seen, consenting))


async def _remove(
    request: RemoveObjectsRequest, seen: Seen, consents: Consents | None, transaction: Transaction
) -> tuple[str, ...]:
    before = await _look_at(request, seen, transaction)
    await lock_patients(before.patients, transaction)
    await transaction.fetch(_LOCK_OBJECTS, {"entry_uuids": bare_uuids(request.entry_uuids)})
    neighbourhood = await _look_at(request, seen, transaction)
    if not neighbourhood.patients <= before.patients:
        raise ConflictingWrite("what is to be removed was joined to others in the meantime")
    owners = {each.patient for each in neighbourhood.objects.values()}
    patient_ids = await patient_ids_of(owners, transaction)
    if errors := tuple(islice(errors_in_removal(request, neighbourhood), MAX_ERRORS)):
        raise Refused(*errors, patient_ids=patient_ids)
    async with following(consents, before.patients, transaction):
        await _delete(neighbourhood.numbers, transaction)
    return patient_ids


@dataclass(frozen=True, slots=True)
class Joined:
    """An Association and the numbers of what it joins."""

    id: int
    entry_uuid: str
    source: int
    target: int
    seen: bool
    """Whether whoever removes its ends may know of it."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An object that stays, at the other end of an Association that goes."""

    entry_uuid: str
    patient: int
    joined: bool
    """Whether any other Association stays with it."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What is to be removed, and all that is joined to it."""

    objects: Mapping[str, FoundObject]
    staying: tuple[Joined, ...]
    neighbours: tuple[Neighbour, ...]

    @property
    def numbers(self) -> dict[int, str]:
        """The entryUUID of each object to remove, by its number."""
        return {each.id: entry_uuid for entry_uuid, each in self.objects.items()}

    @property
    def patients(self) -> set[int]:
        """Everybody whose record is touched."""
        owners = {each.patient for each in self.objects.values()}
        return owners | {each.patient for each in self.neighbours}


def errors_in_removal(request: RemoveObjectsRequest, around: Neighbourhood) -> Iterator[RegistryError]:
    """Yield each object that is not there, still referred to, or left alone (RMD supplement: 3.62.4.1.3)."""
    for entry_uuid in dict.fromkeys(request.entry_uuids):
        if entry_uuid not in around.objects:
            problem = f"{cut(entry_uuid)} is not registered, expected the id of an object that is"
            yield UNRESOLVED_REFERENCE.error(problem, f"ObjectRefList/ObjectRef[@id='{cut(entry_uuid)}']")
    removed = around.numbers
    for association in around.staying:
        for end, number in (("sourceObject", association.source), ("targetObject", association.target)):
            if number in removed:
                problem = (
                    f"{removed[number]} is the {end} of the Association {association.entry_uuid}, "
                    "expected that one in the request as well"
                    if association.seen
                    else f"{removed[number]} is referred to from another record"
                )
                yield REFERENCES_EXIST.error(problem, f"ObjectRefList/ObjectRef[@id='{removed[number]}']")
    for neighbour in around.neighbours:
        if not neighbour.joined:
            yield UNREFERENCED_OBJECT.error(
                f"{neighbour.entry_uuid} would be left without any Association, expected it in the request",
                "ObjectRefList",
            )


_joined_columns = (
    t.association.c.id, t.association.c.entry_uuid, t.association.c.source, t.association.c.target
)  # fmt: skip
_TABLES = (t.document_entry, t.submission_set, t.folder, t.association)
# A union of two index searches; an OR of both would read the whole table.
_touching = union(
    *(
        select(*_joined_columns).where(any_of(end, bindparam("ids")))
        for end in (t.association.c.source, t.association.c.target)
    )
)
_TOUCHING = Statement(_touching)


@lru_cache(maxsize=KEPT_SIGHTS)
def _touching_of(sight: Sight) -> Statement:
    return Statement(through(_touching, sight))


_OWNERS = Statement(
    union_all(
        *(
            select(table.c.id, table.c.entry_uuid, table.c.patient).where(
                any_of(table.c.id, bindparam("ids"))
            )
            for table in _TABLES
        )
    )
)
_ASSOCIATIONS = Statement(select(*_joined_columns).where(any_of(t.association.c.id, bindparam("ids"))))
# Whoever refers to one of these from another patient's record waits, or is waited for.
_LOCK_OBJECTS = Statement(
    select(t.registered_object.c.id)
    .where(any_of(t.registered_object.c.entry_uuid, bindparam("entry_uuids")))
    .order_by(t.registered_object.c.entry_uuid)
    .with_for_update()
)


async def _look_at(request: RemoveObjectsRequest, seen: Seen, transaction: Transaction) -> Neighbourhood:
    named = {"entry_uuids": bare_uuids(request.entry_uuids), **seen.values}
    objects = found_objects(await transaction.fetch(objects_of_sight(seen.sight), named))
    removed = {each.id for each in objects.values()}
    touching, visible, going = await transaction.fetch_each(
        (_TOUCHING, {"ids": sorted(removed)}),
        (_touching_of(seen.sight), {"ids": sorted(removed), **seen.values}),
        (_ASSOCIATIONS, {"ids": sorted(removed)}),
    )
    known = {row[0] for row in visible}
    ends = {end for _, _, *both in going for end in both} - removed
    owners, around = await transaction.fetch_each(
        (_OWNERS, {"ids": sorted(ends)}), (_touching_of(seen.sight), {"ids": sorted(ends), **seen.values})
    )
    still_joined = {end for number, _, *both in around if number not in removed for end in both}
    return Neighbourhood(
        objects,
        tuple(_joined(row, row[0] in known) for row in sorted(touching) if row[0] not in removed),
        tuple(Neighbour(urn(row[1]), row[2], row[0] in still_joined) for row in owners),
    )


def _joined(row: Row, seen: bool) -> Joined:
    return Joined(row[0], urn(row[1]), row[2], row[3], seen)


_version = t.folder.alias("version")
# The directory is searched by its key; what stands under it may be another's by now.
_held = (
    any_of(t.registered_unique_id.c.unique_id, bindparam("unique_ids")),
    any_of(t.registered_unique_id.c.id, bindparam("ids")),
)
_UNIQUE_IDS = Statement(
    select(t.document_entry.c.unique_id).where(any_of(t.document_entry.c.id, bindparam("ids")))
)
_PACKAGES = Statement(
    union_all(
        *(
            select(table.c.fragment).where(any_of(table.c.id, bindparam("ids")))
            for table in (t.submission_set, t.folder)
        )
    )
)
_DOCUMENT_HEIRS = Statement(
    select(t.registered_unique_id.c.unique_id, t.document_entry.c.id, t.document_entry.c.latest)
    .join(t.document_entry, t.document_entry.c.unique_id == t.registered_unique_id.c.unique_id)
    .where(*_held)
)
_FOLDER_HEIRS = Statement(
    select(t.registered_unique_id.c.unique_id, _version.c.id, _version.c.latest)
    .join(t.folder, t.folder.c.id == t.registered_unique_id.c.id)
    .join(_version, _version.c.logical_id == t.folder.c.logical_id)
    .where(*_held)
)


async def _unique_ids(removed: Collection[int], transaction: Transaction) -> list[str]:
    """The uniqueIds of what is removed; those of SubmissionSets and Folders stand in their elements only."""
    ids = {"ids": sorted(removed)}
    documents, packages = await transaction.fetch_each((_UNIQUE_IDS, ids), (_PACKAGES, ids))
    objects = [read_stored(row[0]) for row in packages]
    own = {each.unique_id for each in objects if isinstance(each, SubmissionSet | Folder) and each.unique_id}
    return sorted({row[0] for row in documents} | own)


async def _heirs(removed: Collection[int], unique_ids: list[str], transaction: Transaction) -> dict[str, int]:
    """Who bears a uniqueId once its holder is gone: a current version if there is one."""
    held = {"ids": sorted(removed), "unique_ids": unique_ids}
    documents, folders = await transaction.fetch_each((_DOCUMENT_HEIRS, held), (_FOLDER_HEIRS, held))
    heirs: dict[str, tuple[bool, int]] = {}
    for unique_id, number, latest in (*documents, *folders):
        if number not in removed:
            candidate = (bool(latest), number)
            heirs[unique_id] = max(heirs.get(unique_id, candidate), candidate)
    return {unique_id: number for unique_id, (_, number) in heirs.items()}


def _versions(table: Table) -> Statement:
    """Every version of the logical objects of which one is removed."""
    version = table.alias("version")
    return Statement(
        select(version.c.logical_id, version.c.version, version.c.id)
        .join(table, table.c.logical_id == version.c.logical_id)
        .where(any_of(table.c.id, bindparam("ids")))
    )


_VERSIONED = (t.document_entry, t.folder)
_VERSIONS = {table: _versions(table) for table in _VERSIONED}
_PROMOTE = {
    table: Statement(update(table).where(any_of(table.c.id, bindparam("ids"))).values(latest=True))
    for table in _VERSIONED
}


async def _latest_left(table: Table, removed: Collection[int], transaction: Transaction) -> list[int]:
    """The newest version that stays, of each logical object that loses one."""
    latest: dict[str, tuple[int, int]] = {}
    for logical_id, version, number in await transaction.fetch(_VERSIONS[table], {"ids": sorted(removed)}):
        if number not in removed:
            latest[logical_id] = max(latest.get(logical_id, (0, 0)), (version, number))
    return sorted(number for _, number in latest.values())


_HAND_ON = Statement(
    update(t.registered_unique_id)
    .where(t.registered_unique_id.c.unique_id == bindparam("held"))
    .values(id=bindparam("heir"))
)
_DELETE = [
    Statement(delete(column.table).where(any_of(column, bindparam("ids"))))
    for column in (
        *(table.c.id for table in _TABLES),
        t.withdrawal.c.document,
        t.withdrawal.c.replacement,
    )
]
_FORGET = Statement(
    delete(t.registered_object).where(any_of(t.registered_object.c.entry_uuid, bindparam("entry_uuids")))
)
_FORGET_UNIQUE_IDS = Statement(delete(t.registered_unique_id).where(*_held))


async def _delete(removed: Mapping[int, str], transaction: Transaction) -> None:
    unique_ids = await _unique_ids(removed, transaction)
    heirs = await _heirs(removed, unique_ids, transaction)
    promoted = {table: await _latest_left(table, removed, transaction) for table in _VERSIONED}
    calls: list[Call] = [(_HAND_ON, [{"held": each, "heir": heir} for each, heir in heirs.items()])]
    calls += [
        (_FORGET_UNIQUE_IDS, {"ids": sorted(removed), "unique_ids": unique_ids}),
        (_FORGET, {"entry_uuids": bare_uuids(removed.values())}),
    ]
    calls += [(statement, {"ids": sorted(removed)}) for statement in _DELETE]
    calls += [(_PROMOTE[table], {"ids": ids}) for table, ids in promoted.items() if ids]
    await transaction.fetch_each(*calls)
