"""`coffre registry`: what the keeper of the metadata does beside the running server."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands import options
from server.commands.outcome import write_json

if TYPE_CHECKING:
    from registry.rebuild import Rebuilt

app = typer.Typer(help="Look after the registered metadata.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def registry() -> None:
    """Look after the registered metadata."""


@app.command()
def rebuild(
    after: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Go on where a rebuild was broken off.")
    ] = 0,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Derive what queries compare once more from the stored metadata, and write what differs.

    Needed after an update of Coffre that says so, or when columns were damaged. Servers may run on. Patient
    by patient is done; broken off, it names the number after which to go on.

    \b
    Example:
      coffre registry rebuild --config coffre-data/coffre.toml
    """
    from database import open_database
    from registry.rebuild import rebuild as rebuild_columns
    from registry.store import RegistryStore
    from server.commands.configured import configuration_of
    from server.migrations import migrate

    configuration = configuration_of(config)
    migrate(configuration.database.url)
    reached = after

    def note(patient: int) -> None:
        nonlocal reached
        reached = patient

    async def work() -> "Rebuilt":
        database = await open_database(configuration.database.url)
        try:
            return await rebuild_columns(RegistryStore(database), after, note)
        finally:
            await database.close()

    try:
        rebuilt = asyncio.run(work())
    except BaseException:
        typer.echo(f"Broken off. To go on: coffre registry rebuild --after {reached}", file=sys.stderr)
        raise
    if as_json:
        write_json({"objects": rebuilt.objects, "changed": rebuilt.changed})
        return
    typer.echo(
        f"{rebuilt.objects} objects were compared with what is stored of them, {rebuilt.changed} mended."
    )
