"""Step 3: the machine, its software, and the user whom a message names, verified (ITI TF-2: 3.19, 3.40)."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from lxml import etree

from exchange.bearing import Bearing, bearing
from exchange.call import Call
from exchange.diary import Diary
from exchange.software import Attestations, NotAttested, software_asking
from exchange.subject import Subject
from ihe.xua import NO_ASSERTION, USED_BEFORE, WITHOUT_A_USER
from soap.fault import QName
from xua.acceptance import Policy, Presenter, refuse_unacceptable
from xua.assertion import Assertion
from xua.authorization_header import read_authorization
from xua.message_signature import signers_of_message
from xua.refused import NotAccepted
from xua.security_header import SECURITY, Token, read_security_header
from xua.signature import Trust
from xua.user import User
from xua.verified import VerifiedAssertions, verify


class OneTimeUses(Protocol):
    """Remembers which assertions for one use were used, in every process of this actor."""

    async def first_use(self, key: bytes, until: datetime) -> bool:
        """Whether this is the first use; remembered until the assertion has expired anyway."""


@dataclass(frozen=True, slots=True)
class Users:
    """What a domain asks of users' assertions, and those that it has verified before."""

    trust: Trust
    policy: Policy
    required: bool
    uses: OneTimeUses
    known: VerifiedAssertions = field(default_factory=VerifiedAssertions)

    @property
    def understood(self) -> frozenset[QName]:
        """The header that is heeded; without an identity provider it is as foreign as any (SOAP 1.2: 2.4)."""
        return frozenset({SECURITY}) if self.trust.providers else frozenset()

    def needed(self, call: Call, transaction: str) -> bool:
        """Whether a user must be named; an actor of our own may speak for nobody, to settle things."""
        return self.required and not call.from_ourselves and transaction not in WITHOUT_A_USER


class Showing(Protocol):
    """How a request shows the assertion of its user."""

    def token(self) -> Token | None:
        """The one assertion that it shows, or NotAccepted; None where nobody is named."""

    def signers(self, certificates: Iterable[bytes], skew: timedelta, at: datetime) -> frozenset[str]:
        """Of these certificates, by their SHA-256, those whose key signed the request itself."""


@dataclass(frozen=True, slots=True)
class InSecurityHeader:
    """By a header of its envelope (ITI TF-2: 3.40.4.1.2)."""

    headers: Sequence[etree._Element]

    def token(self) -> Token | None:
        """The assertion in the Security header."""
        return read_security_header(self.headers)

    def signers(self, certificates: Iterable[bytes], skew: timedelta, at: datetime) -> frozenset[str]:
        """Those who signed the Body."""
        return signers_of_message(self.headers, certificates, skew, at)


@dataclass(frozen=True, slots=True)
class InAuthorization:
    """By a header of HTTP (ITI TF-2: 3.72.6.2), which is signed by nobody."""

    values: Sequence[str]

    def token(self) -> Token | None:
        """The assertion in the Authorization header."""
        return read_authorization(self.values)

    def signers(self, certificates: Iterable[bytes], skew: timedelta, at: datetime) -> frozenset[str]:
        """Nobody."""
        return frozenset()


async def who_is_asking(
    call: Call,
    showing: Showing,
    transaction: str,
    place: str,
    *,
    needed: bool,
    users: Users,
    attestations: Attestations | None,
    diary: Diary,
    at: datetime,
) -> Subject:
    """The machine with its software and, by his assertion, the user; NotAttested or NotAccepted.

    A user must be named where he is `needed`; an assertion for one use counts once at each `place`.
    """
    # What another actor of ours hands over came in by a transaction whose software was attested.
    if attestations and not call.from_ourselves:
        try:
            diary.software = await software_asking(call.peer_certificate, transaction, attestations, at)
        except NotAttested:
            diary.software_refused = True
            raise
    try:
        user = await _user(call, showing, place, needed, users, at)
    except NotAccepted:
        diary.user_refused = True
        raise
    diary.user = user
    return Subject(call.peer_address, user, call.peer_certificate, call.from_ourselves, diary.software)


async def _user(
    call: Call, showing: Showing, place: str, needed: bool, users: Users, at: datetime
) -> User | None:
    token = showing.token()
    if token is None:
        bearing.set(None)
        if needed:
            raise NotAccepted(NO_ASSERTION)
        return None
    assertion = await _verified(token, users, at)
    presenter = await _presenter(call, showing, assertion, users, at)
    refuse_unacceptable(assertion, users.policy, presenter, at)
    if assertion.one_time_use and not call.from_ourselves:
        await _use(assertion, place, users)
    bearing.set(Bearing(assertion.user, token.content))
    return assertion.user


async def _verified(token: Token, users: Users, at: datetime) -> Assertion:
    found = users.known.find(token, users.trust, at)
    if found is None:
        # Half a millisecond of hashing and curves, which other requests need not wait for.
        found = await asyncio.to_thread(verify, token, users.trust, at)
        users.known.keep(token, users.trust, found)
    return found.assertion


async def _presenter(
    call: Call, showing: Showing, assertion: Assertion, users: Users, at: datetime
) -> Presenter:
    """Whose keys the peer has proved to hold, if the assertion asks for one at all (SAML Profiles: 3.1)."""
    if call.from_ourselves or not assertion.holders:
        return Presenter(is_ourselves=call.from_ourselves)
    held = {call.peer_certificate.sha256} if call.peer_certificate else set()
    signers = await asyncio.to_thread(showing.signers, assertion.holders, users.policy.skew, at)
    return Presenter(signers | held)


async def _use(assertion: Assertion, place: str, users: Users) -> None:
    """Each actor counts for itself: a repository shows its registry the same assertion (ITI TF-2: 3.40)."""
    parts = (place, assertion.user.issuer, assertion.user.assertion_id)
    key = hashlib.sha256("\0".join(parts).encode()).digest()
    if not await users.uses.first_use(key, assertion.not_on_or_after + users.policy.skew):
        raise NotAccepted(USED_BEFORE)
