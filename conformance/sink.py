"""An Audit Record Repository of our own, to see what a target records [ITI-20]: syslog over UDP and TLS."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lxml import etree

from conformance.xml import NotXml, read

# What a UDP datagram can hold.
MAX_DATAGRAM_BYTES = 65_535
# ITI TF-2: 3.20.4.1.2.1 asks for 32 KB; a record with a long query is larger.
MAX_RECORD_BYTES = 8 * 1024 * 1024
# What a run makes a target record, with room to spare.
MAX_RECORDS = 200_000
# Records are delivered beside the answers, by a process that may be busy.
WAIT_SECONDS = 60.0


@dataclass
class Sink:
    """Records in the order they came."""

    records: list[etree._Element] = field(default_factory=list)
    malformed: list[bytes] = field(default_factory=list)
    wait_seconds: float = WAIT_SECONDS
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def find(self, transaction: str, mentions: str) -> etree._Element | None:
        """Wait for the record of a transaction that mentions this; None where none comes."""
        deadline = time.monotonic() + self.wait_seconds
        seen = 0
        with self._changed:
            while True:
                for record in self.records[seen:]:
                    if _is_of(record, transaction, mentions):
                        return record
                seen = len(self.records)
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return None
                self._changed.wait(remaining)

    def take(self, message: bytes) -> None:
        """Take one syslog message (RFC 5424), whatever its header says."""
        start = message.find(b"<AuditMessage")
        try:
            record = read(message[start:]) if start >= 0 else None
        except NotXml:
            record = None
        with self._changed:
            if len(self.records) >= MAX_RECORDS:
                return
            if record is None:
                self.malformed.append(message)
            else:
                self.records.append(record)
            self._changed.notify_all()


@contextmanager
def listening(
    udp_port: int, tls_port: int, tls: ssl.SSLContext | None, sink: Sink | None = None
) -> Iterator[Sink]:
    """Open the ports that are not 0, and lend what comes in there."""
    sink = sink or Sink()
    with ExitStack() as stack:
        if udp_port:
            receiver = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
            receiver.bind(("", udp_port))
            _in_background(_datagrams, receiver, sink)
        if tls_port and tls:
            server = stack.enter_context(socket.create_server(("", tls_port)))
            _in_background(_connections, server, tls, sink)
        yield sink


def contexts(certificate: Path | None, key: Path | None, ca: Path | None) -> ssl.SSLContext | None:
    """How the sink speaks TLS: as the node that we are, with nodes of the same authority."""
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ca) if ca else None)
    context.load_cert_chain(certificate, key)
    if ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _is_of(record: etree._Element, transaction: str, mentions: str) -> bool:
    types = record.findall("EventIdentification/EventTypeCode")
    if transaction not in {one.get("csd-code", "") for one in types}:
        return False
    return any(mentions in value for node in record.iter() for value in node.attrib.values())


def _in_background(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()


def _datagrams(receiver: socket.socket, sink: Sink) -> None:
    while True:
        try:
            sink.take(receiver.recv(MAX_DATAGRAM_BYTES))
        except OSError:
            return


def _connections(server: socket.socket, tls: ssl.SSLContext, sink: Sink) -> None:
    while True:
        try:
            plain, _ = server.accept()
        except OSError:
            return
        _in_background(_frames, plain, tls, sink)


def _frames(plain: socket.socket, tls: ssl.SSLContext, sink: Sink) -> None:
    """Octet counting: a length, a blank, the message (RFC 5425: 4.3)."""
    try:
        with tls.wrap_socket(plain, server_side=True) as connection, connection.makefile("rb") as stream:
            while length := _length(stream):
                message = stream.read(length)
                if len(message) < length:
                    return
                sink.take(message)
    except (OSError, ValueError):
        return


def _length(stream: IO[bytes]) -> int:
    digits = b""
    while (one := stream.read(1)) not in (b" ", b""):
        digits += one
        if len(digits) > 8:
            raise ValueError("no length of a frame")
    length = int(digits) if digits else 0
    if length > MAX_RECORD_BYTES:
        raise ValueError("a frame is too long")
    return length
