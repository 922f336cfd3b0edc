"""`make fuzz`: throw at each reader what nobody would send, for so many seconds each; what it finds is kept.

A find is a file in FOUND/TARGET. Put there and committed, `test_targets.py` reads it for ever.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import MOST_SECONDS, TARGETS

FOUND = Path(__file__).with_name("found")

# A message of this size reaches everything that is read; a larger one only costs time.
MOST_INPUT_BYTES = 64 * 1024
MOST_MEMORY_MEGABYTES = 2048


def main() -> int:
    """Run as asked, print what came of it; the status says whether anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; all without")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    asked = parser.parse_args()
    if unknown := set(asked.targets) - TARGETS.keys():
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    results = [fuzz(name, asked.seconds) for name in asked.targets or TARGETS]
    return 0 if all(results) else 1


def fuzz(name: str, seconds: int) -> bool:
    """Whether this target withstood."""
    keep = FOUND / name
    keep.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="coffre-fuzz-") as directory,
        tempfile.TemporaryDirectory(prefix="coffre-fuzz-") as temporary,
    ):
        for number, seed in enumerate(TARGETS[name].seeds()):
            (Path(directory) / f"seed-{number}").write_bytes(seed)
        command = [sys.executable, "-m", "tests.fuzz.one", name, directory]
        command += [
            f"-max_total_time={seconds}",
            f"-timeout={MOST_SECONDS}",
            f"-max_len={MOST_INPUT_BYTES}",
            f"-rss_limit_mb={MOST_MEMORY_MEGABYTES}",
            f"-artifact_prefix={keep}/",
            "-print_final_stats=1",
        ]
        # libFuzzer ends its process at once: what a target keeps in files is cleared away here.
        environment = {**os.environ, "TMPDIR": temporary}
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False
        )
    said = done.stdout.decode(errors="replace")
    tried = re.search(r"number_of_executed_units: (\d+)", said)
    covered = re.findall(r"cov: (\d+)", said)
    print(
        f"{name}: {tried[1] if tried else '?'} tried in {seconds} s, "
        f"{covered[-1] if covered else '?'} branches seen, "
        + ("nothing found" if done.returncode == 0 else f"FOUND SOMETHING, see {keep}"),
        flush=True,
    )
    if done.returncode:
        print(said[-4000:])
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
