"""Step 3: the machine, its software, and the user whom a message names, verified (ITI TF-2: 3.19, 3.40)."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from exchange.bearing import Bearing, bearing
from exchange.call import Call
from exchange.conversation import Message
from exchange.diary import Diary
from exchange.software import Attestations, NotAttested, software_asking
from exchange.subject import Subject
from ihe.namespaces import WSSE
from ihe.transactions import Transaction
from ihe.xua import NO_ASSERTION, USED_BEFORE, WITHOUT_A_USER
from soap.fault import QName, SoapFault
from xua.acceptance import Policy, Presenter, refuse_unacceptable
from xua.assertion import Assertion
from xua.message_signature import signers_of_message
from xua.refused import NotAccepted
from xua.security_header import SECURITY, Token, read_security_header
from xua.signature import Trust
from xua.user import User
from xua.verified import VerifiedAssertions, verify

# WSS has no word for software; by its text this one is for a token, here the certificate, that could not be
# authorized (WSS SOAP Message Security 1.1: 12).
NOT_ATTESTED = (WSSE, "FailedAuthentication")


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


async def who_is_asking(
    call: Call,
    message: Message,
    transaction: Transaction,
    actor: str,
    users: Users,
    attestations: Attestations | None,
    diary: Diary,
    at: datetime,
) -> Subject:
    """The machine with its software and, by his assertion, the user; a SoapFault where one does not do."""
    # What another actor of ours hands over came in by a transaction whose software was attested.
    if attestations and not call.from_ourselves:
        try:
            diary.software = await software_asking(
                call.peer_certificate, transaction.number, attestations, at
            )
        except NotAttested as problem:
            diary.software_refused = True
            raise SoapFault.sender(str(problem), NOT_ATTESTED) from None
    user = await _user(call, message, transaction, actor, users, diary, at)
    return Subject(call.peer_address, user, call.peer_certificate, call.from_ourselves, diary.software)


async def _user(
    call: Call,
    message: Message,
    transaction: Transaction,
    actor: str,
    users: Users,
    diary: Diary,
    at: datetime,
) -> User | None:
    try:
        token = read_security_header(message.envelope.headers) if users.understood else None
        if token is None:
            bearing.set(None)
            # An actor of our own speaks for nobody when it settles what a stopped process left over.
            if users.required and not call.from_ourselves and transaction.number not in WITHOUT_A_USER:
                raise NotAccepted(NO_ASSERTION)
            return None
        assertion = await _verified(token, users, at)
        presenter = await _presenter(call, message, assertion, users, at)
        refuse_unacceptable(assertion, users.policy, presenter, at)
        if assertion.one_time_use and not call.from_ourselves:
            await _use(assertion, actor, users)
    except NotAccepted as problem:
        diary.user_refused = True
        raise SoapFault.sender(problem.refusal.rule, problem.refusal.subcode) from None
    diary.user = assertion.user
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
    call: Call, message: Message, assertion: Assertion, users: Users, at: datetime
) -> Presenter:
    """Whose keys the peer has proved to hold, if the assertion asks for one at all (SAML Profiles: 3.1)."""
    if call.from_ourselves or not assertion.holders:
        return Presenter(is_ourselves=call.from_ourselves)
    held = {call.peer_certificate.sha256} if call.peer_certificate else set()
    headers = message.envelope.headers
    signers = await asyncio.to_thread(signers_of_message, headers, assertion.holders, users.policy.skew, at)
    return Presenter(signers | held)


async def _use(assertion: Assertion, actor: str, users: Users) -> None:
    """Each actor counts for itself: a repository shows its registry the same assertion (ITI TF-2: 3.40)."""
    parts = (actor, assertion.user.issuer, assertion.user.assertion_id)
    key = hashlib.sha256("\0".join(parts).encode()).digest()
    if not await users.uses.first_use(key, assertion.not_on_or_after + users.policy.skew):
        raise NotAccepted(USED_BEFORE)
