"""`coffre pki`: certificates for development and tests."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, write_json

if TYPE_CHECKING:
    from server.tls.development_pki import Issued

app = typer.Typer(
    no_args_is_help=True,
    help="Make certificates FOR DEVELOPMENT: the authority's key lies in the directory, without a password.",
)

Directory = Annotated[Path, typer.Argument(help="The directory of the authority.")]
Name = Annotated[str, typer.Argument(help="What the certificate and its files are called.")]

# A name of files, and a common name (RFC 5280: 64 characters).
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@app.command()
def init(directory: Directory, as_json: options.Json = False) -> None:
    """Make an authority and its revocation list, for development only.

    \b
    Example:
      coffre pki init pki
    """
    from server.tls.development_pki import make_authority

    issued = _made(lambda: make_authority(directory), directory)
    if as_json:
        write_json({"ca": str(issued.certificate), "crl": str(directory / "crl.pem")})
        return
    typer.echo(f"Wrote {issued.certificate}, its key and {directory / 'crl.pem'}: FOR DEVELOPMENT ONLY.")
    typer.echo(f"Next:  coffre pki server {directory} node --host localhost --host 127.0.0.1")


@app.command()
def server(
    directory: Directory,
    name: Name,
    host: Annotated[list[str] | None, typer.Option(help="A name or address by which others call it.")] = None,
    as_json: options.Json = False,
) -> None:
    """Issue a certificate for a node that is called by others and calls others.

    \b
    Example:
      coffre pki server pki node --host coffre.example.lu --host 10.0.0.5
    """
    from server.tls.development_pki import issue_server

    _check(name)
    issued = _made(
        lambda: issue_server(directory, name, host or ["localhost", "127.0.0.1", "::1"]), directory
    )
    _tell(issued, as_json)
    if not as_json:
        here = directory.absolute()
        typer.echo("In coffre.toml:\n\n[tls]")
        for setting, file in (("certificate", f"{name}.pem"), ("key", f"{name}.key")):
            typer.echo(f'{setting} = "{here / file}"')
        typer.echo(f'client_ca = "{here / "ca.pem"}"\ncrl = "{here / "crl.pem"}"')


@app.command()
def client(directory: Directory, name: Name, as_json: options.Json = False) -> None:
    """Issue a certificate for a node that only calls others.

    \b
    Example:
      coffre pki client pki practice
    """
    from server.tls.development_pki import issue_client

    _check(name)
    _tell(_made(lambda: issue_client(directory, name), directory), as_json)


@app.command()
def revoke(
    directory: Directory,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Which certificates.")],
    as_json: options.Json = False,
) -> None:
    """Put certificates on the revocation list; running servers see it at the next connection.

    \b
    Example:
      coffre pki revoke pki practice
    """
    from server.tls.development_pki import NoAuthority, UnknownNode
    from server.tls.development_pki import revoke as put_on_the_list

    try:
        path = put_on_the_list(directory, names)
    except (NoAuthority, UnknownNode) as problem:
        raise Trouble(ExitCode.FILE, f"{problem}.") from None
    if as_json:
        write_json({"crl": str(path), "revoked": names})
    else:
        typer.echo(f"{', '.join(names)}: on {path} now.")


def _made(make: "Callable[[], Issued]", directory: Path) -> "Issued":
    from server.tls.development_pki import NoAuthority

    try:
        return make()
    except NoAuthority as problem:
        raise Trouble(ExitCode.FILE, f"{problem}.", f"Make one:  coffre pki init {directory}") from None


def _check(name: str) -> None:
    if not _NAME.fullmatch(name) or name in ("ca", "crl"):
        allowed = "letters, digits, '.', '_' and '-', at most 64, and not 'ca' or 'crl'"
        raise Trouble(ExitCode.USAGE, f"'{name}' cannot name a certificate here: {allowed}.")


def _tell(issued: "Issued", as_json: bool) -> None:
    if as_json:
        write_json({"certificate": str(issued.certificate), "key": str(issued.key)})
    else:
        typer.echo(f"Wrote {issued.certificate} and {issued.key}: FOR DEVELOPMENT ONLY.")
