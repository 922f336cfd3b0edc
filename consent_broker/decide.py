"""The one question: may this subject do this to this patient's record, and what of it is there for him?"""

from dataclasses import dataclass
from datetime import datetime

from consent_broker.model import Asker, Directives, Grant, RecordStatus, Right
from consent_broker.rules import Rules
from exchange.basis import Basis
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
    """

    permit: bool
    reasons: tuple[str, ...]
    visible: Visibility
    acceptable: Visibility = NOTHING


def decide(
    asker: Asker, verb: Verb, patient_id: str, directives: Directives, rules: Rules, at: datetime
) -> Verdict:
    """Go through what settles the question, in order: the first that does wins, and each leaves a reason."""
    if asker.profession in rules.systems:
        # Whether the record is open or not: what is registered must not be taken for left over.
        why = Basis.SYSTEM
        return (
            _whole_record([], why) if verb is Verb.FIND else _no([], f"{why}, which only asks what is there")
        )
    reasons = [f"the record is {directives.status}"]
    if directives.status is not RecordStatus.OPEN:
        return _no(reasons)
    if not asker.person:
        return _no(reasons, "nobody has proven who he is")
    if asker.patient_id == patient_id:
        return _whole_record(reasons, Basis.PATIENT)
    if helper := next((one for one in directives.helpers if one.person == asker.person), None):
        if not helper.period.covers(at):
            return _no(reasons, "a helper, but not at this time")
        if verb not in (Verb.FIND, Verb.READ) and not helper.manages:
            return _no(reasons, "a helper who may read only")
        return _whole_record(reasons, Basis.HELPER)
    if directives.excluded & asker.parties:
        return _no(reasons, "the patient has excluded him")
    if verb is Verb.MANAGE:
        if asker.profession in rules.administrators:
            return _whole_record(reasons, Basis.ADMINISTRATOR)
        return _no(reasons, "only the patient, and who acts for him, changes what is there")
    return _of_professional(asker, verb, directives, rules, at, reasons)


def _of_professional(
    asker: Asker, verb: Verb, directives: Directives, rules: Rules, at: datetime, reasons: list[str]
) -> Verdict:
    grants = tuple(one for one in directives.grants if one.party in asker.parties and one.period.covers(at))
    visible = _visible(asker, grants, directives, rules, at, reasons)
    if verb is not Verb.DEPOSIT:
        return Verdict(True, tuple(reasons), visible)
    if not any(Right.DEPOSIT in one.rights for one in grants):
        return _no(reasons, "no care relationship that lets him deposit")
    types = rules.types_for(asker.profession, asker.specialty, Right.DEPOSIT, at.date())
    reasons.append(f"the access matrix takes {len(types)} types of documents from him")
    return Verdict(True, tuple(reasons), visible, CodedAs("type_code", types))


def _visible(
    asker: Asker,
    grants: tuple[Grant, ...],
    directives: Directives,
    rules: Rules,
    at: datetime,
    reasons: list[str],
) -> Visibility:
    level = max((one.level for one in grants if Right.READ in one.rights), default=None)
    if level is not None:
        reasons.append(f"{Basis.CARE}, for what is {level.name.lower()}")
    if asker.purpose in rules.emergencies:
        if (opened := directives.emergency_level) is None:
            reasons.append(f"{Basis.EMERGENCY}, which the patient has said opens nothing")
        else:
            reasons.append(f"{Basis.EMERGENCY}, which opens what is {opened.name.lower()}")
            level = opened if level is None else max(level, opened)
    # Authors see what they sent, unless it is withheld from them.
    ways: list[Visibility] = [DepositedBy(frozenset({asker.person}))]
    if level is None:
        reasons.append("no care relationship that lets him read")
    else:
        types = rules.types_for(asker.profession, asker.specialty, Right.READ, at.date())
        reasons.append(f"the access matrix opens {len(types)} types of documents")
        codes = rules.codes_up_to(level)
        ways.append(AllOf((CodedAs("confidentiality_code", codes), CodedAs("type_code", types))))
    return AllOf((AnyOf(tuple(ways)), Not(OneOf(_withheld(directives, asker)))))


def _withheld(directives: Directives, asker: Asker) -> frozenset[str]:
    """What the patient keeps from him: hidden from all, or reserved for others."""
    reserved = {document for document, parties in directives.reserved if not parties & asker.parties}
    return directives.hidden | reserved


def _whole_record(reasons: list[str], reason: str) -> Verdict:
    return Verdict(True, (*reasons, reason), EVERYTHING, EVERYTHING)


def _no(reasons: list[str], *more: str) -> Verdict:
    return Verdict(False, (*reasons, *more), NOTHING)
