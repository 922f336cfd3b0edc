"""Only attested software asks, each product for its transactions and until its day."""

import asyncio
import socket
import ssl
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from atna_audit.spool import stored_records
from audit_message.model import AuditMessage
from audit_message.read import read_audit_message
from consent_broker.software_register import KnownBy
from exchange.software import Attestation
from exchange.subject import Software
from server import software as work
from server.configuration import Configuration, load
from server.tls.certificates import node_certificate
from tests.journeys.test_secure_node import A01
from tests.messages import requests
from tests.messages.requests import SUCCESS
from tests.services import proxies
from tests.services.platform import OPEN_DOMAIN, Platform, running
from tests.services.ports import free_port
from tests.services.secure_domain import SecureDomain, alerts_of, secure_domain
from tests.wire import envelope, post

REQUIRED = "\n[attestation]\nrequired = true\n"
PRODUCT = Software("Praxis", "4.2", "Logiciel SA")
PRAXIS = "Praxis 4.2 of Logiciel SA"
EVERYTHING = "ITI-8,ITI-18,ITI-41,ITI-43,ITI-44"


@pytest.fixture
def domain(tmp_path) -> SecureDomain:
    return secure_domain(tmp_path)


def attest(platform: Platform, certificate: Path, transactions: str = EVERYTHING) -> None:
    """As `coffre software attest` does it."""
    attested = Attestation(PRODUCT, frozenset(transactions.split(",")), datetime(2099, 1, 1, tzinfo=UTC))
    known_by = KnownBy(node_certificate(certificate.read_text()).sha256)
    asyncio.run(work.attest(configuration_of(platform), attested, {known_by}, "operator"))


def revoke(platform: Platform) -> None:
    assert asyncio.run(work.revoke(configuration_of(platform), PRODUCT, "operator")) == 1


def configuration_of(platform: Platform) -> Configuration:
    return load(platform.directory / "coffre.toml", platform.environment)


def last_records(platform: Platform, number: int) -> list[AuditMessage]:
    """By their times, for each process writes a file of its own; the starts of processes are left out."""
    (spool,) = platform.audit_spools
    messages = [read_audit_message(one) for one in stored_records(spool)]
    asked = [one for one in messages if one.event.event_id.code != "110100"]
    return sorted(asked, key=lambda one: one.event.at)[-number:]


def refusal(platform: Platform, patient_id: str) -> str:
    """What a query is told that its software may not make; recorded as what it is and as an alert."""
    answer = platform.query(requests.find_documents(patient_id))
    code, subcode, reason = answer.fault
    assert (answer.status, code, subcode) == (400, "Sender", "FailedAuthentication")
    records = last_records(platform, 2)
    assert [one.event.type_codes[0].code for one in records] == ["ITI-18", "110132"]
    assert {one.event.outcome_description for one in records} == {reason}
    assert {int(one.event.outcome) for one in records} == {4}
    return reason


def test_outils_attestes_conformes_a_la_plateforme(fresh_platform, domain):
    """Software may ask from its attestation to its revocation.

    Each change counts at the next request, in every process.
    """
    toml = f"{OPEN_DOMAIN}{domain.toml}{REQUIRED}[server]\nworkers = 2\n"
    platform = fresh_platform(toml=toml, tls=domain.context(domain.them))
    unknown = requests.fresh_patient_id()
    assert refusal(platform, unknown) == "no attested software is known by the certificate CN=them"
    attest(platform, domain.them.certificate)
    patient = platform.add_patient()
    given = requests.submission(patient)
    assert platform.provide(given, b"a letter").status_urn == SUCCESS
    for _ in range(4):  # of either process
        assert platform.documents_of(patient) == [given.unique_ids[0]]
    (record,) = last_records(platform, 1)
    assert record.participants[-1].user_id == PRAXIS
    assert [role.code for role in record.participants[-1].roles] == ["110150"]
    attest(platform, domain.them.certificate, "ITI-43,ITI-41")
    for _ in range(4):
        assert refusal(platform, patient) == f"{PRAXIS} is attested for ITI-41, ITI-43, not for ITI-18"
    revoke(platform)
    for _ in range(4):
        assert refusal(platform, patient).startswith(f"the attestation of {PRAXIS} was revoked on ")
    files = platform.stored_files
    assert (
        platform.provide(requests.submission(patient), b"another").fault[2].startswith("the attestation of")
    )
    assert platform.stored_files == files
    attest(platform, domain.them.certificate)
    assert platform.documents_of(patient) == [given.unique_ids[0]]


def test_expired_software_is_refused(postgresql_url, fresh_platform, domain):
    """Time ends an attestation without anybody's doing."""
    toml = f"{OPEN_DOMAIN}{domain.toml}{REQUIRED}"
    platform = fresh_platform(toml=toml, tls=domain.context(domain.them), database_url=postgresql_url)
    attest(platform, domain.them.certificate)
    patient = platform.add_patient()
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("UPDATE software_attestation SET until_seconds = 1577836800")
    assert refusal(platform, patient) == (
        f"the attestation of {PRAXIS} has expired, its last day was 2019-12-31"
    )


def test_who_shows_no_certificate_is_no_attested_software(fresh_platform, domain):
    toml = f'{OPEN_DOMAIN}{domain.toml}certificate_optional = ["http"]\n{REQUIRED}'
    platform = fresh_platform(toml=toml, tls=domain.context(None))
    assert refusal(platform, requests.fresh_patient_id()) == (
        "attested software is known by a client certificate, and none was shown"
    )


@pytest.mark.parametrize("proxy", [proxies.nginx, proxies.haproxy])
def test_software_is_known_behind_a_proxy_as_well(fresh_platform, domain, proxy):
    """ITI TF-2: 3.19: by the certificate that the proxy has verified."""
    platform = fresh_platform(toml=f'{OPEN_DOMAIN}\n[tls]\nproxies = ["127.0.0.1"]\n{REQUIRED}')
    with proxy(domain, urlsplit(platform.url).port) as port:
        outside = replace(platform, url=f"https://localhost:{port}", tls=domain.context(domain.them))
        unknown = requests.fresh_patient_id()
        assert refusal(outside, unknown) == "no attested software is known by the certificate CN=them"
        attest(platform, domain.them.certificate)
        assert outside.query(requests.find_documents(unknown)).status_urn == SUCCESS
        revoke(platform)
        assert refusal(outside, unknown).startswith(f"the attestation of {PRAXIS} was revoked on ")


def test_an_identity_feed_by_hl7_v2_comes_from_attested_software(fresh_platform, domain):
    """ITI TF-2: 3.8; a feed that is not taken is rejected with what is missing."""
    port = free_port()
    toml = f"{OPEN_DOMAIN}{domain.toml}{REQUIRED}[identity]\nmllp_port = {port}\n"
    platform = fresh_platform(toml=toml, tls=domain.context(domain.them))

    def acknowledgement(context: ssl.SSLContext) -> bytes:
        with (
            socket.create_connection(("localhost", port), 20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            tls.sendall(A01)
            return tls.recv(4096)

    context = domain.context(domain.them)
    rejected = acknowledgement(context)
    assert b"\rMSA|AR|m1|MSH: no attested software is known by the certificate CN=them\r" in rejected
    assert alerts_of(platform)[-1][:2] == ("110113", "110132")
    attest(platform, domain.them.certificate)
    assert b"\rMSA|AA|m1\r" in acknowledgement(context)
    (record,) = last_records(platform, 1)
    assert record.participants[-1].user_id == PRAXIS


def test_other_software_is_led_to_the_sandbox(tmp_path, domain):
    """ITI TF-2: 3.18, 3.41, 3.43: a domain with data of its own; nothing of it touches what is here."""
    behind = '\n[tls]\nproxies = ["127.0.0.1"]\n'
    with ExitStack() as stack:
        sandbox = stack.enter_context(running(tmp_path / "sandbox", toml=OPEN_DOMAIN + behind))
        toml = f'{OPEN_DOMAIN}{domain.toml}{REQUIRED}sandbox = "{sandbox.url}"\n'
        tls = domain.context(domain.them)
        platform = stack.enter_context(running(tmp_path / "platform", toml=toml, tls=tls))
        # What goes on in the sandbox looks like any domain to the software.
        patient = platform.add_patient()
        given = requests.submission(patient)
        assert platform.provide(given, b"a letter" * 100_000).status_urn == SUCCESS
        assert platform.documents_of(patient) == [given.unique_ids[0]]
        assert platform.retrieve(given.unique_ids[0]).parts[1][1] == b"a letter" * 100_000
        query = envelope(requests.ITI_18, requests.find_documents(patient))
        answer = post(platform.registry_url, query, tls=tls)
        assert answer.headers["x-coffre-domain"] == "sandbox"
        assert platform.stored_files == set()
        (record,) = last_records(sandbox, 1)
        assert (record.participants[0].user_name, record.event.type_codes[0].code) == ("CN=them", "ITI-18")
        assert set(alerts_of(platform)) == {
            (
                "110113", "110132", 4, "127.0.0.1",
                "no attested software is known by the certificate CN=them; led to the sandbox domain",
            )
        }  # fmt: skip
        # Attested, it is here from the next request on, where nothing of all that is known.
        attest(platform, domain.them.certificate, "ITI-18")
        answer = post(platform.registry_url, query, tls=tls)
        assert answer.status_urn == SUCCESS
        assert answer.found("ExtrinsicObject") == []
        assert "x-coffre-domain" not in answer.headers
        # For what it was not attested it is refused, not led elsewhere.
        assert platform.provide(requests.submission(patient), b"x").fault[2] == (
            f"{PRAXIS} is attested for ITI-18, not for ITI-41"
        )
        revoke(platform)
        assert post(platform.registry_url, query, tls=tls).headers["x-coffre-domain"] == "sandbox"
        sandbox.kill()
        assert post(platform.registry_url, query, tls=tls).fault == (
            "Receiver", None, "the sandbox domain gives no answer",
        )  # fmt: skip
