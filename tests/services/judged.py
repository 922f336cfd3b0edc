"""A platform that the conformance kit judges by its own command, and what the kit is given against it."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.house.tree import PROGRAMS, ROOT
from tests.messages.assertions import ISSUER, keys
from tests.services.platform import Platform, running
from tests.services.ports import free_port
from tests.services.secure_domain import secure_domain

# What `coffre init` sets up: codes of a domain, which the kit speaks by itself.
DOMAIN = """
[repository]
unique_id = "2.999.352.2"

[domain]
home_community_id = "urn:oid:2.999.352.3"
"""
_SECURE = """
{rules}

[identity]
mllp_port = {mllp}

[audit]
repositories = [{{ url = "udp://127.0.0.1:{sink}" }}]

[xua]
identity_providers = [{{ issuer = "{issuer}", certificates = "idp.pem" }}]
"""


@dataclass
class Judged:
    """A platform, and what the kit is given against it."""

    platform: Platform
    options: list[str]

    def option(self, name: str) -> list[str]:
        """One of the options with its value."""
        at = self.options.index(name)
        return self.options[at : at + 2]


def command(platform: Platform, *words: str) -> list[str]:
    """`coffre conformance run` on a platform."""
    urls = ["--registry", platform.registry_url, "--repository", platform.repository_url]
    return [str(PROGRAMS / "coffre"), "conformance", "run", "--json", *urls, *words]


def judge(platform: Platform, *words: str) -> tuple[int, dict[str, Any]]:
    """Run the kit; its exit status and what it says to programs."""
    done = subprocess.run(command(platform, *words), capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def passes(judged: Judged, group: str, *words: str) -> None:
    """All of a group's plans are run, and passed."""
    status, said = judge(judged.platform, *judged.options, "--groups", group, *words)
    wrong = {one["plan"]: one["reason"] for one in said["outcomes"] if one["verdict"] != "passed"}
    assert wrong == {}
    assert status == 0


@contextmanager
def secure_node(folder: Path, environment: Mapping[str, str], rules: str = "") -> Iterator[Judged]:
    """Lend a node that speaks TLS, asks for users, hears HL7 v2 and sends its records to the kit."""
    certificates = folder / "certificates"
    certificates.mkdir()
    domain = secure_domain(certificates)
    mllp, sink = free_port(), free_port()
    (folder / "idp.pem").write_bytes(keys("idp").pem)
    (folder / "idp.key").write_bytes(keys("idp").key_pem)
    refused = folder / "refused.pem"
    refused.write_bytes(domain.revoked.certificate.read_bytes() + domain.revoked.key.read_bytes())
    toml = DOMAIN + _SECURE.format(rules=rules, mllp=mllp, sink=sink, issuer=ISSUER) + domain.toml
    tls = domain.context(domain.them)
    with running(folder, toml=toml, environment=environment, tls=tls) as platform:
        options = ["--identity", f"mllps://127.0.0.1:{mllp}", "--ca", str(domain.authority.certificate)]
        options += ["--certificate", str(domain.them.certificate), "--key", str(domain.them.key)]
        options += ["--identity", platform.registry_url, "--refused", str(refused)]
        options += ["--idp-key", str(folder / "idp.key"), "--idp-certificate", str(folder / "idp.pem")]
        yield Judged(platform, [*options, "--issuer", ISSUER, "--audit-udp", str(sink)])


def records_for_all(folder: Path) -> str:
    """Rules by which everybody has a record, and nobody but the patient sees it until he says so."""
    pack = (ROOT / "server" / "rule_packs" / "luxembourg.toml").read_text()
    (folder / "rules.toml").write_text(pack.replace('regime = "opt-in"', 'regime = "opt-out"'))
    return 'rules = "rules.toml"'
