"""The journeys, as the conformance table reads them: each test, its cases, and all that its source names."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.house.tree import TESTS, name

_JOURNEYS = TESTS / "journeys"


@dataclass(frozen=True)
class Test:
    """One test: where it is, its name, its docstring, its source with the constants it uses, its cases.

    A case is a text among the values or ids by which the test is parametrised; `case` is one that was picked.
    """

    path: Path
    title: str
    said: str
    text: str
    cases: frozenset[str]
    case: str = ""

    @property
    def link(self) -> str:
        """The test, for a page in docs/."""
        case = f": {self.case}" if self.case else ""
        return f"[{self.title}{case}](../{name(self.path)})".replace("|", "\\|")

    def of(self, case: str) -> "Test":
        """This test with one of its cases."""
        return Test(self.path, self.title, self.said, self.text, self.cases, case)


@cache
def journeys() -> tuple[Test, ...]:
    """Every test that speaks to a running server over the wire."""
    return tuple(test for path in sorted(_JOURNEYS.glob("test_*.py")) for test in _tests_in(path))


def proving(words: str) -> list[Test]:
    """The tests that bear this name, and those with a case of this name."""
    title = _slug(words)
    return [test for test in journeys() if _slug(test.title) == title] + [
        test.of(words) for test in journeys() if words in test.cases
    ]


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _tests_in(path: Path) -> Iterator[Test]:
    source = path.read_text(encoding="utf-8")
    module = ast.parse(source)
    loaded = importlib.import_module(f"tests.journeys.{path.stem}")
    lines = source.splitlines()
    constants = {
        target.id: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            first = min((one.lineno for one in node.decorator_list), default=node.lineno)
            text = "\n".join(lines[first - 1 : node.end_lineno])
            used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & constants.keys()
            text += "".join("\n" + constants[each] for each in sorted(used))
            marks = list(getattr(loaded, node.name).pytestmark) if node.decorator_list else []
            text += "".join(f"\n{mark.args}" for mark in marks)
            said = ast.get_docstring(node) or ast.get_docstring(module) or ""
            title = node.name.removeprefix("test_").replace("_", " ")
            yield Test(path, title, said, text, frozenset(_cases(marks)))


def _cases(marks: list[object]) -> Iterator[str]:
    for mark in marks:
        ids = getattr(mark, "kwargs", {}).get("ids")
        values = getattr(mark, "args", ("", ()))[1] if ids is None or callable(ids) else ids
        for value in values:
            yield from (each for each in _flat(value) if isinstance(each, str))


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _flat(each)
    else:
        yield value
