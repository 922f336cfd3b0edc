"""What the commands about consent share: whose record, who speaks, and how their words are read."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from server.commands.outcome import ExitCode, Trouble

Result = TypeVar("Result")

Patient = Annotated[str, typer.Argument(metavar="PATIENT", help="The id alone, or all of it: ID^^^&OID&ISO.")]
Person = Annotated[str, typer.Option(help="A person: OID|ID, as identity providers name him.")]
Organization = Annotated[str, typer.Option(help="An institution, as assertions name it: urn:oid:1.2.3.")]
Document = Annotated[str, typer.Argument(metavar="DOCUMENT", help="The logicalID: urn:uuid:...")]
LevelName = Annotated[str, typer.Option(help="normal, restricted or secret.")]
Days = Annotated[int, typer.Option(min=0, help="For how many days; 0: until it is taken back.")]


@dataclass(frozen=True, slots=True)
class Called:
    """Whose record is spoken of, and who speaks."""

    configuration: Any
    patient: str
    operator: str

    @classmethod
    def on(cls, patient: str, config: Path | None) -> "Called":
        """A command about this patient."""
        from client import patient_id_of
        from server.commands.configured import configuration_of
        from server.commands.peers import authority_of

        configuration = configuration_of(config)
        return cls(configuration, str(patient_id_of(patient, authority_of(configuration))), getuser())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do the work; what cannot be done is said in a sentence."""
        return run(work)

    def give(self, directive: Any) -> None:
        """Let a directive hold."""
        from server import consent as work

        self.say(self.run(work.give(self.configuration, self.patient, directive, self.operator)))

    def take_back(self, directive: Any) -> None:
        """End what holds about the same."""
        from server import consent as work

        if not self.run(work.take_back(self.configuration, self.patient, directive, self.operator)):
            raise Trouble(ExitCode.USAGE, "Nothing of the kind holds.", "See coffre consent show.")
        typer.echo(f"For {self.patient} it holds no longer.")

    def say(self, changes: Any) -> None:
        """Tell what holds now."""
        for change in changes:
            typer.echo(f"For {self.patient} holds from now on: {change.what}.")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work of such a command; what cannot be done is said in a sentence."""
    from consent_broker.operations import NotPossible
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
    except NotPossible as problem:
        raise Trouble(
            ExitCode.REFUSED, f"Not possible: {problem}.", "See coffre consent show, and docs/consent.md."
        ) from None


def party(person: str, organization: str) -> Any:
    """Whom a directive speaks of."""
    from consent_broker.model import Party, PartyKind

    if bool(person) == bool(organization):
        raise Trouble(ExitCode.USAGE, "Whom?", "Add either --person or --organization.")
    return Party(PartyKind.PERSON, person) if person else Party(PartyKind.ORGANIZATION, organization)


def from_today(days: int) -> Any:
    """From now on for so many days; 0 is without end."""
    from consent_broker.operations import lasting

    return lasting(days, datetime.now(UTC))


def between(start: datetime | None, last: datetime | None) -> Any:
    """From one day to the end of another, in UTC."""
    from datetime import timedelta

    from consent_broker.model import Period

    end = last.replace(tzinfo=UTC) + timedelta(days=1) if last else None
    return Period(start.replace(tzinfo=UTC) if start else None, end)


def born(day: date) -> Any:
    """A birth date, as directives hold it."""
    from consent_broker.model import Period

    return Period(datetime(day.year, day.month, day.day, tzinfo=UTC))


def pair(text: str) -> tuple[str, str]:
    """A code and its scheme, from CODE|SCHEME."""
    code, _, scheme = text.partition("|")
    return code, scheme


def one_of(members: Mapping[str, Result], name: str, what: str) -> Result:
    """The member of this name, or the names that there are."""
    key = name.upper().replace("-", "_")
    if key not in members:
        known = ", ".join(each.lower().replace("_", "-") for each in members)
        raise Trouble(ExitCode.USAGE, f"'{name}' is no {what}.", f"Expected one of {known}.")
    return members[key]
