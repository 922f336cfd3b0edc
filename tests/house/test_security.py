"""The tests that SECURITY.md says show something are there."""

import ast
import re

from tests.house.tree import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_the_threat_model_names_is_there():
    named = NAMED.findall((ROOT / "SECURITY.md").read_text())
    assert len(named) > 30
    assert [one for one in named if not _is_there(*one)] == []


def test_every_threat_names_a_test():
    rows = [line for line in (ROOT / "SECURITY.md").read_text().splitlines() if line.startswith("| ")]
    assert [row for row in rows[1:] if not NAMED.search(row)] == []


def _is_there(file: str, function: str) -> bool:
    if not (ROOT / file).is_file():
        return False
    tree = ast.parse((ROOT / file).read_bytes())
    names = {one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    return function in names if function else any(name.startswith("test_") for name in names)
