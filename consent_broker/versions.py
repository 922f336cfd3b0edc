"""How often what holds for a record has changed, so that nobody decides by what holds no longer."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from consent_broker.tables import consent_version
from database import Database, Statement, Transaction

# The version by which the change under way was decided; each request runs in a context of its own.
_known: ContextVar[int | None] = ContextVar("known", default=None)


class Stale(Exception):
    """What holds has changed since the version by which this was decided."""


@contextmanager
def only_at(version: int | None) -> Iterator[None]:
    """Make the changes in this block only if nobody makes one before them; None is at any version."""
    token = _known.set(version)
    try:
        yield
    finally:
        _known.reset(token)


async def version_of(patient: str, database: Database) -> int:
    """How often something has changed."""
    rows = await database.fetch(_VERSION, {"patient": patient})
    return int(rows[0][0]) if rows else 0


async def count_change(patient: str, transaction: Transaction) -> None:
    """Count one more, in the change's own transaction: until its end no other of this patient begins."""
    ((version,),) = await transaction.fetch(_COUNT, {"patient": patient})
    known = _known.get()
    if known is None:
        return
    if version != known + 1:
        raise Stale
    _known.set(version)


_VERSION = Statement(
    select(consent_version.c.version).where(consent_version.c.patient == bindparam("patient"))
)
# Both databases have this form of INSERT.
_COUNT = Statement(
    insert(consent_version)
    .values(patient=bindparam("patient"), version=1)
    .on_conflict_do_update(index_elements=["patient"], set_={"version": consent_version.c.version + 1})
    .returning(consent_version.c.version)
)
