"""`coffre`, the one command: every subcommand is a function of `server.commands`."""

import sys
from importlib.metadata import entry_points
from importlib.metadata import version as version_of
from io import TextIOWrapper
from platform import python_version

import typer

from server.commands import (
    audit,
    codes,
    consent,
    directory,
    idp,
    options,
    patients,
    pki,
    registry,
    repository,
    serving,
    software,
    tls,
)
from server.commands.demo import demo
from server.commands.fetch import fetch
from server.commands.find import find
from server.commands.outcome import MEANINGS, show_trouble, trouble_of, write_json
from server.commands.submit import submit

# The mark keeps the lines of the table from being filled into a paragraph.
_EXIT_CODES = "\b\nExit status:\n" + "\n".join(
    f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items()
)

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
app.add_typer(codes.app, name="codes")
app.add_typer(patients.app, name="patient")
app.command()(submit)
app.command()(find)
app.command()(fetch)
app.add_typer(consent.app, name="consent")
app.add_typer(directory.professional, name="professional")
app.add_typer(directory.institution, name="institution")
app.add_typer(software.app, name="software")
app.add_typer(audit.app, name="audit")
app.command()(demo)
app.add_typer(registry.app, name="registry")
app.add_typer(repository.app, name="repository")
app.add_typer(idp.app, name="idp")
app.add_typer(pki.app, name="pki")
app.add_typer(tls.app, name="tls")

# Rooms that this one may not import bring their commands themselves (docs/decisions/0019).
for brought in sorted(entry_points(group="coffre.commands"), key=lambda one: one.name):
    command = brought.load()
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=brought.name)
    else:
        app.command(name=brought.name)(command)


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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A title has letters that not every terminal has; a question mark is better than no answer.
            stream.reconfigure(errors="replace")
    try:
        app()
    except Exception as problem:
        trouble = trouble_of(problem)
        show_trouble(trouble, "--json" in sys.argv)
        raise SystemExit(int(trouble.code)) from None


if __name__ == "__main__":
    main()
