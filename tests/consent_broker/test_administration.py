"""Who may decide about a record, or look at what was decided (docs/consent.md)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from consent_broker.administration import Act, Scope, declared, may_declare, scope_of
from consent_broker.model import (
    Asker,
    Basis,
    Grant,
    Helper,
    Level,
    Origin,
    Party,
    PartyKind,
    Period,
    RecordStatus,
    Representative,
    Right,
)
from consent_broker.store import Directive, Kind
from consent_broker.texts import Why
from tests.consent_broker.test_decide import (
    BOTH,
    CLINIC,
    DR_A,
    GRANTED,
    NOW,
    OPEN,
    PATIENT,
    PERSON_A,
    RULES,
    grant,
)

HIMSELF = Asker(person="2.999.3|p1", patient_id=PATIENT, profession=("PAT", "2.999.7"))
PERSON_B = Party(PartyKind.PERSON, "2.999.4|B")
OPERATOR = Asker(person="2.999.4|O", profession=("1342", "2.999.7"))


def scope(asker, act=Act.LOOK, directives=OPEN, at=NOW):
    return scope_of(asker, act, PATIENT, directives, RULES, at)


@pytest.mark.parametrize("status", RecordStatus)
def test_the_patient_and_the_operator_see_it_whatever_the_record_s_status(status):
    """Who could not look at a closed record could not open it again."""
    directives = replace(OPEN, status=status)
    assert scope(HIMSELF, directives=directives) is Scope.PATIENT
    assert scope(OPERATOR, directives=directives) is Scope.OPERATOR


def test_a_patient_is_nobody_in_another_s_record():
    assert scope(replace(HIMSELF, patient_id="p2^^^&2.999.3&ISO")) is None


def test_a_professional_and_nobody_see_nothing():
    assert scope(DR_A) is None
    assert scope(Asker(profession=("1342", "2.999.7"))) is None


@pytest.mark.parametrize("manages", [True, False])
def test_a_helper_looks_within_his_dates_and_decides_only_where_he_manages(manages):
    period = Period(NOW, NOW + timedelta(days=1))
    directives = replace(OPEN, helpers=(Helper("2.999.4|A", manages, period),))
    assert scope(DR_A, directives=directives) is Scope.HELPER
    assert (scope(DR_A, Act.DECIDE, directives) is Scope.HELPER) is manages
    assert scope(DR_A, Act.DISPOSE, directives) is None
    assert scope(DR_A, directives=directives, at=NOW - timedelta(seconds=1)) is None
    assert scope(DR_A, directives=directives, at=NOW + timedelta(days=1)) is None


def test_a_representative_closes_the_record_but_does_not_say_who_represents():
    guardian = Representative("2.999.4|A", Basis.GUARDIANSHIP, manages=True)
    directives = replace(OPEN, representatives=(guardian,))
    assert scope(DR_A, Act.DISPOSE, directives) is Scope.REPRESENTATIVE
    assert scope(DR_A, Act.ATTEST, directives) is None
    assert scope(OPERATOR, Act.ATTEST, directives) is Scope.OPERATOR
    assert scope(HIMSELF, Act.ATTEST, directives) is None


PRESENCE = Directive(
    Kind.GRANT,
    PERSON_A,
    rights=BOTH,
    level=Level.NORMAL,
    origin=Origin.PRESENCE,
    period=Period(NOW, NOW + timedelta(days=30)),
)


def test_a_professional_declares_for_himself_and_his_institution():
    assert may_declare(DR_A, PERSON_A, Origin.PRESENCE, OPEN, RULES, NOW)
    assert may_declare(DR_A, CLINIC, Origin.ADMISSION, OPEN, RULES, NOW)
    assert not may_declare(DR_A, PERSON_B, Origin.PRESENCE, OPEN, RULES, NOW)
    assert not may_declare(
        HIMSELF, Party(PartyKind.PERSON, HIMSELF.person), Origin.PRESENCE, OPEN, RULES, NOW
    )
    assert not may_declare(
        replace(DR_A, unlisted=Why.NOT_LISTED), PERSON_A, Origin.PRESENCE, OPEN, RULES, NOW
    )


def test_who_cares_for_a_patient_refers_him_to_another():
    assert not may_declare(DR_A, PERSON_B, Origin.REFERRAL, OPEN, RULES, NOW)
    assert may_declare(DR_A, PERSON_B, Origin.REFERRAL, GRANTED, RULES, NOW)


def test_that_he_is_excluded_is_not_his_to_learn():
    excluded = replace(OPEN, excluded=frozenset({PERSON_A}))
    assert may_declare(DR_A, PERSON_A, Origin.PRESENCE, excluded, RULES, NOW)


def test_a_declaration_adds_where_nothing_holds():
    assert declared(PRESENCE, OPEN, NOW) == PRESENCE
    over = replace(OPEN, grants=(grant(end=NOW),))
    assert declared(PRESENCE, over, NOW) == PRESENCE


def test_the_patient_s_own_word_stands():
    read_only = replace(OPEN, grants=(grant(rights={Right.READ}),))
    assert declared(PRESENCE, read_only, NOW) is None


def test_a_declaration_shortens_and_narrows_nothing():
    def held(**other):
        usual = Grant(
            PERSON_A, BOTH, Level.RESTRICTED, Origin.ADMISSION, Period(NOW, NOW + timedelta(days=90))
        )
        return replace(OPEN, grants=(replace(usual, **other),))

    assert declared(PRESENCE, held(), NOW) is None
    assert declared(PRESENCE, held(period=Period(NOW)), NOW) is None
    longer = declared(PRESENCE, held(period=Period(NOW, NOW + timedelta(days=1))), NOW)
    assert longer == replace(PRESENCE, level=Level.RESTRICTED)
    wider = declared(PRESENCE, held(rights=frozenset({Right.READ})), NOW)
    assert wider == replace(PRESENCE, level=Level.RESTRICTED, period=Period(NOW, NOW + timedelta(days=90)))
