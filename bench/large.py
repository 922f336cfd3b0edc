"""A document of 1 GB in and out (`make bench-large`), one client, by MTOM, plain and encrypted.

In next to writing, hashing and flushing the same bytes here; out next to an HTTP server that has the same
bytes in its memory. Each round does all four.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.documents import server
from bench.report import publish_results
from bench.rounds import median, ratios
from bench.targets import Result
from bench.transfer import MEGABYTE, content, put_in, take_dummy, take_out
from bench.world import empty_server
from tests.messages.requests import submission


def main() -> int:
    """Measure and publish."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=1024, help="of the document")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"), help="for documents")  # noqa: S108
    arguments.add_argument("--quick", action="store_true", help="write nothing down")
    asked = arguments.parse_args()
    results = [
        one
        for encrypted in (False, True)
        for one in measured(asked.directory, asked.megabytes * MEGABYTE, asked.rounds, encrypted=encrypted)
    ]
    publish_results("bench-large", results, f"A document of {asked.megabytes:,} MB.", quick=asked.quick)
    return 0


def measured(directory: Path, size_bytes: int, rounds: int, *, encrypted: bool) -> list[Result]:
    """Both rows, of a store that encrypts or does not."""
    with (
        server("directory", directory, encrypted=encrypted) as platform,
        tempfile.TemporaryDirectory(dir=directory) as place,
        empty_server(Path(place), size_bytes) as (dummy, _),
    ):
        patient_id = platform.add_patient()
        times: dict[str, list[float]] = {"written": [], "in": [], "dummy": [], "out": []}
        # The first round warms up.
        for number in range(rounds + 1):
            sent = submission(patient_id)
            works: dict[str, Callable[[], str | None]] = {
                "written": partial(written, Path(place) / "file", size_bytes),
                "in": partial(put_in, platform, sent, size_bytes),
                "dummy": partial(take_dummy, dummy, size_bytes),
                "out": partial(take_out, platform, sent, size_bytes),
            }
            for name, work in works.items():
                began = time.monotonic()
                if problem := work():
                    raise SystemExit(problem)
                if number:
                    times[name].append(time.monotonic() - began)
    rates = {name: f"{size_bytes / MEGABYTE / median(one):,.0f} MB/s" for name, one in times.items()}
    kind = ", encrypted" if encrypted else ""
    return [
        Result(
            f"8{kind}",
            rates["in"],
            f"write, SHA-1 and fsync: {rates['written']}",
            ratios(times["written"], times["in"]),
        ),
        Result(
            f"9{kind}",
            rates["out"],
            f"a server of the same bytes: {rates['dummy']}",
            ratios(times["dummy"], times["out"]),
        ),
    ]


def written(file: Path, size_bytes: int) -> None:
    """Write a file, know its hash, and wait until it is on the disk."""
    digest = hashlib.sha1(usedforsecurity=False)
    with file.open("wb", buffering=0) as writer:
        for piece in content(size_bytes):
            digest.update(piece)
            writer.write(piece)
        os.fsync(writer)
    digest.digest()


if __name__ == "__main__":
    sys.exit(main())
