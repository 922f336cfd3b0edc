"""One message to a server and its answer, plain or MTOM, streamed both ways (ITI TF-2: Appendix V.3)."""

import hashlib
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import httpx2
from lxml import etree

import schemas
from client.errors import Fault, Unreachable
from client.files import LocalFile, chunks_of
from client.tls import refused_by_server
from ihe.transactions import Transaction
from soap.content_type import read_content_type
from soap.envelope import ENVELOPE_TAIL, envelope_head, read_envelope
from soap.fault import SoapFault, read_fault
from soap.mtom import Decoder, Encoder, Event, PartBegins, PartData, PartEnds
from xua.security_header import write_security_header

# A server that does not take a connection in this time is not there.
CONNECT_TIMEOUT_SECONDS = 10.0
# Between two pieces of a message: a server syncs gigabytes to disk before it answers.
SILENCE_TIMEOUT_SECONDS = 300.0
# What of an answer that is no SOAP is shown to a person.
SHOWN_CHARACTERS = 200

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels beside the envelope."""

    content_id: str
    file: LocalFile


@dataclass(slots=True)
class ReceivedPart:
    """A document that came beside the envelope, now in a file."""

    path: Path
    size_bytes: int = 0
    sha1: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The Body's element, and the documents by Content-ID."""

    body: etree._Element
    parts: dict[str, ReceivedPart] = field(default_factory=dict)


class Wire:
    """The connections of one client."""

    def __init__(
        self, assertion: Callable[[], bytes] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._assertion = assertion
        timeout = httpx2.Timeout(SILENCE_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
        self._http = httpx2.Client(timeout=timeout, verify=tls or True)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, transaction: Transaction, url: str, body: bytes) -> etree._Element:
        """Send a plain message; what comes back is the Body's element."""
        content_type = f'application/soap+xml; charset=UTF-8; action="{transaction.action}"'
        message = self._envelope(transaction, url, body)
        return self._exchange(
            transaction, url, content_type, len(message), iter((message,)), _Receiver(None, None)
        ).body

    def send_mtom(
        self,
        transaction: Transaction,
        url: str,
        body: bytes,
        attachments: Sequence[Attachment] = (),
        receive_into: Path | None = None,
        sent: Progress | None = None,
        received: Callable[[int], None] | None = None,
    ) -> Answer:
        """Send a message with files; documents that come back go to files in `receive_into`."""
        encoder = Encoder(uuid4().hex, f"{uuid4()}@client.coffre", transaction.action)
        head = encoder.root_head() + self._envelope(transaction, url, body)
        heads = [encoder.part_head(one.content_id, one.file.mime_type) for one in attachments]
        content_bytes = sum(one.file.size_bytes for one in attachments)

        def message() -> Iterator[bytes]:
            done = 0
            yield head
            for part_head, attachment in zip(heads, attachments, strict=True):
                yield part_head
                for chunk in chunks_of(attachment.file):
                    yield chunk
                    done += len(chunk)
                    if sent:
                        sent(done, content_bytes)
            yield encoder.closing()

        length = len(head) + sum(map(len, heads)) + content_bytes + len(encoder.closing())
        into = _Receiver(receive_into, received)
        return self._exchange(transaction, url, encoder.content_type, length, message(), into)

    def _envelope(self, transaction: Transaction, url: str, body: bytes) -> bytes:
        security = write_security_header(self._assertion()) if self._assertion else b""
        head = envelope_head(transaction.action, uuid4().urn, to=url, more_headers=security)
        return head + body + ENVELOPE_TAIL

    def _exchange(
        self,
        transaction: Transaction,
        url: str,
        content_type: str,
        length: int,
        message: Iterator[bytes],
        into: "_Receiver",
    ) -> Answer:
        headers = {"Content-Type": content_type, "Content-Length": str(length)}
        try:
            with self._http.stream("POST", url, content=message, headers=headers) as response:
                return _read(transaction, url, response, into)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as problem:
            raise Unreachable(url, _reason(problem)) from None
        except httpx2.TimeoutException:
            reason = f"no sign of life for {SILENCE_TIMEOUT_SECONDS:.0f} seconds"
            raise Unreachable(url, reason, sent=True) from None
        except httpx2.TransportError as problem:
            raise Unreachable(url, _reason(problem), sent=not refused_by_server(problem)) from None
        except httpx2.InvalidURL as problem:
            raise Unreachable(url, f"not an address: {problem}") from None


class _Receiver:
    """Takes an MTOM answer as it comes: the root into memory, each document into a file of its own."""

    def __init__(self, directory: Path | None, received: Callable[[int], None] | None) -> None:
        self.root = bytearray()
        self.parts: dict[str, ReceivedPart] = {}
        self._directory = directory
        self._received = received
        self._part: ReceivedPart | None = None
        self._file: BinaryIO | None = None
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._in_root = False

    def take(self, event: Event) -> None:
        match event:
            case PartBegins():
                self._begin(event)
            case PartData(data=data) if self._in_root:
                self.root += data
            case PartData(data=data) if self._file and self._part:
                self._file.write(data)
                self._sha1.update(data)
                self._part.size_bytes += len(data)
                if self._received:
                    self._received(len(data))
            case PartEnds():
                self.end()

    def end(self) -> None:
        if self._file and self._part:
            self._file.close()
            self._part.sha1 = self._sha1.hexdigest()
        self._file = None

    def _begin(self, event: PartBegins) -> None:
        self._in_root = event.is_root
        # What nobody asked for has no directory to go to, and is passed over.
        if not event.is_root and self._directory:
            self._part = self.parts[event.content_id] = ReceivedPart(self._directory / str(len(self.parts)))
            self._file = self._part.path.open("xb")
            self._sha1 = hashlib.sha1(usedforsecurity=False)


def _read(transaction: Transaction, url: str, response: httpx2.Response, into: _Receiver) -> Answer:
    """Read the answer, or say what it is instead: a fault, or nothing that a registry would say."""
    content_type = response.headers.get("content-type", "")
    try:
        media = read_content_type(content_type)
        if media.media_type == "multipart/related":
            root = _read_mtom(Decoder(media), response, into)
        elif media.media_type in ("application/soap+xml", "text/xml", "application/xml"):
            root = _read_whole(response)
        else:
            raise Unreachable(url, _no_soap(response), sent=response.is_success)
        body = _body(root, media.parameters.get("charset"))
    except (SoapFault, schemas.NotParsable) as problem:
        raise Unreachable(url, f"{_no_soap(response)} ({problem})", sent=response.is_success) from None
    if fault := read_fault(body):
        subcode = f" {fault.subcode[1]}" if fault.subcode else ""
        raise Fault(transaction, f"{fault.code}{subcode}", fault.reason)
    return Answer(body, into.parts)


def _read_mtom(decoder: Decoder, response: httpx2.Response, into: _Receiver) -> bytes:
    try:
        for chunk in response.iter_bytes():
            decoder.receive_data(chunk)
            for event in decoder.events():
                into.take(event)
        decoder.receive_end()
        for event in decoder.events():
            into.take(event)
    finally:
        into.end()
    return bytes(into.root)


def _read_whole(response: httpx2.Response) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > schemas.MAX_XML_BYTES:
            raise SoapFault.too_large("the answer", schemas.MAX_XML_BYTES)
    return bytes(content)


def _body(root: bytes, charset: str | None) -> etree._Element:
    return read_envelope(
        schemas.parse(root, charset), tolerate_white_space=True, message_id_required=False
    ).body


def _no_soap(response: httpx2.Response) -> str:
    """What came instead of a SOAP message."""
    kind = response.headers.get("content-type", "").partition(";")[0] or "nothing"
    text = ""
    if kind == "text/plain":
        text = f": {next(response.iter_text(), '').strip()[:SHOWN_CHARACTERS]}"
    return f"HTTP {response.status_code} {response.reason_phrase} with {kind}, which is no SOAP answer{text}"


def _reason(problem: Exception) -> str:
    return str(problem).partition("] ")[2] or str(problem) or type(problem).__name__
