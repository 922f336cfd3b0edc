"""Whether a verified assertion does here and now (ITI TF-2: 3.40.4.1.3; SAML 2.0 Core: 2.4, 2.5)."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ihe.xua import (
    AUTHENTICATION_CLASSES,
    BEARER,
    EXPIRED,
    HOLDER_OF_KEY,
    NOT_CONFIRMED,
    NOT_YET_VALID,
    ONE_PURPOSE,
    ONE_ROLE,
    OTHER_AUDIENCE,
    WEAK_AUTHENTICATION,
    Assurance,
)
from xua.assertion import Assertion, Confirmation
from xua.refused import NotAccepted

# Clocks of machines without a common time source drift apart by so much; IHE names no number.
USUAL_SKEW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a domain asks of assertions; `audiences` are the names by which it is meant."""

    audiences: frozenset[str]
    skew: timedelta = USUAL_SKEW
    minimum_assurance: Assurance = Assurance.LOW
    one_role_and_purpose: bool = True


@dataclass(frozen=True, slots=True)
class Presenter:
    """Who shows an assertion: `certificates`, by their SHA-256, whose keys the peer has proved to hold.

    `is_ourselves` where an actor of this process hands on what it has accepted before.
    """

    certificates: frozenset[str] = field(default=frozenset())
    is_ourselves: bool = False


def refuse_unacceptable(assertion: Assertion, policy: Policy, presenter: Presenter, at: datetime) -> None:
    """Raise NotAccepted by the first rule that the assertion breaks; asked anew for each use of it."""
    ends = (assertion.not_on_or_after, assertion.session_not_on_or_after)
    if any(end is not None and at - policy.skew >= end for end in ends):
        raise NotAccepted(EXPIRED)
    if at + policy.skew < max(assertion.not_before, assertion.authenticated_at):
        raise NotAccepted(NOT_YET_VALID)
    if not all(audiences & policy.audiences for audiences in assertion.audiences):
        raise NotAccepted(OTHER_AUDIENCE)
    if AUTHENTICATION_CLASSES.get(assertion.user.assurance, Assurance.NONE) < policy.minimum_assurance:
        raise NotAccepted(WEAK_AUTHENTICATION)
    if not presenter.is_ourselves and not any(
        _confirms(one, presenter, policy.skew, at) for one in assertion.confirmations
    ):
        raise NotAccepted(NOT_CONFIRMED)
    if policy.one_role_and_purpose and assertion.roles != 1:
        raise NotAccepted(ONE_ROLE)
    if policy.one_role_and_purpose and assertion.purposes != 1:
        raise NotAccepted(ONE_PURPOSE)


def _confirms(confirmation: Confirmation, presenter: Presenter, skew: timedelta, at: datetime) -> bool:
    """One confirmation that holds is enough (SAML 2.0 Core: 2.4.1)."""
    if confirmation.not_on_or_after is not None and at - skew >= confirmation.not_on_or_after:
        return False
    if confirmation.not_before is not None and at + skew < confirmation.not_before:
        return False
    if confirmation.method == HOLDER_OF_KEY:
        held = {hashlib.sha256(certificate).hexdigest() for certificate in confirmation.certificates}
        return bool(held & presenter.certificates)
    return confirmation.method == BEARER
