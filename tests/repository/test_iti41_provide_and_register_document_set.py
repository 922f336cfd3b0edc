"""Provide and Register Document Set-b: both stored and registered, or neither (ITI TF-2: 3.41)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ebxml.model import Slot
from ebxml.refused import Refused
from exchange.ports import RegistryUnreachable
from ihe.error_codes import RegistryError, Severity
from repository.iti41_provide_and_register_document_set import provide_and_register_document_set
from tests.repository.iti41 import (
    FAILURE,
    HERE,
    PARTIAL,
    SUCCESS,
    Registry,
    blobs_in,
    bytes_of,
    entry,
    numbers,
    provide,
    refusal,
    retrieve,
    staged,
    submission,
)

pytestmark = pytest.mark.anyio


async def test_what_the_registry_takes_can_be_retrieved(store):
    """ITI TF-2: 3.41.4.1.3."""
    assert await provide(store, Registry(), (entry(1), b"one"), (entry(2), b"two")) == SUCCESS
    assert await bytes_of(store, "2.999.3.1") == b"one"
    assert await bytes_of(store, "2.999.3.2") == b"two"


async def test_a_submission_without_documents_goes_to_the_registry(store):
    """ITI TF-2: 3.41.4.1.2: a SubmissionSet may hold only Folders or Associations."""
    registry = Registry()
    assert await provide(store, registry) == SUCCESS
    assert registry.received == [submission()]


async def test_the_registry_is_told_where_the_document_is_and_what_it_weighs(store):
    """ITI TF-2: 3.41.4.1.3: repositoryUniqueId, hash and size."""
    registry = Registry()
    sent = entry(1, title=(), comments=(), extra=(Slot("urn:x:y", ("1",)),))
    await provide(store, registry, (sent, b"abc"))
    assert registry.received[0].document_entries == (
        replace(
            sent,
            repository_unique_id="2.999.2.1",
            hash="a9993e364706816aba3e25717850c26c9cd0d89d",
            size="3",
        ),
    )


async def test_a_given_repository_unique_id_is_replaced(store):
    """ITI TF-2: 3.41.4.1.3."""
    registry = Registry()
    await provide(store, registry, (entry(1, repository_unique_id="2.999.666"), b"abc"))
    assert registry.received[0].document_entries[0].repository_unique_id == "2.999.2.1"


async def test_a_right_hash_and_size_go_on_as_they_came(store):
    """ITI TF-2: 3.41.4.1.3; the hash compares in either case."""
    registry = Registry()
    sent = entry(1, hash="A9993E364706816ABA3E25717850C26C9CD0D89D", size="3")
    assert await provide(store, registry, (sent, b"abc")) == SUCCESS
    assert registry.received[0].document_entries[0].hash == "A9993E364706816ABA3E25717850C26C9CD0D89D"


async def test_a_wrong_hash_and_a_wrong_size_are_both_named(store, tmp_path):
    """ITI TF-3: Table 4.2.4.1-2, XDSRepositoryMetadataError."""
    registry = Registry()
    wrong = entry(1, hash="da39a3ee5e6b4b0d3255bfef95601890afd80709", size="4")
    assert await refusal(store, registry, (wrong, b"abc")) == [
        (
            "XDSRepositoryMetadataError",
            "DocumentEntry Document01: hash is da39a3ee5e6b4b0d3255bfef95601890afd80709, "
            "the document's SHA-1 is a9993e364706816aba3e25717850c26c9cd0d89d",
        ),
        ("XDSRepositoryMetadataError", "DocumentEntry Document01: size is 4, the document has 3 bytes"),
    ]
    assert registry.received == []
    assert blobs_in(tmp_path) == 0


async def test_missing_documents_and_missing_entries_are_named_at_once(store, tmp_path):
    """ITI TF-2: 3.41.4.1.3, XDSMissingDocument and XDSMissingDocumentMetadata."""
    documents = {"Document02": await staged(store, b"two"), "Document03": await staged(store, b"three")}
    registry = Registry()
    with pytest.raises(Refused) as refused:
        await provide_and_register_document_set(
            submission(entry(1), entry(2, size="9")),
            documents,
            store,
            registry,
            repository_unique_id=HERE,
            clock=lambda: datetime(2026, 11, 22, tzinfo=UTC),
            new_uuid=lambda: "urn:uuid:1",
        )
    assert [(error.code, error.context) for error in refused.value.errors] == [
        ("XDSMissingDocument", "DocumentEntry Document01 has no Document in the message"),
        ("XDSRepositoryMetadataError", "DocumentEntry Document02: size is 9, the document has 3 bytes"),
        ("XDSMissingDocumentMetadata", "Document Document03 has no DocumentEntry in the message"),
    ]
    assert registry.received == []
    assert blobs_in(tmp_path) == 0


async def test_a_document_can_be_retrieved_before_the_registry_knows_of_it(store):
    """ITI TF-2: 3.41.4.1.3: stored before registration begins."""
    seen: list[bytes | None] = []

    async def look() -> None:
        seen.append(await bytes_of(store, "2.999.3.1"))

    await provide(store, Registry(meanwhile=look), (entry(1), b"early"))
    assert seen == [b"early"]


@pytest.mark.parametrize("answer", [FAILURE, PARTIAL], ids=["failure", "partial success"])
async def test_what_the_registry_refuses_is_neither_retrievable_nor_kept(store, tmp_path, answer):
    """ITI TF-2: 3.41.4.1.3; the registry's errors and warnings come back as they are."""
    assert await provide(store, Registry(answer), (entry(1), b"one"), (entry(2), b"two")) == answer
    assert await bytes_of(store, "2.999.3.1") is None
    assert await bytes_of(store, "2.999.3.2") is None
    assert blobs_in(tmp_path) == 0


async def test_a_success_with_warnings_is_a_success(store):
    """ITI TF-3: 4.2.4.1."""
    warned = replace(SUCCESS, errors=(RegistryError("XDSExtraMetadataNotSaved", "urn:x", Severity.WARNING),))
    assert await provide(store, Registry(warned), (entry(1), b"one")) == warned
    assert await bytes_of(store, "2.999.3.1") == b"one"


async def test_the_same_document_may_be_submitted_again(store):
    """ITI TF-2: 3.41.4.1.3: identical bytes are not refused."""
    for _ in range(2):
        assert await provide(store, Registry(), (entry(1), b"same")) == SUCCESS
    assert len((await retrieve(store, "2.999.3.1")).documents) == 1


async def test_a_failed_resubmission_leaves_the_earlier_document_alone(store):
    """ITI TF-2: 3.41.4.1.3."""
    await provide(store, Registry(), (entry(1), b"same"))
    await provide(store, Registry(FAILURE), (entry(1), b"same"))
    assert await bytes_of(store, "2.999.3.1") == b"same"


async def test_other_bytes_of_another_size_under_a_stored_unique_id_are_refused(store, tmp_path):
    """ITI TF-3: Table 4.2.4.1-2, XDSNonIdenticalHash and XDSNonIdenticalSize."""
    await provide(store, Registry(), (entry(1), b"first"))
    registry = Registry()
    assert await refusal(store, registry, (entry(1), b"other bytes"), (entry(2), b"new")) == [
        ("XDSNonIdenticalHash", "the document stored with uniqueId 2.999.3.1 has another hash"),
        ("XDSNonIdenticalSize", "the document stored with uniqueId 2.999.3.1 has another size"),
    ]
    assert registry.received == []
    assert await bytes_of(store, "2.999.3.1") == b"first"
    assert await bytes_of(store, "2.999.3.2") is None
    assert blobs_in(tmp_path) == 1


async def test_other_bytes_of_the_same_size_differ_in_their_hash_only(store):
    """ITI TF-3: Table 4.2.4.1-2, XDSNonIdenticalHash."""
    await provide(store, Registry(), (entry(1), b"first"))
    assert await refusal(store, Registry(), (entry(1), b"FIRST")) == [
        ("XDSNonIdenticalHash", "the document stored with uniqueId 2.999.3.1 has another hash")
    ]


async def test_of_different_bytes_at_the_same_moment_at_most_one_reaches_the_registry(store):
    """ITI TF-2: 3.41.4.1.3: a uniqueId names one sequence of bytes."""
    registry = Registry()
    results = await asyncio.gather(
        *(provide(store, registry, (entry(1), b"%d" % number)) for number in range(8)), return_exceptions=True
    )
    assert len(registry.received) <= 1
    assert sum(result == SUCCESS for result in results) == len(registry.received)
    assert all(isinstance(result, Refused) for result in results if result != SUCCESS)


async def test_nothing_is_kept_if_the_registry_cannot_be_reached(store, tmp_path):
    """ITI TF-3: Table 4.2.4.1-2, XDSRegistryNotAvailable."""
    registry = Registry(RegistryUnreachable("connection refused by 10.0.0.7", sent=False))
    assert await refusal(store, registry, (entry(1), b"one")) == [
        ("XDSRegistryNotAvailable", "the registry cannot be reached; nothing was stored")
    ]
    assert await bytes_of(store, "2.999.3.1") is None
    assert blobs_in(tmp_path) == 0


async def test_documents_are_kept_if_only_the_answer_was_lost(store):
    """ITI TF-2: 3.41.4.1.3: the registry may have committed; sending the same again does no harm."""
    registry = Registry(RegistryUnreachable("timed out", sent=True))
    assert await refusal(store, registry, (entry(1), b"one")) == [
        (
            "XDSRegistryNotAvailable",
            "the registry gave no answer, and the submission may be registered; "
            "the same documents may be sent again unchanged",
        )
    ]
    assert await bytes_of(store, "2.999.3.1") == b"one"
    assert await provide(store, Registry(), (entry(1), b"one")) == SUCCESS
    assert await bytes_of(store, "2.999.3.1") == b"one"


async def test_documents_are_kept_if_the_registry_link_breaks_in_an_unknown_way(store):
    """A registered document without its bytes is worse than bytes that are not registered."""
    with pytest.raises(ZeroDivisionError):
        await provide(store, Registry(ZeroDivisionError()), (entry(1), b"one"))
    assert await bytes_of(store, "2.999.3.1") == b"one"


async def test_two_entries_may_share_one_part(store):
    """SOAP MTOM: two xop:Include elements may refer to the same part."""
    for answer, kept in ((FAILURE, None), (SUCCESS, b"shared")):
        shared = await staged(store, b"shared")
        await provide_and_register_document_set(
            submission(entry(1), entry(2)),
            {"Document01": shared, "Document02": shared},
            store,
            Registry(answer),
            repository_unique_id=HERE,
            clock=lambda: datetime(2026, 11, 22, tzinfo=UTC),
            new_uuid=lambda: f"urn:uuid:{next(numbers)}",
        )
        assert await bytes_of(store, "2.999.3.1") == kept
        assert await bytes_of(store, "2.999.3.2") == kept
