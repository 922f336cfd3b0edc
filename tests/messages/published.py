"""The published files on a local port, as a foreign SOAP stack would find them."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import get_args

import schemas
import wsdl

_ACTORS: tuple[wsdl.Actor, ...] = get_args(wsdl.Actor)


class _Published(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = schemas.file(self.path.removeprefix("/schemas/"))
        for actor in _ACTORS:
            if self.path == f"/{actor}?wsdl":
                content = wsdl.document(actor, f"http://{self.headers['Host']}/{actor}")
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_arguments: object) -> None:
        """Keep the output of the tests clean."""


@contextmanager
def published_files() -> Iterator[str]:
    """Serve every WSDL at /ACTOR?wsdl and every schema at /schemas/NAME while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Published)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
