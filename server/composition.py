"""Which actors run in this process, and how their ports are joined."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial, wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import literal_column, select

from atna_audit.pledges import PledgedRecords, series_with_pledges
from atna_audit.spool import Spool
from atna_audit.store import AuditStore
from audit_message.model import AuditMessage
from consent_broker.broker import ConsentBroker, OpenDomain
from consent_broker.inheritance import inherit
from consent_broker.one_time_use import UsedAssertions
from consent_broker.operations import announce_new
from consent_broker.receipts import Receipts
from consent_broker.software_register import SoftwareRegister
from consent_broker.store import Change
from database import (
    Database,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    OutcomeUnknown,
    Statement,
    open_database,
)
from ebxml.model import RemoveObjectsRequest, RetrieveRequest, StoredQueryCriteria
from ebxml.refused import Refused
from exchange import ports
from exchange.audit_trail import actor_started, actor_stopped
from exchange.call import Limits
from exchange.consent_documents import Signatory
from exchange.conversation import AnyConversation
from exchange.diary import Node
from exchange.lifecycle_conversations import (
    RegisterOnDemandDocumentEntry,
    RemoveMetadata,
    RestrictedUpdateDocumentSet,
    UpdateDocumentSet,
)
from exchange.operator_audit import consent_touched
from exchange.ports import Clock, Consent, RemovedObjects, RemoveResult, RetrieveResult
from exchange.registry_conversations import (
    MultiPatientStoredQuery,
    RegisterDocumentSet,
    RegistryStoredQuery,
)
from exchange.registry_link import RegistryLink
from exchange.repository_conversations import (
    ProvideAndRegisterDocumentSet,
    RemoveDocuments,
    RetrieveDocumentSet,
)
from exchange.resources import Operation
from exchange.serve import Actor, ActorName, Surroundings
from exchange.tally import Tally
from exchange.visibility import View
from hl7v2.datatypes import CX
from ihe.error_codes import REGISTRY_BUSY, REGISTRY_OUT_OF_RESOURCES
from registry.iti18_registry_stored_query import QueryLimits, StoredQueryResult, registry_stored_query
from registry.iti42_register_document_set import register_document_set
from registry.iti57_update_document_set import update_document_set
from registry.iti62_remove_metadata import remove_metadata
from registry.iti92_restricted_update_document_set import restricted_update_document_set
from registry.merge import merge_patients
from registry.owners import owners_of_objects, owners_of_query
from registry.patients import add_patient
from registry.store import RegistryStore
from registry.titles import titles_of_entries
from repository.iti41_provide_and_register_document_set import (
    errors_in_documents,
    provide_and_register_document_set,
)
from repository.iti43_retrieve_document_set import retrieve_document_set
from repository.iti86_remove_documents import remove_documents
from repository.on_demand import OnDemandDocuments
from repository.store import RepositoryStore
from server.audit_care import AuditCare, signing_key
from server.audit_delivery import OwnRepository
from server.audit_forwarding import forwarding
from server.audit_pledges import pledging
from server.audit_reception import receiving
from server.audit_tally import counting
from server.audit_trail import FailingOpen, SpooledAuditTrail
from server.configuration import affinity_domain
from server.consent_documents import ConsentDocuments
from server.document_storage import open_blobs
from server.identity_feeds import KnownPatients, mllp_feed, soap_feed
from server.leftovers import leftovers_settled
from server.migrations import migrate
from server.notices import notices_written
from server.on_demand import documents_on_demand
from server.receipts import Provide, ReceiptWriter, codes_of_receipts, receipts_written
from server.registry_transport import in_process, over_http
from server.repository_care import vault_of
from server.rest.audit import AuditOperations
from server.rest.audit_feed import AuditFeed
from server.rest.consent import ConsentOperations
from server.rules import read_rule_pack
from server.settings import Configuration
from server.tls.alerts import NodeAlerts
from server.users import speaking_for_itself, users_of

P = ParamSpec("P")
R = TypeVar("R")

_ONE = Statement(select(literal_column("1")))


def now() -> datetime:
    """The clock of a running platform."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Platform:
    """The running actors of one process and what readiness depends on."""

    actors: Mapping[str, Actor]
    around: Surroundings
    database: Database
    documents: RepositoryStore | None
    urls: Mapping[str, str]
    alerts: NodeAlerts
    audit: AuditCare | None = None
    operations: tuple[Operation, ...] = ()
    """What is offered as plain HTTP."""

    async def not_ready(self) -> str:
        """Why this process cannot do its work now; empty when it can."""
        try:
            await self.database.fetch(_ONE)
        except DatabaseError as problem:
            return f"the database does not answer: {type(problem).__name__}"
        return await self.documents.not_ready() if self.documents else ""


@asynccontextmanager
async def running_platform(
    configuration: Configuration, actors: tuple[str, ...], clock: Clock = now
) -> AsyncIterator[Platform]:
    """Open the stores, join the ports, and record the start and the end of each actor (ITI TF-2: 3.20.7)."""
    async with AsyncExitStack() as stack:
        await asyncio.to_thread(migrate, configuration.database.url)
        database = await open_database(configuration.database.url)
        stack.push_async_callback(database.close)
        records = await _audit_store(configuration, database) if "audit" in actors else None
        care: AuditCare | None = None
        ours = OwnRepository(records, clock, asyncio.get_running_loop()) if records else None
        if records:
            care = AuditCare(records, configuration.audit_repository, clock)
            await stack.enter_async_context(care.running())
        # Before the spool, so that the records of the end itself are in it when this ends.
        await stack.enter_async_context(
            forwarding(
                configuration.audit.spool,
                configuration.audit.repositories,
                partial(series_with_pledges, database),
                ours,
            )
        )
        tally = Tally()
        spool = Spool.open(configuration.audit.spool, under_way=lambda: tally.under_way)
        stack.push_async_callback(spool.close)
        if records and configuration.domain.rules:
            rules = read_rule_pack(configuration.domain.rules)
            await stack.enter_async_context(notices_written(database, rules, configuration.audit.spool))
        pledges = PledgedRecords(database, spool)
        await stack.enter_async_context(pledging(pledges))
        node = Node(str(os.getpid()), configuration.audit.source_id)
        trail = SpooledAuditTrail(spool)
        around = Surroundings(
            node=node,
            domain=affinity_domain(configuration),
            users=users_of(configuration, UsedAssertions(database, clock)),
            limits=Limits(**configuration.limits.model_dump()),
            clock=clock,
            new_uuid=new_uuid,
            consent=_consent(configuration, database),
            audit=FailingOpen(trail, tally, node, clock) if configuration.audit.fail_open else trail,
            tally=tally,
            pledges=pledges,
            attestations=SoftwareRegister(database) if configuration.attestation.required else None,
        )
        alerts = await stack.enter_async_context(NodeAlerts.kept(around.audit, around.clock, around.node))
        running: dict[str, Actor] = {}
        patients: KnownPatients | None = None
        if "registry" in actors:
            registry_store = RegistryStore(database)
            patients = _known_patients(registry_store, around)
            running["registry"] = _registry(registry_store, patients, around)
        store: RepositoryStore | None = None
        if "repository" in actors:
            vault = await vault_of(configuration, database)
            store = await RepositoryStore.open(
                database,
                await open_blobs(configuration, around.clock, around.limits.document_size_bytes),
                vault,
                reads_plain=configuration.vault.read_plain,
                verified_bytes=configuration.repository.verified_bytes,
            )
            stack.push_async_callback(store.close)
            link = await _registry_link(configuration, running.get("registry"), around, stack)
            on_demand = await stack.enter_async_context(
                documents_on_demand(configuration, store, link, around)
            )
            provide = _provide(store, link, configuration, around)
            running["repository"] = _repository(store, link, provide, on_demand, configuration, around)
            await stack.enter_async_context(leftovers_settled(store, link, around.clock))
            await stack.enter_async_context(
                receipts_written(_receipt_writer(store, link, provide, configuration, around))
            )
        await stack.enter_async_context(
            counting(spool, around.tally, around.node, configuration.server.host, around.clock)
        )
        await _record_activity(actors, around, configuration, actor_started)
        stack.push_async_callback(_record_activity, actors, around, configuration, actor_stopped)
        if records:
            await stack.enter_async_context(receiving(configuration, records, around.clock, alerts))
        if patients:
            await stack.enter_async_context(mllp_feed(patients, configuration, around, alerts))
        address = configuration.address
        urls = {name: f"{address}/{name}" for name in running}
        yield Platform(
            running,
            around,
            database,
            store,
            urls,
            alerts,
            care,
            _operations(configuration, database, records),
        )


def new_uuid() -> str:
    """A fresh id in the form of ITI TF-3: 4.2.3.2.7."""
    return f"urn:uuid:{uuid.uuid4()}"


async def _audit_store(configuration: Configuration, database: Database) -> AuditStore:
    return AuditStore(database, await signing_key(configuration.audit_repository, database))


def _operations(
    configuration: Configuration, database: Database, records: AuditStore | None
) -> tuple[Operation, ...]:
    if not configuration.api.enabled:
        return ()
    rules = read_rule_pack(configuration.domain.rules) if configuration.domain.rules else None
    feed = AuditFeed(records, rules).all() if records else ()
    if rules is None:
        return feed
    api = configuration.api
    consent = ConsentOperations(database, rules, frozenset(api.declare), frozenset(api.operators))
    audit = AuditOperations(database, rules, ZoneInfo(configuration.domain.time_zone), configuration.address)
    return (*consent.all(), *audit.all(), *feed)


def _consent(configuration: Configuration, database: Database) -> Consent:
    if not configuration.domain.rules:
        return OpenDomain()
    return ConsentBroker.of(database, read_rule_pack(configuration.domain.rules))


def _known_patients(store: RegistryStore, around: Surroundings) -> KnownPatients:
    rules = around.consent.rules if isinstance(around.consent, ConsentBroker) else None

    async def add(patient_id: CX) -> None:
        # First the announcement: a feed that is cut off in between sends the patient again.
        if rules:
            change = await announce_new(
                str(patient_id), rules, store.database, around.clock(), "patient feed"
            )
            if change:
                await around.audit.record(_consent_changed(str(patient_id), change, around))
        await add_patient(patient_id, store=store, clock=around.clock)

    async def merge(subsumed: CX, surviving: CX) -> None:
        if rules:
            changes = await inherit(
                subsumed, surviving, around.clock(), store.database, receipt=rules.receipt is not None
            )
            await around.audit.record(
                *(_consent_changed(str(surviving), change, around) for change in changes)
            )
        await merge_patients(subsumed, surviving, store)

    return KnownPatients(add=_in_its_words(add), merge=_in_its_words(merge))


def _consent_changed(patient_id: str, change: Change, around: Surroundings) -> AuditMessage:
    node = around.node
    return consent_touched(
        change.at, patient_id, str(change), change.by, node.process_id, node.audit_source_id
    )


def _registry(store: RegistryStore, patients: KnownPatients, around: Surroundings) -> Actor:
    consents = ConsentDocuments.of(around)

    def recorded(handle: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        """With the record of what follows from consent documents."""
        return _in_its_words(consents.recorded(handle) if consents else handle)

    changing = partial(partial, store=store, clock=around.clock, new_uuid=around.new_uuid, consents=consents)
    register = changing(register_document_set)
    update = changing(update_document_set)
    restricted = changing(restricted_update_document_set)
    limits = QueryLimits(leaf_class_objects=around.limits.max_results)
    query = partial(
        registry_stored_query,
        store=store,
        limits=limits,
        refuse_unknown_patient=around.domain.unknown_patient_is_error,
    )

    async def remove(request: RemoveObjectsRequest, view: View, signatory: Signatory) -> RemovedObjects:
        # Asked before: afterwards nobody knows what they were called.
        titles = await titles_of_entries(request.entry_uuids, store)
        return RemovedObjects(await remove_metadata(request, store, view, signatory, consents), titles)

    owners = partial(owners_of_query, store=store)
    owners_of = partial(owners_of_objects, store=store)

    async def answer(criteria: StoredQueryCriteria, view: View) -> StoredQueryResult:
        return await query(criteria, view=view)

    return _actor(
        "registry",
        RegisterDocumentSet(around.domain, recorded(register)),
        RegistryStoredQuery(_in_its_words(answer), _in_its_words(owners), around.domain),
        MultiPatientStoredQuery(_in_its_words(answer), _in_its_words(owners), around.domain),
        RegisterOnDemandDocumentEntry(around.domain, recorded(register)),
        UpdateDocumentSet(around.domain, recorded(update), _in_its_words(owners_of)),
        RestrictedUpdateDocumentSet(around.domain, recorded(restricted), _in_its_words(owners_of)),
        RemoveMetadata(recorded(remove), _in_its_words(owners_of), around.domain),
        *soap_feed(patients, around),
    )


def _provide(
    store: RepositoryStore, registry: RegistryLink, configuration: Configuration, around: Surroundings
) -> Provide:
    return partial(
        provide_and_register_document_set,
        store=store,
        registry=registry,
        repository_unique_id=configuration.repository.unique_id,
        clock=around.clock,
        new_uuid=around.new_uuid,
    )


def _receipt_writer(
    store: RepositoryStore,
    registry: RegistryLink,
    provide: Provide,
    configuration: Configuration,
    around: Surroundings,
) -> ReceiptWriter | None:
    broker = around.consent
    policy = broker.rules.receipt if isinstance(broker, ConsentBroker) else None
    if not isinstance(broker, ConsentBroker) or policy is None:
        return None
    unique_id = configuration.repository.unique_id
    receipts = Receipts(broker.database)
    return ReceiptWriter(
        receipts,
        policy,
        configuration.receipts,
        codes_of_receipts(configuration),
        ZoneInfo(configuration.domain.time_zone),
        store,
        registry,
        provide,
        unique_id,
        around.clock,
    )


def _repository(
    store: RepositoryStore,
    registry: RegistryLink,
    provide: Provide,
    on_demand: OnDemandDocuments | None,
    configuration: Configuration,
    around: Surroundings,
) -> Actor:
    unique_id = configuration.repository.unique_id
    retrieve = partial(
        retrieve_document_set,
        store=store,
        repository_unique_id=unique_id,
        home_community_id=around.domain.home_community_id,
        documents_limit=around.limits.documents_per_request,
        on_demand=on_demand,
    )
    remove = partial(
        remove_documents,
        store=store,
        repository_unique_id=unique_id,
        home_community_id=around.domain.home_community_id,
        documents_limit=around.limits.documents_per_request,
    )

    async def remove_as(request: RetrieveRequest, removable: Collection[str] | None) -> RemoveResult:
        return await remove(request, removable=removable)

    async def retrieve_as(request: RetrieveRequest, ask_registry: bool) -> RetrieveResult:
        return await retrieve(request, registry=registry if ask_registry else None)

    actor = _actor(
        "repository",
        ProvideAndRegisterDocumentSet(provide, errors_in_documents, around.domain),
        RetrieveDocumentSet(retrieve_as, around.domain),
        RemoveDocuments(remove_as, registry.owners, registry.left_over, around.domain),
    )
    return replace(actor, staging=store.staging)


def _actor(name: ActorName, *conversations: AnyConversation) -> Actor:
    return Actor(name, {conversation.transaction.action: conversation for conversation in conversations})


async def _registry_link(
    configuration: Configuration, registry: Actor | None, around: Surroundings, stack: AsyncExitStack
) -> RegistryLink:
    url = configuration.repository.registry_url
    in_one_process = not url
    if url:
        send = await stack.enter_async_context(over_http(url, configuration.tls.calling()))
    else:
        if registry is None:
            raise ValueError("a repository by itself needs repository.registry_url")
        url = f"{configuration.address}/registry"
        send = in_process(registry, around, url)
    return RegistryLink(
        send=send,
        registry_url=url,
        registry_address=urlsplit(url).hostname or "",
        our_address=configuration.server.host,
        repository_url=f"{configuration.address}/repository",
        node=around.node,
        audit=around.audit,
        clock=around.clock,
        new_uuid=around.new_uuid,
        itself=speaking_for_itself(configuration),
        in_one_process=in_one_process,
    )


def _in_its_words(handle: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """A registry that gets no turn or no room at its database says which of both (ITI TF-3: 4.2.4.2)."""

    @wraps(handle)
    async def handled(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await handle(*args, **kwargs)
        except DatabaseBusy as problem:
            raise Refused(REGISTRY_BUSY.error("too many requests at once; send this one again")) from problem
        except DatabaseFull as problem:
            raise Refused(REGISTRY_OUT_OF_RESOURCES.error("no room is left; nothing was stored")) from problem
        except OutcomeUnknown as problem:
            raise ports.OutcomeUnknown from problem

    return handled


async def _record_activity(
    actors: Iterable[str],
    around: Surroundings,
    configuration: Configuration,
    message_of: Callable[..., AuditMessage],
) -> None:
    for name in actors:
        message = message_of(
            around.clock(),
            name,
            configuration.server.host,
            around.node.process_id,
            around.node.audit_source_id,
        )
        await around.audit.record(message)
