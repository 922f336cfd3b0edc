"""A domain of secure nodes for tests: its authority, a foreign one, and what our node writes of refusals."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.services.certificates import Authority, Identity
from tests.services.platform import Platform


@dataclass
class SecureDomain:
    """The files of our node, and those who issue certificates; our node trusts `authority` only."""

    us: Identity
    them: Identity
    revoked: Identity
    crl: Path
    authority: Authority
    foreign: Authority

    @property
    def toml(self) -> str:
        """The [tls] section of our node."""
        return f"""
[tls]
certificate = "{self.us.certificate}"
key = "{self.us.key}"
client_ca = "{self.authority.certificate}"
crl = "{self.crl}"
"""

    def context(self, identity: Identity | None) -> ssl.SSLContext:
        """A client that trusts the authority and shows this."""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        if identity:
            context.load_cert_chain(identity.certificate, identity.key)
        return context


def secure_domain(directory: Path) -> SecureDomain:
    """Make the authorities and certificates in this directory."""
    (directory / "foreign").mkdir()
    authority, foreign = Authority(directory), Authority(directory / "foreign", "foreign")
    us, them, revoked = (authority.issue(name) for name in ("us", "them", "revoked"))
    return SecureDomain(us, them, revoked, authority.revocations(revoked), authority, foreign)


def alerts_of(platform: Platform) -> list[tuple[str, str, int, str, str]]:
    """Event, type, outcome, the peer's address and the reason of every alert."""
    found = []
    for record in (one for spool in platform.audit_spools for one in stored_records(spool)):
        message = read_audit_message(record)
        event = message.event
        if event.event_id.code == "110113":
            (alert,) = message.objects[0].details
            assert alert.value == event.outcome_description
            peer = message.participants[1].network_access_point
            found.append(
                (event.event_id.code, event.type_codes[0].code, int(event.outcome), peer, alert.value)
            )
    return found
