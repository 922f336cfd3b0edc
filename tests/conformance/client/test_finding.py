"""The endpoints find what was sent to them, and say no more than was asked (ITI TF-2: 3.18)."""

import hashlib

import pytest
from lxml import etree

from conformance.client.finding import found_by
from conformance.client.store import MAX_BYTES, Store
from conformance.judging.associations import ends
from tests.messages import requests

PATIENT = "p1^^^&2.999.5&ISO"
APPROVED, DEPRECATED = f"('{requests.APPROVED}')", f"('{requests.DEPRECATED}')"
MINE = ("$XDSDocumentEntryPatientId", f"'{PATIENT}'")


@pytest.fixture
def store() -> Store:
    """A document in a folder, and its replacement outside."""
    store = Store("2.999.352.2")
    first = requests.submission(PATIENT, with_folder=True).submit_objects_request
    assert store.submit(etree.fromstring(first), {"Document1": b"first"}) == []
    (document,) = store.of("DocumentEntry")
    second = requests.submission(PATIENT, replaces=document.id).submit_objects_request
    assert store.submit(etree.fromstring(second), {"Document1": b"second"}) == []
    return store


def kinds(store: Store, query: str, *slots: tuple[str, str]) -> list[str]:
    body = requests.stored_query(requests.STORED_QUERIES[query], *slots)
    return sorted(one.kind for one in found_by(etree.fromstring(body), store))


@pytest.mark.parametrize(
    ("slots", "count"),
    [
        ((), 1),
        ((("$XDSDocumentEntryClassCode", "('REPORT^^2.999.1')"),), 1),
        ((("$XDSDocumentEntryClassCode", "('SUMMARY^^2.999.1')"),), 0),
        ((("$XDSDocumentEntryCreationTimeFrom", "2024"),), 1),
        ((("$XDSDocumentEntryCreationTimeFrom", "20240103"),), 0),
        ((("$XDSDocumentEntryCreationTimeTo", "20240102030405"),), 0),
        ((("$XDSDocumentEntryAuthorPerson", "('%Web_r%')"),), 1),
        ((("$XDSDocumentEntryAuthorPerson", "('Web.r')"),), 0),
        ((("$XDSDocumentEntryType", f"('{requests.ON_DEMAND}')"),), 0),
    ],
)
def test_parameters_narrow_what_is_found(store, slots, count):
    """ITI TF-2: 3.18.4.1.2.3.5."""
    found = kinds(store, "FindDocuments", MINE, ("$XDSDocumentEntryStatus", APPROVED), *slots)
    assert found == ["DocumentEntry"] * count


def test_what_was_replaced_is_deprecated(store):
    """ITI TF-3: 4.2.2.2.3."""
    assert kinds(store, "FindDocuments", MINE, ("$XDSDocumentEntryStatus", DEPRECATED)) == ["DocumentEntry"]


def test_queries_that_begin_at_an_object_find_what_is_around_it(store):
    """ITI TF-2: 3.18.4.1.2.3.7."""
    old, new = store.of("DocumentEntry")
    (folder,) = store.of("Folder")
    sets = list(store.of("SubmissionSet"))
    by_uuid = ("$XDSDocumentEntryEntryUUID", f"('{old.id}')")
    assert kinds(store, "GetDocuments", by_uuid) == ["DocumentEntry"]
    assert kinds(store, "GetDocumentsAndAssociations", by_uuid) == ["Association"] * 3 + ["DocumentEntry"]
    assert kinds(store, "GetAssociations", ("$uuid", f"('{new.id}')")) == ["Association"] * 2
    assert kinds(store, "GetSubmissionSets", ("$uuid", f"('{old.id}')")) == ["Association", "SubmissionSet"]
    assert kinds(store, "GetFoldersForDocument", ("$XDSDocumentEntryEntryUUID", f"'{old.id}'")) == ["Folder"]
    assert kinds(store, "GetFolders", ("$XDSFolderEntryUUID", f"('{folder.id}')")) == ["Folder"]
    inside = kinds(store, "GetFolderAndContents", ("$XDSFolderEntryUUID", f"'{folder.id}'"))
    assert inside == ["Association", "DocumentEntry", "Folder"]
    whole = kinds(store, "GetSubmissionSetAndContents", ("$XDSSubmissionSetEntryUUID", f"'{sets[0].id}'"))
    assert whole == ["Association"] * 4 + ["DocumentEntry", "Folder", "SubmissionSet"]
    related = ("$AssociationTypes", f"('{requests.RPLC}')")
    assert kinds(store, "GetRelatedDocuments", ("$XDSDocumentEntryEntryUUID", f"'{old.id}'"), related) == [
        "Association", "DocumentEntry", "DocumentEntry",
    ]  # fmt: skip
    statuses = [
        (f"$XDS{kind}Status", f"('{requests.APPROVED}','{requests.DEPRECATED}')")
        for kind in ("DocumentEntry", "SubmissionSet", "Folder")
    ]
    everything = kinds(store, "GetAll", ("$patientId", f"'{PATIENT}'"), *statuses)
    assert everything == sorted(one.kind for one in store.objects.values())
    assert kinds(store, "FindFolders", ("$XDSFolderPatientId", "'p2^^^&2.999.5&ISO'"), statuses[2]) == []


def test_a_repository_says_what_it_measured(store):
    """ITI TF-2: 3.41.4.1.3."""
    old, _ = store.of("DocumentEntry")
    assert old.values("size") == ["5"]
    assert old.values("hash") == [hashlib.sha1(b"first").hexdigest()]  # noqa: S324
    assert old.values("repositoryUniqueId") == ["2.999.352.2"]
    assert all(end in store.objects for one in store.of("Association") for end in ends(one.node)[1:])


def test_a_session_holds_only_so_much(store, monkeypatch):
    monkeypatch.setattr("conformance.client.store.MAX_BYTES", 12)
    assert MAX_BYTES > 12
    more = etree.fromstring(requests.submission(PATIENT).submit_objects_request)
    before = dict(store.objects)
    assert [one.code for one in store.submit(more, {"Document1": b"too much"})] == [
        "XDSRepositoryOutOfResources"
    ]
    assert store.objects == before
