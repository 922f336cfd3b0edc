"""A system that makes documents on demand: a plain web server with an answer for each path."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Made:
    """An answer; of a `declared_bytes` that is more than its content the rest never comes."""

    content: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    delay_seconds: float = 0
    declared_bytes: int | None = None
    location: str = ""


@dataclass
class DocumentSource:
    """Answers GET /made/ID; `asked` are the paths that were asked for."""

    url: str
    made: dict[str, Made] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def toml(self) -> str:
        """The section of the configuration that names it."""
        limits = "timeout_seconds = 1\nsize_bytes = 1000000\n"
        return f'\n[on_demand]\nurl = "{self.url}/made/{{uniqueId}}"\n{limits}'


@contextmanager
def document_source() -> Iterator[DocumentSource]:
    """Run one at a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            source.asked.append(self.path)
            made = source.made.get(self.path.rpartition("/")[2], Made(b"", status=404))
            time.sleep(made.delay_seconds)
            self.send_response(made.status)
            self.send_header("Content-Type", made.content_type)
            self.send_header("Content-Length", str(made.declared_bytes or len(made.content)))
            if made.location:
                self.send_header("Location", made.location)
            self.end_headers()
            self.wfile.write(made.content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    source = DocumentSource(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
