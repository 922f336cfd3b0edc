"""An assertion for one use is used once, whichever process sees it (SAML 2.0 Core: 2.5.1.5)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from consent_broker.one_time_use import UsedAssertions
from consent_broker.tables import used_assertion
from database import Statement, open_database

pytestmark = pytest.mark.anyio

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COUNT = Statement(select(func.count()).select_from(used_assertion))


async def test_of_many_uses_at_once_one_is_the_first(migrated_database_url):
    one, other = await open_database(migrated_database_url), await open_database(migrated_database_url)
    try:
        processes = [UsedAssertions(database, lambda: NOW) for database in (one, other)] * 4
        uses = await asyncio.gather(*(each.first_use(b"a" * 32, NOW + MINUTE) for each in processes))
        assert sorted(uses) == [False] * 7 + [True]
        assert await processes[0].first_use(b"b" * 32, NOW + MINUTE)
    finally:
        await one.close()
        await other.close()


async def test_what_has_expired_is_forgotten(migrated_database_url):
    database = await open_database(migrated_database_url)
    try:
        times = [NOW + minutes * MINUTE for minutes in range(0, 10, 2)]
        clock = iter(times)
        uses = UsedAssertions(database, lambda: next(clock))
        for number, at in enumerate(times):
            assert await uses.first_use(number.to_bytes(32), at + MINUTE)
        ((rows,),) = await database.fetch(COUNT)
        assert rows == 1
    finally:
        await database.close()
