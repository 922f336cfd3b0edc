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
            verify=self.tls, timeout=ANSWER_TIMEOUT_SECONDS, trust_env=False, http2=False
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def post(self, url: str, message: Message) -> Reply:
        """Send one message, and read its answer whole."""
        started, clock = datetime.now(UTC), time.monotonic()
        headers = {"content-type": message.content_type, "accept-encoding": "identity"}
        try:
            answer = self._client.post(url, content=message.body, headers=headers)
        except httpx2.HTTPError as problem:
            raise Unreachable(f"{url}: {type(problem).__name__}: {problem}") from None
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, headers, answer.content, started, time.monotonic() - clock)

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


def _framed(connection: socket.socket, content: bytes) -> bytes:
    connection.sendall(b"\x0b" + content + b"\x1c\x0d")
    answer = b""
    while not answer.endswith(b"\x1c\x0d") and len(answer) < MAX_ACKNOWLEDGEMENT_BYTES:
        piece = connection.recv(4096)
        if not piece:
            break
        answer += piece
    return answer.removeprefix(b"\x0b").removesuffix(b"\x1c\x0d")
