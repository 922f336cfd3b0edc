"""What was found, sent and decided: the one vocabulary of runs, judgements and reports."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error fails what it was found in, the others never do."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Verdict(StrEnum):
    """How a plan ended; one that could not be tried has said nothing about its target."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as the standard has it.

    `where` is an XPath with the usual prefixes, or a header's name; `fix` says what to change.
    """

    severity: Severity
    where: str
    rule: str
    section: str
    seen: str
    expected: str
    fix: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message and its answer as they went over the wire, and what is wrong with them.

    `sent` says whether the kit asked; with a client under test it was the kit that answered.
    """

    title: str
    actor: str
    action: str
    sent: bytes
    received: bytes
    started: datetime
    seconds: float
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one plan; `findings` are those of no single exchange."""

    plan: str
    group: str
    actor: str
    option: str
    requirement: str
    section: str
    verdict: Verdict
    reason: str = ""
    exchanges: tuple[Exchange, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run against one product; `endpoints` are (name, address), in the order they were given."""

    product: str
    version: str
    endpoints: tuple[tuple[str, str], ...]
    plan_set: str
    seed: str
    started: datetime
    ended: datetime
    outcomes: tuple[Outcome, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether something was tried, and nothing failed."""
        verdicts = {outcome.verdict for outcome in self.outcomes}
        return Verdict.PASSED in verdicts and Verdict.FAILED not in verdicts
