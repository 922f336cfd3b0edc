"""Where documents lie, as configured: a directory, or a bucket of an S3 service."""

import configparser
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.ports import Clock
from repository.blob_store import DOCUMENT_LIMIT_BYTES, BlobStore
from repository.blobs import DirectoryBlobs
from server.configuration import BadConfiguration
from server.settings import OBJECT_STORE_SCHEME, Configuration
from server.toml_file import Problem

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Store

# A part of 5 MiB over a line of 2 Mbit/s; what hangs longer is sent again.
REQUEST_TIMEOUT = timedelta(seconds=30)
CONNECT_TIMEOUT = timedelta(seconds=5)

# Every request may be sent again without harm: a handle is written once, by one process. With pauses of a
# tenth of a second, doubled each time, a gateway may start again; sources and consumers wait no longer.
RETRIES = 5
RETRY_TIMEOUT = timedelta(seconds=10)


async def open_blobs(
    configuration: Configuration,
    clock: Clock,
    document_limit_bytes: int = DOCUMENT_LIMIT_BYTES,
) -> BlobStore:
    """The blob store of this configuration; BadConfiguration if its keys cannot be read."""
    sealed = configuration.vault.encrypt
    documents = configuration.repository.documents
    if not documents.startswith(OBJECT_STORE_SCHEME):
        return await DirectoryBlobs.open(Path(documents), document_limit_bytes, sealed=sealed)
    # A fifth of a second and 10 MB that only this store needs.
    from repository.s3_blobs import S3Blobs

    return S3Blobs(
        _s3_store(configuration),
        clock,
        document_limit_bytes,
        sealed=sealed,
        etag_is_md5=configuration.object_storage.verify == "etag",
    )


def bucket_and_prefix(configuration: Configuration) -> tuple[str, str]:
    """The bucket of the documents and what their names begin with; BadConfiguration for a directory."""
    documents = configuration.repository.documents
    if not documents.startswith(OBJECT_STORE_SCHEME):
        reason = f"documents lie in the directory {documents}, expected s3://BUCKET/PREFIX"
        raise BadConfiguration(Problem("", 0, "repository.documents", reason))
    bucket, _, prefix = documents.removeprefix(OBJECT_STORE_SCHEME).partition("/")
    return bucket, prefix


def endpoint_of(configuration: Configuration) -> str:
    """Where the S3 service is."""
    storage = configuration.object_storage
    return storage.endpoint or f"https://s3.{storage.region}.amazonaws.com"


def keys_of(configuration: Configuration) -> tuple[str, str]:
    """The access key and its secret: from the environment, or from the file that `credentials` names."""
    storage = configuration.object_storage
    if not storage.credentials:
        if not storage.access_key_id:
            reason = "is missing, and so is COFFRE_OBJECT_STORAGE__ACCESS_KEY_ID"
            raise BadConfiguration(Problem("", 0, "object_storage.credentials", reason))
        return storage.access_key_id, storage.secret_access_key
    file = configparser.ConfigParser(interpolation=None)
    try:
        file.read_string(Path(storage.credentials).read_text(encoding="utf-8"))
        return file["default"]["aws_access_key_id"], file["default"]["aws_secret_access_key"]
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError) as problem:
        # What the file holds is not repeated.
        expected = "expected [default] with aws_access_key_id and aws_secret_access_key"
        reason = f"{expected} ({type(problem).__name__})"
        raise BadConfiguration(Problem(storage.credentials, 0, "", reason)) from None


def _s3_store(configuration: Configuration) -> "S3Store":
    from obstore.store import S3Store

    storage = configuration.object_storage
    bucket, prefix = bucket_and_prefix(configuration)
    access_key_id, secret_access_key = keys_of(configuration)
    client: ClientConfig = {
        "timeout": REQUEST_TIMEOUT,
        "connect_timeout": CONNECT_TIMEOUT,
        "allow_http": storage.endpoint.startswith("http:"),
    }
    if storage.ca:
        client["root_certificate"] = Path(storage.ca).read_bytes()
    retries: RetryConfig = {"max_retries": RETRIES, "retry_timeout": RETRY_TIMEOUT}
    return S3Store(
        bucket,
        prefix=prefix or None,
        endpoint=endpoint_of(configuration),
        region=storage.region,
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        virtual_hosted_style_request=False,
        # A bucket with object lock takes no object without; others check it all the same.
        checksum_algorithm="SHA256",
        client_options=client,
        retry_config=retries,
    )
