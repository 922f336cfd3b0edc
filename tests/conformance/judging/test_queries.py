"""What asks: queries, retrievals, removals, each with one thing wrong (ITI TF-2: 3.18, 3.43)."""

import pytest

from tests.conformance.judging.samples import PATIENT, changed, errors
from tests.messages import requests
from tests.wire import envelope

APPROVED = requests.APPROVED


def query(*more: tuple[str, str]) -> str:
    slots = (
        ("$XDSDocumentEntryPatientId", f"'{PATIENT}'"),
        ("$XDSDocumentEntryStatus", f"('{APPROVED}')"),
        *more,
    )
    return requests.stored_query(requests.FIND_DOCUMENTS, *slots)


def test_a_good_query_has_no_error():
    more = (
        ("$XDSDocumentEntryClassCode", "('REPORT^^2.999.1','SUMMARY^^2.999.1')"),
        ("$XDSDocumentEntryCreationTimeFrom", "2024"),
        ("$XDSDocumentEntryAuthorPerson", "('%Weber%','O''Neill%')"),
    )
    assert errors(envelope(requests.ITI_18, query(*more))) == set()


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("a stored query is known", "14d4debf", "14d4debe"),
        ("the returnType is LeafClass or ObjectRef", "LeafClass", "Leaf"),
        ("what a query requires is there", "$XDSDocumentEntryStatus", "$XDSDocumentEntryStati"),
        ("a parameter is spelled as its type wants", f"('{APPROVED}')", "('Approved')"),
        ("a parameter is spelled as its type wants", f"('{APPROVED}')", f"'{APPROVED}'"),
        ("a parameter is spelled as its type wants", "p1^^^&amp;2.999.5&amp;ISO", "p1"),
        (
            "a parameter is spelled as its type wants",
            "'p1^^^&amp;2.999.5&amp;ISO'",
            "p1^^^&amp;2.999.5&amp;ISO",
        ),
        ("the queries of the two transactions do not know each other", requests.ITI_18, requests.ITI_51),
    ],
)
def test_what_is_wrong_in_a_query_is_found(rule, old, new):
    message = envelope(requests.ITI_18, query()).decode()
    assert rule in errors(changed(message, (old, new)))


@pytest.mark.parametrize(
    ("rule", "slot", "value"),
    [
        ("a parameter is spelled as its type wants", "$XDSDocumentEntryCreationTimeFrom", "2024-01-01"),
        ("a parameter is spelled as its type wants", "$XDSDocumentEntryClassCode", "('REPORT')"),
        ("a Slot is repeated only where lists are ANDed", "$XDSDocumentEntryStatus", f"('{APPROVED}')"),
        ("a metadata level is 1 or 2", "$MetadataLevel", "3"),
    ],
)
def test_a_parameter_too_much_or_wrong_is_found(rule, slot, value):
    assert rule in errors(query((slot, value)))


def test_of_alternatives_exactly_one_is_given():
    """ITI TF-2: 3.18.4.1.2.3.7.5."""
    none = requests.stored_query(requests.GET_DOCUMENTS)
    assert errors(none) == {"of alternatives exactly one is given"}


def test_something_narrows_a_search_for_several_patients():
    """ITI TF-2: 3.51.4.1.2.3."""
    every = requests.STORED_QUERIES["FindDocumentsForMultiplePatients"]
    body = requests.stored_query(every, ("$XDSDocumentEntryStatus", f"('{APPROVED}')"))
    message = envelope(requests.ITI_51, body)
    assert errors(message) == {"something must narrow the search"}


def test_a_retrieval_names_a_repository_and_a_document():
    """ITI TF-2: 3.43.4.1.2."""
    good = requests.retrieve("2.999.1")
    assert errors(good) == set()
    assert errors(changed(good, ("2.999.2.1", "our repository"))) == {"a repository is named by its OID"}


def test_a_removal_names_objects_by_uuid():
    """RMD supplement: 3.62.4.1.2."""
    body = (
        '<lcm:RemoveObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0" '
        'xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">'
        '<rim:ObjectRefList><rim:ObjectRef id="Document1"/>'
        "</rim:ObjectRefList></lcm:RemoveObjectsRequest>"
    )
    assert errors(envelope(requests.ITI_62, body)) == {"objects are removed by their ids alone"}
    nothing = changed(body, ('<rim:ObjectRef id="Document1"/>', ""))
    assert "a removal names something" in errors(envelope(requests.ITI_62, nothing))
