"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="COFFRE_CONFIG", help="The configuration file, coffre.toml."),
]
Assertion = Annotated[
    Path | None,
    typer.Option(envvar="COFFRE_ASSERTION", help="A file with the SAML assertion of the user."),
]
As = Annotated[
    str | None,
    typer.Option("--as", envvar="COFFRE_AS", metavar="USER", help="A user of the local identity provider."),
]
Authority = Annotated[
    Path | None,
    typer.Option("--ca", envvar="COFFRE_CA", help="Whom to trust, PEM: an authority, or the server itself."),
]
Certificate = Annotated[
    Path | None,
    typer.Option("--certificate", envvar="COFFRE_CERTIFICATE", help="Our certificate to show, PEM."),
]
Key = Annotated[
    Path | None,
    typer.Option("--key", envvar="COFFRE_KEY", help="The key of --certificate, PEM."),
]
RegistryUrl = Annotated[
    str | None,
    typer.Option("--registry", envvar="COFFRE_REGISTRY", help="The Document Registry's address."),
]
RepositoryUrl = Annotated[
    str | None,
    typer.Option("--repository", envvar="COFFRE_REPOSITORY", help="The Document Repository's address."),
]
