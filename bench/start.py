"""How soon a server is ready and `coffre --help` helps, and what idle processes hold (`make bench-start`)."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.machine import memory_bytes
from bench.report import publish, table
from bench.world import TOML, WORKERS
from tests.services.platform import running
from tests.services.ruled import write_rules

TIMES = 7
MEGABYTE = 1024 * 1024
READY_SECONDS, HELP_SECONDS, PROCESS_MEGABYTES = 2.0, 0.2, 150.0
# After this long nothing that begins with a server is still under way.
IDLE_SECONDS = 2


def main() -> int:
    """Measure and publish; 1 if anything is not what it must be."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="write nothing down")
    quick = arguments.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="coffre-bench-") as name:
        directory = write_rules(Path(name))
        ready, largest = zip(*(started(directory) for _ in range(TIMES)), strict=True)
    rows = [
        line(f"from the command to ready, {WORKERS} processes", "s", ready, READY_SECONDS),
        line("`coffre --help`", "s", [helped() for _ in range(TIMES)], HELP_SECONDS),
        line("resident memory of the largest idle process", "MB", largest, PROCESS_MEGABYTES),
    ]
    text = table(("", "median", "spread", "must", ""), [cells for cells, _ in rows])
    publish("bench-start", text, quick=quick)
    return int(not all(met for _, met in rows))


def started(directory: Path) -> tuple[float, float]:
    """Seconds until a server says that it is ready, and the megabytes of its largest process."""
    began = time.monotonic()
    with running(directory, toml=TOML) as platform:
        seconds = time.monotonic() - began
        time.sleep(IDLE_SECONDS)
        return seconds, max(memory_bytes(platform.process.pid)) / MEGABYTE


def helped() -> float:
    """Seconds of `coffre --help`, as it is installed."""
    began = time.monotonic()
    subprocess.run(
        [Path(sys.executable).with_name("coffre"), "--help"], stdout=subprocess.DEVNULL, check=True
    )
    return time.monotonic() - began


def line(what: str, unit: str, values: Sequence[float], most: float) -> tuple[tuple[str, ...], bool]:
    """A line of the table, and whether the median is what it must be."""
    median = statistics.median(values)
    met = median < most
    spread = f"{min(values):.3g}-{max(values):.3g} {unit}"
    said = "met" if met else "**missed**"
    return (what, f"{median:.3g} {unit}", spread, f"under {most:g} {unit}", said), met


if __name__ == "__main__":
    sys.exit(main())
