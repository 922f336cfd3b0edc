"""The two ways in which the registry hears of patients, joined to what it does about them."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from exchange.conversation import AnyConversation
from exchange.identity_conversation import (
    PatientDuplicatesResolved,
    PatientRecordAdded,
    PatientRecordRevised,
)
from exchange.identity_feed_v2 import Delivery, V2Feed, take_message
from exchange.serve import Surroundings
from hl7v2.adt import PatientIdDomain
from hl7v2.datatypes import CX
from server.mllp import MllpListener
from server.settings import Configuration
from server.tls.alerts import NodeAlerts
from server.tls.contexts import NodeContexts
from server.tls.gate import NodeAuthentication

log = logging.getLogger("coffre.server")


@dataclass(frozen=True, slots=True)
class KnownPatients:
    """What a feed may do: make an id known, and let a subsumed id be part of a surviving one."""

    add: Callable[[CX], Awaitable[None]]
    merge: Callable[[CX, CX], Awaitable[None]]


def soap_feed(patients: KnownPatients, around: Surroundings) -> tuple[AnyConversation, ...]:
    """Patient Identity Feed HL7 V3 at the registry's endpoint (ITI TF-2: 3.44)."""
    authorities, clock, new_uuid = around.domain.assigning_authorities, around.clock, around.new_uuid
    return (
        PatientRecordAdded(
            handle=patients.add, assigning_authorities=authorities, clock=clock, new_uuid=new_uuid
        ),
        PatientRecordRevised(assigning_authorities=authorities, clock=clock, new_uuid=new_uuid),
        PatientDuplicatesResolved(
            handle=patients.merge, assigning_authorities=authorities, clock=clock, new_uuid=new_uuid
        ),
    )


@asynccontextmanager
async def mllp_feed(
    patients: KnownPatients, configuration: Configuration, around: Surroundings, alerts: NodeAlerts
) -> AsyncIterator[None]:
    """Patient Identity Feed by HL7 v2 at a socket of its own, if one is configured (ITI TF-2: 3.8)."""
    identity = configuration.identity
    if not identity.mllp_port:
        yield
        return
    domain = PatientIdDomain(around.domain.assigning_authorities, dict(identity.namespaces))
    feed = V2Feed(patients.add, patients.merge, domain)

    async def take(delivery: Delivery) -> bytes:
        acknowledgement = await take_message(delivery, feed, around)
        around.tally.answered += 1
        return acknowledgement

    files = configuration.tls.files_for("mllp")
    listener = await MllpListener.start(
        take,
        identity.mllp_host,
        identity.mllp_port,
        authentication=NodeAuthentication(NodeContexts(files), alerts.at("mllps")) if files else None,
        shared=configuration.server.workers > 1,
    )
    scheme = "mllps" if files else "mllp"
    log.info("identity feed at %s://%s:%d", scheme, identity.mllp_host, listener.port)
    try:
        yield
    finally:
        await listener.stop()
