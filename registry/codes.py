"""Codes as integers: each (code, scheme) pair is stored once (ITI TF-3: 4.2.3.1.2)."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Text, bindparam, exists, insert, select, type_coerce

from database import Database, Statement, any_of
from registry.tables import code

Pair = tuple[str, str]

# The codes an affinity domain uses, several times over; a domain without value sets may have more.
KNOWN_CODES = 50_000

_SELECT = Statement(
    select(code.c.code, code.c.scheme, code.c.id).where(
        any_of(code.c.code, bindparam("codes")), any_of(code.c.scheme, bindparam("schemes"))
    )
)
_pair = (type_coerce(bindparam("code"), Text), type_coerce(bindparam("scheme"), Text))
_INSERT = Statement(
    insert(code)
    .inline()
    .from_select(
        ["code", "scheme"],
        select(*_pair).where(~exists().where(code.c.code == _pair[0], code.c.scheme == _pair[1])),
    )
)


class Codes:
    """Numbers of codes; a number once given stays, so what is known here needs no second look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[Pair, int] = OrderedDict()

    async def find(self, pairs: Collection[Pair]) -> Mapping[Pair, int]:
        """The numbers of those codes that any object was ever registered with."""
        found = {pair: self._known[pair] for pair in pairs if pair in self._known}
        if missing := set(pairs) - found.keys():
            rows = await self._database.fetch(_SELECT, _lists(missing))
            # The two lists also match a code of one pair with the scheme of another.
            learnt = {(text, scheme): number for text, scheme, number in rows if (text, scheme) in missing}
            self._known.update(learnt)
            while len(self._known) > KNOWN_CODES:
                self._known.popitem(last=False)
            found.update(learnt)
        return found

    async def intern(self, pairs: Collection[Pair]) -> Mapping[Pair, int]:
        """The numbers of all these codes; new ones are stored at once, whatever becomes of the submission."""
        found = await self.find(pairs)
        if new := sorted(set(pairs) - found.keys()):
            await self._database.transact(lambda transaction: transaction.execute(_INSERT, _rows(new)))
            found = await self.find(pairs)
        return found


def _lists(pairs: Collection[Pair]) -> dict[str, object]:
    return {"codes": [pair[0] for pair in pairs], "schemes": [pair[1] for pair in pairs]}


def _rows(pairs: Iterable[Pair]) -> list[dict[str, object]]:
    return [{"code": text, "scheme": scheme} for text, scheme in pairs]
