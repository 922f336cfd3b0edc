"""Who may submit consent documents, and what that makes of a decision (ITI TF-3: 5.1)."""

from dataclasses import replace
from datetime import datetime

from consent_broker.administration import Act, scope_of
from consent_broker.decide import Verdict, decide
from consent_broker.model import Asker, Directives, Pair, RecordStatus
from consent_broker.reasons import reason
from consent_broker.rules import Policy, Rules
from consent_broker.texts import Why
from exchange.verbs import Verb
from exchange.visibility import NOTHING, AllOf, AnyOf, CodedAs, Not
from ihe.bppc import FORMAT_CODES


def policies_for(
    asker: Asker, patient_id: str, directives: Directives, rules: Rules, at: datetime
) -> frozenset[Pair]:
    """For which policies somebody may give, and take back, a consent document of this patient's."""
    allowed = frozenset(
        act
        for act in (Act.DECIDE, Act.DISPOSE)
        if scope_of(asker, act, patient_id, directives, rules, at) is not None
    )
    known = bool(asker.person) and not asker.unlisted and not directives.excluded & asker.all_parties
    return frozenset(
        pair
        for pair, policy in rules.policies.items()
        if (asker.profession in rules.systems if policy.receipt else _act_of(policy) in allowed)
        or (known and asker.profession in policy.professions)
    )


def _act_of(policy: Policy) -> Act:
    """What somebody does who acknowledges it: a record is opened and closed by fewer people."""
    return Act.DISPOSE if policy.status else Act.DECIDE


def with_consent_documents(
    verdict: Verdict,
    asker: Asker,
    acknowledged: frozenset[Pair],
    may: frozenset[Pair],
    patient_id: str,
    directives: Directives,
    rules: Rules,
    at: datetime,
) -> Verdict:
    """What becomes of the verdict about a deposit that acknowledges policies.

    Whoever may speak for all of them may submit the consent documents, and be the record closed or not yet
    opened: to open it is what they are for. Beside them he deposits what he might without them.
    """
    # Of a policy that the domain does not know, whoever may speak for some hears from the registry.
    if not may or not acknowledged & rules.policies.keys() <= may:
        return replace(verdict, acceptable=AllOf((verdict.acceptable, Not(_CONSENT_DOCUMENTS))))
    as_if_open = replace(directives, status=RecordStatus.OPEN)
    acting = decide(asker, Verb.MANAGE, patient_id, as_if_open, rules, at)
    others = verdict.acceptable if verdict.permit else NOTHING
    return replace(
        verdict,
        permit=True,
        reasons=(*verdict.reasons, reason(Why.ACKNOWLEDGES)),
        visible=acting.visible if acting.permit else verdict.visible,
        acceptable=AnyOf((_CONSENT_DOCUMENTS, others)),
    )


_CONSENT_DOCUMENTS = CodedAs("format_code", FORMAT_CODES)
