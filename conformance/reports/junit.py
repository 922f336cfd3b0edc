"""A run as JUnit XML, which build servers show."""

import re

from lxml import etree

from conformance.results import Finding, Outcome, Run, Severity, Verdict

# What XML cannot say at all (XML 1.0: 2.2).
_UNSAYABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(run: Run) -> bytes:
    """Write a suite for each group and a case for each plan."""
    root = etree.Element("testsuites", name=_said(f"{run.product} {run.version}".strip()))
    for group in dict.fromkeys(one.group for one in run.outcomes):
        outcomes = [one for one in run.outcomes if one.group == group]
        suite = etree.SubElement(
            root,
            "testsuite",
            name=_said(group),
            tests=str(len(outcomes)),
            failures=str(_count(outcomes, Verdict.FAILED)),
            errors="0",
            skipped=str(_count(outcomes, Verdict.NOT_RUN)),
            time=f"{sum(map(_seconds, outcomes)):.3f}",
            timestamp=run.started.isoformat(),
        )
        for one in outcomes:
            _case(suite, one)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _case(suite: etree._Element, outcome: Outcome) -> None:
    case = etree.SubElement(
        suite,
        "testcase",
        name=_said(outcome.plan),
        classname=_said(f"{outcome.group}.{outcome.actor}"),
        time=f"{_seconds(outcome):.3f}",
    )
    findings = [*outcome.findings, *(one for exchange in outcome.exchanges for one in exchange.findings)]
    errors = [one for one in findings if one.severity is Severity.ERROR]
    if outcome.verdict is Verdict.FAILED:
        message = f"{outcome.requirement} ({outcome.section}): {outcome.reason}"
        failed = etree.SubElement(case, "failure", message=_said(message), type="requirement")
        failed.text = _said("\n\n".join(map(_told, errors)))
    elif outcome.verdict is Verdict.NOT_RUN:
        etree.SubElement(case, "skipped", message=_said(outcome.reason))
    if others := [one for one in findings if one.severity is not Severity.ERROR]:
        etree.SubElement(case, "system-out").text = _said("\n\n".join(map(_told, others)))


def _told(one: Finding) -> str:
    return (
        f"{one.severity.upper()} {one.rule} ({one.section})\nwhere: {one.where}\nseen: {one.seen}\n"
        f"expected: {one.expected}\nfix: {one.fix}"
    )


def _seconds(outcome: Outcome) -> float:
    return sum(one.seconds for one in outcome.exchanges)


def _count(outcomes: list[Outcome], verdict: Verdict) -> int:
    return sum(one.verdict is verdict for one in outcomes)


def _said(text: str) -> str:
    return _UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", text)
