"""`coffre professional` and `coffre institution`: who is licensed as what, and who works where."""

from datetime import datetime
from getpass import getuser
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands import options
from server.commands.consent_call import between, pair, run
from server.commands.outcome import ExitCode, Trouble, write_json

if TYPE_CHECKING:
    from consent_broker.directory import Line

professional = typer.Typer(
    help="The directory of licensed professionals: professions, specialties, licences, with dates.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
institution = typer.Typer(
    help="The directory of institutions, and of who works there, with dates.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Who = Annotated[str, typer.Argument(metavar="PERSON", help="OID|ID, as identity providers name him.")]
Where = Annotated[str, typer.Argument(metavar="INSTITUTION", help="As assertions name it: urn:oid:1.2.3.")]
Name = Annotated[str, typer.Option(help="The name.")]
Since = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, in UTC.")
]
Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day, in UTC.")]
Code = Annotated[str, typer.Option(help="CODE|SCHEME, as assertions have it.")]


@professional.callback()
def _professional() -> None:
    """Who is licensed as what; the rules of the domain say whether assertions are held against it."""


@professional.command("add")
def add_professional(
    person: Who,
    name: Name,
    profession: Code,
    specialty: Code = "",
    licence: Annotated[str, typer.Option(help="The licence's number.")] = "",
    start: Since = None,
    until: Until = None,
    config: options.ConfigFile = None,
) -> None:
    """Enter a person's profession and specialty, in place of what stood for the same.

    \b
    Example:
      coffre professional add "2.999.352.4|D1" --name "Dr Anne Weber" \\
          --profession "2211|2.16.840.1.113883.2.9.6.2.7" --licence L-4711 --until 2030-12-31
    """
    from consent_broker.directory import Professional

    _put(
        Professional(person, name, licence, pair(profession), pair(specialty), between(start, until)), config
    )


@professional.command("remove")
def remove_professional(
    person: Who, profession: Code, specialty: Code = "", config: options.ConfigFile = None
) -> None:
    """Take a person's profession and specialty away; its line stays in the history."""
    from consent_broker.directory import Professional

    _strike(Professional(person, "", "", pair(profession), pair(specialty)), config)


@professional.command("list")
def list_professionals(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Show every line that ever stood."""
    from consent_broker.directory import Professional

    _list(Professional, config, as_json=as_json)


@institution.callback()
def _institution() -> None:
    """Institutions and their members; an institution's rights come and go with the membership."""


@institution.command("add")
def add_institution(
    organization: Where,
    name: Name,
    start: Since = None,
    until: Until = None,
    config: options.ConfigFile = None,
) -> None:
    """Enter an institution.

    \b
    Example:
      coffre institution add urn:oid:2.999.50 --name "Hospital of the North"
    """
    from consent_broker.directory import Institution

    _put(Institution(organization, name, between(start, until)), config)


@institution.command("remove")
def remove_institution(organization: Where, config: options.ConfigFile = None) -> None:
    """Take an institution away; its line stays in the history."""
    from consent_broker.directory import Institution

    _strike(Institution(organization, ""), config)


@institution.command()
def join(
    organization: Where,
    person: Who,
    start: Since = None,
    until: Until = None,
    config: options.ConfigFile = None,
) -> None:
    """Enter that a person works there, from a day until another."""
    from consent_broker.directory import Membership

    _put(Membership(person, organization, between(start, until)), config)


@institution.command()
def leave(organization: Where, person: Who, config: options.ConfigFile = None) -> None:
    """End that a person works there."""
    from consent_broker.directory import Membership

    _strike(Membership(person, organization), config)


@institution.command("list")
def list_institutions(
    members: Annotated[bool, typer.Option(help="Who works where, instead.")] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show every line that ever stood."""
    from consent_broker.directory import Institution, Membership

    _list(Membership if members else Institution, config, as_json=as_json)


def _put(listed: Any, config: options.ConfigFile) -> None:
    from server import directory as work
    from server.commands.configured import configuration_of

    typer.echo(f"Entered: {run(work.put(configuration_of(config), listed, getuser())).what}.")


def _strike(listed: Any, config: options.ConfigFile) -> None:
    from server import directory as work
    from server.commands.configured import configuration_of

    change = run(work.strike(configuration_of(config), listed, getuser()))
    if change is None:
        raise Trouble(ExitCode.USAGE, "Nothing of the kind is there.", "See the list.")
    typer.echo(f"Taken away: {change.before}.")


def _list(kind: Any, config: options.ConfigFile, *, as_json: bool) -> None:
    from consent_broker.directory import described
    from server import directory as work
    from server.commands.configured import configuration_of

    lines: tuple[Line, ...] = run(work.lines(configuration_of(config), kind))
    if as_json:
        write_json(
            [
                {
                    "what": described(line.listed),
                    "made": line.made.isoformat(),
                    "by": line.made_by,
                    "ended": line.ended.isoformat() if line.ended else None,
                    "endedBy": line.ended_by or None,
                }
                for line in lines
            ]
        )
        return
    for line in lines:
        end = f"; ended {line.ended:%Y-%m-%d %H:%M:%S}Z by {line.ended_by}" if line.ended else ""
        typer.echo(f"{line.made:%Y-%m-%d %H:%M:%S}Z  {described(line.listed)}  (by {line.made_by}{end})")
