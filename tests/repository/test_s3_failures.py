"""What an S3 service and the way to it can do to a document: the answer is exact, nothing is half there."""

import asyncio
import hashlib
import logging
from datetime import timedelta

import pytest
from minio.commonconfig import GOVERNANCE
from minio.objectlockconfig import DAYS, ObjectLockConfig

from exchange.ports import StorageError, StorageFull
from repository import s3_blobs
from repository.blob_store import BlobMissing
from tests.repository.places import InBucket, knows, put, take
from tests.services.relay import Relay, relay_to

pytestmark = pytest.mark.anyio

MEGABYTE = 1024 * 1024
LARGE = hashlib.shake_128(b"large").digest(16 * MEGABYTE)


@pytest.fixture
def relay(object_store):
    with relay_to(object_store.endpoint) as relay:
        yield relay


@pytest.fixture
def place(object_store, relay: Relay):
    bucket = InBucket(object_store, object_store.new_bucket(), relay.url)
    yield bucket
    bucket.empty()


@pytest.fixture
async def blobs(place):
    opened = await place.open()
    yield opened
    await opened.close()


async def test_an_upload_cut_off_in_the_middle_leaves_nothing_to_be_seen(blobs, place, relay):
    """ITI TF-3: Table 4.2.4.1-2, XDSRepositoryError; the parts that arrived go by the bucket's lifecycle."""
    relay.cut(after_upload_bytes=12 * MEGABYTE)
    with pytest.raises(StorageError):
        await put(blobs, LARGE)
    assert place.names() == []
    relay.join()
    assert await take(blobs, await put(blobs, LARGE)) == LARGE
    assert len(place.names()) == 1


async def test_a_short_interruption_is_bridged(blobs, place, relay):
    """A gateway that starts again: the same parts and stretches are sent once more."""
    relay.cut()
    asyncio.get_running_loop().call_later(0.3, relay.join)
    staged = await put(blobs, LARGE)
    assert place.names() == [staged.handle]
    relay.cut()
    asyncio.get_running_loop().call_later(0.3, relay.join)
    assert await take(blobs, staged) == LARGE


async def test_an_upload_whose_answer_is_lost_is_one_document(blobs, place, relay):
    """Sent once more under the same name, by the same process."""
    relay.lose_answer()
    staged = await put(blobs, b"a letter")
    assert place.names() == [staged.handle]
    assert await take(blobs, staged) == b"a letter"


async def test_a_download_cut_off_in_the_middle_is_an_error_and_never_a_shorter_document(blobs, relay):
    """ITI TF-2: 3.43.4.1.3."""
    staged = await put(blobs, LARGE)
    stream = blobs.read(staged.handle, staged.size, staged.sha256, staged.key)
    received = len(await anext(stream))
    relay.cut()

    async def rest() -> int:
        return sum([len(chunk) async for chunk in stream])

    with pytest.raises(StorageError):
        received += await rest()
    assert received < len(LARGE)


async def test_a_store_that_hangs_is_not_waited_for_without_end(place, relay, monkeypatch):
    """Every request has its time, and not ready is said before that."""
    monkeypatch.setattr(s3_blobs, "READY_TIMEOUT_SECONDS", 0.3)
    blobs = await place.open(client_options={"allow_http": True, "timeout": "500ms"})
    relay.hold()
    assert await blobs.not_ready() == "the object store does not answer, or not to us"
    with pytest.raises(StorageError):
        await put(blobs, b"a letter")
    relay.join()
    assert await blobs.not_ready() == ""
    await blobs.close()


@pytest.mark.parametrize("wrong", [{"secret_access_key": "wrong"}, {"bucket": "there-is-none"}])
async def test_without_the_right_keys_or_a_bucket_nothing_is_stored_and_not_ready_is_said(
    place, wrong, caplog
):
    """ITI TF-3: Table 4.2.4.1-2, XDSRepositoryError; no key is told in the log."""
    blobs = await place.open(**wrong)
    with caplog.at_level(logging.DEBUG), pytest.raises(StorageError) as problem:
        await put(blobs, b"a letter")
    assert place.service.secret_access_key not in caplog.text + str(problem.value)
    assert await blobs.not_ready() == "the object store does not answer, or not to us"
    assert place.names() == []
    assert await blobs.recover(knows()) == 0
    await blobs.close()


async def test_a_quota_used_up_is_told_apart_from_a_failure(object_store):
    """ITI TF-3: Table 4.2.4.1-2, XDSRepositoryOutOfResources."""
    user = object_store.new_user(megabytes=1)
    place = InBucket(user, user.new_bucket())
    blobs = await place.open()
    staged = await put(blobs, b"fits")
    with pytest.raises(StorageFull) as refused:
        await put(blobs, LARGE[: 4 * MEGABYTE])
    assert [error.code for error in refused.value.errors] == ["XDSRepositoryOutOfResources"]
    with pytest.raises(StorageFull):
        await put(blobs, LARGE)
    assert (place.names(), place.leavings()) == ([staged.handle], [])
    assert await take(blobs, staged) == b"fits"
    await blobs.close()
    place.empty()


async def test_bytes_changed_on_the_way_in_are_not_stored(place, relay):
    """The store holds them against the SHA-256 they were sent with (AWS Signature Version 4)."""
    blobs = await place.open(sealed=False)
    relay.change(b"penicillin: no", b"penicillin: ok", uploads=True)
    with pytest.raises(StorageError):
        await put(blobs, b"tolerates penicillin: no")
    assert place.names() == []
    await blobs.close()


@pytest.mark.parametrize("etag_is_md5", [True, False])
async def test_a_store_that_kept_other_bytes_is_found_out(place, relay, etag_is_md5):
    """By its ETag, or by reading back where ETags are no MD5 (Amazon S3 API: Object)."""
    blobs = await place.open(sealed=False, etag_is_md5=etag_is_md5)
    assert await take(blobs, await put(blobs, b"an older letter")) == b"an older letter"
    kept = place.names()
    # What a HEAD says, or a GET; the uploads go as they are.
    if etag_is_md5:
        relay.change(hashlib.md5(b"a letter").hexdigest().encode(), b"0" * 32)  # noqa: S324
    else:
        relay.change(b"a letter", b"A LETTER")
    with pytest.raises(StorageError, match="kept other bytes"):
        await put(blobs, b"a letter")
    assert place.names() == kept
    await blobs.close()


async def test_a_store_that_kept_fewer_bytes_is_found_out(place, relay):
    """Also where it answered that all is well (Amazon S3 API: HeadObject)."""
    blobs = await place.open(sealed=False)
    relay.change(b"Content-Length: 8\r\n", b"Content-Length: 7\r\n")
    with pytest.raises(StorageError, match="kept 7 bytes, 8 were sent"):
        await put(blobs, b"a letter")
    assert place.names() == []
    await blobs.close()


@pytest.mark.parametrize("size_bytes", [0, 10, len(LARGE)])
async def test_reading_back_takes_what_is_right(place, size_bytes):
    """Where ETags are no MD5 (Amazon S3 API: Object)."""
    blobs = await place.open(etag_is_md5=False)
    assert await take(blobs, await put(blobs, LARGE[:size_bytes])) == LARGE[:size_bytes]
    await blobs.close()


async def test_an_upload_of_half_a_day_is_refused(blobs, place):
    """Before anybody could take it for left behind."""
    writer = await blobs.begin("text/plain")
    await writer.write(b"slow")
    place.now += timedelta(hours=12, seconds=1)
    with pytest.raises(StorageError, match="too long"):
        await writer.finish()
    assert place.names() == []


async def test_what_is_not_ours_in_the_bucket_is_left_alone(blobs, place):
    """Other programs may have put something there."""
    foreign = ["a-letter.pdf", "zzz"]
    for name in foreign:
        place.put(name, b"foreign")
    staged = await put(blobs, b"left behind")
    place.grow_old()
    assert [name async for names in blobs.handles() for name in names] == [staged.handle]
    assert await blobs.recover(knows()) == 1
    assert place.names() == foreign


async def test_a_locked_bucket_keeps_what_was_removed_until_its_time(object_store):
    """Write once, read many (Amazon S3 API: Object Lock); without its key it is noise (decision 0005)."""
    bucket = object_store.new_bucket(object_lock=True)
    object_store.minio.set_object_lock_config(bucket, ObjectLockConfig(GOVERNANCE, 1, DAYS))
    place = InBucket(object_store, bucket)
    blobs = await place.open()
    small, large = await put(blobs, b"small"), await put(blobs, LARGE)
    assert await take(blobs, large) == LARGE
    await blobs.remove([small.handle, large.handle])
    with pytest.raises(BlobMissing):
        await take(blobs, small)
    assert place.names() == []
    versions = list(object_store.minio.list_objects(bucket, "documents/", include_version=True))
    assert len([one for one in versions if not one.is_delete_marker]) == 2
    await blobs.close()
