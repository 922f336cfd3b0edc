"""`make torture`: kill a server, or take away what it needs, under load; see that nothing is lost."""

import argparse
import random
import secrets
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.services import postgresql, radosgw
from tests.torture.lives import torture
from tests.torture.load import Summary
from tests.torture.outages import (
    cut_database,
    cut_object_store,
    cut_registry,
    dying_database,
    outages,
    unmounted_directory,
)

Run = Callable[[Path, random.Random, int], Summary]


def main() -> int:
    """Run as asked, print the summary; the status says whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"of {', '.join(RUNS)}; all without")
    parser.add_argument("--times", type=int, help="how often each, in the place of 250 kills and 40 outages")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    asked = parser.parse_args()
    if unknown := set(asked.what) - RUNS.keys():
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    return 1 if [name for name in asked.what or RUNS if _run(name, asked.times, asked.seed).wrong] else 0


def _run(name: str, times: int | None, seed: int) -> Summary:
    run, usual_times = RUNS[name]
    times = times or usual_times
    print(f"{name}, {times} times, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="coffre-torture-") as directory:
        return run(Path(directory), random.Random(seed), times)


def _kills_on_sqlite(directory: Path, choices: random.Random, times: int) -> Summary:
    return torture(directory, choices, times, tell=_tell)


def _kills_on_postgresql(directory: Path, choices: random.Random, times: int) -> Summary:
    with (
        postgresql.session_folder() as folder,
        postgresql.fresh_database(folder, migrated=True) as url,
    ):
        return torture(directory, choices, times, database_url=url, tell=_tell)


def _cut_object_store(directory: Path, choices: random.Random, times: int) -> Summary:
    with (
        radosgw.session_folder() as folder,
        cut_object_store(directory, radosgw.running(folder)) as (platform, outage),
    ):
        return outages(platform, outage, choices, times, tell=_tell)


def _cut_database(directory: Path, choices: random.Random, times: int) -> Summary:
    with cut_database(directory) as (platform, outage):
        return outages(platform, outage, choices, times, tell=_tell)


def _dying_database(directory: Path, choices: random.Random, times: int) -> Summary:
    with dying_database(directory) as (platform, outage):
        return outages(platform, outage, choices, times, tell=_tell)


def _unmounted_directory(directory: Path, choices: random.Random, times: int) -> Summary:
    with unmounted_directory(directory) as (platform, outage):
        return outages(platform, outage, choices, times, tell=_tell)


def _cut_registry(directory: Path, choices: random.Random, times: int) -> Summary:
    with cut_registry(directory) as (platform, outage):
        return outages(platform, outage, choices, times, tell=_tell)


# What can be done, and how often it is unless somebody says so.
RUNS: dict[str, tuple[Run, int]] = {
    "kills-on-sqlite": (_kills_on_sqlite, 250),
    "kills-on-postgresql": (_kills_on_postgresql, 250),
    "database-dies": (_dying_database, 40),
    "database-cut": (_cut_database, 40),
    "object-store-cut": (_cut_object_store, 40),
    "directory-unmounted": (_unmounted_directory, 40),
    "registry-cut": (_cut_registry, 40),
}


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
