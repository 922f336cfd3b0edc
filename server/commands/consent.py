"""`coffre consent`: what a patient decides about who sees his record."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands import matrix, options
from server.commands.consent_call import (
    Called,
    Days,
    Document,
    Organization,
    Patient,
    Person,
    born,
    from_today,
    one_of,
    pair,
    party,
    run,
)
from server.commands.outcome import ExitCode, Trouble, write_json

if TYPE_CHECKING:
    from consent_broker.notifications import Notification

app = typer.Typer(
    help="What patients decide about their records: who may read, who may deposit, what is hidden.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


app.add_typer(matrix.app, name="matrix")


@app.callback()
def consent() -> None:
    """What patients decide about their records; in force at the next request of every server."""


@app.command("open")
def open_(patient: Patient, config: options.ConfigFile = None) -> None:
    """Open a record at the patient's explicit word; it begins without documents.

    \b
    Example:
      coffre consent open 1980010112345 --config coffre-data/coffre.toml
    """
    _turn(patient, "open", config)


@app.command()
def announce(patient: Patient, config: options.ConfigFile = None) -> None:
    """Announce a record: it opens by itself when the time to object is over, unless closed before."""
    _turn(patient, "objection-window", config)


@app.command()
def close(patient: Patient, config: options.ConfigFile = None) -> None:
    """Close a record, or object to its opening: nobody sees anything of it, and nothing more is taken in."""
    _turn(patient, "closed", config)


@app.command()
def reopen(patient: Patient, config: options.ConfigFile = None) -> None:
    """Open a closed record again; it is as it was."""
    from server import consent as work

    called = Called.on(patient, config)
    called.run(work.reopen(called.configuration, called.patient, called.operator))
    typer.echo(f"The record of {called.patient} is open.")


@app.command()
def pilot(patient: Patient, config: options.ConfigFile = None) -> None:
    """Let a patient take part in the domain's trial, which opens or announces his record."""
    from server import consent as work

    called = Called.on(patient, config)
    called.say(called.run(work.take_into_pilot(called.configuration, called.patient, called.operator)))


@app.command()
def grant(
    patient: Patient,
    person: Person = "",
    organization: Organization = "",
    read: Annotated[bool, typer.Option(help="May read.")] = False,
    deposit: Annotated[bool, typer.Option(help="May deposit.")] = False,
    level: Annotated[str, typer.Option(help="normal or restricted.")] = "normal",
    origin: Annotated[
        str, typer.Option(help="referring-doctor, presence, admission, referral or portal.")
    ] = "portal",
    start: Annotated[
        datetime | None, typer.Option("--from", help="When it begins, in UTC; otherwise at once.")
    ] = None,
    days: Annotated[
        int, typer.Option(min=-1, help="For how many days; 0: without end; -1: as the rules say.")
    ] = -1,
    profession: Annotated[
        str, typer.Option(help="CODE|SCHEME, on which the duration may depend; else the directory's.")
    ] = "",
    config: options.ConfigFile = None,
) -> None:
    """Give a professional or an institution access: a care relationship, with an origin and an end.

    \b
    Example:
      coffre consent grant 1980010112345 --person "2.999.352.4|D1" --read --deposit --level restricted
    """
    from functools import partial

    from consent_broker.model import Level, Origin, Right
    from consent_broker.operations import care_relationship
    from server import consent as work

    relationship = partial(
        care_relationship,
        party(person, organization),
        frozenset(right for right, given in ((Right.READ, read), (Right.DEPOSIT, deposit)) if given),
        one_of(Level.__members__, level, "level"),
        one_of(Origin.__members__, origin, "origin"),
        start=start.replace(tzinfo=UTC) if start else None,
        days=None if days < 0 else days,
        profession=pair(profession),
    )
    if not read and not deposit:
        raise Trouble(ExitCode.USAGE, "A grant gives a right.", "Add --read, --deposit or both.")
    called = Called.on(patient, config)
    called.say(called.run(work.grant(called.configuration, called.patient, relationship, called.operator)))


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
    """Oppose all access of a professional or an institution; it goes before every grant."""
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
    """Hide a document from everybody but the patient and who stands in his place."""
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
def level(
    patient: Patient,
    level: Annotated[
        str, typer.Argument(metavar="LEVEL", help="normal, restricted, secret, or own: as it says itself.")
    ],
    document: Annotated[
        str, typer.Option(help="Of this document, by its logicalID; otherwise the least of new documents.")
    ] = "",
    config: options.ConfigFile = None,
) -> None:
    """Say how confidential a document is, or how confidential new documents must at least be.

    \b
    Example:
      coffre consent level 1980010112345 restricted
    """
    from consent_broker.model import Level
    from consent_broker.store import Directive, Kind

    kind = Kind.LEVEL if document else Kind.MINIMUM
    called = Called.on(patient, config)
    if level == "own":
        called.take_back(Directive(kind, document=document.lower()))
        return
    chosen = one_of(Level.__members__, level, "level")
    called.give(Directive(kind, document=document.lower(), level=chosen))


@app.command()
def helper(
    patient: Patient,
    person: Person,
    manage: Annotated[bool, typer.Option(help="May also deposit and change.")] = False,
    days: Days = 0,
    remove: Annotated[bool, typer.Option(help="Take the role back.")] = False,
    config: options.ConfigFile = None,
) -> None:
    """Name a person of the patient's choice who reads his record, or also acts, in his stead."""
    from consent_broker.store import Directive, Kind

    directive = Directive(Kind.HELPER, party(person, ""), manages=manage, period=from_today(days))
    _put_or_remove(patient, directive, config, remove=remove)


@app.command()
def represent(
    patient: Patient,
    person: Person,
    basis: Annotated[str, typer.Option(help="Why by law: minor or guardianship.")] = "minor",
    manage: Annotated[bool, typer.Option(help="May also deposit and change.")] = False,
    days: Days = 0,
    remove: Annotated[bool, typer.Option(help="Take the role back.")] = False,
    config: options.ConfigFile = None,
) -> None:
    """Name a legal representative; of a minor whose birth date is known, as far as the rules' ages go."""
    from consent_broker.model import Basis
    from consent_broker.store import Directive, Kind

    directive = Directive(
        Kind.REPRESENTATIVE,
        party(person, ""),
        manages=manage,
        period=from_today(days),
        basis=one_of(Basis.__members__, basis, "basis"),
    )
    _put_or_remove(patient, directive, config, remove=remove)


@app.command("born")
def born_(
    patient: Patient,
    day: Annotated[datetime, typer.Argument(metavar="DAY", formats=["%Y-%m-%d"], help="YYYY-MM-DD.")],
    config: options.ConfigFile = None,
) -> None:
    """Note a minor's birth date, from which follows when he reads, decides, and is of age."""
    from consent_broker.store import Directive, Kind

    Called.on(patient, config).give(Directive(Kind.BORN, period=born(day.date())))


@app.command()
def emergency(
    patient: Patient,
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="normal, restricted, or none.")],
    config: options.ConfigFile = None,
) -> None:
    """Say up to what level an emergency opens the record, or that it opens nothing."""
    from consent_broker.model import Level
    from consent_broker.store import Directive, Kind

    chosen = None if level == "none" else one_of(Level.__members__, level, "level")
    Called.on(patient, config).give(Directive(Kind.EMERGENCY, level=chosen))


@app.command()
def show(patient: Patient, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Show what holds for a record now, and everything that ever changed."""
    from server import consent as work

    called = Called.on(patient, config)
    held, changes = called.run(work.show(called.configuration, called.patient, called.operator))
    status = held.status_at(datetime.now(UTC))
    if as_json:
        lines = [
            {"at": each.at.isoformat(), "by": each.by, "what": each.what, "before": each.before}
            for each in changes
        ]
        write_json({"patientId": called.patient, "status": status, "history": lines})
        return
    typer.echo(f"The record of {called.patient} is {status}.")
    for each in changes:
        typer.echo(f"{each.at:%Y-%m-%d %H:%M:%S}Z  {each}  (by {each.by})")


@app.command()
def notifications(
    patient: Annotated[
        str, typer.Argument(metavar="[PATIENT]", help="Of this patient; otherwise all not yet told.")
    ] = "",
    told: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="Note that the patient was told of this one.")
    ] = 0,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Show what patients are to be told: who got into their records by an emergency, and why."""
    from server import consent as work
    from server.commands.configured import configuration_of

    if told:
        one = run(work.told(configuration_of(config), told))
        if one is None:
            raise Trouble(ExitCode.USAGE, f"Nothing is to be told by the number {told}.", "See the list.")
        found: tuple[Notification, ...] = (one,)
    elif patient:
        called = Called.on(patient, config)
        found = called.run(work.notifications(called.configuration, called.patient, called.operator))
    else:
        found = run(work.untold(configuration_of(config)))
    if as_json:
        write_json([asdict(one) for one in found])
        return
    for one in found:
        when = f"told {one.told:%Y-%m-%d %H:%M:%S}Z" if one.told else "not yet told"
        who = ", ".join(filter(None, (one.name, one.role, one.organization)))
        typer.echo(f"{one.number}  {one.made:%Y-%m-%d %H:%M:%S}Z  {one.patient}: {one.kind} by {who}")
        typer.echo(f"    {one.purpose}, {one.reason or 'no reason given'}; {when}")


@app.command()
def explain(
    patient: Patient,
    person: Person = "",
    organization: Organization = "",
    profession: Annotated[str, typer.Option(help="CODE|SCHEME; otherwise what the directory says.")] = "",
    specialty: Annotated[str, typer.Option(help="The specialty: CODE|SCHEME.")] = "",
    purpose: Annotated[str, typer.Option(help="The purpose of use: CODE|SCHEME.")] = "",
    emergency: Annotated[bool, typer.Option(help="As in an emergency.")] = False,
    verb: Annotated[str, typer.Option(help="find, read, deposit or manage.")] = "find",
    at: Annotated[datetime | None, typer.Option(help="When; otherwise now. In UTC.")] = None,
    language: Annotated[str, typer.Option(help="fr, de, en or lb.")] = "en",
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Say what somebody could do with a record, now, on a day or in an emergency, why, and what he would see.

    \b
    Example:
      coffre consent explain 1980010112345 --person "2.999.352.4|D1" \\
          --profession "2211|2.16.840.1.113883.2.9.6.2.7" --language fr
    """
    from consent_broker.model import Asker
    from consent_broker.texts import Language, Why, told
    from exchange.verbs import Verb
    from server import consent as work
    from server.shown import shown_in_words

    spoken = one_of({each.upper(): each for each in Language}, language, "language")
    asker = Asker(
        person=person,
        organization=organization,
        profession=pair(profession),
        specialty=pair(specialty),
        purpose=pair(purpose),
    )
    chosen = one_of(Verb.__members__, verb, "verb")
    moment = at.replace(tzinfo=UTC) if at else datetime.now(UTC)
    called = Called.on(patient, config)
    verdict, shown = called.run(
        work.explain(
            called.configuration,
            called.patient,
            asker,
            chosen,
            moment,
            called.operator,
            emergency=emergency,
        )
    )
    reasons = [reason.told(spoken) for reason in verdict.reasons]
    if as_json:
        documents = [one.logical_id for one in shown.documents] if shown else []
        write_json({"permit": verdict.permit, "reasons": reasons, "documents": documents})
        return
    typer.echo(told(Why.PERMITTED if verdict.permit else Why.REFUSED, spoken))
    for reason in reasons:
        typer.echo(f"- {reason}")
    if shown:
        typer.echo(shown_in_words(shown, spoken))
        for document in shown.documents:
            typer.echo(f"- {document.logical_id}")


def _turn(patient: str, status: str, config: Path | None) -> None:
    from consent_broker.model import RecordStatus
    from server import consent as work

    called = Called.on(patient, config)
    (change,) = called.run(
        work.turn(called.configuration, called.patient, RecordStatus(status), called.operator)
    )
    typer.echo(f"{change.what.replace('the record', f'The record of {called.patient}', 1)}.")


def _give(
    patient: str, kind: str, person: str, organization: str, document: str, config: Path | None
) -> None:
    about = _about(kind, person, organization, document)
    Called.on(patient, config).give(about)


def _take_back(
    patient: str, kind: str, person: str, organization: str, document: str, config: Path | None
) -> None:
    about = _about(kind, person, organization, document)
    Called.on(patient, config).take_back(about)


def _put_or_remove(patient: str, directive: Any, config: Path | None, *, remove: bool) -> None:
    called = Called.on(patient, config)
    if remove:
        called.take_back(directive)
    else:
        called.give(directive)


def _about(kind: str, person: str, organization: str, document: str) -> Any:
    from consent_broker.store import Directive, Kind

    about = None if kind == "hidden" else party(person, organization)
    return Directive(Kind(kind), about, document.lower())
