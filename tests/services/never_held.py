"""Two registries side by side: a whole record, and one that never held what one subject may not see."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from consent_broker.decide import decide
from consent_broker.model import Asker, Directives, Level, Origin, Party, PartyKind, RecordStatus, Right
from consent_broker.rules import Rules
from consent_broker.store import Directive, Kind
from ebxml.model import Code, DocumentEntry
from exchange.verbs import Verb
from exchange.visibility import holds
from tests.messages.every_request import Sent, changes, provide, queries
from tests.messages.requests import SUCCESS, fresh_patient_id
from tests.messages.two_worlds import Deposit, Document, History
from tests.services.ruled import Person, patient_himself

A, B = Person("A"), Person("B")
CLINIC = "urn:oid:2.999.50"
SUBJECTS = (
    A, A, A.in_emergency(), Person("A", organization=CLINIC), B, Person("N", "NURSE"), Person("H", "HELPER"),
    Person("ADMIN", "ADMIN"), "another patient",
)  # fmt: skip

UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Answer = tuple[int, str, bytes]


@dataclass
class Side:
    """One of the two: where its messages go, and what a patient of it decides."""

    send: Callable[[Sent], Awaitable[Answer]]
    add_patient: Callable[[str], Awaitable[None]]
    turn: Callable[[str, RecordStatus], Awaitable[None]]
    let: Callable[[str, Directive], Awaitable[None]]
    no_longer: Callable[[str, Directive], Awaitable[None]]
    held: Callable[[str], Awaitable[Directives]]
    same_clock: bool = True


@dataclass
class Case:
    """A record, what its patient has decided in the end, and who asks."""

    patient_id: str
    other_patient_id: str
    history: History
    directives: list[Directive]
    status: RecordStatus
    subject: Person
    focus: Document

    @property
    def asker(self) -> Asker:
        """The subject as the broker sees him."""
        person = self.subject
        return Asker(
            f"{person.root}|{person.extension}",
            f"{person.extension}^^^&{person.root}&ISO" if person.role == "PAT" else "",
            person.organization,
            (person.role, "2.999.7"),
            purpose=(person.purpose, "2.16.840.1.113883.5.8"),
        )


def case(seed: int) -> Case:
    """A case that the dice choose."""
    dice = Random(seed)
    patient_id, other = fresh_patient_id(), fresh_patient_id()
    history = History(patient_id, dice)
    for _ in range(dice.randint(1, 4)):
        history.add(("patient", "A", "B"))
    documents = history.documents
    directives = [Directive(Kind.HIDDEN, document=one.uuid) for one in documents if dice.random() < 0.3] + [
        Directive(Kind.RESERVED, dice.choice((A, B)).party, document=one.uuid)
        for one in documents
        if dice.random() < 0.2
    ]
    parties = (A.party, B.party, Person("N", "NURSE").party, Party(PartyKind.ORGANIZATION, CLINIC))
    for party in parties:
        if dice.random() < 0.6:
            rights = frozenset(right for right in Right if dice.random() < 0.8) or frozenset({Right.READ})
            level = dice.choice((Level.NORMAL, Level.RESTRICTED))
            directives.append(Directive(Kind.GRANT, party, rights=rights, level=level, origin=Origin.PORTAL))
    if dice.random() < 0.2:
        directives.append(Directive(Kind.EXCLUSION, dice.choice((A.party, Person("ADMIN", "ADMIN").party))))
    if dice.random() < 0.5:
        directives.append(Directive(Kind.HELPER, Person("H").party, manages=dice.random() < 0.5))
    if dice.random() < 0.3:
        directives.append(Directive(Kind.EMERGENCY, level=dice.choice((None, Level.RESTRICTED))))
    status = RecordStatus.CLOSED if dice.random() < 0.1 else RecordStatus.OPEN
    chosen = dice.choice(SUBJECTS)
    subject = chosen if isinstance(chosen, Person) else patient_himself(other)
    return Case(patient_id, other, history, directives, status, subject, dice.choice(documents))


async def check(seed: int, sides: tuple[Side, Side], rules: Rules, clock: "SteppingClock") -> None:
    """Whatever the subject sends to both, the whole one and its twin, gets the same answer."""
    one = case(seed)
    whole, twin = sides
    began = clock.at
    await _fill(whole, one, one.history.whole(), clock)
    held = await whole.held(one.patient_id)
    clock.at = began
    await _fill(twin, one, one.history.twin(_hidden(one, held, rules, began)), clock)
    await _compare(one, seed, sides, held, rules, clock)


class SteppingClock:
    """A clock that both registries share, and that goes on when it is told to."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at

    def tick(self) -> None:
        self.at += timedelta(seconds=1)


async def _fill(side: Side, one: Case, deposits: Iterable[Deposit], clock: SteppingClock) -> None:
    """Everybody may do anything while the record fills; what the patient decides in the end comes last."""
    for patient_id in (one.patient_id, one.other_patient_id):
        await side.add_patient(patient_id)
        await side.turn(patient_id, RecordStatus.OPEN)
    for person in (A, B):
        await side.let(one.patient_id, _everything(person))
    sent = {each.uuid: each for each in deposits}
    for each in one.history.deposits:
        clock.tick()
        if each.uuid in sent:
            answer = await side.send(provide(sent[each.uuid], _authors(one)[each.author].headers))
            assert SUCCESS.encode() in answer[2], answer[2]
    for person in (A, B):
        await side.no_longer(one.patient_id, _everything(person))
    for directive in one.directives:
        await side.let(one.patient_id, directive)
    await side.turn(one.patient_id, one.status)


def _authors(one: Case) -> dict[str, Person]:
    return {"patient": patient_himself(one.patient_id), "A": A, "B": B}


def _everything(person: Person) -> Directive:
    return Directive(
        Kind.GRANT, person.party, rights=frozenset(Right), level=Level.RESTRICTED, origin=Origin.PORTAL
    )


async def _compare(
    one: Case, seed: int, sides: tuple[Side, Side], held: Directives, rules: Rules, clock: SteppingClock
) -> None:
    headers = one.subject.headers
    known = [each.uuid for each in one.history.documents] + [each.uuid for each in one.history.folders]
    known += [link.uuid for each in one.history.deposits for link in each.links if not link.implied]
    patient_id = one.other_patient_id if one.subject.role == "PAT" else one.patient_id
    own = await _own(one, sides, headers) if one.subject.role == "PAT" else None
    for asked in queries(one.history, one.focus, (one.patient_id, one.other_patient_id), headers):
        await _same(asked, sides, known, seed)
    afterwards = [
        each
        for each in queries(one.history, one.focus, (one.patient_id, one.other_patient_id), headers)
        if each.what.startswith(("GetAll LeafClass", "FindDocumentsForMultiplePatients LeafClass"))
    ]
    # Whoever may change the whole record changes more than he finds.
    changing = decide(one.asker, Verb.MANAGE, one.patient_id, held, rules, clock.at).permit
    for change in changes(one.subject.extension, patient_id, one.history, one.focus, own, headers):
        if changing and change.what.startswith(("ITI-57", "ITI-62", "ITI-86", "ITI-92")):
            continue
        clock.tick()
        if await _same(change, sides, known, seed):
            for asked in afterwards:
                await _same(replace(asked, what=f"{change.what}, then {asked.what}"), sides, known, seed)


async def _own(one: Case, sides: tuple[Side, Side], headers: str) -> Document:
    history = History(one.other_patient_id, Random(1))
    while not any(not each.on_demand for each in history.documents):
        history.add(("patient",))
    for side in sides:
        for deposit in history.whole():
            assert SUCCESS.encode() in (await side.send(provide(deposit, headers)))[2]
    return next(each for each in history.documents if not each.on_demand)


async def _same(sent: Sent, sides: tuple[Side, Side], known: list[str], seed: int) -> bool:
    answers = [_normal(await side.send(sent), known, side.same_clock) for side in sides]
    assert answers[0] == answers[1], (seed, sent.what)
    return SUCCESS.encode() in answers[0][2]


def _normal(answer: Answer, known: list[str], same_clock: bool) -> Answer:
    """The answer without the ids of its message, and with the ids that the registry gave all alike."""
    status, content_type, body = answer
    kept = {one.removeprefix("urn:uuid:").encode() for one in known}
    body = UUID.sub(lambda found: found[0] if found[0] in kept else b"?", body)
    body = re.sub(rb"<wsa:(MessageID|RelatesTo)>[^<]*<", b"<", body)
    if not same_clock:
        body = re.sub(rb'(name="lastUpdateTime"><rim:ValueList><rim:Value>)[0-9]*', rb"\1", body)
    return status, UUID.sub(b"?", content_type.encode()).decode(), body


def _hidden(one: Case, held: Directives, rules: Rules, at: datetime) -> Callable[[Document], bool]:
    """By the final directives, in plain Python."""
    visible = decide(one.asker, Verb.FIND, one.patient_id, held, rules, at).visible
    authors = {who: f"{each.root}|{each.extension}" for who, each in _authors(one).items()}
    deposited = {
        document.uuid: authors[each.author] for each in one.history.deposits for document in each.documents
    }
    return lambda document: (
        not holds(
            visible,
            DocumentEntry(
                entry_uuid=document.uuid,
                logical_id=document.uuid,
                type_code=Code(document.type_code, "2.999.1"),
                confidentiality_code=(Code(document.level, "2.999.1"),),
            ),
            deposited[document.uuid],
        )
    )
