"""What the registry's transactions work on: the database, and the codes it has already met."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from database import Database, Parameters, Row, Statement, Transaction
from exchange.pledge import due
from exchange.standing import decided_by
from registry.codes import Codes

Result = TypeVar("Result")


class RegistryStore:
    """One for each process, shared by all its requests."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.codes = Codes(database)

    async def look_up(self, statement: Statement, parameters: Parameters) -> list[Row]:
        """The rows of a statement; behind it, it is asked whether what this was decided by still stands."""
        standing = decided_by()
        if standing is None:
            return await self.database.fetch(statement, parameters)
        rows, standing.rows = await self.database.fetch_each((statement, parameters), standing.call)
        return rows

    def look_further(self) -> None:
        """More is read: whether it still stands is to be asked behind that."""
        if standing := decided_by():
            standing.rows = None

    async def change(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Do in one transaction what the request under way asks for, with the pledge of its record."""
        return await self.database.transact(work, due())
