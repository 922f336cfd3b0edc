"""The journey of one HL7 v2 message, with ports that a test hands in (ITI TF-2: 3.8)."""

import logging

import pytest

from audit_message.write import write_audit_message
from ebxml.refused import Refused
from exchange.identity_feed_v2 import Delivery, V2Feed, take_message
from exchange.ports import CannotMerge, Obstacle
from hl7v2.adt import PatientIdDomain
from hl7v2.datatypes import CX
from ihe.audit_events import Outcome
from ihe.error_codes import REGISTRY_BUSY
from tests.messages.surroundings import KeptTrail, NobodyMay, surroundings

pytestmark = pytest.mark.anyio

P1, P2 = "p1^^^&2.999.3&ISO", "p2^^^&2.999.3&ISO"
A01 = "MSH|^~\\&|SRC|FAC|REG|XAD|2030||ADT^A01^ADT_A01|m1|P|2.3.1\rPID|||p1^^^&2.999.3&ISO||Doe^Jane\rPV1||O"
A40 = (
    "MSH|^~\\&|SRC|FAC|REG|XAD|2030||ADT^A40^ADT_A39|m2|P|2.3.1\r"
    "PID|||p1^^^&2.999.3&ISO||Doe^Jane\rMRG|p2^^^&2.999.3&ISO"
)


class Registry:
    """Notes what the feed asks of it, or raises what a test wants."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem
        self.added: list[CX] = []
        self.merged: list[tuple[CX, CX]] = []

    async def add(self, patient_id: CX) -> None:
        if self.problem:
            raise self.problem
        self.added.append(patient_id)

    async def merge(self, subsumed: CX, surviving: CX) -> None:
        if self.problem:
            raise self.problem
        self.merged.append((subsumed, surviving))


async def msa_and_err(text: str, registry: Registry, trail: KeptTrail, **more) -> tuple[str, str]:
    """The segments behind MSH of the acknowledgement."""
    domain = PatientIdDomain(frozenset({"2.999.3"}), {})
    delivery = Delivery(text.encode(), "mllp://vault.example:2575", "10.0.0.6", "10.0.0.5", **more)
    around = surroundings(trail)
    written = await take_message(delivery, V2Feed(registry.add, registry.merge, domain), around)
    _, msa, *err = written.decode().split("\r")[:-1]
    return msa, "".join(err)


def told(trail: KeptTrail):
    """Action, outcome and patient of each record."""
    return [
        (str(message.event.action), message.event.outcome, [each.id for each in message.objects])
        for message in trail.messages
    ]


@pytest.mark.parametrize("event", ["A01", "A04", "A05"])
async def test_a_new_patient_is_made_known_and_recorded(event):
    """ITI TF-2: 3.8.4.1.3, 3.8.5.1."""
    registry, trail = Registry(), KeptTrail()
    text = A01.replace("ADT^A01^ADT_A01", f"ADT^{event}")
    assert await msa_and_err(text, registry, trail) == ("MSA|AA|m1", "")
    assert registry.added == [P1]
    assert told(trail) == [("C", Outcome.SUCCESS, [P1])]


async def test_the_record_names_both_ends_and_the_message():
    """ITI TF-2: 3.8.5.1: facility|application of either side, MSH-10 as a detail of the patient."""
    trail = KeptTrail()
    await msa_and_err(A01, Registry(), trail)
    (record,) = map(write_audit_message, trail.messages)
    assert b'originalText="Patient Record"/><EventTypeCode csd-code="ITI-8"' in record
    assert b'codeSystemName="IHE Transactions" originalText="Patient Identity Feed"/>' in record
    assert b' UserID="FAC|SRC" UserIsRequestor="true" NetworkAccessPointID="10.0.0.5"' in record
    assert b' UserID="XAD|REG" AlternativeUserID="4711" UserIsRequestor="false"' in record
    assert b'<ParticipantObjectDetail type="MSH-10" value="bTE="/>' in record


async def test_an_update_changes_nothing_and_is_recorded():
    """ITI TF-2: 3.8.4.1.3: demographics are not kept."""
    registry, trail = Registry(), KeptTrail()
    text = A01.replace("ADT^A01^ADT_A01", "ADT^A08")
    assert await msa_and_err(text, registry, trail) == ("MSA|AA|m1", "")
    assert registry.added == []
    assert told(trail) == [("U", Outcome.SUCCESS, [P1])]


async def test_an_id_of_another_authority_is_accepted_and_changes_nothing():
    """ITI TF-2: 3.8.4.1.3."""
    registry, trail = Registry(), KeptTrail()
    assert await msa_and_err(A01.replace("2.999.3", "2.999.77"), registry, trail) == ("MSA|AA|m1", "")
    assert registry.added == []
    assert told(trail) == [("C", Outcome.SUCCESS, [])]


async def test_a_merge_is_made_and_recorded_for_both_patients():
    """ITI TF-2: 3.8.4.2.3, 3.8.5.1: a deletion and an update."""
    registry, trail = Registry(), KeptTrail()
    assert await msa_and_err(A40, registry, trail) == ("MSA|AA|m2", "")
    assert registry.merged == [(P2, P1)]
    assert told(trail) == [("D", Outcome.SUCCESS, [P2]), ("U", Outcome.SUCCESS, [P1])]


@pytest.mark.parametrize(
    ("changed", "msa", "err"),
    [
        (
            ("p1^^^&2.999.3", "p1^^^&2.999.77"),
            "MSA|AE|m2|PID-3: no id of this domain, and the other one is",
            "ERR|PID^1^3^204&Unknown key identifier&HL70357",
        ),
        (
            ("p2^^^&2.999.3", "p2^^^&2.999.77"),
            "MSA|AE|m2|MRG-1: no id of this domain, and the other one is",
            "ERR|MRG^1^1^204&Unknown key identifier&HL70357",
        ),
        (("2.999.3", "2.999.77"), "MSA|AA|m2", ""),
    ],
)
async def test_only_ids_of_the_domain_are_merged(changed, msa, err):
    """ITI TF-2: 3.8.4.2.3."""
    registry = Registry()
    assert await msa_and_err(A40.replace(*changed), registry, KeptTrail()) == (msa, err)
    assert registry.merged == []


@pytest.mark.parametrize(
    ("obstacle", "place", "condition"),
    [
        (Obstacle.SAME_PATIENT, "MRG^1^1", "205&Duplicate key identifier"),
        (Obstacle.SUBSUMED_UNKNOWN, "MRG^1^1", "204&Unknown key identifier"),
        (Obstacle.SUBSUMED_ALREADY, "MRG^1^1", "204&Unknown key identifier"),
        (Obstacle.SURVIVING_UNKNOWN, "PID^1^3", "204&Unknown key identifier"),
        (Obstacle.SURVIVING_SUBSUMED, "PID^1^3", "204&Unknown key identifier"),
    ],
)
async def test_what_prevents_a_merge_is_named_with_its_field(obstacle, place, condition):
    """ITI TF-2: 3.8.4.2.3."""
    trail = KeptTrail()
    msa, err = await msa_and_err(A40, Registry(CannotMerge(obstacle)), trail)
    assert msa.startswith("MSA|AE|m2|")
    assert err == f"ERR|{place}^{condition}&HL70357"
    assert told(trail) == [("D", Outcome.MINOR, [P2]), ("U", Outcome.MINOR, [P1])]


async def test_a_bad_message_changes_nothing_and_is_recorded_as_failed():
    """ITI TF-2: 3.8.4.1.3, 3.20.7."""
    registry, trail = Registry(), KeptTrail()
    msa, err = await msa_and_err(A01.replace("|P|", "|X|"), registry, trail)
    assert msa == "MSA|AR|m1|MSH-11: 'X' is not P, T or D"
    assert err == "ERR|MSH^1^11^202&Unsupported processing id&HL70357"
    assert registry.added == []
    assert told(trail) == [("C", Outcome.MINOR, [P1])]


@pytest.mark.parametrize("text", ["", "garbage", "MSH|^", "PID|||p1"])
async def test_what_is_no_message_is_rejected_and_recorded_as_an_alert(text):
    """ITI TF-2: 3.8.4.1.3: AR with an empty MSA-2."""
    trail = KeptTrail()
    msa, err = await msa_and_err(text, Registry(), trail)
    assert msa.startswith("MSA|AR||MSH: ")
    assert err == "ERR|MSH^1^^100&Segment sequence error&HL70357"
    assert [str(message.event.event_id.original_text) for message in trail.messages] == ["Security Alert"]


async def test_a_stream_that_is_no_mllp_is_rejected_with_the_reason():
    """HL7 v2.3.1: C.4."""
    trail = KeptTrail()
    msa, _ = await msa_and_err("", Registry(), trail, trouble="a frame began inside of another one")
    assert msa == "MSA|AR||MSH: a frame began inside of another one"


async def test_a_message_of_another_transaction_is_rejected_and_recorded_as_an_alert():
    """ITI TF-2: 3.8.4: it belongs to no transaction of this actor."""
    trail = KeptTrail()
    msa, _ = await msa_and_err(A01.replace("ADT^A01^ADT_A01", "ORU^R01"), Registry(), trail)
    assert msa == "MSA|AR|m1|MSH-9: 'ORU' is not taken here, expected ADT"
    assert [str(message.event.event_id.original_text) for message in trail.messages] == ["Security Alert"]


async def test_a_busy_registry_asks_to_send_again():
    """HL7 table 0357: 206."""
    busy = Refused(REGISTRY_BUSY.error("too many requests at once; send this one again"))
    msa, err = await msa_and_err(A01, Registry(busy), KeptTrail())
    assert msa == "MSA|AR|m1|MSH: too many requests at once; send this one again"
    assert err == "ERR|MSH^1^^206&Application record locked&HL70357"


async def test_a_failure_of_ours_tells_a_reference_and_nothing_else(caplog):
    """HL7 table 0357: 207; the log never holds a patient id."""
    trail = KeptTrail()
    with caplog.at_level(logging.DEBUG):
        msa, err = await msa_and_err(A01, Registry(RuntimeError(f"cannot cope with {P1}")), trail)
    reference = "urn:uuid:00000000-0000-4000-8000-000000000001"
    assert msa == f"MSA|AR|m1|MSH: internal error, reference {reference}"
    assert err == "ERR|MSH^1^^207&Application internal error&HL70357"
    assert told(trail) == [("C", Outcome.SERIOUS, [P1])]
    assert reference in caplog.text
    assert "p1" not in caplog.text


async def test_nothing_is_accepted_that_is_not_recorded():
    """ITI TF-2: 3.20: the sender repeats, and the change is made once."""
    msa, _ = await msa_and_err(A01, Registry(), KeptTrail(full=True))
    assert msa == "MSA|AR|m1|MSH: the audit trail is not available"


async def test_the_consent_broker_is_asked_about_both_patients():
    """A refusal tells no more than a failure does."""
    registry, trail = Registry(), KeptTrail()
    around = surroundings(trail, consent=NobodyMay())
    feed = V2Feed(registry.add, registry.merge, PatientIdDomain(frozenset({"2.999.3"}), {}))
    written = await take_message(Delivery(A40.encode(), "mllp://vault.example:2575"), feed, around)
    assert b"\rMSA|AR|m2|MSH: internal error, reference urn:uuid:" in written
    assert registry.merged == []
    assert [outcome for _, outcome, _ in told(trail)] == [Outcome.SERIOUS, Outcome.SERIOUS]
