"""Clients at work on a server, all that they know of their documents, and what comes of it."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.services.platform import Platform
from tests.torture import judge
from tests.torture.clients import MORTAL, Client, Document, Excuses

CLIENTS = 4
JOIN_SECONDS = 120


@dataclass
class Summary:
    """What was done, what was answered, and everything that was wrong."""

    what: str
    times: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        refused = f"refused: {_counts(self.excused)}; " if self.excused else ""
        head = (
            f"{self.times} {self.what} in {self.seconds:.0f} s; acknowledged: {_counts(self.answered)}; "
            f"{refused}{self.unanswered} submissions without acknowledgement; {len(self.wrong)} wrong"
        )
        return "\n  ".join([head, *self.wrong])


class Load:
    """One client for each of some patients; what they choose follows from the seed alone."""

    def __init__(self, choices: random.Random, summary: Summary) -> None:
        self._choices, self._summary = choices, summary
        self._patients: list[str] = []
        self._records: list[list[Document]] = []
        self._everything: list[Document] = []

    def turn_to_new_patients(self, platform: Platform) -> None:
        """Records were looked at often enough: their queries stay quick."""
        self._patients = [platform.add_patient() for _ in range(CLIENTS)]
        self._records = [[] for _ in self._patients]

    @contextmanager
    def on(self, platform: Platform, excuses: Excuses = MORTAL) -> Iterator[None]:
        """Keep the server busy inside, and take down what was answered."""
        clients = [
            Client(platform, patient, record, str(self._choices.getrandbits(64)), excuses)
            for patient, record in zip(self._patients, self._records, strict=True)
        ]
        known = list(map(len, self._records))
        for client in clients:
            client.start()
        try:
            yield
        finally:
            for client in clients:
                client.end()
        for client in clients:
            client.join(JOIN_SECONDS)
            if client.is_alive():
                self._summary.wrong.append(f"a client waits for an answer since {JOIN_SECONDS} s")
            self._summary.answered.update(client.answered)
            self._summary.excused.update(client.excused)
            self._summary.wrong += client.wrong
        begun = [one for record, before in zip(self._records, known, strict=True) for one in record[before:]]
        self._summary.times += 1
        self._summary.unanswered += sum(not one.acknowledged for one in begun)
        self._everything += begun

    def look(self, platform: Platform) -> None:
        """Settle what no answer came for, and hold every record against what its sender knows."""
        # Drawn here and in order: the threads below come in any.
        seeds = [self._choices.getrandbits(64) for _ in self._records]

        def settled(record: list[Document], seed: int) -> list[str]:
            return list(judge.settle(platform, record, random.Random(seed)))

        with ThreadPoolExecutor(CLIENTS) as threads:
            for found in threads.map(settled, self._records, seeds):
                self._summary.wrong += found

    def sweep(self, platform: Platform) -> None:
        """Clear up as an operator does, then look for what should not be there."""
        self._summary.wrong += judge.wrong_in_store(platform, platform.registry_url)
        for record in self._records:
            self._summary.wrong += judge.half_visible(platform, record)
        self._summary.wrong += judge.wrong_in_audit(platform, self._everything)


def _counts(of: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(of.items()))
