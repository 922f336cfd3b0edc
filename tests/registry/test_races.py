"""Of two requests at once that exclude each other one is done, and the other told why (ITI TF-2: 3.42)."""

import asyncio

import pytest

from ebxml.model import RemoveObjectsRequest
from ebxml.refused import Refused
from ihe import stored_queries as q
from registry.iti57_update_document_set import update_document_set
from registry.iti62_remove_metadata import remove_metadata
from tests.messages.registry_objects import RPLC, association, document_entry, submission
from tests.messages.updates import status_change, update
from tests.registry.updating import A2, A3, ENTRY, SECOND, A, B, C, find, version_of

pytestmark = pytest.mark.anyio

S = "urn:uuid:55555555-0000-4000-8000-000000000005"


@pytest.fixture
async def of_set(registry):
    """A registered by S: the ids of all that came with it."""
    await registry.register(submission(ENTRY, entry_uuid=S))
    return await registry.found(q.GET_ASSOCIATIONS, uuid=[S])


async def outcome(work):
    """ "done", or the codes of its refusal."""
    try:
        await work
    except Refused as refused:
        return [error.code for error in refused.errors]
    return "done"


def replacement(registry, entry):
    return registry.register(submission(entry, associations=[association(RPLC, entry.entry_uuid, A)]))


def new_version(registry, entry_uuid):
    request = update(version_of(ENTRY, entry_uuid))
    return update_document_set(request, registry.store, registry.clock, registry.new_uuid)


def withdrawal(registry):
    request = update(associations=(status_change(A),))
    return update_document_set(request, registry.store, registry.clock, registry.new_uuid)


def removal(registry, of_set):
    return remove_metadata(RemoveObjectsRequest((S, A, *of_set)), registry.store)


async def race(first, second, turned):
    works = [outcome(second), outcome(first)] if turned else [outcome(first), outcome(second)]
    outcomes = await asyncio.gather(*works)
    return outcomes[::-1] if turned else outcomes


either_way = pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])


@either_way
async def test_two_replacements(registry, of_set, turned):
    """ITI TF-3: 4.2.2.2.3: the one that is second meets a Deprecated document."""
    other = document_entry(C)
    outcomes = await race(replacement(registry, SECOND), replacement(registry, other), turned)
    assert sorted(outcomes, key=str) == [["XDSRegistryDeprecatedDocumentError"], "done"]
    assert await find(registry) == ([B] if outcomes[0] == "done" else [C])


@either_way
async def test_two_updates(registry, of_set, turned):
    """MU supplement: 3.57.4.1.3.3.1: the one that is second has not seen the first."""
    outcomes = await race(new_version(registry, A2), new_version(registry, A3), turned)
    assert sorted(outcomes, key=str) == [["XDSMetadataVersionError"], "done"]
    assert await find(registry) == ([A2] if outcomes[0] == "done" else [A3])


@either_way
async def test_two_withdrawals(registry, of_set, turned):
    """MU supplement: 3.57.4.1.3.3.3: the status is no longer what the second one says."""
    outcomes = await race(withdrawal(registry), withdrawal(registry), turned)
    assert sorted(outcomes, key=str) == [["XDSMetadataUpdateError"], "done"]
    assert await find(registry) == []


@either_way
async def test_a_replacement_and_a_removal(registry, of_set, turned):
    """RMD supplement: 3.62.4.1.3: what is gone is not replaced, what is replaced is still referred to."""
    outcomes = await race(replacement(registry, SECOND), removal(registry, of_set), turned)
    assert outcomes in (["done", ["ReferencesExistException"]], [["UnresolvedReferenceException"], "done"])
    assert await find(registry) == ([B] if outcomes[0] == "done" else [])


@either_way
async def test_a_replacement_and_an_update(registry, of_set, turned):
    """MU supplement: 3.57.4.1.3.3.1: the old version is Deprecated, whoever comes first."""
    outcomes = await race(replacement(registry, SECOND), new_version(registry, A2), turned)
    assert outcomes in (
        ["done", ["XDSMetadataUpdateError"]],
        [["XDSRegistryDeprecatedDocumentError"], "done"],
    )
    assert await find(registry) == ([B] if outcomes[0] == "done" else [A2])


@either_way
async def test_an_update_and_a_removal(registry, of_set, turned):
    """RMD supplement: 3.62.4.1.3: what is gone has no further version; what has one may go."""
    outcomes = await race(new_version(registry, A2), removal(registry, of_set), turned)
    assert outcomes in (["done", "done"], [["XDSMetadataVersionError"], "done"])
    assert await find(registry) == ([A2] if outcomes[0] == "done" else [])
