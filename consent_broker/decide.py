"""The one question: may this subject do this to this patient's record, and what of it is there for him?"""

from dataclasses import dataclass
from datetime import datetime

from consent_broker.model import (
    Asker,
    Basis,
    Directives,
    Grant,
    Level,
    Origin,
    Pair,
    Party,
    PartyKind,
    RecordStatus,
    Representative,
    Right,
)
from consent_broker.reasons import Reason, reason
from consent_broker.rules import Lift, Rules
from consent_broker.texts import Why
from exchange.verbs import Verb
from exchange.visibility import (
    EVERYTHING,
    NOTHING,
    AllOf,
    AnyOf,
    CodedAs,
    DepositedBy,
    Not,
    OneOf,
    Visibility,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one subject may do with one record: what is there for him, and which documents he may add.

    `visible` also limits what a deposit can refer to. `reasons` are for the record, never for the peer.
    `emergency` says that an emergency opened something of it.
    """

    permit: bool
    reasons: tuple[Reason, ...]
    visible: Visibility
    acceptable: Visibility = NOTHING
    emergency: bool = False


def decide(
    asker: Asker, verb: Verb, patient_id: str, directives: Directives, rules: Rules, at: datetime
) -> Verdict:
    """Go through what settles the question, in order: the first that does wins, and each leaves a reason."""
    if asker.profession in rules.systems and verb is not Verb.DEPOSIT:
        # Whether the record is open or not: what is registered must not be taken for left over.
        if verb is Verb.FIND:
            return _whole_record([], Why.SYSTEM)
        return _no([], reason(Why.SYSTEM_ASKS_ONLY))
    status = directives.status_at(at)
    reasons = [reason(_STATUSES[status])]
    if status is not RecordStatus.OPEN:
        return _no(reasons)
    if asker.profession in rules.systems:
        return _whole_record(reasons, Why.SYSTEM)
    if not asker.person:
        return _no(reasons, reason(Why.NOBODY))
    if own := _of_patient_or_in_his_stead(asker, verb, patient_id, directives, rules, at, reasons):
        return own
    if asker.unlisted:
        return _no(reasons, reason(asker.unlisted))
    if asker.is_no_member:
        reasons.append(reason(Why.NOT_A_MEMBER))
    if directives.excluded & asker.all_parties:
        if not _lifts(asker, Lift.EXCLUSION, directives, rules):
            return _no(reasons, reason(Why.EXCLUDED))
        reasons.append(reason(Why.EXCLUSION_LIFTED))
    if verb is Verb.MANAGE:
        if asker.profession in rules.administrators:
            return _whole_record(reasons, Why.ADMINISTRATOR)
        return _no(reasons, reason(Why.ONLY_THE_PATIENT))
    return _of_professional(asker, verb, directives, rules, at, reasons)


_STATUSES = {
    RecordStatus.NOT_OPENED: Why.NOT_OPENED,
    RecordStatus.OBJECTION_WINDOW: Why.OBJECTION_WINDOW,
    RecordStatus.OPEN: Why.OPEN,
    RecordStatus.CLOSED: Why.CLOSED,
}
LEVELS = {Level.NORMAL: Why.NORMAL, Level.RESTRICTED: Why.RESTRICTED, Level.SECRET: Why.SECRET}


def _of_patient_or_in_his_stead(
    asker: Asker,
    verb: Verb,
    patient_id: str,
    directives: Directives,
    rules: Rules,
    at: datetime,
    reasons: list[Reason],
) -> Verdict | None:
    reads = verb in (Verb.FIND, Verb.READ)
    if asker.patient_id == patient_id:
        age = directives.age_at(at)
        if rules.minors and age is not None and age < rules.minors.reads:
            return _no(reasons, reason(Why.TOO_YOUNG_TO_READ, age=rules.minors.reads))
        if rules.minors and age is not None and age < rules.minors.decides and not reads:
            return _no(reasons, reason(Why.TOO_YOUNG_TO_DECIDE, age=rules.minors.decides))
        return _whole_record(reasons, Why.PATIENT)
    for representative in directives.representatives:
        if representative.person == asker.person:
            if not representative.period.covers(at):
                return _no(reasons, reason(Why.REPRESENTATIVE_NOT_NOW))
            if ended := _ended_by_age(representative, directives, rules, at, reads=reads):
                return _no(reasons, ended)
            if not reads and not representative.manages:
                return _no(reasons, reason(Why.REPRESENTATIVE_READS_ONLY))
            return _whole_record(reasons, Why.REPRESENTATIVE)
    for helper in directives.helpers:
        if helper.person == asker.person:
            if not helper.period.covers(at):
                return _no(reasons, reason(Why.HELPER_NOT_NOW))
            if not reads and not helper.manages:
                return _no(reasons, reason(Why.HELPER_READS_ONLY))
            return _whole_record(reasons, Why.HELPER)
    return None


def _ended_by_age(
    representative: Representative, directives: Directives, rules: Rules, at: datetime, *, reads: bool
) -> Reason | None:
    """Why a minor's representative may not: the minor has come into his own."""
    if representative.basis is not Basis.MINOR:
        return None
    age = directives.age_at(at)
    if age is None or rules.minors is None:
        return reason(Why.AGE_UNKNOWN)
    if age >= rules.minors.majority:
        return reason(Why.OF_AGE, age=rules.minors.majority)
    if age >= rules.minors.decides and not reads:
        return reason(Why.DECIDES_HIMSELF, age=rules.minors.decides)
    return None


def _of_professional(
    asker: Asker, verb: Verb, directives: Directives, rules: Rules, at: datetime, reasons: list[Reason]
) -> Verdict:
    grants = tuple(one for one in directives.grants if one.party in asker.parties and one.period.covers(at))
    emergency = _is_emergency(asker, directives, rules)
    visible = _visible(asker, grants, directives, rules, at, reasons)
    if verb is not Verb.DEPOSIT:
        return Verdict(True, tuple(reasons), visible, emergency=emergency)
    if not any(Right.DEPOSIT in one.rights for one in grants):
        return _no(reasons, reason(Why.NO_DEPOSITING_RELATIONSHIP))
    types = rules.types_for(asker.profession, asker.specialty, Right.DEPOSIT, at.date())
    reasons.append(reason(Why.MATRIX_DEPOSITS, count=len(types)))
    acceptable: Visibility = CodedAs("type_code", types)
    if directives.minimum > Level.NORMAL:
        reasons.append(reason(Why.MINIMUM, level=LEVELS[directives.minimum]))
        codes = rules.codes_from(directives.minimum)
        acceptable = AllOf((acceptable, CodedAs("confidentiality_code", codes)))
    return Verdict(True, tuple(reasons), visible, acceptable, emergency)


def _visible(
    asker: Asker,
    grants: tuple[Grant, ...],
    directives: Directives,
    rules: Rules,
    at: datetime,
    reasons: list[Reason],
) -> Visibility:
    level = max((one.level for one in grants if Right.READ in one.rights), default=None)
    if level is not None:
        level = min(level, Level.RESTRICTED)
        reasons.append(reason(Why.RELATIONSHIP, level=LEVELS[level]))
    if asker.purpose in rules.emergencies:
        level = _opened_by_emergency(asker, level, directives, rules, reasons)
    opened = _Opened()
    if level is None:
        reasons.append(reason(Why.NO_READING_RELATIONSHIP))
        if rules.authors_see_own:
            reasons.append(reason(Why.AUTHOR))
    else:
        opened = _opened(asker, level, directives, rules, at, reasons)
    withheld = _withheld(asker, directives, rules)
    if withheld:
        reasons.append(reason(Why.KEPT_BACK, count=len(withheld)))
    # Authors see what they sent, unless it is withheld from them.
    return _within(opened, frozenset({asker.person}) if rules.authors_see_own else frozenset(), withheld)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a clearance and the matrix open: codes, documents with a level of their own, and types, or all."""

    codes: frozenset[Pair] = frozenset()
    covered: frozenset[str] = frozenset()
    above: frozenset[str] = frozenset()
    types: frozenset[Pair] | None = frozenset()


def _within(
    opened: _Opened, depositors: frozenset[str] = frozenset(), withheld: frozenset[str] = frozenset()
) -> Visibility:
    """What a professional sees: of one shape, whatever his patients say, so that its time tells nothing."""
    by_level = (CodedAs("confidentiality_code", opened.codes), OneOf(opened.covered))
    let_in: tuple[Visibility, ...] = (AnyOf(by_level), Not(OneOf(opened.above)))
    if opened.types is not None:
        let_in = (*let_in, CodedAs("type_code", opened.types))
    return AllOf((AnyOf((DepositedBy(depositors), AllOf(let_in))), Not(OneOf(withheld))))


def nothing_for(
    asker: Asker, verb: Verb, patient_id: str, rules: Rules, at: datetime
) -> tuple[Visibility, tuple[str, ...]]:
    """What is seen where nothing is, in the shape of, and by all the steps to, what a professional sees.

    So that time does not tell a hidden document from one that is not there. The reasons are nobody's.
    """
    party = next(iter(asker.parties), _ANYBODY)
    grant = Grant(party, frozenset(Right), Level.NORMAL, Origin.PORTAL)
    letting_in = Directives(RecordStatus.OPEN, grants=(grant,), hidden=frozenset({""}))
    verdict = decide(asker, verb, patient_id, letting_in, rules, at)
    nothing = _within(_Opened(rules.codes_up_to(Level.NORMAL)), withheld=letting_in.hidden)
    return nothing, tuple(map(str, verdict.reasons))


_ANYBODY = Party(PartyKind.PERSON, "")


def _opened(
    asker: Asker, level: Level, directives: Directives, rules: Rules, at: datetime, reasons: list[Reason]
) -> _Opened:
    """What of the record a clearance for this level and the matrix open."""
    types: frozenset[Pair] | None = None
    if _lifts(asker, Lift.MATRIX, directives, rules):
        reasons.append(reason(Why.MATRIX_LIFTED))
    else:
        types = rules.types_for(asker.profession, asker.specialty, Right.READ, at.date())
        reasons.append(reason(Why.MATRIX_READS, count=len(types)))
    return _Opened(
        rules.codes_up_to(level),
        frozenset(document for document, of in directives.levels if of <= level),
        frozenset(document for document, of in directives.levels if of > level),
        types,
    )


def _opened_by_emergency(
    asker: Asker, level: Level | None, directives: Directives, rules: Rules, reasons: list[Reason]
) -> Level | None:
    if directives.emergency_level is None:
        reasons.append(reason(Why.EMERGENCY_SWITCHED_OFF))
        return level
    if not _is_emergency(asker, directives, rules):
        reasons.append(reason(Why.EMERGENCY_NOT_FOR_PROFESSION))
        return level
    if Lift.RELATIONSHIP not in rules.emergency.lifts:
        return level
    opened = min(directives.emergency_level, rules.emergency.highest, Level.RESTRICTED)
    reasons.append(reason(Why.EMERGENCY, level=LEVELS[opened]))
    return opened if level is None else max(level, opened)


def _is_emergency(asker: Asker, directives: Directives, rules: Rules) -> bool:
    """Whether an emergency is claimed, and this patient and the domain let it open anything to this asker."""
    who = rules.emergency.professions
    return (
        asker.purpose in rules.emergencies
        and directives.emergency_level is not None
        and (not who or asker.profession in who)
    )


def _lifts(asker: Asker, lift: Lift, directives: Directives, rules: Rules) -> bool:
    return lift in rules.emergency.lifts and _is_emergency(asker, directives, rules)


def _withheld(asker: Asker, directives: Directives, rules: Rules) -> frozenset[str]:
    """What the patient keeps from him: hidden from all, or reserved for others."""
    if _lifts(asker, Lift.ALLOW_LIST, directives, rules):
        return directives.hidden
    asking = asker.parties
    reserved = {document for document, parties in directives.reserved if not parties & asking}
    return directives.hidden | reserved


def _whole_record(reasons: list[Reason], why: Why) -> Verdict:
    return Verdict(True, (*reasons, reason(why)), EVERYTHING, EVERYTHING)


def _no(reasons: list[Reason], *more: Reason) -> Verdict:
    return Verdict(False, (*reasons, *more), NOTHING)
