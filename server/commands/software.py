"""`coffre software`: which products may talk to this domain, and about what."""

import asyncio
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consent_broker.software_register import Entry, KnownBy
    from exchange.subject import Software
    from server.signed_attestation import SignedAttestation

app = typer.Typer(
    help="The register of attested software: what may talk to this domain, and about what.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Product = Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's name.")]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="Its version.")]
Vendor = Annotated[str, typer.Option(help="Who makes it.")]


@app.callback()
def software() -> None:
    """The register of attested software; a change counts from the next request of every server."""


@app.command()
def attest(
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day, in UTC.")],
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's name.")] = "",
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Its version.")] = "",
    vendor: Annotated[str, typer.Option(help="Who makes it.")] = "",
    transactions: Annotated[str, typer.Option("--for", help="The transactions, such as ITI-18,ITI-43.")] = "",
    signed: Annotated[
        Path | None,
        typer.Option("--from", help="A signed attestation of the conformance kit, which says all that."),
    ] = None,
    certificate: Annotated[
        list[Path] | None, typer.Option(help="A client certificate by which it is known, PEM.")
    ] = None,
    renewals: Annotated[
        bool,
        typer.Option(
            help="Know it by subject and issuer of these certificates, so that renewed ones do too."
        ),
    ] = False,
    sha256: Annotated[list[str] | None, typer.Option(help="The fingerprint of such a certificate.")] = None,
    subject: Annotated[str, typer.Option(help="The subject of such certificates (RFC 4514) ...")] = "",
    issuer: Annotated[str, typer.Option(help="... and their issuer.")] = "",
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Attest a product for some transactions until a day; what held for it before gives way.

    \b
    Examples:
      coffre software attest Praxis 4.2 --vendor "Logiciel SA" --for ITI-18,ITI-43 \\
          --until 2027-12-31 --certificate practice.pem
      coffre software attest --from attestation.json --until 2027-12-31
    """
    from exchange.software import Attestation
    from server import software as work

    configuration = _configuration(config)
    found: SignedAttestation | None = None
    if signed:
        if any((product, version, vendor, transactions, certificate, sha256, subject, issuer)):
            raise Trouble(
                ExitCode.USAGE, "A signed attestation says all of that itself.", "Leave it to --from."
            )
        found = _signed(signed, configuration.attestation.attesters)
        product, version, vendor = found.product, found.version, found.vendor
        # What a register does not know of, such as ITI-20, needs no entry there.
        transactions = ",".join(one for one in found.transactions if one.upper() in _known_transactions())
    files = certificate or []
    shown = [(signed, found.certificate)] if found and signed else [(file, _pem(file)) for file in files]
    known_by = {
        *_by_certificates(shown, renewals),
        *map(_by_fingerprint, sha256 or []),
        *_by_names(subject, issuer),
    }
    if not known_by:
        raise Trouble(
            ExitCode.USAGE, "By what is it known?", "Add --certificate, --sha256, or --subject and --issuer."
        )
    end = until.replace(tzinfo=UTC) + timedelta(days=1)
    if end <= datetime.now(UTC):
        raise Trouble(ExitCode.USAGE, f"{until:%Y-%m-%d} is over.", "Name a day to come.")
    attestation = Attestation(_product(product, version, vendor), _transactions(transactions), end)
    grounds = f"signed attestation of {found.on}, plan set {found.plan_set}" if found else ""
    asyncio.run(work.attest(configuration, attestation, known_by, getuser(), grounds))
    required = configuration.attestation.required
    if as_json:
        write_json({"attested": str(attestation), "knownBy": [str(one) for one in sorted(known_by)]})
        return
    typer.echo(f"Attested: {attestation}.")
    for one in sorted(known_by):
        typer.echo(f"- known by {one}")
    if not required:
        typer.echo("This configuration takes any software: set required = true under [attestation].")


@app.command()
def revoke(
    product: Product,
    version: Version,
    vendor: Vendor,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Revoke what a product was attested for, from its next request on.

    \b
    Example:
      coffre software revoke Praxis 4.2 --vendor "Logiciel SA"
    """
    from server import software as work

    chosen = _product(product, version, vendor)
    if not asyncio.run(work.revoke(_configuration(config), chosen, getuser())):
        raise Trouble(ExitCode.USAGE, f"Nothing holds for {chosen}.", "See coffre software list.")
    if as_json:
        write_json({"revoked": str(chosen)})
    else:
        typer.echo(f"Revoked: {chosen}.")


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="What was revoked or has ended as well.")] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show what is attested, for what, until when, and by what it is known."""
    from server import software as work

    now = datetime.now(UTC)
    entries = asyncio.run(work.entries(_configuration(config)))
    shown = [one for one in entries if everything or one.attestation.holds(now)]
    if as_json:
        write_json([_facts(one, now) for one in shown])
        return
    if not shown:
        typer.echo("No software is attested.")
    for one in shown:
        facts = _facts(one, now)
        typer.echo(f"{one.attestation}  ({facts['state']}; by {one.made_by} on {one.made:%Y-%m-%d})")
        for known_by in one.known_by:
            typer.echo(f"- known by {known_by}")


def _facts(entry: "Entry", now: datetime) -> dict[str, Any]:
    attestation = entry.attestation
    if attestation.revoked:
        state = f"ended on {attestation.revoked:%Y-%m-%d} by {entry.ended_by}"
    else:
        state = "in force" if attestation.holds(now) else "expired"
    software = attestation.software
    return {
        "product": software.name,
        "version": software.version,
        "vendor": software.vendor,
        "transactions": sorted(attestation.transactions),
        "until": str(attestation.last_day),
        "state": state,
        "knownBy": [str(one) for one in entry.known_by],
        "attestedAt": entry.made.isoformat(),
        "attestedBy": entry.made_by,
    }


def _configuration(config: Path | None) -> Any:
    from server.commands.configured import configuration_of

    return configuration_of(config)


def _product(name: str, version: str, vendor: str) -> "Software":
    from exchange.subject import Software

    if not all(text.strip() and text.isprintable() for text in (name, version, vendor)):
        raise Trouble(ExitCode.USAGE, "Product, version and vendor are each some printable text.")
    return Software(name.strip(), version.strip(), vendor.strip())


def _signed(file: Path, attesters: tuple[Path, ...]) -> "SignedAttestation":
    from server.signed_attestation import AttestationRefused, read_attester, read_signed_attestation

    if not attesters:
        raise Trouble(
            ExitCode.CONFIGURATION,
            "Nobody's attestations are believed here.",
            "Name attesters under [attestation].",
        )
    try:
        keys = [read_attester(one) for one in attesters]
    except (OSError, ValueError) as problem:
        raise Trouble(ExitCode.CONFIGURATION, f"An attester's key cannot be read: {problem}.") from None
    try:
        return read_signed_attestation(file.read_bytes(), keys, datetime.now(UTC).date())
    except AttestationRefused as problem:
        raise Trouble(
            ExitCode.REFUSED,
            f"{file} is refused: {problem}.",
            "Ask the attester for the file as it was signed.",
        ) from None


def _known_transactions() -> dict[str, str]:
    from ihe.http_transactions import HTTP_TRANSACTIONS
    from ihe.patient_identity_feed import ITI_8_ADD
    from ihe.transactions import TRANSACTIONS

    rows = (ITI_8_ADD, *TRANSACTIONS, *HTTP_TRANSACTIONS)
    return {row.number.upper(): row.number for row in rows}


def _transactions(text: str) -> frozenset[str]:
    known = _known_transactions()
    chosen = {word.strip().upper() for word in text.split(",") if word.strip()}
    if not chosen or chosen - known.keys():
        in_order = sorted(known.values(), key=lambda name: (not name.startswith("ITI-"), len(name), name))
        expected = ", ".join(in_order)
        raise Trouble(
            ExitCode.USAGE,
            f"'{text}' names no transactions of this platform.",
            f"Expected some of {expected}.",
        )
    return frozenset(known[name] for name in chosen)


def _pem(file: Path) -> str:
    return file.read_text(encoding="ascii", errors="replace")


def _by_certificates(shown: list[tuple[Path, str]], renewals: bool) -> "Iterator[KnownBy]":
    from consent_broker.software_register import KnownBy
    from server.tls.certificates import node_certificate

    for file, pem in shown:
        try:
            found = node_certificate(pem)
        except ValueError:
            raise Trouble(ExitCode.FILE, f"{file} holds no certificate, expected PEM.") from None
        if renewals and not found.subject:
            raise Trouble(
                ExitCode.USAGE, f"The certificate in {file} has no subject.", "Leave --renewals out."
            )
        yield KnownBy(subject=found.subject, issuer=found.issuer) if renewals else KnownBy(found.sha256)


def _by_fingerprint(text: str) -> "KnownBy":
    from consent_broker.software_register import KnownBy

    digits = text.replace(":", "").lower()
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise Trouble(ExitCode.USAGE, f"'{text}' is no SHA-256 fingerprint, expected 64 hexadecimal digits.")
    return KnownBy(digits)


def _by_names(subject: str, issuer: str) -> "Iterator[KnownBy]":
    from consent_broker.software_register import KnownBy
    from server.tls.certificates import distinguished_name

    if bool(subject) != bool(issuer):
        raise Trouble(ExitCode.USAGE, "--subject and --issuer go together.")
    if subject:
        try:
            yield KnownBy(subject=distinguished_name(subject), issuer=distinguished_name(issuer))
        except ValueError:
            example = "expected such as CN=practice,O=Cabinet Muller,C=LU"
            raise Trouble(ExitCode.USAGE, f"This is no distinguished name, {example}.") from None
