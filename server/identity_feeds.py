"""The two ways in which the registry hears of patients, joined to what it does about them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from exchange.conversation import AnyConversation
from exchange.identity_conversation import (
    PatientDuplicatesResolved,
    PatientRecordAdded,
    PatientRecordRevised,
)
from exchange.serve import Surroundings
from hl7v2.datatypes import CX


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
