"""The files of a node: what they must be, and that changed ones are followed (ITI TF-2: 3.19.4)."""

import base64
import contextlib
import os
import re
import shutil
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import server.tls.contexts
from server.tls.contexts import DIFFIE_HELLMAN_GROUP, NodeContexts, NodeFiles, UnusableFile, server_context
from tests.services.certificates import EXPIRED, Authority, Identity


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def us(authority: Authority) -> Identity:
    return authority.issue("us")


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends of a connection in memory; raises what the server raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends


def client_of(authority: Authority, identity: Identity | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.certificate)
    if identity:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


def serial_shown(contexts: NodeContexts, authority: Authority) -> int:
    client, _ = shake_hands(contexts.newest(), client_of(authority))
    return x509.load_der_x509_certificate(client.getpeercert(True) or b"").serial_number


def serial_of(identity: Identity) -> int:
    return x509.load_pem_x509_certificate(identity.certificate.read_bytes()).serial_number


def test_nothing_older_than_tls_1_2_and_no_suite_without_forward_secrecy(us):
    """ITI TF-2: 3.19.6.2.3; RFC 9325 sections 3.1.1 and 4.1."""
    context = server_context(NodeFiles(us.certificate, us.key))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    names = {suite["name"] for suite in context.get_ciphers()}
    assert {
        "DHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "DHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_AES_128_GCM_SHA256",
    } <= names
    assert all(re.match(r"TLS_|E?C?DHE-", name) for name in names)
    assert not any(re.search("CBC|RC4|NULL|3DES|DSS|-SHA$", name) for name in names)
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION


def test_the_group_for_dhe_is_one_of_rfc_7919():
    """RFC 7919 appendix A.1: ffdhe2048, g = 2, p = 2^2048 - 2^1984 + {[2^1918 * e] + 560316} * 2^64 - 1."""
    der = base64.b64decode("".join(DIFFIE_HELLMAN_GROUP.read_text().splitlines()[1:-1]))
    # A SEQUENCE of an INTEGER of 257 bytes, the first of them a zero, and the INTEGER 2.
    assert der[:8] + der[-3:] == bytes.fromhex("30820108 02820101 020102")
    p = int.from_bytes(der[8:-3], "big")
    total, term, n = 0, 1 << 2200, 1
    while term:  # the series of e
        total, term, n = total + term, term // n, n + 1
    e = total >> (2200 - 1918)
    assert p == 2**2048 - 2**1984 + (e + 560316) * 2**64 - 1


def test_a_listed_certificate_is_trusted_without_its_authority(authority, us, tmp_path):
    """ITI TF-2: 3.19.6.1: comparison with a list of certificates."""
    them, others = authority.issue("them"), authority.issue("others")
    context = server_context(NodeFiles(us.certificate, us.key, client_ca=them.certificate))
    shake_hands(context, client_of(authority, them))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(context, client_of(authority, others))
    expired = authority.issue("expired", valid=EXPIRED)
    context = server_context(NodeFiles(us.certificate, us.key, client_ca=expired.certificate))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(context, client_of(authority, expired))


def test_a_revoked_certificate_is_refused(authority, us):
    """ITI TF-2: 3.19.4.1.3."""
    good, bad = authority.issue("good"), authority.issue("bad")
    crl = authority.revocations(bad)
    context = server_context(NodeFiles(us.certificate, us.key, authority.certificate, crl))
    shake_hands(context, client_of(authority, good))
    with pytest.raises(ssl.SSLCertVerificationError, match="revoked"):
        shake_hands(context, client_of(authority, bad))


def test_a_changed_file_holds_for_the_next_connection(authority, us):
    """Certificates are renewed, and nodes revoked, without a restart."""
    them = authority.issue("them")
    files = NodeFiles(us.certificate, us.key, authority.certificate, authority.revocations())
    contexts = NodeContexts(files)
    assert contexts.newest() is contexts.newest()
    shake_hands(contexts.newest(), client_of(authority, them))
    authority.revocations(them)
    with pytest.raises(ssl.SSLCertVerificationError, match="revoked"):
        shake_hands(contexts.newest(), client_of(authority, them))


def test_a_session_does_not_outlive_its_second(authority, us, monkeypatch):
    """RFC 5246 section 7.3: who resumes one is not asked for his certificate again."""
    contexts = NodeContexts(NodeFiles(us.certificate, us.key))

    def session(resumed: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bool | None]:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        theirs = contexts.newest().wrap_bio(outgoing, incoming, server_side=True)
        ours = client.wrap_bio(incoming, outgoing, server_hostname="localhost", session=resumed)
        for _ in range(4):
            for side in (ours, theirs):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
        return ours.session, ours.session_reused

    client = client_of(authority)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    first, _ = session(None)
    monkeypatch.setattr(server.tls.contexts, "SESSION_SECONDS", -1.0)
    assert session(first)[1] is False


def test_files_changed_one_after_the_other_are_used_when_they_fit(authority, us, caplog):
    """Between the new certificate and its key the old pair serves."""
    contexts = NodeContexts(NodeFiles(us.certificate, us.key))
    old, renewed = serial_of(us), authority.issue("renewed")
    new = serial_of(renewed)
    assert serial_shown(contexts, authority) == old
    os.replace(renewed.certificate, us.certificate)
    assert serial_shown(contexts, authority) == old
    assert serial_shown(contexts, authority) == old
    assert caplog.text.count("NOT in use") == 1
    os.replace(renewed.key, us.key)
    assert serial_shown(contexts, authority) == new


def test_a_file_that_is_gone_leaves_the_former_ones_in_use(authority, us):
    contexts = NodeContexts(NodeFiles(us.certificate, us.key))
    us.key.unlink()
    assert serial_shown(contexts, authority) == serial_of(us)


def test_a_file_that_tls_cannot_use_is_named_with_the_reason(authority, us, tmp_path):
    def refusal(**other: Path) -> str:
        files = {"certificate": us.certificate, "key": us.key, "client_ca": authority.certificate} | other
        with pytest.raises(UnusableFile) as refused:
            server_context(NodeFiles(**files))
        return str(refused.value).removeprefix(f"{tmp_path}/")

    empty = tmp_path / "empty.pem"
    empty.write_text("nothing here")
    locked = tmp_path / "locked.key"
    key = serialization.load_pem_private_key(us.key.read_bytes(), None)
    protection = serialization.BestAvailableEncryption(b"secret")
    locked.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    )
    both = tmp_path / "both.pem"
    shutil.copy(authority.revocations(), both)
    with both.open("ab") as file:
        file.write(us.certificate.read_bytes())
    gone = tmp_path / "gone.pem"
    assert refusal(certificate=gone) == "gone.pem: cannot be read: No such file or directory"
    assert refusal(key=gone) == "gone.pem: cannot be read: No such file or directory"
    assert refusal(client_ca=gone) == "gone.pem: cannot be read: No such file or directory"
    assert refusal(crl=gone) == "gone.pem: cannot be read: No such file or directory"
    assert refusal(certificate=empty) == f"empty.pem: not a PEM certificate with its key in {us.key}"
    assert refusal(key=authority.issue("other").key) == (
        f"other.key: the key is not that of the certificate in {us.certificate}"
    )
    assert refusal(key=locked) == (
        "locked.key: the key is protected by a password; store it without one, for its owner only"
    )
    assert refusal(client_ca=empty) == "empty.pem: there is no PEM certificate in it"
    assert refusal(crl=empty) == "empty.pem: there is no PEM revocation list in it"
    assert refusal(crl=both) == "both.pem: there is a certificate in it, which would be trusted"
