"""The consent broker's decisions, one rule at a time; French words are the leaflet's."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from consent_broker.decide import decide, nothing_for
from consent_broker.model import (
    Asker,
    Basis,
    Directives,
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
from consent_broker.rules import Access, Duration, EmergencyRules, Lift, MinorRules, Rules
from consent_broker.texts import Why
from exchange.verbs import Verb
from exchange.visibility import EVERYTHING, NOTHING, View, holds
from registry.seen import parts_of
from registry.seen import seen as seen_as
from tests.messages.registry_objects import code, document_entry

PATIENT = "p1^^^&2.999.3&ISO"
NOW = datetime(2030, 1, 15, 12, tzinfo=UTC)
DOCTOR, NURSE = ("2211", "2.999.7"), ("2221", "2.999.7")
REPORT, PRESCRIPTION = ("11502-2", "2.999.8"), ("57833-6", "2.999.8")
EMERGENCY = ("ETREAT", "2.999.9")
RULES = Rules(
    unopened=RecordStatus.NOT_OPENED,
    levels={
        ("N", "2.999.6"): Level.NORMAL,
        ("R", "2.999.6"): Level.RESTRICTED,
        ("V", "2.999.6"): Level.SECRET,
    },
    access=(
        Access(DOCTOR, None, frozenset({REPORT, PRESCRIPTION}), frozenset({Right.READ})),
        Access(DOCTOR, None, frozenset({REPORT}), frozenset({Right.DEPOSIT})),
        Access(NURSE, None, frozenset({PRESCRIPTION}), frozenset({Right.READ})),
    ),
    patients=frozenset({("PAT", "2.999.7")}),
    emergencies=frozenset({EMERGENCY}),
    administrators=frozenset({("1342", "2.999.7")}),
    systems=frozenset({("SYSTEM", "2.999.7")}),
    durations_days=dict.fromkeys(Origin, 0),
)
DR_A = Asker(person="2.999.4|A", organization="urn:oid:2.999.5", profession=DOCTOR)
PERSON_A = Party(PartyKind.PERSON, "2.999.4|A")
CLINIC = Party(PartyKind.ORGANIZATION, "urn:oid:2.999.5")
BOTH = frozenset(Right)
OPEN = Directives(RecordStatus.OPEN)


def grant(party=PERSON_A, rights=BOTH, level=Level.NORMAL, **period) -> Grant:
    return Grant(party, frozenset(rights), level, Origin.PORTAL, Period(**period))


GRANTED = replace(OPEN, grants=(grant(),))


def entry(type_code=REPORT, level="N", number=1):
    return document_entry(
        f"urn:uuid:0000000{number}-0000-4000-8000-000000000000",
        type_code=code(*type_code),
        confidentiality_code=(code(level, "2.999.6"),),
    )


def verdict(asker=DR_A, directives=GRANTED, verb=Verb.FIND, at=NOW, rules=RULES):
    return decide(asker, verb, PATIENT, directives, rules, at)


def sees(document, asker=DR_A, directives=GRANTED, depositor="", **question) -> bool:
    return holds(verdict(asker, directives, **question).visible, document, depositor)


def test_a_grant_shows_what_the_matrix_opens_to_the_profession():
    """en fonction de la profession et de la spécialité."""
    assert sees(entry(REPORT))
    nurse = replace(DR_A, profession=NURSE)
    assert not sees(entry(REPORT), nurse)
    assert sees(entry(PRESCRIPTION), nurse)


def test_without_a_care_relationship_nothing_is_there():
    """dans le cadre d'une relation thérapeutique."""
    assert not sees(entry(), directives=OPEN)
    assert verdict(directives=OPEN).permit
    assert not verdict(directives=OPEN, verb=Verb.DEPOSIT).permit


@pytest.mark.parametrize("status", [RecordStatus.NOT_OPENED, RecordStatus.CLOSED])
def test_a_record_that_is_not_open_is_there_for_nobody(status):
    """il peut fermer son DSP à tout moment."""
    closed = replace(GRANTED, status=status, helpers=(Helper("2.999.4|H", manages=True),))
    patient = Asker(person="2.999.3|p1", patient_id=PATIENT)
    for asker in (DR_A, patient, Asker(person="2.999.4|H"), replace(DR_A, purpose=EMERGENCY)):
        assert verdict(asker, closed).visible == NOTHING
        assert not verdict(asker, closed, Verb.DEPOSIT).permit


def test_reading_and_depositing_are_two_rights():
    """droits d'accès pour consulter et déposer."""
    reader = replace(OPEN, grants=(grant(rights={Right.READ}),))
    assert sees(entry(), directives=reader)
    assert not verdict(directives=reader, verb=Verb.DEPOSIT).permit
    depositor = replace(OPEN, grants=(grant(rights={Right.DEPOSIT}),))
    assert not sees(entry(), directives=depositor)
    allowed = verdict(directives=depositor, verb=Verb.DEPOSIT)
    assert allowed.permit
    assert holds(allowed.acceptable, entry(REPORT))
    assert not holds(allowed.acceptable, entry(PRESCRIPTION))


@pytest.mark.parametrize(
    ("level", "seen"),
    [(Level.NORMAL, "N"), (Level.RESTRICTED, "NR"), (Level.SECRET, "NR")],
)
def test_a_grant_reaches_up_to_its_level(level, seen):
    """définir le niveau de confidentialité de certains documents; what is secret is no grant's."""
    directives = replace(OPEN, grants=(grant(level=level),))
    assert [each for each in ("N", "R", "V", "X") if sees(entry(level=each), directives=directives)] == [
        *seen
    ]


def test_an_exclusion_goes_before_every_grant_group_and_emergency():
    """s'opposer à l'accès par un ou plusieurs professionnels."""
    for excluded in (PERSON_A, CLINIC):
        directives = replace(OPEN, grants=(grant(), grant(CLINIC)), excluded=frozenset({excluded}))
        for asker in (DR_A, replace(DR_A, purpose=EMERGENCY)):
            assert not sees(entry(), asker, directives, depositor="2.999.4|A")
            assert not verdict(asker, directives, Verb.DEPOSIT).permit


def test_an_institution_stands_for_whoever_works_there_today():
    """gérées différemment (libéral / institutionnel)."""
    directives = replace(OPEN, grants=(grant(CLINIC),))
    assert sees(entry(), directives=directives)
    assert not sees(entry(), replace(DR_A, organization="urn:oid:2.999.55"), directives)


def test_a_grant_holds_from_its_start_to_its_end_and_not_at_its_end():
    """décider à tout moment de changer les droits."""
    noon = grant(start=NOW, end=datetime(2030, 1, 16, 12, tzinfo=UTC))
    directives = replace(OPEN, grants=(noon,))
    assert sees(entry(), directives=directives)
    assert not sees(entry(), directives=directives, at=datetime(2030, 1, 15, 11, 59, tzinfo=UTC))
    assert not sees(entry(), directives=directives, at=datetime(2030, 1, 16, 12, tzinfo=UTC))


def test_a_hidden_document_is_there_for_the_patient_alone():
    """je peux masquer certains documents partagés: from its author as well, and in an emergency."""
    directives = replace(GRANTED, hidden=frozenset({entry().entry_uuid}))
    assert not sees(entry(), directives=directives, depositor="2.999.4|A")
    assert not sees(entry(), replace(DR_A, purpose=EMERGENCY), directives)
    assert sees(entry(number=2), directives=directives)
    assert sees(entry(), Asker(person="2.999.3|p1", patient_id=PATIENT), directives)


def test_what_shows_nothing_has_the_shape_and_the_steps_of_what_shows_something():
    """Nor does an emergency, or who he is, make something of it (docs/consent.md)."""
    hidden = replace(GRANTED, hidden=frozenset({"urn:uuid:00000001-0000-4000-8000-000000000000"}))
    shown = verdict(directives=hidden)
    for asker in (DR_A, replace(DR_A, purpose=EMERGENCY), Asker(), Asker(patient_id=PATIENT, person="p1")):
        nothing, reasons = nothing_for(asker, Verb.FIND, PATIENT, RULES, NOW)
        assert not any(
            holds(nothing, entry(type_code, level), asker.person)
            for type_code in (REPORT, PRESCRIPTION)
            for level in "NRV"
        )
        shapes = [seen_as(parts_of(View({PATIENT: one})), {}).sight for one in (nothing, shown.visible)]
        assert shapes[0] == shapes[1]
        if asker == DR_A:
            assert reasons == tuple(map(str, shown.reasons))


def test_a_reserved_document_is_there_for_those_named_with_it():
    """limiter leur visibilité à seulement certains professionnels."""
    other = Party(PartyKind.PERSON, "2.999.4|B")
    directives = replace(
        GRANTED,
        grants=(grant(), grant(other)),
        reserved=((entry().entry_uuid, frozenset({other})),),
    )
    assert not sees(entry(), directives=directives)
    assert sees(entry(), replace(DR_A, person="2.999.4|B"), directives)
    assert sees(entry(number=2), directives=directives)


def test_authors_see_what_they_deposited():
    """Without a relation that lets them read, above their level, and outside of the matrix."""
    assert sees(entry(level="V"), directives=OPEN, depositor="2.999.4|A")
    assert not sees(entry(level="V"), directives=OPEN, depositor="2.999.4|B")


def test_an_emergency_opens_as_much_as_the_patient_says():
    """Break-glass needs no relation, and lifts nothing else: the matrix and what is hidden stand."""
    emergency = replace(DR_A, purpose=EMERGENCY)
    assert sees(entry(), emergency, OPEN)
    assert not sees(entry(level="R"), emergency, OPEN)
    assert sees(entry(level="R"), emergency, replace(OPEN, emergency_level=Level.RESTRICTED))
    assert not sees(entry(), emergency, replace(OPEN, emergency_level=None))
    assert sees(entry(), emergency, replace(GRANTED, emergency_level=None))
    assert not verdict(emergency, OPEN, Verb.DEPOSIT).permit


def test_the_patient_reads_deposits_and_manages_without_a_grant():
    """je peux consulter mes données moi-même; je peux déposer moi-même des informations."""
    patient = Asker(person="2.999.3|p1", patient_id=PATIENT)
    for verb in (Verb.FIND, Verb.READ, Verb.DEPOSIT, Verb.MANAGE):
        answer = verdict(patient, OPEN, verb)
        assert (answer.permit, answer.visible, answer.acceptable) == (True, EVERYTHING, EVERYTHING)
    stranger = Asker(person="2.999.3|p2", patient_id="p2^^^&2.999.3&ISO")
    assert not sees(entry(), stranger, OPEN)


def test_a_helper_acts_within_scope_and_dates():
    """permettre à une personne de l'aider."""
    period = Period(end=datetime(2030, 2, 1, tzinfo=UTC))
    for manages in (False, True):
        directives = replace(OPEN, helpers=(Helper("2.999.4|H", manages, period),))
        helper = Asker(person="2.999.4|H")
        assert verdict(helper, directives).visible == EVERYTHING
        assert verdict(helper, directives, Verb.DEPOSIT).permit is manages
        assert verdict(helper, directives, Verb.MANAGE).permit is manages
        assert verdict(helper, directives, at=datetime(2030, 2, 1, tzinfo=UTC)).visible == NOTHING


def test_only_the_patient_and_who_acts_for_him_changes_what_is_there():
    """Updates and removals are not a matter of care relationships."""
    assert not verdict(verb=Verb.MANAGE).permit
    assert verdict(replace(DR_A, profession=("1342", "2.999.7")), verb=Verb.MANAGE).permit


def test_whoever_has_not_proven_who_he_is_finds_nothing():
    """authentification forte pour envoyer, lire ou récupérer."""
    assert verdict(Asker()).visible == NOTHING
    assert not verdict(Asker(), verb=Verb.DEPOSIT).permit


def test_a_row_of_the_matrix_holds_between_its_dates_and_for_its_specialties():
    """The matrix is versioned data."""
    cardiology = ("394579002", "2.999.10")
    row = Access(
        DOCTOR,
        frozenset({cardiology}),
        frozenset({REPORT}),
        frozenset({Right.READ}),
        date(2030, 1, 1),
        date(2030, 2, 1),
    )
    rules = replace(RULES, access=(row,))
    cardiologist = replace(DR_A, specialty=cardiology)
    assert sees(entry(), cardiologist, rules=rules)
    assert not sees(entry(), DR_A, rules=rules)
    assert not sees(entry(), cardiologist, rules=rules, at=datetime(2030, 2, 1, tzinfo=UTC))


def test_every_decision_says_why():
    """The reasons go to the record in the order in which they were weighed."""
    assert tuple(map(str, verdict().reasons)) == (
        "the record is open",
        "a care relationship, for what is normal",
        "the access matrix opens 2 types of documents",
    )


@pytest.mark.parametrize("status", RecordStatus)
def test_a_system_of_the_platform_asks_what_is_there_and_registers_what_it_makes(status):
    """A repository must not take for left over what is hidden, or in a closed record."""
    system = Asker(person="2.999.4|repository", profession=("SYSTEM", "2.999.7"))
    assert verdict(system, replace(OPEN, status=status)).visible == EVERYTHING
    for verb in (Verb.READ, Verb.MANAGE):
        assert not verdict(system, replace(OPEN, status=status), verb).permit
    deposit = verdict(system, replace(OPEN, status=status), Verb.DEPOSIT)
    assert deposit.permit == (status is RecordStatus.OPEN)


MINORS = replace(RULES, minors=MinorRules(reads=12, decides=16, majority=18))
MOTHER = Asker(person="2.999.4|M")
CHILD = Asker(person="2.999.3|p1", patient_id=PATIENT)


def of_a_child(years: int, manages=True, basis=Basis.MINOR) -> Directives:
    mother = Representative("2.999.4|M", basis, manages)
    return replace(OPEN, representatives=(mother,), born=date(2030 - years, 1, 15))


@pytest.mark.parametrize(
    ("years", "child", "mother"),
    [(11, (False, False), (True, True)), (12, (True, False), (True, True)),
     (16, (True, True), (True, False)), (18, (True, True), (False, False))],
)  # fmt: skip
def test_a_minor_comes_into_his_own_by_age(years, child, mother):
    """Reading and deciding, by the ages of the rule pack; his representative's part ends the same day."""
    for asker, may in ((CHILD, child), (MOTHER, mother)):
        for verb, expected in zip((Verb.FIND, Verb.MANAGE), may, strict=True):
            assert verdict(asker, of_a_child(years), verb, rules=MINORS).permit is expected


def test_a_guardian_represents_whatever_the_age_and_may_be_let_read_only():
    """Legal representatives: read only or manage."""
    for manages in (False, True):
        directives = of_a_child(40, manages, Basis.GUARDIANSHIP)
        assert verdict(MOTHER, directives, rules=MINORS).visible == EVERYTHING
        assert verdict(MOTHER, directives, Verb.DEPOSIT, rules=MINORS).permit is manages


def test_who_represents_a_minor_of_unknown_age_is_nobody():
    """The ages of the rule pack cannot be weighed."""
    directives = replace(of_a_child(5), born=None)
    assert not verdict(MOTHER, directives, rules=MINORS).permit
    assert not verdict(MOTHER, of_a_child(5)).permit


def test_a_representation_ends_with_its_dates():
    """Legal representatives: time-limited."""
    guardian = Representative("2.999.4|M", Basis.GUARDIANSHIP, True, Period(end=NOW))
    assert not verdict(MOTHER, replace(OPEN, representatives=(guardian,))).permit


def test_an_announced_record_opens_when_its_window_ends():
    """il sera initialisé automatiquement."""
    announced = replace(GRANTED, status=RecordStatus.OBJECTION_WINDOW, opens=NOW)
    assert sees(entry(), directives=announced)
    before = datetime(2030, 1, 15, 11, 59, tzinfo=UTC)
    assert not sees(entry(), directives=announced, at=before)
    assert not verdict(Asker(person="2.999.3|p1", patient_id=PATIENT), announced, at=before).permit


def test_a_new_document_is_at_least_of_the_minimum_level():
    """définir le niveau de confidentialité: a minimum for new documents, and for the patient's own none."""
    directives = replace(GRANTED, minimum=Level.RESTRICTED)
    acceptable = verdict(directives=directives, verb=Verb.DEPOSIT).acceptable
    assert [each for each in "NRVX" if holds(acceptable, entry(level=each))] == ["R", "V"]
    assert verdict(CHILD, directives, Verb.DEPOSIT).acceptable == EVERYTHING


def test_the_level_of_a_document_goes_before_what_it_says_itself():
    """définir le niveau de confidentialité de certains documents, up and down."""
    one = entry().entry_uuid
    for own, said, seen in (
        ("N", Level.RESTRICTED, False),
        ("R", Level.NORMAL, True),
        ("N", Level.SECRET, False),
    ):
        assert sees(entry(level=own), directives=replace(GRANTED, levels=((one, said),))) is seen
    restricted = replace(OPEN, grants=(grant(level=Level.RESTRICTED),), levels=((one, Level.RESTRICTED),))
    assert sees(entry(), directives=restricted)


def test_authors_see_their_own_only_where_the_domain_says_so():
    """A domain switch."""
    switched = replace(RULES, authors_see_own=False)
    assert not sees(entry(level="V"), directives=OPEN, depositor="2.999.4|A", rules=switched)
    assert not sees(entry(), directives=OPEN, depositor="", rules=switched)
    assert sees(entry(), depositor="2.999.4|A", rules=switched)


@pytest.mark.parametrize(
    ("lift", "directives", "document"),
    [
        (Lift.MATRIX, OPEN, entry(("99999-9", "2.999.8"))),
        (Lift.EXCLUSION, replace(OPEN, excluded=frozenset({PERSON_A})), entry()),
        (Lift.ALLOW_LIST, replace(OPEN, reserved=((entry().entry_uuid, frozenset({CLINIC})),)), entry()),
        (Lift.RELATIONSHIP, OPEN, entry()),
    ],
)
def test_an_emergency_lifts_what_the_rule_pack_says_and_nothing_else(lift, directives, document):
    """Break-glass: one thing after the other, and what is hidden or secret never."""
    emergency = Asker(person="2.999.4|A", profession=DOCTOR, purpose=EMERGENCY)
    lifting = {Lift.RELATIONSHIP, lift}
    for lifts in (frozenset(lifting), frozenset(set(Lift) - {lift})):
        rules = replace(RULES, emergency=EmergencyRules(lifts))
        assert sees(document, emergency, directives, rules=rules) is (lift in lifts)
        hidden = replace(directives, hidden=frozenset({document.entry_uuid}))
        assert not sees(document, emergency, hidden, rules=rules)
        secret = replace(directives, levels=((document.entry_uuid, Level.SECRET),))
        assert not sees(document, emergency, secret, rules=rules)


def test_an_emergency_is_for_the_professions_and_levels_that_the_domain_names():
    """Break-glass: the patient may let it open less, and not more."""
    emergency = replace(DR_A, purpose=EMERGENCY)
    rules = replace(RULES, emergency=EmergencyRules(professions=frozenset({NURSE}), highest=Level.NORMAL))
    assert not sees(entry(), emergency, OPEN, rules=rules)
    nurse = replace(emergency, profession=NURSE)
    wide = replace(OPEN, emergency_level=Level.RESTRICTED)
    assert sees(entry(PRESCRIPTION), nurse, wide, rules=rules)
    assert not sees(entry(PRESCRIPTION, level="R"), nurse, wide, rules=rules)
    assert verdict(nurse, OPEN, rules=rules).emergency
    assert not verdict(emergency, OPEN, rules=rules).emergency


def test_whoever_is_not_listed_as_what_he_claims_is_refused():
    """professionnels de santé agréés."""
    for why in (Why.NOT_LISTED, Why.OTHER_PROFESSION):
        assert not verdict(DR_A.as_listed(why, None)).permit


def test_an_institution_speaks_only_through_its_members():
    """gérées différemment (libéral / institutionnel): rights come and go, and an exclusion stays."""
    directives = replace(OPEN, grants=(grant(CLINIC),))
    for members, seen in (({"urn:oid:2.999.5"}, True), (set(), False)):
        assert sees(entry(), DR_A.as_listed(None, frozenset(members)), directives) is seen
    silent = replace(DR_A, organization="").as_listed(None, frozenset({"urn:oid:2.999.5"}))
    assert not verdict(silent, replace(GRANTED, excluded=frozenset({CLINIC}))).permit


def test_a_duration_is_of_the_origin_and_of_the_profession():
    """Care relationships with durations per origin and profession."""
    rules = replace(
        RULES,
        durations_days={**RULES.durations_days, Origin.PRESENCE: 30},
        durations_by_profession=(Duration(Origin.PRESENCE, frozenset({NURSE}), 3),),
    )
    assert [rules.days_of(Origin.PRESENCE, each) for each in (DOCTOR, NURSE)] == [30, 3]
    assert rules.days_of(Origin.PORTAL, NURSE) == 0
