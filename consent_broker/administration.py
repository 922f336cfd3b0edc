"""Who may decide about a record, or look at what was decided: the patient, helpers, and the operator."""

from datetime import datetime
from enum import StrEnum

from consent_broker.model import Asker, Directives
from consent_broker.rules import Rules


class Act(StrEnum):
    """What is done about a record, rather than with what it holds."""

    LOOK = "look"
    """See what holds, and everything that ever changed."""


class Scope(StrEnum):
    """In what quality somebody acts."""

    PATIENT = "patient"
    MANAGING_HELPER = "managing helper"
    HELPER = "helper"
    OPERATOR = "operator"


_MAY: dict[Scope, frozenset[Act]] = {
    Scope.PATIENT: frozenset(Act),
    Scope.MANAGING_HELPER: frozenset(Act),
    Scope.HELPER: frozenset({Act.LOOK}),
    Scope.OPERATOR: frozenset(Act),
}


def scope_of(
    asker: Asker, act: Act, patient_id: str, directives: Directives, rules: Rules, at: datetime
) -> Scope | None:
    """In what quality he may do this, whatever the record's status; None if he may not."""
    scope = _scope(asker, patient_id, directives, rules, at)
    return scope if scope and act in _MAY[scope] else None


def _scope(asker: Asker, patient_id: str, directives: Directives, rules: Rules, at: datetime) -> Scope | None:
    if not asker.person:
        return None
    if asker.patient_id == patient_id:
        return Scope.PATIENT
    for helper in directives.helpers:
        if helper.person == asker.person and helper.period.covers(at):
            return Scope.MANAGING_HELPER if helper.manages else Scope.HELPER
    return Scope.OPERATOR if asker.profession in rules.administrators else None
