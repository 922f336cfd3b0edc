"""Codes as numbers (ITI TF-3: 4.2.3.1.2)."""

import asyncio

import pytest

from registry.codes import Codes

pytestmark = pytest.mark.anyio

A1, A2, B2 = ("A", "1"), ("A", "2"), ("B", "2")


async def test_a_code_keeps_its_number_for_every_process(registry):
    codes, elsewhere = Codes(registry.store.database), Codes(registry.store.database)
    numbers = await codes.intern([A1, B2])
    assert len(set(numbers.values())) == 2
    assert await elsewhere.intern([B2, A1]) == numbers
    assert await codes.find([A1]) == {A1: numbers[A1]}


async def test_a_code_that_was_never_registered_has_no_number(registry):
    codes = Codes(registry.store.database)
    await codes.intern([A1, B2])
    assert await codes.find([A2]) == {}


async def test_processes_that_meet_new_codes_together_agree(registry):
    met = await asyncio.gather(*(Codes(registry.store.database).intern([A1, A2, B2]) for _ in range(6)))
    assert all(numbers == met[0] for numbers in met)
    assert len(met[0]) == 3


async def test_more_codes_than_are_kept_are_still_found(registry, monkeypatch):
    monkeypatch.setattr("registry.codes.KNOWN_CODES", 2)
    codes = Codes(registry.store.database)
    many = [(str(n), "1") for n in range(9)]
    numbers = await codes.intern(many)
    assert len(numbers) == 9
    assert await codes.find(many) == numbers
