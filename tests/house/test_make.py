"""What a newcomer runs is there, says what it does, and fetches only what is locked."""

import re
import tomllib
from subprocess import run

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.house.tree import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
PHONY = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
LOCKED = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)", re.MULTILINE)


def test_make_alone_lists_every_target_with_what_it_does():
    listed = run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z-]+) +\S", listed, re.MULTILINE) == PHONY


@pytest.mark.parametrize("target", PHONY)
def test_every_target_is_one_that_make_knows(target):
    asked = run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr


def test_ci_runs_what_a_developer_runs():
    assert (ROOT / ".ci" / "run").read_text() == "#!/bin/sh\nexec make test\n"


@pytest.mark.parametrize(
    ("lock", "groups"), [("running", ["packaging"]), ("development", ["packaging", "development"])]
)
def test_every_declared_package_is_locked_at_a_version_that_is_allowed(lock, groups):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = dict(LOCKED.findall((ROOT / "requirements" / f"{lock}.lock").read_text()))
    declared = list(project["project"]["dependencies"])
    for group in groups:
        declared += [line for line in project["dependency-groups"][group] if isinstance(line, str)]
    for requirement in map(Requirement, declared):
        assert requirement.specifier.contains(Version(locked[requirement.name])), requirement


def test_both_locks_name_the_same_versions():
    running = dict(LOCKED.findall((ROOT / "requirements" / "running.lock").read_text()))
    development = dict(LOCKED.findall((ROOT / "requirements" / "development.lock").read_text()))
    assert running.items() <= development.items()


@pytest.mark.parametrize("lock", ["running", "development", "fuzzing"])
def test_every_locked_package_has_its_hashes_and_no_place(lock):
    """Where packages come from is for each machine to say."""
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    assert "://" not in text
    for package in re.split(r"\n(?=[a-z])", text)[1:]:
        assert "--hash=sha256:" in package
