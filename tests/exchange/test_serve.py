"""The journey of one request, with ports that a test hands in (ITI TF-2: Appendix V; ITI TF-3: 4.2.4)."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ebxml.model import RegistryResponse, Submission
from exchange.call import Call
from exchange.registry_conversations import RegisterDocumentSet
from exchange.repository_conversations import ProvideAndRegisterDocumentSet
from exchange.serve import Actor, Surroundings, serve
from ihe.audit_events import Outcome
from ihe.error_codes import ResponseStatus
from ihe.transactions import ITI_41, ITI_42
from repository.blobs import DirectoryBlobs
from repository.iti41_provide_and_register_document_set import errors_in_documents
from tests.messages.submissions import DOMAIN, provide_and_register_bytes, submission, submission_bytes
from tests.messages.surroundings import KeptTrail, NobodyMay, surroundings
from tests.wire import MTOM_TYPE, HttpAnswer, envelope, mtom

pytestmark = pytest.mark.anyio


async def accept(submission: Submission, **_) -> RegistryResponse:
    return RegistryResponse(ResponseStatus.SUCCESS)


async def break_down(submission: Submission, **_) -> RegistryResponse:
    raise RuntimeError(f"cannot cope with {submission.submission_set.patient_id}")


def registry(handle=accept) -> Actor:
    return Actor("registry", {ITI_42.action: RegisterDocumentSet(DOMAIN, handle)})


async def answer_of(body: bytes, actor: Actor, around: Surroundings, content_type="application/soap+xml"):
    async def whole() -> AsyncIterator[bytes]:
        yield body

    answer = await serve(
        Call(content_type, whole(), "https://vault.example/x", "10.0.0.6", "10.0.0.5"), actor, around
    )
    content = (
        answer.body if isinstance(answer.body, bytes) else b"".join([piece async for piece in answer.body])
    )
    return HttpAnswer(answer.status, {"content-type": answer.content_type}, content)


REGISTER = envelope(ITI_42.action, submission_bytes(submission()))


async def test_what_went_well_is_answered_and_recorded():
    """ITI TF-2: 3.42.4.2, 3.42.5.1."""
    trail = KeptTrail()
    answer = await answer_of(REGISTER, registry(), surroundings(trail))
    assert answer.status_urn == "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
    (record,) = trail.messages
    assert record.event.outcome is Outcome.SUCCESS
    assert [participant.user_id for participant in record.participants] == [
        "http://www.w3.org/2005/08/addressing/anonymous",
        "https://vault.example/x",
    ]


async def test_a_failure_of_ours_tells_the_peer_a_reference_and_nothing_else(caplog):
    """ITI TF-3: 4.2.4.1; what went wrong stays in the log, which never holds a patient id."""
    trail = KeptTrail()
    with caplog.at_level(logging.DEBUG):
        answer = await answer_of(REGISTER, registry(break_down), surroundings(trail))
    reference = "urn:uuid:00000000-0000-4000-8000-000000000001"
    assert answer.errors == [("XDSRegistryError", f"internal error, reference {reference}")]
    assert f"request {reference} failed: RuntimeError at serve:" in caplog.text
    assert "2.999.3" not in caplog.text
    assert trail.messages[0].event.outcome is Outcome.SERIOUS


async def test_what_the_broker_forbids_is_not_done_and_the_reason_stays_in_the_record():
    """The peer must not learn which of the patient's decisions stands in his way."""
    done = []

    async def note(submission: Submission) -> RegistryResponse:
        done.append(submission)
        return RegistryResponse(ResponseStatus.SUCCESS)

    trail = KeptTrail()
    around = surroundings(trail, consent=NobodyMay())
    answer = await answer_of(REGISTER, registry(note), around)
    assert answer.errors == [("XDSRegistryError", "not permitted")]
    assert done == []
    event = trail.messages[0].event
    assert event.outcome is Outcome.MINOR
    assert event.outcome_description == "not permitted: p1^^^&2.999.3&ISO excluded this professional"


async def test_no_answer_leaves_without_its_record():
    """ITI TF-2: 3.20: fail closed."""
    answer = await answer_of(REGISTER, registry(), surroundings(KeptTrail(full=True)))
    assert (answer.status, answer.fault) == (500, ("Receiver", None, "the audit trail is not available"))
    assert b"Success" not in answer.body


async def test_a_message_that_cannot_be_read_is_recorded_as_an_alert():
    """ITI TF-2: 3.20.7."""
    trail = KeptTrail()
    answer = await answer_of(b"not XML", registry(), surroundings(trail))
    assert answer.fault[0] == "Sender"
    assert [record.event.event_id.original_text for record in trail.messages] == ["Security Alert"]


async def test_every_error_of_a_message_is_reported_at_once():
    """ITI TF-3: 4.2.4.2."""
    wrong = submission()
    entry = replace(wrong.document_entries[0], language_code=None, hash="x")
    body = submission_bytes(replace(wrong, document_entries=(entry,)))
    answer = await answer_of(envelope(ITI_42.action, body), registry(), surroundings(KeptTrail()))
    assert answer.codes == ["XDSRegistryMetadataError", "XDSRegistryMetadataError"]
    assert [word for word in ("languageCode", "hash") if word in str(answer.errors)] == [
        "languageCode",
        "hash",
    ]


async def test_the_documents_of_a_refused_message_leave_no_trace(tmp_path):
    """ITI TF-2: 3.41.4.1.3: nothing of a failed submission is kept."""
    blobs = await DirectoryBlobs.open(tmp_path)
    conversation = ProvideAndRegisterDocumentSet(
        lambda submission, documents: accept(submission), errors_in_documents, DOMAIN
    )
    actor = Actor("repository", {ITI_41.action: conversation}, blobs)
    body = provide_and_register_bytes(submission(), ("Document01", "cid:other@wire"))
    message = mtom(envelope(ITI_41.action, body), ("doc@wire", "text/xml", b"<note/>"))
    try:
        answer = await answer_of(message, actor, surroundings(KeptTrail()), MTOM_TYPE)
        kept = [path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != "lock"]
    finally:
        await blobs.close()
    assert {"XDSMissingDocument", "XDSMissingDocumentMetadata"} <= set(answer.codes)
    assert kept == []
