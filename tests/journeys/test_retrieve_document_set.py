"""Retrieve Document Set-b: what an answer repeats, and whom it serves (ITI TF-2: 3.43.4.1.3)."""

from lxml import etree

from tests.messages import requests
from tests.messages.requests import FAILURE, ITI_43, SUCCESS, submission
from tests.services.platform import Platform
from tests.wire import MTOM_TYPE, HttpAnswer, envelope, mtom, post


def provided(platform: Platform, document: bytes, replaces: str = "") -> requests.Submission:
    sent = submission(platform.add_patient(), replaces=replaces)
    assert platform.provide(sent, document).status_urn == SUCCESS
    return sent


def retrieve_at_home(platform: Platform, unique_id: str, home: str) -> HttpAnswer:
    """As a consumer asks that got a homeCommunityId with its query."""
    named = f"<xds:HomeCommunityId>{home}</xds:HomeCommunityId><xds:RepositoryUniqueId>"
    body = requests.retrieve(unique_id).replace("<xds:RepositoryUniqueId>", named)
    return post(platform.repository_url, mtom(envelope(ITI_43, body)), MTOM_TYPE)


def test_an_answer_repeats_the_ids_of_its_request_in_the_order_of_the_schema(platform):
    """ITI TF-2: 3.43.4.1.3; homeCommunityId where it was given, and nowhere else."""
    sent = provided(platform, b"document")
    without = platform.retrieve(sent.unique_id)
    (response,) = without.found("DocumentResponse")
    assert [(etree.QName(one).localname, one.text) for one in response] == [
        ("RepositoryUniqueId", "2.999.2.1"),
        ("DocumentUniqueId", sent.unique_id),
        ("mimeType", "text/plain"),
        ("Document", None),
    ]


def test_a_community_that_is_not_this_one_is_unknown(platform):
    """ITI TF-2: 3.43.4.1.3; XDSUnknownCommunity."""
    sent = provided(platform, b"document")
    answer = retrieve_at_home(platform, sent.unique_id, "urn:oid:2.999.404")
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSUnknownCommunity"])
    assert answer.found("DocumentResponse") == []


def test_a_document_asked_for_twice_comes_once(platform):
    """ITI TF-2: 3.43.4.1.3; docs/divergences.md."""
    sent = provided(platform, b"document")
    answer = platform.retrieve(sent.unique_id, sent.unique_id)
    assert answer.status_urn == SUCCESS
    assert [content for _, content in answer.parts[1:]] == [b"document"]


def test_a_deprecated_document_is_retrieved_like_any_other(platform):
    """ITI TF-2: 3.43.4.1.3."""
    first = provided(platform, b"first")
    (entry,) = platform.query(requests.find_documents(first.patient_id)).found("ExtrinsicObject")
    second = submission(first.patient_id, replaces=str(entry.get("id")))
    assert platform.provide(second, b"second").status_urn == SUCCESS
    assert [content for _, content in platform.retrieve(first.unique_id).parts[1:]] == [b"first"]
