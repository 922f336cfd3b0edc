"""Directives and registered consent documents say the same at any time (docs/decisions/0020)."""

import asyncio
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import select

from consent_broker import store
from consent_broker.broker import ConsentBroker
from consent_broker.model import RecordStatus
from database import Database, Statement, open_database
from ebxml.model import DocumentEntry, RemoveObjectsRequest, Submission
from ebxml.refused import Refused
from exchange.consent_documents import Signatory, policies_of
from hl7v2.datatypes import DTM
from registry import tables as t
from registry.iti42_register_document_set import register_document_set
from registry.iti57_update_document_set import update_document_set
from registry.iti62_remove_metadata import remove_metadata
from registry.patients import add_patient
from registry.store import RegistryStore
from registry.stored_objects import read_stored
from server.composition import new_uuid
from server.consent_documents import ConsentDocuments
from tests.consent_broker.test_consent_documents import LAX, NOT_A, OPEN, RULES, STRICT
from tests.messages.registry_objects import (
    APPROVED,
    DEPRECATED,
    HAS_MEMBER,
    PATIENT,
    RPLC,
    association,
    code,
    document_entry,
    submission_set,
)
from tests.messages.surroundings import KeptTrail, surroundings
from tests.messages.updates import status_change, update

NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)
MAY = frozenset({OPEN, LAX, NOT_A})
"""All that the signatory may; what he must not is among the documents, too."""

_his = some.frozensets(some.sampled_from(sorted(MAY)), min_size=1)
_policies = _his | _his | _his | some.frozensets(some.sampled_from([OPEN, STRICT]), max_size=2)
_number = some.integers(0, 4)
_submitting = some.tuples(some.just("submit"), _policies, some.none() | _number)
_steps = some.lists(
    _submitting
    | _submitting
    | some.tuples(some.just("other"), some.none() | _number)
    | some.tuples(some.sampled_from(["deprecate", "approve", "remove"]), _number),
    min_size=3,
    max_size=12,
)


@settings(max_examples=25)
@given(_steps)
def test_what_holds_is_what_approved_documents_say(migrated_sqlite_file, steps):
    """After each registration, replacement, change of status and removal, made or refused."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "coffre.sqlite"
        shutil.copyfile(migrated_sqlite_file, file)
        asyncio.run(_after_each(f"sqlite:///{file}", steps))


async def _after_each(url: str, steps) -> None:
    database = await open_database(url)
    try:
        registry = _Registry(database)
        await add_patient(PATIENT, store=registry.store, clock=registry.clock)
        for kind, *words in steps:
            with suppress(Refused):
                await getattr(registry, kind)(*words)
            assert await _acknowledged(database) == await _approved(database)
    finally:
        await database.close()


class _Registry:
    """A registry of a domain with policies, and what was sent to it so far."""

    def __init__(self, database: Database) -> None:
        self.store = RegistryStore(database)
        self.consents = ConsentDocuments.of(surroundings(KeptTrail(), ConsentBroker.of(database, RULES)))
        self.signatory = Signatory("anne", {str(PATIENT): MAY})
        self.sent: list[Submission] = []
        self.now = NOW

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    async def submit(self, policies, replaces: int | None) -> None:
        await self._register(
            replaces,
            format_code=code("urn:ihe:iti:bppc:2007", "1.3.6.1.4.1.19376.1.2.3"),
            event_code_list=tuple(code(*policy) for policy in sorted(policies)),
            service_start_time=DTM("2020"),
        )

    async def other(self, replaces: int | None) -> None:
        await self._register(replaces)

    async def _register(self, replaces: int | None, **said) -> None:
        entry = document_entry(new_uuid(), **said)
        package = submission_set(new_uuid())
        member = association(
            HAS_MEMBER,
            package.entry_uuid,
            entry.entry_uuid,
            entry_uuid=new_uuid(),
            submission_set_status="Original",
        )
        links = [member]
        if replaces is not None and replaces < len(self.sent):
            links.append(association(RPLC, entry.entry_uuid, self._entry(replaces)))
        sent = Submission(submission_sets=(package,), document_entries=(entry,), associations=tuple(links))
        await register_document_set(
            sent, self.store, self.clock, new_uuid, signatory=self.signatory, consents=self.consents
        )
        self.sent.append(sent)

    def _entry(self, number: int) -> str:
        return self.sent[number].document_entries[0].entry_uuid

    async def deprecate(self, number: int) -> None:
        await self._turn(number, APPROVED, DEPRECATED)

    async def approve(self, number: int) -> None:
        await self._turn(number, DEPRECATED, APPROVED)

    async def _turn(self, number: int, old: str, new: str) -> None:
        if number < len(self.sent):
            change = update(associations=(status_change(self._entry(number), old, new),))
            await update_document_set(
                change, self.store, self.clock, new_uuid, signatory=self.signatory, consents=self.consents
            )

    async def remove(self, number: int) -> None:
        if number < len(self.sent):
            one = self.sent[number]
            uuids = [each.entry_uuid for each in one.associations]
            package = one.submission_set.entry_uuid
            request = RemoveObjectsRequest((package, self._entry(number), *uuids))
            await remove_metadata(request, self.store, signatory=self.signatory, consents=self.consents)


_APPROVED = Statement(
    select(t.document_entry.c.fragment, t.document_entry.c.large_fragment).where(
        t.document_entry.c.status == t.APPROVED
    )
)


async def _approved(database: Database) -> set[tuple[str, str]]:
    """The uniqueId of each Approved consent document with each of its policies."""
    found = [read_stored(fragment or large) for fragment, large in await database.fetch(_APPROVED)]
    entries = [one for one in found if isinstance(one, DocumentEntry)]
    return {(str(one.unique_id), policy) for one in entries for policy, _ in policies_of((one,))}


async def _acknowledged(database: Database) -> set[tuple[str, str]]:
    held = await store.directives_of((str(PATIENT),), RecordStatus.NOT_OPENED, database, NOW)
    return {(one.document, one.policy) for one in held[str(PATIENT)].acknowledged}
