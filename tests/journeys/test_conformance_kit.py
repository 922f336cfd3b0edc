"""The kit judges our own platform by its own command, and finds nothing wrong."""

import json
import subprocess
from typing import Any

from tests.house.tree import PROGRAMS
from tests.services.platform import Platform


def judged(platform: Platform, *words: str) -> tuple[int, dict[str, Any]]:
    """Run `coffre conformance run` on a platform; its exit status and what it says to programs."""
    command = [str(PROGRAMS / "coffre"), "conformance", "run", "--json", *words]
    command += ["--registry", platform.registry_url, "--repository", platform.repository_url]
    command += ["--authority", "2.999.5", "--repository-id", "2.999.2.1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_every_plan_is_passed(platform):
    status, said = judged(platform)
    failed = {one["plan"]: one["reason"] for one in said["outcomes"] if one["verdict"] == "failed"}
    assert failed == {}
    assert status == 0
