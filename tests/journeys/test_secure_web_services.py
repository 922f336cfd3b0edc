"""Web services between nodes that have proved who they are (ITI TF-2: 3.19; Appendix V)."""

import http.client
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.requests import FAILURE, SUCCESS
from tests.services.certificates import EXPIRED, Identity
from tests.services.platform import OPEN_DOMAIN, ROOT, Platform
from tests.services.secure_domain import SecureDomain, alerts_of, secure_domain
from tests.wire import envelope, get, post

NODE = "CN=them"


@pytest.fixture
def domain(tmp_path) -> SecureDomain:
    return secure_domain(tmp_path)


def names_of_peers(platform: Platform) -> set[tuple[str, str]]:
    """EventTypeCode and the name of the peer, of every record of a transaction served."""
    messages = [
        read_audit_message(record) for spool in platform.audit_spools for record in stored_records(spool)
    ]
    return {
        (message.event.type_codes[0].code, one.user_name)
        for message in messages
        for one in message.participants
        if one.user_name
    }


def journey(platform: Platform) -> None:
    """A document goes in, is found, and comes out."""
    patient = platform.add_patient()
    given = requests.submission(patient)
    answer = platform.provide(given, b"a letter")
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    assert platform.documents_of(patient) == [given.unique_ids[0]]
    assert platform.retrieve(given.unique_ids[0]).parts[1][1] == b"a letter"


def test_a_document_goes_in_and_out_between_nodes(fresh_platform, domain):
    """ITI TF-2: 3.19, 3.41, 3.18, 3.43; records name the node by its certificate, addresses say https."""
    platform = fresh_platform(toml=OPEN_DOMAIN + domain.toml, tls=domain.context(domain.them))
    journey(platform)
    assert {("ITI-41", NODE), ("ITI-18", NODE), ("ITI-43", NODE), ("ITI-44", NODE)} <= names_of_peers(
        platform
    )
    described = get(f"{platform.registry_url}?wsdl", platform.tls).body.decode()
    port = urlsplit(platform.url).port
    assert f'location="https://127.0.0.1:{port}/registry"' in described
    assert alerts_of(platform) == []


def test_actors_apart_prove_who_they_are_to_each_other(fresh_platform, domain):
    """ITI TF-2: 3.19, 3.42: the repository calls the registry as the node that it is."""
    toml = OPEN_DOMAIN + domain.toml
    platform = fresh_platform(apart=True, toml=toml, tls=domain.context(domain.them))
    # While the repository's certificate is revoked it registers nothing.
    domain.authority.revocations(domain.us)
    answer = platform.provide(requests.submission(platform.add_patient()), b"too early")
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSRegistryNotAvailable"])
    assert [one[4] for one in alerts_of(platform)] == ["its certificate has been revoked"]
    domain.authority.revocations()
    journey(platform)
    assert ("ITI-42", "CN=us") in names_of_peers(platform)


def test_several_processes_share_the_port_and_the_files(fresh_platform, domain):
    """ITI TF-2: 3.19."""
    toml = f"{OPEN_DOMAIN}{domain.toml}\n[server]\nworkers = 2\n"
    platform = fresh_platform(toml=toml, tls=domain.context(domain.them))
    journey(platform)
    with pytest.raises(ssl.SSLError, match="ALERT"):
        get(f"{platform.url}/readyz", domain.context(None))


def test_who_is_no_node_of_the_domain_says_nothing(fresh_platform, domain):
    """ITI TF-2: 3.19.4.1.3, 3.19.5."""
    platform = fresh_platform(toml=OPEN_DOMAIN + domain.toml, tls=domain.context(domain.them))
    patient = platform.add_patient()
    message = envelope(requests.ITI_18, requests.find_documents(patient))
    old = domain.authority.issue("old", valid=EXPIRED)
    for identity in (None, domain.foreign.issue("stranger"), old, domain.revoked):
        with pytest.raises(ssl.SSLError, match="ALERT"):
            post(platform.registry_url, message, tls=domain.context(identity))
    with pytest.raises(OSError):  # noqa: PT011 - the end of the connection, in one way or another
        post(platform.registry_url.replace("https:", "http:"), message)
    assert platform.query(requests.find_documents(patient)).status_urn == SUCCESS
    assert alerts_of(platform) == [
        ("110113", "110126", 4, "127.0.0.1", reason)
        for reason in (
            "it showed no certificate, and one is required",
            "its certificate was issued by an authority that is not trusted",
            "its certificate has expired",
            "its certificate has been revoked",
            "it speaks plain HTTP, not TLS",
        )
    ]


def test_a_connection_serves_many_requests_and_one_flight_is_enough(fresh_platform, domain):
    """RFC 9112 section 9.3; RFC 8446 section 2: the end of the handshake and a request in one packet."""
    platform = fresh_platform(toml=OPEN_DOMAIN + domain.toml, tls=domain.context(domain.them))
    port = urlsplit(platform.url).port
    connection = http.client.HTTPSConnection("localhost", port, context=platform.tls, timeout=20)
    for _ in range(20):
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        assert (response.status, response.version) == (200, 11)
        assert response.read().startswith(b"ready\n")
        assert response.getheader("connection") is None
    connection.close()
    for _ in range(20):
        assert in_one_flight(domain, port).startswith(b"HTTP/1.1 200 OK")


def in_one_flight(domain: SecureDomain, port: int | None) -> bytes:
    """The answer to a request that travels with the last message of the handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = domain.context(domain.them).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("localhost", port), 20) as plain:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        tls.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        plain.sendall(outgoing.read())
        while True:
            try:
                return tls.read(65536)
            except ssl.SSLWantReadError:
                incoming.write(plain.recv(65536))


def test_a_certificate_may_be_optional_where_a_listener_says_so(fresh_platform, domain):
    """A bad one is still refused."""
    toml = f'{OPEN_DOMAIN}{domain.toml}certificate_optional = ["http"]\n'
    platform = fresh_platform(toml=toml, tls=domain.context(None))
    journey(platform)
    with pytest.raises(ssl.SSLError, match="ALERT"):
        get(f"{platform.url}/readyz", domain.context(domain.revoked))


def coffre(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, "-m", "server.command_line", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_doctor_says_in_plain_words_why_a_node_is_not_let_in(fresh_platform, domain):
    """ITI TF-2: 3.19.4.1.3."""
    platform = fresh_platform(toml=OPEN_DOMAIN + domain.toml, tls=domain.context(domain.them))
    place = platform.url.removeprefix("https://")
    trusting = ("tls", "doctor", place, "--ca", domain.authority.certificate)

    def identity(one: Identity) -> tuple[str | Path, ...]:
        return ("--certificate", one.certificate, "--key", one.key)

    healthy = coffre(*trusting, *identity(domain.them))
    assert healthy.returncode == 0, healthy.stderr
    assert "It speaks TLS 1.3" in healthy.stdout
    assert "It is CN=us, issued by CN=authority, for localhost, 127.0.0.1." in healthy.stdout
    assert healthy.stdout.endswith("All is well: both sides accept each other.\n")
    nobody = coffre(*trusting)
    assert nobody.returncode == 1
    assert "PROBLEM: it requires a certificate, and we show none.\n  Remedy: " in nobody.stdout
    revoked = json.loads(coffre(*trusting, *identity(domain.revoked), "--json").stdout)
    assert [(one["problem"], one["words"]) for one in revoked["problems"]] == [
        ("our-certificate-refused", "it does not let us in: it takes our certificate for revoked")
    ]
    assert coffre("tls", "doctor", place.replace("localhost", "nowhere.invalid")).returncode == 3
    assert coffre("tls", "doctor", ":").returncode == 2


def test_a_command_proves_to_be_a_node_by_options_or_as_configured(fresh_platform, domain):
    """ITI TF-2: 3.19: the addresses are those of the configuration, and say https."""
    platform = fresh_platform(toml=OPEN_DOMAIN + domain.toml, tls=domain.context(domain.them))
    configuration = platform.directory / "coffre.toml"

    def find(*options: str | Path) -> subprocess.CompletedProcess[str]:
        return coffre("find", "--patient", "p1", "--registry", platform.url, *options)

    as_configured = find("--config", configuration)
    assert as_configured.returncode == 0, as_configured.stderr
    assert ("ITI-18", "CN=us") in names_of_peers(platform)
    identity = ("--certificate", domain.them.certificate, "--key", domain.them.key)
    by_options = find("--ca", domain.authority.certificate, *identity)
    assert by_options.returncode == 0, by_options.stderr
    assert ("ITI-18", NODE) in names_of_peers(platform)
    stranger = find("--ca", domain.authority.certificate)
    assert stranger.returncode == 3
    assert "certificate required" in stranger.stderr
    assert "coffre tls doctor" in stranger.stderr
    distrustful = find(*identity)
    assert distrustful.returncode == 3
    assert "certificate verify failed" in distrustful.stderr
    assert find("--key", domain.them.key).returncode == 2
    assert find("--ca", "nowhere.pem").returncode == 6
