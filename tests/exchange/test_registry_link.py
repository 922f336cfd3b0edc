"""The repository asks its registry which documents are registered, by whole ITI-18 messages."""

from dataclasses import replace

import pytest

import schemas
from ebxml.model import RegistryObject
from ebxml.write import QUERY_RESPONSE_TAIL, fragment, query_response_head
from exchange.bearing import Bearing, bearing
from exchange.ports import RegistryUnreachable
from exchange.registry_link import RegistryLink
from exchange.subject import PersonId, User
from ihe.error_codes import REGISTRY_BUSY, ResponseStatus
from soap.envelope import ENVELOPE_TAIL, envelope_head
from tests.messages.submissions import document_entry
from tests.messages.surroundings import KeptTrail, surroundings

pytestmark = pytest.mark.anyio

ITSELF = User(
    name="Coffre repository",
    id=PersonId("urn:x", "coffre"),
    name_id="coffre",
    issuer="urn:x",
    assertion_id="_1",
)
RESPONSE = "urn:ihe:iti:2007:RegistryStoredQueryResponse"
HASH = "125DE505C676074A8832E59E20E7352035FD5ED8"


def answer(status: ResponseStatus, *objects: RegistryObject, errors=()) -> bytes:
    head = envelope_head(action=RESPONSE, message_id="urn:uuid:1")
    found = b"".join(fragment(one, lambda: "urn:uuid:2") for one in objects)
    return head + query_response_head(status, errors) + found + QUERY_RESPONSE_TAIL + ENVELOPE_TAIL


def link(trail: KeptTrail, *answers: bytes) -> tuple[RegistryLink, list[bytes]]:
    """A link to a registry that gives these answers, and what it is sent."""
    around, sent, rest = surroundings(trail), [], list(answers)

    async def send(message: bytes, content_type: str) -> bytes:
        assert 'action="urn:ihe:iti:2007:RegistryStoredQuery"' in content_type
        sent.append(message)
        return rest.pop(0)

    made = RegistryLink(
        send=send,
        registry_url="http://registry/registry",
        registry_address="registry",
        our_address="10.0.0.1",
        repository_url="http://repository/repository",
        node=around.node,
        audit=trail,
        clock=around.clock,
        new_uuid=around.new_uuid,
        itself=lambda: Bearing(ITSELF, b"<token/>"),
    )
    return made, sent


async def test_it_asks_for_the_user_who_asked_it_and_else_for_itself():
    """ITI TF-2: 3.40; both stand in the record of the question."""
    trail = KeptTrail()
    registry, sent = link(trail, *[answer(ResponseStatus.SUCCESS)] * 2)
    await registry.registered(["2.999.5.1"])
    anne = replace(ITSELF, name="Dr Anne Muller", name_id="amuller")
    before = bearing.set(Bearing(anne, b"<annes/>"))
    await registry.registered(["2.999.5.1"])
    bearing.reset(before)
    tokens = [child.tag for message in sent for child in next(schemas.parse(message).iter("{*}Security"))]
    assert tokens == ["token", "annes"]
    users = [one.user_id for record in trail.messages for one in record.participants if one.user_name]
    assert users == ["<coffre@urn:x>", "<amuller@urn:x>"]


async def test_each_document_is_asked_for_by_its_unique_id_and_those_known_come_with_their_hash():
    """ITI TF-2: 3.18.4.1.2.3.7.5; one at a time, for an answer may not span patients."""
    known = document_entry(unique_id="2.999.5.1", hash=HASH)
    registry, sent = link(KeptTrail(), answer(ResponseStatus.SUCCESS, known), answer(ResponseStatus.SUCCESS))
    assert await registry.registered(["2.999.5.1", "2.999.5.2"]) == {"2.999.5.1": HASH.lower()}
    for message, value in zip(sent, ("('2.999.5.1')", "('2.999.5.2')"), strict=True):
        request = schemas.parse(message)
        assert [element.text for element in request.iter("{*}Value")] == [value]
        (query,) = request.iter("{*}AdhocQuery")
        assert query.get("id") == "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
        (body,) = request.iter("{*}AdhocQueryRequest")
        assert schemas.errors_in(body) == ()


async def test_an_entry_of_another_unique_id_is_no_answer():
    registry, _ = link(KeptTrail(), answer(ResponseStatus.SUCCESS, document_entry(unique_id="2.999.5.9")))
    assert await registry.registered(["2.999.5.1"]) == {}


@pytest.mark.parametrize(
    "given", [answer(ResponseStatus.FAILURE, errors=(REGISTRY_BUSY.error("later"),)), b"<no/>", b"no"]
)
async def test_a_registry_that_does_not_answer_the_question_is_not_taken_for_one_that_says_no(given):
    """A document would be removed that is registered."""
    registry, _ = link(KeptTrail(), given)
    with pytest.raises(RegistryUnreachable):
        await registry.registered(["2.999.5.1"])


async def test_each_question_is_recorded_as_a_query_of_ours():
    """ITI TF-2: 3.18.5.1.1."""
    trail = KeptTrail()
    registry, _ = link(trail, answer(ResponseStatus.SUCCESS))
    await registry.registered(["2.999.5.1"])
    (record,) = trail.messages
    assert [code.code for code in record.event.type_codes] == ["ITI-18"]
    assert record.participants[0].user_id == "http://repository/repository"
    (query,) = record.objects
    assert query.id == "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
    assert b"2.999.5.1" in query.query
