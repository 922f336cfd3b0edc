"""For which policies somebody may speak, and what he may submit beside (ITI TF-3: 5.1)."""

from dataclasses import replace

import pytest

from consent_broker.acknowledging import policies_for, with_consent_documents
from consent_broker.decide import decide
from consent_broker.model import Asker, Directives, Helper, Party, PartyKind, RecordStatus
from exchange.verbs import Verb
from exchange.visibility import EVERYTHING, NOTHING, holds
from tests.consent_broker.test_consent_documents import (
    AUTHOR,
    CLOSED,
    LAX,
    NOT_A,
    NOW,
    OPEN,
    PATIENT,
    POLICIES,
    RECEIPT,
    RULES,
    STRICT,
)
from tests.messages.registry_objects import code, document_entry

DOCTOR, NURSE, SYSTEM, ADMIN = ((name, "2.999.7") for name in ("DOCTOR", "NURSE", "system", "ADMIN"))
BY_DOCTORS = {**POLICIES, AUTHOR: replace(POLICIES[AUTHOR], professions=frozenset({DOCTOR}))}
HERE = replace(RULES, policies=BY_DOCTORS, systems=frozenset({SYSTEM}), administrators=frozenset({ADMIN}))
NEW, OPENED = Directives(RecordStatus.NOT_OPENED), Directives(RecordStatus.OPEN)
DECIDING = frozenset({AUTHOR, STRICT, LAX, NOT_A})
ALL = DECIDING | {OPEN, CLOSED}
CONSENT = document_entry(format_code=code("urn:ihe:iti:bppc:2007", "1.3.6.1.4.1.19376.1.2.3"))
LETTER = document_entry()


@pytest.mark.parametrize(
    ("asker", "directives", "policies"),
    [
        (Asker("2.999.3|p1", PATIENT), NEW, ALL),
        (Asker("2.999.3|p2", "p2^^^&2.999.3&ISO"), OPENED, set()),
        (Asker("2.999.4|H"), replace(NEW, helpers=(Helper("2.999.4|H", True),)), DECIDING),
        (Asker("2.999.4|H"), replace(NEW, helpers=(Helper("2.999.4|H", False),)), set()),
        (Asker("2.999.4|X", profession=ADMIN), NEW, ALL),
        (Asker("2.999.4|A", profession=DOCTOR), NEW, {AUTHOR}),
        (Asker("2.999.4|N", profession=NURSE), OPENED, set()),
        (
            Asker("2.999.4|A", profession=DOCTOR),
            replace(OPENED, excluded=frozenset({Party(PartyKind.PERSON, "2.999.4|A")})),
            set(),
        ),
        (Asker("2.999.4|S", profession=SYSTEM), Directives(RecordStatus.CLOSED), {RECEIPT}),
        (Asker(profession=DOCTOR), OPENED, set()),
    ],
)
def test_who_may_speak_for_which_policies(asker, directives, policies):
    """Whoever may decide the same otherwise, and the professions that a policy names (docs/consent.md)."""
    assert policies_for(asker, PATIENT, directives, HERE, NOW) == policies


def verdict(asker: Asker, acknowledged: set[tuple[str, str]], directives: Directives):
    may = policies_for(asker, PATIENT, directives, HERE, NOW)
    before = decide(asker, Verb.DEPOSIT, PATIENT, directives, HERE, NOW)
    return with_consent_documents(before, asker, frozenset(acknowledged), may, PATIENT, directives, HERE, NOW)


def test_a_closed_record_takes_a_consent_document_and_nothing_beside():
    """To open it is what the document is for."""
    found = verdict(Asker("2.999.3|p1", PATIENT), {OPEN}, NEW)
    assert (found.permit, found.visible) == (True, EVERYTHING)
    assert [holds(found.acceptable, one) for one in (CONSENT, LETTER)] == [True, False]


def test_an_open_record_takes_beside_it_what_it_takes_otherwise():
    """One submission may hold both."""
    found = verdict(Asker("2.999.3|p1", PATIENT), {STRICT}, OPENED)
    assert [holds(found.acceptable, one) for one in (CONSENT, LETTER)] == [True, True]


def test_a_professional_sees_no_more_of_a_record_for_a_form_that_he_brings():
    """What he refers to is what he sees otherwise."""
    found = verdict(Asker("2.999.4|A", profession=DOCTOR), {AUTHOR}, NEW)
    assert (found.permit, found.visible) == (True, NOTHING)


def test_whoever_may_not_speak_for_all_of_it_submits_no_consent_document():
    """Nor does one whose other documents are taken."""
    helper = replace(OPENED, helpers=(Helper("2.999.4|H", True),))
    found = verdict(Asker("2.999.4|H"), {STRICT, CLOSED}, helper)
    assert [holds(found.acceptable, one) for one in (CONSENT, LETTER)] == [False, True]
    assert not verdict(Asker("2.999.4|N", profession=NURSE), {OPEN}, NEW).permit


def test_a_policy_that_the_domain_does_not_know_is_left_to_the_registry():
    """For whoever may speak for others: it says which one is unknown."""
    unknown = ("2.999.40.99", "2.999.40")
    assert verdict(Asker("2.999.3|p1", PATIENT), {unknown}, NEW).permit
    assert not verdict(Asker("2.999.4|N", profession=NURSE), {unknown}, NEW).permit
