"""Writes docs/conformance.md: what the Framework asks for, and the tests that show it.

    python -m tests.house.conformance_table

Rows come from `ihe/` and from the docstrings of the checks. A test shows a row if it names it: a query and
its parameter, an attribute, an error code as it stands on the wire, or the section in its docstring.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ihe import stored_queries
from ihe.associations import ASSOCIATION_TYPES
from ihe.attributes import ASSOCIATION, DOCUMENT_ENTRY, FOLDER, SUBMISSION_SET, Attribute
from ihe.error_codes import ERROR_CODES
from ihe.stored_queries import Parameter, StoredQuery
from tests.house.tree import ROOT, TESTS, name

TABLE = ROOT / "docs" / "conformance.md"
# A reader wants an example or two; more would change with every new test.
SHOWN = 2
NONE = "none yet"
_SHOWN_BY = "shown by"

_CHECKS = ("ebxml/check*.py", "registry/*rules.py", "registry/iti*.py", "registry/replacement.py")
# The house's own rules, and our client, which asks and does not answer.
_BESIDE = {"client", "house", "services"}
_SECTION = re.compile(r"\b[34](?:\.\d+){2,}(?:-\d+)?")
_QUERIES = {key: row for key, row in vars(stored_queries).items() if isinstance(row, StoredQuery)}
_OBJECTS = {
    "DocumentEntry": DOCUMENT_ENTRY,
    "SubmissionSet": SUBMISSION_SET,
    "Folder": FOLDER,
    "Association": ASSOCIATION,
}
_HEAD = f"""# What is asked for, and the tests that show it

Written by `python -m tests.house.conformance_table`; do not edit. At most {SHOWN} tests are shown for a row.
"{NONE}" means that no test names the row, not that nothing reaches it: every query with every parameter is
held against its rules in plain Python by [one property test]({{property}}).
"""


@dataclass(frozen=True)
class Test:
    """One test: where it is, what it says, and the sections in its docstring."""

    path: Path
    line: int
    title: str
    text: str
    sections: frozenset[str]

    @property
    def link(self) -> str:
        """The test, for a page in docs/."""
        return f"[{self.title.removeprefix('test_').replace('_', ' ')}](../{name(self.path)})"


@cache
def tests() -> tuple[Test, ...]:
    """Every test of what a peer may ask of us, those of whole journeys first."""
    paths = sorted(TESTS.rglob("test_*.py"), key=lambda path: ("journeys" not in path.parts, path))
    return tuple(test for path in paths if path.parent.name not in _BESIDE for test in _tests_in(path))


def _tests_in(path: Path) -> Iterator[Test]:
    source = path.read_text(encoding="utf-8")
    module = ast.parse(source)
    lines = source.splitlines()
    constants = {
        target.id: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            first = min((one.lineno for one in node.decorator_list), default=node.lineno)
            text = "\n".join(lines[first - 1 : node.end_lineno])
            used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & constants.keys()
            text += "".join("\n" + constants[each] for each in sorted(used))
            said = ast.get_docstring(node) or ast.get_docstring(module) or ""
            yield Test(path, first, node.name, text, frozenset(_SECTION.findall(said)))


def written() -> str:
    """The whole page."""
    (everything,) = (one for one in tests() if one.title == "test_sqlite_finds_what_the_rules_find")
    parts = [_HEAD.format(property=f"../{name(everything.path)}")]
    parts += ["\n## Stored queries [ITI-18, ITI-51]\n", *map(_query, _QUERIES.items())]
    parts.append("\n## Rules of submissions, updates and removals\n\n" + _table("rule", _rules()))
    for of, rows in _OBJECTS.items():
        parts.append(f"\n## Attributes of a {of}\n\n" + _table("attribute", _attributes(of, rows)))
    types = [(f"`{row.name}`", _naming(_word(row.name))) for row in ASSOCIATION_TYPES.values()]
    parts.append("\n## Association types\n\n" + _table("type", types))
    codes = [
        (f"`{row.name}` ({_transactions(row.transactions)}): {row.meaning}", _naming(_word(row.name)))
        for row in ERROR_CODES.values()
    ]
    parts.append("\n## Error codes\n\n" + _table("code", codes))
    return "".join(parts)


def _query(item: tuple[str, StoredQuery]) -> str:
    key, query = item
    asks = re.compile(rf"\b{key}\b(?!_)|\b{key.lower()}\(|{query.id}|\b{query.name}\b")
    of_query = sorted(
        (test for test in tests() if asks.search(test.text)),
        key=lambda test: (key.lower() not in test.title, "registry" not in test.path.parts),
    )
    rows = [
        (f"`{row.slot}`", [test for test in of_query if _slot(row).search(test.text)])
        for row in query.parameters
    ]
    transaction = "ITI-51" if query.multi_patient else "ITI-18"
    head = f"\n### {query.name}\n\n{transaction}, ITI TF-2: {query.section}. {_links(of_query)}\n\n"
    return head + _table("parameter", rows)


def _slot(row: Parameter) -> re.Pattern[str]:
    short = re.sub(r"^\$(XDS(DocumentEntry|SubmissionSet|Folder))?", "", row.slot)
    return re.compile(rf"""(?:\b|\$)(?:XDS(?:DocumentEntry|SubmissionSet|Folder))?{short}(?=[="'])""")


def _rules() -> Iterator[tuple[str, list[Test]]]:
    for pattern in _CHECKS:
        for path in sorted(ROOT.glob(pattern)):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    said = (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", " ")
                    if sections := set(_SECTION.findall(said)):
                        rule = f"{re.sub(' +', ' ', said)} [{node.name.strip('_')}](../{name(path)})"
                        yield rule, [test for test in tests() if test.sections & sections]


def _attributes(of: str, rows: Iterable[Attribute]) -> Iterator[tuple[str, list[Test]]]:
    for row in rows:
        spelled = re.compile(rf"\b({row.name}|{row.field})\b")
        yield (
            f"`{row.name}` ({row.section})",
            [test for test in tests() if spelled.search(test.text) and _speaks_of(of, test)],
        )


def _speaks_of(of: str, test: Test) -> bool:
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", of).lower()
    return re.search(rf"{of}|\b{snake}\b", test.text) is not None


def _naming(pattern: re.Pattern[str]) -> list[Test]:
    return [test for test in tests() if pattern.search(test.text)]


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z]){re.escape(text)}(?![A-Za-z])")


def _transactions(numbers: str) -> str:
    return ", ".join(f"ITI-{number}" for number in numbers.split())


def _table(of: str, rows: Iterable[tuple[str, list[Test]]]) -> str:
    body = "".join(f"| {what.replace('|', chr(92) + '|')} | {_links(found)} |\n" for what, found in rows)
    return f"| {of} | {_SHOWN_BY} |\n| --- | --- |\n{body}"


def _links(found: list[Test]) -> str:
    return "; ".join(test.link for test in found[:SHOWN]) or NONE


if __name__ == "__main__":
    TABLE.write_text(written(), encoding="utf-8")
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    held = [
        line for line in lines if line.startswith("| ") and not line.endswith((_SHOWN_BY + " |", "--- |"))
    ]
    without = sum(line.endswith(f"| {NONE} |") for line in held)
    print(f"{name(TABLE)}: {len(held)} rows, {without} of them without a test that names them")
