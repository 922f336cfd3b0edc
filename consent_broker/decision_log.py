"""Counts of decisions by profession, specialty and right: enough to try another access matrix on."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects.postgresql import insert

from consent_broker.model import Asker, Right
from consent_broker.tables import decision_count
from database import Database, DatabaseError, Statement, Transaction

# Decisions are counted in memory and written together; a process that is killed loses those since then.
WRITTEN_AFTER = timedelta(minutes=1)
# Of each profession and specialty of the country at once; whoever makes up more is not counted.
MAX_KINDS = 10_000
# Over a year, so that each season is in it.
KEPT = timedelta(days=400)

Kind = tuple[str, str, str, str]


@dataclass(slots=True)
class DecisionLog:
    """What one process has decided since it last wrote."""

    database: Database
    counts: dict[Kind, int] = field(default_factory=dict)
    written: datetime | None = None
    known: set[Kind] = field(default_factory=set)

    async def note(self, asker: Asker, right: Right, at: datetime) -> None:
        """Count a decision about a professional; written at times, and never in the way of an answer."""
        kind = (at.date().isoformat(), "|".join(asker.profession), "|".join(asker.specialty), right.value)
        is_new = kind not in self.known
        if is_new and len(self.known) >= MAX_KINDS:
            return
        self.known.add(kind)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if is_new or self.written is None or at - self.written >= WRITTEN_AFTER:
            self.written = at
            await self.write(at)

    async def write(self, at: datetime) -> None:
        """Add what was counted to the table, and forget what is too old."""
        counts, self.counts = self.counts, {}
        today = at.date().isoformat()
        self.known = {kind for kind in self.known if kind[0] == today}
        names = ("day", "profession", "specialty", "allows")
        rows = [{**dict(zip(names, kind, strict=True)), "decisions": count} for kind, count in counts.items()]

        async def put(transaction: Transaction) -> None:
            await transaction.execute(_COUNT, rows)
            await transaction.execute(_FORGET, {"before": (at - KEPT).date().isoformat()})

        try:
            await self.database.transact(put)
        except DatabaseError:
            for kind, count in counts.items():
                self.counts[kind] = self.counts.get(kind, 0) + count


_new = (
    insert(decision_count)
    .inline()
    .values({column.name: bindparam(column.name) for column in decision_count.c})
)
# Both databases have this form of INSERT.
_COUNT = Statement(
    _new.on_conflict_do_update(
        index_elements=[column.name for column in decision_count.primary_key],
        set_={"decisions": decision_count.c.decisions + _new.excluded.decisions},
    )
)
_FORGET = Statement(delete(decision_count).where(decision_count.c.day < bindparam("before")))
