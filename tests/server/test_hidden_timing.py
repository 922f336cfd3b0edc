"""No step of an answer tells a hidden document from one that was never there (docs/consent.md).

Clocks are noisy: `make bench-hidden` compares times. Here it is the statements that must be the same.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consent_broker import store
from consent_broker.broker import ConsentBroker
from consent_broker.model import Level, Origin, Party, PartyKind, RecordStatus, Right
from consent_broker.store import Directive, Kind
from database import Database, Statement, Transaction, open_database
from database.port import BATCH_ROWS, NO_PARAMETERS, Call, Parameters, Reading, Row
from ebxml.model import StoredQueryCriteria
from exchange.ports import Touched
from exchange.standing import standing_on
from exchange.subject import PersonId, Role, Subject, User
from exchange.verbs import Verb
from ihe.stored_queries import GET_DOCUMENTS
from registry.iti18_registry_stored_query import registry_stored_query
from registry.iti42_register_document_set import register_document_set
from registry.owners import owners_of_query
from registry.patients import add_patient
from registry.store import RegistryStore
from server.composition import new_uuid, now
from server.rules import read_rule_pack
from tests.messages.registry_objects import OTHER_PATIENT, PATIENT, document_entry, submission
from tests.services.ruled import RULES

pytestmark = pytest.mark.anyio

DR_A = Subject(
    "10.0.0.5",
    User(
        name="Dr A",
        id=PersonId("2.999.4", "A"),
        name_id="A",
        issuer="https://idp.example",
        assertion_id="_1",
        role=Role("DOCTOR", "2.999.7"),
    ),
)


@dataclass
class Watched(Database):
    """A database, and every statement that it was asked to run, with the names of its parameters."""

    of: Database
    seen: list[tuple[Statement, frozenset[str]]] = field(default_factory=list)

    def note(self, statement: Statement, parameters: object) -> None:
        self.seen.append((statement, frozenset(parameters if isinstance(parameters, dict) else ())))

    def __post_init__(self) -> None:
        self.dialect, self.limits = self.of.dialect, self.of.limits

    async def fetch(self, statement: Statement, parameters: Parameters = NO_PARAMETERS) -> list[Row]:
        self.note(statement, parameters)
        return await self.of.fetch(statement, parameters)

    async def fetch_each(self, *calls: Call) -> list[list[Row]]:
        for statement, parameters in calls:
            self.note(statement, parameters)
        return await self.of.fetch_each(*calls)

    def batches(
        self, statement: Statement, parameters: Parameters = NO_PARAMETERS, size: int = BATCH_ROWS
    ) -> AsyncGenerator[list[Row]]:
        self.note(statement, parameters)
        return self.of.batches(statement, parameters, size)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        async with self.of.reading() as reading:
            yield WatchedReading(self, reading)

    def transaction(self, along: Sequence[Call] = ()) -> AbstractAsyncContextManager[Transaction]:
        return self.of.transaction(along)

    async def close(self) -> None:
        await self.of.close()


@dataclass
class WatchedReading:
    database: Watched
    of: Reading

    async def fetch(self, statement: Statement, parameters: Parameters = NO_PARAMETERS) -> list[Row]:
        self.database.note(statement, parameters)
        return await self.of.fetch(statement, parameters)

    async def fetch_each(self, *calls: Call) -> list[list[Row]]:
        for statement, parameters in calls:
            self.database.note(statement, parameters)
        return await self.of.fetch_each(*calls)


@pytest.mark.parametrize("leaf_class", [True, False], ids=["LeafClass", "ObjectRef"])
async def test_the_same_statements_are_run_for_what_is_hidden_and_what_is_absent(
    migrated_database_url, tmp_path: Path, leaf_class
):
    """GetDocuments by id of a hidden document, of one in a closed record, and of none (3.18.4.1.2.3.7.5)."""
    watched = Watched(await open_database(migrated_database_url))
    registry = RegistryStore(watched)
    (tmp_path / "rules.toml").write_text(RULES)
    broker = ConsentBroker.of(watched, read_rule_pack(str(tmp_path / "rules.toml")))
    at = datetime.now(UTC)
    unique_ids = {"absent": "2.999.404"}
    for name, patient in (("hidden", PATIENT), ("in a closed record", OTHER_PATIENT)):
        await add_patient(patient, registry, now)
        entry = document_entry(patient_id=patient)
        unique_ids[name] = str(entry.unique_id)
        await register_document_set(submission(entry, patient_id=patient), registry, now, new_uuid)
        who = Party(PartyKind.PERSON, "2.999.4|A")
        given = Directive(Kind.GRANT, who, rights=frozenset(Right), level=Level.SECRET, origin=Origin.PORTAL)
        await store.set_status(patient, RecordStatus.OPEN, at, "portal", watched)
        await store.add(patient, given, at, "portal", watched)
        await store.add(patient, Directive(Kind.EXCLUSION, who), at, "portal", watched)
    await store.set_status(OTHER_PATIENT, RecordStatus.CLOSED, at, "portal", watched)

    async def statements_for(unique_id: str) -> list[tuple[Statement, frozenset[str]]]:
        criteria = StoredQueryCriteria(
            query=GET_DOCUMENTS,
            leaf_class=leaf_class,
            values={"$XDSDocumentEntryUniqueId": ((unique_id,),)},
        )

        async def whose() -> Touched:
            return Touched(owners=frozenset(await owners_of_query(criteria, registry)))

        watched.seen.clear()
        decision = await broker.decide(DR_A, Verb.FIND, whose, at)
        with standing_on(decision.standing):
            answer = await registry_stored_query(criteria, registry, view=decision.view)
        assert list(answer.objects) == []
        assert decision.standing
        assert await decision.standing.holds(at)
        return list(watched.seen)

    run = {name: await statements_for(unique_id) for name, unique_id in unique_ids.items()}
    assert run["hidden"] == run["absent"] == run["in a closed record"]
    assert len(run["absent"]) >= 3
    await watched.close()
