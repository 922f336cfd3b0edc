"""Who acts as an operator by the node at which he works (docs/consent.md)."""

import json
from collections.abc import AsyncIterator

import pytest

from database import open_database
from exchange.call import Answer, Call
from exchange.diary import Diary, Node
from exchange.replies import Forbidden
from exchange.resources import Asked
from exchange.subject import NodeCertificate, Subject
from server.rest.consent import ConsentOperations
from tests.consent_broker.test_decide import NOW, PATIENT, RULES
from xua.user import PersonId, Role, User

pytestmark = pytest.mark.anyio

CLERK = User(
    name="Paul Schmit",
    id=PersonId("2.999.4", "P"),
    name_id="pschmit",
    issuer="https://idp.example",
    assertion_id="_1",
    role=Role("4110", "2.999.7"),
)
DESK = NodeCertificate("CN=desk", "ab" * 32)


async def stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def asked(
    operations: ConsentOperations, name: str, certificate: NodeCertificate | None, content=None
) -> Answer:
    (operation,) = (one for one in operations.all() if one.name == name)
    subject = Subject("10.0.0.5", CLERK, certificate)
    headers = {"patient-id": (PATIENT,)}
    diary = Diary(Call("", stream(b""), ""), Node("1", "coffre"))
    return await operation.perform(Asked(subject, NOW, "application/json", {}, (), headers, content), diary)


async def test_a_user_at_an_operator_s_node_acts_as_operator(migrated_sqlite_url):
    """The same user at another node does not."""
    database = await open_database(migrated_sqlite_url)
    operations = ConsentOperations(database, RULES, operators=frozenset({DESK.sha256}))
    for certificate in (None, NodeCertificate("CN=desk", "cd" * 32)):
        with pytest.raises(Forbidden):
            await asked(operations, "showConsent", certificate)
    await asked(operations, "consentOpen", DESK, {})
    answer = await asked(operations, "showConsent", DESK)
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["status"] == "open"
    history = await asked(operations, "consentHistory", DESK)
    assert isinstance(history.body, bytes)
    assert json.loads(history.body)["changes"][0]["by"] == "Paul Schmit (2.999.4|P)"
    await database.close()


async def test_where_no_origin_is_taken_from_professionals_there_is_nothing_to_declare(migrated_sqlite_url):
    """[api] declare, in server/coffre.toml."""
    database = await open_database(migrated_sqlite_url)
    names = [one.name for one in ConsentOperations(database, RULES).all()]
    await database.close()
    assert "consentDeclare" not in names
    assert "consentGrant" in names
