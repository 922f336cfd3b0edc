"""One life of a server after the other, each ended by SIGKILL; between them everything is looked at."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.services.platform import OPEN_DOMAIN, running
from tests.torture.load import Load, Summary

# From before the first answer to after some dozens: every instant of a submission is met.
KILLED_AFTER_SECONDS = (0.0, 2.0)
LIVES_OF_A_PATIENT = 5
# The commands of a sweep take as long as a whole life.
LIVES_BETWEEN_SWEEPS = 10


def torture(
    directory: Path,
    choices: random.Random,
    kills: int,
    *,
    database_url: str = "",
    tell: Callable[[str], None] = lambda line: None,
) -> Summary:
    """Kill a server so many times, and say what was found."""
    summary, began = Summary("kills"), time.monotonic()
    load = Load(choices, summary)
    environment = {"COFFRE_DATABASE_URL": database_url} if database_url else {}
    for life in range(kills + 1):
        # Alone, or beside another process that writes the same database and directory.
        toml = f"{OPEN_DOMAIN}\n[server]\nworkers = {choices.choice((1, 2))}\n"
        with running(directory, toml=toml, environment=environment) as platform:
            if life:
                load.look(platform)
            if life == kills or (life and life % LIVES_BETWEEN_SWEEPS == 0):
                load.sweep(platform)
                summary.seconds = time.monotonic() - began
                tell(str(summary))
            if life == kills:
                break
            if life % LIVES_OF_A_PATIENT == 0:
                load.turn_to_new_patients(platform)
            with load.on(platform):
                time.sleep(choices.uniform(*KILLED_AFTER_SECONDS))
                platform.kill()
    return summary
