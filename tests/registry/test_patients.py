"""The patients known from the identity feed (ITI TF-2: 3.8.4.1.3)."""

import asyncio

import pytest

from registry.patients import add_patient, known

pytestmark = pytest.mark.anyio

PATIENT = "new^^^&2.999.3&ISO"


async def test_a_patient_is_known_once_added_and_may_be_added_again(registry):
    """ITI TF-2: 3.8.4.1.3; a feed repeats itself, also at the same moment."""
    assert not await known(PATIENT, registry.store)
    await asyncio.gather(*(add_patient(PATIENT, registry.store, registry.clock) for _ in range(5)))
    assert await known(PATIENT, registry.store)


async def test_an_id_is_compared_character_by_character(registry):
    """ITI TF-2: Appendix F."""
    await add_patient(PATIENT, registry.store, registry.clock)
    assert not await known("NEW^^^&2.999.3&ISO", registry.store)
    assert not await known("new^^^&2.999.3&ISO ", registry.store)
