"""What every destination has is dropped from the spool, and nothing else (ITI TF-2: 3.20.4.1)."""

import pytest

from atna_audit.following import Cursor, confirmed_positions, drop_delivered, undelivered
from atna_audit.spool import Spool, stored_records

pytestmark = pytest.mark.anyio

RECORDS = [b"<AuditMessage n='%d'/>" % number for number in range(30)]


async def spooled(directory, records):
    """A spool of many segments by a process that has ended."""
    spool = Spool.open(directory, segment_limit_bytes=200)
    for record in records:
        await spool.record(record)
    await spool.close()


def deliver(directory, destination, count):
    with Cursor.held(directory, destination) as cursor:
        for _, record in zip(range(count), undelivered(directory, cursor.confirmed), strict=False):
            cursor.save({record.series: record.position})


async def test_what_all_destinations_have_goes(tmp_path):
    await spooled(tmp_path, RECORDS)
    deliver(tmp_path, "one", 30)
    assert drop_delivered(tmp_path, ["one", "other"]) == 0
    deliver(tmp_path, "other", 17)
    assert drop_delivered(tmp_path, ["one", "other"]) > 0
    left = list(stored_records(tmp_path))
    assert left == RECORDS[-len(left) :]
    assert 13 <= len(left) < 30
    deliver(tmp_path, "other", 30)
    drop_delivered(tmp_path, ["one", "other"])
    assert list(tmp_path.glob("*.audit")) == []


async def test_what_is_still_needed_stays(tmp_path):
    """What a crash left unrecorded is looked for there first."""
    await spooled(tmp_path, RECORDS)
    deliver(tmp_path, "one", 30)
    [series] = {one.series for one in undelivered(tmp_path, {})}
    assert drop_delivered(tmp_path, ["one"], needed=[series]) == 0
    assert list(stored_records(tmp_path)) == RECORDS
    assert drop_delivered(tmp_path, ["one"]) > 0


async def test_what_a_living_process_writes_to_stays(tmp_path):
    spool = Spool.open(tmp_path, segment_limit_bytes=200)
    for record in RECORDS[:20]:
        await spool.record(record)
    deliver(tmp_path, "one", 20)
    assert drop_delivered(tmp_path, ["one"]) > 0
    for record in RECORDS[20:]:
        await spool.record(record)
    with Cursor.held(tmp_path, "one") as cursor:
        assert [one.content for one in undelivered(tmp_path, cursor.confirmed)] == RECORDS[20:]
    await spool.close()
    assert list(stored_records(tmp_path))[-10:] == RECORDS[20:]


async def test_a_cursor_forgets_series_that_are_gone(tmp_path):
    for records in (RECORDS[:5], RECORDS[5:10]):
        await spooled(tmp_path, records)
        deliver(tmp_path, "one", 5)
        drop_delivered(tmp_path, ["one"])
    await spooled(tmp_path, RECORDS[10:15])
    deliver(tmp_path, "one", 5)
    assert len(confirmed_positions(tmp_path, "one")) == 1


async def test_dropping_and_writing_do_not_disturb_each_other(tmp_path):
    """Processes come and go while delivered segments are dropped."""
    sent = []
    for start in range(0, 30, 3):
        await spooled(tmp_path, RECORDS[start : start + 3])
        with Cursor.held(tmp_path, "one") as cursor:
            for record in undelivered(tmp_path, cursor.confirmed):
                sent.append(record.content)
                cursor.save({record.series: record.position})
        drop_delivered(tmp_path, ["one"])
    assert sent == RECORDS
