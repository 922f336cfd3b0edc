"""`coffre consent matrix`: which profession may read and deposit what, in versions."""

from datetime import datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands import options
from server.commands.consent_call import run
from server.commands.outcome import ExitCode, Trouble, write_json

if TYPE_CHECKING:
    from consent_broker.matrix import Cell

app = typer.Typer(
    help="The access matrix: profession, specialty and document type; versions, each in force from a day on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A matrix as CSV, as export writes it.")]
Number = Annotated[int | None, typer.Argument(metavar="[VERSION]", help="0 is the rule pack's own.")]


@app.callback()
def matrix() -> None:
    """The access matrix; without an imported version that of the rule pack is in force."""


@app.command("import")
def import_(
    file: File,
    start: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="In force from this day on, in UTC."),
    ] = None,
    note: Annotated[str, typer.Option(help="Where it comes from.")] = "",
    config: options.ConfigFile = None,
) -> None:
    """Import a matrix as a new version; it takes the place of the one in force from its day on.

    \b
    Example:
      coffre consent matrix import matrix.csv --from 2027-01-01 --note "as of the decree"
    """
    from server import matrix as work
    from server.commands.configured import configuration_of

    cells = _read(file)
    version = run(work.add(configuration_of(config), cells, start.date() if start else None, getuser(), note))
    typer.echo(f"Version {version.number}: {len(cells)} rows, in force from {version.valid_from} on.")


@app.command()
def export(version: Number = None, config: options.ConfigFile = None) -> None:
    """Print a version as CSV; without a number, the one in force today."""
    from consent_broker.matrix import write_csv

    typer.echo(write_csv(_cells(version, config)), nl=False)


@app.command("list")
def list_(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Show every version."""
    from server import matrix as work
    from server.commands.configured import configuration_of

    versions, in_force = run(work.versions(configuration_of(config)))
    if as_json:
        write_json(
            {
                "inForce": in_force,
                "versions": [
                    {
                        "number": one.number,
                        "validFrom": one.valid_from,
                        "made": one.made.isoformat(),
                        "by": one.made_by,
                        "note": one.note,
                    }
                    for one in versions
                ],
            }
        )
        return
    typer.echo(f"0  the rule pack's own{_mark(in_force == 0)}")
    for one in versions:
        said = f"by {one.made_by}{', ' if one.note else ''}{one.note}"
        typer.echo(f"{one.number}  from {one.valid_from} on, {said}{_mark(in_force == one.number)}")


@app.command()
def diff(
    one: Annotated[int, typer.Argument(metavar="VERSION", help="0 is the rule pack's own.")],
    other: Number = None,
    config: options.ConfigFile = None,
) -> None:
    """Show what one version allows and another does not; without a second one, the one in force today."""
    before, after = _cells(one, config), _cells(other, config)
    for cell in sorted(before ^ after):
        typer.echo(f"{'-' if cell in before else '+'} {cell}")


@app.command("dry-run")
def dry_run(file: File, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Say what a matrix would have changed for the decisions of the last months, without importing it."""
    from server import matrix as work
    from server.commands.configured import configuration_of

    remembered, effects = run(work.would_change(configuration_of(config), _read(file)))
    if as_json:
        write_json({"decisions": remembered, "changed": [_effect(one) for one in effects]})
        return
    changed = sum(one.decisions for one in effects)
    typer.echo(f"Of {remembered} decisions {changed} would have been others.")
    for one in effects:
        specialty = f" ({one.specialty[0]})" if one.specialty[0] else ""
        types = [f"+{code}" for code, _ in sorted(one.gained)] + [f"-{code}" for code, _ in sorted(one.lost)]
        typer.echo(f"{one.profession[0]}{specialty} {one.right}, {one.decisions} times: {' '.join(types)}")


def _effect(effect: Any) -> dict[str, Any]:
    return {
        "profession": "|".join(effect.profession),
        "specialty": "|".join(effect.specialty) if effect.specialty[0] else None,
        "right": effect.right,
        "decisions": effect.decisions,
        "gained": ["|".join(pair) for pair in sorted(effect.gained)],
        "lost": ["|".join(pair) for pair in sorted(effect.lost)],
    }


def _cells(number: int | None, config: options.ConfigFile) -> "frozenset[Cell]":
    from server import matrix as work
    from server.commands.configured import configuration_of

    try:
        return run(work.cells(configuration_of(config), number))
    except work.NoSuchVersion:
        raise Trouble(
            ExitCode.USAGE, f"There is no version {number}.", "See coffre consent matrix list."
        ) from None


def _read(file: Path) -> "frozenset[Cell]":
    from consent_broker.matrix import BadMatrix, read_csv

    try:
        return read_csv(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise Trouble(ExitCode.FILE, f"{file}: not UTF-8.", "Save it as CSV in UTF-8.") from None
    except BadMatrix as problem:
        wrong = tuple((str(one), "") for one in problem.args[:_LINES])
        raise Trouble(ExitCode.FILE, f"{file} is no matrix:", details=wrong) from None


# As many mistakes as somebody reads at once.
_LINES = 20


def _mark(in_force: bool) -> str:
    return "  <- in force" if in_force else ""
