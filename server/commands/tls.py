"""`coffre tls doctor`: why a connection between nodes fails."""

from typing import TYPE_CHECKING, Annotated

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, harmless, write_json

if TYPE_CHECKING:
    from server.tls.doctor import Diagnosis

app = typer.Typer(no_args_is_help=True, help="Look into the TLS between nodes [ITI-19].")

# Of an https:// address that names none.
_DEFAULT_PORT = 443


@app.callback()
def tls() -> None:
    """Look into the TLS between nodes [ITI-19]."""


@app.command()
def doctor(
    place: Annotated[str, typer.Argument(metavar="HOST:PORT", help="The listener, or its https:// address.")],
    ca: options.Authority = None,
    certificate: options.Certificate = None,
    key: options.Key = None,
    name: Annotated[str, typer.Option(help="The name its certificate must have, if not HOST.")] = "",
    as_json: options.Json = False,
) -> None:
    """Connect as a client would, and say in plain words what is wrong.

    \b
    Examples:
      coffre tls doctor coffre.example.lu:8443
      coffre tls doctor 10.0.0.5:2575 --ca authority.pem --certificate node.pem --key node.key
    """
    from server.tls.contexts import UnusableFile
    from server.tls.doctor import Ailment, Patient, diagnose

    host, port = _host_and_port(place)
    if (certificate is None) != (key is None):
        raise Trouble(ExitCode.USAGE, "--certificate and --key go together.")
    try:
        diagnosis = diagnose(Patient(host, port, name, ca, certificate, key))
    except UnusableFile as problem:
        raise Trouble(ExitCode.FILE, str(problem)) from None
    unreachable = {Ailment.UNKNOWN_HOST, Ailment.NOTHING_LISTENS, Ailment.NO_ANSWER, Ailment.NOT_TLS}
    if as_json:
        write_json(_facts(diagnosis))
    else:
        _tell(diagnosis)
    if any(one.ailment in unreachable for one in diagnosis.problems):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if diagnosis.problems:
        raise typer.Exit(ExitCode.REFUSED)


def _host_and_port(place: str) -> tuple[str, int]:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(place if "://" in place else f"tls://{place}")
        if parts.hostname:
            return parts.hostname, parts.port or _DEFAULT_PORT
    except ValueError:
        pass
    raise Trouble(ExitCode.USAGE, f"'{place}' is not HOST:PORT, such as localhost:8443.")


def _facts(diagnosis: "Diagnosis") -> dict[str, object]:
    shown = diagnosis.certificate
    return {
        "address": diagnosis.address,
        "version": diagnosis.version,
        "cipher": diagnosis.cipher,
        "certificate": shown
        and {
            "subject": shown.subject,
            "issuer": shown.issuer,
            "names": shown.names,
            "not_before": shown.not_before.isoformat(),
            "not_after": shown.not_after.isoformat(),
            "sha256": shown.sha256,
        },
        "problems": [
            {"problem": str(one.ailment), "words": one.words, "remedy": one.remedy}
            for one in diagnosis.problems
        ],
    }


def _tell(diagnosis: "Diagnosis") -> None:
    from datetime import UTC, datetime

    from server.tls.doctor import EXPIRES_SOON

    lines = []
    if diagnosis.address:
        lines.append(f"Connected to {diagnosis.address}.")
    if diagnosis.version:
        lines.append(f"It speaks {diagnosis.version} with {diagnosis.cipher}.")
    if shown := diagnosis.certificate:
        lines.append(
            f"It is {shown.subject}, issued by {shown.issuer}, for {', '.join(shown.names) or 'no host'}."
        )
        left = shown.not_after - datetime.now(UTC)
        soon = f", IN {left.days} DAYS" if 0 <= left.days < EXPIRES_SOON.days else ""
        lines.append(f"Its certificate is valid until {shown.not_after:%Y-%m-%d}{soon}.")
    for one in diagnosis.problems:
        lines += [f"PROBLEM: {one.words}.", f"  Remedy: {one.remedy}"]
    if not diagnosis.problems:
        lines.append("All is well: both sides accept each other.")
    for line in lines:
        typer.echo(harmless(line))
