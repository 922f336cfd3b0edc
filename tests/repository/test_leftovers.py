"""Documents left pending are kept if the registry knows them and removed if it does not (ITI TF-2: 3.41)."""

from datetime import UTC, datetime, timedelta

import pytest

from ebxml.refused import Refused
from exchange.ports import RegistryUnreachable
from repository import store as store_module
from repository.iti41_provide_and_register_document_set import provide_and_register_document_set
from repository.leftovers import settle_leftovers
from tests.repository.iti41 import (
    HERE,
    SUCCESS,
    Registry,
    blobs_in,
    bytes_of,
    entry,
    numbers,
    provide,
    refusal,
    staged,
    submission,
)

pytestmark = pytest.mark.anyio

# iti41.py stores everything at noon.
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=6)
SHA1_OF_ONE = "fe05bcdcdc4928012781a5f1a2a77cbb5398e106"

NO_ANSWER = RegistryUnreachable("timed out", sent=True)


async def leave(store, *documents) -> None:
    """Provide documents to a registry whose answer is lost."""
    await refusal(store, Registry(NO_ANSWER), *documents)


async def test_what_the_registry_knows_is_kept(store):
    await leave(store, (entry(1), b"one"))
    registry = Registry(known={"2.999.3.1": SHA1_OF_ONE})
    settled = await settle_leftovers(store, registry, LATER)
    assert (settled.registered, settled.removed, settled.disputed) == (1, 0, ())
    assert await bytes_of(store, "2.999.3.1") == b"one"
    assert await settle_leftovers(store, registry, LATER) == type(settled)()
    assert registry.asked == ["2.999.3.1"]


async def test_what_the_registry_does_not_know_is_removed_row_and_bytes(store, tmp_path):
    await leave(store, (entry(1), b"one"), (entry(2), b"two"))
    settled = await settle_leftovers(store, Registry(known={"2.999.3.2": ""}), LATER)
    assert (settled.registered, settled.removed) == (1, 1)
    assert await bytes_of(store, "2.999.3.1") is None
    assert await bytes_of(store, "2.999.3.2") == b"two"
    assert blobs_in(tmp_path) == 1


async def test_what_may_still_be_under_way_is_left_alone(store):
    await leave(store, (entry(1), b"one"))
    registry = Registry()
    assert (await settle_leftovers(store, registry, NOON)).removed == 0
    assert registry.asked == []
    assert await bytes_of(store, "2.999.3.1") == b"one"


async def test_nothing_is_removed_while_the_registry_cannot_be_asked(store):
    await leave(store, (entry(1), b"one"))
    with pytest.raises(RegistryUnreachable):
        await settle_leftovers(store, Registry(NO_ANSWER), LATER)
    assert await bytes_of(store, "2.999.3.1") == b"one"


async def test_available_documents_are_not_asked_about(store):
    assert await provide(store, Registry(), (entry(1), b"one")) == SUCCESS
    registry = Registry()
    await settle_leftovers(store, registry, LATER)
    assert registry.asked == []


async def test_a_document_registered_with_another_hash_waits_for_a_person(store):
    await leave(store, (entry(1), b"one"))
    settled = await settle_leftovers(store, Registry(known={"2.999.3.1": "0" * 40}), LATER)
    assert [one.unique_id for one in settled.disputed] == ["2.999.3.1"]
    assert await bytes_of(store, "2.999.3.1") == b"one"


async def test_every_leftover_is_settled_however_many(store, monkeypatch):
    monkeypatch.setattr(store_module, "BATCH", 2)
    await leave(store, *((entry(number), b"one") for number in range(1, 6)))
    settled = await settle_leftovers(
        store, Registry(known={f"2.999.3.{number}": SHA1_OF_ONE for number in (1, 2, 5)}), LATER
    )
    assert (settled.registered, settled.removed) == (3, 2)


async def test_removing_one_of_two_that_share_a_part_keeps_the_bytes(store, tmp_path):
    """SOAP MTOM: two xop:Include elements may refer to the same part."""
    shared = await staged(store, b"shared")
    with pytest.raises(Refused):
        await provide_and_register_document_set(
            submission(entry(1), entry(2)),
            {"Document01": shared, "Document02": shared},
            store,
            Registry(NO_ANSWER),
            repository_unique_id=HERE,
            clock=lambda: NOON,
            new_uuid=lambda: f"urn:uuid:{next(numbers)}",
        )
    await settle_leftovers(store, Registry(known={"2.999.3.2": ""}), LATER)
    assert await bytes_of(store, "2.999.3.1") is None
    assert await bytes_of(store, "2.999.3.2") == b"shared"
    assert blobs_in(tmp_path) == 1
