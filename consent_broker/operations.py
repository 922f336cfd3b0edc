"""What is decided about a record, by whoever may: each change within the domain's rules, and told."""

from datetime import datetime, timedelta

from consent_broker import store
from consent_broker.directory import Directory
from consent_broker.model import (
    Directives,
    Level,
    Origin,
    Pair,
    Party,
    PartyKind,
    Period,
    RecordStatus,
    Right,
)
from consent_broker.rules import Rules
from consent_broker.store import Change, Directive, Kind
from database import Database


class NotPossible(Exception):
    """What was asked for goes against the record's state or the domain's rules; the text says why."""


async def open_record(patient: str, rules: Rules, database: Database, at: datetime, by: str) -> Change:
    """Open a record, at the patient's explicit word; one that was closed is as it was."""
    await _refuse_outside_of_pilot(patient, rules, database, at)
    return await store.set_status(patient, RecordStatus.OPEN, at, by, database, receipt=_receipt(rules))


async def reopen_record(patient: str, rules: Rules, database: Database, at: datetime, by: str) -> Change:
    """Open a record again that was closed."""
    if (await _held(patient, rules, database, at)).status is not RecordStatus.CLOSED:
        raise NotPossible("the record is not closed")
    return await open_record(patient, rules, database, at, by)


async def close_record(patient: str, rules: Rules, database: Database, at: datetime, by: str) -> Change:
    """Close a record, or object to its opening."""
    return await store.set_status(patient, RecordStatus.CLOSED, at, by, database, receipt=_receipt(rules))


async def announce_record(patient: str, rules: Rules, database: Database, at: datetime, by: str) -> Change:
    """Begin the time in which a patient may object; when it ends the record opens by itself."""
    if not rules.objection_days:
        raise NotPossible("the rules of this domain know no objection window")
    await _refuse_outside_of_pilot(patient, rules, database, at)
    if (status := (await _held(patient, rules, database, at)).status) is not RecordStatus.NOT_OPENED:
        raise NotPossible(f"the record is {status} already")
    opens = at + timedelta(days=rules.objection_days)
    return await store.set_status(
        patient, RecordStatus.OBJECTION_WINDOW, at, by, database, opens, receipt=_receipt(rules)
    )


async def announce_new(
    patient: str, rules: Rules, database: Database, at: datetime, by: str
) -> Change | None:
    """Announce the record of a patient who has come to be known, where records open by themselves."""
    if not rules.objection_days or rules.pilot:
        return None
    if (await _held(patient, rules, database, at)).status is not RecordStatus.NOT_OPENED:
        return None
    return await announce_record(patient, rules, database, at, by)


async def give(
    patient: str, directive: Directive, rules: Rules, database: Database, at: datetime, by: str
) -> tuple[Change, ...]:
    """Let a directive hold in place of one about the same; a referring doctor opens a pilot's record."""
    if directive.kind is Kind.GRANT and directive.level is Level.SECRET:
        raise NotPossible("what is secret is the patient's alone: no grant reaches it")
    if directive.kind is Kind.EMERGENCY and (directive.level or 0) > rules.emergency.highest:
        highest = rules.emergency.highest.name.lower()
        raise NotPossible(f"by the rules of this domain an emergency opens at most what is {highest}")
    changes = [await store.add(patient, directive, at, by, database, receipt=_receipt(rules))]
    if rules.pilot and directive.origin is Origin.REFERRING_DOCTOR:
        changes += await take_into_pilot(patient, rules, database, at, by)
    return tuple(changes)


async def take_back(
    patient: str, directive: Directive, rules: Rules, database: Database, at: datetime, by: str
) -> Change | None:
    """End what holds about the same party and document, if anything does."""
    return await store.end(patient, directive, at, by, database, receipt=_receipt(rules))


async def take_into_pilot(
    patient: str, rules: Rules, database: Database, at: datetime, by: str
) -> tuple[Change, ...]:
    """Let a patient take part in a trial; his record opens, or is announced where he may first object."""
    if not rules.pilot:
        raise NotPossible("the rules of this domain know no pilot")
    held = await _held(patient, rules, database, at)
    changes = []
    if not held.pilot:
        pilot = Directive(Kind.PILOT)
        changes.append(await store.add(patient, pilot, at, by, database, receipt=_receipt(rules)))
    if held.status is RecordStatus.NOT_OPENED:
        begin = announce_record if rules.objection_days else open_record
        changes.append(await begin(patient, rules, database, at, by))
    return tuple(changes)


async def care_relationship(
    party: Party,
    rights: frozenset[Right],
    level: Level,
    origin: Origin,
    rules: Rules,
    database: Database,
    at: datetime,
    *,
    start: datetime | None = None,
    days: int | None = None,
    profession: Pair = ("", ""),
) -> Directive:
    """A grant that lasts as long as it says, or as the rules say for its origin and this profession.

    It begins at once, or at its `start`, from which its days are counted. A person's profession is the
    directory's, where it is not said.
    """
    if not rights:
        raise NotPossible("a grant gives a right: to read, to deposit, or both")
    if days is None:
        if party.kind is PartyKind.PERSON and profession == ("", ""):
            licences = await Directory(database).licences(party.id, at)
            profession = licences[0].profession if licences else profession
        days = rules.days_of(origin, profession)
    return Directive(
        Kind.GRANT, party, rights=rights, level=level, origin=origin, period=lasting(days, start or at)
    )


def lasting(days: int, at: datetime) -> Period:
    """From then on for so many days; 0 is without end."""
    return Period(at, at + timedelta(days=days) if days else None)


def _receipt(rules: Rules) -> bool:
    """Whether a change owes a document in the patient's record."""
    return rules.receipt is not None


async def _refuse_outside_of_pilot(patient: str, rules: Rules, database: Database, at: datetime) -> None:
    if rules.pilot and not (await _held(patient, rules, database, at)).pilot:
        raise NotPossible("this domain is a pilot, in which the patient does not take part")


async def _held(patient: str, rules: Rules, database: Database, at: datetime) -> Directives:
    return (await store.directives_of((patient,), rules.unopened, database, at))[patient]
