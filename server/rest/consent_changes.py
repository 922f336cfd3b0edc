"""The changes of what holds for a record: for each its body, who may make it, and the broker's operation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from consent_broker import operations
from consent_broker.administration import Act
from consent_broker.model import Pair, Party, PartyKind, Period
from consent_broker.rules import Rules
from consent_broker.store import Change, Directive, Kind
from database import Database
from exchange.http_status import Status
from exchange.problems import Problem
from server.rest.consent_bodies import (
    LEVELS,
    AboutBoth,
    AboutDocument,
    AboutParty,
    AboutPerson,
    BornRequest,
    EmergencyRequest,
    GrantRequest,
    HelperRequest,
    Json,
    LevelRequest,
    Nothing,
    RepresentativeRequest,
)

Changes = tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Making:
    """A change on its way: of whose record, by what rules, when, and by whom."""

    patient: str
    rules: Rules
    database: Database
    at: datetime
    by: str

    async def give(self, directive: Directive) -> Changes:
        """Let a directive hold."""
        return await operations.give(self.patient, directive, self.rules, self.database, self.at, self.by)

    async def take_back(self, directive: Directive) -> Changes:
        """End what holds about the same; a Problem where nothing does."""
        change = await operations.take_back(
            self.patient, directive, self.rules, self.database, self.at, self.by
        )
        if change is None:
            raise Problem(Status.CONFLICT, "nothing of the kind holds")
        return (change,)

    async def turn(self, turned: Callable[..., Awaitable[Change]]) -> Changes:
        """Open the record, close it, or announce that it opens."""
        return (await turned(self.patient, self.rules, self.database, self.at, self.by),)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change: its path is its name, and whoever may do the act may make it."""

    name: str
    summary: str
    act: Act
    body: type[Json]
    make: Callable[[Any, Making], Awaitable[Changes]]


async def _open(body: Nothing, making: Making) -> Changes:
    return await making.turn(operations.open_record)


async def _reopen(body: Nothing, making: Making) -> Changes:
    return await making.turn(operations.reopen_record)


async def _announce(body: Nothing, making: Making) -> Changes:
    return await making.turn(operations.announce_record)


async def _close(body: Nothing, making: Making) -> Changes:
    return await making.turn(operations.close_record)


async def _pilot(body: Nothing, making: Making) -> Changes:
    return await operations.take_into_pilot(
        making.patient, making.rules, making.database, making.at, making.by
    )


async def _grant(body: GrantRequest, making: Making) -> Changes:
    directive = await operations.care_relationship(
        body.party.party,
        frozenset(body.rights),
        LEVELS[body.level],
        body.origin,
        making.rules,
        making.database,
        making.at,
        start=body.start,
        days=body.days,
        profession=pair(body.profession),
    )
    return await making.give(directive)


async def _revoke(body: AboutParty, making: Making) -> Changes:
    return await making.take_back(Directive(Kind.GRANT, body.party.party))


async def _exclude(body: AboutParty, making: Making) -> Changes:
    return await making.give(Directive(Kind.EXCLUSION, body.party.party))


async def _admit(body: AboutParty, making: Making) -> Changes:
    return await making.take_back(Directive(Kind.EXCLUSION, body.party.party))


async def _hide(body: AboutDocument, making: Making) -> Changes:
    return await making.give(Directive(Kind.HIDDEN, document=body.document))


async def _unhide(body: AboutDocument, making: Making) -> Changes:
    return await making.take_back(Directive(Kind.HIDDEN, document=body.document))


async def _reserve(body: AboutBoth, making: Making) -> Changes:
    return await making.give(Directive(Kind.RESERVED, body.party.party, body.document))


async def _unreserve(body: AboutBoth, making: Making) -> Changes:
    return await making.take_back(Directive(Kind.RESERVED, body.party.party, body.document))


async def _level(body: LevelRequest, making: Making) -> Changes:
    kind = Kind.LEVEL if body.document else Kind.MINIMUM
    if body.level is None:
        return await making.take_back(Directive(kind, document=body.document or ""))
    return await making.give(Directive(kind, document=body.document or "", level=LEVELS[body.level]))


async def _emergency(body: EmergencyRequest, making: Making) -> Changes:
    level = None if body.level is None else LEVELS[body.level]
    return await making.give(Directive(Kind.EMERGENCY, level=level))


async def _helper(body: HelperRequest, making: Making) -> Changes:
    period = operations.lasting(body.days, making.at)
    return await making.give(
        Directive(Kind.HELPER, _person(body.person), manages=body.manages, period=period)
    )


async def _dismiss_helper(body: AboutPerson, making: Making) -> Changes:
    return await making.take_back(Directive(Kind.HELPER, _person(body.person)))


async def _representative(body: RepresentativeRequest, making: Making) -> Changes:
    return await making.give(
        Directive(
            Kind.REPRESENTATIVE,
            _person(body.person),
            manages=body.manages,
            period=operations.lasting(body.days, making.at),
            basis=body.basis,
        )
    )


async def _dismiss_representative(body: AboutPerson, making: Making) -> Changes:
    return await making.take_back(Directive(Kind.REPRESENTATIVE, _person(body.person)))


async def _born(body: BornRequest, making: Making) -> Changes:
    day = body.day
    period = Period(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return await making.give(Directive(Kind.BORN, period=period))


def pair(text: str | None) -> Pair:
    """A code and its scheme, from CODE|SCHEME."""
    code, _, scheme = (text or "").partition("|")
    return code, scheme


def _person(id: str) -> Party:
    return Party(PartyKind.PERSON, id)


R = ChangeRow
CHANGES = (
    R("open", "Open a record at the patient's explicit word.", Act.DISPOSE, Nothing, _open),
    R("close", "Close a record, or object to its opening.", Act.DISPOSE, Nothing, _close),
    R("reopen", "Open a closed record again; it is as it was.", Act.DISPOSE, Nothing, _reopen),
    R("announce", "Begin the time in which a patient may object.", Act.ATTEST, Nothing, _announce),
    R("pilot", "Let a patient take part in the domain's trial.", Act.ATTEST, Nothing, _pilot),
    R("grant", "Give a professional or an institution access.", Act.DECIDE, GrantRequest, _grant),
    R("revoke", "Take a grant back.", Act.DECIDE, AboutParty, _revoke),
    R("exclude", "Oppose all access of somebody.", Act.DECIDE, AboutParty, _exclude),
    R("admit", "Take an exclusion back.", Act.DECIDE, AboutParty, _admit),
    R("hide", "Hide a document from all but the patient.", Act.DECIDE, AboutDocument, _hide),
    R("unhide", "Let a hidden document be seen again.", Act.DECIDE, AboutDocument, _unhide),
    R("reserve", "Let only named parties see a document.", Act.DECIDE, AboutBoth, _reserve),
    R("unreserve", "Take a party off a document's list.", Act.DECIDE, AboutBoth, _unreserve),
    R("level", "Say how confidential documents are.", Act.DECIDE, LevelRequest, _level),
    R("emergency", "Say what an emergency opens.", Act.DECIDE, EmergencyRequest, _emergency),
    R("helper", "Name a helper of the patient's choice.", Act.DISPOSE, HelperRequest, _helper),
    R("dismiss-helper", "Take a helper's role back.", Act.DISPOSE, AboutPerson, _dismiss_helper),
    R(
        "representative", "Name a legal representative.", Act.ATTEST, RepresentativeRequest, _representative
    ),
    R(
        "dismiss-representative", "Take a representative's role back.", Act.ATTEST, AboutPerson,
        _dismiss_representative,
    ),
    R("born", "Note a minor's birth date.", Act.ATTEST, BornRequest, _born),
)  # fmt: skip
