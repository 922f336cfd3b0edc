"""`coffre professional` and `coffre institution`, as an operator uses them."""

import json
import subprocess
import sys

import pytest

from tests.services.platform import OPEN_DOMAIN, ROOT


@pytest.fixture
def configuration(tmp_path):
    """A domain of which no server runs."""
    file = tmp_path / "coffre.toml"
    file.write_text(OPEN_DOMAIN)
    return file


def coffre(configuration, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.command_line", *words, "--config", str(configuration)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_professionals_and_members_come_and_go_and_stay_in_the_list(configuration):
    """professionnels de santé agréés: licence, profession, specialty, dates."""
    doctor = ("2.999.4|A", "--profession", "2211|2.999.7")
    named = ("--name", "Dr Anne Weber", "--licence", "L-1", "--until", "2030-12-31")
    entered = "professional 2.999.4|A Dr Anne Weber profession 2211|2.999.7 licence L-1 until 2031-01-01"
    place = "urn:oid:2.999.50"
    for words, told in (
        (("professional", "add", *doctor, *named), f"Entered: {entered}.\n"),
        (("institution", "add", place, "--name", "Clinic"), f"Entered: institution {place} Clinic.\n"),
        (("institution", "join", place, "2.999.4|A"), f"Entered: 2.999.4|A works at {place}.\n"),
        (("institution", "leave", place, "2.999.4|A"), f"Taken away: 2.999.4|A works at {place}.\n"),
        (("professional", "remove", *doctor), f"Taken away: {entered}.\n"),
        (("institution", "remove", place), f"Taken away: institution {place} Clinic.\n"),
    ):
        done = coffre(configuration, *words)
        assert (done.stdout, done.returncode) == (told, 0), done.stderr
    for listing, what in (
        (("professional", "list"), entered),
        (("institution", "list"), f"institution {place} Clinic"),
        (("institution", "list", "--members"), f"2.999.4|A works at {place}"),
    ):
        (line,) = json.loads(coffre(configuration, *listing, "--json").stdout)
        assert line["what"] == what
        assert line["ended"]
        assert what in coffre(configuration, *listing).stdout


def test_who_is_not_there_cannot_be_taken_away(configuration):
    """With exit status 2."""
    done = coffre(configuration, "institution", "remove", "urn:oid:2.999.50")
    assert done.returncode == 2
    assert "Nothing of the kind is there." in done.stderr
