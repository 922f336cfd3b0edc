"""Locks on the records of several patients, for what names objects and no patient."""

from collections.abc import Collection

from sqlalchemy import bindparam, select

from database import Statement, Transaction, any_of
from registry import tables as t

# In the order of their numbers, so that of two requests about the same patients one waits for the other.
_LOCK = Statement(
    select(t.patient.c.id)
    .where(any_of(t.patient.c.id, bindparam("patients")))
    .order_by(t.patient.c.id)
    .with_for_update()
)


async def lock_patients(patients: Collection[int], transaction: Transaction) -> None:
    """Let nobody else change these patients' records before the transaction ends."""
    await transaction.fetch(_LOCK, {"patients": sorted(patients)})
