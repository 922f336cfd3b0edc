"""A registry among a million documents (`make bench-registry`): queries, submissions, answers and room.

One PostgreSQL that flushes every commit, two server processes, sixteen connections; rules, users and audit
are on. Each round asks everything in turn, and each figure is the median of the rounds.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench import answers, queries, storage, submissions
from bench.population import Population
from bench.report import publish_results
from bench.targets import Result
from bench.world import cluster, populated
from tests.services.postgresql import Cluster

DOCUMENTS_OF_A_PATIENT = 20
PARTS = ("answers", "storage", "queries", "submissions")


def main() -> int:
    """Measure and publish."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=4, help="of each load in each round")
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="for the database")  # noqa: S108
    arguments.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="and write nothing down")
    arguments.add_argument("--quick", action="store_true", help="write nothing down")
    asked = arguments.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="coffre-bench-", dir=asked.directory))
    directory.chmod(0o755)
    try:
        with cluster(directory) as database:
            introduction = fill(database, asked.documents)
            results: list[Result] = []
            if "answers" in asked.only:
                results += answers.measured(asked.rounds)
            if "storage" in asked.only:
                results += storage.measured(database.url)
            if "queries" in asked.only:
                results += queries.measured(database, directory, asked.rounds, asked.seconds)
            # Last, as it changes what is found.
            if "submissions" in asked.only:
                results += submissions.measured(database, directory, asked.rounds, asked.seconds)
    finally:
        shutil.rmtree(directory)
    partly = tuple(asked.only) != PARTS
    publish_results("bench-registry", results, introduction, quick=asked.quick or partly)
    return 0


def fill(database: Cluster, documents: int) -> str:
    """Store the population, and say how quickly."""
    began = time.monotonic()
    stored = 0
    for stored in populated(database.url, Population(documents // DOCUMENTS_OF_A_PATIENT, documents)):
        print(f"\r{stored:,} documents", end="", flush=True)
    seconds = time.monotonic() - began
    said = f"{stored:,} documents, stored in {seconds:.0f} s."
    print(f"\r{said}", flush=True)
    return said


if __name__ == "__main__":
    sys.exit(main())
