"""Remove Documents on a running server: gone for every consumer, told in the audit record, metadata stay."""

import pytest

from atna_audit.spool import Spool
from tests.messages.requests import FAILURE, PARTIAL_SUCCESS, REPOSITORY, SUCCESS, submission
from tests.services.platform import Platform
from tests.wire import MTOM_TYPE, HttpAnswer, envelope, mtom, post

ITI_86 = "urn:ihe:iti:2017:RemoveDocuments"


def request(*unique_ids: str, repository: str = REPOSITORY) -> bytes:
    named = "".join(
        f"<xds:DocumentRequest><xds:RepositoryUniqueId>{repository}</xds:RepositoryUniqueId>"
        f"<xds:DocumentUniqueId>{unique_id}</xds:DocumentUniqueId></xds:DocumentRequest>"
        for unique_id in unique_ids
    )
    return envelope(
        ITI_86,
        '<rmd:RemoveDocumentsRequest xmlns:rmd="urn:ihe:iti:rmd:2017" xmlns:xds="urn:ihe:iti:xds-b:2007">'
        f"{named}</rmd:RemoveDocumentsRequest>",
    )


def remove(platform: Platform, *unique_ids: str, repository: str = REPOSITORY) -> HttpAnswer:
    return post(platform.repository_url, request(*unique_ids, repository=repository))


def deposit(platform: Platform) -> tuple[str, str]:
    """A patient and a document."""
    patient_id = platform.add_patient()
    sent = submission(patient_id)
    assert platform.provide(sent, b"document").status_urn == SUCCESS
    return patient_id, sent.unique_id


def test_a_removed_document_cannot_be_retrieved_and_its_metadata_stay(platform):
    """RMD supplement: 3.86.4.1.3; metadata go by ITI-62."""
    patient_id, unique_id = deposit(platform)
    before = platform.stored_files
    answer = remove(platform, unique_id)
    assert (answer.status, answer.status_urn, answer.errors) == (200, SUCCESS, [])
    assert answer.found("Action")[0].text == "urn:ihe:iti:2017:RemoveDocumentsResponse"
    assert len(before - platform.stored_files) == 1
    retrieved = platform.retrieve(unique_id)
    assert retrieved.errors == [("XDSDocumentUniqueIdError", f"no such document: {unique_id}")]
    assert platform.documents_of(patient_id) == [unique_id]


def test_some_of_several_removed_is_a_partial_success(platform):
    """RMD supplement: 3.86.4.1.3; docs/divergences.md."""
    _, unique_id = deposit(platform)
    answer = remove(platform, unique_id, "2.999.404")
    assert answer.status_urn == PARTIAL_SUCCESS
    assert answer.errors == [("XDSDocumentUniqueIdError", "no such document: 2.999.404")]
    assert answer.found("RegistryError")[0].get("location") == "2.999.404"
    assert platform.retrieve(unique_id).status_urn == FAILURE


@pytest.mark.parametrize("unique_id", ["", "2.999.404"], ids=["50002", "50003"])
def test_a_foreign_repository_id_removes_nothing(platform, unique_id):
    """RMD supplement: 3.86.4.1.3; NIST 50002 and 50003."""
    _, stored = deposit(platform)
    answer = remove(platform, unique_id or stored, repository="2.999.2.77")
    assert answer.status_urn == FAILURE
    assert answer.codes == ["XDSUnknownRepositoryId"]
    assert platform.retrieve(stored).status_urn == SUCCESS


def test_more_documents_than_are_removed_at_once_are_refused(platform):
    """RMD supplement: 3.86.4.1.3; XDSRemoveDocumentsError."""
    _, unique_id = deposit(platform)
    answer = remove(platform, *[unique_id] * 1_001)
    assert answer.status_urn == FAILURE
    assert answer.errors == [("XDSRemoveDocumentsError", "1001 documents named, at most 1000")]
    assert platform.retrieve(unique_id).status_urn == SUCCESS


def test_a_request_that_names_no_document_is_refused_by_the_schema(platform):
    """RMD supplement: 3.86.4.1.2."""
    answer = remove(platform)
    assert answer.status_urn == FAILURE
    assert answer.codes == ["XDSRepositoryError"]


def test_a_request_sent_as_mtom_is_answered_as_mtom(platform):
    """docs/decisions/0003."""
    _, unique_id = deposit(platform)
    answer = post(platform.repository_url, mtom(request(unique_id)), MTOM_TYPE)
    assert answer.headers["content-type"].startswith("multipart/related")
    assert answer.status_urn == SUCCESS


def test_the_record_says_whose_document_was_erased(fresh_platform):
    """RMD supplement: 3.86.5.1; Patient Record, Delete."""
    platform = fresh_platform()
    patient_id, unique_id = deposit(platform)
    remove(platform, unique_id, "2.999.404")
    platform.kill()
    records = [
        record.decode()
        for spool in platform.audit_spools
        for record in Spool.open(spool).records()
        if b"ITI-86" in record
    ]
    done, failed = records
    assert unique_id in done
    assert patient_id.replace("&", "&amp;") in done
    assert 'EventActionCode="D"' in done
    assert 'EventOutcomeIndicator="0"' in done
    assert "2.999.404" in failed
    assert unique_id not in failed
    assert 'EventOutcomeIndicator="4"' in failed
