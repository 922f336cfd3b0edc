"""Nodes prove who they are before a byte of a message is read (ITI TF-2: 3.19), at the HL7 v2 feed."""

import contextlib
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.certificates import EXPIRED, Authority, Identity
from tests.services.platform import OPEN_DOMAIN, Platform
from tests.services.ports import free_port
from tests.services.secure_domain import SecureDomain, alerts_of, secure_domain

A01 = (
    b"\x0bMSH|^~\\&|SRC|FAC|REG|XAD|20300101120000||ADT^A01^ADT_A01|m1|P|2.3.1\r"
    b"EVN|A01|20300101120000\r"
    b"PID|||p1^^^&2.999.5&ISO||Doe^Jane||19700101|F\r"
    b"PV1||O\r\x1c\r"
)
TIMEOUT_SECONDS = 20


@dataclass
class Feed:
    """A running node and the port of its HL7 v2 feed."""

    platform: Platform
    port: int
    domain: SecureDomain

    @contextlib.contextmanager
    def connection(self, identity: Identity | None) -> Iterator[ssl.SSLSocket]:
        with (
            socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS) as plain,
            self.domain.context(identity).wrap_socket(plain, server_hostname="localhost") as connection,
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


@pytest.fixture
def feed(fresh_platform, tmp_path: Path) -> Feed:
    domain, port = secure_domain(tmp_path), free_port()
    toml = f'{OPEN_DOMAIN}{domain.toml}plain = ["http"]\n[identity]\nmllp_port = {port}\n'
    return Feed(fresh_platform(toml=toml), port, domain)


def openssl(feed: Feed, *options: str | Path, said: bytes = A01) -> tuple[bytes, str]:
    """What `openssl s_client` hears after it has said this, and what it complains of."""
    command: list[str | Path] = ["openssl", "s_client", "-connect", f"127.0.0.1:{feed.port}"]
    command += ["-CAfile", feed.domain.authority.certificate, "-quiet", *options]
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


def test_a_node_of_the_domain_is_served(feed):
    """ITI TF-2: 3.19.4, 3.8: over TLS 1.2 and 1.3."""
    them = feed.domain.them
    assert feed.acknowledged(them)
    identity = ("-cert", them.certificate, "-key", them.key)
    for version in (("-tls1_3",), ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")):
        heard, complaints = openssl(feed, *identity, *version)
        assert b"\rMSA|AA|m1\r" in heard, complaints
    assert alerts_of(feed.platform) == []
    assert "mllps://" in feed.platform.log


def test_who_is_no_node_of_the_domain_is_refused_and_recorded(feed):
    """ITI TF-2: 3.19.4.1.3, 3.19.5: nobody, a foreigner, an expired one, a revoked one, an old protocol."""
    old = feed.domain.authority.issue("old", valid=EXPIRED)
    for identity in (None, feed.domain.foreign.issue("stranger"), old, feed.domain.revoked):
        with pytest.raises(ssl.SSLError, match="ALERT"):
            feed.acknowledged(identity)
    heard, complaints = openssl(feed, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert heard == b""
    assert "alert protocol version" in complaints
    assert feed.acknowledged(feed.domain.them)
    assert alerts_of(feed.platform) == [
        ("110113", "110126", 4, "127.0.0.1", reason)
        for reason in (
            "it showed no certificate, and one is required",
            "its certificate was issued by an authority that is not trusted",
            "its certificate has expired",
            "its certificate has been revoked",
            "it speaks no TLS of version 1.2 or newer",
        )
    ]
    assert "a connection from 127.0.0.1 was refused: its certificate has expired" in feed.platform.log


def test_a_renewed_certificate_is_shown_to_the_next_connection(feed):
    """Nobody restarts a node at night; connections that are open go on."""
    with feed.connection(feed.domain.them) as before:
        old = before.getpeercert(True)
        renewed = feed.domain.authority.issue("renewed")
        renewed.key.replace(feed.domain.us.key)
        renewed.certificate.replace(feed.domain.us.certificate)
        with feed.connection(feed.domain.them) as after:
            assert after.getpeercert(True) != old
        before.sendall(A01)
        assert b"\rMSA|AA|m1\r" in before.recv(4096)


def test_a_node_with_files_that_tls_cannot_use_does_not_start(fresh_platform, tmp_path):
    """It would be reached by nobody, or by everybody."""
    authority = Authority(tmp_path)
    us, other = authority.issue("us"), authority.issue("other")
    with pytest.raises(RuntimeError, match="the key is not that of the certificate"):
        fresh_platform(toml=f'{OPEN_DOMAIN}\n[tls]\ncertificate = "{us.certificate}"\nkey = "{other.key}"\n')
