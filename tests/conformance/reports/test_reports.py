"""One run in four forms: for programs, for build servers, for a terminal and for a browser."""

import io
import json
from dataclasses import replace

import pytest
from lxml import etree
from rich.console import Console

from conformance.reports.html import write_html
from conformance.reports.json_file import read_run, write_run
from conformance.reports.junit import write_junit
from conformance.reports.terminal import Watched, show_run
from tests.conformance.reports.runs import run
from tests.services.browser import browser


def test_json_reads_back_to_the_same_run():
    assert read_run(write_run(run())) == run()
    said = json.loads(write_run(run()))
    assert said["format"] == "coffre-conformance-run/1"
    assert said["outcomes"][1]["exchanges"][1]["received"] == {"base64": "/wAgbm8gdGV4dA=="}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "coffre-conformance-run/2"}'])
def test_what_is_no_run_is_not_read_as_one(text):
    with pytest.raises(ValueError, match=r"run|Expecting"):
        read_run(text)


def test_junit_has_a_suite_for_each_group_and_a_case_for_each_plan():
    control = replace(run(), product="a\x00b")
    root = etree.fromstring(write_junit(control))
    assert root.get("name") == "a\N{REPLACEMENT CHARACTER}b 4.2"
    counts = [(one.get("name"), one.get("tests"), one.get("failures"), one.get("skipped")) for one in root]
    assert counts == [("Queries", "2", "1", "0"), ("XUA", "1", "0", "1")]
    (failure,) = root.iter("failure")
    assert failure.get("message", "").startswith("Ask for documents (ITI TF-2: 3.18.4.1.2): 2 errors")
    assert "a stored query is known" in str(failure.text)
    assert [one.get("message") for one in root.iter("skipped")] == ["none came"]


def test_the_terminal_tells_what_failed_and_counts_the_rest():
    shown, progress = io.StringIO(), io.StringIO()
    with Watched(Console(file=progress)) as watch:
        for number, one in enumerate(run().outcomes, 1):
            watch(one, number, 3)
    show_run(run(), Console(file=shown, width=120))
    assert progress.getvalue().split() == ["failed", "ask", "passed", "ask-again", "not", "run", "show"]
    lines = [one.strip() for one in shown.getvalue().splitlines()]
    assert lines[0] == "FAILED ask: Ask for documents (ITI TF-2: 3.18.4.1.2)"
    assert "ERROR: a stored query is known" in lines
    assert "seen      urn:uuid:14d4debe-8f97-4251-9a74-a90016b0af0d" in lines
    assert lines[-1] == "1 passed, 1 failed, 1 not run"


def test_the_page_is_used_without_network_and_with_the_keyboard_alone(tmp_path):
    file = tmp_path / "report.html"
    file.write_text(write_html(run()), encoding="utf-8")
    with browser() as page:
        page.open(file.as_uri())
        assert page.say("document.title") == "Praxis <Soft> 4.2: conformance report"
        assert page.say("document.querySelector('h1').textContent").split() == [
            "Praxis",
            "<Soft>",
            "4.2",
            "failed",
        ]
        is_open = "[...document.querySelectorAll('details.plan')].map((one) => one.open)"
        assert page.say(is_open) == [True, False, False]
        shown = (
            "[...document.querySelectorAll('details.plan')].filter((one) => !one.hidden).map((one) => one.id)"
        )

        page.press("j", "j", "Enter")
        assert page.say("document.activeElement.parentElement.id") == "p1"
        assert page.say(is_open) == [True, True, False]
        page.press("/", *"3.40")
        assert page.say(shown) == ["p2"]
        assert page.say("document.querySelector('#told').textContent") == "1 of 3"
        page.press("Escape")
        assert page.say(shown) == ["p0", "p1", "p2"]
        page.say("document.querySelector('button[data-show=failed]').focus()")
        page.press("Enter")
        assert page.say(shown) == ["p0"]

        marked = "[...document.querySelectorAll('#p0 pre mark')].map((one) => one.textContent)"
        assert [one.split(" ")[0] for one in page.say(marked)] == ["<query:ResponseOption", "<rim:AdhocQuery"]
        page.say("document.querySelector('#p0 .finding a').focus()")
        page.press("Enter")
        assert page.say("location.hash").startswith("#p0-0-")

        paper = "getComputedStyle(document.body).backgroundColor"
        page.prefer("light")
        light = page.say(paper)
        page.prefer("dark")
        assert page.say(paper) != light
        assert page.asked == [file.as_uri()]
        assert page.complaints == []


def test_a_page_about_what_passed_says_so():
    page = write_html(run(failing=False))
    assert "All 1 plans that were tried passed." in page
    assert "What to mend" not in page
