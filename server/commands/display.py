"""What commands show: texts of peers made harmless, tables, progress, and entries as JSON."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from client.people import name_of
from client.times import shown
from ebxml.model import Author, Code, DocumentEntry
from ihe.attributes import DOCUMENT_ENTRY
from ihe.object_types import Status
from server.commands.outcome import harmless

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# An OID of a UUID (2.25.) at its longest; it is copied from the screen, so it stays in one line.
UNIQUE_ID_CHARACTERS = 44
# Wide enough for a uniqueId beside the other columns, where no terminal says how wide it is.
WIDTH_WITHOUT_TERMINAL = 120

Progress = Callable[[int, int], None]


def console(*, to_stderr: bool = False) -> "Console":
    """A console that asks its terminal for colours and width, and has a width without one."""
    from rich.console import Console

    stream = sys.stderr if to_stderr else sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else WIDTH_WITHOUT_TERMINAL)


@contextmanager
def progress_bar(what: str) -> Iterator[Progress | None]:
    """A bar on the terminal; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console(to_stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def entry_table(entries: Iterable[DocumentEntry]) -> "Table":
    """Entries in two lines each, so that all of it stands in eighty columns; a replaced one is marked."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("Title and uniqueId", min_width=UNIQUE_ID_CHARACTERS, overflow="fold")
    table.add_column("What, when and by whom")
    for entry in entries:
        mark = (
            "" if entry.availability_status in (None, Status.APPROVED) else f" ({status_of(entry).lower()})"
        )
        people = ", ".join(name_of(one.person) for one in entry.author if one.person)
        table.add_row(
            Text.assemble(title_of(entry), (mark, "yellow"), "\n", (harmless(entry.unique_id or ""), "dim")),
            Text(f"{name_of_code(entry.type_code)}\n{shown(entry.creation_time, None)}  {harmless(people)}"),
        )
    return table


def title_of(entry: DocumentEntry) -> str:
    """The title, or that there is none."""
    return harmless(entry.title[0].value) if entry.title else "(without title)"


def name_of_code(code: Code | None) -> str:
    """The display name, or the code."""
    if code is None:
        return ""
    return harmless(code.display_name[0].value if code.display_name else code.code)


def status_of(entry: DocumentEntry) -> str:
    """Approved or Deprecated."""
    return harmless((entry.availability_status or "").rpartition(":")[2])


def size_in_words(size_bytes: int) -> str:
    """A size for a person to read."""
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    size, units = size_bytes / 1000, iter(("kB", "MB", "GB", "TB"))
    unit = next(units)
    while size >= 1000:
        size, unit = size / 1000, next(units)
    return f"{size:.1f} {unit}"


def entry_as_json(entry: DocumentEntry) -> dict[str, Any]:
    """Every attribute that has a value, by its name in ITI TF-3: 4.2.3.2."""
    values = {row.name: _as_json(getattr(entry, row.field)) for row in DOCUMENT_ENTRY}
    values["title"], values["comments"] = (_first_text(text) for text in (entry.title, entry.comments))
    return {name: value for name, value in values.items() if value}


def _as_json(value: Any) -> Any:
    match value:
        case Code(code, scheme, display_name):
            return {"code": code, "scheme": scheme, "displayName": _first_text(display_name)}
        case Author():
            parts = {
                "authorPerson": value.person,
                "authorInstitution": list(value.institution),
                "authorRole": list(value.role),
                "authorSpecialty": list(value.specialty),
                "authorTelecommunication": list(value.telecommunication),
            }
            return {name: part for name, part in parts.items() if part}
        case tuple():
            return [_as_json(one) for one in value]
        case _:
            return value


def _first_text(text: Any) -> str:
    return text[0].value if text else ""
