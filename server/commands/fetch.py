"""`coffre fetch`: documents out."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands import options
from server.commands.outcome import write_json

if TYPE_CHECKING:
    from client import FetchedDocument


def fetch(
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="uniqueIds or entryUUIDs, as `coffre find` shows them."),
    ],
    directory: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files go.")
    ] = Path(),
    force: options.Force = False,
    user: options.As = None,
    assertion: options.Assertion = None,
    registry: options.RegistryUrl = None,
    repository: options.RepositoryUrl = None,
    ca: options.Authority = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Fetch documents into files that are named after their titles (Retrieve Document Set [ITI-43]).

    Size and hash of each are compared with what the registry says; what differs is not kept.

    \b
    Example:
      coffre fetch 2.25.203... -o inbox
    """
    from client import PartlyRefused
    from server.commands.display import progress_bar
    from server.commands.peers import Ourselves, Whom, peer
    from server.commands.refusals import trouble_with_server

    whom, ourselves = Whom(user, assertion), Ourselves(ca, certificate, key)
    with peer(config, registry, repository, whom, ourselves) as one:
        try:
            with progress_bar("Receiving") as progress:
                fetched = one.coffre.fetch(ids, directory, overwrite=force, progress=progress)
        except PartlyRefused as problem:
            trouble = trouble_with_server(problem)
            trouble.facts["fetched"] = _as_json(problem.fetched)
            if not as_json:
                _show(problem.fetched)
            raise trouble from None
    if as_json:
        write_json(_as_json(fetched))
    else:
        _show(fetched)


def _show(documents: Iterable["FetchedDocument"]) -> None:
    from server.commands.display import size_in_words

    for one in documents:
        typer.echo(f"{one.path}  ({size_in_words(one.size_bytes)}, SHA-1 {one.sha1} as registered)")


def _as_json(documents: Iterable["FetchedDocument"]) -> list[dict[str, Any]]:
    from server.commands.display import entry_as_json

    return [
        {"path": str(one.path), "size": one.size_bytes, "hash": one.sha1, "entry": entry_as_json(one.entry)}
        for one in documents
    ]
