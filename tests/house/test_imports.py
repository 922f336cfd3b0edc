"""The map of the rooms is held, no room stands beside it, and each imports only what is declared."""

import ast
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path
from subprocess import run

import pytest
from packaging.requirements import Requirement

from tests.house.tree import PROGRAMS, ROOMS, ROOT, modules_of, name

SETUP = ConfigParser(interpolation=None)
SETUP.read(ROOT / "setup.cfg")
# Part of pydantic, which pins it to the version it was made with.
PART_OF_PYDANTIC = "pydantic_core"
# Packages that are imported by another name than they are installed by.
IMPORTED_AS = {"fpdf2": "fpdf"}


def test_a_room_imports_only_what_its_contracts_allow():
    checked = run([PROGRAMS / "lint-imports", "--no-logo"], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_every_room_is_named_in_the_contracts():
    assert SETUP["importlinter"]["root_packages"].split() == list(ROOMS)


def test_every_room_has_its_place_in_the_map():
    layers = SETUP["importlinter:contract:map"]["layers"].replace("|", " ").split()
    assert sorted(layers) == list(ROOMS)


def test_every_room_is_packaged():
    patterns = SETUP["options.packages.find"]["include"].split()
    assert [pattern.removesuffix("*") for pattern in patterns] == list(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_packages_that_are_declared(room):
    """What another package happens to bring along may be gone after the next `make lock`."""
    declared = {PART_OF_PYDANTIC, *ROOMS, *sys.stdlib_module_names, *_declared()}
    undeclared = {f"{name(path)}: {one}" for path in modules_of(room) for one in _imported(path) - declared}
    assert undeclared == set()


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    # An extra is named after the package that it brings.
    names = set(project["optional-dependencies"])
    for requirement in map(Requirement, project["dependencies"]):
        names.add(IMPORTED_AS.get(requirement.name, requirement.name.replace("-", "_")))
        names |= {f"{requirement.name}_{extra}" for extra in requirement.extras}
    return names


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
