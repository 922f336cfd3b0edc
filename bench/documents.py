"""What it costs to put a document in and to take it out, next to `cp` and `sha1sum` (`make bench-documents`).

One client, one server process, SQLite, over the wire by MTOM; each kind of store plain and encrypted. Every
round copies a file of the same size by `cp` and reads it by `sha1sum`, so that both see the same machine.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.report import publish, table
from bench.transfer import GIGABYTE, KILOBYTE, MEGABYTE, content, put_in, take_out, warm_up
from tests.messages.requests import submission
from tests.services import radosgw
from tests.services.platform import OPEN_DOMAIN, Platform, running


@dataclass(frozen=True, slots=True)
class Size:
    """How large a document is, and how many in turn make a figure."""

    name: str
    size_bytes: int
    rounds: int


SIZES = (
    Size("1 KB", KILOBYTE, 200),
    Size("1 MB", MEGABYTE, 40),
    Size("100 MB", 100 * MEGABYTE, 5),
    Size("2 GB", 2 * GIGABYTE, 1),
)
STORES = ("directory", "S3")


@dataclass(slots=True)
class Figures:
    """Seconds of each round, and by how much the server's memory grew in all of them."""

    copied: list[float] = field(default_factory=list)
    put_in: list[float] = field(default_factory=list)
    taken_out: list[float] = field(default_factory=list)
    grown_bytes: int = 0


def main() -> int:
    """Measure every size on every kind of store, and write the table into docs/performance.md."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--directory", type=Path, help="where documents and files go, emptied at the end")
    arguments.add_argument("--quick", action="store_true", help="up to 1 MB only, and write nothing down")
    asked = arguments.parse_args()
    sizes = [size for size in SIZES if size.size_bytes <= MEGABYTE] if asked.quick else SIZES
    rows = []
    for store in STORES:
        for encrypted in (False, True):
            with server(store, asked.directory, encrypted=encrypted) as platform:
                for size in sizes:
                    figures = measured(platform, size)
                    rows.append(row(store, size, figures, encrypted=encrypted))
                    print(" | ".join(rows[-1]), flush=True)
    head = ("document", "store", "cp + sha1sum", "in", "ratio", "out", "ratio", "memory")
    text = table(head, sorted(rows, key=lambda one: [size.name for size in SIZES].index(one[0])))
    publish("bench-documents", text, quick=asked.quick)
    return 0


@contextmanager
def server(store: str, directory: Path | None, *, encrypted: bool) -> Iterator[Platform]:
    """A server with an empty store of this kind."""
    toml = f"{OPEN_DOMAIN}\n[vault]\nencrypt = {str(encrypted).lower()}\n"
    with ExitStack() as stack:
        place = Path(tempfile.mkdtemp(prefix="coffre-bench-", dir=directory))
        stack.callback(shutil.rmtree, place)
        environment = {}
        if store == "S3":
            folder = stack.enter_context(radosgw.session_folder())
            objects = radosgw.running(folder)
            environment = objects.environment(objects.new_bucket())
        platform = stack.enter_context(running(place, toml=toml, environment=environment))
        warm_up(platform)
        yield platform


def measured(platform: Platform, size: Size) -> Figures:
    """Copy a file, put in a document of its size and take it out, in turn."""
    figures = Figures()
    patient_id = platform.add_patient()
    file, copy = platform.directory / "file", platform.directory / "copy"
    with file.open("wb") as writer:
        writer.writelines(content(size.size_bytes))
    Path(f"/proc/{platform.process.pid}/clear_refs").write_text("5")
    before = platform.peak_memory_bytes
    for _ in range(size.rounds):
        sent = submission(patient_id)
        began = time.monotonic()
        subprocess.run(["cp", file, copy], check=True)
        subprocess.run(["sha1sum", copy], check=True, stdout=subprocess.DEVNULL)
        copied = time.monotonic()
        problem = put_in(platform, sent, size.size_bytes)
        there = time.monotonic()
        problem = problem or take_out(platform, sent, size.size_bytes)
        back = time.monotonic()
        if problem:
            raise SystemExit(f"{size.name}: {problem}")
        figures.copied.append(copied - began)
        figures.put_in.append(there - copied)
        figures.taken_out.append(back - there)
    figures.grown_bytes = platform.peak_memory_bytes - before
    file.unlink()
    copy.unlink()
    return figures


def row(store: str, size: Size, figures: Figures, *, encrypted: bool) -> tuple[str, ...]:
    """Medians, and how many times as fast as the copy they are."""
    copied, put, taken = (
        statistics.median(one) for one in (figures.copied, figures.put_in, figures.taken_out)
    )

    def rate(seconds: float) -> str:
        if size.size_bytes < MEGABYTE:
            return f"{seconds * 1000:.1f} ms"
        return f"{size.size_bytes / MEGABYTE / seconds:.0f} MB/s"

    return (
        size.name,
        f"{store}, {'encrypted' if encrypted else 'plain'}",
        rate(copied),
        rate(put),
        f"{copied / put:.2f}",
        rate(taken),
        f"{copied / taken:.2f}",
        f"{figures.grown_bytes / MEGABYTE:.1f} MB",
    )


if __name__ == "__main__":
    sys.exit(main())
