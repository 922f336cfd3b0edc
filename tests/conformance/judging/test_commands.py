"""`coffre validate` explains what it finds to people and to programs, and says by its status how it ended."""

import json
import subprocess

from tests.conformance.judging.samples import changed, submission
from tests.house.tree import PROGRAMS
from tests.messages import requests


def validate(*words, content=b""):
    command = [str(PROGRAMS / "coffre"), "validate", *map(str, words)]
    return subprocess.run(command, input=content, capture_output=True)


def test_a_good_message_is_called_good_and_a_bad_one_explained(tmp_path):
    good = tmp_path / "query.xml"
    good.write_text(requests.find_documents("p1^^^&2.999.5&ISO"))
    done = validate(good)
    assert (done.returncode, done.stdout.decode().splitlines()) == (
        0,
        ["This is a request of Registry Stored Query [ITI-18].", "", "0 errors, 0 warnings, 0 notes"],
    )
    bad = changed(good.read_text(), ("14d4debf", "14d4debe")).encode()
    done = validate("-", content=bad)
    assert done.returncode == 1
    assert done.stdout.decode().splitlines()[2:9] == [
        "1. ERROR: a stored query is known",
        "   where     /query:AdhocQueryRequest/rim:AdhocQuery/@id",
        "   section   ITI TF-2: 3.18.4.1.2.4",
        "   seen      urn:uuid:14d4debe-8f97-4251-9a74-a90016b0af0d",
        "   expected  the id of a stored query",
        "   fix       Take the id from the table of stored queries, in lower case.",
        "",
    ]


def test_a_program_gets_every_field_and_the_domains_codes_count(tmp_path):
    codes = tmp_path / "codes.toml"
    codes.write_text('[codes]\nclassCode = ["SUMMARY^^2.999.1"]\n')
    done = validate("-", "--json", "--codes", codes, content=submission().encode())
    said = json.loads(done.stdout)
    assert (done.returncode, said["good"]) == (1, False)
    (found,) = [one for one in said["findings"] if one["seen"] == "REPORT^^2.999.1"]
    assert found.keys() == {"severity", "where", "rule", "section", "seen", "expected", "fix"}
    codes.write_text("classCode = []")
    assert validate("-", "--codes", codes, content=b"<a/>").returncode == 6
    assert validate(tmp_path / "absent").returncode == 6
