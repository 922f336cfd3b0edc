"""`coffre`, the one command: every subcommand is a function of `server.commands`."""

import sys
from importlib.metadata import version as version_of
from platform import python_version

import typer

from server.commands import options, repository, serving
from server.commands.outcome import MEANINGS, show_trouble, trouble_of, write_json

_EXIT_CODES = "Exit status:  " + ".  ".join(f"{code:d}: {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    name="coffre",
    help="A shared care record after IHE XDS.b: run it, and put documents in and get them out.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command()(serving.init)
app.command()(serving.serve)
app.command()(serving.migrate)
app.add_typer(repository.app, name="repository")


@app.command()
def version(as_json: options.Json = False) -> None:
    """Say which version this is."""
    facts = {"coffre": version_of("coffre"), "python": python_version()}
    if as_json:
        write_json(facts)
    else:
        typer.echo(f"coffre {facts['coffre']} on Python {facts['python']}")


def main() -> None:
    """Run the command line; whatever goes wrong ends in a sentence and a status, never in a stack trace."""
    try:
        app()
    except Exception as problem:
        trouble = trouble_of(problem)
        show_trouble(trouble, "--json" in sys.argv)
        raise SystemExit(int(trouble.code)) from None


if __name__ == "__main__":
    main()
