"""A registry of its own for each test, on each database, with a clock and ids that repeat."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from database import Limits, open_database
from ebxml.model import RegistryResponse, StoredQueryCriteria, Submission
from ihe.stored_queries import StoredQuery
from registry.iti18_registry_stored_query import (
    DEFAULT_LIMITS,
    QueryLimits,
    StoredQueryResult,
    registry_stored_query,
)
from registry.iti42_register_document_set import register_document_set
from registry.patients import add_patient
from registry.store import RegistryStore
from tests.messages.registry_objects import OTHER_PATIENT, PATIENT


class Registry:
    """The two transactions under test, each with one call; a second passes at each registration."""

    def __init__(self, store: RegistryStore) -> None:
        self.store = store
        self.now = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
        self._uuids = count(1)

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def new_uuid(self) -> str:
        return f"urn:uuid:00000000-0000-4000-8000-{next(self._uuids):012x}"

    async def register(self, submission: Submission) -> RegistryResponse:
        return await register_document_set(submission, self.store, self.clock, self.new_uuid)

    async def ask(
        self, query: StoredQuery, *, leaf_class: bool = True, limits: QueryLimits = DEFAULT_LIMITS, **values
    ) -> StoredQueryResult:
        """Parameters without their `$`; a value is one list, `[[...], [...]]` a Slot given twice."""
        criteria = StoredQueryCriteria(
            query=query,
            leaf_class=leaf_class,
            values={f"${slot}": _lists(value) for slot, value in values.items()},
        )
        return await registry_stored_query(criteria, self.store, limits)

    async def found(self, query: StoredQuery, **values) -> list[str]:
        """The entryUUIDs of the answer, the same for both return types and streamed, none of them twice."""
        answers = [await self.ask(query, leaf_class=leaf, **values) for leaf in (False, True)]
        references, elements = (
            sorted(attribute("id", each) for each in answer.objects) for answer in answers
        )
        assert references == elements
        if len(references) > 1:
            for leaf, answer in zip((False, True), answers, strict=True):
                limits = QueryLimits(objects_at_once=1)
                streamed = await self.ask(query, leaf_class=leaf, limits=limits, **values)
                assert streamed.patient_ids == answer.patient_ids
                assert streamed.later
                pieces = b"".join([piece async for piece in streamed.later])
                assert all(each in pieces for each in answer.objects)
                assert len(pieces) == sum(map(len, answer.objects))
        assert len(set(references)) == len(references)
        return references


def attribute(name: str, element: bytes) -> str:
    """An XML attribute of an answer's element itself."""
    start_tag = element.partition(b">")[0].decode()
    found = re.search(f' {name}="([^"]*)"', start_tag)
    assert found is not None
    return found[1]


def _lists(value) -> tuple[tuple[object, ...], ...]:
    if not isinstance(value, list):
        return ((value,),)
    repeated = value and isinstance(value[0], list)
    return tuple(tuple(each) for each in (value if repeated else [value]))


@pytest.fixture
async def registry(migrated_database_url: str) -> AsyncIterator[Registry]:
    database = await open_database(migrated_database_url, Limits(connections=4))
    registry = Registry(RegistryStore(database))
    for patient_id in (PATIENT, OTHER_PATIENT):
        await add_patient(patient_id, registry.store, registry.clock)
    yield registry
    await database.close()
