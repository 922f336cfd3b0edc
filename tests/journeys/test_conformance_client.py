"""Our own client is practice software as well: the kit watches it work, and finds nothing wrong."""

import re
import signal
import subprocess
from contextlib import contextmanager

from conformance.reports.json_file import read_run
from tests.house.tree import PROGRAMS
from tests.server.test_command_line import clean_environment

PATIENT = "P1^^^&2.999.5&ISO"


@contextmanager
def kit(directory):
    """Run `coffre conformance client` until Ctrl-C, and lend the addresses that it names."""
    command = [str(PROGRAMS / "coffre"), "conformance", "client", "--port", "0", "--product", "Coffre"]
    command += ["--version", "0.1", "--save", "run.json", "--html", "report.html"]
    process = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    lines: list[str] = []
    while not (lines and lines[-1].startswith("[ ] Audit")):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    yield dict(re.findall(r"^(registry|repository) +(http\S+)$", "".join(lines), re.MULTILINE))
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 0, said


def test_our_client_ticks_what_it_does_and_makes_no_error(tmp_path):
    """ITI TF-2: 3.41, 3.18, 3.43; ITI TF-3: 4.2.2.2.3, 4.2.1."""
    with kit(tmp_path) as at:
        addresses = {"COFFRE_REGISTRY": at["registry"], "COFFRE_REPOSITORY": at["repository"]}

        def coffre(*words):
            command = [str(PROGRAMS / "coffre"), *map(str, words)]
            done = subprocess.run(
                command, env=clean_environment() | addresses, capture_output=True, text=True, cwd=tmp_path
            )
            assert done.returncode == 0, done.stdout + done.stderr

        letter = tmp_path / "letter.txt"
        letter.write_text("Dear colleague")
        said = ("--type", "laboratory", "--author", "Dr Anne Muller", "--folder", "Stay")
        coffre("submit", letter, "--patient", PATIENT, *said, "--unique-id", "2.999.77.1")
        letter.write_text("Dear colleague, once more")
        coffre("submit", letter, "--replace", "2.999.77.1", "--unique-id", "2.999.77.2")
        coffre("find", "--patient", PATIENT)
        coffre("fetch", "2.999.77.2", "--force")
    run = read_run((tmp_path / "run.json").read_text())
    verdicts = {one.plan: one.verdict.value for one in run.outcomes}
    assert verdicts == {
        "submit": "passed", "replace": "passed", "folder": "passed", "query-and-retrieve": "passed",
        "consent": "not run", "trouble": "not run", "tls-and-xua": "not run", "audit": "not run",
        "messages-iti-18": "passed", "messages-iti-41": "passed", "messages-iti-43": "passed",
    }  # fmt: skip
    assert "All 7 plans that were tried passed." in (tmp_path / "report.html").read_text()
