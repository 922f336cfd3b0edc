"""The patients the registry knows from the identity feed (ITI TF-2: 3.8.4.1.3, 3.44.4.1.3)."""

from collections.abc import Collection

from sqlalchemy import Text, bindparam, exists, insert, select, type_coerce

from database import Statement, Transaction, any_of, constant
from exchange.ports import Clock
from registry.store import RegistryStore
from registry.tables import patient
from registry.times import fourteen_digits

_cx = type_coerce(bindparam("cx"), Text)
_SELECT = Statement(select(patient.c.id).where(patient.c.cx == bindparam("cx"), patient.c.survivor.is_(None)))
_INSERT = Statement(
    insert(patient)
    .inline()
    .from_select(
        ["cx", "last_object", "created"],
        select(_cx, constant(0), bindparam("created", type_=patient.c.created.type)).where(
            ~exists().where(patient.c.cx == _cx)
        ),
    )
)


_CXS = Statement(
    select(patient.c.cx).where(any_of(patient.c.id, bindparam("patients"))).order_by(patient.c.cx)
)


async def add_patient(patient_id: str, store: RegistryStore, clock: Clock) -> None:
    """Know this patient from now on; knowing already is no error, and one merged into another stays so."""
    if await known(patient_id, store):
        return

    async def add(transaction: Transaction) -> None:
        await transaction.execute(_INSERT, {"cx": patient_id, "created": fourteen_digits(clock())})

    await store.change(add)


async def known(patient_id: str, store: RegistryStore) -> bool:
    """Whether objects may be registered for this patient."""
    return bool(await store.database.fetch(_SELECT, {"cx": patient_id}))


async def patient_ids_of(patients: Collection[int], transaction: Transaction) -> tuple[str, ...]:
    """The ids of these patients, by their numbers: whom an audit record has to name."""
    return tuple(row[0] for row in await transaction.fetch(_CXS, {"patients": sorted(patients)}))
