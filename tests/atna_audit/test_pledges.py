"""What a change owes to the audit trail is paid, whatever becomes of the process (ITI TF-2: 3.20)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Integer, bindparam, insert, select

from atna_audit.pledges import PledgedRecords, series_with_pledges
from atna_audit.spool import Spool, SpoolUnavailable, stored_records
from atna_audit.tables import audit_leaf
from audit_message.model import (
    ActiveParticipant,
    AuditMessage,
    AuditSource,
    EventIdentification,
    ParticipantObject,
)
from audit_message.read import read_audit_message
from audit_message.write import write_audit_message
from database import Database, Statement
from exchange.pledge import Pledge
from ihe.audit_events import CodedValue, Outcome

pytestmark = pytest.mark.anyio

NOON = datetime.now(UTC)
IMPORT = CodedValue("110107", "DCM", "Import")
ITI_42 = CodedValue("ITI-42", "IHE Transactions", "Register Document Set-b")
SET_ID = CodedValue("urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd", "IHE XDS Metadata", "classification")

# Any change will do.
_CHANGE = Statement(insert(audit_leaf).values(id=bindparam("id", type_=Integer), hash=b""))
_CHANGES = Statement(select(audit_leaf.c.id).order_by(audit_leaf.c.id))


def told(about: str, outcome: Outcome = Outcome.SUCCESS, text: str = "") -> AuditMessage:
    """The record of a submission by this process."""
    return AuditMessage(
        EventIdentification(IMPORT, NOON, outcome, type_codes=(ITI_42,), outcome_description=text),
        (ActiveParticipant("registry", is_requestor=False, alternative_user_id="4711"),),
        AuditSource("node"),
        (ParticipantObject(about, SET_ID),),
    )


class Process:
    """One that changes something and records it, as far as it gets."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.database, self.spool = database, Spool.open(directory)
        self.pledges = PledgedRecords(database, self.spool)

    async def change(self, number: int) -> Pledge:
        """Change number so and so, whose record is pledged."""
        pledge = self.pledges.made(told(f"2.999.{number}", text="cut off"))
        await self.database.transact(lambda one: one.execute(_CHANGE, {"id": number}), pledge.calls)
        return pledge

    async def record(self, number: int, outcome: Outcome = Outcome.SUCCESS) -> None:
        await self.spool.record(write_audit_message(told(f"2.999.{number}", outcome)))

    async def be_killed(self) -> None:
        """As the kernel does it, which gives up the locks too."""
        os.close(self.spool._writer._file)


@pytest.fixture
async def process(database, tmp_path):
    """The one that is killed in most tests; like each, it has recorded that it started."""
    process = Process(database, tmp_path)
    await process.record(0)
    return process


@asynccontextmanager
async def successor(database: Database, directory: Path) -> AsyncIterator[Process]:
    """The next process on the same node, whose start is over."""
    process = Process(database, directory)
    await process.pledges.keep_those_of_ended()
    yield process
    await process.spool.close()


def recorded(directory: Path) -> list[tuple[str, str]]:
    """What each record is about, and what it says of its outcome."""
    messages = map(read_audit_message, stored_records(directory))
    found = [(one.objects[0].id, one.event.outcome_description) for one in messages]
    return [one for one in found if one != ("2.999.0", "")]


async def test_a_change_that_was_cut_off_is_recorded_by_the_next_process(database, process, tmp_path):
    await process.change(1)
    await process.be_killed()
    async with successor(database, tmp_path):
        assert await database.fetch(_CHANGES) == [(1,)]
        assert recorded(tmp_path) == [("2.999.1", "cut off")]
        assert await series_with_pledges(database) == set()
    async with successor(database, tmp_path):
        assert recorded(tmp_path) == [("2.999.1", "cut off")]


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.MINOR])
async def test_what_was_recorded_before_the_crash_is_not_recorded_again(database, process, tmp_path, outcome):
    """Its pledge is taken back some time after its record, and the crash may come in between."""
    process.pledges.kept(await process.change(1))
    await process.record(1, outcome)
    await process.change(2)
    await process.be_killed()
    async with successor(database, tmp_path):
        assert recorded(tmp_path) == [("2.999.1", ""), ("2.999.2", "cut off")]
        assert await series_with_pledges(database) == set()


async def test_a_change_that_was_rolled_back_owes_nothing(database, process, tmp_path):
    pledge = process.pledges.made(told("2.999.1", text="cut off"))

    async def fail(transaction):
        await transaction.execute(_CHANGE, {"id": 1})
        raise LookupError

    with pytest.raises(LookupError):
        await database.transact(fail, pledge.calls)
    await process.be_killed()
    async with successor(database, tmp_path):
        assert await database.fetch(_CHANGES) == []
        assert recorded(tmp_path) == []


async def test_what_is_recorded_is_taken_back(database, process):
    for number in range(3):
        process.pledges.kept(await process.change(number))
    await process.change(3)
    await process.pledges.clear()
    assert await series_with_pledges(database) == {process.spool.written.series}
    await process.pledges.keep_those_of_ended()
    assert await series_with_pledges(database) == {process.spool.written.series}
    await process.spool.close()


async def test_a_request_that_makes_several_changes_owes_one_record(database, process, tmp_path):
    """ITI TF-2: 3.44.4.1: a message may name several ids of the domain."""
    pledge = await process.change(1)
    await database.transact(lambda one: one.execute(_CHANGE, {"id": 2}), pledge.calls)
    await process.be_killed()
    async with successor(database, tmp_path):
        assert await database.fetch(_CHANGES) == [(1,), (2,)]
        assert recorded(tmp_path) == [("2.999.1", "cut off")]


async def test_a_record_that_could_not_be_written_is_written_when_it_can(database, process, tmp_path):
    broken = await process.change(1)
    process.pledges.broken(broken)
    # Not known to be durable, and yet it was: its answer told of a failure all the same.
    late = await process.change(2)
    await process.record(2)
    process.pledges.broken(late)
    await process.change(3)
    await process.pledges.clear()
    assert recorded(tmp_path) == [("2.999.2", ""), ("2.999.1", "cut off")]
    await process.spool.close()


async def test_a_trail_that_stays_out_of_order_is_tried_again(database, process, tmp_path):
    process.pledges.broken(await process.change(1))
    await process.spool.close()
    for _ in range(2):
        with pytest.raises(SpoolUnavailable):
            await process.pledges.clear()
    async with successor(database, tmp_path):
        assert recorded(tmp_path) == [("2.999.1", "cut off")]


async def test_pledges_of_other_nodes_are_left_to_them(database, process, tmp_path):
    await process.change(1)
    await process.be_killed()
    elsewhere = tmp_path / "elsewhere"
    async with successor(database, elsewhere):
        assert recorded(elsewhere) == []
        assert await series_with_pledges(database) == {process.spool.written.series}
