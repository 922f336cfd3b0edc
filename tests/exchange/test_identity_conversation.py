"""Patient Identity Feed HL7 V3 at the registry's endpoint (ITI TF-2: 3.44)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from exchange.call import Call
from exchange.identity_conversation import (
    PatientDuplicatesResolved,
    PatientRecordAdded,
    PatientRecordRevised,
)
from exchange.ports import CannotMerge, Obstacle
from exchange.serve import Actor, serve
from hl7v2.datatypes import CX
from hl7v3.patient_feed import write_duplicates_resolved, write_record_added
from ihe.audit_events import Outcome
from tests.messages.surroundings import KeptTrail, surroundings
from tests.wire import HttpAnswer, envelope

pytestmark = pytest.mark.anyio

AT = datetime(2030, 1, 1, 12, tzinfo=UTC)
P1, P2 = CX("p1^^^&2.999.3&ISO"), CX("p2^^^&2.999.3&ISO")
FOREIGN = CX("p1^^^&2.999.77&ISO")
ENDS = {"sender": "2.999.2.140", "receiver": "2.999.4.136"}


def added(patient_id=P1):
    return write_record_added("1.2.3", AT, patient_id, ("Doe", "Jane"), **ENDS)


def merged(surviving=P1, replaced=P2):
    return write_duplicates_resolved("1.2.3", AT, surviving, replaced, **ENDS)


class Registry:
    """Notes what the feed asks of it, and may refuse a merge."""

    def __init__(self, obstacle: Obstacle | None = None) -> None:
        self.obstacle = obstacle
        self.added: list[CX] = []
        self.merged: list[tuple[CX, CX]] = []

    async def add(self, patient_id: CX) -> None:
        self.added.append(patient_id)

    async def merge(self, subsumed: CX, surviving: CX) -> None:
        if self.obstacle:
            raise CannotMerge(self.obstacle)
        self.merged.append((subsumed, surviving))


async def acknowledgement(body: bytes, registry: Registry, trail: KeptTrail):
    """Type code, and code, text and the last step of the location of each detail."""
    around = surroundings(trail)
    common: dict[str, Any] = {
        "assigning_authorities": frozenset({"2.999.3"}),
        "clock": around.clock,
        "new_uuid": around.new_uuid,
    }
    conversations = (
        PatientRecordAdded(handle=registry.add, **common),
        PatientRecordRevised(**common),
        PatientDuplicatesResolved(handle=registry.merge, **common),
    )
    interaction = body.partition(b" ")[0].decode().removeprefix("<")

    async def whole() -> AsyncIterator[bytes]:
        yield envelope(f"urn:hl7-org:v3:{interaction}", body)

    call = Call("application/soap+xml", whole(), "https://vault.example/registry", "10.0.0.6", "10.0.0.5")
    actor = Actor("registry", {each.transaction.action: each for each in conversations})
    reply = await serve(call, actor, around)
    assert isinstance(reply.body, bytes)
    answer = HttpAnswer(reply.status, {"content-type": reply.content_type}, reply.body)
    (code,) = answer.found("typeCode")
    return code.get("code"), [
        (
            str(detail[0].get("code")),
            str(detail.findtext("{*}text")),
            str(detail.findtext("{*}location")).rpartition("subject1/")[2],
        )
        for detail in answer.found("acknowledgementDetail")
    ]


def told(trail: KeptTrail):
    """Action, outcome and patient of each record."""
    return [
        (str(message.event.action), message.event.outcome, [each.id for each in message.objects])
        for message in trail.messages
    ]


async def test_a_record_added_makes_the_patient_known():
    """ITI TF-2: 3.44.4.1.3, 3.44.5.1."""
    registry, trail = Registry(), KeptTrail()
    assert await acknowledgement(added(), registry, trail) == ("CA", [])
    assert registry.added == [P1]
    assert told(trail) == [("C", Outcome.SUCCESS, [P1])]


async def test_an_id_of_another_authority_changes_nothing_and_is_accepted():
    """ITI TF-2: 3.44.4.1.3."""
    registry, trail = Registry(), KeptTrail()
    assert await acknowledgement(added(FOREIGN), registry, trail) == ("CA", [])
    assert registry.added == []
    assert told(trail) == [("C", Outcome.SUCCESS, [FOREIGN])]


async def test_a_revision_is_tolerated_and_changes_nothing():
    """ITI TF-2: 3.44.4.1: it is meant for a PIX Manager."""
    registry, trail = Registry(), KeptTrail()
    revised = added().replace(b"201301", b"201302")
    assert await acknowledgement(revised, registry, trail) == ("CA", [])
    assert registry.added == []
    assert told(trail) == [("U", Outcome.SUCCESS, [P1])]


async def test_a_merge_lets_the_replaced_id_be_part_of_the_surviving_one():
    """ITI TF-2: 3.44.4.2.3, 3.44.5.1: two records, a deletion and an update."""
    registry, trail = Registry(), KeptTrail()
    assert await acknowledgement(merged(), registry, trail) == ("CA", [])
    assert registry.merged == [(P2, P1)]
    assert told(trail) == [("D", Outcome.SUCCESS, [P2]), ("U", Outcome.SUCCESS, [P1])]


async def test_a_merge_of_another_authority_is_none_of_ours():
    """ITI TF-2: 3.44.4.2.3."""
    registry, trail = Registry(), KeptTrail()
    other = CX("p2^^^&2.999.77&ISO")
    assert await acknowledgement(merged(FOREIGN, other), registry, trail) == ("CA", [])
    assert registry.merged == []


@pytest.mark.parametrize(
    ("surviving", "replaced", "which", "where"),
    [(FOREIGN, P2, "surviving", "patient/id"), (P1, FOREIGN, "replaced", "priorRegisteredRole/id")],
)
async def test_a_merge_across_authorities_is_refused(surviving, replaced, which, where):
    """ITI TF-2: 3.44.4.2.3: no state change."""
    registry, trail = Registry(), KeptTrail()
    text = f"the {which} id is of no assigning authority of this domain, and the other one is"
    answer = await acknowledgement(merged(surviving, replaced), registry, trail)
    assert answer == ("CE", [("KEY204", text, where)])
    assert registry.merged == []
    assert {outcome for _, outcome, _ in told(trail)} == {Outcome.MINOR}


@pytest.mark.parametrize(
    ("obstacle", "detail"),
    [
        (
            Obstacle.SAME_PATIENT,
            ("KEY205", "the subsumed and the surviving id are the same", "priorRegisteredRole/id"),
        ),
        (Obstacle.SUBSUMED_UNKNOWN, ("KEY204", "the subsumed id is not known", "priorRegisteredRole/id")),
        (
            Obstacle.SUBSUMED_ALREADY,
            ("KEY204", "the subsumed id was merged into another one before", "priorRegisteredRole/id"),
        ),
        (Obstacle.SURVIVING_UNKNOWN, ("KEY204", "the surviving id is not known", "patient/id")),
        (
            Obstacle.SURVIVING_SUBSUMED,
            ("KEY204", "the surviving id was itself merged into another one before", "patient/id"),
        ),
    ],
)
async def test_what_prevents_a_merge_is_named_with_its_element(obstacle, detail):
    """ITI TF-2: 3.44.4.2.3."""
    trail = KeptTrail()
    assert await acknowledgement(merged(), Registry(obstacle), trail) == ("CE", [detail])
    assert told(trail) == [("D", Outcome.MINOR, [P2]), ("U", Outcome.MINOR, [P1])]
