"""Which assertions for one use were used already (SAML 2.0 Core: 2.5.1.5)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects.postgresql import insert

from consent_broker.tables import used_assertion
from database import Database, Statement, Transaction
from exchange.ports import Clock

_FORGET = Statement(delete(used_assertion).where(used_assertion.c.until_seconds < bindparam("now")))
# Both databases have this form of INSERT.
_USE = Statement(
    insert(used_assertion)
    .values(key=bindparam("key"), until_seconds=bindparam("until"))
    .on_conflict_do_nothing()
    .returning(used_assertion.c.key)
)


@dataclass(frozen=True, slots=True)
class UsedAssertions:
    """The uses that every process of one database knows of."""

    database: Database
    clock: Clock

    async def first_use(self, key: bytes, until: datetime) -> bool:
        """Note the use; False if it had been noted before."""

        async def note(transaction: Transaction) -> bool:
            await transaction.execute(_FORGET, {"now": int(self.clock().timestamp())})
            use = {"key": key, "until": int(until.timestamp()) + 1}
            return bool(await transaction.fetch(_USE, use))

        return await self.database.transact(note)
