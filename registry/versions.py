"""The versions of a logical object, and what is joined to the latest one (MU supplement: 3.57.4.1.3.3.1)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import Table, bindparam, null, select, union, update

from database import Call, Row, Statement, Transaction, any_of, constant
from ebxml.model import Association, DocumentEntry, Folder
from ebxml.updates import VersionUpdate
from ihe.associations import HAS_MEMBER
from registry import tables as t
from registry.seen import ALL_SEEN, KEPT_SIGHTS, Seen, Sight, through
from registry.stored_objects import read_stored
from registry.uuids import bare, urn


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest registered version of a logical object."""

    id: int
    entry_uuid: str
    version: int
    status: int
    patient: int
    depositor: str | None
    obj: DocumentEntry | Folder


@dataclass(frozen=True, slots=True)
class Copy:
    """An Association that the new versions inherit: its ends already theirs, its id not yet its own."""

    association: Association
    into_folder: bool
    across_patients: bool
    """Whether it would join one end that changes its patient to one that stays."""


@lru_cache(maxsize=2 * KEPT_SIGHTS)
def _select_latest(table: Table, sight: Sight) -> Statement:
    only_documents = [
        table.c[name] if name in table.c else null().label(name) for name in ("depositor", "large_fragment")
    ]
    latest = select(
        table.c.logical_id, table.c.id, table.c.entry_uuid, table.c.version, table.c.status,
        table.c.patient, table.c.fragment, *only_documents,
    ).where(any_of(table.c.logical_id, bindparam("logical_ids")), table.c.latest.is_(True))  # fmt: skip
    return Statement(through(latest, sight))


_TABLE_OF: Mapping[type, Table] = {DocumentEntry: t.document_entry, Folder: t.folder}


async def latest_versions(
    updates: Sequence[VersionUpdate], transaction: Transaction, seen: Seen = ALL_SEEN
) -> dict[str, Latest]:
    """The latest version of each logical object that is updated and can be seen, by its logical id."""
    latest: dict[str, Latest] = {}
    for kind, table in _TABLE_OF.items():
        logical_ids = [bare(each.logical_id) for each in updates if isinstance(each.obj, kind)]
        if logical_ids:
            statement = _select_latest(table, seen.sight)
            for row in await transaction.fetch(statement, {"logical_ids": logical_ids, **seen.values}):
                latest[urn(row[0])] = _latest(row)
    return latest


def _latest(row: Row) -> Latest:
    _, number, entry_uuid, version, status, patient, fragment, depositor, large = row
    obj = read_stored(fragment or large)
    if not isinstance(obj, DocumentEntry | Folder):
        raise TypeError("an object without versions has a logical id")
    return Latest(number, urn(entry_uuid), version, status, patient, depositor, obj)


_source = t.document_entry.alias("source_entry")
_target = t.document_entry.alias("target_entry")
_JOINED = Statement(
    select(
        t.association.c.association_type, t.association.c.source, t.association.c.target,
        t.association.c.fragment, t.folder.c.latest, t.folder.c.status, _source.c.latest,
        _target.c.latest, _target.c.status,
    )
    .select_from(
        t.association.outerjoin(t.folder, t.folder.c.id == t.association.c.source)
        .outerjoin(_source, _source.c.id == t.association.c.source)
        .outerjoin(_target, _target.c.id == t.association.c.target)
    )
    .where(
        # A union of two index searches; an OR of both would read the whole table.
        t.association.c.id.in_(
            union(
                *(
                    select(t.association.c.id).where(any_of(end, bindparam("ids")))
                    for end in (t.association.c.source, t.association.c.target)
                )
            )
        ),
        t.association.c.status == constant(t.APPROVED),
    )
    .order_by(t.association.c.id)
)  # fmt: skip
_HAS_MEMBER_NUMBER = t.ASSOCIATION_TYPE_NUMBERS[HAS_MEMBER.urn]


async def inherited_associations(
    updates: Sequence[VersionUpdate], latest: Mapping[str, Latest], patient: int, transaction: Transaction
) -> tuple[Copy, ...]:
    """What joins the old versions, as it is to join the new ones (MU supplement: 3.57.4.1.3.3.1.3)."""
    updated = {latest[each.logical_id].id: each for each in updates if each.logical_id in latest}
    propagating = [number for number, each in updated.items() if each.propagates]
    if not propagating:
        return ()
    rows = await transaction.fetch(_JOINED, {"ids": propagating})
    return tuple(_copies(rows, updated, latest, patient))


def _copies(
    rows: Sequence[Row], updated: Mapping[int, VersionUpdate], latest: Mapping[str, Latest], patient: int
) -> Iterator[Copy]:
    for type_number, source, target, fragment, *ends in rows:
        folder_latest, folder_status, source_latest, target_latest, target_status = ends
        into_folder = type_number == _HAS_MEMBER_NUMBER
        if into_folder:
            # A SubmissionSet keeps what was submitted with it; only Folders hand their members on.
            stays = (
                bool(folder_latest) and folder_status == t.APPROVED,
                bool(target_latest) and target_status == t.APPROVED,
            )
        else:
            stays = (bool(source_latest), bool(target_latest))
        if into_folder and folder_latest is None:
            continue
        follows = [
            updated[end].propagates if end in updated else stay
            for end, stay in zip((source, target), stays, strict=True)
        ]
        if all(follows):
            moved = [
                latest[updated[end].logical_id].patient != patient if end in updated else None
                for end in (source, target)
            ]
            yield Copy(
                _with_new_ends(fragment, source, target, updated),
                into_folder,
                True in moved and None in moved,
            )


def _with_new_ends(
    fragment: bytes, source: int, target: int, updated: Mapping[int, VersionUpdate]
) -> Association:
    association = read_stored(fragment)
    if not isinstance(association, Association):
        raise TypeError("the fragment of an Association holds something else")
    return replace(
        association,
        source_object=updated[source].obj.entry_uuid if source in updated else association.source_object,
        target_object=updated[target].obj.entry_uuid if target in updated else association.target_object,
    )


_SUPERSEDE = {
    table: Statement(
        update(table)
        .where(any_of(table.c.id, bindparam("ids")))
        .values(latest=False, status=constant(t.DEPRECATED))
    )
    for table in _TABLE_OF.values()
}
_HAND_ON = Statement(
    update(t.registered_unique_id)
    .where(
        t.registered_unique_id.c.unique_id == bindparam("held"),
        t.registered_unique_id.c.id == bindparam("old"),
    )
    .values(id=bindparam("heir"))
)


def superseding(
    updates: Sequence[VersionUpdate], latest: Mapping[str, Latest], numbers: Mapping[str, int]
) -> Iterator[Call]:
    """Make way for the new versions: the old ones are Deprecated, their uniqueIds name the new ones."""
    for kind, table in _TABLE_OF.items():
        old = [latest[each.logical_id].id for each in updates if isinstance(each.obj, kind)]
        if old:
            yield (_SUPERSEDE[table], {"ids": old})
    yield (
        _HAND_ON,
        [
            {
                "held": each.obj.unique_id,
                "old": latest[each.logical_id].id,
                "heir": numbers[each.obj.entry_uuid],
            }
            for each in updates
        ],
    )


def patients_of(latest: Mapping[str, Latest]) -> Collection[int]:
    """Whose records the updates touch."""
    return {each.patient for each in latest.values()}
