"""Who may decide about a record, or look at what was decided: the patient, who stands for him, and others."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from consent_broker.decide import decide
from consent_broker.model import Asker, Directives, Grant, Level, Origin, Pair, Party, RecordStatus
from consent_broker.rules import Rules
from consent_broker.store import Directive
from consent_broker.texts import Why
from exchange.verbs import Verb
from exchange.visibility import EVERYTHING


class Act(StrEnum):
    """What is done about a record, rather than with what it holds."""

    LOOK = "look"
    """See what holds, everything that ever changed, and what follows for somebody."""
    DECIDE = "decide"
    """Say who may see and deposit what."""
    DISPOSE = "dispose"
    """Open, close, and say who helps."""
    ATTEST = "attest"
    """Say what is so by law, or by the domain: representatives, birth dates, who takes part in a trial."""


class Scope(StrEnum):
    """In what quality somebody acts."""

    PATIENT = "patient"
    REPRESENTATIVE = "representative"
    HELPER = "helper"
    OPERATOR = "operator"


# What each may beside looking, where he does not only read.
_MAY: dict[Scope, frozenset[Act]] = {
    Scope.PATIENT: frozenset({Act.DECIDE, Act.DISPOSE}),
    Scope.REPRESENTATIVE: frozenset({Act.DECIDE, Act.DISPOSE}),
    Scope.HELPER: frozenset({Act.DECIDE}),
    Scope.OPERATOR: frozenset(Act),
}
_SCOPES = {
    Why.PATIENT: Scope.PATIENT,
    Why.REPRESENTATIVE: Scope.REPRESENTATIVE,
    Why.HELPER: Scope.HELPER,
    Why.ADMINISTRATOR: Scope.OPERATOR,
}


def scope_of(
    asker: Asker, act: Act, patient_id: str, directives: Directives, rules: Rules, at: datetime
) -> Scope | None:
    """In what quality he may do this, whatever the record's status; None if he may not.

    Whoever would change what is in the record decides about it, within his dates and ages; whoever would read
    all of it looks.
    """
    as_if_open = replace(directives, status=RecordStatus.OPEN)
    managing = decide(asker, Verb.MANAGE, patient_id, as_if_open, rules, at)
    if managing.permit:
        scope = _SCOPES[managing.reasons[-1].why]
        return scope if act is Act.LOOK or act in _MAY[scope] else None
    reading = decide(asker, Verb.READ, patient_id, as_if_open, rules, at)
    if act is Act.LOOK and reading.permit and reading.visible is EVERYTHING:
        return _SCOPES.get(reading.reasons[-1].why)
    return None


def may_declare(
    asker: Asker, party: Party, origin: Origin, directives: Directives, rules: Rules, at: datetime
) -> bool:
    """Whether a professional may say that he, or his institution, cares for this patient.

    To another he may refer whom he cares for himself. He is not to learn that he is excluded: nobody looks.
    """
    known = bool(asker.person) and not asker.unlisted and asker.profession in _professions(rules)
    if origin is not Origin.REFERRAL or party in asker.parties:
        return known and party in asker.parties
    return known and any(one.party in asker.parties and one.period.covers(at) for one in directives.grants)


def declared(directive: Directive, directives: Directives, at: datetime) -> Directive | None:
    """What a declared relationship adds to what holds; None where the patient's own word stands, or more.

    A declaration renews what another had begun, and shortens and narrows nothing.
    """
    held = next(
        (one for one in directives.grants if one.party == directive.party and one.period.covers(at)), None
    )
    if held is None:
        return directive
    ends = (held.period.end, directive.period.end)
    last = None if None in ends else max(end for end in ends if end)
    if held.origin is Origin.PORTAL or _covers(held, directive, last):
        return None
    return replace(
        directive,
        rights=directive.rights | held.rights,
        level=max(held.level, directive.level or Level.NORMAL),
        period=replace(directive.period, end=last),
    )


def _covers(held: Grant, directive: Directive, last: datetime | None) -> bool:
    return (
        held.period.end == last
        and directive.rights <= held.rights
        and (directive.level or Level.NORMAL) <= held.level
    )


def _professions(rules: Rules) -> frozenset[Pair]:
    return frozenset(row.profession for row in rules.access)
