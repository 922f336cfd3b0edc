"""A proxy in front of a running server, which makes a mutant of it."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.conformance.mutants.mutant import Answered, Mutant

# Far longer than any answer takes, on a machine however busy.
TIMEOUT_SECONDS = 120


class Proxy:
    """Where the mutant listens, which mutant it is now, and whether it has done anything wrong yet."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.mutant: Mutant | None = None
        self.touched = 0
        self.url = ""

    def become(self, mutant: Mutant | None) -> None:
        """Be this mutant from now on."""
        self.mutant, self.touched = mutant, 0

    def passed_on(self, path: str, headers: dict[str, str], body: bytes) -> Answered:
        """Ask the right server, or something like what was asked, and answer something like it."""
        mutant = self.mutant
        meant = mutant is not None and mutant.when in body
        asked = body
        if mutant and meant and mutant.ask:
            asked = mutant.ask(body)
            self.touched += asked != body
        answered = self._asked(path, headers, asked)
        if mutant and meant and mutant.answer:
            before = (answered.status, dict(answered.headers), answered.body)
            mutant.answer(body, answered)
            self.touched += before != (answered.status, answered.headers, answered.body)
        return answered

    def _asked(self, path: str, headers: dict[str, str], body: bytes) -> Answered:
        connection = http.client.HTTPConnection(
            self.upstream.hostname or "", self.upstream.port, timeout=TIMEOUT_SECONDS
        )
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            kept = {"content-type": response.headers["content-type"]}
            return Answered(response.status, kept, response.read())
        finally:
            connection.close()


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """Lend a proxy in front of a server."""
    proxy = Proxy(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {"content-type": self.headers["content-type"]}
            answered = proxy.passed_on(self.path, headers, body)
            self.send_response(answered.status)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answered.body)))
            self.end_headers()
            self.wfile.write(answered.body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
