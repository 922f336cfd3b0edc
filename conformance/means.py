"""What we were given against a target; a plan that needs more is not run."""

from dataclasses import dataclass

from conformance.assertions import Issuer
from conformance.sink import Sink


@dataclass(frozen=True)
class Means:
    """Means by the names that plans need them under.

    `restricted`, `rules` and `policies` are what the target's domain has: codes agreed on, and patients who
    decide, by consent documents too.
    """

    restricted: bool = False
    rules: bool = False
    policies: bool = False
    tls: bool = False
    certificate: bool = False
    refused: bool = False
    issuer: Issuer | None = None
    sink: Sink | None = None
    mllp: str = ""
    identity_v3: bool = True

    @property
    def names(self) -> frozenset[str]:
        """The means there are."""
        there = {
            "restricted-codes": self.restricted,
            "rules": self.rules,
            "policies": self.policies,
            "tls": self.tls,
            "client-certificate": self.certificate,
            "refused-certificate": self.refused,
            "assertion": self.issuer is not None,
            "identity-provider-key": self.issuer is not None and bool(self.issuer.key),
            "audit-sink": self.sink is not None,
            "mllp": bool(self.mllp),
            "identity-v3": self.identity_v3,
        }
        return frozenset(name for name, given in there.items() if given)
