"""What an operator does at a patient's word, beside the running servers; in force at their next request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from audit_message.model import AuditMessage
from consent_broker import store
from consent_broker.decide import Verdict, decide
from consent_broker.model import Asker, Directives, RecordStatus
from consent_broker.rules import Rules
from consent_broker.store import Change, Directive, described
from database import Database
from exchange.operator_audit import consent_touched
from exchange.verbs import Verb
from server.operating import Done, recorded_work
from server.rules import read_rule_pack
from server.settings import Configuration


class NoRules(Exception):
    """The domain declares no rules: what a patient decided would change nothing."""


async def set_status(configuration: Configuration, patient: str, status: RecordStatus, operator: str) -> None:
    """Open or close a record."""
    async with _database(configuration, patient, f"the record is {status}", operator) as database:
        await store.set_status(patient, status, _now(), operator, database)


async def give(configuration: Configuration, patient: str, directive: Directive, operator: str) -> None:
    """Let a directive hold in place of one about the same party and document."""
    async with _database(configuration, patient, described(directive), operator) as database:
        await store.add(patient, directive, _now(), operator, database)


async def take_back(configuration: Configuration, patient: str, directive: Directive, operator: str) -> int:
    """End what holds about the same party and document; how many directives that were."""
    change = f"no longer: {described(directive)}"
    async with _database(configuration, patient, change, operator) as database:
        return await store.end(patient, directive, _now(), operator, database)


async def show(
    configuration: Configuration, patient: str, operator: str
) -> tuple[Directives, tuple[Change, ...]]:
    """What holds now, and everything that ever changed."""
    rules = rules_of(configuration)
    async with _database(configuration, patient, "", operator) as database:
        held = await store.directives_of((patient,), rules.unopened, database)
        return held[patient], await store.history(patient, database)


async def explain(
    configuration: Configuration, patient: str, asker: Asker, verb: Verb, at: datetime, operator: str
) -> Verdict:
    """What somebody could do with the record at a moment, by what holds now, and why."""
    rules = rules_of(configuration)
    async with _database(configuration, patient, "", operator) as database:
        held = await store.directives_of((patient,), rules.unopened, database)
        return decide(asker, verb, patient, held[patient], rules, at)


def rules_of(configuration: Configuration) -> Rules:
    """The rules of the domain, or NoRules."""
    if not configuration.domain.rules:
        raise NoRules
    return read_rule_pack(configuration.domain.rules)


@asynccontextmanager
async def _database(
    configuration: Configuration, patient: str, change: str, operator: str
) -> AsyncIterator[Database]:
    """The database, and a record of what became of it."""
    rules_of(configuration)

    def record(done: Done) -> AuditMessage:
        return consent_touched(
            done.at, patient, change, operator, done.process_id, done.audit_source_id, done.trouble
        )

    async with recorded_work(configuration, record) as database:
        yield database


def _now() -> datetime:
    return datetime.now(UTC)
