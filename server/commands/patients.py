"""`coffre patient`: which patients the registry knows."""

from typing import Annotated

import typer

from server.commands import options
from server.commands.outcome import write_json

app = typer.Typer(help="Make patients known to the registry.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def patient() -> None:
    """Make patients known to the registry."""


@app.command()
def add(
    patient_id: Annotated[
        str, typer.Argument(metavar="ID", help="The id alone, or all of it: ID^^^&OID&ISO.")
    ],
    family: Annotated[str, typer.Option(help="The family name; the registry does not keep it.")] = "",
    given: Annotated[str, typer.Option(help="The given name; the registry does not keep it.")] = "",
    registry: options.RegistryUrl = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Make a patient known, so that documents may be submitted (Patient Identity Feed [ITI-44]).

    An id without an authority is one of the domain's own.

    \b
    Example:
      coffre patient add 1980010112345 --family Schmit --given Anne
    """
    from client import patient_id_of
    from server.commands.peers import peer

    with peer(config, registry) as one:
        cx = patient_id_of(patient_id, one.speaker.assigning_authority)
        one.coffre.add_patient(cx, family, given)
    if as_json:
        write_json({"patientId": cx})
    else:
        typer.echo(f"The registry accepted patient {cx.id} ({cx}).")
