"""`coffre consent matrix`, as an operator uses it."""

import json
import subprocess
import sys

import pytest

from tests.services.platform import ROOT
from tests.services.ruled import RULED_DOMAIN, write_rules

HEAD = (
    "profession,profession_scheme,specialty,specialty_scheme,type,type_scheme,"
    "read,deposit,valid_from,valid_until"
)
RULE_PACK = f"""{HEAD}
DOCTOR,2.999.7,,,LAB,2.999.1,yes,yes,,
DOCTOR,2.999.7,,,NOTE,2.999.1,yes,yes,,
NURSE,2.999.7,,,NOTE,2.999.1,yes,no,,
"""


@pytest.fixture
def directory(tmp_path):
    """A domain with rules, of which no server runs."""
    write_rules(tmp_path)
    (tmp_path / "coffre.toml").write_text(RULED_DOMAIN)
    return tmp_path


def matrix(directory, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.command_line", "consent", "matrix", *words]
    command += ["--config", str(directory / "coffre.toml")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_matrix_goes_out_is_changed_and_comes_in(directory):
    """export, import, list, diff."""
    assert matrix(directory, "export").stdout.replace("\r\n", "\n") == RULE_PACK
    file = directory / "matrix.csv"
    file.write_text(RULE_PACK.replace("NURSE,2.999.7,,,NOTE", "NURSE,2.999.7,,,LAB"))
    done = matrix(directory, "import", str(file), "--from", "2026-01-01", "--note", "tried")
    assert done.stdout == "Version 1: 5 rows, in force from 2026-01-01 on.\n", done.stderr
    assert matrix(directory, "diff", "0").stdout == "+ NURSE read LAB\n- NURSE read NOTE\n"
    listed = json.loads(matrix(directory, "list", "--json").stdout)
    assert (listed["inForce"], [one["note"] for one in listed["versions"]]) == (1, ["tried"])
    assert "in force" in matrix(directory, "list").stdout.splitlines()[1]
    assert matrix(directory, "dry-run", str(file)).stdout == "Of 0 decisions 0 would have been others.\n"


def test_what_is_no_matrix_is_said_line_by_line(directory):
    """And nothing is imported."""
    file = directory / "matrix.csv"
    file.write_text(RULE_PACK.replace("yes,no", "yes,perhaps"))
    done = matrix(directory, "import", str(file))
    assert done.returncode != 0
    assert "line 4: deposit is yes or no" in done.stderr
    assert "There is no version 7." in matrix(directory, "export", "7").stderr
