"""The kit judges our own platform by its own command, on both databases, and finds nothing wrong."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.services.judged import DOMAIN, command, judge
from tests.services.platform import Platform, running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Lend a platform as `coffre init` sets it up, on each database."""
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with running(tmp_path_factory.mktemp("judged"), toml=DOMAIN, environment=environment) as platform:
        yield platform


def test_what_was_cleaned_up_can_be_done_again_byte_by_byte(judged):
    """The same seed and run make the same ids, which are free again."""
    for _ in range(2):
        words = ("--seed", "again", "--run", "1", "--clean", "--groups", "remove documents")
        status, said = judge(judged, *words, "--groups", "restricted update")
        assert [one["reason"] for one in said["outcomes"] if one["verdict"] != "passed"] == []
        assert status == 0
        assert said["cleaned"]["patients_left"] == 0
        assert said["cleaned"]["objects"] > 50


def test_runs_side_by_side_do_not_meet(judged):
    """Of one seed, at once: each run has ids of its own."""
    words = command(judged, "--groups", "retrieve", "--groups", "remove", "--seed", "one")
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
    said = [json.loads(one.communicate()[0]) for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert said[0]["seed"] != said[1]["seed"]


def test_every_plan_is_passed(judged):
    status, said = judge(judged)
    failed = {one["plan"]: one["reason"] for one in said["outcomes"] if one["verdict"] == "failed"}
    assert failed == {}
    assert sum(one["verdict"] == "passed" for one in said["outcomes"]) > 500
    assert status == 0
