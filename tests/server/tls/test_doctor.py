"""The doctor finds what is wrong with a listener: with those of OpenSSL, and worse ones (ITI TF-2: 3.19)."""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.tls import doctor
from server.tls.contexts import UnusableFile
from server.tls.doctor import Patient, diagnose
from tests.services.certificates import EXPIRED, NOT_YET, Authority, Identity
from tests.services.ports import free_port

START_TIMEOUT_SECONDS = 20.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(doctor, "VERDICT_SECONDS", 0.3)
    monkeypatch.setattr(doctor, "HANDSHAKE_SECONDS", 2.0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextlib.contextmanager
def openssl(identity: Identity, *options: str | Path) -> Iterator[int]:
    """`openssl s_server` at a free port."""
    port = free_port()
    command: list[str | Path] = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet"]
    command += ["-cert", identity.certificate, "-key", identity.key, *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + START_TIMEOUT_SECONDS
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1.0).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            yield port
        finally:
            process.kill()


@contextlib.contextmanager
def answering(answer: bytes | None) -> Iterator[int]:
    """Somebody who says this to every connection and ends it, or nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(65536)
                        if answer is None:
                            connection.recv(65536)
                        else:
                            connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def found(
    port: int, authority: Authority | None = None, host: str = "localhost", **known
) -> list[tuple[str, str]]:
    """What is wrong, in one word and in plain words."""
    ca = authority.certificate if authority else None
    diagnosis = diagnose(Patient(host, port, ca=ca, **known))
    assert all(one.remedy for one in diagnosis.problems)
    return [(str(one.ailment), one.words) for one in diagnosis.problems]


def test_a_healthy_listener_is_described(authority):
    us = authority.issue("us")
    with openssl(us) as port:
        diagnosis = diagnose(Patient("localhost", port, ca=authority.certificate))
    assert diagnosis.problems == []
    assert (diagnosis.address, diagnosis.version) == ("127.0.0.1", "TLS 1.3")
    assert diagnosis.cipher.startswith("TLS_AES")
    assert diagnosis.certificate
    assert (diagnosis.certificate.subject, diagnosis.certificate.issuer) == ("CN=us", "CN=authority")
    assert diagnosis.certificate.names == ("localhost", "127.0.0.1")


def test_a_listener_with_client_certificates_is_healthy_for_who_has_one(authority):
    with openssl(authority.issue("us"), "-Verify", "1", "-CAfile", authority.certificate) as port:
        them = authority.issue("them")
        assert found(port, authority, certificate=them.certificate, key=them.key) == []


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_missing_client_certificate_is_noticed(authority, version):
    """TLS 1.2 says "handshake failure", TLS 1.3 has a word of its own, and says it late."""
    options = ("-Verify", "1", "-verify_return_error", "-CAfile", authority.certificate, version)
    with openssl(authority.issue("us"), *options) as port:
        ((ailment, words),) = found(port, authority)
        assert ailment == "certificate-required"
        assert "we show n" in words


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_client_certificate_that_is_not_accepted_is_noticed(authority, tmp_path, version):
    options = ("-Verify", "1", "-verify_return_error", "-CAfile", authority.certificate, version)
    stranger = Authority(tmp_path, "stranger").issue("them")
    with openssl(authority.issue("us"), *options) as port:
        assert found(port, authority, certificate=stranger.certificate, key=stranger.key) == [
            (
                "our-certificate-refused",
                "it does not let us in: it does not trust the authority of our certificate",
            )
        ]


def test_a_certificate_that_has_expired_is_noticed_with_its_day(authority):
    with openssl(authority.issue("us", valid=EXPIRED)) as port:
        ((ailment, words),) = found(port, authority)
        assert ailment == "expired"
        assert words.startswith("its certificate has expired, on 20")


def test_a_certificate_of_tomorrow_is_noticed(authority):
    with openssl(authority.issue("us", valid=NOT_YET)) as port:
        assert [one for one, _ in found(port, authority)] == ["not-yet-valid"]


def test_a_certificate_for_another_host_is_noticed_with_its_names(authority):
    with openssl(authority.issue("us", host="coffre.example.lu")) as port:
        assert found(port, authority) == [
            ("wrong-name", "its certificate does not name localhost, but coffre.example.lu, 127.0.0.1")
        ]
        assert found(port, authority, name="coffre.example.lu") == []
        assert found(port, authority, host="127.0.0.1") == []


def test_an_authority_that_we_do_not_trust_is_noticed_by_name(authority, tmp_path):
    with openssl(authority.issue("us", valid=EXPIRED, host="elsewhere")) as port:
        problems = dict(found(port, Authority(tmp_path, "another")))
        assert "expired" in problems
        assert problems["unknown-ca"].endswith("that is not trusted: CN=authority")


def test_a_listener_of_old_tls_only_is_noticed(authority):
    with openssl(authority.issue("us"), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0") as port:
        assert found(port, authority) == [("old-version", "it speaks TLS 1.1 at best")]


def test_a_listener_of_weak_suites_only_is_noticed(authority):
    with openssl(authority.issue("us"), "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA") as port:
        assert found(port, authority) == [("weak-ciphers", "its best cipher suite is ECDHE-ECDSA-AES128-SHA")]


@pytest.mark.parametrize(
    ("answer", "ailment"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n", "not-tls"),
        (b"\x0bMSH|^~\\&|\x1c\r", "not-tls"),
        (b"", "not-tls"),
        (None, "no-answer"),
    ],
)
def test_a_listener_in_plain_is_noticed(answer, ailment):
    with answering(answer) as port:
        assert [one for one, _ in found(port, host="127.0.0.1")] == [ailment]


def test_nobody_at_home_is_noticed():
    port = free_port()
    assert found(port, host="127.0.0.1") == [("nothing-listens", f"nothing listens at 127.0.0.1:{port}")]
    assert found(port, host="nowhere.invalid") == [
        ("unknown-host", "no machine of the name nowhere.invalid is known")
    ]


def test_files_of_ours_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(UnusableFile, match=r"gone\.pem: cannot be read"):
        diagnose(Patient("localhost", 1, ca=tmp_path / "gone.pem"))
