"""The kit judges our platform as a secure node with users, audit records and patients who decide."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.test_conformance_kit import judge
from tests.messages.assertions import ISSUER, assertion, keys, signed
from tests.services.platform import Platform, free_port, running
from tests.services.secure_domain import SecureDomain, secure_domain

SECURE = """
[repository]
unique_id = "2.999.352.2"

[domain]
home_community_id = "urn:oid:2.999.352.3"
{rules}

[identity]
mllp_port = {mllp}

[audit]
repositories = [{{ url = "udp://127.0.0.1:{sink}" }}]

[xua]
identity_providers = [{{ issuer = "{issuer}", certificates = "idp.pem" }}]
"""
# Everybody has a record, and nobody but the patient sees it until he says so.
OPEN_FOR_ALL = "opt-out.toml"


@dataclass
class Judged:
    """A platform, and what the kit is given against it."""

    platform: Platform
    options: list[str]


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> SecureDomain:
    """Lend the certificates of a domain."""
    return secure_domain(tmp_path_factory.mktemp("certificates"))


def lend(folder: Path, domain: SecureDomain, rules: str) -> Iterator[Judged]:
    mllp, sink = free_port(), free_port()
    (folder / "idp.pem").write_bytes(keys("idp").pem)
    (folder / "idp.key").write_bytes(keys("idp").key_pem)
    refused = folder / "refused.pem"
    refused.write_bytes(domain.revoked.certificate.read_bytes() + domain.revoked.key.read_bytes())
    toml = SECURE.format(rules=rules, mllp=mllp, sink=sink, issuer=ISSUER) + domain.toml
    with running(folder, toml=toml, tls=domain.context(domain.them)) as platform:
        options = ["--identity", platform.registry_url, "--identity", f"mllps://127.0.0.1:{mllp}"]
        options += ["--ca", str(domain.authority.certificate), "--refused", str(refused)]
        options += ["--certificate", str(domain.them.certificate), "--key", str(domain.them.key)]
        options += ["--idp-key", str(folder / "idp.key"), "--idp-certificate", str(folder / "idp.pem")]
        yield Judged(platform, [*options, "--issuer", ISSUER, "--audit-udp", str(sink)])


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, domain: SecureDomain) -> Iterator[Judged]:
    """Lend a platform that speaks TLS with nodes, and asks for users."""
    yield from lend(tmp_path_factory.mktemp("secure"), domain, "")


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory, domain: SecureDomain) -> Iterator[Judged]:
    """Lend one where patients decide."""
    folder = tmp_path_factory.mktemp("ruled")
    pack = Path(__file__).parents[2] / "server" / "rule_packs" / "luxembourg.toml"
    (folder / OPEN_FOR_ALL).write_text(pack.read_text().replace('regime = "opt-in"', 'regime = "opt-out"'))
    yield from lend(folder, domain, f'rules = "{OPEN_FOR_ALL}"')


@pytest.mark.parametrize("group", ["XUA", "ATNA", "Audit", "HL7 V2"])
def test_every_plan_of_a_secure_node_is_passed(secure: Judged, group: str):
    outcomes_of(secure, group)


def test_an_assertion_and_a_feed_of_hl7_v2_are_enough(secure: Judged, tmp_path: Path):
    """Where an identity provider lends no key, and no feed speaks HL7 V3."""
    given = tmp_path / "assertion.xml"
    given.write_bytes(signed(assertion(not_on_or_after=datetime.now(UTC) + timedelta(hours=1))))
    at = secure.options.index("--identity", 1)
    certificate = secure.options.index("--certificate")
    words = [*secure.options[at : at + 2], *secure.options[certificate : certificate + 4]]
    words += ["--ca", secure.options[secure.options.index("--ca") + 1], "--assertion", str(given)]
    chosen = ("--plans", "xua-accepted-*", "--plans", "retrieve-document", "--plans", "identity-added")
    status, said = judge(secure.platform, *words, *chosen)
    verdicts = {one["plan"]: one["verdict"] for one in said["outcomes"]}
    assert status == 0
    assert verdicts["xua-accepted-provide"] == verdicts["retrieve-document"] == "passed"
    assert verdicts["identity-added"] == verdicts["xua-accepted-with-organization"] == "not run"


def test_every_plan_about_consent_is_passed(ruled: Judged):
    outcomes_of(ruled, "Consent", "--rules")


def outcomes_of(judged: Judged, group: str, *words: str) -> None:
    """All of a group's plans were run, and passed."""
    status, said = judge(judged.platform, *judged.options, "--groups", group, *words)
    wrong = {one["plan"]: one["reason"] for one in said["outcomes"] if one["verdict"] != "passed"}
    assert wrong == {}
    assert status == 0
