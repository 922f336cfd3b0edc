"""Where the rooms are, and what the house rules are held against."""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PROGRAMS = Path(sys.executable).parent
ROOMS = tuple(sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent != TESTS))


def modules_of(room: str) -> list[Path]:
    """List the modules of a room, or of the tests."""
    return sorted((ROOT / room).rglob("*.py"))


def written_files() -> Iterator[Path]:
    """List every file that people write and read here: not the licence, not what a tool writes."""
    yield from (path for path in ROOT.iterdir() if path.suffix in {".md", ".toml", ".cfg"})
    yield ROOT / "Makefile"
    for folder in (*ROOMS, "tests", "setup", "docs", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in {"", ".py", ".md", ".toml", ".xsd", ".wsdl"}:
                yield path


def name(path: Path) -> str:
    """Name a file as a reader of the tree does."""
    return str(path.relative_to(ROOT))
