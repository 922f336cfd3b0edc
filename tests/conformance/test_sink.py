"""The kit's own audit repository takes what a node sends, over UDP and TLS, and waits for what comes late."""

import socket
import ssl
import threading
from pathlib import Path

from conformance.sink import MAX_RECORD_BYTES, Sink, contexts, listening
from tests.services.certificates import Authority, Identity
from tests.services.ports import free_port

RECORD = (
    b"<85>1 2024-01-01T00:00:00Z node app 1 IHE+RFC-3881 - <AuditMessage><EventIdentification>"
    b'<EventTypeCode csd-code="ITI-18"/></EventIdentification><ParticipantObjectIdentification '
    b'ParticipantObjectID="%s"/></AuditMessage>'
)


def connected(port: int, authority: Authority, them: Identity) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=authority.certificate)
    context.load_cert_chain(them.certificate, them.key)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")


def test_records_come_over_udp():
    """RFC 5426: 3."""
    port = free_port()
    with listening(port, 0, None) as sink, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(RECORD % b"p1", ("127.0.0.1", port))
        assert sink.find("ITI-18", "p1") is not None


def test_records_come_over_tls_several_to_a_connection(tmp_path: Path):
    """RFC 5425: 4.3."""
    authority = Authority(tmp_path)
    us, them = authority.issue("us"), authority.issue("them")
    port = free_port()
    tls = contexts(us.certificate, us.key, authority.certificate)
    with listening(0, port, tls) as sink, connected(port, authority, them) as sender:
        for name in (b"p1", b"p2"):
            sender.sendall(b"%d %s" % (len(RECORD % name), RECORD % name))
        assert sink.find("ITI-18", "p1") is not None
        assert sink.find("ITI-18", "p2") is not None


def test_a_frame_without_a_length_or_with_too_long_a_one_ends_the_connection(tmp_path: Path):
    authority = Authority(tmp_path)
    us, them = authority.issue("us"), authority.issue("them")
    port = free_port()
    with listening(0, port, contexts(us.certificate, us.key, authority.certificate)):
        for wrong in (b"<85>1 - ", b"%d x" % (MAX_RECORD_BYTES + 1)):
            with connected(port, authority, them) as sender:
                sender.sendall(wrong)
                assert sender.recv(1) == b""


def test_what_comes_late_is_waited_for_and_what_never_comes_not_for_ever():
    sink = Sink(wait_seconds=0.1)
    assert sink.find("ITI-18", "p1") is None
    sink.wait_seconds = 60.0
    threading.Timer(0.05, sink.take, (RECORD % b"p1",)).start()
    assert sink.find("ITI-18", "p1") is not None


def test_a_record_is_found_by_its_transaction_and_by_what_it_mentions():
    sink = Sink(wait_seconds=0.0)
    sink.take(RECORD % b"p1")
    assert sink.find("ITI-18", "p1") is not None
    assert sink.find("ITI-18", "p2") is None
    assert sink.find("ITI-43", "p1") is None


def test_what_is_no_record_is_kept_apart():
    sink = Sink()
    sink.take(b"<85>1 - - - - - - hello")
    sink.take(b"<85>1 - - - - - - <AuditMessage>")
    assert (len(sink.records), len(sink.malformed)) == (0, 2)
