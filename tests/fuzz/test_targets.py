"""Each reader withstands what it usually reads, what was changed in it, and what fuzzing ever found."""

import random
from collections.abc import Iterator

import pytest

from tests.fuzz.__main__ import FOUND
from tests.fuzz.mutate import mutate_xml
from tests.fuzz.targets import TARGETS, Target

# Enough to notice a target that does nothing; `make fuzz` tries many thousands.
CHANGED = 20


def changed(target: Target) -> Iterator[bytes]:
    """The same changes each time."""
    choices = random.Random(1)
    seeds = list(target.seeds())
    for number in range(CHANGED):
        seed = choices.choice(seeds)
        if target.xml:
            yield mutate_xml(seed, number) or seed
        else:
            at = choices.randrange(len(seed))
            yield seed[:at] + choices.randbytes(choices.randint(0, 3)) + seed[at + choices.randint(0, 3) :]


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_withstands_what_nobody_would_send(name):
    target = TARGETS[name]
    with target.open() as take:
        for data in (*target.seeds(), *changed(target)):
            take(data)


def test_what_fuzzing_found_is_withstood_for_ever():
    """Each find is a file in `found`, by the name of its target."""
    for name, target in TARGETS.items():
        if finds := sorted((FOUND / name).glob("*")):
            with target.open() as take:
                for find in finds:
                    take(find.read_bytes())
