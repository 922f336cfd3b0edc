"""`coffre audit`: who did what, from the records of the Audit Record Repository."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from server.commands import options
from server.commands.journal import journal
from server.commands.outcome import ExitCode, Trouble, harmless, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from atna_audit.checkpoints import Checkpoint
    from atna_audit.reading import AuditSummary
    from atna_audit.reconciliation import Gap, Reconciled
    from atna_audit.search import SenderDiagnosis
    from server.audit_log import AuditLog, Verdict
    from server.settings import Configuration

R = TypeVar("R")


class Results(StrEnum):
    """EventOutcomeIndicator in words."""

    SUCCESS = "success"
    MINOR = "minor"
    SERIOUS = "serious"
    MAJOR = "major"


Number = Annotated[int, typer.Option("--number", "-n", min=1, help="How many records to show.")]

app = typer.Typer(help="See who did what.", no_args_is_help=True, rich_markup_mode=None)
app.command()(journal)


@app.callback()
def audit() -> None:
    """See who did what."""


@app.command()
def tail(
    number: Number = 20,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show the latest audit records, the newest last.

    \b
    Example:
      coffre audit tail -n 5 --config coffre-data/coffre.toml
    """
    from server.commands.configured import configuration_of

    _show(latest(configuration_of(config), number), as_json)


@app.command()
def search(
    patient: Annotated[str, typer.Option(help="A patient: the id alone, or ID^^^&OID&ISO.")] = "",
    person: Annotated[str, typer.Option(help="A user or a system, by its UserID or UserName.")] = "",
    document: Annotated[str, typer.Option(help="A document, by its uniqueId.")] = "",
    event: Annotated[str, typer.Option(help="The code of an event: ITI-43, 110113...")] = "",
    purpose: Annotated[str, typer.Option(help="The code of a purpose of use.")] = "",
    sender: Annotated[str, typer.Option(help="The system that recorded it, by its AuditSourceID.")] = "",
    outcome: Annotated[Results | None, typer.Option(help="How it went.")] = None,
    since: Annotated[datetime | None, typer.Option(help="From this time on, here.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Before this time.")] = None,
    number: Number = 20,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Find stored audit records of which all this holds, of any system, the newest last.

    \b
    Examples:
      coffre audit search --patient 1980010112345 --since 2030-01-01
      coffre audit search --event ITI-43 --outcome serious -n 100 --json
    """
    from atna_audit.reading import summaries
    from atna_audit.search import Search
    from atna_audit.tables import About
    from client import patient_id_of
    from ihe.audit_events import Outcome
    from server.commands.configured import configuration_of
    from server.commands.peers import authority_of

    configuration = configuration_of(config)
    patient_id = patient_id_of(patient, authority_of(configuration)) if patient else ""
    about = {
        About.PATIENT: patient_id,
        About.DOCUMENT: document,
        About.PERSON: person,
        About.PURPOSE: purpose,
        About.EVENT: event,
    }
    asked = Search(
        since=since.astimezone() if since else None,
        until=until.astimezone() if until else None,
        outcome=Outcome[outcome.name] if outcome else None,
        sender=sender,
        about={key: value for key, value in about.items() if value},
    )

    async def ask(log: "AuditLog") -> list[bytes]:
        return await log.search(asked, number)

    found = _asked(configuration, f"search {asked.words}", ask, patient_id)
    _show(tuple(summaries(found)), as_json)


@app.command()
def diagnose(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Show, for each sender, what is not right about its audit messages, and in how many of them.

    \b
    Example:
      coffre audit diagnose --config coffre-data/coffre.toml
    """
    from itertools import groupby

    from server.commands.configured import configuration_of

    async def ask(log: "AuditLog") -> "list[SenderDiagnosis]":
        return await log.diagnoses()

    found = _asked(configuration_of(config), "diagnose", ask)
    if as_json:
        write_json([asdict(one) for one in found])
    elif not found:
        typer.echo("All audit messages are as they should be.")
    else:
        for sender, diagnoses in groupby(found, key=lambda one: one.sender):
            typer.echo(f"{harmless(sender)}:")
            for one in diagnoses:
                typer.echo(f"  {one.messages:>8} x {harmless(one.diagnosis)}")


@app.command()
def verify(
    against: Annotated[
        list[Path] | None,
        typer.Option(help="A file of checkpoints that was kept elsewhere; may be given several times."),
    ] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many findings to show.")] = 100,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Find every stored audit record that was altered, removed, added or moved since it came in.

    All records are read and held against the signed tree over them, and against each checkpoint of it: those
    of this server's own file, and of the files given.

    \b
    Example:
      coffre audit verify --against /mnt/notary/audit-checkpoints
    """
    from atna_audit.checkpoints import BadCheckpoint, BadSigningKey
    from server.commands.configured import configuration_of

    configuration = configuration_of(config)

    async def ask(log: "AuditLog") -> "Verdict":
        return await log.damage(configuration.audit_repository, against or (), number)

    try:
        verdict = _asked(configuration, "verify", ask)
    except (BadCheckpoint, BadSigningKey) as problem:
        raise Trouble(ExitCode.CONFIGURATION, str(problem)) from None
    newest = verdict.newest
    facts = {
        "records": newest.size,
        "dropped": newest.dropped,
        "root": newest.root,
        "checkpoints": verdict.checkpoints,
        "damage": [asdict(one) for one in verdict.damage],
    }
    if verdict.damage:
        raise Trouble(
            ExitCode.DAMAGED,
            f"The audit log of {newest.size} records is not what was stored.",
            "Keep the database as it is, find out who wrote into it, and restore a copy.",
            [
                (f"record {one.record}: {one.trouble}" if one.record else one.trouble, "")
                for one in verdict.damage
            ],
            facts,
        )
    if as_json:
        write_json(facts)
    else:
        typer.echo(f"{newest.size} records are as they were stored, {newest.dropped} of them dropped by age.")
        typer.echo(f"They were held against {verdict.checkpoints} checkpoints; the root is {newest.root}.")


@app.command()
def checkpoint(config: options.ConfigFile = None) -> None:
    """Print the newest signed checkpoint as one line of JSON, to be kept elsewhere.

    \b
    Example:
      coffre audit checkpoint >> /mnt/notary/audit-checkpoints
    """
    from server.commands.configured import configuration_of

    async def ask(log: "AuditLog") -> "Checkpoint":
        return await log.newest_checkpoint()

    newest = _asked(configuration_of(config), "checkpoint", ask)
    if not newest.signature:
        raise Trouble(ExitCode.USAGE, "There is no audit record yet, and nothing to be signed.")
    typer.echo(newest.written())


@app.command("rotate-key")
def rotate_key(config: options.ConfigFile = None) -> None:
    """Sign the audit log by a new key, from the next start of its servers on.

    What the old one signed stays valid.

    \b
    Example:
      coffre audit rotate-key --config coffre-data/coffre.toml
    """
    from atna_audit.checkpoints import BadSigningKey, SigningKey
    from server.commands.configured import configuration_of

    configuration = configuration_of(config)
    file = configuration.audit_repository.signing_key

    async def ask(log: "AuditLog") -> int:
        if not file.exists():
            raise Trouble(ExitCode.CONFIGURATION, f"There is no key at {file} yet; a server makes one.")
        return len(SigningKey.of_file(file).rotated(file).former)

    try:
        former = _asked(configuration, "rotate-key", ask)
    except BadSigningKey as problem:
        raise Trouble(ExitCode.CONFIGURATION, str(problem)) from None
    typer.echo(f"{file} holds a new key, and {former} to verify what was signed before.")
    typer.echo("Restart the servers that store audit records, and copy the file as before.")


@app.command("reconcile")
def reconcile_(
    since: Annotated[
        datetime | None, typer.Option(help="From this time on, here; else two days ago.")
    ] = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Prove that every request that was answered has its record here, node by node; or show the gaps.

    \b
    Example:
      coffre audit reconcile --since 2030-01-01
    """
    from server.audit_care import RECONCILED_DAYS
    from server.commands.configured import configuration_of

    begin = since.astimezone() if since else datetime.now().astimezone() - timedelta(days=RECONCILED_DAYS)

    async def ask(log: "AuditLog") -> "Reconciled":
        return await log.reconciled(begin)

    found = _asked(configuration_of(config), "reconcile", ask)
    if found.gaps:
        raise Trouble(
            ExitCode.DAMAGED,
            f"Not every one of {found.answered} answers has its record.",
            "Look into the spools of these nodes, and bring back what lies there.",
            [(_gap(gap), "") for gap in found.gaps],
            asdict(found),
        )
    if as_json:
        write_json(asdict(found))
    else:
        typer.echo(f"{found.answered} answers have their records, {found.records} in all; none is missing.")


def _gap(gap: "Gap") -> str:
    begin, end = (f"{at.astimezone():%Y-%m-%d %H:%M:%S}" for at in (gap.since, gap.until))
    missing = f"{gap.missing_records} records are missing" if gap.missing_records else ""
    unrecorded = f"{gap.unrecorded_requests} answers were not recorded" if gap.unrecorded_requests else ""
    return f"{harmless(gap.node)}, {begin} to {end}: {', '.join(filter(None, (missing, unrecorded)))}"


def latest(configuration: "Configuration", number: int) -> "tuple[AuditSummary, ...]":
    """The last records of the log, the newest last."""
    from atna_audit.reading import summaries

    async def ask(log: "AuditLog") -> list[bytes]:
        return await log.latest(number)

    return tuple(summaries(_asked(configuration, "tail", ask)))


def _asked(
    configuration: "Configuration",
    query: str,
    ask: "Callable[[AuditLog], Awaitable[R]]",
    patient_id: str = "",
) -> R:
    """Open the log, ask it, and record that; what is found may be shown then."""
    from server.audit_log import audit_log

    async def answer() -> R:
        async with audit_log(configuration, query, patient_id) as log:
            return await ask(log)

    with no_audit_log(configuration):
        return asyncio.run(answer())


@contextmanager
def no_audit_log(configuration: "Configuration") -> Iterator[None]:
    """Say what is wrong where there is no log at all."""
    from server.audit_log import NoAuditLog

    try:
        yield
    except NoAuditLog:
        raise Trouble(
            ExitCode.CONFIGURATION,
            f"There is no audit record in {configuration.audit.spool}, and no database either.",
            "Is --config that of the server?",
        ) from None


def _show(records: "Sequence[AuditSummary]", as_json: bool) -> None:
    from server.commands.display import console

    if as_json:
        write_json([as_facts(record) for record in records])
    elif records:
        console().print(audit_table(records))
    else:
        typer.echo("There are no such audit records.")


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
