"""What the documents tell a reader to run or to open is there."""

import re
import shlex
from collections.abc import Iterator
from subprocess import run

import pytest

from tests.house.tree import PROGRAMS, ROOT, name

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCED = re.compile(r"^```(?:sh|shell|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
PROMPT = re.compile(r"^\$ ")


def _commands(program: str) -> Iterator[tuple[str, ...]]:
    """Yield what stands after a program's name on the command lines of all documents."""
    for document in DOCUMENTS:
        for block in FENCED.findall(document.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(PROMPT.sub("", line), comments=True)
                if words and words[0].removeprefix(".venv/bin/") == program:
                    yield tuple(words[1:])


def test_readme_shows_the_demo_and_the_tests():
    assert {("demo",), ("test",)} <= set(_commands("make"))


@pytest.mark.parametrize("words", sorted(set(_commands("make"))), ids=" ".join)
def test_every_make_line_works(words):
    asked = run(["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr


@pytest.mark.parametrize("words", sorted(set(_commands("coffre"))), ids=" ".join)
def test_every_coffre_line_names_a_command_and_its_options(words):
    """`coffre patient add X --json` holds if the help of `coffre patient add` tells of --json."""
    helps = [asked for depth in range(4) if (asked := _help(words[:depth]))]
    assert len(helps) > 1, f"no such command: {words}"
    for option in (word.partition("=")[0] for word in words if word.startswith("-")):
        assert any(option in text for text in helps), option


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_file_that_a_document_points_to_is_there(document):
    missing = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert missing == []


def _help(words: tuple[str, ...]) -> str | None:
    if any(word.startswith("-") for word in words):
        return None
    asked = run(
        [PROGRAMS / "coffre", *words, "--help"], capture_output=True, text=True, env={"COLUMNS": "200"}
    )
    return asked.stdout if asked.returncode == 0 else None
