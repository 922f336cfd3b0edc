"""Every stored query in SQL against the same rules in plain Python (ITI TF-2: 3.18.4.1.2.3.7, 3.51.4.1.2.3).

`tests/messages/query_oracle.py` says what is right.
"""

import re
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ebxml.model import StoredQueryCriteria
from ebxml.refused import Refused
from hl7v2.datatypes import DTM
from ihe import stored_queries as q
from ihe.stored_queries import STORED_QUERIES
from registry.iti18_registry_stored_query import QueryLimits, registry_stored_query
from tests.messages.query_oracle import Held, expected_answer
from tests.messages.random_stores import PATIENTS, fill, questions, stores, uuid
from tests.messages.registry_objects import folder

pytestmark = pytest.mark.anyio


async def check(registry, objects, query, asked) -> None:
    await fill(registry, objects)
    for values in asked:
        expected = expected_answer(query.name, objects, values)
        for leaf_class in (False, True):
            criteria = StoredQueryCriteria(
                query=query,
                leaf_class=leaf_class,
                values={slot: tuple(map(tuple, lists)) for slot, lists in values.items()},
            )
            patients = {one.patient_id for one in expected if one.kind != "A"}
            if leaf_class and query.single_patient and len(patients) > 1:
                with pytest.raises(Refused) as refused:
                    await registry_stored_query(criteria, registry.store)
                assert refused.value.errors[0].code == "XDSResultNotSinglePatient"
                continue
            answer = await registry_stored_query(criteria, registry.store, QueryLimits(objects_at_once=99))
            found = sorted(attribute("id", each) for each in answer.objects)
            assert found == sorted(one.uuid for one in expected), values
            if leaf_class:
                states = {attribute("id", each): attribute("status", each) for each in answer.objects}
                assert states == {one.uuid: one.status for one in expected}


def attribute(name: str, element: bytes) -> str:
    """An XML attribute of an answer's element itself."""
    found = re.search(f' {name}="([^"]*)"', element.partition(b">")[0].decode())
    assert found
    return found[1]


QUERIES = pytest.mark.parametrize("query", STORED_QUERIES.values(), ids=lambda query: query.name)
quietly = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@QUERIES
@pytest.mark.parametrize("migrated_database_url", ["sqlite"], indirect=True)
@settings(max_examples=20, suppress_health_check=quietly)
@given(stores(), st.integers(0, 1_000_000))
async def test_sqlite_finds_what_the_rules_find(registry, query, objects, seed):
    await check(registry, objects, query, questions(query, Random(seed)))


@QUERIES
@pytest.mark.parametrize("migrated_database_url", ["postgresql"], indirect=True)
@settings(max_examples=4, suppress_health_check=quietly)
@given(stores(), st.integers(0, 1_000_000))
async def test_postgresql_finds_what_the_rules_find(registry, query, objects, seed):
    await check(registry, objects, query, questions(query, Random(seed)))


async def test_every_version_of_a_folder_is_found_by_its_unique_id(registry):
    """ITI TF-2: 3.18.4.1.2.3.7.6 at metadata level 2, and the newest alone at level 1."""
    shared = {"unique_id": "2.999.1", "logical_id": uuid(1), "last_update_time": DTM("20240101000000")}
    versions = [Held("F", folder(uuid(n), **shared), PATIENTS[0], latest=n == 2) for n in (1, 2)]
    await fill(registry, versions)
    by_unique_id = {"XDSFolderUniqueId": ["2.999.1"]}
    assert await registry.found(q.GET_FOLDERS, **by_unique_id) == [uuid(2)]
    assert await registry.found(q.GET_FOLDERS, **by_unique_id, MetadataLevel="2") == [uuid(1), uuid(2)]
