"""A bucket as the place of the documents: how it is configured, and made ready."""

import json
import os
import subprocess
import sys

import pytest
from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from server.configuration import BadConfiguration, load
from server.document_storage import keys_of
from tests.services.ports import free_port

BUCKET = {"COFFRE_DOCUMENTS": "s3://vault/coffre"}
KEYS = {"COFFRE_OBJECT_STORAGE__ACCESS_KEY_ID": "us3r", "COFFRE_OBJECT_STORAGE__SECRET_ACCESS_KEY": "s3cret"}


def refusal(action) -> str:
    with pytest.raises(BadConfiguration) as refused:
        action()
    return "; ".join(map(str, refused.value.problems))


@pytest.mark.parametrize(
    "documents", ["s3://", "s3://Vault", "s3://vault//x", "s3://vault/a b", "s3://vault/x?y"]
)
def test_a_bucket_has_a_name_that_services_take(documents):
    said = refusal(lambda: load(None, {"COFFRE_DOCUMENTS": documents}))
    assert "is not a directory nor a bucket, expected s3://BUCKET or s3://BUCKET/PREFIX" in said


def test_keys_come_from_a_file_or_from_the_environment(tmp_path):
    file = tmp_path / "keys"
    file.write_text("[default]\naws_access_key_id = us3r\naws_secret_access_key = s3cret%20\n")
    by_file = load(None, BUCKET | {"COFFRE_OBJECT_STORAGE__CREDENTIALS": str(file)})
    assert keys_of(by_file) == ("us3r", "s3cret%20")
    assert keys_of(load(None, BUCKET | KEYS)) == ("us3r", "s3cret")


def test_keys_that_are_missing_halved_or_doubled_are_refused(tmp_path):
    assert "object_storage.credentials: is missing" in refusal(lambda: keys_of(load(None, BUCKET)))
    halved = {"COFFRE_OBJECT_STORAGE__ACCESS_KEY_ID": "us3r"}
    assert "go together" in refusal(lambda: load(None, halved))
    doubled = KEYS | {"COFFRE_OBJECT_STORAGE__CREDENTIALS": "keys"}
    assert "expected one" in refusal(lambda: load(None, doubled))


def test_a_file_without_keys_is_refused_without_telling_what_it_holds(tmp_path):
    file = tmp_path / "keys"
    for content in ("s3cret", "[other]\naws_access_key_id = s3cret\n", "[default]\nsecret = s3cret\n"):
        file.write_text(content)
        by_file = load(None, BUCKET | {"COFFRE_OBJECT_STORAGE__CREDENTIALS": str(file)})
        said = refusal(lambda configuration=by_file: keys_of(configuration))
        assert "expected [default] with aws_access_key_id and aws_secret_access_key" in said
        assert "s3cret" not in said


def test_a_key_does_not_show_in_what_is_printed():
    assert "s3cret" not in repr(load(None, BUCKET | KEYS))


def prepare(environment, *words):
    command = [sys.executable, "-m", "server.command_line", "repository", "bucket", "--json", *words]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def test_a_bucket_is_made_once_and_broken_uploads_go(object_store):
    """Amazon S3 API: AbortIncompleteMultipartUpload."""
    bucket = object_store.new_bucket()
    object_store.minio.remove_bucket(bucket)
    environment = object_store.environment(bucket)
    made = {"bucket": bucket, "versioned": False, "retention_days": 0, "broken_upload_days": 2}
    assert json.loads(prepare(environment).stdout) == {**made, "created": True}
    others = Rule(ENABLED, rule_filter=Filter(prefix="tmp/"), rule_id="theirs", expiration=Expiration(days=9))
    rules = object_store.minio.get_bucket_lifecycle(bucket).rules
    object_store.minio.set_bucket_lifecycle(bucket, LifecycleConfig([*rules, others]))
    again = prepare(environment, "--versions")
    assert json.loads(again.stdout) == {**made, "created": False, "versioned": True}
    rules = {rule.rule_id: rule for rule in object_store.minio.get_bucket_lifecycle(bucket).rules}
    assert rules.keys() == {"coffre-broken-uploads", "theirs"}
    ours = rules["coffre-broken-uploads"]
    assert ours.rule_filter.prefix == "documents/"
    assert ours.abort_incomplete_multipart_upload.days_after_initiation == 2


def test_a_locked_bucket_is_made_locked_and_one_that_is_not_is_told(object_store):
    """Amazon S3 API: PutObjectLockConfiguration."""
    bucket = object_store.new_bucket()
    refused = prepare(object_store.environment(bucket), "--retention-days", "30")
    assert refused.returncode == 3
    assert "The bucket is not ready: the object store says" in json.loads(refused.stdout)["error"]["message"]
    object_store.minio.remove_bucket(bucket)
    made = prepare(object_store.environment(bucket), "--retention-days", "30")
    assert json.loads(made.stdout)["versioned"] is True
    assert object_store.minio.get_object_lock_config(bucket).duration == 30


def test_a_service_that_is_none_and_a_directory_are_told(object_store):
    nowhere = object_store.environment("vault", f"http://127.0.0.1:{free_port()}")
    assert prepare(nowhere).returncode == 3
    directory = prepare({"COFFRE_DOCUMENTS": "documents"})
    assert directory.returncode == 4
    assert "expected s3://BUCKET/PREFIX" in directory.stdout
