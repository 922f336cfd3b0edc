"""The consent broker as requests meet it: who asks, what the patient said, and what follows (`decide.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import NamedTuple

from consent_broker.acknowledging import policies_for, with_consent_documents
from consent_broker.decide import Verdict, decide, nothing_for
from consent_broker.decision_log import DecisionLog
from consent_broker.directory import Directory
from consent_broker.kept import Kept, Known
from consent_broker.matrix import Matrices
from consent_broker.model import Asker, Directives, Pair, Right
from consent_broker.notifications import Notifications
from consent_broker.rules import Rules
from database import Database, Row
from exchange.consent_documents import Signatory
from exchange.ports import Decision, Touched, Whose
from exchange.standing import Standing
from exchange.subject import Subject
from exchange.verbs import READING, Verb
from exchange.visibility import NOTHING, AllOf, View, Visibility
from ihe.xua import EMERGENCY_WITHOUT_REASON
from xua.refused import NotAccepted
from xua.user import PersonId, Role


class OpenDomain:
    """The broker of a domain that has declared no consent rules: whoever reaches it may ask."""

    async def decide(
        self, subject: Subject, verb: Verb, whose: Whose, at: datetime, counted: bool = False
    ) -> Decision:
        """Permit, and say in the record that no rule was applied."""
        return Decision(permit=True, reasons=("the domain declares no consent rules",))


@dataclass(frozen=True, slots=True)
class ConsentBroker:
    """The broker of a domain with rules: at each request it asks what holds."""

    database: Database
    rules: Rules
    matrices: Matrices
    log: DecisionLog
    kept: Kept

    @classmethod
    def of(cls, database: Database, rules: Rules) -> "ConsentBroker":
        """The broker of these rules on this database."""
        return cls(database, rules, Matrices(database, rules), DecisionLog(database), Kept(database, rules))

    @property
    def notifications(self) -> Notifications:
        """What patients are to be told."""
        return Notifications(self.database)

    async def decide(
        self, subject: Subject, verb: Verb, whose: Whose, at: datetime, counted: bool = False
    ) -> Decision:
        """Decide for each of these patients; where the directives cannot be read nothing is permitted.

        Whoever has proven who he is and may not read is not refused: he finds what is there for him, nothing.
        """
        if subject.is_ourselves and subject.user is None:
            receipts = frozenset(pair for pair, policy in self.rules.policies.items() if policy.receipt)
            return Decision(
                permit=True,
                reasons=("another actor of this process asks for itself",),
                signatory=Signatory(may={}, in_any_name=receipts),
            )
        if verb is Verb.IDENTIFY:
            return Decision(permit=True, reasons=("who a patient is, is not his to decide",))
        asker = await Directory(self.database).checked(asker_of(subject, self.rules), self.rules, at)
        emergency = asker.purpose in self.rules.emergencies
        if emergency and self.rules.emergency.asks_for_reason and not reason_of(subject):
            raise NotAccepted(EMERGENCY_WITHOUT_REASON)
        touched = await whose()
        # Whoever names an object that is not there is answered by the same steps as of a record without it.
        patient_ids = (touched.named | touched.owners) or {_NOBODY}
        known = None
        if verb in READING and touched.named and not (emergency or touched.owners or counted):
            # The answer is looked up at once: before it leaves it is asked whether all this still stands.
            # Not where objects are named: whose they are would show in the time, hidden or not. Not in an
            # emergency, of which patients are told.
            known = self.kept.lately(asker.all_parties, patient_ids, at)
        known = known or await self.kept.now(asker.all_parties, patient_ids, at)
        directives = known.directives
        rules = await self.matrices.rules_by(known.matrix)
        # A deposit was decided before our repository sent it on to its registry.
        again = subject.is_ourselves and verb not in READING
        if verb in _WEIGHED and asker.person and not again and not counted:
            await self.log.note(asker, _WEIGHED[verb], at)
        words = {
            patient_id: known.follows(
                patient_id,
                (asker, verb),
                partial(_word, asker, verb, patient_id, directives[patient_id], rules, at),
            )
            for patient_id in sorted(patient_ids)
        }
        clears_away = asker.profession in self.rules.administrators
        may: Mapping[str, frozenset[Pair]] = {}
        if self.rules.policies and verb not in READING:
            may = {
                patient_id: policies_for(asker, patient_id, directives[patient_id], rules, at)
                for patient_id in words
            }
        if touched.acknowledged and self.rules.policies and verb is Verb.DEPOSIT:
            words = {
                patient_id: _Word.of(
                    with_consent_documents(
                        word.verdict,
                        asker,
                        touched.acknowledged,
                        may[patient_id],
                        patient_id,
                        directives[patient_id],
                        rules,
                        at,
                    )
                )
                for patient_id, word in words.items()
            }
        verdicts = {patient_id: word.verdict for patient_id, word in words.items()}
        permit = bool(asker.person) and (verb in READING or _permitted(verdicts, touched, clears_away))
        opened = tuple(
            patient_id
            for patient_id, verdict in verdicts.items()
            if verdict.emergency and permit and not again and patient_id != _NOBODY
        )
        if opened and subject.user and self.rules.emergency.tells_patient:
            await self.notifications.note(opened, subject.user, at)
        return Decision(
            permit=permit,
            reasons=tuple(chain.from_iterable(word.reasons for word in words.values())),
            view=View({patient_id: word.visible for patient_id, word in words.items()}),
            acceptable=AllOf(tuple(verdict.acceptable for verdict in verdicts.values())),
            depositor=asker.person or None,
            leftovers=clears_away,
            opened_by_emergency=opened,
            signatory=Signatory(_name_of(subject), may),
            standing=Standing(self.kept.question(known, at), partial(self._stands, subject, asker, known)),
        )

    async def _stands(
        self, subject: Subject, asker: Asker, known: Known, rows: Sequence[Row] | None, at: datetime
    ) -> bool:
        """Whether all by which it was decided is as it was."""
        if self.rules.listed_only or self.rules.members_only:
            now = await Directory(self.database).checked(asker_of(subject, self.rules), self.rules, at)
            if now != asker:
                return False
        return await self.kept.holds(known, at, rows)


# The id of no patient.
_NOBODY = "nobody"


class _Word(NamedTuple):
    """A verdict, its reasons put into words, and what is there."""

    verdict: Verdict
    reasons: tuple[str, ...]
    visible: Visibility

    @classmethod
    def of(cls, verdict: Verdict) -> "_Word":
        return cls(verdict, tuple(map(str, verdict.reasons)), verdict.visible)


def _word(
    asker: Asker, verb: Verb, patient_id: str, directives: Directives, rules: Rules, at: datetime
) -> _Word:
    word = _Word.of(decide(asker, verb, patient_id, directives, rules, at))
    if word.visible != NOTHING or verb not in READING:
        return word
    # The reasons are found and put into words only because those of other records are.
    nothing, _ = nothing_for(asker, verb, patient_id, rules, at)
    return word._replace(visible=nothing)


def _permitted(verdicts: Mapping[str, Verdict], touched: Touched, clears_away: bool) -> bool:
    """Whether a change may be tried: to every record that is named, else to one of those that are touched.

    The objects of the others are not there for whoever asks. What is nobody's any more is for administrators
    to clear away.
    """
    permits = {patient_id for patient_id, verdict in verdicts.items() if verdict.permit}
    return touched.named <= permits and (bool(touched.named or touched.owners & permits) or clears_away)


def asker_of(subject: Subject, rules: Rules) -> Asker:
    """Who the assertion says is asking (ITI TF-2: 3.40.4.1.2); nobody without one."""
    user = subject.user
    if user is None:
        return Asker()
    role = _pair(user.role)
    return Asker(
        person=person_of(user.id),
        patient_id=f"{user.id.extension}^^^&{user.id.root}&ISO" if role in rules.patients else "",
        organization=user.organization_id,
        profession=role,
        specialty=_pair(user.specialty),
        purpose=_pair(user.purpose_of_use),
    )


# What of the access matrix each verb is about; a retrieve is decided as its repository asks the registry.
_WEIGHED = {Verb.FIND: Right.READ, Verb.DEPOSIT: Right.DEPOSIT}


def reason_of(subject: Subject) -> str:
    """Why the user says that he asks: the words beside the code of his purpose of use."""
    purpose = subject.user.purpose_of_use if subject.user else None
    return purpose.original_text if purpose else ""


def _name_of(subject: Subject) -> str:
    """Who changes something, for the patient who reads its history."""
    user = subject.user
    return f"{user.name} ({person_of(user.id)})" if user else ""


def person_of(person: PersonId) -> str:
    """A person as directives name him."""
    return f"{person.root}|{person.extension}"


def _pair(role: Role | None) -> Pair:
    return (role.code, role.system) if role else ("", "")
