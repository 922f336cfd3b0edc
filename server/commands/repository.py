"""`coffre repository`: what the keeper of the documents does beside the running server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, write_json

app = typer.Typer(help="Look after the stored documents.", no_args_is_help=True, rich_markup_mode=None)

Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
Result = TypeVar("Result")


@app.callback()
def repository() -> None:
    """Look after the stored documents."""


@app.command()
def rewrap(
    new_key: Annotated[
        bool, typer.Option("--new-key", help="First add a new master key to the file.")
    ] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Wrap every patient's key by the newest master key; documents stay as they are, servers may run on.

    \b
    Example:
      coffre repository rewrap --new-key --config coffre-data/coffre.toml
    """
    from repository.master_keys import add_master_key
    from server.commands.configured import configuration_of
    from server.repository_care import opened_vault

    configuration = configuration_of(config)
    if not configuration.vault.encrypt:
        raise Trouble(ExitCode.CONFIGURATION, "There is no master key: [vault] encrypt is off.")
    if new_key and configuration.vault.master_key_text:
        raise Trouble(
            ExitCode.CONFIGURATION,
            "The master key is not in a file.",
            "Append a new key to COFFRE_MASTER_KEY after a comma, then do this without --new-key.",
        )

    async def work() -> int:
        async with opened_vault(configuration) as vault:
            if new_key:
                add_master_key(configuration.vault.master_key)
            return await vault.rewrap()

    count = _run(work)
    if as_json:
        write_json({"rewrapped": count})
        return
    typer.echo(f"The keys of {count} patients are wrapped by the newest master key.")
    if new_key:
        typer.echo(
            f"Copy {configuration.vault.master_key} to where its copy is kept, apart from the documents."
        )


@app.command()
def destroy(
    patient_id: Annotated[
        str, typer.Argument(metavar="ID", help="The whole id of the patient: ID^^^&OID&ISO.")
    ],
    yes: Yes = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Destroy a patient's key, and with it all documents of the patient, for ever; metadata stay.

    \b
    Example:
      coffre repository destroy 'P1^^^&2.999.352.1&ISO' --yes
    """
    from server.commands.configured import configuration_of
    from server.repository_care import opened_store

    configuration = configuration_of(config)
    if not configuration.vault.encrypt:
        raise Trouble(ExitCode.CONFIGURATION, "Patients have no keys: [vault] encrypt is off.")
    if not yes:
        typer.confirm("All documents of this patient will be unreadable for ever. Go on?", abort=True)

    async def work() -> int:
        async with opened_store(configuration) as store:
            return await store.destroy(patient_id)

    count = _run(work)
    if as_json:
        write_json({"destroyed": count})
    else:
        typer.echo(f"The patient's key is destroyed, and with it {count} documents.")


def _run(work: Callable[[], Awaitable[Result]]) -> Result:
    """Run to the end; a vault that does not open is told as what is wrong with the configuration."""
    from repository.master_keys import BadMasterKey

    async def run() -> Result:
        return await work()

    try:
        return asyncio.run(run())
    except BadMasterKey as problem:
        raise Trouble(ExitCode.CONFIGURATION, str(problem)) from None
