"""An envelope that arrives in pieces: its inline documents are the same, whether it is read whole or not."""

import base64
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebxml import read
from ebxml.refused import Refused
from exchange import envelope_reader
from exchange.attachments import Attachments
from exchange.call import Limits
from exchange.envelope_reader import EnvelopeReader
from repository.blobs import DirectoryBlobs
from schemas import stream
from soap.fault import SoapFault
from soap.mtom import content_id_of_href
from tests.messages.requests import ITI_41, provide
from tests.wire import envelope, include

pytestmark = pytest.mark.anyio

# One submission is as good as any other here: it is not looked at.
SUBMISSION = '<lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"/>'

# Base64 as senders write it, and as they should not.
WRITTEN = st.tuples(st.binary(max_size=90), st.sampled_from(["", "\n", "\r\n", " \t"])).map(
    lambda one: one[1].join(
        base64.b64encode(one[0]).decode()[at : at + 20] for at in range(0, 2 * len(one[0]) + 1, 20)
    )
)
PIECES = st.one_of(
    WRITTEN,
    WRITTEN,
    WRITTEN.map(lambda text: f"<![CDATA[{text}]]>"),
    st.sampled_from(["", " ", "&#81;UJD", "QU&#x4A;D", "QUJD&#13;&#10;", "<!-- c -->", "Q", "QQ=="]),
    st.sampled_from(["!", "é", "=", "\u00a0", "&amp;"]),
    st.sampled_from([include("part@wire"), "<other/>"]),
)
DOCUMENTS = st.lists(st.lists(PIECES, max_size=4).map("".join), min_size=1, max_size=3)


async def outcome(blobs, message, sizes):
    """The bytes of each document, or why there are none; and the element as it is left to the schema."""
    attachments = Attachments(blobs)
    reader = EnvelopeReader("utf-8", attachments, Limits())
    at = 0
    for size in (*sizes, len(message)):
        await reader.take(message[at : at + size])
        at += size
    root = await reader.finish()
    request = root[1][0]
    try:
        provided = read.take_documents(request)
    except Refused as refused:
        return [error.context for error in refused.errors]
    documents: list[tuple[str, bytes | str | None]] = []
    for document in provided:
        staged = None
        if document.href is not None:
            staged = attachments.get(content_id_of_href(document.href))
        if staged:
            key = (staged.handle, staged.size, staged.sha256, staged.key)
            documents.append((document.id, b"".join([chunk async for chunk in blobs.read(*key)])))
        else:
            documents.append((document.id, document.inline if document.href is None else document.href))
    await attachments.discard()
    return documents, [[child.tag for child in element] for element in request[1:]]


@settings(max_examples=60)
@given(DOCUMENTS, st.lists(st.integers(1, 90), max_size=60))
async def test_inline_documents_are_the_same_in_pieces_of_any_size(documents, sizes):
    """ITI TF-2: V.3.6; the reading of the whole is the yardstick, errors and all."""
    body = provide(SUBMISSION, *((f"Document{n}", content) for n, content in enumerate(documents)))
    message = envelope(ITI_41, body)
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        blobs = await DirectoryBlobs.open(Path(directory))
        whole = await outcome(blobs, message, [])
        patch.setattr(envelope_reader, "WHOLE_BYTES", 10)
        patch.setattr(envelope_reader, "PIECE_BYTES", 50)
        patch.setattr(stream, "FIRST_BYTES", 100)
        assert await outcome(blobs, message, sizes) == whole
        await blobs.close()


async def test_what_is_not_readable_is_a_fault_in_pieces_too(tmp_path, monkeypatch):
    """SOAP 1.2 Part 1: 5.4.6; the limit is what stands in memory, not what was sent."""
    monkeypatch.setattr(envelope_reader, "WHOLE_BYTES", 10)
    blobs = await DirectoryBlobs.open(tmp_path)
    attachments = Attachments(blobs)
    cut_off = EnvelopeReader(None, attachments, Limits())
    await cut_off.take(b"<a>" + b"x" * 1000)
    with pytest.raises(SoapFault, match="the message ends before its root element does"):
        await cut_off.finish()
    too_large = EnvelopeReader(None, attachments, Limits(metadata_size_bytes=300_000))
    with pytest.raises(SoapFault, match="the envelope is over the limit of 300000 bytes"):
        await too_large.take(b"<a>" + b"x" * 1_000_000)
    too_many = EnvelopeReader(None, attachments, Limits(documents_per_request=2))
    documents = ((f"Document{n}", "QUJD") for n in range(3))
    await too_many.take(envelope(ITI_41, provide(SUBMISSION, *documents)))
    with pytest.raises(SoapFault, match="the message is over the limit of 2 documents"):
        await too_many.finish()
    for reader in (cut_off, too_large, too_many):
        await reader.abandon()
    await attachments.discard()
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "lock"] == []
    await blobs.close()
