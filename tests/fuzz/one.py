"""Fuzz one target by coverage, until its time is over or it has found something; to be run by `__main__.py`.

python -m tests.fuzz.one TARGET [options of libFuzzer]
"""

import random
import sys

import atheris

from tests.house.tree import ROOMS

# Before any of it is imported, so that every branch of ours is seen.
with atheris.instrument_imports(include=list(ROOMS)):
    from tests.fuzz.mutate import mutate_xml
    from tests.fuzz.targets import TARGETS

# Changes of single bytes find what the parser itself does not expect.
SHARE_OF_XML_CHANGES = 0.8


def main(name: str, *options: str) -> None:
    target = TARGETS[name]

    def change(data: bytes, most_bytes: int, seed: int) -> bytes:
        if random.Random(seed).random() < SHARE_OF_XML_CHANGES and (changed := mutate_xml(data, seed)):
            return changed[:most_bytes]
        mutated: bytes = atheris.Mutate(data, most_bytes)
        return mutated

    with target.open() as take:
        atheris.Setup(["fuzz", *options], take, **({"custom_mutator": change} if target.xml else {}))
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
