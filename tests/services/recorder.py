"""An HTTP server between two systems that keeps what went both ways, and changes nothing."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ANSWER_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Kept:
    """A message and the Content-Type that it came under."""

    content_type: str
    content: bytes


@dataclass
class Recorder:
    """Where it listens, and every request with its answer in the order in which they were answered."""

    url: str
    exchanges: list[tuple[Kept, Kept]] = field(default_factory=list)


@contextmanager
def recorder(url: str) -> Iterator[Recorder]:
    """Stand at a free port of this machine before the server at that address."""
    behind = urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Pass a request on, and its answer back."""
            body = self._body()
            asked = Kept(self.headers["Content-Type"], body)
            passed = {"Content-Type": asked.content_type}
            connection = http.client.HTTPConnection(
                str(behind.hostname), int(behind.port or 80), timeout=ANSWER_TIMEOUT_SECONDS
            )
            connection.request("POST", self.path, body, passed)
            answer = connection.getresponse()
            answered = Kept(answer.headers["Content-Type"], answer.read())
            connection.close()
            kept.exchanges.append((asked, answered))
            self.send_response(answer.status)
            self.send_header("Content-Type", answered.content_type)
            self.send_header("Content-Length", str(len(answered.content)))
            self.end_headers()
            self.wfile.write(answered.content)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"]))
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Recorder(f"http://127.0.0.1:{listening.server_address[1]}")
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
