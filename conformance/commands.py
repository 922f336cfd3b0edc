"""`coffre conformance`: judge a registry and a repository from outside."""

import secrets
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from conformance.client.commands import client

if TYPE_CHECKING:
    from conformance.cleaning import Cleaned
    from conformance.results import Run

app = typer.Typer(
    help="Judge registries, repositories and practice software from outside.", no_args_is_help=True
)
app.command()(client)

# As `coffre --help` has them: a target that fails is refused, one that is silent unreachable.
_FAILED, _USAGE, _UNREACHABLE, _FILE = 1, 2, 3, 6

Groups = Annotated[
    list[str] | None, typer.Option("--groups", help="Only plans of this group; may be repeated.")
]
Plans = Annotated[
    list[str] | None, typer.Option("--plans", help="Only this plan, or those that fit x-*; may be repeated.")
]
More = Annotated[
    list[Path] | None, typer.Option("--more", help="A folder with plans of your own; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Html = Annotated[Path | None, typer.Option(help="Write the report as one page, for a browser.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML, for a build server.")]
Save = Annotated[Path | None, typer.Option(help="Write the whole run with every message, as JSON.")]


@app.command()
def plans(groups: Groups = None, plans: Plans = None, more: More = None, as_json: AsJson = False) -> None:
    """List the test plans: what each requires, of whom, and by which section."""
    from conformance import plan

    try:
        chosen = plan.chosen(plan.load(*(more or ())), groups or (), plans or ())
    except plan.BadPlan as problem:
        _give_up(str(problem))
    if as_json:
        _print_json([{key: getattr(one, key) for key in _SHOWN} for one in chosen])
        return
    for one in chosen:
        typer.echo(f"{one.id}  [{one.group}]  {one.requirement}  ({one.section})")
    typer.echo(f"{len(chosen)} plans, plan set {plan.PLAN_SET}")


@app.command()
def run(
    registry: Annotated[str, typer.Option(help="The Document Registry's address.")],
    repository: Annotated[str, typer.Option(help="The Document Repository's address.")],
    identity: Annotated[
        list[str] | None,
        typer.Option(help="Where patients are made known: ITI-44's address, mllp://HOST:PORT, mllps://."),
    ] = None,
    domain: Annotated[
        Path | None,
        typer.Option(help="The domain's codes, authority and OIDs, as in docs/conformance-kit.md."),
    ] = None,
    authority: Annotated[str | None, typer.Option(help="The OID under which patient ids are given.")] = None,
    repository_id: Annotated[str | None, typer.Option(help="The repositoryUniqueId.")] = None,
    ca: Annotated[Path | None, typer.Option(help="Whom to trust, PEM.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Our certificate to show, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="The key of --certificate, PEM.")] = None,
    refused: Annotated[
        Path | None, typer.Option(help="A revoked or expired certificate and its key, PEM.")
    ] = None,
    assertion: Annotated[
        Path | None,
        typer.Option(help="An assertion that the target accepts, to be shown with every message."),
    ] = None,
    idp_key: Annotated[
        Path | None, typer.Option(help="The key of an identity provider that the target trusts, PEM.")
    ] = None,
    idp_certificate: Annotated[Path | None, typer.Option(help="The certificate of --idp-key, PEM.")] = None,
    issuer: Annotated[str, typer.Option(help="The name of that identity provider.")] = "",
    audience: Annotated[
        str | None, typer.Option(help="For whom its assertions are; the domain's home without it.")
    ] = None,
    rules: Annotated[
        bool, typer.Option("--rules", help="Patients decide there: a professional sees nothing unasked.")
    ] = False,
    audit_udp: Annotated[
        int, typer.Option(help="A port here to which the target sends its audit records over UDP.")
    ] = 0,
    audit_tls: Annotated[int, typer.Option(help="The same over TLS, with --certificate and --ca.")] = 0,
    groups: Groups = None,
    plans: Plans = None,
    more: More = None,
    seed: Annotated[str, typer.Option(help="Whatever ids are made from.")] = "coffre",
    run_id: Annotated[
        str | None,
        typer.Option("--run", help="Makes the ids of this run its own; the same gives the same ids."),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, help="How many plans run at once.")] = 4,
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove afterwards what was registered and stored.")
    ] = False,
    product: Annotated[str, typer.Option(help="What is judged, for the report.")] = "unnamed",
    version: Annotated[str, typer.Option(help="Which version of it.")] = "",
    html: Html = None,
    junit: Junit = None,
    save: Save = None,
    as_json: AsJson = False,
) -> None:
    """Drive a registry and a repository through the plans, and say what they got wrong."""
    from contextlib import ExitStack

    from conformance import plan
    from conformance.assertions import Issuer
    from conformance.domain import read_domain
    from conformance.means import Means
    from conformance.names import Settings
    from conformance.reports.terminal import watched
    from conformance.running import Judge
    from conformance.sink import contexts, listening
    from conformance.target import Endpoints, Target

    with ExitStack() as stack:
        try:
            loaded = plan.load(*(more or ()))
            chosen = plan.chosen((one for one in loaded if one.id != plan.LIBRARY), groups or (), plans or ())
            agreed = read_domain(domain)
            mllp = next((one for one in identity or () if one.startswith("mllp")), "")
            feed = next((one for one in identity or () if one.startswith("http")), "" if mllp else registry)
            target = Target(Endpoints(registry, repository, feed), ca, certificate, key, refused)
            given = None
            if assertion or idp_key:
                given = Issuer(
                    issuer,
                    audience or agreed.home,
                    idp_key.read_bytes() if idp_key else b"",
                    idp_certificate.read_text() if idp_certificate else "",
                    assertion.read_bytes() if assertion else b"",
                    agreed.users,
                )
            sink = None
            if audit_udp or audit_tls:
                sink = stack.enter_context(listening(audit_udp, audit_tls, contexts(certificate, key, ca)))
        except (plan.BadPlan, OSError, ValueError) as problem:
            _give_up(str(problem))
        stack.callback(target.close)
        tls = registry.startswith("https:")
        means = Means(
            restricted=agreed.restricted,
            rules=rules,
            policies=bool(agreed.policies),
            tls=tls,
            certificate=tls and certificate is not None,
            refused=refused is not None,
            issuer=given,
            sink=sink,
            mllp=mllp,
            identity_v3=bool(feed),
        )
        settings = Settings(
            authority or agreed.authority,
            repository_id or agreed.repository,
            agreed.home,
            agreed.codes,
            seed,
            run_id or secrets.token_hex(6),
            agreed.policies,
        )
        judge = Judge(target, settings, means)
        library = next(one for one in loaded if one.id == plan.LIBRARY)
        if trouble := target.unreachable():
            _give_up(trouble, _UNREACHABLE)
        try:
            with watched() as watch:
                result = judge.run(chosen, library, product, version, parallel, watch)
        except plan.BadPlan as problem:
            _give_up(str(problem))
        cleaned = judge.clean() if clean else None
    _tell(result, html, junit, save)
    _show(result, cleaned, as_json)
    if not result.passed:
        raise typer.Exit(_FAILED)


@app.command()
def report(
    file: Annotated[Path, typer.Argument(metavar="RUN", help="What `run --save` wrote.")],
    html: Html = None,
    junit: Junit = None,
    as_json: AsJson = False,
) -> None:
    """Tell a saved run once more, in other forms."""
    from conformance.reports.json_file import read_run

    try:
        result = read_run(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        _give_up(str(problem), _FILE)
    _tell(result, html, junit, None)
    _show(result, None, as_json)


@app.command()
def attest(
    file: Annotated[Path, typer.Argument(metavar="RUN", help="What `run --save` or `client --save` wrote.")],
    vendor: Annotated[str, typer.Option(help="Who makes the product.")],
    certificate: Annotated[Path, typer.Option(help="The client certificate that the product shows, PEM.")],
    key: Annotated[Path, typer.Option(help="The attester's Ed25519 key, PEM.")],
    out: Annotated[Path, typer.Option(help="Where the attestation is written.")],
) -> None:
    """Sign that a product passed, for `coffre software attest --from`; a run that failed is not attested."""
    from conformance.attestation import NotAttestable, read_key, write_attestation
    from conformance.reports.json_file import read_run

    try:
        result = read_run(file.read_text(encoding="utf-8"))
        signed = write_attestation(result, vendor, certificate.read_text(), read_key(key.read_bytes()))
        out.write_text(signed, encoding="utf-8")
    except NotAttestable as problem:
        _give_up(f"{file} is not attested: {problem}", _FAILED)
    except (OSError, ValueError) as problem:
        _give_up(str(problem), _FILE)
    typer.echo(f"Attested: {result.product} {result.version} of {vendor}.")


_SHOWN = ("id", "group", "actor", "option", "requirement", "section")


def _tell(result: "Run", html: Path | None, junit: Path | None, save: Path | None) -> None:
    from conformance.reports.files import write_reports

    try:
        write_reports(result, html, junit, save)
    except OSError as problem:
        _give_up(str(problem), _FILE)


def _show(result: "Run", cleaned: "Cleaned | None", as_json: bool) -> None:
    from conformance.reports.terminal import show_run

    if as_json:
        _print_json(
            {
                "product": result.product,
                "version": result.version,
                "plan_set": result.plan_set,
                "seed": result.seed,
                "passed": result.passed,
                "cleaned": asdict(cleaned) if cleaned else None,
                "outcomes": [
                    {
                        key: getattr(one, key)
                        for key in ("plan", "verdict", "reason", "requirement", "section")
                    }
                    for one in result.outcomes
                ],
            }
        )
        return
    show_run(result)
    if cleaned:
        typer.echo(
            f"removed {cleaned.documents} documents and {cleaned.objects} objects; "
            f"something stayed of {cleaned.patients_left} patients"
        )


def _print_json(content: object) -> None:
    import json

    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def _give_up(reason: str, status: int = _USAGE) -> NoReturn:
    typer.echo(f"coffre: {reason}", err=True)
    raise typer.Exit(status)
