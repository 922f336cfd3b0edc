"""The tester reads where to send what, what was wrong with it, and what is done."""

import io

from rich.console import Console

from conformance.client.checklist import Checklist
from conformance.client.scenarios import SCENARIOS
from conformance.client.session import Ports, session
from tests.conformance.client.test_session import PATIENT, Practice
from tests.conformance.judging.samples import changed
from tests.messages import requests


def test_each_message_and_each_tick_is_told():
    written = io.StringIO()
    checklist = Checklist(Console(file=written, width=200))
    good = requests.submission(PATIENT).submit_objects_request
    with session("Praxis", "4.2", "127.0.0.1", Ports(), None, "2.999.352.2", {}, checklist.hear) as here:
        checklist.begin(here)
        practice = Practice(here)
        practice.provide(changed(good, (">fr-LU<", ">fr_LU<")))
        practice.provide(good)
    lines = written.getvalue().splitlines()
    assert f"registry                 {practice.at['registry']}" in lines
    assert [one.split(":")[0] for one in lines if one.startswith("[ ] ")] == [
        f"[ ] {one.title}" for one in SCENARIOS
    ]
    told = [one.strip() for one in lines[lines.index("  ERROR: languageCode is spelled as Language") :]]
    assert told[2:5] == [
        "section   ITI TF-3: 4.2.3.2.13, Table 4.2.3.1.7-2",
        "seen      fr_LU",
        "expected  a language tag such as fr-LU",
    ]
    assert told[-2].endswith("ITI-41 Provide and Register Document Set-b: right, answered Success")
    assert told[-1] == "[x] Submit one document"
    assert not checklist.done.is_set()
