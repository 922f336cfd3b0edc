"""Remove Documents: each is gone, bytes and key, or has its exact error (RMD supplement: 3.86)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ebxml.model import DocumentRequest, RetrieveRequest
from ebxml.refused import Refused
from exchange.ports import RemoveResult
from repository.document_rows import NewDocument
from repository.iti86_remove_documents import remove_documents
from repository.store import RepositoryStore
from tests.repository.iti41 import HERE, HOME, Registry, blobs_in, bytes_of, entry, provide, staged
from tests.repository.test_busy_database import database, nobody_else_writes

__all__ = ["database"]  # the impatient one, for every test of this module

pytestmark = pytest.mark.anyio

PATIENT = "P1^^^&2.999.3&ISO"


async def remove(store: RepositoryStore, *wanted: DocumentRequest, **limit: Any) -> RemoveResult:
    return await remove_documents(
        RetrieveRequest(wanted), store, repository_unique_id=HERE, home_community_id=HOME, **limit
    )


def here(number: int) -> DocumentRequest:
    return DocumentRequest(HERE, f"2.999.3.{number}")


def errors(result: RemoveResult) -> list[tuple[str, str, str]]:
    return [(error.code, error.context, error.location) for error in result.errors]


async def test_a_removed_document_is_gone_with_its_bytes_and_the_others_stay(store, tmp_path):
    """RMD supplement: 3.86.4.1.3."""
    await provide(store, Registry(), (entry(1, patient_id=PATIENT), b"one"), (entry(2), b"two"))
    assert await remove(store, here(1)) == RemoveResult(((here(1), PATIENT),))
    assert await bytes_of(store, "2.999.3.1") is None
    assert await bytes_of(store, "2.999.3.2") == b"two"
    assert blobs_in(tmp_path) == 1


async def test_every_copy_of_a_document_goes(store, tmp_path):
    """A document that was submitted twice is one document."""
    for _ in range(2):
        await provide(store, Registry(), (entry(1), b"one"))
    assert len((await remove(store, here(1))).removed) == 1
    assert await bytes_of(store, "2.999.3.1") is None
    assert blobs_in(tmp_path) == 0


async def test_each_document_that_cannot_be_removed_has_its_own_error(store):
    """ITI TF-3: Table 4.2.4.1-2; location is the DocumentUniqueId."""
    await provide(store, Registry(), (entry(1), b"one"))
    elsewhere = DocumentRequest("2.999.2.77", "2.999.3.1")
    abroad = DocumentRequest(HERE, "2.999.3.1", "urn:oid:2.999.66")
    result = await remove(store, here(99), elsewhere, here(1), abroad)
    assert [request for request, _ in result.removed] == [here(1)]
    assert sorted(errors(result)) == [
        ("XDSDocumentUniqueIdError", "no such document: 2.999.3.99", "2.999.3.99"),
        (
            "XDSUnknownCommunity",
            "homeCommunityId is urn:oid:2.999.66, this community is urn:oid:2.999.1",
            "2.999.3.1",
        ),
        (
            "XDSUnknownRepositoryId",
            "repositoryUniqueId is 2.999.2.77, this repository is 2.999.2.1",
            "2.999.3.1",
        ),
    ]


async def test_a_document_of_another_repository_is_not_removed(store):
    """NIST XDS Toolkit 50002."""
    await provide(store, Registry(), (entry(1), b"one"))
    await remove(store, DocumentRequest("2.999.2.77", "2.999.3.1"))
    assert await bytes_of(store, "2.999.3.1") == b"one"


async def test_a_second_removal_finds_nothing(store):
    await provide(store, Registry(), (entry(1), b"one"))
    await remove(store, here(1))
    assert errors(await remove(store, here(1), here(1))) == [
        ("XDSDocumentUniqueIdError", "no such document: 2.999.3.1", "2.999.3.1")
    ]


async def test_a_removed_document_may_be_submitted_again_with_other_bytes(store):
    """Nothing of the first remains to compare with."""
    await provide(store, Registry(), (entry(1), b"one"))
    await remove(store, here(1))
    await provide(store, Registry(), (entry(1), b"other"))
    assert await bytes_of(store, "2.999.3.1") == b"other"


async def test_bytes_that_another_document_shares_stay(store, tmp_path):
    """SOAP MTOM: two xop:Include elements may refer to the same part."""
    shared = await staged(store, b"shared")
    new = [NewDocument(f"2.999.3.{number}", "text/plain", shared, PATIENT) for number in (1, 2)]
    await store.add("submission", new, datetime(2026, 11, 22, tzinfo=UTC))
    await remove(store, here(1))
    assert await bytes_of(store, "2.999.3.1") is None
    assert await bytes_of(store, "2.999.3.2") == b"shared"
    assert blobs_in(tmp_path) == 1


async def test_what_the_database_does_not_let_go_is_named_and_stays(store, database_url):
    """RMD supplement: XDSRemoveDocumentsError, the DocumentUniqueId its context."""
    await provide(store, Registry(), (entry(1), b"one"))
    with nobody_else_writes(database_url):
        result = await remove(store, here(1))
    assert result.removed == ()
    assert errors(result) == [("XDSRemoveDocumentsError", "2.999.3.1", "2.999.3.1")]
    assert await bytes_of(store, "2.999.3.1") == b"one"


async def test_more_documents_than_the_limit_are_refused(store):
    with pytest.raises(Refused) as refused:
        await remove(store, *(here(number) for number in range(4)), documents_limit=3)
    assert [(error.code, error.context) for error in refused.value.errors] == [
        ("XDSRemoveDocumentsError", "4 documents named, at most 3")
    ]
