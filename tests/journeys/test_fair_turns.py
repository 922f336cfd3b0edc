"""One client cannot starve the others, nor have this server call anybody (ITI TF-2: 3.19; Appendix V)."""

import contextlib
import http.client
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.services.platform import OPEN_DOMAIN, ROOT, Platform
from tests.services.secure_domain import SecureDomain, alerts_of, secure_domain
from tests.wire import WSA, envelope, post

QUERY = envelope(requests.ITI_18, requests.find_documents("nobody^^^&2.999.5&ISO"))


@pytest.fixture
def domain(tmp_path) -> SecureDomain:
    return secure_domain(tmp_path)


def who_was_answered(platform: Platform) -> list[str]:
    """The node of every query, in the order of the answers."""
    messages = (read_audit_message(one) for one in stored_records(platform.directory / "audit"))
    return [one.participants[0].user_name for one in messages if one.event.type_codes[0].code == "ITI-18"]


def test_a_flood_of_one_client_does_not_keep_the_other_waiting(fresh_platform, domain):
    """Both from one address, told apart by their certificates: of 40 connections, 4 are served at once."""
    toml = f"{OPEN_DOMAIN}{domain.toml}\n[clients]\nrequests = 4\nconnections = 40\n"
    platform = fresh_platform(toml=toml, tls=domain.context(domain.them))
    other = domain.context(domain.authority.issue("other"))
    them, ca = domain.them, domain.authority.certificate
    command: list[str | Path] = [sys.executable, "-m", "tests.services.flood", platform.registry_url]
    command += [ca, them.certificate, them.key, "44"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as flood:
        try:
            while len(who_was_answered(platform)) < 80:
                time.sleep(0.05)
            connection = http.client.HTTPSConnection("localhost", urlsplit(platform.url).port, context=other)
            with contextlib.closing(connection):
                for _ in range(20):
                    connection.request("POST", "/registry", QUERY, {"Content-Type": "application/soap+xml"})
                    response = connection.getresponse()
                    assert (response.status, response.read()[:1]) == (200, b"<")
        finally:
            flood.communicate()
    names = who_was_answered(platform)
    served = [number for number, name in enumerate(names) if name == "CN=other"]
    meanwhile = names[served[0] : served[-1]].count("CN=them")
    assert len(served) == 20
    # By its connections the flood would have had 40 answers to each of the other's.
    assert meanwhile < 20 * 12
    assert "was closed: 503 Service Unavailable" in platform.log  # its connections beyond the fortieth


def test_a_client_that_is_too_fast_is_told_to_wait(fresh_platform):
    """RFC 9110: 15.6.4; with a SOAP fault, and once for many in the audit trail."""
    platform = fresh_platform(toml=OPEN_DOMAIN + "\n[clients]\nrequests_per_second = 5\n")
    answers = [post(platform.registry_url, QUERY) for _ in range(80)]
    refused = [one for one in answers if one.status == 503]
    assert 0 < len(refused) <= 75
    assert {one.headers["retry-after"] for one in refused} == {"1"}
    assert {one.fault for one in refused} == {
        (
            "Receiver",
            None,
            "more requests a second came from this client than are taken; send this one again later",
        )
    }
    reason = "more requests a second came from this client than are taken"
    assert alerts_of(platform) == [("110113", "too-many-requests", 4, "127.0.0.1", reason)] * min(
        len(refused), 60
    )


@pytest.mark.parametrize("name", ["ReplyTo", "FaultTo"])
def test_nobody_is_called_at_an_address_of_a_message(platform, name):
    """WS-Addressing 1.0 SOAP Binding: 6.4.1.7."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/callback"
        header = f"<wsa:{name}><wsa:Address>{address}</wsa:Address></wsa:{name}>"
        query = QUERY.decode()
        if name == "ReplyTo":
            anonymous = f"<wsa:ReplyTo><wsa:Address>{WSA}/anonymous</wsa:Address></wsa:ReplyTo>"
            assert anonymous in query
            query = query.replace(anonymous, header)
        else:
            query = query.replace("<wsa:To>", f"{header}<wsa:To>")
        # What says where a message is from or went to is no address to call either.
        query = query.replace("http://localhost/", address).replace(
            "<wsa:To>", f"<wsa:From><wsa:Address>{address}</wsa:Address></wsa:From><wsa:To>"
        )
        answer = post(platform.registry_url, query.encode())
        assert answer.status == 400
        codes = [str(one.text).rpartition(":")[2] for one in answer.found("Value")]
        assert codes == ["Sender", "InvalidAddressingHeader", "OnlyAnonymousAddressSupported"]
        assert answer.found("ProblemHeaderQName")[0].text == f"wsa:{name}"
        with pytest.raises(TimeoutError):
            listening.accept()


def test_nobody_is_called_at_any_address_of_a_good_message(platform):
    """Nor where a fault is for nobody: it comes back on the connection of its request."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        headers = (
            f"<wsa:From><wsa:Address>{address}</wsa:Address></wsa:From>"
            f"<wsa:FaultTo><wsa:Address>{WSA}/none</wsa:Address></wsa:FaultTo>"
        )
        message = envelope(
            requests.ITI_18, requests.find_documents("nobody^^^&2.999.5&ISO"), more_headers=headers
        ).replace(b"http://localhost/", address.encode())
        assert post(platform.registry_url, message).status_urn == requests.SUCCESS
        with pytest.raises(TimeoutError):
            listening.accept()
