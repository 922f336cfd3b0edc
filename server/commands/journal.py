"""`coffre audit journal`: a patient's journal, in his language."""

import asyncio
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from server.commands import options
from server.commands.outcome import harmless

if TYPE_CHECKING:
    from rich.table import Table

    from atna_audit.journal import Journal
    from atna_audit.journal_texts import Language


class Languages(StrEnum):
    """ISO 639-1."""

    FRENCH = "fr"
    GERMAN = "de"
    ENGLISH = "en"
    LUXEMBOURGISH = "lb"


class Forms(StrEnum):
    """How a journal is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    PDF = "pdf"


def journal(
    patient: Annotated[str, typer.Option(help="A patient: the id alone, or ID^^^&OID&ISO.")],
    language: Annotated[Languages, typer.Option(help="In which language.")] = Languages.FRENCH,
    form: Annotated[Forms, typer.Option("--format", help="text, json, csv, or pdf: PDF/A.")] = Forms.TEXT,
    person: Annotated[str, typer.Option(help="Part of a name, an id or an establishment.")] = "",
    document: Annotated[str, typer.Option(help="Part of a document's title, or its uniqueId.")] = "",
    since: Annotated[datetime | None, typer.Option(help="From this time on, in the domain's zone.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Before this time.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many accesses to show.")] = 100,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Into this file, not to the terminal.")
    ] = None,
    config: options.ConfigFile = None,
) -> None:
    """Show a patient who got to his record, when, in what context and to do what; the latest first.

    \b
    Examples:
      coffre audit journal --patient 1980010112345 --language de
      coffre audit journal --patient 1980010112345 --format pdf -o journal.pdf
    """
    from atna_audit.journal import Wanted
    from atna_audit.journal_texts import Language
    from client import patient_id_of
    from server.commands.audit import no_audit_log
    from server.commands.configured import configuration_of
    from server.commands.peers import authority_of
    from server.journal import journal_for_operator
    from server.journal_forms import as_csv

    configuration = configuration_of(config)
    zone = ZoneInfo(configuration.domain.time_zone)
    wanted = Wanted(
        patient_id=patient_id_of(patient, authority_of(configuration)),
        since=since.replace(tzinfo=zone) if since else None,
        until=until.replace(tzinfo=zone) if until else None,
        person=person,
        document=document,
        number=number,
    )
    said = Language(language)
    with no_audit_log(configuration):
        found = asyncio.run(journal_for_operator(wanted, configuration))
    if form is Forms.TEXT:
        _show(found, said, zone)
        return
    write = {Forms.JSON: _json, Forms.CSV: as_csv, Forms.PDF: _pdf}[form]
    content = write(found, said, zone)
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)


def _json(journal: "Journal", language: "Language", zone: ZoneInfo) -> bytes:
    import json

    from server.journal_forms import as_json

    return json.dumps(as_json(journal, language, zone), indent=2, ensure_ascii=False).encode() + b"\n"


def _pdf(journal: "Journal", language: "Language", zone: ZoneInfo) -> bytes:
    from server.journal_forms import as_pdf

    return as_pdf(journal, language, zone, datetime.now(UTC))


def _show(journal: "Journal", language: "Language", zone: ZoneInfo) -> None:
    from atna_audit import journal_texts as texts
    from server.commands.display import console

    if not journal.rows:
        typer.echo(texts.NOTHING.in_(language))
        return
    console().print(journal_table(journal, language, zone))
    if journal.more:
        typer.echo(texts.MORE.in_(language))


def journal_table(journal: "Journal", language: "Language", zone: ZoneInfo) -> "Table":
    """A row for each access."""
    from rich import box
    from rich.table import Table

    from atna_audit import journal_texts as texts
    from atna_audit.journal import told

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for text in texts.COLUMNS:
        table.add_column(text.in_(language), overflow="fold")
    for access in journal.rows:
        table.add_row(*map(harmless, told(access, language, zone)))
    return table
