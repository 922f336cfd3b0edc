"""`coffre repository`: what the keeper of the documents does beside the running server."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, write_json

if TYPE_CHECKING:
    from repository.check import Report
    from repository.encryption import Encrypted
    from repository.leftovers import Settled

# As long as the running server leaves them alone (see `repository/leftovers.py`).
PENDING_SECONDS = 300

app = typer.Typer(help="Look after the stored documents.", no_args_is_help=True, rich_markup_mode=None)

Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
Result = TypeVar("Result")


@app.callback()
def repository() -> None:
    """Look after the stored documents."""


@app.command()
def check(
    repair: Annotated[
        bool, typer.Option("--repair", help="Settle what is pending by asking the registry; remove orphans.")
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read every document to its end.")] = False,
    older_than: Annotated[
        int, typer.Option(min=0, metavar="SECONDS", help="Leave alone what has been pending for less.")
    ] = PENDING_SECONDS,
    registry: options.RegistryUrl = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Look for documents that are missing, damaged or pending, and for files that belong to none.

    Servers may run on. What is missing or damaged can only come back from a copy.

    \b
    Example:
      coffre repository check --repair --deep --config coffre-data/coffre.toml
    """
    from server.commands.configured import configuration_of
    from server.repository_care import opened_registry_link, opened_store

    configuration = configuration_of(config)
    url = registry or configuration.repository.registry_url or f"{configuration.address}/registry"

    async def work() -> "tuple[Report, Settled | None]":
        from repository.check import check as check_documents
        from repository.leftovers import settle_leftovers

        before = datetime.now(UTC) - timedelta(seconds=older_than)
        async with opened_store(configuration) as store:
            report = await check_documents(store, before, deep)
            if not repair:
                return report, None
            await store.remove_orphans(report.orphaned)
            async with opened_registry_link(configuration, url) as link:
                return report, await settle_leftovers(store, link, before)

    _tell(*_run(work), as_json)


@app.command()
def verify(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Read every document back to its end, and compare it with what was stored.

    \b
    Example:
      coffre repository verify --config coffre-data/coffre.toml
    """
    check(deep=True, config=config, as_json=as_json)


@app.command()
def bucket(
    versions: Annotated[
        bool, typer.Option("--versions", help="Keep what is removed or written over, as older versions.")
    ] = False,
    retention_days: Annotated[
        int, typer.Option(min=0, metavar="DAYS", help="Let nobody remove an object for so long; no way back.")
    ] = 0,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Make the bucket of the documents, if there is none, and have broken uploads cleared away.

    \b
    Example:
      coffre repository bucket --config coffre-data/coffre.toml
    """
    from server.bucket import BucketProblem, prepare_bucket
    from server.commands.configured import configuration_of

    configuration = configuration_of(config)
    try:
        state = prepare_bucket(configuration, versions=versions, retention_days=retention_days)
    except BucketProblem as problem:
        raise Trouble(ExitCode.UNREACHABLE, f"The bucket is not ready: {problem}.") from None
    if as_json:
        write_json(asdict(state))
        return
    typer.echo(f"Bucket {state.bucket} {'was made' if state.created else 'was there'}.")
    if state.versioned:
        typer.echo("It keeps older versions.")
    if state.retention_days:
        typer.echo(f"Nobody can remove an object for {state.retention_days} days.")
    typer.echo(f"Broken uploads go after {state.broken_upload_days} days.")


@app.command()
def rewrap(
    new_key: Annotated[
        bool, typer.Option("--new-key", help="First add a new master key to the file or the token.")
    ] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Wrap every patient's key by the newest master key; documents stay as they are, servers may run on.

    \b
    Example:
      coffre repository rewrap --new-key --config coffre-data/coffre.toml
    """
    from server.commands.configured import configuration_of
    from server.repository_care import opened_vault

    configuration = configuration_of(config)
    if not configuration.vault.encrypt:
        raise Trouble(ExitCode.CONFIGURATION, "There is no master key: [vault] encrypt is off.")

    async def work() -> int:
        async with opened_vault(configuration) as vault:
            if new_key:
                await vault.add_master_key()
            return await vault.rewrap()

    count = _run(work)
    if as_json:
        write_json({"rewrapped": count})
        return
    typer.echo(f"The keys of {count} patients are wrapped by the newest master key.")
    in_token = configuration.vault.pkcs11_module and not configuration.vault.pkcs11_retired
    if new_key and not in_token:
        typer.echo(
            f"Copy {configuration.vault.master_key} to where its copy is kept, apart from the documents."
        )


@app.command()
def encrypt(
    registry: options.RegistryUrl = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Encrypt the documents that were stored without encryption; ended at any moment, run it again.

    The registry is asked whose each document is. What is pending waits until that is settled.

    \b
    Example:
      coffre repository encrypt --config coffre-data/coffre.toml
    """
    from server.commands.configured import configuration_of
    from server.repository_care import opened_registry_link, opened_store

    configuration = configuration_of(config)
    if not configuration.vault.encrypt:
        raise Trouble(ExitCode.CONFIGURATION, "There is no vault to go into: [vault] encrypt is off.")
    url = registry or configuration.repository.registry_url or f"{configuration.address}/registry"

    async def work() -> "Encrypted":
        from exchange.ports import StorageFull
        from repository.encryption import encrypt_documents

        async with opened_store(configuration) as store, opened_registry_link(configuration, url) as link:
            try:
                return await encrypt_documents(store, link, lambda: datetime.now(UTC))
            except StorageFull:
                remedy = "Make room for the largest document once more, and run it again."
                raise Trouble(ExitCode.FILE, "No room is left for the next document.", remedy) from None

    done = _run(work)
    if as_json:
        write_json(asdict(done))
    else:
        for one in done.failed:
            typer.echo(f"DAMAGED  {one.unique_id}  (blob {one.blob_handle}: {one.reason})")
        typer.echo(f"{done.encrypted} documents were encrypted, {done.plain} are not.")
    if done.failed:
        raise typer.Exit(ExitCode.DAMAGED)


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


def _tell(report: "Report", settled: "Settled | None", as_json: bool) -> None:
    """Show what was found; anything lost ends in the status of damage."""
    if as_json:
        write_json({"found": asdict(report), "settled": asdict(settled) if settled else None})
    else:
        for title, damages in (("MISSING", report.missing), ("DAMAGED", report.damaged)):
            for one in damages:
                typer.echo(f"{title}  {one.unique_id}  (blob {one.blob_handle}: {one.reason})")
        for pending in report.pending:
            typer.echo(f"pending  {pending.unique_id}")
        for handle in report.orphaned:
            typer.echo(f"orphaned  blob {handle}")
        typer.echo(
            f"{report.documents} documents: {len(report.missing)} missing, {len(report.damaged)} damaged, "
            f"{len(report.pending)} pending; {len(report.orphaned)} files that belong to none."
        )
        if settled:
            typer.echo(
                f"The files that belong to none are removed. Of the pending documents {settled.registered} "
                f"are registered and stay, {settled.removed} were not and are removed, "
                f"{len(settled.disputed)} are registered with another hash and wait for you."
            )
    if not report.sound:
        raise typer.Exit(ExitCode.DAMAGED)


def _run(work: Callable[[], Awaitable[Result]]) -> Result:
    """Run to the end; a vault that does not open is told as what is wrong with the configuration."""
    from exchange.ports import RegistryUnreachable
    from repository.master_keys import BadMasterKey

    async def run() -> Result:
        return await work()

    try:
        return asyncio.run(run())
    except BadMasterKey as problem:
        raise Trouble(ExitCode.CONFIGURATION, str(problem)) from None
    except RegistryUnreachable as problem:
        remedy = "Start it, or name another with --registry; what is pending stays so until then."
        raise Trouble(ExitCode.UNREACHABLE, f"The registry was not to be asked: {problem}", remedy) from None
