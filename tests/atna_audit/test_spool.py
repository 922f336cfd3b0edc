"""The durable spool: acknowledged means stored, whatever happens next (ITI TF-2: 3.20.4.1)."""

import asyncio
import errno
import os
import resource
import select
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import atna_audit.spool
from atna_audit.segments import RESERVED_BYTES, SpoolDamaged
from atna_audit.spool import Spool, SpoolUnavailable, stored_records

REPOSITORY_ROOT = Path(__file__).parents[2]
HEADER_BYTES = 28
FRAME_HEAD_BYTES = 32


class CountingFsync:
    """A real fsync that counts, and fails where it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails_at: set[int] = set()

    def __call__(self, file: int) -> None:
        self.calls += 1
        if self.calls in self.fails_at:
            raise OSError(errno.EIO, "input/output error")
        os.fsync(file)


def ticking(start: int = 1) -> Callable[[], int]:
    """A clock that moves by ten at each look."""
    ticks: Iterator[int] = iter(range(start, 10**9, 10))
    return lambda: next(ticks)


def write(directory: Path, *batches: list[bytes], close: bool = False, **options: int) -> None:
    """Store each batch with one fsync; without `close` it ends as a killed process ends."""

    async def store() -> None:
        spool = Spool.open(directory, **options)  # type: ignore[arg-type]  # only the segment limit is passed
        for batch in batches:
            await spool.record(*batch)
        if close:
            await spool.close()
        else:
            os.close(spool._writer._file)  # as the kernel does, which gives up the lock too

    asyncio.run(store())


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.audit"))


def test_what_was_recorded_is_read_again_in_order(tmp_path: Path) -> None:
    """ITI TF-2: 3.20.4.1."""
    write(tmp_path / "spool", [b"one"], [b"two", b"three"], close=True)
    assert list(stored_records(tmp_path / "spool")) == [b"one", b"two", b"three"]


def test_only_the_owner_may_look_into_the_spool(tmp_path: Path) -> None:
    """Audit records name patients."""
    write(tmp_path / "spool", [b"one"])
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in segments(tmp_path / "spool")} == {0o600}


def test_one_fsync_serves_all_who_wait(tmp_path: Path) -> None:
    """Two hundred callers at once cost a handful of fsyncs, not two hundred."""
    fsync = CountingFsync()

    async def store() -> None:
        spool = Spool.open(tmp_path, fsync=fsync)
        await asyncio.gather(*(spool.record(b"record %d" % number) for number in range(200)))

    asyncio.run(store())
    assert len(list(stored_records(tmp_path))) == 200
    # the segment's header, its directory, and the records
    assert fsync.calls <= 5


def test_records_of_requests_under_way_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as others are about to come, nobody pays for a flush of its own; the last one has it done."""
    monkeypatch.setattr(atna_audit.spool, "GATHERING_SECONDS", 60.0)
    fsync = CountingFsync()
    coming = [*range(10)]

    async def store() -> None:
        spool = Spool.open(tmp_path, fsync=fsync, under_way=lambda: len(coming))
        recording = []
        while coming:
            record = b"%d" % coming.pop(0)
            recording.append(asyncio.create_task(spool.record(record)))
            await asyncio.sleep(0)
        await asyncio.gather(*recording)

    asyncio.run(store())
    assert list(stored_records(tmp_path)) == [b"%d" % number for number in range(10)]
    # the segment's header, its directory, and the records
    assert fsync.calls == 3


def test_no_record_waits_for_the_end_of_all_work(tmp_path: Path) -> None:
    """A server that is never idle still answers."""

    async def store() -> None:
        spool = Spool.open(tmp_path, under_way=lambda: 1)
        await spool.record(b"one")

    asyncio.run(store())
    assert list(stored_records(tmp_path)) == [b"one"]


def test_record_returns_only_after_the_fsync_of_its_bytes(tmp_path: Path) -> None:
    """An answer may leave only when its record is durable."""
    synced: list[bytes] = []

    def fsync(file: int) -> None:
        synced.append(
            Path(f"/proc/self/fd/{file}").read_bytes() if stat.S_ISREG(os.fstat(file).st_mode) else b""
        )

    async def store() -> None:
        spool = Spool.open(tmp_path, fsync=fsync)
        for content in (b"a" * 1000, b"b" * 1000):
            await spool.record(content)
            assert content in synced[-1]
            assert synced[-1].rstrip(b"\0") == segments(tmp_path)[0].read_bytes().rstrip(b"\0")

    asyncio.run(store())


def test_a_full_segment_is_followed_by_a_new_one(tmp_path: Path) -> None:
    """Finished files can be taken away while the newest is written."""
    records = [b"%03d" % number * 100 for number in range(20)]
    write(tmp_path, *([record] for record in records), segment_limit_bytes=1000, close=True)
    assert len(segments(tmp_path)) == 8  # seven of three records, the last of which ends the series
    assert list(stored_records(tmp_path)) == records


def test_the_oldest_segments_may_be_taken_away(tmp_path: Path) -> None:
    """What was archived is not damage."""
    write(tmp_path, [b"one" * 100], [b"two" * 100], segment_limit_bytes=100, close=True)
    segments(tmp_path)[0].unlink()
    assert list(stored_records(tmp_path)) == [b"two" * 100]


def test_records_of_several_processes_are_merged_by_time(tmp_path: Path) -> None:
    """Each process has its own series of files."""

    async def store() -> None:
        clock = ticking()
        first, second = (Spool.open(tmp_path, now_ns=clock) for _ in range(2))
        for number in range(10):
            await (first, second)[number % 2].record(b"%d" % number)
        await first.close()
        third = Spool.open(tmp_path, now_ns=clock)
        await third.record(b"10")
        await second.record(b"11")

    asyncio.run(store())
    assert list(stored_records(tmp_path)) == [b"%d" % number for number in range(12)]


def test_a_living_process_is_read_but_not_mended(tmp_path: Path) -> None:
    """A second process opens the same directory while the first is writing."""

    async def store() -> None:
        first = Spool.open(tmp_path)
        await first.record(b"one")
        (path,) = segments(tmp_path)
        with path.open("ab") as file:
            file.write(b"half a rec")
        second = Spool.open(tmp_path)
        assert second.torn_tails == ()
        assert path.read_bytes().endswith(b"half a rec")
        assert list(second.records()) == [b"one"]

    asyncio.run(store())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cut_in_the_last_segment_loses_only_the_torn_tail(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever a crash leaves of the last batch, every record before the cut is still there."""
    directory = tmp_path_factory.mktemp("spool")
    batch = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4)
    batches = data.draw(st.lists(batch, min_size=1, max_size=5))
    write(directory, *batches)
    (path,) = segments(directory)
    ends = [HEADER_BYTES]
    records = [record for batch in batches for record in batch]
    for record in records:
        ends.append(ends[-1] + FRAME_HEAD_BYTES + len(record))
    cut = data.draw(st.integers(HEADER_BYTES, ends[-1]))
    os.truncate(path, cut)
    whole = max(number for number, end in enumerate(ends) if end <= cut)

    mended = Spool.open(directory)
    assert list(mended.records()) == records[:whole]
    torn = [(tail.segment, tail.whole_bytes, tail.torn_bytes) for tail in mended.torn_tails]
    assert torn == ([(path, ends[whole], cut - ends[whole])] if cut > ends[whole] else [])
    write(directory, [b"after the crash"], close=True)
    assert list(stored_records(directory)) == [*records[:whole], b"after the crash"]


def test_torn_bytes_are_kept_beside_the_segment(tmp_path: Path) -> None:
    """An audit trail throws nothing away."""
    write(tmp_path, [b"one"], [b"two"])
    (path,) = segments(tmp_path)
    os.truncate(path, HEADER_BYTES + 2 * (FRAME_HEAD_BYTES + 3) - 1)
    Spool.open(tmp_path)
    (aside,) = tmp_path.glob("*.torn")
    assert len(aside.read_bytes()) == FRAME_HEAD_BYTES + 2
    assert aside.read_bytes().endswith(b"tw")


def test_room_for_more_records_is_nothing_torn(tmp_path: Path) -> None:
    """A killed process leaves zeros behind its records, and they are given back."""
    write(tmp_path, [b"one"], [b"two"])
    (path,) = segments(tmp_path)
    assert path.stat().st_size > RESERVED_BYTES
    mended = Spool.open(tmp_path)
    assert mended.torn_tails == ()
    assert path.stat().st_size == HEADER_BYTES + 2 * (FRAME_HEAD_BYTES + 3)
    assert list(mended.records()) == [b"one", b"two"]


def test_a_file_grows_by_its_room_and_not_by_each_record(tmp_path: Path) -> None:
    """So a flush has nothing to write but the record, however large the one before was."""
    sizes: list[int] = []

    async def store() -> None:
        spool = Spool.open(tmp_path)
        for length in (1000, 1000, 1000, 2 * RESERVED_BYTES, 1000):
            await spool.record(b"x" * length)
            sizes.append(segments(tmp_path)[0].stat().st_size)
        await spool.close()

    asyncio.run(store())
    first = HEADER_BYTES + FRAME_HEAD_BYTES + 1000 + RESERVED_BYTES
    fourth = first + 2 * (FRAME_HEAD_BYTES + 1000) + FRAME_HEAD_BYTES + 2 * RESERVED_BYTES
    assert sizes == [first, first, first, fourth, fourth]


def test_a_batch_that_reached_the_disk_in_the_wrong_order_is_torn_not_damaged(tmp_path: Path) -> None:
    """Blocks of one write may arrive in any order; nobody was told that they are stored."""
    write(tmp_path, [b"one"], [b"two", b"three"])
    (path,) = segments(tmp_path)
    content = path.read_bytes().replace(b"two", b"\0\0\0")
    path.write_bytes(content)
    assert list(Spool.open(tmp_path).records()) == [b"one"]


def test_damage_before_a_later_batch_is_named_and_never_cut_off(tmp_path: Path) -> None:
    """A batch is begun only when all before it is durable, so what is wrong there was once right."""
    write(tmp_path, [b"one"], [b"two"], [b"three"])
    (path,) = segments(tmp_path)
    damaged = path.read_bytes().replace(b"two", b"owt")
    path.write_bytes(damaged)
    with pytest.raises(SpoolDamaged, match=f"{path.name}: no whole record at byte 63"):
        Spool.open(tmp_path)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("kept_bytes", [10, HEADER_BYTES, HEADER_BYTES + 5, -1])
def test_a_cut_in_an_earlier_segment_is_damage(tmp_path: Path, kept_bytes: int) -> None:
    """The segment after it says how long it was."""
    write(tmp_path, [b"one" * 100], [b"two" * 100], segment_limit_bytes=100)
    first, _ = segments(tmp_path)
    os.truncate(first, kept_bytes % (HEADER_BYTES + FRAME_HEAD_BYTES + 300))
    with pytest.raises(SpoolDamaged, match=first.name):
        list(stored_records(tmp_path))


def test_a_cut_after_an_orderly_end_is_damage(tmp_path: Path) -> None:
    """A closed series has no torn tail."""
    write(tmp_path, [b"one"], [b"two"], close=True)
    os.truncate(segments(tmp_path)[0], 70)
    with pytest.raises(SpoolDamaged):
        list(stored_records(tmp_path))


def test_a_missing_segment_is_damage(tmp_path: Path) -> None:
    """A hole in the middle is never passed over in silence."""
    write(tmp_path, [b"one" * 100], [b"two" * 100], [b"three" * 100], segment_limit_bytes=100)
    segments(tmp_path)[1].unlink()
    with pytest.raises(SpoolDamaged, match="the segment after it is missing"):
        list(stored_records(tmp_path))


def test_after_a_failed_fsync_the_file_is_given_up_and_a_new_one_begun(tmp_path: Path) -> None:
    """The kernel reports a failed write once: a second fsync of the same file would lie."""
    fsync = CountingFsync()

    async def store() -> None:
        spool = Spool.open(tmp_path, fsync=fsync)
        await spool.record(b"one")
        fsync.fails_at = {fsync.calls + 1}
        with pytest.raises(SpoolUnavailable, match="input/output error"):
            await spool.record(b"lost")
        await spool.record(b"two")
        await spool.close()

    asyncio.run(store())
    first, second, _ = segments(tmp_path)
    assert b"one" in first.read_bytes()
    assert b"two" in second.read_bytes()
    assert list(stored_records(tmp_path)) == [b"one", b"two"]


def test_a_segment_that_cannot_be_begun_leaves_nothing_behind(tmp_path: Path) -> None:
    """A full disk must not fill with empty files."""
    fsync = CountingFsync()

    async def store() -> None:
        spool = Spool.open(tmp_path, fsync=fsync)
        for failing in (1, 2):  # its header, its directory
            fsync.fails_at = {fsync.calls + failing}
            with pytest.raises(SpoolUnavailable):
                await spool.record(b"lost")
            assert list(tmp_path.iterdir()) == []
        await spool.record(b"one")

    asyncio.run(store())
    assert list(stored_records(tmp_path)) == [b"one"]


def test_a_full_disk_refuses_and_is_written_again_when_there_is_room(tmp_path: Path) -> None:
    """Fail closed; what was cut off half way leaves no trace."""

    async def store() -> None:
        spool = Spool.open(tmp_path)
        await spool.record(b"one")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        try:
            with pytest.raises(SpoolUnavailable, match="File too large"):
                await spool.record(b"x" * 5000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await spool.record(b"two")
        await spool.close()

    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        asyncio.run(store())
    finally:
        signal.signal(signal.SIGXFSZ, ignored)
    assert list(stored_records(tmp_path)) == [b"one", b"two"]


def test_one_who_gives_up_does_not_harm_the_others(tmp_path: Path) -> None:
    """A peer that hangs up cancels its own request only."""

    async def store() -> None:
        spool = Spool.open(tmp_path)
        tasks = [asyncio.create_task(spool.record(b"%d" % number)) for number in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [task.cancelled() for task in tasks] == [False, True, False]
        await spool.close()

    asyncio.run(store())
    assert list(stored_records(tmp_path)) == [b"0", b"1", b"2"]


def test_a_disk_that_does_not_answer_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request waits for ever."""
    monkeypatch.setattr(atna_audit.spool, "RECORD_TIMEOUT_SECONDS", 0.05)
    reading, writing = os.pipe()

    async def store() -> None:
        spool = Spool.open(tmp_path, fsync=lambda file: select.select([reading], [], []) and None)
        with pytest.raises(SpoolUnavailable, match="the disk took more than"):
            await spool.record(b"one")
        os.write(writing, b"go")
        await spool.close()

    asyncio.run(store())
    assert list(stored_records(tmp_path)) == [b"one"]


def test_more_than_may_wait_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow disk must not eat the memory."""
    monkeypatch.setattr(atna_audit.spool, "WAITING_LIMIT_BYTES", 1000)

    async def store() -> None:
        spool = Spool.open(tmp_path)
        results = await asyncio.gather(*(spool.record(b"x" * 400) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [type(None), type(None), SpoolUnavailable]
        await spool.record(b"x" * 400)

    asyncio.run(store())


def test_a_record_larger_than_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RECORD_LIMIT_BYTES."""
    monkeypatch.setattr(atna_audit.spool, "RECORD_LIMIT_BYTES", 10)

    async def store() -> None:
        spool = Spool.open(tmp_path)
        await spool.record(b"x" * 10)
        with pytest.raises(SpoolUnavailable, match="larger than 10 bytes"):
            await spool.record(b"x" * 11)

    asyncio.run(store())


def test_a_closed_spool_refuses(tmp_path: Path) -> None:
    """Fail closed."""

    async def store() -> None:
        spool = Spool.open(tmp_path)
        await spool.close()
        with pytest.raises(SpoolUnavailable, match="closed"):
            await spool.record(b"late")

    asyncio.run(store())


WRITER = """
import asyncio, sys
from pathlib import Path
from atna_audit.spool import Spool

async def caller(spool, name):
    for number in range(10**6):
        await spool.record(b"%s-%d" % (name, number) + b"." * (number % 500))
        print(name.decode(), number, flush=True)

async def main():
    spool = Spool.open(Path(sys.argv[1]), segment_limit_bytes=20_000)
    await asyncio.gather(*(caller(spool, name) for name in (b"a", b"b", b"c", b"d")))

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged_before_kill", [1, 50, 400])
def test_a_killed_process_loses_no_acknowledged_record(tmp_path: Path, acknowledged_before_kill: int) -> None:
    """SIGKILL at any moment."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], cwd=REPOSITORY_ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        lines = [writer.stdout.readline() for _ in range(acknowledged_before_kill)]
        writer.kill()
        lines += writer.stdout.readlines()
    acknowledged = {line.strip().replace(" ", "-") for line in lines if line.endswith("\n")}
    assert len(acknowledged) >= acknowledged_before_kill
    stored = [record.rstrip(b".").decode() for record in Spool.open(tmp_path).records()]
    assert acknowledged <= set(stored)
    for name in "abcd":
        own = [record for record in stored if record.startswith(name)]
        assert own == [f"{name}-{number}" for number in range(len(own))]
