"""Retrieve Document Set on the wire: each document or its exact error, and nothing else (ITI TF-2: 3.43)."""

import base64

import pytest

from tests.messages.requests import (
    FAILURE,
    ITI_43,
    PARTIAL_SUCCESS,
    REPOSITORY,
    SUCCESS,
    fresh_oid,
    submission,
)
from tests.wire import MTOM_TYPE, envelope, mtom, post

HOME = "urn:oid:2.999.352.3"
ELSEWHERE = "2.999.2.77"
XDS = "urn:ihe:iti:xds-b:2007"


def wanted(unique_id, repository=REPOSITORY, home=None):
    """One xds:DocumentRequest."""
    community = f"<xds:HomeCommunityId>{home}</xds:HomeCommunityId>" if home else ""
    return (
        f"<xds:DocumentRequest>{community}<xds:RepositoryUniqueId>{repository}</xds:RepositoryUniqueId>"
        f"<xds:DocumentUniqueId>{unique_id}</xds:DocumentUniqueId></xds:DocumentRequest>"
    )


def request(*documents):
    return envelope(
        ITI_43,
        f'<xds:RetrieveDocumentSetRequest xmlns:xds="{XDS}">{"".join(documents)}'
        "</xds:RetrieveDocumentSetRequest>",
    )


def retrieve(platform, *documents):
    return post(platform.repository_url, mtom(request(*documents)), MTOM_TYPE)


def told(answer):
    """(errorCode, codeContext, location) of each RegistryError."""
    return [
        (one.get("errorCode"), one.get("codeContext"), one.get("location"))
        for one in answer.found("RegistryError")
    ]


def responses(answer):
    """The names and texts in each DocumentResponse, in their order, less the Document."""
    return [
        [(child.tag.removeprefix(f"{{{XDS}}}"), child.text) for child in one if child.text]
        for one in answer.found("DocumentResponse")
    ]


def contents(answer):
    return [content for _, content in answer.parts[1:]]


@pytest.fixture
def stored(platform):
    """A submission of three documents: their uniqueIds."""
    sent = submission(platform.add_patient(), 3)
    assert platform.provide(sent, b"one", b"two", b"three").status_urn == SUCCESS
    return sent.unique_ids


def test_several_documents_come_in_the_order_asked_for(platform, stored):
    """ITI TF-2: 3.43.4.2.2; each by the Content-ID of its own part."""
    one, two, three = stored
    answer = retrieve(platform, wanted(three), wanted(one), wanted(two))
    assert (answer.status, answer.status_urn, told(answer)) == (200, SUCCESS, [])
    assert contents(answer) == [b"three", b"one", b"two"]
    ids = [headers["content-id"] for headers, _ in answer.parts[1:]]
    assert [f"<{one.get('href').removeprefix('cid:')}>" for one in answer.found("Include")] == ids
    assert [dict(one)["DocumentUniqueId"] for one in responses(answer)] == [three, one, two]


def test_documents_of_several_submissions_and_patients_come_together(platform, stored):
    """ITI TF-2: 3.43.4.1.2: a request names documents, of whomever."""
    other = submission(platform.add_patient())
    assert platform.provide(other, b"another's").status_urn == SUCCESS
    answer = retrieve(platform, wanted(stored[0]), wanted(other.unique_id))
    assert (answer.status_urn, contents(answer)) == (SUCCESS, [b"one", b"another's"])


def test_an_unknown_document_is_an_error_that_names_it(platform):
    """ITI TF-2: 3.43.4.1.3; ITI TF-3: Table 4.2.4.1-2; NIST 15816."""
    unknown = fresh_oid()
    answer = retrieve(platform, wanted(unknown))
    assert (answer.status, answer.status_urn) == (200, FAILURE)
    assert told(answer) == [("XDSDocumentUniqueIdError", f"no such document: {unknown}", unknown)]
    assert (responses(answer), len(answer.parts)) == ([], 1)


def test_another_repository_is_not_this_one(platform, stored):
    """ITI TF-3: Table 4.2.4.1-2, XDSUnknownRepositoryId."""
    answer = retrieve(platform, wanted(stored[0], ELSEWHERE))
    context = f"repositoryUniqueId is {ELSEWHERE}, this repository is {REPOSITORY}"
    assert answer.status_urn == FAILURE
    assert told(answer) == [("XDSUnknownRepositoryId", context, stored[0])]


def test_the_home_community_comes_back_where_it_was_named(platform, stored):
    """ITI TF-2: 3.43.4.2.2: in the answer if and only if it was in the request."""
    answer = retrieve(platform, wanted(stored[0], home=HOME), wanted(stored[1]))
    assert answer.status_urn == SUCCESS
    ids = ("RepositoryUniqueId", "DocumentUniqueId", "mimeType")
    assert responses(answer) == [
        [("HomeCommunityId", HOME), *zip(ids, (REPOSITORY, stored[0], "text/plain"), strict=True)],
        [*zip(ids, (REPOSITORY, stored[1], "text/plain"), strict=True)],
    ]


def test_of_documents_here_and_elsewhere_those_here_come(platform, stored):
    """ITI TF-2: 3.43.4.1.3: PartialSuccess, one error for each document that does not come."""
    unknown = fresh_oid()
    answer = retrieve(
        platform,
        wanted(stored[0]),
        wanted(unknown),
        wanted(stored[1], ELSEWHERE),
        wanted(stored[2], home="urn:oid:2.999.66"),
        wanted(stored[2]),
    )
    assert (answer.status, answer.status_urn) == (200, PARTIAL_SUCCESS)
    assert contents(answer) == [b"one", b"three"]
    assert [(code, location) for code, _, location in told(answer)] == [
        ("XDSDocumentUniqueIdError", unknown),
        ("XDSUnknownRepositoryId", stored[1]),
        ("XDSUnknownCommunity", stored[2]),
    ]
    (errors,) = answer.found("RegistryErrorList")
    assert errors.get("highestSeverity") == "urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"


@pytest.mark.parametrize("mime_type", ["application/dicom", "text/x-hl7-text+xml", "application/PDF"])
def test_the_mime_type_is_that_of_the_metadata(platform, mime_type):
    """ITI TF-2: 3.43.4.2.2; NIST 12360; in the answer and in the headers of the part, letter by letter."""
    sent = submission(platform.add_patient(), mime_type=mime_type)
    # The part itself travels as text/plain.
    assert platform.provide(sent, b"document").status_urn == SUCCESS
    answer = retrieve(platform, wanted(sent.unique_id))
    assert dict(responses(answer)[0])["mimeType"] == mime_type
    assert answer.parts[1][0]["content-type"] == mime_type


def test_a_consumer_of_plain_soap_gets_base64(platform, stored):
    """docs/decisions/0003: several documents and an error in one envelope."""
    unknown = fresh_oid()
    answer = post(platform.repository_url, request(wanted(stored[2]), wanted(unknown), wanted(stored[0])))
    assert answer.headers["content-type"].startswith("application/soap+xml")
    assert answer.status_urn == PARTIAL_SUCCESS
    assert [base64.b64decode(str(one.text)) for one in answer.found("Document")] == [b"three", b"one"]
    assert [location for _, _, location in told(answer)] == [unknown]


def test_a_request_for_nothing_is_refused_by_its_schema(platform):
    """ITI TF-2: 3.43.4.1.2: at least one DocumentRequest."""
    answer = retrieve(platform)
    assert (answer.status, answer.status_urn) == (200, FAILURE)
    assert answer.codes == ["XDSRepositoryError"]


def test_more_documents_than_the_limit_are_refused(platform):
    """ITI TF-3: Table 4.2.4.1-2, XDSTooManyResults; the limit is a setting."""
    answer = retrieve(platform, *(wanted(f"2.999.{n}") for n in range(1001)))
    assert answer.status_urn == FAILURE
    assert told(answer) == [("XDSTooManyResults", "1001 documents asked for, at most 1000", "")]


def test_a_document_that_is_lost_is_an_error_and_the_others_come(platform, stored):
    """ITI TF-2: 3.43.4.1.3, XDSRepositoryError."""
    before = platform.stored_files
    sent = submission(platform.add_patient())
    assert platform.provide(sent, b"to be lost").status_urn == SUCCESS
    (file,) = platform.stored_files - before
    file.unlink()
    answer = retrieve(platform, wanted(sent.unique_id), wanted(stored[0]))
    assert (answer.status_urn, contents(answer)) == (PARTIAL_SUCCESS, [b"one"])
    context = f"document {sent.unique_id} cannot be read"
    assert told(answer) == [("XDSRepositoryError", context, sent.unique_id)]
