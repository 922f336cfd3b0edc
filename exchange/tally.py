"""How many requests were answered and how many recorded, counted apart (ITI TF-2: 3.20)."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counts since this process began; a record precedes its answer, so `recorded` is never the smaller.

    `lost` are of them what could not be kept where answers may leave all the same. `under_way` are now being
    worked on, with all their bytes there: their records are about to come.
    """

    answered: int = 0
    recorded: int = 0
    lost: int = 0
    under_way: int = 0
