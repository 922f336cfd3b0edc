"""Behind a proxy that ends TLS: the node is whom the proxy has verified, and nobody else (ITI TF-2: 3.19)."""

import ssl
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tests.journeys.test_secure_web_services import journey, names_of_peers
from tests.messages import requests
from tests.services import proxies
from tests.services.certificates import EXPIRED
from tests.services.platform import OPEN_DOMAIN, Platform, running
from tests.services.secure_domain import SecureDomain, alerts_of, secure_domain
from tests.wire import envelope, post

BASE_URL = "https://coffre.example.lu"
PLAIN = f'''{OPEN_DOMAIN}
[server]
base_url = "{BASE_URL}"
[tls]
proxies = ["127.0.0.1"]
[xua]
required = false
'''
REMOTE = PLAIN.replace("127.0.0.1", "10.0.0.0/24")


@pytest.fixture
def domain(tmp_path) -> SecureDomain:
    return secure_domain(tmp_path)


@pytest.mark.parametrize("proxy", [proxies.nginx, proxies.haproxy])
def test_the_node_is_whom_the_proxy_has_verified(fresh_platform, domain, proxy):
    """ITI TF-2: 3.19: what stands in our documentation as an example, at work."""
    platform = fresh_platform(toml=PLAIN)
    with proxy(domain, urlsplit(platform.url).port) as port:
        outside = replace(platform, url=f"https://localhost:{port}", tls=domain.context(domain.them))
        journey(outside)
        assert {("ITI-41", "CN=them"), ("ITI-18", "CN=them")} <= names_of_peers(platform)
        # A name that the client writes itself is written over.
        forged = {"Client-Cert": escaped(domain.us.certificate.read_text()), "X-Forwarded-For": "10.9.9.9"}
        message = envelope(requests.ITI_18, requests.find_documents(requests.fresh_patient_id()))
        assert post(outside.registry_url, message, headers=forged, tls=outside.tls).status == 200
        assert {name for _, name in names_of_peers(platform)} == {"CN=them"}
        for identity in (None, domain.revoked, domain.authority.issue("old", valid=EXPIRED)):
            try:
                status = post(outside.registry_url, message, tls=domain.context(identity)).status
            except (ssl.SSLError, ConnectionError):
                status = 0
            # nginx ends the handshake first, and then says 400.
            assert status in (0, 400)
    assert f"{BASE_URL}/registry" in platform.log
    assert alerts_of(platform) == []


def escaped(pem: str) -> str:
    return pem.replace("\n", "%0A").replace(" ", "%20").replace("+", "%2B")


def test_who_does_not_come_through_the_proxy_is_refused(fresh_platform):
    """Whatever headers it sends; health and WSDL are nobody's secret."""
    platform: Platform = fresh_platform(toml=REMOTE)
    message = envelope(requests.ITI_18, requests.find_documents("p1^^^&2.999.5&ISO"))
    for headers in ({}, {"Client-Cert": ":AAAA:", "X-Forwarded-For": "10.0.0.1"}):
        answer = post(platform.registry_url, message, headers=headers)
        assert (answer.status, answer.body) == (403, b"a node certificate is required\n")
    assert (
        alerts_of(platform)
        == [("110113", "110126", 4, "127.0.0.1", "it did not come through a trusted proxy")] * 2
    )


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "the proxy passed on no client certificate, or several"),
        ({"Client-Cert": ""}, "the proxy passed on no client certificate, or several"),
        ({"Client-Cert": ":AAAA:"}, "the proxy passed on no readable client certificate"),
        ({"Client-Cert": ":A:"}, "the proxy passed on no readable client certificate"),
        ({"Client-Cert": "CN=them"}, "the proxy passed on no readable client certificate"),
        ({"Client-Cert": "-----BEGIN%20CERT\xe9"}, "the proxy passed on no readable client certificate"),
    ],
)
def test_a_proxy_that_names_no_node_is_refused_by_the_address_of_its_client(
    plain_behind_proxy, headers, reason
):
    """The last address is the one that the proxy itself has seen."""
    message = envelope(requests.ITI_18, requests.find_documents("p1^^^&2.999.5&ISO"))
    headers = {**headers, "X-Forwarded-For": "192.0.2.1, 10.0.0.7"}
    assert post(plain_behind_proxy.registry_url, message, headers=headers).status == 403
    assert alerts_of(plain_behind_proxy)[-1] == ("110113", "110126", 4, "10.0.0.7", reason)


@pytest.fixture(scope="module")
def plain_behind_proxy(tmp_path_factory):
    with running(tmp_path_factory.mktemp("behind"), toml=PLAIN) as one:
        yield one
