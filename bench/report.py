"""What a measurement says, printed and written into its place in docs/performance.md.

A place is what stands between `<!-- NAME -->` and `<!-- end of NAME -->`.
"""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.plot import plotted
from bench.targets import TARGETS, Result

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
# The same figures for programs, one file for each measurement.
FIGURES = ROOT / "docs" / "performance"
PLOT = FIGURES / "targets.svg"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as Markdown, the first column to the left and figures to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def publish(name: str, text: str, *, quick: bool = False) -> None:
    """Print the text, and put it with machine, date and commit into the place of this name, unless quick."""
    print(f"\n{text}")
    if not quick:
        _put(name, f"{text}\n\n{circumstances()}")


def publish_results(name: str, results: Sequence[Result], introduction: str, *, quick: bool = False) -> None:
    """Print what rows came to, and put it into the table of all rows, unless quick."""
    results = _in_order(results)
    print(f"\n{introduction}\n\n{table(Result.HEAD, [one.line for one in results])}")
    if quick:
        return
    FIGURES.mkdir(exist_ok=True)
    rows = [{**asdict(one), "ratio": one.ratio, "met": one.met} for one in results]
    said = {"introduction": introduction, "circumstances": circumstances(), "rows": rows}
    (FIGURES / f"{name}.json").write_text(f"{json.dumps(said, indent=2)}\n", encoding="utf-8")
    _put_rows()


def _put_rows() -> None:
    results, sources = [], []
    for file in sorted(FIGURES.glob("*.json")):
        said = json.loads(file.read_bytes())
        results += [
            Result(one["row"], one["figure"], one["yardstick"], tuple(one["ratios"])) for one in said["rows"]
        ]
        sources.append(f"- `make {file.stem}`: {said['introduction']} {said['circumstances']}")
    results = _in_order(results)
    PLOT.write_text(plotted(results), encoding="utf-8")
    plot = f"![Ratios next to their targets]({PLOT.relative_to(PAGE.parent)})"
    lines = [table(Result.HEAD, [one.line for one in results]), "", *sources, "", plot]
    _put("bench-rows", "\n".join(lines))


def _in_order(results: Sequence[Result]) -> list[Result]:
    return sorted(results, key=lambda one: list(TARGETS).index(one.row))


def _put(name: str, text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"{PAGE.name} has no place for {name}")
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def circumstances() -> str:
    """Where, when and of what: figures of other machines are other figures."""
    cores = len(os.sched_getaffinity(0))
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    busy = os.getloadavg()[2]
    return (
        f"{cores} cores, {gigabytes:.0f} GiB, Linux {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}; {datetime.now(UTC):%Y-%m-%d}, commit {_commit()}; "
        f"load of the last 15 minutes {busy:.1f}."
    )


def _commit() -> str:
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.strip()
