"""`coffre validate`: judge a single message and explain what is wrong with it."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from conformance.judging.message import Judgement

# As `coffre --help` has them.
_REFUSED, _FILE = 1, 6


def validate(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="The message, or - to read it from the standard input.")
    ],
    content_type: Annotated[
        str,
        typer.Option(
            "--content-type", help="The HTTP header Content-Type, if the file does not begin with headers."
        ),
    ] = "",
    codes: Annotated[
        Path | None,
        typer.Option(help="The affinity domain's codes, TOML with [codes], as code^^scheme by attribute."),
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Hold the times of assertions against the clock.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")] = False,
) -> None:
    """Judge a message, a metadata file, an audit record, an assertion or a consent document, and explain it.

    \b
    Examples:
      coffre validate submission.xml
      coffre validate --codes our-codes.toml request.mtom
      curl -s http://127.0.0.1:8080/answer | coffre validate -
    """
    from conformance.judging.codes import value_sets
    from conformance.judging.message import judge

    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        allowed = value_sets(codes) if codes else {}
    except (OSError, ValueError) as problem:
        typer.echo(f"coffre: {problem}", err=True)
        raise typer.Exit(_FILE) from None
    judgement = judge(content, content_type, allowed, datetime.now(UTC) if now else None)
    if as_json:
        findings = [asdict(one) for one in judgement.findings]
        typer.echo(
            json.dumps(
                {"kind": judgement.kind, "good": judgement.good, "findings": findings},
                indent=2,
                ensure_ascii=False,
            )
        )
    else:
        _show(judgement)
    if not judgement.good:
        raise typer.Exit(_REFUSED)


def _show(judgement: "Judgement") -> None:
    from conformance.reports.told import headline, rows_of

    colours = {"error": typer.colors.RED, "warning": typer.colors.YELLOW, "note": typer.colors.BLUE}
    typer.echo(f"This is {judgement.kind}.")
    for number, one in enumerate(judgement.findings, 1):
        typer.echo()
        typer.secho(f"{number}. {headline(one)}", fg=colours[one.severity], bold=True)
        for row in rows_of(one):
            typer.echo(f"   {row}")
    counts = {name: sum(one.severity == name for one in judgement.findings) for name in colours}
    typer.echo()
    typer.echo(", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items()))
