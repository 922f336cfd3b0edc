"""Documents larger than anybody's memory: they stream in and out, and the server stays as small as it was."""

import base64
import hashlib
import http.client
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.messages.requests import ITI_41, ITI_43, SUCCESS, provide, retrieve, submission
from tests.services.platform import Platform, running
from tests.wire import MTOM_TYPE, envelope, include, mtom, multipart, post, root_part

MEGABYTE = 1024 * 1024
SIZE_BYTES = 300 * MEGABYTE
# Buffers of the sockets and of the pieces under way; the document is five times that.
MEMORY_LIMIT_BYTES = 64 * MEGABYTE
TIME_LIMIT_SECONDS = 60


def document() -> Iterator[bytes]:
    """300 MB without a period that a buffer's size could hide."""
    block = hashlib.shake_128(b"a large document").digest(MEGABYTE + 7)
    sent = 0
    while sent < SIZE_BYTES:
        piece = block[: SIZE_BYTES - sent]
        yield piece
        sent += len(piece)


def test_a_document_of_300_megabytes_streams_in_and_out(platform):
    """ITI TF-2: 3.41, 3.43; not a byte of it is kept in the memory of this test either."""
    streams_in_and_out(platform)


def test_a_document_of_300_megabytes_streams_into_a_bucket_and_out_of_it(tmp_path, object_store):
    """ITI TF-2: 3.41, 3.43; in parts that S3 joins (Amazon S3 API: CompleteMultipartUpload)."""
    bucket = object_store.new_bucket()
    with running(tmp_path / "platform", environment=object_store.environment(bucket)) as platform:
        streams_in_and_out(platform)
    object_store.empty(bucket)


def streams_in_and_out(platform: Platform) -> None:
    """Both ways, with little memory and in good time."""
    sent = submission(platform.add_patient(), mime_type="application/octet-stream")
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    head, _, tail = mtom(envelope(ITI_41, body), ("part1@wire", "text/plain", b"HERE")).partition(b"HERE")
    # A small one first: what is loaded with the first request is no memory of the document.
    small = submission(sent.patient_id)
    assert platform.provide(small, b"small").status_urn == SUCCESS
    platform.retrieve(small.unique_id)
    before, began = platform.peak_memory_bytes, time.monotonic()

    sha1 = hashlib.sha1()  # noqa: S324

    def message() -> Iterator[bytes]:
        yield head
        for piece in document():
            sha1.update(piece)
            yield piece
        yield tail

    answer = post(platform.repository_url, message(), MTOM_TYPE)
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    assert platform.peak_memory_bytes - before < MEMORY_LIMIT_BYTES

    size, digest = retrieved(platform.repository_url, sent.unique_id)
    assert (size, digest) == (SIZE_BYTES, sha1.hexdigest())
    assert platform.peak_memory_bytes - before < MEMORY_LIMIT_BYTES
    assert time.monotonic() - began < TIME_LIMIT_SECONDS


@pytest.mark.parametrize("packaging", ["plain SOAP", "MTOM"])
def test_an_inline_document_of_300_megabytes_streams_in(platform, packaging):
    """ITI TF-2: V.3.6: base64 in the envelope itself, 400 MB of it; it is not kept in memory either."""
    sent = submission(platform.add_patient(), mime_type="application/octet-stream")
    text = envelope(ITI_41, provide(sent.submit_objects_request, ("Document1", "HERE")))
    content_type = MTOM_TYPE if packaging == "MTOM" else "application/soap+xml; charset=UTF-8"
    head, _, tail = (mtom(text) if packaging == "MTOM" else text).partition(b"HERE")
    # Lines of 76 characters in between: most senders break them, some do not.
    block = hashlib.shake_128(b"an inline document").digest(57 * 9000)
    lines, line = base64.encodebytes(block), base64.b64encode(block)
    pieces = SIZE_BYTES // len(block)
    before = platform.peak_memory_bytes

    def message() -> Iterator[bytes]:
        yield head
        for number in range(pieces):
            yield lines if number % 2 else line
        yield tail

    answer = post(platform.repository_url, message(), content_type)
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    assert platform.peak_memory_bytes - before < MEMORY_LIMIT_BYTES
    expected = hashlib.sha1(block * pieces)  # noqa: S324
    assert retrieved(platform.repository_url, sent.unique_id) == (len(block) * pieces, expected.hexdigest())


def test_many_documents_leave_in_one_answer_as_they_are_read(platform):
    """ITI TF-2: 3.43: 20 of 20 MB; none waits in memory for its turn."""
    sent = submission(platform.add_patient(), 20)
    documents = [hashlib.shake_128(b"%d" % number).digest(MEGABYTE) * 20 for number in range(20)]
    assert platform.provide(sent, *documents).status_urn == SUCCESS
    platform.retrieve(sent.unique_ids[0])
    before = platform.peak_memory_bytes
    answer = platform.retrieve(*sent.unique_ids)
    assert answer.status_urn == SUCCESS
    assert [content for _, content in answer.parts[1:]] == documents
    assert platform.peak_memory_bytes - before < MEMORY_LIMIT_BYTES


def retrieved(url: str, unique_id: str) -> tuple[int, str]:
    """Size and SHA-1 of the one document of an answer, read piece by piece."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=TIME_LIMIT_SECONDS)
    request = multipart(root_part(envelope(ITI_43, retrieve(unique_id))))
    connection.request("POST", parts.path, request, {"Content-Type": MTOM_TYPE})
    response = connection.getresponse()
    boundary = response.headers["Content-Type"].partition('boundary="')[2].partition('"')[0]
    for _ in range(2):  # the headers of the envelope and, behind it, of the document
        while response.readline() != b"\r\n":
            pass
    closing = f"\r\n--{boundary}--\r\n".encode()
    sha1, size, held = hashlib.sha1(), 0, b""  # noqa: S324
    while piece := response.read(MEGABYTE):
        held += piece
        content, held = held[: -len(closing)], held[-len(closing) :]
        sha1.update(content)
        size += len(content)
    connection.close()
    assert held == closing
    return size, sha1.hexdigest()
