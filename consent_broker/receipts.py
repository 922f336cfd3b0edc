"""The outbox of receipts: each change made elsewhere than by a consent document owes one (docs/consent.md).

A row is written by the transaction that makes the change, and stays when its document is in the record. What
the document says is all in the row, so that it comes out the same however often it is begun.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update

from consent_broker.model import Party, PartyKind
from consent_broker.tables import consent_receipt
from consent_broker.times import moment, seconds_of
from database import Database, Statement, Transaction

# Of several processes one writes a receipt; whoever was cut off, or refused, is followed after so long.
AGAIN_AFTER = timedelta(seconds=30)
# One round; the next one follows at once.
MAX_RECEIPTS = 100

Changed = Mapping[str, Any]
"""What changed, as JSON: a status, or directives that were given or ended (`receipt_texts.py`)."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A change of a patient's, as its document tells it; `tried` if somebody may have written that."""

    number: int
    patient: str
    at: datetime
    by: str
    changed: Changed
    tried: bool

    @property
    def parties(self) -> frozenset[Party]:
        """Everyone of whom it tells."""
        rows = (*self.changed.get("given", ()), *self.changed.get("ended", ()))
        return frozenset(Party(PartyKind(kind), id_) for _, kind, id_, *_ in rows if kind)


async def owe(patient: str, changed: Changed, at: datetime, by: str, transaction: Transaction) -> None:
    """Owe the receipt of a change, in the change's own transaction."""
    row = {"patient": patient, "changed": json.dumps(changed), "made": seconds_of(at), "made_by": by}
    await transaction.execute(_OWE, {**row, "tried": None, "written": None})


@dataclass(frozen=True, slots=True)
class Receipts:
    """The outbox on its table."""

    database: Database

    async def due(self, at: datetime) -> tuple[Receipt, ...]:
        """What is to be written and nobody is at, the oldest first."""
        rows = await self.database.fetch(_DUE, {"before": seconds_of(at - AGAIN_AFTER)})
        return tuple(
            Receipt(
                number,
                patient,
                moment(made),
                by,
                json.loads(changed),
                tried is not None,
            )
            for number, patient, changed, made, by, tried in rows
        )

    async def take(self, receipt: Receipt, at: datetime) -> bool:
        """Whether it is ours to write now; nobody else takes it until `AGAIN_AFTER`."""
        wanted = {"number": receipt.number, "at": seconds_of(at), "before": seconds_of(at - AGAIN_AFTER)}
        return bool(await self.database.transact(lambda transaction: transaction.fetch(_TAKE, wanted)))

    async def written(self, receipt: Receipt, at: datetime) -> None:
        """Its document is in the record."""
        row = {"number": receipt.number, "at": seconds_of(at)}
        await self.database.transact(lambda transaction: transaction.execute(_WRITTEN, row))


_c = consent_receipt.c
_nobody_is_at = (_c.written.is_(None), or_(_c.tried.is_(None), _c.tried <= bindparam("before")))
_OWE = Statement(
    insert(consent_receipt)
    .inline()
    .values({column.name: bindparam(column.name) for column in _c if column.name != "id"})
)
_DUE = Statement(
    select(_c.id, _c.patient, _c.changed, _c.made, _c.made_by, _c.tried)
    .where(*_nobody_is_at)
    .order_by(_c.id)
    .limit(MAX_RECEIPTS)
)
_TAKE = Statement(
    update(consent_receipt)
    .where(_c.id == bindparam("number"), *_nobody_is_at)
    .values(tried=bindparam("at"))
    .returning(_c.id)
)
_WRITTEN = Statement(
    update(consent_receipt).where(_c.id == bindparam("number")).values(written=bindparam("at"))
)
