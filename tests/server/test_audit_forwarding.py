"""From the spool to audit repositories: each record at least once (ITI TF-2: 3.20.4.1)."""

import os
import select
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest

from atna_audit.following import Cursor, CursorTaken
from atna_audit.spool import Spool
from audit_message.syslog import read_syslog
from server import syslog_transport
from server.audit_forwarding import Forwarder
from server.syslog_transport import TlsRepository, UdpRepository, repository_at
from tests.services import rsyslog
from tests.services.certificates import Authority

pytestmark = pytest.mark.anyio

RECORDS = tuple(
    f'<?xml version="1.0" encoding="UTF-8"?><AuditMessage n="{n}" name="Gérard &#10;é"/>'.encode()
    for n in range(20)
)


@dataclass
class Recorder:
    """A repository that fails when it is told to."""

    received: list[bytes] = field(default_factory=list)
    fails_after: int = 1 << 30
    confirms: bool = True

    @contextmanager
    def session(self) -> Iterator["Recorder"]:
        yield self

    def send(self, message: bytes) -> None:
        if self.fails_after <= 0:
            raise ConnectionResetError
        self.fails_after -= 1
        self.received.append(message)

    def confirm(self) -> None:
        if not self.confirms:
            raise ConnectionResetError

    @property
    def contents(self) -> list[bytes]:
        return [read_syslog(message).content for message in self.received]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "audit"


async def spooled(directory: Path, *records: bytes) -> None:
    spool = Spool.open(directory, segment_limit_bytes=400)
    for record in records:
        await spool.record(record)
    await spool.close()


def deliver(directory: Path, destination: Recorder) -> int:
    with Cursor.held(directory, "there") as cursor:
        return Forwarder(directory, "there", destination).deliver(cursor)


async def test_each_record_is_delivered_once_over_segments_and_processes(directory):
    await spooled(directory, *RECORDS[:5])
    there = Recorder()
    assert deliver(directory, there) == 5
    await spooled(directory, *RECORDS[5:])
    assert deliver(directory, there) == 15
    assert deliver(directory, there) == 0
    assert there.contents == list(RECORDS)
    assert {read_syslog(message).diagnosis for message in there.received} == {()}


@pytest.mark.parametrize("failing", [{"fails_after": 3}, {"confirms": False}])
async def test_what_was_not_confirmed_is_sent_again_byte_for_byte(directory, failing):
    await spooled(directory, *RECORDS)
    broken, there = Recorder(**failing), Recorder()
    with pytest.raises(ConnectionResetError):
        deliver(directory, broken)
    assert deliver(directory, there) == 20
    assert there.contents == list(RECORDS)
    assert there.received[: len(broken.received)] == broken.received


async def test_equal_records_are_told_apart_by_their_process_id(directory):
    await spooled(directory, RECORDS[0], RECORDS[0])
    there = Recorder()
    deliver(directory, there)
    assert there.received[0] != there.received[1]


async def test_records_of_a_living_process_are_followed(directory):
    there = Recorder()
    spool = Spool.open(directory)
    for record in RECORDS[:3]:
        await spool.record(record)
        assert deliver(directory, there) == 1
    await spool.close()
    assert deliver(directory, there) == 0
    assert there.contents == list(RECORDS[:3])


async def test_a_record_across_the_remembered_offset_is_found(directory):
    """A write that failed half-way is taken back and others come in its place."""
    spool = Spool.open(directory)
    await spool.record(RECORDS[0])
    saved = directory.with_name("before")
    shutil.copytree(directory, saved)
    await spool.record(b"<x/>")
    there = Recorder()
    deliver(directory, there)
    await spool.close()
    segment = min(directory.glob("*-000001.audit"))
    before = (saved / segment.name).read_bytes()
    await spooled(directory.with_name("other"), RECORDS[1], RECORDS[2])
    other = min(directory.with_name("other").glob("*-000001.audit")).read_bytes()
    for successor in directory.glob("*-000002.audit"):
        successor.unlink()
    segment.write_bytes(before.rstrip(b"\0") + other[_HEADER_BYTES:])
    assert deliver(directory, there) == 2
    assert there.contents == [RECORDS[0], b"<x/>", RECORDS[1], RECORDS[2]]


async def test_what_was_spooled_before_the_end_is_delivered_however_short_the_life_was(directory):
    there = Recorder()
    forwarder = Forwarder(directory, "there", there, poll_seconds=5.0)
    forwarder.start()
    time.sleep(0.05)
    await spooled(directory, *RECORDS)
    forwarder.end()
    assert there.contents == list(RECORDS)


async def test_one_process_forwards_to_a_destination_at_a_time(directory):
    directory.mkdir()
    with Cursor.held(directory, "there"), pytest.raises(CursorTaken), Cursor.held(directory, "there"):
        pass


def test_an_address_says_the_transport():
    """RFC 5425 section 4.1, RFC 5426 section 3.3."""
    assert repository_at("tls://arr.example") == TlsRepository("arr.example", 6514)
    assert repository_at("udp://10.0.0.1:5140") == UdpRepository("10.0.0.1", 5140)
    with pytest.raises(ValueError, match=r"expected tls://HOST:PORT or udp://HOST:PORT"):
        repository_at("https://arr.example")


@pytest.fixture(scope="module")
def receiver() -> Iterator[rsyslog.Rsyslog]:
    with rsyslog.running() as one:
        yield one


def tls(receiver: rsyslog.Rsyslog, client: bool = True) -> TlsRepository:
    return TlsRepository(
        "localhost",
        receiver.tls_port,
        receiver.authority.certificate,
        receiver.client.certificate if client else None,
        receiver.client.key if client else None,
    )


@contextmanager
def forwarding(*forwarders: Forwarder) -> Iterator[None]:
    for one in forwarders:
        one.start()
    try:
        yield
    finally:
        for one in forwarders:
            one.end()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_rsyslog_gets_our_records_byte_for_byte_over_tls_and_udp(directory, receiver):
    """ITI TF-2: 3.20.4.1.2."""
    spool = Spool.open(directory)
    large = b'<AuditMessage name="' + b"x" * 150_000 + b'"/>'
    with forwarding(
        Forwarder(directory, "tls", tls(receiver), 0.05),
        Forwarder(directory, "udp", UdpRepository("127.0.0.1", receiver.udp_port), 0.05),
    ):
        for record in (*RECORDS, large):
            await spool.record(record)
    await spool.close()
    there = Recorder()
    deliver(directory, there)
    assert receiver.received("tls", 21) == there.received
    assert receiver.received("udp", 21) == [message[:65_507] for message in there.received]


async def test_records_wait_while_the_repository_is_away_and_come_when_it_is_back(directory, receiver):
    before = len(receiver.received("tls", 0))
    receiver.stop()
    await spooled(directory, *RECORDS)
    forwarder = Forwarder(directory, "tls", tls(receiver), 0.05, 0.05)
    with forwarding(forwarder):
        time.sleep(0.2)
        receiver.start()
        received = receiver.received("tls", before + 20)[before:]
    assert [read_syslog(message).content for message in received] == list(RECORDS)
    assert deliver_again(directory, forwarder) == 0


def deliver_again(directory: Path, forwarder: Forwarder) -> int:
    with Cursor.held(directory, forwarder.name) as cursor:
        return forwarder.deliver(cursor)


async def test_a_repository_that_does_not_want_us_confirms_nothing(directory, receiver):
    """RFC 5425 section 4.2: without a client certificate the connection is refused."""
    await spooled(directory, RECORDS[0])
    before = receiver.received("tls", 0)
    with Cursor.held(directory, "tls") as cursor:
        with pytest.raises(OSError, match=r"."):
            Forwarder(directory, "tls", tls(receiver, client=False)).deliver(cursor)
        assert cursor.confirmed == {}
    assert receiver.received("tls", 0) == before


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("pause_seconds", [0.0, 0.2])
async def test_a_refusal_by_an_alert_is_no_confirmation(directory, tmp_path, version, pause_seconds):
    """RFC 8446 section 4.4.2.4: it comes when a TLS 1.3 client has long ended its handshake."""
    await spooled(directory, RECORDS[0])
    authority = Authority(tmp_path)
    ours = authority.issue("repository")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.certificate)
    context.load_cert_chain(ours.certificate, ours.key)
    context.verify_mode, context.minimum_version, context.maximum_version = (
        ssl.CERT_REQUIRED,
        version,
        version,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            plain, _ = listener.accept()
            with context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as tls:
                with pytest.raises(ssl.SSLError):
                    tls.do_handshake()
                # Reads to the end what it does not want, or its system would reset the connection.
                while os.read(tls.fileno(), 65536):
                    pass

        class Slow(Recorder):
            @contextmanager
            def session(self) -> Iterator["Recorder"]:
                with there.session() as one:
                    self.one = one
                    yield self

            def send(self, message: bytes) -> None:
                self.one.send(message)
                time.sleep(pause_seconds)

            def confirm(self) -> None:
                self.one.confirm()

        there = TlsRepository("localhost", listener.getsockname()[1], authority.certificate)
        refusing = Thread(target=refuse)
        refusing.start()
        with Cursor.held(directory, "tls") as cursor:
            with pytest.raises(OSError, match=r"."):
                Forwarder(directory, "tls", Slow()).deliver(cursor)
            assert cursor.confirmed == {}
        refusing.join()


async def test_a_repository_that_is_killed_with_records_in_its_hands_confirms_nothing(directory, tmp_path):
    """RFC 5425 section 4.4: it ends as rsyslog always does, but when it is back it answers close_notify."""
    await spooled(directory, RECORDS[0])
    authority = Authority(tmp_path)
    ours = authority.issue("repository")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ours.certificate, ours.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            for answers_close in (False, True):
                plain, _ = listener.accept()
                with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True) as tls:
                    while tls.recv(65536):
                        pass
                    if answers_close:
                        tls.unwrap().close()

        taking = Thread(target=take, daemon=True)
        taking.start()
        there = TlsRepository("localhost", listener.getsockname()[1], authority.certificate)
        with Cursor.held(directory, "tls") as cursor:
            with pytest.raises(ConnectionError, match="cut off before it had stored"):
                Forwarder(directory, "tls", there).deliver(cursor)
            assert cursor.confirmed == {}
        taking.join()


async def test_a_connection_stays_whole_until_a_repository_has_said_that_it_stored_all(directory, tmp_path):
    """RFC 5425 section 4.4: a proxy that is told of half an end ends all, and the answer would be lost."""
    await spooled(directory, RECORDS[0])
    authority = Authority(tmp_path)
    ours = authority.issue("repository")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ours.certificate, ours.key)
    ended_early: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            plain, _ = listener.accept()
            with context.wrap_socket(plain, server_side=True) as tls:
                while tls.recv(65536):
                    pass
                # It stores, and looks whether the sender still listens.
                ended_early.append(bool(select.select([tls.fileno()], [], [], 0.3)[0]))
                tls.unwrap().close()

        taking = Thread(target=take, daemon=True)
        taking.start()
        there = TlsRepository("localhost", listener.getsockname()[1], authority.certificate)
        with Cursor.held(directory, "tls") as cursor:
            assert Forwarder(directory, "tls", there).deliver(cursor) == 1
        taking.join()
    assert ended_early == [False]


async def test_a_repository_that_waits_for_the_end_of_a_connection_gets_it(directory, tmp_path, monkeypatch):
    """Where nothing answers close_notify in time, the connection is ended on our side, and that is taken."""
    monkeypatch.setattr(syslog_transport, "TIMEOUT_SECONDS", 0.5)
    await spooled(directory, RECORDS[0])
    authority = Authority(tmp_path)
    ours = authority.issue("repository")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ours.certificate, ours.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            for _ in range(2):
                plain, _ = listener.accept()
                with context.wrap_socket(plain, server_side=True) as tls:
                    while os.read(tls.fileno(), 65536):
                        pass

        taking = Thread(target=take, daemon=True)
        taking.start()
        there = TlsRepository("localhost", listener.getsockname()[1], authority.certificate)
        with Cursor.held(directory, "tls") as cursor:
            assert Forwarder(directory, "tls", there).deliver(cursor) == 1
        taking.join()


async def test_a_repository_with_a_foreign_certificate_gets_nothing(directory, receiver, tmp_path):
    await spooled(directory, RECORDS[0])
    stranger = Authority(tmp_path, "stranger")
    untrusted = TlsRepository("localhost", receiver.tls_port, stranger.certificate)
    with (
        Cursor.held(directory, "tls") as cursor,
        pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        Forwarder(directory, "tls", untrusted).deliver(cursor)


# magic, sequence, length of the segment before, checksum
_HEADER_BYTES = 28
