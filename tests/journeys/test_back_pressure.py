"""Whoever is slow makes the other side wait: nothing piles up in the server in between."""

import http.client
import socket
from urllib.parse import urlsplit

from tests.messages.requests import ITI_41, ITI_43, SUCCESS, Submission, provide, retrieve, submission
from tests.services.platform import Platform, running
from tests.services.relay import relay_to
from tests.wire import MTOM_TYPE, envelope, include, mtom, post

MEGABYTE = 1024 * 1024
PIECE = bytes(range(256)) * 4096
PIECES = 120
# Half of what piles up if nobody waits.
MEMORY_LIMIT_BYTES = 64 * MEGABYTE
# Who cannot send for so long is being made to wait; one that is only slow sends a little now and then.
STALLED_SECONDS = 3
ANSWER_SECONDS = 300


def message_of(sent: Submission) -> tuple[bytes, bytes]:
    """An ITI-41 up to its document, and behind it."""
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    message = mtom(envelope(ITI_41, body), ("part1@wire", "text/plain", b"HERE"))
    head, _, tail = message.partition(b"HERE")
    return head, tail


def warmed_up(platform: Platform) -> int:
    """The server's memory after a small document went in and out."""
    small = submission(platform.add_patient())
    assert platform.provide(small, b"small").status_urn == SUCCESS
    assert platform.retrieve(small.unique_id).status_urn == SUCCESS
    return platform.peak_memory_bytes


def asking(platform: Platform, unique_id: str) -> http.client.HTTPConnection:
    """A connection on which a document was asked for, with little room for what comes."""
    parts = urlsplit(platform.repository_url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER_SECONDS)
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.request(
        "POST", parts.path, mtom(envelope(ITI_43, retrieve(unique_id))), {"Content-Type": MTOM_TYPE}
    )
    return connection


def pieces_in(response: http.client.HTTPResponse) -> int:
    """Read an answer to its end, piece by piece; how many of the document were right."""
    count = 0
    while response.readline() != b"\r\n":
        pass
    while response.readline() != b"\r\n":
        pass
    while response.read(len(PIECE)) == PIECE:
        count += 1
    return count


def test_a_consumer_that_does_not_read_makes_the_server_wait(platform):
    """ITI TF-2: 3.43; others are served meanwhile, and it gets all when it reads on."""
    before = warmed_up(platform)
    sent = submission(platform.add_patient())
    head, tail = message_of(sent)
    assert (
        post(platform.repository_url, iter([head, *[PIECE] * PIECES, tail]), MTOM_TYPE).status_urn == SUCCESS
    )

    idle = asking(platform, sent.unique_id)
    waiting = idle.getresponse()
    busy = asking(platform, sent.unique_id)
    assert pieces_in(busy.getresponse()) == PIECES
    assert platform.peak_memory_bytes - before < MEMORY_LIMIT_BYTES
    assert pieces_in(waiting) == PIECES
    assert platform.peak_memory_bytes - before < MEMORY_LIMIT_BYTES
    idle.close()
    busy.close()


def test_a_store_that_does_not_take_makes_the_sender_wait(tmp_path, object_store):
    """ITI TF-2: 3.41; the document is whole when the store takes it again."""
    bucket = object_store.new_bucket()
    with relay_to(object_store.endpoint) as relay:
        environment = object_store.environment(bucket, relay.url)
        with running(tmp_path / "platform", environment=environment) as platform:
            before = warmed_up(platform)
            sent = submission(platform.add_patient())
            head, tail = message_of(sent)
            parts = urlsplit(platform.repository_url)
            with socket.create_connection((str(parts.hostname), parts.port)) as connection:
                connection.settimeout(STALLED_SECONDS)
                length = len(head) + PIECES * len(PIECE) + len(tail)
                request = f"POST {parts.path} HTTP/1.1\r\nHost: wire\r\nContent-Type: {MTOM_TYPE}\r\n"
                connection.sendall(f"{request}Content-Length: {length}\r\n\r\n".encode() + head)
                relay.hold()
                taken = taken_of(connection)
                assert taken < MEMORY_LIMIT_BYTES
                assert platform.peak_memory_bytes - before < MEMORY_LIMIT_BYTES
                relay.join()
                connection.settimeout(ANSWER_SECONDS)
                connection.sendall((PIECE * PIECES)[taken:] + tail)
                response = http.client.HTTPResponse(connection)
                response.begin()
                assert SUCCESS.encode() in response.read()
            taken_out = asking(platform, sent.unique_id)
            assert pieces_in(taken_out.getresponse()) == PIECES
            taken_out.close()
    object_store.empty(bucket)


def taken_of(connection: socket.socket) -> int:
    """How much of the document can be sent before the other side takes no more."""
    taken = 0
    document = memoryview(PIECE * PIECES)
    try:
        while taken < len(document):
            taken += connection.send(document[taken : taken + 65536])
    except TimeoutError:
        pass
    return taken
