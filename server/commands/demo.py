"""`coffre demo`: the whole way of a document, for a person to watch."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from server.commands.outcome import ExitCode, Trouble


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep platform, documents and log in this new directory."),
    ] = None,
) -> None:
    """Carry two real documents all the way in and out again, on a platform of the demo's own.

    Starts a server on a free port, makes a patient known, submits a PDF and a CDA, corrects one, finds and
    fetches them, compares every byte, shows the audit trail, stops the server. Status 0 if all went well.

    \b
    Example:
      coffre demo --keep demo-data
    """
    from server.demo import run

    if keep is None:
        with tempfile.TemporaryDirectory(prefix="coffre-demo-") as directory:
            run(Path(directory))
        typer.echo("`coffre demo --keep demo-data` leaves everything there for you to look at.")
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise Trouble(ExitCode.FILE, f"{keep} is there already.", "Name a directory that is new or empty.")
    run(keep)
