"""Our own Audit Record Repository, running: it hears whoever sends (ITI TF-2: 3.20.4.1.3)."""

import json
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from server.syslog_transport import TlsRepository, UdpRepository
from tests.messages import requests
from tests.messages.audit import HEADER, RETRIEVED
from tests.services import rsyslog
from tests.services.certificates import Authority, Identity
from tests.services.platform import OPEN_DOMAIN, ROOT, Platform, running
from tests.services.ports import free_port
from tests.services.secure_domain import alerts_of
from tests.wire import post

PATIENT = "p1^^^&2.999.5&ISO"


@dataclass
class AuditRepository:
    """Our own Audit Record Repository in a process of its own."""

    platform: Platform
    tls_port: int
    udp_port: int
    authority: Authority
    client: Identity

    @property
    def as_seen_by_a_node(self) -> TlsRepository:
        own = self.client
        return TlsRepository("localhost", self.tls_port, self.authority.certificate, own.certificate, own.key)

    def connection(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.authority.certificate)
        context.load_cert_chain(self.client.certificate, self.client.key)
        plain = socket.create_connection(("127.0.0.1", self.tls_port), 10)
        return context.wrap_socket(plain, server_hostname="localhost")


def asked(platform: Platform, *words: str) -> list[dict[str, Any]]:
    """What `coffre audit` says of it."""
    command = [sys.executable, "-m", "server.command_line", "audit", *words, "--json"]
    command += ["--config", str(platform.directory / "coffre.toml")]
    answer: list[dict[str, Any]] = json.loads(
        subprocess.run(
            command, check=True, capture_output=True, env={**os.environ, **platform.environment}
        ).stdout
    )
    return answer


def searched(platform: Platform, number: int, *words: str) -> list[dict[str, Any]]:
    """Wait for so many records."""
    deadline = time.monotonic() + 15
    while True:
        found = asked(platform, "search", "-n", "1000", *words)
        if len(found) >= number or time.monotonic() > deadline:
            assert len(found) == number, found
            return found
        time.sleep(0.1)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Iterator[AuditRepository]:
    folder = tmp_path_factory.mktemp("audit-repository")
    authority = Authority(folder)
    ours, client = authority.issue("arr"), authority.issue("client")
    tls_port, udp_port = free_port(), free_port()
    with running(
        folder / "platform", actors="audit", toml=section(tls_port, udp_port, authority, ours)
    ) as platform:
        yield AuditRepository(platform, tls_port, udp_port, authority, client)


def section(tls_port: int, udp_port: int, authority: Authority, ours: Identity) -> str:
    return f"""{OPEN_DOMAIN}
[audit_repository]
tls_port = {tls_port}
udp_port = {udp_port}
[tls]
plain = ["http"]
certificate = "{ours.certificate}"
key = "{ours.key}"
client_ca = "{authority.certificate}"
"""


def message(host: str, process: int = 1, content: bytes = RETRIEVED) -> bytes:
    own = content.replace(b'AuditSourceID="server.example"', b'AuditSourceID="%b"' % host.encode())
    return HEADER.replace(b" h a p ", b" %b a %d " % (host.encode(), process)) + own


def test_a_platform_keeps_its_own_records_without_being_told_to(platform):
    """Every answer's record is found, on either database."""
    patient_id = platform.add_patient()
    assert platform.documents_of(patient_id) == []
    found = searched(platform, 2, "--patient", patient_id)
    assert [one["event"] for one in found] == ["ITI-44 Patient Identity Feed", "ITI-18 Registry Stored Query"]


def test_what_a_platform_sends_over_tls_and_udp_is_kept_once(fresh_platform, repository):
    """To its end, and both ways lead to one record."""
    files = f'ca = "{repository.authority.certificate}"'
    files += f', certificate = "{repository.client.certificate}", key = "{repository.client.key}"'
    audit = f"""
[audit]
source_id = "sending-platform"
repositories = [
  {{ url = "tls://localhost:{repository.tls_port}", {files} }},
  {{ url = "udp://127.0.0.1:{repository.udp_port}" }},
]
"""
    platform = fresh_platform(toml=OPEN_DOMAIN + audit)
    patient_id = platform.add_patient()
    platform.process.terminate()
    platform.process.wait(20)
    found = searched(repository.platform, 8, "--sender", "sending-platform")
    events = [one["event"] for one in found]
    at_work = ["Application Start"] * 3 + ["ITI-44 Patient Identity Feed"] + ["Application Stop"] * 3
    assert events == [*at_work, "Requests Counted"]
    assert found[3]["patients"] == [patient_id]


def test_rsyslog_hands_records_on_over_tls_and_udp(tmp_path):
    tls_port, udp_port = free_port(), free_port()
    with rsyslog.running(tls_port, udp_port) as between:
        toml = section(tls_port, udp_port, between.authority, between.authority.issue("arr"))
        with running(tmp_path, actors="audit", toml=toml) as platform:
            there = TlsRepository(
                "localhost",
                between.tls_port,
                between.authority.certificate,
                between.client.certificate,
                between.client.key,
            )
            with there.session() as session:
                for number in range(20):
                    session.send(message("over-tls", number))
                session.confirm()
            with UdpRepository("127.0.0.1", between.udp_port).session() as session:
                session.send(message("over-udp"))
            for sender, number in (("over-tls", 20), ("over-udp", 1)):
                found = searched(platform, number, "--sender", sender)
                assert {one["patients"][0] for one in found} == {PATIENT}
            assert asked(platform, "diagnose") == []


def test_the_answer_to_close_notify_says_that_all_is_stored(repository):
    """RFC 5425 section 4.4."""
    with repository.as_seen_by_a_node.session() as session:
        for number in range(300):
            session.send(message("many", number))
        session.confirm()
    assert len(asked(repository.platform, "search", "-n", "1000", "--sender", "many")) == 300


def test_what_is_not_right_is_kept_and_shown_by_sender(repository):
    """Wrong PRI, no MSGID, RFC 6587 framing, a BOM, RFC 3881, faults against the schema, and mere noise."""
    slipshod = message("slipshod").replace(b"<85>", b"<13>").replace(b"IHE+RFC-3881", b"-")
    with_bom = message("bom").replace(b"- <?xml", b"- \xef\xbb\xbf<?xml")
    old = message("old", content=RETRIEVED.replace(b"csd-code=", b"code="))
    loose = message("loose", content=RETRIEVED.replace(b' originalText="Export"', b""))
    with repository.connection() as connection:
        connection.sendall(slipshod + b"\n" + with_bom + b"\n" + old + b"\n" + loose + b"\nnonsense")
        with suppress(OSError):
            connection.unwrap()
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"<85>Jan  1 12:00:00 h app: plain", ("127.0.0.1", repository.udp_port))
    searched(repository.platform, 1, "--sender", "loose", "--patient", PATIENT)
    searched(repository.platform, 2, "--sender", "127.0.0.1")
    diagnoses = {(one["sender"], one["diagnosis"]) for one in asked(repository.platform, "diagnose")}
    assert {
        ("slipshod", "PRI 13, 85 or 84 is expected"),
        ("slipshod", "MSGID is missing, IHE+RFC-3881 is expected"),
        ("slipshod", "framed by a line feed (RFC 6587), octet counting is expected"),
        ("bom", "a BOM stands before the message, which ITI discourages"),
        ("old", "codes are written as in RFC 3881 (code), DICOM PS3.15 A.5 (csd-code) is expected"),
        ("loose", "EventID/@originalText is missing"),
        ("127.0.0.1", "bad framing: neither a MSG-LEN nor a PRI begins here"),
        ("127.0.0.1", "no header of RFC 5424"),
    } <= diagnoses


@pytest.mark.parametrize("known", [None, "stranger"])
def test_a_sender_whom_the_authority_does_not_know_is_not_heard(repository, tmp_path, known):
    """ITI TF-2: 3.19, RFC 5425 section 4.2."""
    own = Authority(tmp_path, "another").issue(known) if known else None
    there = TlsRepository(
        "localhost",
        repository.tls_port,
        repository.authority.certificate,
        own.certificate if own else None,
        own.key if own else None,
    )

    def send() -> None:
        with there.session() as session:
            session.send(message("stranger"))
            session.confirm()

    with pytest.raises(OSError, match=r"."):
        send()
    assert asked(repository.platform, "search", "--sender", "stranger") == []
    alert = alerts_of(repository.platform)[-1]
    reason = "was issued by an authority that is not trusted" if known else "showed no certificate"
    assert alert[:4] == ("110113", "110126", 4, "127.0.0.1")
    assert reason in alert[4]


def test_a_sender_that_is_cut_off_by_the_end_of_the_server_learns_that(tmp_path):
    """What it sends again to the next one is stored once."""
    authority = Authority(tmp_path)
    ours, client = authority.issue("arr"), authority.issue("client")
    tls_port = free_port()
    toml = section(tls_port, 0, authority, ours)
    there = TlsRepository("localhost", tls_port, authority.certificate, client.certificate, client.key)

    def send(platform: Platform) -> None:
        with there.session() as session:
            session.send(message("cut", 1))
            searched(platform, 1, "--sender", "cut")
            platform.process.terminate()
            platform.process.wait(20)
            session.confirm()

    with (
        running(tmp_path / "arr", actors="audit", toml=toml) as platform,
        pytest.raises(OSError, match=r"."),
    ):
        send(platform)
    with running(tmp_path / "arr", actors="audit", toml=toml) as platform:
        with there.session() as session:
            session.send(message("cut", 1))
            session.send(message("cut", 2))
            session.confirm()
        assert len(asked(platform, "search", "--sender", "cut")) == 2


def test_every_answer_of_a_server_has_its_record(fresh_platform):
    """Refused requests, messages that nobody can read, and ITI-42 within the process included."""
    platform = fresh_platform()
    patient_id = platform.add_patient()
    assert platform.provide(requests.submission(patient_id), b"a letter").status_urn == requests.SUCCESS
    assert platform.query("<nonsense/>").status == 400
    assert post(platform.registry_url, b"nonsense").status >= 400
    platform.process.terminate()
    platform.process.wait(20)
    found = counted(platform)
    assert (found["answered"], found["gaps"]) == (5, [])
    with sqlite3.connect(platform.directory / "coffre.db") as database:
        database.execute("DELETE FROM audit_subject WHERE record = 5")
    [gap] = counted(platform, status=5)["error"]["gaps"]
    assert (gap["node"], gap["missing_records"], gap["unrecorded_requests"]) == ("coffre", 1, 0)


def counted(platform: Platform, status: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "server.command_line", "audit", "reconcile", "--json"]
    command += ["--config", str(platform.directory / "coffre.toml")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert ended.returncode == status, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def test_no_answer_is_without_its_record_however_often_the_server_is_killed(fresh_platform):
    """Killed while it answers, records and delivers: each answer has exactly one record, and it is proven."""
    answered: list[str] = []
    for _ in range(3):
        platform = fresh_platform()
        begun = threading.Event()

        def ask(platform: Platform = platform, begun: threading.Event = begun) -> None:
            with suppress(OSError, AssertionError):
                while True:
                    answered.append(platform.add_patient())
                    begun.set()

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for one in askers:
            one.start()
        assert begun.wait(30)
        time.sleep(0.7)
        platform.kill()
        for one in askers:
            one.join(30)
    platform = fresh_platform()
    stored: Counter[str] = Counter()
    deadline = time.monotonic() + 20
    while not set(answered) <= set(stored) and time.monotonic() < deadline:
        found = asked(platform, "search", "--event", "ITI-44", "-n", "100000")
        stored = Counter(patient for one in found for patient in one["patients"])
    assert {patient: stored[patient] for patient in answered} == dict.fromkeys(answered, 1)
    assert counted(platform)["gaps"] == []
    assert verified(platform).returncode == 0


def test_what_a_database_administrator_alters_is_found(fresh_platform):
    """The journal is worth what nobody can change unseen."""
    platform = fresh_platform()
    patient_id = platform.add_patient()
    searched(platform, 1, "--patient", patient_id)
    platform.process.terminate()
    platform.process.wait(20)
    kept = platform.directory / "audit-checkpoints"
    (platform.directory / "elsewhere").write_bytes(kept.read_bytes())
    assert verified(platform, "--against", "elsewhere").returncode == 0
    with sqlite3.connect(platform.directory / "coffre.db") as database:
        database.execute("UPDATE audit_record SET peer = 'nobody' WHERE id = 2")
    ended = verified(platform)
    assert ended.returncode == 5
    assert json.loads(ended.stdout)["error"]["damage"] == [
        {"record": 2, "trouble": "it is not what was stored"}
    ]
    with sqlite3.connect(platform.directory / "coffre.db") as database:
        database.execute("UPDATE audit_log SET records = 0, peaks = x'', signature = x''")
        database.execute("DELETE FROM audit_record")
        database.execute("DELETE FROM audit_leaf")
        database.execute("DELETE FROM audit_subject")
    assert verified(platform).returncode == 5
    kept.unlink()
    assert verified(platform).returncode == 0
    assert verified(platform, "--against", "elsewhere").returncode == 5


def verified(platform: Platform, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run `coffre audit verify` where the platform is."""
    command = [sys.executable, "-m", "server.command_line", "audit", "verify", *words, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COFFRE_CONFIG": "coffre.toml"}
    return subprocess.run(command, cwd=platform.directory, env=environment, capture_output=True)
