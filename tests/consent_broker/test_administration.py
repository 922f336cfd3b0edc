"""Who may decide about a record, or look at what was decided (docs/consent.md)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from consent_broker.administration import Act, Scope, scope_of
from consent_broker.model import Asker, Helper, Period, RecordStatus
from tests.consent_broker.test_decide import DR_A, NOW, OPEN, PATIENT, RULES

HIMSELF = Asker(person="2.999.3|p1", patient_id=PATIENT, profession=("PAT", "2.999.7"))
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


@pytest.mark.parametrize(("manages", "found"), [(True, Scope.MANAGING_HELPER), (False, Scope.HELPER)])
def test_a_helper_sees_it_within_his_dates(manages, found):
    period = Period(NOW, NOW + timedelta(days=1))
    directives = replace(OPEN, helpers=(Helper("2.999.4|A", manages, period),))
    assert scope(DR_A, directives=directives) is found
    assert scope(DR_A, directives=directives, at=NOW - timedelta(seconds=1)) is None
    assert scope(DR_A, directives=directives, at=NOW + timedelta(days=1)) is None
