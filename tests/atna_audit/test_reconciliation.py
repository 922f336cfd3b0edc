"""Every request that was answered has its record, or the gap is told by node and time (ITI TF-2: 3.20)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from atna_audit.following import undelivered
from atna_audit.iti20_record_audit_event import Arrival, record_of
from atna_audit.reconciliation import Counts, Gap, reconcile
from atna_audit.spool import Spool
from atna_audit.store import AuditStore
from atna_audit.tables import audit_record, audit_subject
from audit_message.write import write_audit_message
from database import Statement, Transaction
from exchange.audit_trail import requests_counted
from server.audit_forwarding import message_of
from tests.messages.audit import RETRIEVED

pytestmark = pytest.mark.anyio

BEGIN_NS = 1_900_000_000_000_000_000
BEGIN = datetime.fromtimestamp(BEGIN_NS / 1e9, UTC)
HOUR = timedelta(hours=1)


class Node:
    """A process that answers, records, and counts; its clock stands unless it is told."""

    def __init__(self, directory: Path) -> None:
        self.now_ns = BEGIN_NS
        self.spool = Spool.open(directory, now_ns=lambda: self.now_ns)
        self.answered = self.recorded = 0

    async def answers(self, number: int, recorded: bool = True) -> None:
        for _ in range(number):
            self.answered += 1
            if recorded:
                self.recorded += 1
                await self.spool.record(RETRIEVED)

    async def counts(self) -> None:
        series, records, last_ns = self.spool.written
        counts = Counts("node", series, last_ns, records, self.answered, self.recorded)
        self.now_ns += 60_000_000_000
        at = datetime.fromtimestamp(self.now_ns / 1e9, UTC)
        await self.spool.record(write_audit_message(requests_counted(at, counts.written(), "h", "1", "node")))


async def deliver(node: Node, store: AuditStore) -> None:
    arrivals = [
        Arrival(message_of(one), "h", "spool", BEGIN) for one in undelivered(node.spool.directory, {})
    ]
    await store.add([record_of(one) for one in arrivals])


async def lose(store: AuditStore, record: int) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.execute(Statement(delete(audit_record).where(audit_record.c.id == record)))
        await transaction.execute(Statement(delete(audit_subject).where(audit_subject.c.record == record)))

    await store.database.transact(work)


@pytest.fixture
async def node(tmp_path):
    node = Node(tmp_path / "audit")
    yield node
    await node.spool.close()


async def test_answers_that_have_their_records_leave_no_gap(node, store):
    """Also if many fall into one nanosecond of the clock, and if a record is delivered twice."""
    for number in (3, 0, 5):
        await node.answers(number)
        await node.counts()
        await deliver(node, store)
    found = await reconcile(store.database, BEGIN - HOUR)
    assert (found.answered, found.records, found.gaps) == (8, 10, ())


async def test_a_record_that_did_not_arrive_is_a_gap_in_its_minute(node, store):
    for _ in range(3):
        await node.answers(4)
        await node.counts()
    await deliver(node, store)
    await lose(store, 6)
    [gap] = (await reconcile(store.database, BEGIN - HOUR)).gaps
    assert (gap.node, gap.missing_records, gap.unrecorded_requests) == ("node", 1, 0)
    assert (
        timedelta(0) <= gap.since - BEGIN < timedelta(minutes=1) <= gap.until - BEGIN < timedelta(minutes=2)
    )


async def test_an_answer_that_was_not_recorded_is_a_gap(node, store):
    await node.answers(2)
    await node.counts()
    await node.answers(1, recorded=False)
    await node.answers(2)
    await node.counts()
    await deliver(node, store)
    [gap] = (await reconcile(store.database, BEGIN - HOUR)).gaps
    assert isinstance(gap, Gap)
    assert (gap.missing_records, gap.unrecorded_requests) == (0, 1)


async def test_what_began_before_is_counted_from_the_first_count_on(node, store):
    for _ in range(2):
        await node.answers(2)
        await node.counts()
    await deliver(node, store)
    await lose(store, 1)
    found = await reconcile(store.database, BEGIN + timedelta(seconds=30))
    assert (found.answered, found.gaps) == (2, ())
