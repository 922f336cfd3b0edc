"""What a measurement says, printed and written into its place in docs/performance.md.

A place is what stands between `<!-- NAME -->` and `<!-- end of NAME -->`.
"""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as Markdown, the first column to the left and figures to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def publish(name: str, text: str) -> None:
    """Print the text, and put it with machine, date and commit into the place of this name."""
    print(f"\n{text}")
    page = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"{PAGE.name} has no place for {name}")
    said = f"{begin}\n{text}\n\n{circumstances()}\n{end}"
    PAGE.write_text(f"{before}{said}{after}", encoding="utf-8")


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
