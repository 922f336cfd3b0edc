"""The authority for development: what it issues works between nodes, and says what it is (ITI TF-2: 3.19)."""

import json
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509

from server.command_line import main
from server.tls.contexts import NodeFiles, client_context, server_context
from server.tls.development_pki import (
    NoAuthority,
    UnknownNode,
    issue_client,
    issue_server,
    make_authority,
    revoke,
)
from tests.server.tls.test_contexts import shake_hands


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    make_authority(tmp_path / "pki")
    return tmp_path / "pki"


def test_nodes_of_the_authority_accept_each_other(pki):
    """ITI TF-2: 3.19.4."""
    node, practice = issue_server(pki, "node", ["localhost", "10.0.0.5"]), issue_client(pki, "practice")
    server = server_context(NodeFiles(node.certificate, node.key, pki / "ca.pem", pki / "crl.pem"))
    for caller in (practice, node):
        shake_hands(server, client_context(pki / "ca.pem", caller.certificate, caller.key))
    as_server = server_context(NodeFiles(practice.certificate, practice.key))
    with pytest.raises(ssl.SSLCertVerificationError, match="unsuitable certificate purpose"):
        shake_hands(as_server, client_context(pki / "ca.pem"))


def test_what_is_issued_passes_the_strict_reading_of_openssl(pki):
    """RFC 5280, by somebody else's code."""
    issue_server(pki, "node", ["localhost"])
    command = ["openssl", "verify", "-x509_strict", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "crl.pem"]
    said = subprocess.run([*command, "node.pem"], cwd=pki, capture_output=True, text=True)
    assert said.stdout == "node.pem: OK\n", said.stderr


def test_a_revoked_node_is_not_let_in_any_more(pki):
    """And stays out when others are revoked."""
    node, practice = issue_server(pki, "node", ["localhost"]), issue_client(pki, "practice")
    issue_client(pki, "another")
    revoke(pki, ["practice"])
    revoke(pki, ["another", "practice"])
    server = server_context(NodeFiles(node.certificate, node.key, pki / "ca.pem", pki / "crl.pem"))
    with pytest.raises(ssl.SSLCertVerificationError, match="revoked"):
        shake_hands(server, client_context(pki / "ca.pem", practice.certificate, practice.key))
    with pytest.raises(UnknownNode):
        revoke(pki, ["nobody"])
    with pytest.raises(UnknownNode):
        revoke(pki, ["ca"])


def test_everything_says_that_it_is_for_development(pki):
    issued = issue_client(pki, "practice")
    for path in (pki / "ca.pem", issued.certificate):
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        assert "O=FOR DEVELOPMENT ONLY" in certificate.subject.rfc4514_string()
        assert "DEVELOPMENT" in certificate.issuer.rfc4514_string()


def test_keys_are_for_their_owner_only_and_nothing_is_written_over(pki):
    issued = issue_client(pki, "practice")
    for key in (pki / "ca.key", issued.key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        issue_client(pki, "practice")
    with pytest.raises(FileExistsError):
        make_authority(pki)
    with pytest.raises(NoAuthority):
        issue_client(pki.parent, "practice")


def test_the_commands_say_where_the_files_are_and_what_to_write_into_the_configuration(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)

    def coffre(*words: str, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["coffre", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert ended.value.code == status, said
        return str(said.out + said.err)

    assert "FOR DEVELOPMENT ONLY" in coffre("pki", "init", "pki")
    told = coffre("pki", "server", "pki", "node", "--host", "node.example")
    assert f'[tls]\ncertificate = "{tmp_path}/pki/node.pem"\n' in told
    assert f'crl = "{tmp_path}/pki/crl.pem"\n' in told
    assert json.loads(coffre("pki", "client", "pki", "practice", "--json")) == {
        "certificate": "pki/practice.pem",
        "key": "pki/practice.key",
    }
    assert "practice: on pki/crl.pem now." in coffre("pki", "revoke", "pki", "practice")
    assert "coffre pki init elsewhere" in coffre("pki", "client", "elsewhere", "practice", status=6)
    assert "is there already" in coffre("pki", "init", "pki", status=6)
    assert "cannot name a certificate" in coffre("pki", "client", "pki", "../x", status=2)
    assert "no certificate that was issued here" in coffre("pki", "revoke", "pki", "nobody", status=6)
