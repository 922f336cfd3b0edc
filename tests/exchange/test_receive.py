"""A message that cannot be kept: how far it is read, and when there is no transaction to say so in."""

import asyncio
from dataclasses import replace

import pytest

from exchange import receive as receiving
from exchange.attachments import Attachments
from exchange.call import Call, Limits
from exchange.receive import receive
from repository.blobs import DirectoryBlobs
from soap.fault import FaultCode, SoapFault
from tests.messages.requests import ITI_43, retrieve
from tests.wire import MTOM_TYPE, Part, envelope, multipart, root_part

pytestmark = pytest.mark.anyio

ROOT = root_part(envelope(ITI_43, retrieve("2.999.1")))
TOO_LARGE = "the document is longer than the 1000 bytes taken here"
LIMITS = Limits(request_size_bytes=10_000)


@pytest.fixture
async def attachments(tmp_path):
    blobs = await DirectoryBlobs.open(tmp_path, 1000)
    yield Attachments(blobs)
    await blobs.close()


def call_of(*chunks, stalls=False):
    """A call whose body comes in these chunks, and then perhaps nothing more for ever."""

    async def body():
        for chunk in chunks:
            yield chunk
        if stalls:
            await asyncio.Event().wait()

    return Call(MTOM_TYPE, body(), "http://wire/repository")


def parts(*contents, root_at=0):
    """The parts of a message, each a chunk of its own."""
    documents = [Part(f"part{number}@wire", content) for number, content in enumerate(contents, 1)]
    documents.insert(root_at, ROOT)
    whole = multipart(*documents)
    return [b"--=_wire" + piece for piece in whole.split(b"--=_wire")[1:]]


async def test_nothing_is_read_beyond_what_names_the_transaction(attachments):
    """ITI TF-2: 3.41.4.1.3: envelope and refused document are there; the rest may never come."""
    call = call_of(*parts(b"x" * 1001, b"y" * 900)[:2], stalls=True)
    message = await receive(call, attachments, LIMITS, False, ())
    assert message.envelope.action == ITI_43
    assert (attachments.not_kept.content_id, attachments.not_kept.error.context) == ("part1@wire", TOO_LARGE)


async def test_after_a_refused_document_nothing_is_kept(attachments):
    """ITI TF-2: 3.41.4.1.3: all or nothing; the envelope comes last here."""
    await receive(call_of(*parts(b"x" * 900, b"y" * 1001, b"z", root_at=3)), attachments, LIMITS, False, ())
    assert attachments.unclaimed() == ("part1@wire",)
    assert attachments.not_kept.content_id == "part2@wire"


async def test_an_envelope_that_never_comes_is_not_waited_for(attachments, monkeypatch):
    """SOAP 1.2 Part 1: 5.4.6: there is no transaction to answer in."""
    monkeypatch.setattr(receiving, "ENVELOPE_LIMIT_SECONDS", 0.05)
    with pytest.raises(SoapFault) as caught:
        await receive(
            call_of(*parts(b"x" * 1001, root_at=1)[:1], stalls=True), attachments, LIMITS, False, ()
        )
    assert (caught.value.code, caught.value.reason) == (FaultCode.RECEIVER, TOO_LARGE)


async def test_a_message_over_its_limit_is_refused_in_its_transaction_if_that_is_known(attachments):
    """ITI TF-2: 3.41.4.1.3; RFC 9110: 15.5.14."""
    reason = "the message is over the limit of 10000 bytes"
    documents = [b"x" * 900] * 12
    await receive(call_of(*parts(*documents)), attachments, LIMITS, False, ())
    assert attachments.not_kept.error.context == reason
    with pytest.raises(SoapFault, match=reason):
        await receive(
            call_of(*parts(*documents, root_at=12)), Attachments(attachments.staging), LIMITS, False, ()
        )
    with pytest.raises(SoapFault, match="this endpoint takes no MIME parts beside the envelope"):
        await receive(call_of(*parts(*documents)), Attachments(None), LIMITS, False, ())


async def test_a_length_that_is_too_large_is_known_before_the_documents(attachments):
    """RFC 9110: 8.6: with the envelope read, not one document needs to come."""
    call = replace(call_of(parts(b"x")[0], b"--=_wire\r\n", stalls=True), length_bytes=10_001)
    message = await receive(call, attachments, LIMITS, False, ())
    assert message.envelope.action == ITI_43
    assert attachments.not_kept.error.code == "XDSRepositoryOutOfResources"


async def test_too_many_parts_are_refused_in_the_transaction(attachments):
    """ITI TF-2: 3.41.4.1.3, XDSRepositoryOutOfResources."""
    limits = replace(LIMITS, documents_per_request=2)
    await receive(call_of(*parts(b"x", b"y", b"z")), attachments, limits, False, ())
    assert attachments.not_kept.error.context == "the message is over the limit of 3 MIME parts"
