"""Merging one patient's record into another's, and taking it back (ITI TF-2: 3.8.4.2, 3.44.4.2).

Objects move: `patient` and the patientId of their elements become the survivor's, so that every query goes
on by one index. What was moved needs no list, for an object's id tells whose record it continues, also if
that was registered since: `registry.numbering` has the rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from database import ConflictingWrite, Statement, Transaction, any_of
from exchange.ports import CannotMerge, Clock, NewUuid, Obstacle
from registry import tables as t
from registry.folders import touch_folders
from registry.moving import joined_to_others, move, part
from registry.numbering import family_of
from registry.store import RegistryStore
from registry.times import fourteen_digits


class NotMerged(Exception):
    """A merge that cannot be taken back, because there is none."""


@dataclass(frozen=True, slots=True)
class Unmerged:
    """What taking a merge back has moved.

    `joined` counts the Associations between the restored objects and those of others, made in the meantime.
    """

    objects: int
    joined: int


async def merge_patients(subsumed: str, surviving: str, store: RegistryStore) -> None:
    """Let everything of the subsumed patient be the survivor's, or raise CannotMerge.

    The same merge once more is no error: its sender did not hear that it was made.
    """

    async def merge(transaction: Transaction) -> None:
        patients = await _lock((subsumed, surviving), transaction)
        if _merged_into(patients, subsumed, surviving):
            return
        if obstacle := _obstacle(patients, subsumed, surviving):
            raise CannotMerge(obstacle)
        gone, stays = patients[subsumed], patients[surviving]
        await transaction.execute(_LINK, {"number": gone.id, "into": stays.id})
        await move(await family_of(gone.id, transaction), gone.id, stays.id, surviving, transaction)

    await store.change(merge)


async def undo(
    subsumed: str, surviving: str, store: RegistryStore, clock: Clock, new_uuid: NewUuid
) -> Unmerged:
    """Take a merge back, or raise NotMerged.

    The subsumed patient has again what he brought along, and what continues it: later versions of the same
    logicalID, and replacements, transformations, addenda, signatures and snapshots of these documents alone,
    with their Associations, and their SubmissionSets where these hold nothing else. All else that was
    submitted in the meantime stays the survivor's. Associations that would join the two records are
    Deprecated, and Folders that lose a member by that say so; what a SubmissionSet of both holds is not
    changed, for it is what was submitted.
    """
    now = fourteen_digits(clock())

    async def unmerge(transaction: Transaction) -> Unmerged:
        # Whoever was merged into the survivor's own survivor holds the objects now.
        above = [row[0] for row in await transaction.fetch(_CHAIN, {"cx": subsumed})]
        patients = await _lock((subsumed, surviving, *above), transaction)
        if not _merged_into(patients, subsumed, surviving):
            raise NotMerged(f"{subsumed} is not merged into {surviving}")
        restored, holder = patients[subsumed], _holder(patients, subsumed)
        await transaction.execute(_LINK, {"number": restored.id, "into": None})
        family = await family_of(restored.id, transaction)
        moved = await move(family, holder.id, restored.id, subsumed, transaction)
        joined = await joined_to_others(family, transaction)
        if folders := await part(joined, transaction):
            await touch_folders(folders, now, transaction, new_uuid)
        return Unmerged(moved, len(joined))

    return await store.database.transact(unmerge)


@dataclass(frozen=True, slots=True)
class _Patient:
    id: int
    cx: str
    survivor: int | None


# In the order of their numbers, so that of two merges of the same patients one waits for the other.
_LOCK = Statement(
    select(t.patient.c.id, t.patient.c.cx, t.patient.c.survivor)
    .where(any_of(t.patient.c.cx, bindparam("cxs")))
    .order_by(t.patient.c.id)
    .with_for_update()
)
_LINK = Statement(
    update(t.patient).where(t.patient.c.id == bindparam("number")).values(survivor=bindparam("into"))
)
_above = (
    select(t.patient.c.cx, t.patient.c.survivor)
    .where(t.patient.c.cx == bindparam("cx"))
    .cte("above", recursive=True)
)
_above = _above.union(
    select(t.patient.c.cx, t.patient.c.survivor).join(_above, t.patient.c.id == _above.c.survivor)
)
_CHAIN = Statement(select(_above.c.cx))


async def _lock(cxs: Sequence[str], transaction: Transaction) -> dict[str, _Patient]:
    return {row[1]: _Patient(*row) for row in await transaction.fetch(_LOCK, {"cxs": sorted(set(cxs))})}


def _merged_into(patients: dict[str, _Patient], subsumed: str, surviving: str) -> bool:
    gone, stays = patients.get(subsumed), patients.get(surviving)
    return gone is not None and stays is not None and gone.survivor == stays.id


def _obstacle(patients: dict[str, _Patient], subsumed: str, surviving: str) -> Obstacle | None:
    gone, stays = patients.get(subsumed), patients.get(surviving)
    if subsumed == surviving:
        return Obstacle.SAME_PATIENT
    if gone is None:
        return Obstacle.SUBSUMED_UNKNOWN
    if gone.survivor is not None:
        return Obstacle.SUBSUMED_ALREADY
    if stays is None:
        return Obstacle.SURVIVING_UNKNOWN
    return None if stays.survivor is None else Obstacle.SURVIVING_SUBSUMED


def _holder(patients: dict[str, _Patient], subsumed: str) -> _Patient:
    """The last of the chain of survivors; if it grew before it was locked, the work begins again."""
    by_number = {each.id: each for each in patients.values()}
    holder = patients[subsumed]
    while holder.survivor is not None:
        if holder.survivor not in by_number:
            raise ConflictingWrite("the patients were merged further")
        holder = by_number[holder.survivor]
    return holder
