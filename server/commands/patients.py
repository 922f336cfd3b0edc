"""`coffre patient`: which patients the registry knows."""

from typing import Annotated

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, write_json

app = typer.Typer(
    help="Make patients known to the registry, and take merges back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def patient() -> None:
    """Make patients known to the registry, and take merges back."""


@app.command()
def add(
    patient_id: Annotated[
        str, typer.Argument(metavar="ID", help="The id alone, or all of it: ID^^^&OID&ISO.")
    ],
    family: Annotated[str, typer.Option(help="The family name; the registry does not keep it.")] = "",
    given: Annotated[str, typer.Option(help="The given name; the registry does not keep it.")] = "",
    registry: options.RegistryUrl = None,
    ca: options.Authority = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
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
    from server.commands.peers import Ourselves, peer

    with peer(config, registry, ourselves=Ourselves(ca, certificate, key)) as one:
        cx = patient_id_of(patient_id, one.speaker.assigning_authority)
        one.coffre.add_patient(cx, family, given)
    if as_json:
        write_json({"patientId": cx})
    else:
        typer.echo(f"The registry accepted patient {cx.id} ({cx}).")


@app.command()
def unmerge(
    subsumed: Annotated[str, typer.Argument(metavar="SUBSUMED", help="The id that was merged away.")],
    surviving: Annotated[
        str, typer.Option("--from", metavar="SURVIVING", help="The id that it was merged into.")
    ],
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Take a merge of patients back: the subsumed one has again what he brought along.

    Newer versions, replacements and addenda of his documents go with them; what else was submitted for the
    survivor since then stays his. Works on the registry's database; servers may run on. Both records' audit
    trails tell of it.

    \b
    Example:
      coffre patient unmerge 1980010112345 --from 1980010112346 --config coffre-data/coffre.toml
    """
    import asyncio
    from getpass import getuser

    from client import patient_id_of
    from registry.merge import NotMerged
    from server import patients
    from server.commands.configured import configuration_of
    from server.commands.peers import authority_of

    configuration = configuration_of(config)
    authority = authority_of(configuration)
    restored, survivor = patient_id_of(subsumed, authority), patient_id_of(surviving, authority)
    try:
        done = asyncio.run(patients.unmerge(configuration, restored, survivor, getuser()))
    except NotMerged:
        raise Trouble(
            ExitCode.USAGE,
            f"Patient {restored.id} is not merged into {survivor.id}.",
            "The identity source that sent the merge, or the audit trail, knows which ids it joined.",
        ) from None
    if as_json:
        write_json({"restored": restored, "from": survivor, "objects": done.objects, "joined": done.joined})
        return
    typer.echo(f"Patient {restored.id} is apart from {survivor.id} again, with {done.objects} objects.")
    if done.joined:
        typer.echo(
            f"{done.joined} associations made in the meantime joined objects of both and were deprecated, "
            "but for those of submission sets: look through the documents of either."
        )
