"""Where the software under test finds us: HTTP and HTTPS, MLLP, and the bytes that come in there."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any
from uuid import uuid4

from cryptography import x509

from conformance.client.actors import Actors, Peer
from conformance.client.observed import Observation
from conformance.judging.identity_v2 import END_BLOCK, START_BLOCK, read_message
from conformance.judging.message import judge
from conformance.results import Exchange
from conformance.sink import Sink

# The largest document of practice software is a scan of some MB.
MAX_BODY_BYTES = 64 * 1024 * 1024
# A feed message is a few lines; the largest field that HL7 v2.3.1 knows has 64 KB.
MAX_MLLP_BYTES = 1024 * 1024
# Who connects and says nothing is let go.
SILENCE_SECONDS = 60
# Practice software keeps a few connections open.
MAX_CONNECTIONS = 64
# How long the end of a session waits for the endpoints to notice.
POLL_SECONDS = 0.05
# A chunk's length is a few hexadecimal digits.
MAX_CHUNK_HEAD_BYTES = 256

Watch = Callable[[Observation], None]


class Heard(Sink):
    """Audit records, each judged as it came with its header [ITI-20]."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def take(self, message: bytes) -> None:
        """Judge one syslog message."""
        super().take(message)
        started = datetime.now(UTC)
        judgement = judge(message)
        exchange = Exchange(
            "ITI-20 Record Audit Event", "", "ITI-20", b"", message, started, 0.0, judgement.findings
        )
        self._watch(Observation("ITI-20", judgement, exchange, answered="Success"))


@contextmanager
def web_services(
    host: str, port: int, actors: Actors, watch: Watch, tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Take messages at a port until the end; which port it is."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = SILENCE_SECONDS

        def do_POST(self) -> None:
            """Judge and answer a message."""
            body = _body(
                self.rfile, self.headers.get("Transfer-Encoding", ""), self.headers.get("Content-Length", "")
            )
            if body is None:
                self.close_connection = True
                self.send_error(413)
                return
            peer = _peer(self.connection)
            status, answer, seen = actors.answer(self.path, self.headers.get("Content-Type", ""), body, peer)
            watch(seen)
            self.send_response(status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """What came is told by the checklist."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def process_request(self, request: Any, client_address: Any) -> None:
            # One too many is closed at once, rather than kept waiting.
            if places.acquire(blocking=False):
                super().process_request(request, client_address)
            else:
                self.shutdown_request(request)

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            try:
                super().process_request_thread(request, client_address)
            finally:
                places.release()

        def finish_request(self, request: Any, client_address: Any) -> None:
            # The handshake is the peer's time, not that of all others.
            with suppress(OSError):
                request.settimeout(SILENCE_SECONDS)
                if tls is None:
                    super().finish_request(request, client_address)
                    return
                with tls.wrap_socket(request, server_side=True) as secured:
                    super().finish_request(secured, client_address)

    places = threading.Semaphore(MAX_CONNECTIONS)
    server = Server((host, port), Handler)

    def serve() -> None:
        server.serve_forever(poll_interval=POLL_SECONDS)

    with _in_background(serve, server.shutdown, server.server_close):
        yield int(server.server_address[1])


@contextmanager
def identity_feed(host: str, port: int, watch: Watch) -> Iterator[int]:
    """Take HL7 v2 messages in MLLP frames [ITI-8]; which port it is."""
    listener = socket.create_server((host, port))
    places = threading.Semaphore(MAX_CONNECTIONS)

    def converse(connection: socket.socket) -> None:
        try:
            _converse(connection, watch)
        finally:
            places.release()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if places.acquire(blocking=False):
                threading.Thread(target=converse, args=(connection,), daemon=True).start()
            else:
                connection.close()

    with _in_background(accept, lambda: listener.shutdown(socket.SHUT_RDWR), listener.close):
        yield int(listener.getsockname()[1])


@contextmanager
def _in_background(
    work: Callable[[], None], stop: Callable[[], None], close: Callable[[], None]
) -> Iterator[None]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    with ExitStack() as at_the_end:
        at_the_end.callback(close)
        at_the_end.callback(thread.join)
        at_the_end.callback(stop)
        yield


def _converse(connection: socket.socket, watch: Watch) -> None:
    connection.settimeout(SILENCE_SECONDS)
    waiting = b""
    with connection:
        while len(waiting) < MAX_MLLP_BYTES:
            try:
                piece = connection.recv(65_536)
            except OSError:
                return
            if not piece:
                return
            waiting += piece
            while END_BLOCK in waiting:
                frame, _, waiting = waiting.partition(END_BLOCK)
                message = frame[frame.find(START_BLOCK) :] + END_BLOCK
                answer = _acknowledged(message)
                connection.sendall(answer)
                started, judgement = datetime.now(UTC), judge(message)
                exchange = Exchange(
                    "ITI-8 Patient Identity Feed",
                    "",
                    "ITI-8",
                    answer,
                    message,
                    started,
                    0.0,
                    judgement.findings,
                )
                watch(
                    Observation(
                        "ITI-8", judgement, exchange, answered="Success" if judgement.good else "Failure"
                    )
                )


def _acknowledged(content: bytes) -> bytes:
    """The general acknowledgement (ITI TF-2: C.2.3): accepted, or with errors."""
    message = read_message(content)
    code = "AA" if judge(content).good else "AE"
    back = "|".join(message.field("MSH", number) for number in (5, 6, 3, 4))
    lines = (
        f"MSH|^~\\&|{back}|{datetime.now(UTC):%Y%m%d%H%M%S}||ACK^{message.event}|{uuid4().hex[:20]}|P|2.3.1",
        f"MSA|{code}|{message.field('MSH', 10)}",
    )
    return START_BLOCK + "\r".join(lines).encode() + b"\r" + END_BLOCK


def _peer(connection: object) -> Peer:
    if not isinstance(connection, ssl.SSLSocket):
        return Peer()
    der = connection.getpeercert(binary_form=True)
    return Peer(True, x509.load_der_x509_certificate(der).subject.rfc4514_string() if der else "")


def _body(stream: BufferedIOBase, encoding: str, length: str) -> bytes | None:
    """The whole body, chunked or not; None if it is too long or cannot be told."""
    if "chunked" not in encoding.lower():
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return None
        return stream.read(int(length))
    pieces: list[bytes] = []
    size = 0
    while True:
        head = re.match(rb"([0-9a-fA-F]{1,8})[;\r\n]", stream.readline(MAX_CHUNK_HEAD_BYTES))
        if not head:
            return None
        chunk = int(head[1], 16)
        size += chunk
        if size > MAX_BODY_BYTES:
            return None
        if not chunk:
            while stream.readline(MAX_CHUNK_HEAD_BYTES).strip():
                continue
            return b"".join(pieces)
        pieces.append(stream.read(chunk))
        stream.readline(MAX_CHUNK_HEAD_BYTES)
