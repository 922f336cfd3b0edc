"""`coffre consent`: what a patient decides about who sees his record."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from server.commands import options
from server.commands.outcome import ExitCode, Trouble, write_json

app = typer.Typer(
    help="What patients decide about their records: who may read, who may deposit, what is hidden.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Result = TypeVar("Result")

Patient = Annotated[str, typer.Argument(metavar="PATIENT", help="The id alone, or all of it: ID^^^&OID&ISO.")]
Person = Annotated[str, typer.Option(help="A person: OID|ID, as identity providers name him.")]
Organization = Annotated[str, typer.Option(help="An institution, as assertions name it: urn:oid:1.2.3.")]
Document = Annotated[str, typer.Argument(metavar="DOCUMENT", help="The logicalID: urn:uuid:...")]
LevelName = Annotated[str, typer.Option(help="normal, restricted or secret.")]
Days = Annotated[int, typer.Option(min=0, help="For how many days; 0: until it is taken back.")]


@app.callback()
def consent() -> None:
    """What patients decide about their records; in force at the next request of every server."""


@app.command("open")
def open_(patient: Patient, config: options.ConfigFile = None) -> None:
    """Open a record, or open it again; it begins without documents.

    \b
    Example:
      coffre consent open 1980010112345 --config coffre-data/coffre.toml
    """
    _set_status(patient, "open", config)


@app.command()
def close(patient: Patient, config: options.ConfigFile = None) -> None:
    """Close a record: at once nobody sees anything of it, and nothing more is taken in."""
    _set_status(patient, "closed", config)


@app.command()
def grant(
    patient: Patient,
    person: Person = "",
    organization: Organization = "",
    read: Annotated[bool, typer.Option(help="May read.")] = False,
    deposit: Annotated[bool, typer.Option(help="May deposit.")] = False,
    level: LevelName = "normal",
    origin: Annotated[
        str, typer.Option(help="referring-doctor, presence, admission, referral or portal.")
    ] = "portal",
    days: Annotated[int, typer.Option(min=-1, help="For how many days; -1: as the origin's rule says.")] = -1,
    config: options.ConfigFile = None,
) -> None:
    """Give a professional or an institution access: a care relationship, with an origin and an end.

    \b
    Example:
      coffre consent grant 1980010112345 --person "2.999.352.4|D1" --read --deposit --level restricted
    """
    from consent_broker.model import Level, Origin, Right
    from consent_broker.store import Directive, Kind

    called = _Called.on(patient, config)
    since = called.origin(origin)
    rights = {right for right, given in ((Right.READ, read), (Right.DEPOSIT, deposit)) if given}
    if not rights:
        raise Trouble(ExitCode.USAGE, "A grant gives a right.", "Add --read, --deposit or both.")
    directive = Directive(
        Kind.GRANT,
        _party(person, organization),
        rights=frozenset(rights),
        level=_one_of(Level.__members__, level.upper(), "level"),
        origin=_one_of(Origin.__members__, origin.upper().replace("-", "_"), "origin"),
        period=_period(since if days < 0 else days),
    )
    called.give(directive)


@app.command()
def revoke(
    patient: Patient,
    person: Person = "",
    organization: Organization = "",
    config: options.ConfigFile = None,
) -> None:
    """Take a grant back."""
    _take_back(patient, "grant", person, organization, "", config)


@app.command()
def exclude(
    patient: Patient,
    person: Person = "",
    organization: Organization = "",
    config: options.ConfigFile = None,
) -> None:
    """Oppose all access of a professional or an institution; no grant and no emergency goes before it."""
    _give(patient, "exclusion", person, organization, "", config)


@app.command()
def admit(
    patient: Patient,
    person: Person = "",
    organization: Organization = "",
    config: options.ConfigFile = None,
) -> None:
    """Take an exclusion back."""
    _take_back(patient, "exclusion", person, organization, "", config)


@app.command()
def hide(patient: Patient, document: Document, config: options.ConfigFile = None) -> None:
    """Hide a document from everybody but the patient and who helps him."""
    _give(patient, "hidden", "", "", document, config)


@app.command()
def unhide(patient: Patient, document: Document, config: options.ConfigFile = None) -> None:
    """Let a hidden document be seen again by whoever may."""
    _take_back(patient, "hidden", "", "", document, config)


@app.command()
def reserve(
    patient: Patient,
    document: Document,
    person: Person = "",
    organization: Organization = "",
    config: options.ConfigFile = None,
) -> None:
    """Let only named parties see a document, of those who may read the record; once for each of them."""
    _give(patient, "reserved", person, organization, document, config)


@app.command()
def unreserve(
    patient: Patient,
    document: Document,
    person: Person = "",
    organization: Organization = "",
    config: options.ConfigFile = None,
) -> None:
    """Take a party off a document's list; without a list, whoever may read sees the document."""
    _take_back(patient, "reserved", person, organization, document, config)


@app.command()
def helper(
    patient: Patient,
    person: Person,
    manage: Annotated[bool, typer.Option(help="May also deposit and change.")] = False,
    days: Days = 0,
    remove: Annotated[bool, typer.Option(help="Take the role back.")] = False,
    config: options.ConfigFile = None,
) -> None:
    """Name a person who reads the record in the patient's stead, or acts for him where the law says so."""
    from consent_broker.store import Directive, Kind

    called = _Called.on(patient, config)
    directive = Directive(Kind.HELPER, _party(person, ""), manages=manage, period=_period(days))
    if remove:
        called.take_back(directive)
    else:
        called.give(directive)


@app.command()
def emergency(
    patient: Patient,
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="normal, restricted, secret, or none.")],
    config: options.ConfigFile = None,
) -> None:
    """Say up to what level an emergency opens the record."""
    from consent_broker.model import Level
    from consent_broker.store import Directive, Kind

    chosen = None if level == "none" else _one_of(Level.__members__, level.upper(), "level")
    _Called.on(patient, config).give(Directive(Kind.EMERGENCY, level=chosen))


@app.command()
def show(patient: Patient, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Show what holds for a record now, and everything that ever changed."""
    from server import consent as work

    called = _Called.on(patient, config)
    held, changes = called.run(work.show(called.configuration, called.patient, called.operator))
    if as_json:
        lines = [{"at": each.at.isoformat(), "by": each.by, "what": each.what} for each in changes]
        write_json({"patientId": called.patient, "status": held.status, "history": lines})
        return
    typer.echo(f"The record of {called.patient} is {held.status}.")
    for each in changes:
        typer.echo(f"{each.at:%Y-%m-%d %H:%M:%S}Z  {each.what}  (by {each.by})")


@app.command()
def explain(
    patient: Patient,
    person: Person = "",
    organization: Organization = "",
    profession: Annotated[str, typer.Option(help="The role: CODE|SCHEME.")] = "",
    specialty: Annotated[str, typer.Option(help="The specialty: CODE|SCHEME.")] = "",
    purpose: Annotated[str, typer.Option(help="The purpose of use: CODE|SCHEME.")] = "",
    verb: Annotated[str, typer.Option(help="find, read, deposit or manage.")] = "find",
    at: Annotated[datetime | None, typer.Option(help="When; otherwise now. In UTC.")] = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Say what somebody could do with a record, and why.

    \b
    Example:
      coffre consent explain 1980010112345 --person "2.999.352.4|D1" \\
          --profession "2211|2.16.840.1.113883.2.9.6.2.7"
    """
    from consent_broker.model import Asker
    from exchange.verbs import Verb
    from server import consent as work

    called = _Called.on(patient, config)
    asker = Asker(
        person=person,
        organization=organization,
        profession=_pair(profession),
        specialty=_pair(specialty),
        purpose=_pair(purpose),
    )
    chosen = _one_of(Verb.__members__, verb.upper(), "verb")
    moment = at.replace(tzinfo=UTC) if at else datetime.now(UTC)
    verdict = called.run(
        work.explain(called.configuration, called.patient, asker, chosen, moment, called.operator)
    )
    if as_json:
        write_json({"permit": verdict.permit, "reasons": list(verdict.reasons)})
        return
    typer.echo("Permitted." if verdict.permit else "Not permitted.")
    for reason in verdict.reasons:
        typer.echo(f"- {reason}")


@dataclass(frozen=True, slots=True)
class _Called:
    """Whose record is spoken of, and who speaks."""

    configuration: Any
    patient: str
    operator: str

    @classmethod
    def on(cls, patient: str, config: Path | None) -> "_Called":
        from getpass import getuser

        from client import patient_id_of
        from server.commands.configured import configuration_of
        from server.commands.peers import authority_of

        configuration = configuration_of(config)
        return cls(configuration, str(patient_id_of(patient, authority_of(configuration))), getuser())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        from consent_broker.store import MAX_DIRECTIVES, TooManyDirectives
        from server.consent import NoRules

        try:
            return asyncio.run(work)
        except NoRules:
            raise Trouble(
                ExitCode.CONFIGURATION,
                "This domain has no consent rules, so what a patient decides would change nothing.",
                'Set rules = "luxembourg" in [domain] of the configuration.',
            ) from None
        except TooManyDirectives:
            raise Trouble(
                ExitCode.REFUSED,
                f"The record has {MAX_DIRECTIVES} directives already.",
                "Take back some that are no longer needed.",
            ) from None

    def give(self, directive: Any) -> None:
        from consent_broker.store import described
        from server import consent as work

        self.run(work.give(self.configuration, self.patient, directive, self.operator))
        typer.echo(f"For {self.patient} holds from now on: {described(directive)}.")

    def take_back(self, directive: Any) -> None:
        from server import consent as work

        ended = self.run(work.take_back(self.configuration, self.patient, directive, self.operator))
        if not ended:
            raise Trouble(ExitCode.USAGE, "Nothing of the kind holds.", "See coffre consent show.")
        typer.echo(f"For {self.patient} it holds no longer.")

    def origin(self, name: str) -> int:
        """How many days a relation of this origin lasts by the rules; 0 is for ever."""
        from consent_broker.model import Origin
        from server.consent import NoRules, rules_of

        chosen = _one_of(Origin.__members__, name.upper().replace("-", "_"), "origin")
        try:
            return rules_of(self.configuration).durations_days[chosen]
        except NoRules:
            return 0


def _set_status(patient: str, status: str, config: Path | None) -> None:
    from consent_broker.model import RecordStatus
    from server import consent as work

    called = _Called.on(patient, config)
    called.run(work.set_status(called.configuration, called.patient, RecordStatus(status), called.operator))
    typer.echo(f"The record of {called.patient} is {status}.")


def _give(
    patient: str, kind: str, person: str, organization: str, document: str, config: Path | None
) -> None:
    _Called.on(patient, config).give(_about(kind, person, organization, document))


def _take_back(
    patient: str, kind: str, person: str, organization: str, document: str, config: Path | None
) -> None:
    _Called.on(patient, config).take_back(_about(kind, person, organization, document))


def _about(kind: str, person: str, organization: str, document: str) -> Any:
    from consent_broker.store import Directive, Kind

    party = None if kind == "hidden" else _party(person, organization)
    return Directive(Kind(kind), party, document.lower())


def _party(person: str, organization: str) -> Any:
    from consent_broker.model import Party, PartyKind

    if bool(person) == bool(organization):
        raise Trouble(ExitCode.USAGE, "Whom?", "Add either --person or --organization.")
    return Party(PartyKind.PERSON, person) if person else Party(PartyKind.ORGANIZATION, organization)


def _period(days: int) -> Any:
    from consent_broker.model import Period

    now = datetime.now(UTC)
    return Period(now, now + timedelta(days=days) if days else None)


def _pair(text: str) -> tuple[str, str]:
    code, _, scheme = text.partition("|")
    return code, scheme


def _one_of(members: Mapping[str, Result], name: str, what: str) -> Result:
    if name not in members:
        known = ", ".join(each.lower().replace("_", "-") for each in members)
        raise Trouble(ExitCode.USAGE, f"'{name.lower()}' is no {what}.", f"Expected one of {known}.")
    return members[name]
