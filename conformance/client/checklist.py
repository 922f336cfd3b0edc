"""The checklist in the terminal: where to send what, each message as it comes, each tick as it is made."""

import threading
from dataclasses import dataclass, field

from rich.console import Console

from conformance.client.observed import Observation
from conformance.client.scenarios import SCENARIOS
from conformance.client.session import Session
from conformance.reports.told import headline, rows_of
from conformance.results import Outcome, Severity, Verdict


@dataclass
class Checklist:
    """Tells a tester what happens; `done` is set when every line of the checklist is ticked."""

    console: Console = field(default_factory=lambda: Console(stderr=True))
    done: threading.Event = field(default_factory=threading.Event)
    _ticked: set[str] = field(default_factory=set)

    def begin(self, here: Session) -> None:
        """Say where we are, and what there is to do."""
        for name, address in here.endpoints:
            self._say(f"{name:24} {address}")
        self._say("")
        for one in SCENARIOS:
            self._say(f"[ ] {one.title}: {one.todo}")
        self._say("")

    def hear(self, seen: Observation, standing: tuple[Outcome, ...]) -> None:
        """Show a message with its errors, and what it ticked."""
        errors = [one for one in seen.judgement.findings if one.severity is Severity.ERROR]
        count = f"{len(errors)} error{'' if len(errors) == 1 else 's'}" if errors else "right"
        self._say(
            f"{seen.exchange.started:%H:%M:%S} {seen.exchange.title}: {count}, answered {seen.answered}"
        )
        for one in seen.judgement.findings:
            if one.severity is not Severity.NOTE:
                self._say(f"  {headline(one)}")
                for row in rows_of(one):
                    self._say(f"    {row}")
        wanted = {one.id: one.title for one in SCENARIOS}
        for outcome in standing:
            if outcome.verdict is Verdict.PASSED and outcome.plan in wanted.keys() - self._ticked:
                self._ticked.add(outcome.plan)
                self.console.print(f"[green]\\[x] {wanted[outcome.plan]}[/]", highlight=False)
        if wanted.keys() <= self._ticked:
            self.done.set()

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
