"""Without a record there is no answer; where answers may go all the same, nobody is left unaware."""

import errno
import os
from datetime import UTC, datetime, timedelta

import pytest

from atna_audit.spool import Spool
from audit_message.read import read_audit_message
from exchange.audit_trail import audit_messages_of
from exchange.diary import Node
from exchange.ports import AuditUnavailable
from exchange.tally import Tally
from ihe.transactions import ITI_43
from server.audit_trail import FailingOpen, SpooledAuditTrail
from tests.exchange.test_audit_trail import happening

pytestmark = pytest.mark.anyio

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
RECORDS = audit_messages_of(happening(ITI_43))


class Disk:
    """A disk that can be full."""

    def __init__(self) -> None:
        self.full = False

    def fsync(self, file: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "no space left")
        os.fsync(file)


async def test_what_cannot_be_recorded_is_refused(tmp_path):
    """ITI TF-2: 3.20."""
    disk = Disk()
    spool = Spool.open(tmp_path / "audit", fsync=disk.fsync)
    disk.full = True
    with pytest.raises(AuditUnavailable):
        await SpooledAuditTrail(spool).record(*RECORDS)
    disk.full = False
    await spool.close()


async def test_what_is_let_go_is_counted_and_told_in_the_first_record_that_can_be_kept(tmp_path, caplog):
    """DICOM PS3.15 A.5.3.11."""
    disk, tally = Disk(), Tally()
    moments = iter(NOON + timedelta(minutes=n) for n in range(10))
    spool = Spool.open(tmp_path / "audit", fsync=disk.fsync)
    trail = FailingOpen(SpooledAuditTrail(spool), tally, Node("4711", "here"), lambda: next(moments))
    await trail.record(*RECORDS)
    disk.full = True
    await trail.record(*RECORDS)
    await trail.record(*RECORDS)
    assert tally.lost == 2
    assert [one.levelname for one in caplog.records] == ["CRITICAL", "CRITICAL"]
    disk.full = False
    await trail.record(*RECORDS)
    await trail.record(*RECORDS)
    await spool.close()
    told = [read_audit_message(one) for one in spool.records()]
    events = [one.event for one in told]
    assert [one.type_codes[0].code for one in events] == ["ITI-43", "110133", "110134", "ITI-43", "ITI-43"]
    stopped, resumed = events[1:3]
    assert (stopped.event_id.code, stopped.outcome, stopped.at) == ("110113", 12, NOON)
    assert stopped.outcome_description.startswith("2 requests were answered without a record")
    assert resumed.at > NOON
    assert tally.lost == 2
