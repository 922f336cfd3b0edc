"""The kit judges our own platform by its own command, on both databases, and finds nothing wrong."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from conformance.judging.message import judge as read
from conformance.reports.json_file import read_run
from conformance.target import KEPT_BYTES
from tests.services.judged import DOMAIN, command, judge
from tests.services.platform import Platform, running

TAKEN = b"ResponseStatusType:Success"


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


def test_every_plan_is_passed(judged, tmp_path):
    """And whoever only reads finds no error in any message that was taken."""
    status, said = judge(judged, "--save", str(tmp_path / "run.json"))
    failed = {one["plan"]: one["reason"] for one in said["outcomes"] if one["verdict"] == "failed"}
    assert failed == {}
    assert sum(one["verdict"] == "passed" for one in said["outcomes"]) > 500
    assert status == 0
    run = read_run((tmp_path / "run.json").read_text())
    taken = [one for outcome in run.outcomes for one in outcome.exchanges if TAKEN in one.received]
    whole = [one.sent for one in taken if len(one.sent) < KEPT_BYTES]
    assert len(whole) > 500
    assert [one for message in whole for one in read(message).findings if one.severity == "error"] == []
