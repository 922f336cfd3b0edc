"""What documents cost the server in memory, over the wire and with encryption on (`make bench-memory`).

Each row starts a server of its own, sends it a small document first, and then notes by how much the most
resident memory that it ever had grows. Nothing of the documents stays in the memory of this program either.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.report import publish, publish_results, table
from bench.targets import Result
from bench.transfer import GIGABYTE, MEGABYTE, put_in, take_out, warm_up
from tests.messages.requests import Submission, submission
from tests.services.platform import OPEN_DOMAIN, Platform, running


@dataclass(frozen=True, slots=True)
class Load:
    """So many requests at once, each with so many documents of one size; and what they may cost."""

    name: str
    requests: int
    documents: int
    size_bytes: int
    limit_bytes: int
    # Where it is a row of the targets.
    row: str = ""

    @property
    def all_bytes(self) -> int:
        """What goes in, and comes out."""
        return self.requests * self.documents * self.size_bytes


LOADS = (
    Load("1 document of 2 GB", 1, 1, 2 * GIGABYTE, 64 * MEGABYTE, "10"),
    Load("50 documents of 100 MB in one request", 1, 50, 100 * MEGABYTE, 64 * MEGABYTE),
    Load("50 documents of 100 MB in 50 requests at once", 50, 1, 100 * MEGABYTE, 64 * MEGABYTE),
    Load("8 documents of 2 GB at once", 8, 1, 2 * GIGABYTE, 128 * MEGABYTE, "10, eight"),
)


# All of them come from one machine, which may not hold so much of the server otherwise.
ONE_CLIENT = f"{OPEN_DOMAIN}\n[clients]\nrequests = 64\n"


def main() -> int:
    """Measure every load and publish; 1 if one of them costs more than it may."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, help="where the documents go, emptied after each load")
    arguments.add_argument("--quick", action="store_true", help="the first load only, and write nothing down")
    asked = arguments.parse_args()
    growths = {load: measured(load, asked.directory) for load in (LOADS[:1] if asked.quick else LOADS)}
    rows = [
        (load.name, *(f"{each:.1f} MB" for each in growth), f"{load.limit_bytes // MEGABYTE} MB")
        for load, growth in growths.items()
    ]
    publish("bench-memory", table(("load", "in", "out", "limit"), rows), quick=asked.quick)
    results = [
        Result(load.row, f"{growth[0]:.1f} MB in, {growth[1]:.1f} MB out", "", (max(growth),))
        for load, growth in growths.items()
        if load.row
    ]
    publish_results("bench-memory", results, "Encrypted documents.", quick=asked.quick)
    return int(any(max(growth) * MEGABYTE > load.limit_bytes for load, growth in growths.items()))


def measured(load: Load, directory: Path | None) -> tuple[float, float]:
    """What a load costs on its way in and on its way out, in MB."""
    place = Path(tempfile.mkdtemp(prefix="coffre-bench-", dir=directory))
    try:
        with running(place, toml=ONE_CLIENT) as platform:
            warm_up(platform)
            sent = [submission(platform.add_patient(), load.documents) for _ in range(load.requests)]
            return grown(load, "in", put_in, platform, sent), grown(load, "out", take_out, platform, sent)
    finally:
        shutil.rmtree(place)


def grown(
    load: Load,
    way: str,
    work: Callable[[Platform, Submission, int], str],
    platform: Platform,
    sent: Sequence[Submission],
) -> float:
    """Do it for all submissions at once; by how many MB the peak of the server's memory grew."""
    Path(f"/proc/{platform.process.pid}/clear_refs").write_text("5")
    before, began = platform.peak_memory_bytes, time.monotonic()
    with ThreadPoolExecutor(load.requests) as peers:
        for problem in peers.map(lambda one: work(platform, one, load.size_bytes), sent):
            if problem:
                raise SystemExit(f"{load.name}: {problem}")
    seconds = time.monotonic() - began
    growth = (platform.peak_memory_bytes - before) / MEGABYTE
    print(
        f"{load.name:40} {way:4} {growth:5.1f} MB, {load.all_bytes / MEGABYTE / seconds:4.0f} MB/s",
        flush=True,
    )
    return growth


if __name__ == "__main__":
    sys.exit(main())
