"""What docs/talking-to-coffre.md tells a reader to type, typed: zeep and curl at a server as it comes."""

import re
import sys
from pathlib import Path
from subprocess import run

import pytest

from tests.services.platform import ROOT
from tests.wire import HttpAnswer

PAGE = (ROOT / "docs" / "talking-to-coffre.md").read_text()
COMMANDS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
LETTER = (ROOT / "docs" / "examples" / "letter.txt").read_bytes()
SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"


class Reader:
    """Somebody who types the commands one after the other, in a folder with the project's docs."""

    def __init__(self, folder: Path, url: str) -> None:
        (folder / "docs").symlink_to(ROOT / "docs")
        self.folder, self._url = folder, url

    def types(self, commands: str) -> str:
        """Run a block as it stands, but for where the server is, and say what it printed."""
        commands = commands.replace("http://localhost:8080", self._url)
        commands = commands.replace(".venv/bin/python", sys.executable)
        done = run(
            ["bash", "-eu", "-o", "pipefail", "-c", commands],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def reader(fresh_platform, tmp_path):
    """A reader beside a server with the configuration that `coffre init` writes, all defaults."""
    return Reader(tmp_path, fresh_platform(toml="").url)


def test_curl_and_zeep_do_what_the_page_says(reader):
    """ITI TF-2: 3.44, 3.41, 3.43 by curl with hand-made MIME; 3.42, 3.18 by zeep from our own WSDL."""
    add_patient, make_submission, submit, retrieve_mtom, retrieve_plain, zeep = COMMANDS

    assert '<typeCode code="CA"/>' in reader.types(add_patient)
    reader.types(make_submission)
    assert f'status="{SUCCESS}"' in reader.types(submit)
    assert "XDSDuplicateUniqueIdInRegistry" in reader.types(submit)

    reader.types(retrieve_mtom)
    status, *lines = (reader.folder / "answer.headers").read_text().strip().splitlines()
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    answer = HttpAnswer(int(status.split()[1]), headers, (reader.folder / "answer.mtom").read_bytes())
    assert (answer.status, answer.status_urn) == (200, SUCCESS)
    assert [content for _, content in answer.parts[1:]] == [LETTER]

    assert reader.types(retrieve_plain) == ""
    assert (reader.folder / "letter.txt").read_bytes() == LETTER

    registered, *found = reader.types(zeep).splitlines()
    assert registered == f"registered: {SUCCESS}"
    assert len(found) == 2
    assert all(line.startswith("found: Discharge letter urn:uuid:") for line in found)
