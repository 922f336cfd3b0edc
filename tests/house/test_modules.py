"""Every module is short, finished, explained, and has its tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOMS, TESTS, modules_of, name, written_files

MAX_LINES = 500
# Written so that this line is no mark itself.
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b|NotImplemented[E]rror|mark\.(?:ski[p]|xfai[l])")
# Code, two spaces, and why the type checker is told to look away.
UNREASONED = re.compile(r"# type: ignor[e](?!\[[a-z, -]+\]  # \w)")

# What stands in tests/ beside the mirror of the rooms.
BESIDE_THE_ROOMS = {"fuzz", "house", "journeys", "messages", "reference", "services", "torture"}


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_no_module_is_longer_than_a_reader_keeps_in_mind(room):
    long = {name(path): lines for path in modules_of(room) if (lines := _lines(path)) > MAX_LINES}
    assert long == {}


def test_nothing_is_left_unfinished():
    assert _lines_with(UNFINISHED) == []


def test_a_type_is_ignored_only_with_its_reason_beside_it():
    assert _lines_with(UNREASONED) == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_function_says_what_it_does(room):
    silent = [
        f"{name(path)}: {one}" for path in modules_of(room) for one in _silent(ast.parse(path.read_bytes()))
    ]
    assert silent == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_tests(room):
    assert list((TESTS / room).glob("test_*.py"))


def test_the_tests_mirror_the_rooms():
    folders = {path.parent.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/*.py")}
    assert folders - BESIDE_THE_ROOMS == set(ROOMS)


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _lines_with(mark: re.Pattern[str]) -> list[str]:
    return [
        f"{name(path)}:{number}: {line.strip()}"
        for path in written_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if mark.search(line)
    ]


def _silent(module: ast.Module) -> Iterator[str]:
    """Yield what has no docstring. A method may do without where the name and the port it fills say all."""
    if module.body and ast.get_docstring(module) is None:
        yield "the module"
    for node in module.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or _is_overload(node):
            continue
        if not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield node.name


def _is_overload(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(one).endswith("overload") for one in node.decorator_list)
