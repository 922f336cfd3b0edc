"""`coffre codes`: the codes that the domain agreed on."""

from pathlib import Path
from typing import Annotated

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, write_json

app = typer.Typer(
    help="List the domain's codes, or take over others.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_codes(
    attribute: Annotated[str | None, typer.Argument(help="One attribute: typeCode, mimeType...")] = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """List which codes and MIME types may be used, with their names.

    \b
    Example:
      coffre codes list typeCode
    """
    from server.commands.configured import configuration_of
    from server.configuration import code_set_of

    code_set = code_set_of(configuration_of(config))
    rows = [row.model_dump() for row in code_set.codes]
    rows += [
        {"attribute": "mimeType", "code": one, "scheme": "", "display": {}} for one in code_set.mime_types
    ]
    attributes = list(dict.fromkeys(row["attribute"] for row in rows))
    if attribute and attribute not in attributes:
        known = ", ".join(attributes) or "none"
        raise Trouble(ExitCode.USAGE, f"There is no list for {attribute}; there are lists for: {known}.")
    if as_json:
        write_json([row for row in rows if attribute in (None, row["attribute"])])
        return
    for name in (attribute,) if attribute else attributes:
        typer.echo(f"{name}:")
        of_attribute = [row for row in rows if row["attribute"] == name]
        width = max(len(row["code"]) for row in of_attribute)
        for row in of_attribute:
            typer.echo(f"  {row['code']:{width}}  {' / '.join(row['display'].values())}".rstrip())


@app.command("import")
def import_codes(
    file: Annotated[Path, typer.Argument(help="A codes.xml as IHE's test tools publish it.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write the code set; else FILE with .toml.")
    ] = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Turn a codes.xml into a code set for [domain] codes in coffre.toml.

    \b
    Example:
      coffre codes import codes.xml -o coffre-data/codes.toml
    """
    from server.codes_xml import import_codes as take_over

    target = output or Path(file.name).with_suffix(".toml")
    if target.exists() and not force:
        raise Trouble(ExitCode.FILE, f"{target} is there already.", "Choose another --output, or --force.")
    code_set = take_over(file, target)
    attributes = {row.attribute for row in code_set.codes}
    if as_json:
        write_json({"codes": len(code_set.codes), "attributes": sorted(attributes), "file": str(target)})
        return
    typer.echo(f"Wrote {len(code_set.codes)} codes of {len(attributes)} attributes to {target}.")
    typer.echo(f'Use them: put  codes = "{target.name}"  under [domain] in the coffre.toml beside it.')
