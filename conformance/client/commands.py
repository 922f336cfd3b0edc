"""`coffre conformance client`: judge practice software by what it sends."""

from pathlib import Path
from typing import Annotated

import typer

# As `coffre --help` has them.
_FAILED, _USAGE, _FILE = 1, 2, 6


def client(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port for HTTP; 0 is any free one.")] = 8081,
    tls_port: Annotated[
        int | None, typer.Option(help="A port for HTTPS as well, with --certificate and --ca.")
    ] = None,
    mllp_port: Annotated[int | None, typer.Option(help="A port for HL7 v2 in MLLP [ITI-8].")] = None,
    audit_udp: Annotated[int | None, typer.Option(help="A port for audit records over UDP [ITI-20].")] = None,
    audit_tls: Annotated[int | None, typer.Option(help="A port for audit records over TLS.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Our certificate to show, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="The key of --certificate, PEM.")] = None,
    ca: Annotated[Path | None, typer.Option(help="Whose certificates we believe, PEM.")] = None,
    codes: Annotated[
        Path | None, typer.Option(help="The affinity domain's codes, as for coffre validate.")
    ] = None,
    repository_id: Annotated[
        str, typer.Option(help="The repositoryUniqueId that we answer with.")
    ] = "2.999.352.2",
    minutes: Annotated[
        float | None,
        typer.Option(min=0, help="End after so long; without it, by Ctrl-C or when all is ticked."),
    ] = None,
    product: Annotated[str, typer.Option(help="What is judged, for the report.")] = "unnamed",
    version: Annotated[str, typer.Option(help="Which version of it.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write the report as one page, for a browser.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML, for a build server.")] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write the whole run with every message, as JSON.")
    ] = None,
) -> None:
    """Open a registry, a repository, identity feeds and an audit port, and judge what is sent there.

    \b
    Example:
      coffre conformance client --product Praxis --version 4.2 --html report.html
    """
    import contextlib

    from conformance.client.checklist import Checklist
    from conformance.client.session import Ports, session
    from conformance.judging.codes import value_sets
    from conformance.reports.files import write_reports
    from conformance.reports.terminal import show_run
    from conformance.sink import contexts

    checklist = Checklist()
    ports = Ports(port, tls_port, mllp_port, audit_udp, audit_tls)
    try:
        allowed = value_sets(codes) if codes else {}
        tls = contexts(certificate, key, ca)
        if tls is None and (tls_port is not None or audit_tls is not None):
            raise ValueError("TLS needs --certificate and --key")
        opened = session(product, version, host, ports, tls, repository_id, allowed, checklist.hear)
        with opened as here:
            checklist.begin(here)
            with contextlib.suppress(KeyboardInterrupt):
                checklist.done.wait(minutes * 60 if minutes is not None else None)
            result = here.run()
        write_reports(result, html, junit, save)
    except (OSError, ValueError) as problem:
        typer.echo(f"coffre: {problem}", err=True)
        raise typer.Exit(_FILE if isinstance(problem, FileNotFoundError) else _USAGE) from None
    show_run(result)
    if not result.passed:
        raise typer.Exit(_FAILED)
