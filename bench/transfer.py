"""Documents of any size over the wire, in and out; none of them stands in the memory of this program."""

import hashlib
import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.messages.requests import ITI_41, ITI_43, SUCCESS, Submission, provide, retrieve, submission
from tests.services.platform import Platform
from tests.wire import MTOM_TYPE, envelope, include, mtom, multipart, post, root_part

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE
GIGABYTE = 1024 * MEGABYTE

# Of the size of the pieces in which a peer writes and reads.
PIECE_BYTES = MEGABYTE
# Without a period that a buffer's size could hide.
BLOCK = hashlib.shake_128(b"a large document").digest(PIECE_BYTES + 7)

ANSWER_TIMEOUT_SECONDS = 3600


def warm_up(platform: Platform) -> None:
    """What is loaded with the first request is no memory of its documents."""
    small = submission(platform.add_patient())
    if platform.provide(small, b"small").status_urn != SUCCESS:
        raise SystemExit("the server does not take a small document")
    platform.retrieve(small.unique_id)


def put_in(platform: Platform, sent: Submission, size_bytes: int) -> str:
    """Provide the documents of a submission; what is wrong with the answer."""
    names = [f"part{number}@wire" for number, _ in enumerate(sent.unique_ids, 1)]
    documents = ((f"Document{number}", include(name)) for number, name in enumerate(names, 1))
    message = mtom(
        envelope(ITI_41, provide(sent.submit_objects_request, *documents)),
        *((name, "text/plain", f"HERE{name}".encode()) for name in names),
    )

    def body() -> Iterator[bytes]:
        rest = message
        for name in names:
            head, _, rest = rest.partition(f"HERE{name}".encode())
            yield head
            yield from content(size_bytes)
        yield rest

    answer = post(platform.repository_url, body(), MTOM_TYPE)
    return "" if answer.status_urn == SUCCESS else f"refused: {answer.errors}"


def take_out(platform: Platform, sent: Submission, size_bytes: int) -> str:
    """Retrieve the documents of a submission; what is wrong with them."""
    parts = urlsplit(platform.repository_url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER_TIMEOUT_SECONDS)
    request = multipart(root_part(envelope(ITI_43, retrieve(*sent.unique_ids))))
    connection.request("POST", parts.path, request, {"Content-Type": MTOM_TYPE})
    response = connection.getresponse()
    skip_headers(response)
    for number, _ in enumerate(sent.unique_ids, 1):
        skip_headers(response)
        if not is_content(response, size_bytes):
            return f"document {number} is not what it was"
        response.read(len(b"\r\n"))
    closing = response.read()
    connection.close()
    return "" if closing.startswith(b"--") and closing.endswith(b"--\r\n") else "the answer has no end"


def take_dummy(url: str, size_bytes: int) -> str:
    """Take a document as a whole answer; what is wrong with it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER_TIMEOUT_SECONDS)
    connection.request("GET", parts.path)
    response = connection.getresponse()
    same = is_content(response, size_bytes) and not response.read()
    connection.close()
    return "" if same else "the dummy is not what it should be"


def is_content(response: http.client.HTTPResponse, size_bytes: int) -> bool:
    """Whether the next bytes are those of a document of this size."""
    return all(response.read(len(piece)) == piece for piece in content(size_bytes))


def skip_headers(response: http.client.HTTPResponse) -> None:
    """Read past whatever stands before the next document, to the empty line after its headers."""
    while response.readline() != b"\r\n":
        pass


def content(size_bytes: int) -> Iterator[bytes]:
    """A document of this size in pieces."""
    sent = 0
    while sent < size_bytes:
        piece = BLOCK[: size_bytes - sent]
        yield piece
        sent += len(piece)
