"""The repository's documents in an S3 bucket: the main journey, the keeper's commands, and the store gone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from minio.error import S3Error

from tests.journeys.test_main_journey import AWKWARD_DOCUMENTS, documents_in
from tests.journeys.test_remove_documents import remove
from tests.messages.requests import FAILURE, SUCCESS, submission
from tests.services.platform import Platform, running
from tests.services.radosgw import ObjectStore
from tests.services.relay import Relay, relay_to
from tests.wire import get

STORE_DOES_NOT_ANSWER = b"the object store does not answer, or not to us\n"


@pytest.fixture(scope="module")
def bucket(object_store: ObjectStore) -> Iterator[str]:
    name = object_store.new_bucket()
    yield name
    object_store.empty(name)


@pytest.fixture(scope="module")
def relay(object_store: ObjectStore) -> Iterator[Relay]:
    with relay_to(object_store.endpoint) as relay:
        yield relay


@pytest.fixture(scope="module")
def on_s3(
    object_store: ObjectStore, bucket: str, relay: Relay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    environment = object_store.environment(bucket, relay.url)
    with running(tmp_path_factory.mktemp("platform"), environment=environment) as platform:
        yield platform


def deposit(platform: Platform, patient_id: str, content: bytes = b"document") -> str:
    sent = submission(patient_id)
    assert platform.provide(sent, content).status_urn == SUCCESS
    return sent.unique_id


def coffre(object_store: ObjectStore, bucket: str, platform: Platform, *words: str) -> tuple[int, str]:
    """Run a command of the keeper beside the server; its exit status and what it says."""
    command = [sys.executable, "-m", "server.command_line", "repository", *words]
    command += ["--config", str(platform.directory / "coffre.toml")]
    environment = object_store.environment(bucket)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    return ended.returncode, ended.stdout + ended.stderr


def test_documents_go_into_the_bucket_and_come_out_byte_for_byte(on_s3, object_store, bucket):
    """ITI TF-1: 10.1; ITI TF-2: 3.41, 3.18, 3.43."""
    before = len(object_store.names_in(bucket))
    patient_id = on_s3.add_patient()
    sent = {deposit(on_s3, patient_id, content): content for content in AWKWARD_DOCUMENTS.values()}
    assert sorted(on_s3.documents_of(patient_id)) == sorted(sent)
    answer = on_s3.retrieve(*sent)
    assert answer.status_urn == SUCCESS
    assert documents_in(answer) == list(sent.values())
    assert len(object_store.names_in(bucket)) == before + len(sent)
    assert on_s3.stored_files == set()


def test_what_lies_in_the_bucket_is_encrypted_and_named_after_nobody(on_s3, object_store, bucket):
    """docs/decisions/0005."""
    patient_id = on_s3.add_patient()
    unique_id = deposit(on_s3, patient_id, b"an unmistakable diagnosis")
    for name in object_store.names_in(bucket):
        assert unique_id not in name
        assert patient_id not in name
        assert b"unmistakable" not in object_store.minio.get_object(bucket, name).data


def test_a_refused_submission_leaves_nothing_in_the_bucket(on_s3, object_store, bucket):
    """ITI TF-2: 3.41.4.1.3."""
    before = object_store.names_in(bucket)
    answer = on_s3.provide(submission("unknown^^^&2.999.5&ISO"), b"document")
    assert answer.status_urn == FAILURE
    assert object_store.names_in(bucket) == before


def test_an_object_that_was_changed_is_not_delivered(on_s3, object_store, bucket):
    """ITI TF-2: 3.43.4.1.3: XDSRepositoryError for it, and the others come."""
    patient_id = on_s3.add_patient()
    other = deposit(on_s3, patient_id, b"another letter")
    before = set(object_store.names_in(bucket))
    unique_id = deposit(on_s3, patient_id, b"a letter")
    (name,) = set(object_store.names_in(bucket)) - before
    content = object_store.minio.get_object(bucket, name).data
    changed = bytes([content[0] ^ 1]) + content[1:]
    write(object_store, bucket, name, changed)
    answer = on_s3.retrieve(unique_id, other)
    assert answer.errors == [("XDSRepositoryError", f"document {unique_id} cannot be read")]
    assert documents_in(answer) == [b"another letter"]
    status, said = coffre(object_store, bucket, on_s3, "verify")
    assert (status, unique_id in said) == (5, True)
    write(object_store, bucket, name, content)
    assert coffre(object_store, bucket, on_s3, "verify")[0] == 0


def test_the_keeper_destroys_and_rewraps_as_with_files(on_s3, object_store, bucket):
    """docs/operating.md."""
    gone_id, kept_id = on_s3.add_patient(), on_s3.add_patient()
    gone, kept = deposit(on_s3, gone_id), deposit(on_s3, kept_id)
    before = len(object_store.names_in(bucket))
    assert coffre(object_store, bucket, on_s3, "rewrap", "--new-key")[0] == 0
    assert coffre(object_store, bucket, on_s3, "destroy", gone_id, "--yes")[0] == 0
    answer = on_s3.retrieve(gone, kept)
    assert answer.errors == [("XDSDocumentUniqueIdError", f"no such document: {gone}")]
    assert documents_in(answer) == [b"document"]
    assert len(object_store.names_in(bucket)) == before - 1


def test_old_objects_of_nobody_are_found_and_removed(on_s3, object_store, bucket):
    """Left by a process that was cut off between the upload and its row."""
    old, young = f"documents/{'0' * 40}", f"documents/{'f' * 40}"
    for name in (old, young):
        write(object_store, bucket, name, b"left behind")
    status, said = coffre(object_store, bucket, on_s3, "check", "--json")
    assert (status, json.loads(said)["found"]["orphaned"]) == (0, ["0" * 40])
    url = ("--registry", on_s3.registry_url)
    assert coffre(object_store, bucket, on_s3, "check", "--repair", *url)[0] == 0
    left = object_store.names_in(bucket)
    assert (old in left, young in left) == (False, True)
    object_store.minio.remove_object(bucket, young)


def test_a_store_that_is_gone_is_told_and_nothing_is_lost(on_s3, relay, object_store, bucket):
    """ITI TF-3: Table 4.2.4.1-2, XDSRepositoryError; the same submission goes in when the store is back."""
    patient_id = on_s3.add_patient()
    kept = deposit(on_s3, patient_id, b"kept")
    before = object_store.names_in(bucket)
    sent = submission(patient_id)
    relay.cut()
    answer = get(f"{on_s3.url}/readyz")
    assert (answer.status, answer.body) == (503, STORE_DOES_NOT_ANSWER)
    refused = on_s3.provide(sent, b"document")
    context = "xds:Document Document1: the document could not be stored"
    assert refused.errors == [("XDSRepositoryError", context)]
    unread = on_s3.retrieve(kept)
    assert unread.errors == [("XDSRepositoryError", f"document {kept} cannot be read")]
    relay.join()
    assert on_s3.documents_of(patient_id) == [kept]
    assert object_store.names_in(bucket) == before
    assert get(f"{on_s3.url}/readyz").status == 200
    assert on_s3.provide(sent, b"document").status_urn == SUCCESS
    assert documents_in(on_s3.retrieve(kept, sent.unique_id)) == [b"kept", b"document"]
    assert "secret" not in on_s3.log


def test_a_server_starts_while_its_store_is_gone_and_serves_when_it_is_back(object_store, tmp_path: Path):
    """It says that it is not ready until then."""
    bucket = object_store.new_bucket()
    with relay_to(object_store.endpoint) as relay:
        relay.cut()
        environment = object_store.environment(bucket, relay.url)
        with running(tmp_path / "p", environment=environment, until=503) as platform:
            relay.join()
            assert get(f"{platform.url}/readyz").status == 200
            deposit(platform, platform.add_patient())
    object_store.empty(bucket)


def write(object_store: ObjectStore, bucket: str, name: str, content: bytes) -> None:
    """Change an object behind the repository's back."""
    object_store.minio.put_object(bucket, name, BytesIO(content), len(content))


def test_what_is_removed_from_a_locked_bucket_stays_there_as_noise(object_store, tmp_path: Path):
    """RMD supplement: 3.86.4.1.3; Amazon S3 API: Object Lock; docs/decisions/0005 and 0015.

    Nobody can remove the object before its time, and with its row the only copy of its key is gone.
    """
    bucket = object_store.new_bucket()
    object_store.minio.remove_bucket(bucket)
    secret = b"an unmistakable diagnosis"
    with running(tmp_path, environment=object_store.environment(bucket), until=503) as platform:
        status, said = coffre(object_store, bucket, platform, "bucket", "--retention-days", "1")
        assert (status, "Nobody can remove an object for 1 days." in said) == (0, True)
        unique_id = deposit(platform, platform.add_patient(), secret)
        assert documents_in(platform.retrieve(unique_id)) == [secret]
        assert remove(platform, unique_id).status_urn == SUCCESS
        unknown = [("XDSDocumentUniqueIdError", f"no such document: {unique_id}")]
        assert platform.retrieve(unique_id).errors == unknown
        assert object_store.names_in(bucket) == []

        versions = list(object_store.minio.list_objects(bucket, recursive=True, include_version=True))
        (kept,), (marker,) = (
            [one for one in versions if one.is_delete_marker is removed] for removed in (False, True)
        )
        with pytest.raises(S3Error, match="AccessDenied"):
            object_store.minio.remove_object(bucket, kept.object_name, version_id=kept.version_id)
        # Whoever brings it back gets no document from it.
        object_store.minio.remove_object(bucket, marker.object_name, version_id=marker.version_id)
        (name,) = object_store.names_in(bucket)
        assert secret not in object_store.minio.get_object(bucket, name).data
        assert platform.retrieve(unique_id).errors == unknown
