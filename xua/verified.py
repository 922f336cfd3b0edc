"""A token to its assertion: opened, verified and read once, remembered for as long as it is shown again."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from ihe.xua import SIGNATURE_WRONG
from xua.assertion import Assertion, read_assertion
from xua.encryption import decrypt_assertion
from xua.refused import NotAccepted
from xua.security_header import Token
from xua.signature import Trust, verify_signature

# About two kilobytes each: the working day of a large hospital, each person with an assertion an hour.
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Verified:
    """An assertion, and until when the certificate that vouches for it may be used."""

    assertion: Assertion
    not_after: datetime


def verify(token: Token, trust: Trust, at: datetime) -> Verified:
    """Open and verify the token, and read what is signed of it; raises NotAccepted."""
    content = decrypt_assertion(token.content, trust.decryption_keys) if token.encrypted else token.content
    signed = verify_signature(content, trust, at)
    assertion = read_assertion(signed.assertion)
    if assertion.user.issuer != signed.issuer:
        raise NotAccepted(SIGNATURE_WRONG)
    return Verified(assertion, signed.not_after)


class VerifiedAssertions:
    """The assertions verified last, by the digest of their octets and the state of the trust."""

    def __init__(self, limit: int = MAX_REMEMBERED) -> None:
        self._limit = limit
        self._found: OrderedDict[bytes, Verified] = OrderedDict()

    def find(self, token: Token, trust: Trust, at: datetime) -> Verified | None:
        """What was found of the same octets under the same trust, if its signer still may sign."""
        key = _key(token, trust)
        found = self._found.get(key)
        if found is None:
            return None
        if at > found.not_after:
            del self._found[key]
            return None
        self._found.move_to_end(key)
        return found

    def keep(self, token: Token, trust: Trust, verified: Verified) -> None:
        """Remember it; the one not seen for longest makes room."""
        self._found[_key(token, trust)] = verified
        if len(self._found) > self._limit:
            self._found.popitem(last=False)


def _key(token: Token, trust: Trust) -> bytes:
    return hashlib.sha256(trust.generation + token.content).digest()
