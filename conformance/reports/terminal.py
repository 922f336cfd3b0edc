"""A run in the terminal: how far it is while it goes on, and what it came to."""

from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from conformance.reports.told import headline, rows_of
from conformance.results import Outcome, Run, Severity, Verdict

_COLOURS = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOT_RUN: "dim"}


def watched() -> "Watched":
    """Watch a run on the standard error, whose output is not the result."""
    return Watched(Console(stderr=True))


class Watched:
    """A bar that fills as plans end, on a terminal; a line for each plan, elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._counts: Counter[Verdict] = Counter()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("plans", total=None)

    def __enter__(self) -> "Watched":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, outcome: Outcome, done: int, total: int) -> None:
        """Take note of an outcome; only what did not pass is worth a line while the bar is shown."""
        self._counts[outcome.verdict] += 1
        failed = self._counts[Verdict.FAILED]
        said = f"plans, [red]{failed} failed[/]" if failed else "plans"
        self._progress.update(self._task, completed=done, total=total, description=said)
        if not self._console.is_terminal or outcome.verdict is Verdict.FAILED:
            colour = _COLOURS[outcome.verdict]
            self._console.print(
                f"[{colour}]{outcome.verdict:8}[/] {escape(outcome.plan)}", highlight=False, soft_wrap=True
            )


def show_run(run: Run, console: Console | None = None) -> None:
    """Show what failed with its findings, then the groups, then the whole in one line."""
    console = console or Console()
    for one in run.outcomes:
        if one.verdict is Verdict.FAILED:
            _show_failed(one, console)
    table = Table("Group", *(word.capitalize() for word in Verdict), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for group in dict.fromkeys(one.group for one in run.outcomes):
        counts = Counter(one.verdict for one in run.outcomes if one.group == group)
        table.add_row(escape(group), *(str(counts[one] or "") for one in Verdict))
    console.print(table)
    counts = Counter(one.verdict for one in run.outcomes)
    console.print(", ".join(f"{counts[one]} {one}" for one in Verdict), highlight=False)


def _show_failed(outcome: Outcome, console: Console) -> None:
    def line(text: str, style: str = "") -> None:
        console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)

    line(f"FAILED {outcome.plan}: {outcome.requirement} ({outcome.section})", "bold red")
    if outcome.reason:
        line(f"  {outcome.reason}")
    findings = [*outcome.findings, *(one for exchange in outcome.exchanges for one in exchange.findings)]
    for one in findings:
        if one.severity is Severity.ERROR:
            line(f"  {headline(one)}")
            for row in rows_of(one):
                line(f"    {row}")
