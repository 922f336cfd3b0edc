"""`coffre conformance report` tells a saved run in other forms."""

import subprocess

from conformance.reports.json_file import write_run
from tests.conformance.reports.runs import run
from tests.house.tree import PROGRAMS


def test_a_saved_run_becomes_a_page_and_junit(tmp_path):
    (tmp_path / "run.json").write_text(write_run(run()))
    command = [str(PROGRAMS / "coffre"), "conformance", "report", "run.json", "--html", "page.html"]
    done = subprocess.run([*command, "--junit", "junit.xml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed, 1 not run"
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "junit.xml").read_bytes().startswith(b"<?xml")
    (tmp_path / "run.json").write_text("{}")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 6
