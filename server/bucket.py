"""Makes the bucket of the documents ready: there, versioned or locked if asked, clear of broken uploads."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED, Filter
from minio.error import InvalidResponseError, S3Error, ServerError
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule
from minio.objectlockconfig import DAYS, ObjectLockConfig
from minio.versioningconfig import VersioningConfig

from server.document_storage import CONNECT_TIMEOUT, REQUEST_TIMEOUT, bucket_and_prefix, endpoint_of, keys_of
from server.settings import Configuration

# An upload lasts half a day at most; services count in days and begin at midnight.
BROKEN_UPLOAD_DAYS = 2
_RULE = "coffre-broken-uploads"


class BucketProblem(Exception):
    """The bucket cannot be made ready; in words for a person."""


@dataclass(frozen=True, slots=True)
class BucketState:
    """What was found or made."""

    bucket: str
    created: bool
    versioned: bool
    retention_days: int
    broken_upload_days: int


def prepare_bucket(configuration: Configuration, *, versions: bool, retention_days: int) -> BucketState:
    """Make the bucket if there is none, and have uploads that were cut off cleared away."""
    bucket, prefix = bucket_and_prefix(configuration)
    client = _client(configuration)
    try:
        created = not client.bucket_exists(bucket)
        if created:
            client.make_bucket(bucket, object_lock=retention_days > 0)
        if versions and not retention_days:
            client.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
        if retention_days:
            client.set_object_lock_config(bucket, ObjectLockConfig(COMPLIANCE, retention_days, DAYS))
        _clear_broken_uploads(client, bucket, prefix)
        versioned = client.get_bucket_versioning(bucket).status == ENABLED
    except S3Error as problem:
        raise BucketProblem(f"the object store says {problem.code}: {problem.message}") from problem
    except (InvalidResponseError, ServerError, urllib3.exceptions.HTTPError, ValueError) as problem:
        raise BucketProblem(f"the object store does not answer as one: {type(problem).__name__}") from problem
    return BucketState(bucket, created, versioned, retention_days, BROKEN_UPLOAD_DAYS)


def _clear_broken_uploads(client: Minio, bucket: str, prefix: str) -> None:
    """Put our rule beside those that others have made for the bucket."""
    found = client.get_bucket_lifecycle(bucket)
    others = [rule for rule in found.rules if rule.rule_id != _RULE] if found else []
    rule = Rule(
        ENABLED,
        rule_filter=Filter(prefix=f"{prefix}/" if prefix else ""),
        rule_id=_RULE,
        abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(BROKEN_UPLOAD_DAYS),
    )
    client.set_bucket_lifecycle(bucket, LifecycleConfig([*others, rule]))


def _client(configuration: Configuration) -> Minio:
    storage = configuration.object_storage
    endpoint = urlsplit(endpoint_of(configuration))
    access_key_id, secret_access_key = keys_of(configuration)
    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT.total_seconds(), read=REQUEST_TIMEOUT.total_seconds())
    pool = urllib3.PoolManager(timeout=timeout, retries=False, ca_certs=storage.ca or None)
    return Minio(
        endpoint.netloc,
        access_key_id,
        secret_access_key,
        secure=endpoint.scheme == "https",
        region=storage.region,
        http_client=pool,
    )
