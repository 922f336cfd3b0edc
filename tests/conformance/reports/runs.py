"""A run as reports are made of it: something passed, something failed, something that was not tried."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from conformance.judging.message import judge
from conformance.results import Exchange, Finding, Outcome, Run, Severity, Verdict
from tests.conformance.judging.samples import changed
from tests.messages import requests
from tests.wire import envelope

AT = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
NOTHING_FOUND = (
    '<rs:RegistryResponse xmlns:rs="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" '
    'status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"/>'
)
GOOD = envelope(requests.ITI_18, requests.find_documents("p1^^^&2.999.5&ISO"))
BAD = changed(GOOD.decode(), ("14d4debf", "14d4debe"), ("LeafClass", "&lt;script>")).encode()


def exchange(received: bytes) -> Exchange:
    found = judge(received).findings
    return Exchange(
        "Registry Stored Query [ITI-18]", "Document Consumer", requests.ITI_18,
        envelope("urn:answer", NOTHING_FOUND), received, AT, 0.25, found,
    )  # fmt: skip


def run(*, failing: bool = True) -> Run:
    """A run of three plans in two groups."""
    warned = Finding(Severity.WARNING, "Content-Type", "a rule", "a section", "seen", "expected", "a fix")
    failed = Outcome(
        "ask", "Queries", "Document Consumer", "", "Ask for documents", "ITI TF-2: 3.18.4.1.2",
        Verdict.FAILED,
        "2 errors in what was asked, <b>and more</b>", (exchange(BAD),), (warned,),
    )  # fmt: skip
    passed = Outcome(
        "ask-again", "Queries", "Document Consumer", "an option", "Ask once more", "ITI TF-2: 3.18.4.1.2",
        Verdict.PASSED, "", (exchange(GOOD), replace(exchange(GOOD), received=b"\xff\x00 no text")),
    )  # fmt: skip
    not_run = Outcome(
        "show",
        "XUA",
        "X-Service User",
        "",
        "Show an assertion",
        "ITI TF-2: 3.40",
        Verdict.NOT_RUN,
        "none came",
    )
    outcomes = (failed, passed, not_run) if failing else (passed, not_run)
    endpoints = (("registry", "http://127.0.0.1:1/registry"),)
    return Run("Praxis <Soft>", "4.2", endpoints, "2030.1", "a seed", AT, AT + timedelta(seconds=9), outcomes)
