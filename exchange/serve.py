"""The journey of one request. Read this page first: ten steps, straight down."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Literal

from lxml import etree

from ebxml.affinity_domain import AffinityDomain, Tolerance
from ebxml.refused import Refused
from exchange.attachments import Attachments
from exchange.audit_trail import audit_messages_of
from exchange.call import Answer, Call, Limits
from exchange.conversation import AnyConversation, Message
from exchange.deciding import Deciding
from exchange.diary import Diary, Node
from exchange.pledge import Pledge, Pledges, owing
from exchange.ports import AuditTrail, AuditUnavailable, Clock, Consent, NewUuid, Staging
from exchange.receive import receive
from exchange.replies import Forbidden, answer_with, explain, unavailable
from exchange.software import Attestations
from exchange.standing import standing_on
from exchange.tally import Tally
from exchange.users import InSecurityHeader, Users, who_is_asking
from exchange.verbs import READING
from ihe.transactions import BY_ACTION
from soap.fault import SoapFault

log = logging.getLogger("coffre.exchange")

ActorName = Literal["registry", "repository"]


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor at one endpoint: what it can talk about, and where its attachments go."""

    name: ActorName
    conversations: Mapping[str, AnyConversation]
    staging: Staging | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every journey shares: the clock, the ports, the domain, its users and the limits."""

    node: Node
    domain: AffinityDomain
    users: Users
    limits: Limits
    clock: Clock
    new_uuid: NewUuid
    consent: Consent
    audit: AuditTrail
    tally: Tally = field(default_factory=Tally)
    pledges: Pledges | None = None
    """Where a change can be cut off before its record is written."""
    attestations: Attestations | None = None
    """Where only attested software may ask, the register of it."""


async def serve(call: Call, actor: Actor, around: Surroundings) -> Answer:
    """Take one request from bytes to bytes; whatever happens becomes an answer and a record."""
    began = around.clock()
    diary = Diary(call, around.node)
    attachments = Attachments(actor.staging)
    message = conversation = pledge = None
    under_way = 0
    try:
        # 1. Bytes to envelope and attachments.
        message = await receive(
            call,
            attachments,
            around.limits,
            Tolerance.ACTION_WHITE_SPACE in around.domain.tolerances,
            around.users.understood,
        )
        under_way = 1
        around.tally.under_way += under_way
        # 2. wsa:Action to transaction.
        conversation = _conversation_about(message, actor, diary)
        # 3. Who is asking.
        number = conversation.transaction.number
        subject = await who_is_asking(
            call,
            InSecurityHeader(message.envelope.headers if around.users.understood else ()),
            number,
            actor.name,
            needed=around.users.needed(call, number),
            users=around.users,
            attestations=around.attestations,
            diary=diary,
            at=around.clock(),
        )
        # 4. XML to a typed, frozen request.
        request = await conversation.read(message, diary)
        # 5. Every error of the message, or none.
        if errors := tuple(conversation.errors_in(request)):
            raise Refused(*errors)
        # 6. The consent broker's decision for this subject, verb and patients.
        whose = partial(conversation.patients, request, diary)
        deciding = Deciding(around.consent, subject, conversation.verb, whose, around.clock)
        decision = await deciding.decision()
        understood = replace(diary)
        while True:
            diary = replace(
                understood,
                access_reasons=decision.reasons,
                opened_by_emergency=decision.opened_by_emergency,
            )
            if not decision.permit:
                raise Forbidden(*decision.reasons)
            # 7 and 8. The actor's own work inside one database transaction, what it may see going into its
            # SQL, and with it, if it changes something, the pledge of its record.
            attachments.claim_all()
            pledge = _pledge(conversation, diary, around)
            with owing(pledge), standing_on(decision.standing):
                result = await conversation.perform(request, decision)
            # 9. The result to bytes; looked up anew if what may be seen is no longer the same.
            answer = answer_with(conversation.reply(result, diary), message, conversation, around.new_uuid)
            now = await deciding.changed(decision)
            if now is None:
                break
            decision = now
    except Exception as problem:  # the one place where an exception becomes an answer
        answer = explain(problem, diary, message, conversation, around.new_uuid)
    finally:
        around.tally.under_way -= under_way
        await attachments.discard()
    # 10. The audit record, durable before the first byte of the answer leaves.
    try:
        happenings = diary.happenings(around.clock())
        await around.audit.record(*chain.from_iterable(map(audit_messages_of, happenings)))
    except AuditUnavailable as problem:
        if around.pledges and pledge:
            around.pledges.broken(pledge)
        return unavailable(problem, message, around.new_uuid)
    if around.pledges and pledge:
        around.pledges.kept(pledge)
    around.tally.recorded += 1
    what = diary.transaction.number if diary.transaction else "unreadable message"
    elapsed = (around.clock() - began).total_seconds()
    log.info("%s at the %s: %s, %.1f ms", what, actor.name, diary.outcome.name.lower(), elapsed * 1000)
    return answer


def _pledge(conversation: AnyConversation, diary: Diary, around: Surroundings) -> Pledge | None:
    if around.pledges is None or conversation.verb in READING:
        return None
    return around.pledges.made(*audit_messages_of(diary.cut_off(around.clock())))


def _conversation_about(message: Message, actor: Actor, diary: Diary) -> AnyConversation:
    envelope = message.envelope
    diary.reply_to = envelope.reply_to or diary.reply_to
    diary.transaction = BY_ACTION.get(envelope.action)
    conversation = actor.conversations.get(envelope.action)
    if conversation is None:
        raise SoapFault.action_not_supported(envelope.action)
    root = etree.QName(message.body)
    expected = conversation.transaction.request_root
    if (root.namespace, root.localname) != expected:
        raise SoapFault.sender(
            f"the Body holds {{{root.namespace}}}{root.localname}, "
            f"{{{expected[0]}}}{expected[1]} was expected for this Action"
        )
    return conversation
