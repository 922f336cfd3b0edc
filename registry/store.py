"""What the registry's transactions work on: the database, and the codes it has already met."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from database import Database, Transaction
from exchange.pledge import due
from registry.codes import Codes

Result = TypeVar("Result")


class RegistryStore:
    """One for each process, shared by all its requests."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.codes = Codes(database)

    async def change(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Do in one transaction what the request under way asks for, with the pledge of its record."""
        return await self.database.transact(work, due())
