"""Merging one patient's record into another's, and taking it back (ITI TF-2: 3.8.4.2, 3.44.4.2).

Objects move: `patient` and the patientId of their elements become the survivor's, so that every query goes
on by one index. What was moved needs no list, for an object's id tells under whom it was registered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from database import ConflictingWrite, Statement, Transaction, any_of
from exchange.ports import CannotMerge, Obstacle
from registry import tables as t
from registry.moving import joined_to_others, move
from registry.store import RegistryStore


class NotMerged(Exception):
    """A merge that cannot be taken back, because there is none."""


@dataclass(frozen=True, slots=True)
class Unmerged:
    """What taking a merge back has moved.

    `joined` counts the Associations between the restored objects and those of others: what was submitted for
    the survivor in the meantime stays his, even where it replaces or appends to what is restored.
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
        await move(await _family(gone.id, transaction), gone.id, stays.id, surviving, transaction)

    await store.database.transact(merge)


async def undo(subsumed: str, surviving: str, store: RegistryStore) -> Unmerged:
    """Take a merge back: the subsumed patient has again what he brought along, or raise NotMerged."""

    async def unmerge(transaction: Transaction) -> Unmerged:
        # Whoever was merged into the survivor's own survivor holds the objects now.
        above = [row[0] for row in await transaction.fetch(_CHAIN, {"cx": subsumed})]
        patients = await _lock((subsumed, surviving, *above), transaction)
        if not _merged_into(patients, subsumed, surviving):
            raise NotMerged(f"{subsumed} is not merged into {surviving}")
        restored, holder = patients[subsumed], _holder(patients, subsumed)
        await transaction.execute(_LINK, {"number": restored.id, "into": None})
        family = await _family(restored.id, transaction)
        moved = await move(family, holder.id, restored.id, subsumed, transaction)
        return Unmerged(moved, await joined_to_others(family, transaction))

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
_below = select(t.patient.c.id).where(t.patient.c.id == bindparam("number")).cte("below", recursive=True)
_below = _below.union(select(t.patient.c.id).join(_below, t.patient.c.survivor == _below.c.id))
_FAMILY = Statement(select(_below.c.id))


async def _lock(cxs: Sequence[str], transaction: Transaction) -> dict[str, _Patient]:
    return {row[1]: _Patient(*row) for row in await transaction.fetch(_LOCK, {"cxs": sorted(set(cxs))})}


async def _family(patient: int, transaction: Transaction) -> list[int]:
    """This patient and all who were merged into him, at any remove."""
    return sorted(row[0] for row in await transaction.fetch(_FAMILY, {"number": patient}))


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
