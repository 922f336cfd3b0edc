"""Records of the Audit Record Repository are kept once each, whatever they are (ITI TF-2: 3.20.4.1.3)."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from atna_audit.checkpoints import SigningKey
from atna_audit.iti20_record_audit_event import Arrival, AuditRecord, record_of
from atna_audit.search import Search, SenderDiagnosis, diagnoses, find
from atna_audit.store import AuditStore
from atna_audit.tables import About
from database import Limits, Statement, open_database
from tests.messages.audit import HEADER, RETRIEVED

pytestmark = pytest.mark.anyio

ARRIVED = datetime(2030, 1, 1, 12, 0, 5, tzinfo=UTC)
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PATIENT = "p1^^^&2.999.5&ISO"

PLANS = Statement(
    text(
        "SELECT sum(generic_plans)::int, sum(custom_plans)::int FROM pg_prepared_statements"
        " WHERE statement LIKE 'SELECT audit_record.digest%'"
    )
)


def record(message: bytes, *diagnosis: str) -> AuditRecord:
    return record_of(Arrival(message, "10.0.0.9", "tls", ARRIVED, diagnosis))


def numbered(number: int) -> bytes:
    return HEADER.replace(b" p ", b" %d " % number) + RETRIEVED


async def everything(database) -> list[bytes]:
    return [one.message for one in reversed(await find(database, Search(), 10_000))]


async def test_a_record_is_kept_byte_for_byte(store, database):
    assert await store.add([record(HEADER + RETRIEVED)]) == 1
    [found] = await find(database, Search(), 10)
    assert (found.id, found.message, found.sender) == (1, HEADER + RETRIEVED, "server.example")
    assert (found.peer, found.transport, found.received_at, found.diagnosis) == (
        "10.0.0.9",
        "tls",
        ARRIVED,
        (),
    )


async def test_what_is_delivered_twice_is_kept_once(store, database):
    assert await store.add([record(numbered(1)), record(numbered(1)), record(numbered(2))]) == 2
    assert await store.add([record(numbered(2)), record(numbered(3))]) == 1
    assert await everything(database) == [numbered(1), numbered(2), numbered(3)]


async def test_what_is_known_is_looked_up_by_a_plan_of_the_day(migrated_database_url, tmp_path):
    """One that was made while a month was new would read all of it for each batch."""
    database = await open_database(migrated_database_url, Limits(connections=1, idle_connections=1))
    store = AuditStore(database, SigningKey.of_file(tmp_path / "key"))
    for number in range(8):
        await store.add([record(numbered(number))])
    if database.dialect == "postgresql":
        [[generic, custom]] = await database.fetch(PLANS)
        assert (generic, custom) == (0, 8)
    assert len(await everything(database)) == 8
    await database.close()


async def test_records_have_numbers_without_gaps_however_many_store_at_once(store, database):
    batches = [[record(numbered(10 * batch + n)) for n in range(10)] for batch in range(20)]
    assert sum(await asyncio.gather(*map(store.add, batches))) == 200
    assert sorted(one.id for one in await find(database, Search(), 1000)) == list(range(1, 201))


async def test_more_than_one_transaction_takes_are_stored_in_their_order(store, database):
    assert await store.add([record(numbered(n)) for n in range(600)]) == 600
    assert await everything(database) == [numbered(n) for n in range(600)]


@pytest.mark.parametrize(
    "message", [b"", b"\0\xff", b"<85>1 - h\0 a p IHE+RFC-3881 - <x>\0</x>", b"9" * 5000]
)
async def test_what_is_no_audit_message_is_kept_too(store, database, message):
    assert await store.add([record(message)]) == 1
    [found] = await find(database, Search(), 10)
    assert found.message == message
    assert found.diagnosis[-1].startswith("no audit message: ")


@pytest.mark.parametrize(
    ("search", "finds"),
    [
        (Search(about={About.PATIENT: PATIENT}), True),
        (Search(about={About.PATIENT: "p1"}), False),
        (Search(about={About.PATIENT: PATIENT, About.EVENT: "ITI-43", About.PURPOSE: "NORM"}), True),
        (Search(about={About.PATIENT: PATIENT, About.EVENT: "ITI-18"}), False),
        (Search(about={About.EVENT: "110106"}, since=NOON), True),
        (Search(about={About.EVENT: "110106"}, until=NOON), False),
        (Search(about={About.DOCUMENT: "2.999.3.77", About.PERSON: "<jdoe@https://idp.example>"}), True),
        (Search(since=NOON, until=ARRIVED), True),
        (Search(since=ARRIVED), False),
        (Search(outcome=0, sender="server.example"), True),
        (Search(outcome=4), False),
        (Search(sender="h"), False),
    ],
)
async def test_a_record_is_found_where_all_that_is_asked_holds(store, database, search, finds):
    await store.add([record(HEADER + RETRIEVED)])
    assert len(await find(database, search, 10)) == finds


async def test_the_latest_events_are_found_first_whenever_they_came(store, database):
    later = numbered(2).replace(b'EventDateTime="2030-01-01T12:00', b'EventDateTime="2030-01-01T12:01')
    await store.add([record(later), record(numbered(1)), record(numbered(3))])
    for search in (Search(), Search(about={About.PATIENT: PATIENT})):
        assert [one.message for one in await find(database, search, 2)] == [later, numbered(3)]


async def test_what_is_not_quite_right_is_filed_for_its_sender(store, database):
    wrong = HEADER.replace(b"<85>", b"<13>").replace(b"IHE+RFC-3881", b"-")
    await store.add([record(HEADER + RETRIEVED), record(wrong + RETRIEVED, "framed by a line feed")])
    assert await diagnoses(database) == [
        SenderDiagnosis("server.example", "MSGID is missing, IHE+RFC-3881 is expected", 1),
        SenderDiagnosis("server.example", "PRI 13, 85 or 84 is expected", 1),
        SenderDiagnosis("server.example", "framed by a line feed", 1),
    ]
