"""`coffre audit`: who did what, from the audit records on this machine."""

from collections import deque
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands import options
from server.commands.outcome import harmless, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from atna_audit.reading import AuditSummary

app = typer.Typer(help="See who did what.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def audit() -> None:
    """See who did what."""


@app.command()
def tail(
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many records to show.")] = 20,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show the latest audit records, the newest last.

    Reads the spool of the configuration, so it is for the machine on which the server runs.

    \b
    Example:
      coffre audit tail -n 5 --config coffre-data/coffre.toml
    """
    from server.commands.configured import configuration_of
    from server.commands.display import console

    spool = configuration_of(config).audit.spool
    records = latest(spool, number)
    if as_json:
        write_json([as_facts(record) for record in records])
    elif records:
        console().print(audit_table(records))
    else:
        typer.echo(f"There is no audit record in {spool}; is --config that of the server?")


def latest(spool: Path, number: int) -> tuple["AuditSummary", ...]:
    """The last records in the spool; none where there is no spool yet."""
    from atna_audit.reading import summaries
    from atna_audit.spool import stored_records

    return tuple(deque(summaries(stored_records(spool)), number)) if spool.is_dir() else ()


def audit_table(records: Iterable["AuditSummary"]) -> "Table":
    """Records as a table: when, what, by whom, of which patient, and how it went; today's by their time."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from hl7v2.datatypes import CX
    from ihe.namespaces import ANONYMOUS

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("When", no_wrap=True)
    table.add_column("What")
    table.add_column("Who", overflow="fold")
    table.add_column("Patient", overflow="fold")
    table.add_column("Outcome", no_wrap=True)
    today = datetime.now().date()
    for record in records:
        if record.problem:
            table.add_row("", Text(f"unreadable: {harmless(record.problem)}", "red"))
            continue
        outcome = record.outcome.name.lower() if record.outcome is not None else ""
        table.add_row(
            _when(record.at.astimezone(), today) if record.at else "",
            harmless(record.event),
            harmless(", ".join(record.who).replace(ANONYMOUS, "anonymous")),
            harmless(", ".join(CX(one).id for one in record.patients)),
            Text(outcome, "green" if outcome == "success" else "red"),
        )
    return table


def _when(at: datetime, today: date) -> str:
    return f"{at:%H:%M:%S}" if at.date() == today else f"{at:%Y-%m-%d %H:%M:%S}"


def as_facts(record: "AuditSummary") -> dict[str, Any]:
    """A record for programs."""
    facts = {
        "at": record.at.isoformat() if record.at else "",
        "event": record.event,
        "action": record.action,
        "outcome": record.outcome.name if record.outcome is not None else "",
        "outcomeDescription": record.outcome_description,
        "who": list(record.who),
        "patients": list(record.patients),
        "submissionSets": list(record.submission_sets),
        "documents": list(record.documents),
        "auditSource": record.audit_source,
        "problem": record.problem,
    }
    return {name: value for name, value in facts.items() if value}
