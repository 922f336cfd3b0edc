"""What an operator does at a patient's word, beside the running servers; in force at their next request."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from audit_message.model import AuditMessage
from consent_broker import operations, store
from consent_broker.decide import Verdict
from consent_broker.explain import explained
from consent_broker.history import history
from consent_broker.model import Asker, Directives, RecordStatus
from consent_broker.notifications import Notification, Notifications
from consent_broker.rules import Rules
from consent_broker.store import Change, Directive, Kind, described
from database import Database
from exchange.operator_audit import consent_touched
from exchange.verbs import Verb
from registry.shown import Shown
from server.operating import Done, opened, recorded_work
from server.rules import read_rule_pack
from server.settings import Configuration
from server.shown import shown_by


class NoRules(Exception):
    """The domain declares no rules: what a patient decided would change nothing."""


async def turn(
    configuration: Configuration, patient: str, status: RecordStatus, operator: str
) -> tuple[Change, ...]:
    """Open a record, close it, or announce that it will open."""
    async with _changing(configuration, patient, f"the record is {status}", operator) as change:
        match status:
            case RecordStatus.OPEN:
                made = await operations.open_record(patient, *change.by_rules)
            case RecordStatus.OBJECTION_WINDOW:
                made = await operations.announce_record(patient, *change.by_rules)
            case _:
                made = await operations.close_record(patient, *change.by_rules)
        return change.told(made)


async def reopen(configuration: Configuration, patient: str, operator: str) -> tuple[Change, ...]:
    """Open a record again that was closed."""
    async with _changing(configuration, patient, "the record is open", operator) as change:
        return change.told(await operations.reopen_record(patient, *change.by_rules))


async def take_into_pilot(configuration: Configuration, patient: str, operator: str) -> tuple[Change, ...]:
    """Let a patient take part in a trial."""
    async with _changing(configuration, patient, described(Directive(Kind.PILOT)), operator) as change:
        return change.told(*await operations.take_into_pilot(patient, *change.by_rules))


async def give(
    configuration: Configuration, patient: str, directive: Directive, operator: str
) -> tuple[Change, ...]:
    """Let a directive hold in place of one about the same party and document."""
    async with _changing(configuration, patient, described(directive), operator) as change:
        return change.told(*await operations.give(patient, directive, *change.by_rules))


async def grant(
    configuration: Configuration,
    patient: str,
    relationship: Callable[[Rules, Database, datetime], Awaitable[Directive]],
    operator: str,
) -> tuple[Change, ...]:
    """Let a care relationship hold, which lasts as long as it says or else as the rules say."""
    async with _changing(configuration, patient, "grant", operator) as change:
        directive = await relationship(change.rules, change.database, change.at)
        return change.told(*await operations.give(patient, directive, *change.by_rules))


async def take_back(
    configuration: Configuration, patient: str, directive: Directive, operator: str
) -> tuple[Change, ...]:
    """End what holds about the same party and document; nothing, if nothing does."""
    intended = f"no longer: {described(directive)}"
    async with _changing(configuration, patient, intended, operator) as change:
        made = await operations.take_back(patient, directive, *change.by_rules)
        return change.told(*((made,) if made else ()))


async def show(
    configuration: Configuration, patient: str, operator: str
) -> tuple[Directives, tuple[Change, ...]]:
    """What holds now, and everything that ever changed."""
    async with _looking(configuration, patient, operator) as (rules, database):
        held = await store.directives_of((patient,), rules.unopened, database, _now())
        return held[patient], await history(patient, database)


async def explain(
    configuration: Configuration,
    patient: str,
    asker: Asker,
    verb: Verb,
    at: datetime,
    operator: str,
    *,
    emergency: bool = False,
) -> tuple[Verdict, Shown | None]:
    """What somebody could do with the record at a moment, and why: by what held then, or holds now.

    And which of today's documents he would see, if that is what he asks for.
    """
    async with _looking(configuration, patient, operator) as (rules, database):
        verdict = await explained(patient, asker, verb, at, _now(), rules, database, emergency=emergency)
        return verdict, await shown_by(verdict, verb, patient, database)


async def notifications(
    configuration: Configuration, patient: str, operator: str
) -> tuple[Notification, ...]:
    """What this patient was, or is to be, told."""
    async with _looking(configuration, patient, operator) as (_, database):
        return await Notifications(database).of(patient)


async def untold(configuration: Configuration) -> tuple[Notification, ...]:
    """What has not been told yet, to whoever it is."""
    rules_of(configuration)
    async with opened(configuration) as database:
        return await Notifications(database).untold()


async def told(configuration: Configuration, number: int) -> Notification | None:
    """Note that a patient was told."""
    rules_of(configuration)
    async with opened(configuration) as database:
        return await Notifications(database).told(number, _now())


def rules_of(configuration: Configuration) -> Rules:
    """The rules of the domain, or NoRules."""
    if not configuration.domain.rules:
        raise NoRules
    return read_rule_pack(configuration.domain.rules)


@dataclass(slots=True)
class _Changing:
    """A change on its way: what it works with, and what becomes of it."""

    rules: Rules
    database: Database
    at: datetime
    by: str
    changes: tuple[Change, ...] = ()

    @property
    def by_rules(self) -> tuple[Rules, Database, datetime, str]:
        return self.rules, self.database, self.at, self.by

    def told(self, *changes: Change) -> tuple[Change, ...]:
        self.changes = changes
        return changes


@asynccontextmanager
async def _changing(
    configuration: Configuration, patient: str, intended: str, operator: str
) -> AsyncIterator[_Changing]:
    """What a change works with, and a record of what it changed; or of what it was to change."""
    rules = rules_of(configuration)
    changing: _Changing | None = None

    def record(done: Done) -> AuditMessage:
        made = "; ".join(map(str, changing.changes)) if changing else ""
        return consent_touched(
            done.at, patient, made or intended, operator, done.process_id, done.audit_source_id, done.trouble
        )

    async with recorded_work(configuration, record) as database:
        changing = _Changing(rules, database, _now(), operator)
        yield changing


@asynccontextmanager
async def _looking(
    configuration: Configuration, patient: str, operator: str
) -> AsyncIterator[tuple[Rules, Database]]:
    """The rules and the database, and a record that somebody looked."""
    rules = rules_of(configuration)

    def record(done: Done) -> AuditMessage:
        return consent_touched(
            done.at, patient, "", operator, done.process_id, done.audit_source_id, done.trouble
        )

    async with recorded_work(configuration, record) as database:
        yield rules, database


def _now() -> datetime:
    return datetime.now(UTC)
