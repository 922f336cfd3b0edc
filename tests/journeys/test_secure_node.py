"""Nodes prove who they are before a byte of a message is read (ITI TF-2: 3.19), at the HL7 v2 feed."""

import contextlib
import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.services.certificates import EXPIRED, Authority, Identity
from tests.services.platform import OPEN_DOMAIN, Platform, free_port

A01 = (
    b"\x0bMSH|^~\\&|SRC|FAC|REG|XAD|20300101120000||ADT^A01^ADT_A01|m1|P|2.3.1\r"
    b"EVN|A01|20300101120000\r"
    b"PID|||p1^^^&2.999.5&ISO||Doe^Jane||19700101|F\r"
    b"PV1||O\r\x1c\r"
)
TIMEOUT_SECONDS = 20


@dataclass
class Domain:
    """A running node with the feed at `port`, its own files, and two authorities of which it trusts one."""

    platform: Platform
    port: int
    us: Identity
    authority: Authority
    foreign: Authority

    def context(self, identity: Identity | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority.certificate)
        if identity:
            context.load_cert_chain(identity.certificate, identity.key)
        return context

    @contextlib.contextmanager
    def connection(self, identity: Identity | None) -> Iterator[ssl.SSLSocket]:
        with (
            socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS) as plain,
            self.context(identity).wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            yield connection

    def acknowledged(self, identity: Identity | None) -> bool:
        """Whether a message gets its acknowledgement."""
        with self.connection(identity) as connection:
            connection.sendall(A01)
            answer = b""
            while b"\x1c\r" not in answer:
                data = connection.recv(4096)
                assert data, answer
                answer += data
        return b"\rMSA|AA|m1\r" in answer

    def alerts(self) -> list[tuple[str, str, int, str, str]]:
        """Event, type, outcome, the peer's address and the reason of every alert."""
        found = []
        for record in (one for spool in self.platform.audit_spools for one in stored_records(spool)):
            message = read_audit_message(record)
            event = message.event
            if event.event_id.code == "110113":
                (alert,) = message.objects[0].details
                assert alert.value == event.outcome_description
                found.append(
                    (
                        event.event_id.code,
                        event.type_codes[0].code,
                        int(event.outcome),
                        message.participants[1].network_access_point,
                        alert.value,
                    )
                )
        return found


@pytest.fixture
def domain(fresh_platform: Callable[..., Platform], tmp_path: Path) -> Domain:
    (tmp_path / "foreign").mkdir()
    authority, foreign = Authority(tmp_path), Authority(tmp_path / "foreign", "foreign")
    us, port = authority.issue("us"), free_port()
    crl = authority.revocations(authority.issue("revoked"))
    toml = f"""{OPEN_DOMAIN}
[identity]
mllp_port = {port}

[tls]
certificate = "{us.certificate}"
key = "{us.key}"
client_ca = "{authority.certificate}"
crl = "{crl}"
"""
    return Domain(fresh_platform(toml=toml), port, us, authority, foreign)


def openssl(domain: Domain, *options: str | Path, said: bytes = A01) -> tuple[bytes, str]:
    """What `openssl s_client` hears after it has said this, and what it complains of."""
    command: list[str | Path] = ["openssl", "s_client", "-connect", f"127.0.0.1:{domain.port}"]
    command += ["-CAfile", domain.authority.certificate, "-quiet", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        heard = b""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(said)
            process.stdin.flush()
        while b"\x1c\r" not in heard and (data := os.read(process.stdout.fileno(), 4096)):
            heard += data
        process.terminate()
        return heard, process.stderr.read().decode()


def test_a_node_of_the_domain_is_served(domain):
    """ITI TF-2: 3.19.4, 3.8: over TLS 1.2 and 1.3."""
    them = domain.authority.issue("them")
    assert domain.acknowledged(them)
    identity = ("-cert", them.certificate, "-key", them.key)
    for version in (("-tls1_3",), ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")):
        heard, complaints = openssl(domain, *identity, *version)
        assert b"\rMSA|AA|m1\r" in heard, complaints
    assert domain.alerts() == []
    assert "mllps://" in domain.platform.log


def test_who_is_no_node_of_the_domain_is_refused_and_recorded(domain):
    """ITI TF-2: 3.19.4.1.3, 3.19.5: nobody, a foreigner, an expired one, a revoked one, an old protocol."""
    revoked = Identity(domain.us.certificate.with_name("revoked.pem"), domain.us.key.with_name("revoked.key"))
    for identity in (
        None,
        domain.foreign.issue("them"),
        domain.authority.issue("old", valid=EXPIRED),
        revoked,
    ):
        with pytest.raises(ssl.SSLError, match="ALERT"):
            domain.acknowledged(identity)
    heard, complaints = openssl(domain, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert heard == b""
    assert "alert protocol version" in complaints
    assert domain.acknowledged(domain.authority.issue("good"))
    assert domain.alerts() == [
        ("110113", "110126", 4, "127.0.0.1", reason)
        for reason in (
            "it showed no certificate, and one is required",
            "its certificate was issued by an authority that is not trusted",
            "its certificate has expired",
            "its certificate has been revoked",
            "it speaks no TLS of version 1.2 or newer",
        )
    ]
    assert "a connection from 127.0.0.1 was refused: its certificate has expired" in domain.platform.log


def test_a_renewed_certificate_is_shown_to_the_next_connection(domain):
    """Nobody restarts a node at night; connections that are open go on."""
    them = domain.authority.issue("them")
    with domain.connection(them) as before:
        old = before.getpeercert(True)
        renewed = domain.authority.issue("renewed")
        renewed.key.replace(domain.us.key)
        renewed.certificate.replace(domain.us.certificate)
        with domain.connection(them) as after:
            assert after.getpeercert(True) != old
        before.sendall(A01)
        assert b"\rMSA|AA|m1\r" in before.recv(4096)


def test_a_node_with_files_that_tls_cannot_use_does_not_start(fresh_platform, tmp_path):
    """It would be reached by nobody, or by everybody."""
    authority = Authority(tmp_path)
    us, other = authority.issue("us"), authority.issue("other")
    with pytest.raises(RuntimeError, match="the key is not that of the certificate"):
        fresh_platform(toml=f'{OPEN_DOMAIN}\n[tls]\ncertificate = "{us.certificate}"\nkey = "{other.key}"\n')
