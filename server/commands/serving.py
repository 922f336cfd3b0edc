"""`coffre init`, `serve` and `migrate`: to set a platform up, run it and bring its database up to date."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, write_json


class Actors(StrEnum):
    """What one process runs."""

    ALL = "all"
    REGISTRY = "registry"
    REPOSITORY = "repository"
    AUDIT = "audit"


CONFIGURATION_NAME = "coffre.toml"


def init(
    directory: Annotated[Path, typer.Argument(help="Where the platform is to keep its data.")],
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Make a directory with a commented coffre.toml in it.

    \b
    Example:
      coffre init coffre-data
    """
    configuration = write_configuration(directory, force)
    if as_json:
        write_json({"configuration": str(configuration)})
        return
    typer.echo(
        f"Wrote {configuration}. Every key in it is explained; what is commented out holds as it stands."
    )
    typer.echo(f"Start the platform:  coffre serve --config {configuration}")


def serve(
    actors: Annotated[Actors, typer.Argument(help="Which actors this process runs.")] = Actors.ALL,
    config: options.ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="Where to listen.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="On which port.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="How many processes answer.")] = None,
) -> None:
    """Run the Document Registry, the Document Repository, the Audit Record Repository, or all of them.

    They run until Ctrl-C or SIGTERM.

    \b
    Examples, all in one process and each by itself:
      coffre serve --config coffre-data/coffre.toml
      coffre serve registry --port 8080
      COFFRE_REGISTRY_URL=http://localhost:8080/registry coffre serve repository --port 8081
      coffre serve audit --port 8082 --config arr/coffre.toml
    """
    from server import process
    from server.commands.configured import configuration_of

    chosen = {"COFFRE_SERVER__HOST": host, "COFFRE_SERVER__PORT": port, "COFFRE_SERVER__WORKERS": workers}
    configuration = configuration_of(
        config, {name: str(value) for name, value in chosen.items() if value is not None}
    )
    running = ("registry", "repository", "audit") if actors is Actors.ALL else (str(actors),)
    try:
        process.serve(configuration, running)
    except SystemExit as ended:
        if not ended.code:
            raise
        address = f"{configuration.server.host}:{configuration.server.port}"
        raise Trouble(
            ExitCode.CONFIGURATION,
            f"The server did not start on {address}; its log, above, says why.",
            "If the address is in use, choose another one with --port.",
        ) from None


def migrate(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Bring the database's tables up to what this version needs; `serve` does so itself.

    \b
    Example:
      coffre migrate --config coffre-data/coffre.toml
    """
    from server.commands.configured import configuration_of
    from server.migrations import NEWEST
    from server.migrations import migrate as bring_up_to_date

    bring_up_to_date(configuration_of(config).database.url)
    if as_json:
        write_json({"revision": NEWEST})
    else:
        typer.echo(f"The database stands at revision {NEWEST}.")


def write_configuration(directory: Path, force: bool = False) -> Path:
    """Make the directory, for its owner only, and write the template into it."""
    from server.configuration import template

    configuration = directory / CONFIGURATION_NAME
    if configuration.exists() and not force:
        raise Trouble(
            ExitCode.FILE, f"{configuration} is there already.", "Choose another directory, or --force."
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration.write_text(template(), encoding="utf-8")
    return configuration
