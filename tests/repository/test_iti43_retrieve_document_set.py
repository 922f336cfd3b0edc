"""Retrieve Document Set: each document or its exact error (ITI TF-2: 3.43)."""

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from ebxml.model import DocumentRequest, RetrieveRequest
from ebxml.refused import Refused
from exchange.ports import RetrieveResult, StorageError, StoredDocument
from repository.document_rows import NewDocument
from repository.iti43_retrieve_document_set import retrieve_document_set
from repository.store import RepositoryStore

pytestmark = pytest.mark.anyio

HERE = "2.999.2.1"
numbers = count(1)


async def keep(store: RepositoryStore, unique_id: str, document: bytes, available: bool = True) -> str:
    """Store a document and say its handle."""
    writer = await store.staging.begin("application/octet-stream")
    await writer.write(document)
    staged = await writer.finish()
    submission_id = f"submission {next(numbers)}"
    await store.add(
        submission_id,
        [NewDocument(unique_id, "text/plain", staged, "P1^^^&2.999.3&ISO")],
        datetime(2026, 11, 22, tzinfo=UTC),
    )
    if available:
        await store.make_available(submission_id, [staged])
    return staged.handle


async def retrieve(
    store: RepositoryStore, *wanted: DocumentRequest, documents_limit: int = 1000
) -> RetrieveResult:
    return await retrieve_document_set(
        RetrieveRequest(wanted),
        store,
        repository_unique_id="2.999.2.1",
        home_community_id="urn:oid:2.999.1",
        documents_limit=documents_limit,
    )


async def bytes_of(document: StoredDocument) -> bytes:
    return b"".join([chunk async for chunk in document.chunks])


def errors(result: RetrieveResult) -> list[tuple[str, str, str]]:
    return [(error.code, error.context, error.location) for error in result.errors]


def file_of(tmp_path: Path, handle: str) -> Path:
    return tmp_path / "documents" / handle[:2] / handle


def flip(path: Path, place: int) -> None:
    """Change one bit."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


async def test_documents_come_in_the_order_asked_for(store):
    """ITI TF-2: 3.43.4.2.2."""
    for number in range(5):
        await keep(store, f"2.999.3.{number}", b"%d" % number)
    wanted = [DocumentRequest(HERE, f"2.999.3.{number}") for number in (3, 0, 4, 1)]
    result = await retrieve(store, *wanted)
    assert [request for request, _ in result.documents] == wanted
    assert [await bytes_of(document) for _, document in result.documents] == [b"3", b"0", b"4", b"1"]
    assert result.errors == ()


async def test_a_document_comes_with_its_mime_type_and_size(store):
    """ITI TF-2: 3.43.4.2.2."""
    await keep(store, "2.999.3.1", b"abc")
    ((_, document),) = (await retrieve(store, DocumentRequest(HERE, "2.999.3.1"))).documents
    assert (document.document_unique_id, document.mime_type, document.size) == ("2.999.3.1", "text/plain", 3)
    assert await bytes_of(document) == b"abc"


async def test_our_own_community_may_be_named(store):
    """ITI TF-2: 3.43.4.1.2."""
    await keep(store, "2.999.3.1", b"abc")
    result = await retrieve(store, DocumentRequest(HERE, "2.999.3.1", "urn:oid:2.999.1"))
    assert len(result.documents) == 1


async def test_a_pending_document_can_be_retrieved(store):
    """ITI TF-2: 3.41.4.1.3."""
    await keep(store, "2.999.3.1", b"abc", available=False)
    assert len((await retrieve(store, DocumentRequest(HERE, "2.999.3.1"))).documents) == 1


async def test_each_thing_that_cannot_be_had_has_its_own_error(store):
    """ITI TF-3: Table 4.2.4.1-2; location is the DocumentUniqueId."""
    await keep(store, "2.999.3.1", b"abc")
    result = await retrieve(
        store,
        DocumentRequest(HERE, "2.999.3.99"),
        DocumentRequest("2.999.2.77", "2.999.3.1"),
        DocumentRequest(HERE, "2.999.3.1"),
        DocumentRequest(HERE, "2.999.3.1", "urn:oid:2.999.66"),
    )
    assert [request.document_unique_id for request, _ in result.documents] == ["2.999.3.1"]
    assert errors(result) == [
        ("XDSDocumentUniqueIdError", "no such document: 2.999.3.99", "2.999.3.99"),
        (
            "XDSUnknownRepositoryId",
            "repositoryUniqueId is 2.999.2.77, this repository is 2.999.2.1",
            "2.999.3.1",
        ),
        (
            "XDSUnknownCommunity",
            "homeCommunityId is urn:oid:2.999.66, this community is urn:oid:2.999.1",
            "2.999.3.1",
        ),
    ]


async def test_a_document_asked_for_twice_is_served_once(store):
    """ITI TF-2: 3.43.4.1.3."""
    await keep(store, "2.999.3.1", b"abc")
    wanted = DocumentRequest(HERE, "2.999.3.1")
    unknown = DocumentRequest(HERE, "2.999.3.99")
    result = await retrieve(store, wanted, unknown, wanted, unknown)
    assert len(result.documents) == 1
    assert errors(result) == [("XDSDocumentUniqueIdError", "no such document: 2.999.3.99", "2.999.3.99")]


async def test_more_documents_than_the_limit_are_refused(store):
    """ITI TF-3: Table 4.2.4.1-2, XDSTooManyResults."""
    with pytest.raises(Refused) as refused:
        await retrieve(store, *[DocumentRequest(HERE, f"2.999.3.{n}") for n in range(4)], documents_limit=3)
    assert [(error.code, error.context) for error in refused.value.errors] == [
        ("XDSTooManyResults", "4 documents asked for, at most 3")
    ]


@pytest.mark.parametrize("size_bytes", [None, 2, 4], ids=["missing", "too short", "too long"])
async def test_a_document_that_is_not_as_it_was_is_an_error_and_the_others_come(store, tmp_path, size_bytes):
    """ITI TF-2: 3.43.4.1.3, XDSRepositoryError with the DocumentUniqueId as location."""
    handle = await keep(store, "2.999.3.1", b"abc")
    await keep(store, "2.999.3.2", b"def")
    if size_bytes is None:
        file_of(tmp_path, handle).unlink()
    else:
        file_of(tmp_path, handle).write_bytes(b"x" * size_bytes)
    result = await retrieve(store, DocumentRequest(HERE, "2.999.3.1"), DocumentRequest(HERE, "2.999.3.2"))
    assert [request.document_unique_id for request, _ in result.documents] == ["2.999.3.2"]
    assert errors(result) == [("XDSRepositoryError", "document 2.999.3.1 cannot be read", "2.999.3.1")]


async def test_a_changed_document_of_one_chunk_is_an_error_and_no_answer_of_other_bytes(store, tmp_path):
    """ITI TF-2: 3.43.4.1.3, XDSRepositoryError: seen before the answer begins."""
    handle = await keep(store, "2.999.3.1", b"abc")
    flip(file_of(tmp_path, handle), 1)
    result = await retrieve(store, DocumentRequest(HERE, "2.999.3.1"))
    assert result.documents == ()
    assert errors(result) == [("XDSRepositoryError", "document 2.999.3.1 cannot be read", "2.999.3.1")]


async def test_damage_anywhere_in_a_document_of_usual_size_is_an_error_in_its_place(store, tmp_path):
    """ITI TF-2: 3.43.4.1.3, XDSRepositoryError: it is read to its end before the answer begins."""
    handle = await keep(store, "2.999.3.1", b"-" * 200_000)
    flip(file_of(tmp_path, handle), 150_000)
    result = await retrieve(store, DocumentRequest(HERE, "2.999.3.1"))
    assert result.documents == ()
    assert errors(result) == [("XDSRepositoryError", "document 2.999.3.1 cannot be read", "2.999.3.1")]


async def test_damage_that_shows_while_streaming_is_raised(store, tmp_path):
    """A complete-looking answer with other bytes must never leave."""
    handle = await keep(store, "2.999.3.1", b"-" * (4 * 1024 * 1024 + 1))
    flip(file_of(tmp_path, handle), 4_000_000)
    ((_, document),) = (await retrieve(store, DocumentRequest(HERE, "2.999.3.1"))).documents
    with pytest.raises(StorageError):
        await bytes_of(document)


async def test_another_document_s_file_is_not_delivered(store, tmp_path):
    """ITI TF-2: 3.43.4.1.3: the same size and patient do not help."""
    one, other = await keep(store, "2.999.3.1", b"abc"), await keep(store, "2.999.3.2", b"def")
    file_of(tmp_path, one).write_bytes(file_of(tmp_path, other).read_bytes())
    result = await retrieve(store, DocumentRequest(HERE, "2.999.3.1"), DocumentRequest(HERE, "2.999.3.2"))
    assert [request.document_unique_id for request, _ in result.documents] == ["2.999.3.2"]
    assert errors(result) == [("XDSRepositoryError", "document 2.999.3.1 cannot be read", "2.999.3.1")]


async def test_another_copy_of_the_same_bytes_stands_in_for_one_that_is_lost(store, tmp_path):
    """ITI TF-2: 3.41.4.1.3: the same document may be submitted more than once."""
    lost = await keep(store, "2.999.3.1", b"abc")
    await keep(store, "2.999.3.1", b"abc", available=False)
    file_of(tmp_path, lost).unlink()
    ((_, document),) = (await retrieve(store, DocumentRequest(HERE, "2.999.3.1"))).documents
    assert await bytes_of(document) == b"abc"
