"""The check finds whatever is not as it should be, and changes nothing."""

import os
from datetime import UTC, datetime

import pytest

from exchange.ports import RegistryUnreachable
from repository import store as store_module
from repository.blobs import DirectoryBlobs
from repository.check import check
from tests.repository.iti41 import Registry, blobs_in, bytes_of, entry, provide, refusal, staged

pytestmark = pytest.mark.anyio

LATER = datetime(2026, 11, 22, 13, tzinfo=UTC)


def files(tmp_path):
    paths = (tmp_path / "documents").glob("??/*")
    return {path: path.stat().st_size for path in paths}


async def added(store, tmp_path, number: int, content: bytes):
    """Provide one document and say its file."""
    before = files(tmp_path).keys()
    await provide(store, Registry(), (entry(number), content))
    (path,) = files(tmp_path).keys() - before
    return path


async def test_of_sound_documents_there_is_nothing_to_say(store, tmp_path):
    for number in range(1, 4):
        await added(store, tmp_path, number, b"%d" % number)
    report = await check(store, LATER, deep=True)
    assert (report.documents, report.pending, report.orphaned) == (3, (), ())
    assert report.sound


async def test_missing_and_damaged_documents_are_named(store, tmp_path):
    gone = await added(store, tmp_path, 1, b"gone")
    cut = await added(store, tmp_path, 2, b"cut")
    await added(store, tmp_path, 3, b"whole")
    gone.unlink()
    os.truncate(cut, 3)
    report = await check(store, LATER, deep=False)
    assert [(one.unique_id, one.blob_handle) for one in report.missing] == [("2.999.3.1", gone.name)]
    assert [(one.unique_id, one.reason) for one in report.damaged] == [
        ("2.999.3.2", "a blob has 3 bytes, 19 were written")
    ]
    assert not report.sound


async def test_damage_far_from_the_beginning_is_found_by_reading_all(store, tmp_path):
    path = await added(store, tmp_path, 1, b"-" * 200_000)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    assert (await check(store, LATER, deep=False)).sound
    report = await check(store, LATER, deep=True)
    assert [one.unique_id for one in report.damaged] == ["2.999.3.1"]


async def test_blobs_without_a_row_are_found_and_those_being_written_are_not(store, tmp_path):
    kept = await added(store, tmp_path, 1, b"kept")
    under_way = await staged(store, b"under way")
    orphan = kept.parent.parent / "ab" / ("ab" * 16)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"nobody knows")
    report = await check(store, LATER, deep=False)
    assert report.orphaned == ("ab" * 16,)
    assert orphan.exists()
    await store.remove_orphans([*report.orphaned, under_way.handle][:1])
    assert not orphan.exists()
    assert (await check(store, LATER, deep=False)).orphaned == ()
    assert await bytes_of(store, "2.999.3.1") == b"kept"
    await store.discard([under_way])


async def test_what_a_dead_process_left_is_an_orphan_and_goes_with_its_traces(store, tmp_path):
    dead = await DirectoryBlobs.open(tmp_path / "documents")
    writer = await dead.begin("text/plain")
    left = await writer.finish()
    await dead.close()
    report = await check(store, LATER, deep=False)
    assert report.orphaned == (left.handle,)
    await store.remove_orphans(report.orphaned)
    assert blobs_in(tmp_path) == 0


async def test_a_blob_with_a_row_is_not_removed_even_if_asked_for(store, tmp_path):
    kept = await added(store, tmp_path, 1, b"kept")
    await store.remove_orphans([kept.name])
    assert await bytes_of(store, "2.999.3.1") == b"kept"


async def test_pending_documents_are_named_once_they_are_old(store):
    await refusal(store, Registry(RegistryUnreachable("timed out", sent=True)), (entry(1), b"one"))
    report = await check(store, LATER, deep=False)
    assert [one.unique_id for one in report.pending] == ["2.999.3.1"]
    assert (await check(store, datetime(2026, 11, 22, 12, tzinfo=UTC), deep=False)).pending == ()


async def test_every_row_is_looked_at_however_many(store, tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "BATCH", 2)
    paths = [await added(store, tmp_path, number, b"%d" % number) for number in range(1, 6)]
    paths[-1].unlink()
    report = await check(store, LATER, deep=False)
    assert report.documents == 5
    assert [one.unique_id for one in report.missing] == ["2.999.3.5"]
