"""`coffre idp`: a local identity provider, for development and small sites (ITI TF-2: 3.40)."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, write_json

if TYPE_CHECKING:
    from server.local_provider import Coded
    from server.settings import Configuration

# A working day; whoever needs a longer session has an identity provider of another kind.
LONGEST_MINUTES = 720
# As short as users do not notice, for each command asks for a new one.
USUAL_MINUTES = 10

LOCAL_PROVIDER = "idp"
SYSTEM_USER = "coffre"

app = typer.Typer(
    help="A LOCAL identity provider, for development and small sites: users in a file, assertions on demand.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
users = typer.Typer(
    help="The users of the local identity provider.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(users, name="user")


@app.callback()
def idp() -> None:
    """A LOCAL identity provider, for development and small sites: users in a file, assertions on demand."""


@users.callback()
def user() -> None:
    """The users of the local identity provider."""


@app.command()
def init(
    config: Annotated[Path, typer.Option("--config", "-c", envvar="COFFRE_CONFIG", help="The coffre.toml.")],
    directory: Annotated[
        Path, typer.Option(help="Where, beside that file, its key and users are to lie.")
    ] = Path(LOCAL_PROVIDER),
    as_json: options.Json = False,
) -> None:
    """Make a local identity provider, and name it in coffre.toml: from then on, users are asked for.

    \b
    Example:
      coffre idp init --config coffre-data/coffre.toml
    """
    from server.local_provider import KEY, add_system_user, create_provider

    place = config.parent / directory
    if (place / KEY).exists():
        raise Trouble(
            ExitCode.FILE,
            f"{place} holds an identity provider already.",
            "Choose another --directory, or take key.pem and certificate.pem away for new ones.",
        )
    create_provider(place)
    add_system_user(place, SYSTEM_USER)
    done = name_in_configuration(config, directory.as_posix())
    if as_json:
        write_json({"directory": str(place), "configured": done})
        return
    typer.echo(f"Made a local identity provider in {place}. Keep its key.pem: whoever has it can be anyone.")
    typer.echo(
        f"{config} names it now; it holds from the server's next start on."
        if done
        else f"Now write under [xua] in {config}:\n" + "".join(_named(directory.as_posix()))
    )
    typer.echo("Next:  coffre idp user add NAME --name 'Dr Anne Muller'")


@users.command()
def add(
    login: Annotated[str, typer.Argument(metavar="USER", help="What the user is called with --as.")],
    name: Annotated[str, typer.Option(help="The name for people and audit records.")],
    role: Annotated[str | None, typer.Option(metavar="CODE^NAME^SYSTEM", help="The profession.")] = None,
    specialty: Annotated[str | None, typer.Option(metavar="CODE^NAME^SYSTEM", help="The specialty.")] = None,
    purpose: Annotated[
        str | None, typer.Option(metavar="CODE^NAME^SYSTEM", help="The usual purpose of use.")
    ] = None,
    organization: Annotated[str, typer.Option(help="The organization's name.")] = "",
    organization_id: Annotated[
        str, typer.Option(help="The organization's id, such as urn:oid:2.999.7.")
    ] = "",
    id: Annotated[str, typer.Option(help="The id by which the authority knows the user.")] = "",
    authority: Annotated[str | None, typer.Option(metavar="OID", help="Who gave that id.")] = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Add a user: a medical doctor who treats, if not said otherwise.

    \b
    Example:
      coffre idp user add amuller --name "Dr Anne Muller" --organization "Cabinet Muller"
    """
    from pydantic import ValidationError

    from server.local_provider import DOCTOR, TREATMENT, LocalUser, add_user, read_users
    from server.toml_file import reasons

    directory = _directory(config)
    if login in read_users(directory).users:
        raise Trouble(
            ExitCode.USAGE, f"There is a user {login} already.", f"Change it in {directory}/users.toml."
        )
    try:
        row = LocalUser(
            name=name,
            id=id,
            authority=authority,
            role=_coded(role) or DOCTOR,
            specialty=_coded(specialty),
            purpose=_coded(purpose) or TREATMENT,
            organization=organization,
            organization_id=organization_id,
        )
    except ValidationError as error:
        wrong = [f"{key[0]}: {reason}" for key, reason in reasons(error, LocalUser)]
        raise Trouble(ExitCode.USAGE, f"This is no user: {'; '.join(wrong)}.") from None
    add_user(directory, login, row)
    if as_json:
        write_json({"user": login, **row.model_dump(exclude_none=True)})
    else:
        typer.echo(f"{name} can be named with  --as {login}")


@app.command()
def token(
    login: Annotated[str, typer.Argument(metavar="USER", help="Whose assertion.")],
    minutes: Annotated[
        int, typer.Option(min=1, max=LONGEST_MINUTES, help="How long it is to hold.")
    ] = USUAL_MINUTES,
    purpose: Annotated[
        str | None, typer.Option(metavar="CODE^NAME^SYSTEM", help="Another purpose of use.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why: an emergency may need it.")] = "",
    patient: Annotated[str, typer.Option(help="The patient it is for, as ID^^^&OID&ISO.")] = "",
    audience: Annotated[str, typer.Option(help="Who is to accept it; else this domain.")] = "",
    config: options.ConfigFile = None,
) -> None:
    """Print a signed assertion about a user, ready for --assertion or a Security header.

    \b
    Example:
      coffre idp token amuller > amuller.xml
    """
    configuration = _configuration(config)
    token = issue(configuration, login, minutes, _coded(purpose), patient, audience, reason)
    typer.echo(token.decode())


def issue(
    configuration: "Configuration",
    login: str,
    minutes: int = USUAL_MINUTES,
    purpose: "Coded | None" = None,
    patient_id: str = "",
    audience: str = "",
    reason: str = "",
) -> bytes:
    """An assertion by the local provider of this configuration."""
    from server.local_provider import NoSuchUser, open_provider
    from server.users import audiences_of

    provider = open_provider(_directory_of(configuration))
    audience = audience or audiences_of(configuration)[0]
    try:
        user = provider.user(login, purpose, patient_id, reason)
    except NoSuchUser as problem:
        known = ", ".join(problem.known) or "nobody yet"
        raise Trouble(
            ExitCode.USAGE,
            f"The local identity provider knows no user {login}.",
            f"It knows {known}; `coffre idp user add` adds one.",
        ) from None
    return provider.token(user, audience, timedelta(minutes=minutes))


def name_in_configuration(config: Path, directory: str) -> bool:
    """Name the provider in a coffre.toml of `coffre init`; False if that line is not there any more."""
    text = config.read_text(encoding="utf-8")
    for unset, named in zip(_named("", mark="# "), _named(directory), strict=True):
        if named in text:
            continue
        if text.count(unset) != 1:
            return False
        text = text.replace(unset, named)
    config.write_text(text, encoding="utf-8")
    return True


def _named(directory: str, mark: str = "") -> tuple[str, str]:
    user = SYSTEM_USER if directory else ""
    return f'{mark}local_provider = "{directory}"\n', f'{mark}system_user = "{user}"\n'


def _configuration(config: Path | None) -> "Configuration":
    from server.commands.configured import configuration_of

    return configuration_of(config)


def _directory(config: Path | None) -> Path:
    return _directory_of(_configuration(config))


def _directory_of(configuration: "Configuration") -> Path:
    if not configuration.xua.local_provider:
        raise Trouble(
            ExitCode.CONFIGURATION,
            "The configuration names no local identity provider ([xua] local_provider).",
            "`coffre idp init --config coffre.toml` makes one; is --config or COFFRE_CONFIG the right file?",
        )
    return Path(configuration.xua.local_provider)


def _coded(text: str | None) -> "Coded | None":
    from server.local_provider import Coded

    if not text:
        return None
    parts = text.split("^")
    if len(parts) > 3 or not parts[0]:
        raise Trouble(ExitCode.USAGE, f"'{text}' is no code, expected CODE^NAME^SYSTEM.")
    code, name, system = (*parts, "", "")[:3]
    return Coded(code=code, name=name, system=system)
