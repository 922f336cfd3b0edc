"""The kit judges our own platform by its own command, on both databases, and finds nothing wrong."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.house.tree import PROGRAMS
from tests.services.platform import Platform, running

# What `coffre init` sets up: codes of a domain, which the kit speaks by itself.
DOMAIN = """
[repository]
unique_id = "2.999.352.2"

[domain]
home_community_id = "urn:oid:2.999.352.3"
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Lend a platform as `coffre init` sets it up, on each database."""
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with running(tmp_path_factory.mktemp("judged"), toml=DOMAIN, environment=environment) as platform:
        yield platform


def judge(platform: Platform, *words: str) -> tuple[int, dict[str, Any]]:
    """Run `coffre conformance run` on a platform; its exit status and what it says to programs."""
    command = [str(PROGRAMS / "coffre"), "conformance", "run", "--json", *words]
    command += ["--registry", platform.registry_url, "--repository", platform.repository_url]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_what_was_cleaned_up_can_be_done_again_byte_by_byte(judged):
    """The same seed and run make the same ids, which are free again."""
    for _ in range(2):
        words = ("--seed", "again", "--run", "1", "--clean", "--groups", "remove documents")
        status, said = judge(judged, *words, "--groups", "restricted update")
        assert [one["reason"] for one in said["outcomes"] if one["verdict"] != "passed"] == []
        assert status == 0
        assert said["cleaned"]["patients_left"] == 0
        assert said["cleaned"]["objects"] > 50


def test_every_plan_is_passed(judged):
    status, said = judge(judged)
    failed = {one["plan"]: one["reason"] for one in said["outcomes"] if one["verdict"] == "failed"}
    assert failed == {}
    assert sum(one["verdict"] == "passed" for one in said["outcomes"]) > 500
    assert status == 0
