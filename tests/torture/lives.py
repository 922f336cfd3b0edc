"""One life of a server after the other, each ended by SIGKILL; between them everything is looked at."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.platform import OPEN_DOMAIN, Platform, running
from tests.torture import judge
from tests.torture.clients import Client, Document

CLIENTS = 4
# From before the first answer to after some dozens: every instant of a submission is met.
KILLED_AFTER_SECONDS = (0.0, 2.0)
# A record is dropped after so many lives: it was looked at often, and its queries stay quick.
LIVES_OF_A_PATIENT = 5
# The commands of a sweep take as long as a whole life.
LIVES_BETWEEN_SWEEPS = 10
JOIN_SECONDS = 60


@dataclass
class Summary:
    """What was done, what was answered, and everything that was wrong."""

    kills: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        answers = ", ".join(f"{count} {name}" for name, count in sorted(self.answered.items()))
        head = (
            f"{self.kills} kills in {self.seconds:.0f} s; acknowledged: {answers}; "
            f"{self.unanswered} submissions cut off; {len(self.wrong)} wrong"
        )
        return "\n  ".join([head, *self.wrong])


def torture(
    directory: Path,
    choices: random.Random,
    kills: int,
    *,
    database_url: str = "",
    tell: Callable[[str], None] = lambda line: None,
) -> Summary:
    """Kill a server so many times, and say what was found."""
    summary, began = Summary(), time.monotonic()
    environment = {"COFFRE_DATABASE_URL": database_url} if database_url else {}
    records: list[list[Document]] = []
    patients: list[str] = []
    everything: list[Document] = []
    for life in range(kills + 1):
        # Alone, or beside another process that writes the same database and directory.
        toml = f"{OPEN_DOMAIN}\n[server]\nworkers = {choices.choice((1, 2))}\n"
        with running(directory, toml=toml, environment=environment) as platform:
            if life:
                summary.wrong += _look(platform, records, choices)
            if life == kills or (life and life % LIVES_BETWEEN_SWEEPS == 0):
                summary.wrong += _sweep(platform, records, everything)
                summary.seconds = time.monotonic() - began
                tell(str(summary))
            if life == kills:
                break
            if life % LIVES_OF_A_PATIENT == 0:
                patients = [platform.add_patient() for _ in range(CLIENTS)]
                records = [[] for _ in patients]
            _live(platform, patients, records, everything, choices, summary)
    return summary


def _live(
    platform: Platform,
    patients: list[str],
    records: list[list[Document]],
    everything: list[Document],
    choices: random.Random,
    summary: Summary,
) -> None:
    """Load the server, and kill it."""
    clients = [
        Client(platform, patient, record, str(choices.getrandbits(64)))
        for patient, record in zip(patients, records, strict=True)
    ]
    known = list(map(len, records))
    for client in clients:
        client.start()
    time.sleep(choices.uniform(*KILLED_AFTER_SECONDS))
    platform.kill()
    for client in clients:
        client.join(JOIN_SECONDS)
        summary.answered.update(client.answered)
        summary.wrong += client.wrong
    summary.kills += 1
    begun = [one for record, before in zip(records, known, strict=True) for one in record[before:]]
    summary.unanswered += sum(not one.acknowledged for one in begun)
    everything += begun


def _look(platform: Platform, records: list[list[Document]], choices: random.Random) -> list[str]:
    """Settle what no answer came for, and hold every record against what its sender knows."""
    # Drawn here and in order: the threads below come in any.
    seeds = [choices.getrandbits(64) for _ in records]

    def settled(record: list[Document], seed: int) -> list[str]:
        return list(judge.settle(platform, record, random.Random(seed)))

    with ThreadPoolExecutor(CLIENTS) as threads:
        return [one for found in threads.map(settled, records, seeds) for one in found]


def _sweep(platform: Platform, records: list[list[Document]], everything: list[Document]) -> list[str]:
    """Clear up as an operator does, then look for what should not be there."""
    wrong = list(judge.wrong_in_store(platform, platform.registry_url))
    for record in records:
        wrong += judge.half_visible(platform, record)
    return wrong + list(judge.wrong_in_audit(platform, everything))
