"""Each change is made together with a pledge of its record (ITI TF-2: 3.20)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from audit_message.model import AuditMessage
from ebxml.model import RegistryResponse, Submission
from exchange.call import Call
from exchange.identity_feed_v2 import Delivery, V2Feed, take_message
from exchange.pledge import Pledge, due
from exchange.registry_conversations import RegisterDocumentSet, RegistryStoredQuery
from exchange.serve import Actor, Surroundings, serve
from hl7v2.adt import PatientIdDomain
from ihe.audit_events import Outcome
from ihe.error_codes import ResponseStatus
from ihe.transactions import ITI_18, ITI_42
from registry.iti18_registry_stored_query import StoredQueryResult
from tests.messages.requests import SUCCESS, find_documents
from tests.messages.submissions import DOMAIN, submission, submission_bytes
from tests.messages.surroundings import KeptTrail, surroundings
from tests.wire import HttpAnswer, envelope

pytestmark = pytest.mark.anyio

REGISTER = envelope(ITI_42.action, submission_bytes(submission()))
A40 = (
    "MSH|^~\\&|SRC|FAC|REG|XAD|2030||ADT^A40^ADT_A39|m2|P|2.3.1\r"
    "PID|||p1^^^&2.999.3&ISO||Doe^Jane\rMRG|p2^^^&2.999.3&ISO"
)


@dataclass
class Book:
    """Every pledge that was made, and what became of it."""

    messages: list[AuditMessage] = field(default_factory=list)
    kept_ones: list[int] = field(default_factory=list)
    broken_ones: list[int] = field(default_factory=list)

    def made(self, *messages: AuditMessage) -> Pledge:
        self.messages += messages
        return Pledge(len(self.messages), ("insert it",))

    def kept(self, pledge: Pledge) -> None:
        self.kept_ones.append(pledge.number)

    def broken(self, pledge: Pledge) -> None:
        self.broken_ones.append(pledge.number)

    @property
    def events(self) -> list[tuple[Outcome, str]]:
        return [(one.event.outcome, one.event.outcome_description) for one in self.messages]


@dataclass
class Handler:
    """The work of a change; what it finds that it has to commit as well."""

    took_along: list[object] = field(default_factory=list)

    async def register(self, submission: Submission, **_) -> RegistryResponse:
        return self._done()

    async def identify(self, *ids) -> None:
        self._done()

    def _done(self) -> RegistryResponse:
        self.took_along += due()
        return RegistryResponse(ResponseStatus.SUCCESS)


def around_of(book: Book, trail: KeptTrail | None = None) -> Surroundings:
    return replace(surroundings(trail or KeptTrail()), pledges=book)


async def answer_of(body: bytes, actor: Actor, around: Surroundings) -> HttpAnswer:
    async def whole() -> AsyncIterator[bytes]:
        yield body

    call = Call("application/soap+xml", whole(), "https://vault.example/x", "10.0.0.6", "10.0.0.5")
    answer = await serve(call, actor, around)
    content = answer.body if isinstance(answer.body, bytes) else b"".join([one async for one in answer.body])
    return HttpAnswer(answer.status, {"content-type": answer.content_type}, content)


def registry(handler: Handler) -> Actor:
    return Actor("registry", {ITI_42.action: RegisterDocumentSet(DOMAIN, handler.register)})


async def test_a_registration_takes_the_pledge_of_its_record_along():
    """The record as it reads if nothing more is heard of the request; later the pledge is taken back."""
    book, handler, trail = Book(), Handler(), KeptTrail()
    await answer_of(REGISTER, registry(handler), around_of(book, trail))
    assert handler.took_along == ["insert it"]
    assert due() == ()
    assert (book.kept_ones, book.broken_ones) == ([1], [])
    assert book.events == [(Outcome.SUCCESS, "done, and cut off before it was answered")]
    [pledged], [recorded] = book.messages, trail.messages
    assert pledged.event.at == recorded.event.at
    assert pledged.participants == recorded.participants
    assert pledged.objects == recorded.objects


async def test_a_record_that_cannot_be_written_stays_owed():
    book = Book()
    answer = await answer_of(REGISTER, registry(Handler()), around_of(book, KeptTrail(full=True)))
    assert answer.fault == ("Receiver", None, "the audit trail is not available")
    assert (book.kept_ones, book.broken_ones) == ([], [1])


async def test_a_query_pledges_nothing():
    book = Book()

    async def nothing_found(criteria, view):
        assert due() == ()
        return StoredQueryResult(())

    async def nobody(criteria):
        return ()

    actor = Actor("registry", {ITI_18.action: RegistryStoredQuery(nothing_found, nobody, DOMAIN)})
    query = envelope(ITI_18.action, find_documents("p1^^^&2.999.3&ISO"))
    answer = await answer_of(query, actor, around_of(book))
    assert answer.status_urn == SUCCESS
    assert book.messages == []


async def test_a_merge_pledges_the_records_of_both_patients():
    """ITI TF-2: 3.8.5.1."""
    book, handler = Book(), Handler()
    feed = V2Feed(handler.identify, handler.identify, PatientIdDomain(frozenset({"2.999.3"}), {}))
    await take_message(Delivery(A40.encode(), "mllp://vault.example:2575"), feed, around_of(book))
    assert handler.took_along == ["insert it"]
    assert book.events == [(Outcome.SUCCESS, "done, and cut off before it was answered")] * 2
    assert [one.objects[0].id for one in book.messages] == ["p2^^^&2.999.3&ISO", "p1^^^&2.999.3&ISO"]
    assert book.kept_ones == [2]
    await take_message(
        Delivery(A40.encode(), "mllp://vault.example:2575"), feed, around_of(book, KeptTrail(full=True))
    )
    assert book.broken_ones == [4]
