"""The system under judgement: where it listens, who we are to it, and the messages that go there."""

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from conformance.messages.envelope import Message

# A document of 64 MB on a busy machine; a target that is silent longer has not answered.
ANSWER_TIMEOUT_SECONDS = 120
# Somebody who listens lets one in at once.
CONNECT_TIMEOUT_SECONDS = 20
# Servers close connections that lie idle, after five seconds the soonest we know.
KEPT_OPEN_SECONDS = 2.0
# Thirty documents, or one of 16 MB, are the most that a plan asks for; inline they are a third longer.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
# Of what went over the wire a report keeps so much.
KEPT_BYTES = 1_000_000
# An HL7 v2 acknowledgement is a few lines.
MAX_ACKNOWLEDGEMENT_BYTES = 65_536


class Unreachable(Exception):
    """The target does not answer at all; says which endpoint and why."""


@dataclass(frozen=True)
class Reply:
    """What came back over HTTP, with when and how long."""

    http: int
    headers: Mapping[str, str]
    body: bytes
    started: datetime
    seconds: float


@dataclass(frozen=True)
class Endpoints:
    """The addresses of a target; identity feeds may go over MLLP, mllp://host:port or mllps://."""

    registry: str
    repository: str
    identity: str

    def named(self) -> tuple[tuple[str, str], ...]:
        """Each with its name, as a report shows them."""
        return (("registry", self.registry), ("repository", self.repository), ("identity", self.identity))


@dataclass
class Target:
    """Endpoints, and one HTTP client that shows our certificate there."""

    endpoints: Endpoints
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    # A certificate that the target must refuse, and its key.
    refused: Path | None = None
    _client: httpx2.Client = field(init=False, repr=False)
    tls: ssl.SSLContext = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.tls = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        # A node is known by its certificate, not by its name (ITI TF-2: 3.19.6.1.3).
        self.tls.check_hostname = False
        if self.certificate:
            self.tls.load_cert_chain(self.certificate, self.key)
        self._client = httpx2.Client(
            verify=self.tls,
            timeout=ANSWER_TIMEOUT_SECONDS,
            trust_env=False,
            http2=False,
            limits=httpx2.Limits(keepalive_expiry=KEPT_OPEN_SECONDS),
        )

    def unreachable(self) -> str:
        """Why an endpoint cannot be reached at all; empty where all can."""
        for name, url in self.endpoints.named():
            address = urlsplit(url)
            port = address.port or {"https": 443}.get(address.scheme, 80)
            try:
                if url:
                    socket.create_connection((address.hostname or "", port), CONNECT_TIMEOUT_SECONDS).close()
            except OSError as problem:
                return f"the {name} at {url} cannot be reached: {problem}"
        return ""

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def post(self, url: str, message: Message) -> Reply:
        """Send one message, and read its answer whole."""
        started, clock = datetime.now(UTC), time.monotonic()
        headers = {"content-type": message.content_type, "accept-encoding": "identity"}
        try:
            with self._client.stream("POST", url, content=message.body, headers=headers) as answer:
                body = _within_limit(url, answer)
        except httpx2.HTTPError as problem:
            raise Unreachable(f"{url}: {type(problem).__name__}: {problem}") from None
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, headers, body, started, time.monotonic() - clock)

    def mllp(self, url: str, content: bytes) -> Reply:
        """Send one HL7 v2 message in its frame, and read the acknowledgement's (HL7 v2: MLLP Release 1)."""
        started, clock = datetime.now(UTC), time.monotonic()
        address = urlsplit(url)
        try:
            with socket.create_connection(
                (address.hostname or "", address.port or 0), ANSWER_TIMEOUT_SECONDS
            ) as plain:
                if address.scheme == "mllps":
                    with self.tls.wrap_socket(plain, server_hostname=address.hostname) as wrapped:
                        answer = _framed(wrapped, content)
                else:
                    answer = _framed(plain, content)
        except OSError as problem:
            raise Unreachable(f"{url}: {problem}") from None
        return Reply(200, {}, answer, started, time.monotonic() - clock)


def _within_limit(url: str, answer: httpx2.Response) -> bytes:
    """The body as it came over the wire: nobody asked for it to be compressed."""
    pieces, size = [], 0
    for piece in answer.iter_raw():
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise Unreachable(f"{url}: an answer has more than {MAX_ANSWER_BYTES} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _framed(connection: socket.socket, content: bytes) -> bytes:
    connection.sendall(b"\x0b" + content + b"\x1c\x0d")
    answer = b""
    while not answer.endswith(b"\x1c\x0d") and len(answer) < MAX_ACKNOWLEDGEMENT_BYTES:
        piece = connection.recv(4096)
        if not piece:
            break
        answer += piece
    return answer.removeprefix(b"\x0b").removesuffix(b"\x1c\x0d")
