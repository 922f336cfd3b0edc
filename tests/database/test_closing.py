"""What is under way when a database is closed comes to its end first."""

import asyncio

import pytest
from sqlalchemy import literal_column, select

from database import Statement, open_database

pytestmark = pytest.mark.anyio

_ONE = Statement(select(literal_column("1")))


async def test_a_database_closed_right_behind_a_failed_transaction_leaves_nothing_undone(database_url):
    """A command ends so: its work was refused, and it goes."""
    troubles: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
    database = await open_database(database_url)

    async def refuse() -> None:
        async with database.transaction() as transaction:
            await transaction.fetch(_ONE)
            raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await refuse()
    await database.close()
    await asyncio.sleep(0)
    assert troubles == []
