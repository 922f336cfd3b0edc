"""What records tell, as people speak of it: one access, however many messages tell of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from atna_audit.accesses import Access, Deed, NamedDocument, accesses
from exchange.audit_trail import AuditedDocument, audit_messages_of
from exchange.basis import Basis
from exchange.operator_audit import audit_log_read, consent_touched
from ihe.audit_events import Outcome
from ihe.stored_queries import FIND_DOCUMENTS, GET_DOCUMENTS
from ihe.transactions import ITI_18, ITI_41, ITI_42, ITI_43, ITI_44_ADD, ITI_57, ITI_62, ITI_86
from tests.exchange.test_audit_trail import NOON, PATIENT, happening
from xua.user import PersonId, Principal, Role, User

DOCUMENT = AuditedDocument("2.999.3.77", "2.999.2.1", title="Blood count")


def user(name: str = "Dr A", **known: Any) -> User:
    return User(
        name=name,
        id=PersonId("2.999.4", name),
        name_id=name,
        issuer="https://idp.example",
        assertion_id="_1",
        role=Role("2211", "2.16.840.1.113883.2.9.6.2.7", "General practitioner"),
        **known,
    )


def told(*happenings: Any) -> list[Access]:
    messages = [message for one in happenings for message in audit_messages_of(one)]
    return accesses(enumerate(messages, 1))


def test_a_deposit_is_one_access_whoever_recorded_it():
    """ITI-41 at the repository, ITI-42 on both of its sides."""
    said = {"patient_ids": (PATIENT,), "submission_set_unique_id": "2.999.20.9", "documents": (DOCUMENT,)}
    found = told(
        happening(ITI_42, we_are="client", **said),
        happening(ITI_42, user=user(), **said),
        happening(ITI_41, user=user(), **said),
    )
    assert [(one.deed, one.person.name, one.documents, one.records) for one in found] == [
        (Deed.DEPOSITED, "Dr A", (NamedDocument("2.999.3.77", "Blood count"),), (1, 2, 3))
    ]


def test_looking_a_document_up_is_part_of_opening_it():
    """A repository asks the registry what is there for the user."""
    found = told(
        happening(ITI_18, user=user(), patient_ids=(PATIENT,), query_id=GET_DOCUMENTS.id, query_xml=b"<q/>"),
        happening(ITI_43, user=user(), patient_ids=(PATIENT,), documents=(DOCUMENT,)),
    )
    assert [one.deed for one in found] == [Deed.DOCUMENT_OPENED]


def test_two_people_and_two_moments_are_two_accesses():
    query = {"patient_ids": (PATIENT,), "query_id": FIND_DOCUMENTS.id, "query_xml": b"<q/>"}
    found = told(
        happening(ITI_18, user=user("Dr A"), **query),
        happening(ITI_18, user=user("Dr B"), **query),
        happening(ITI_18, user=user("Dr A"), **{**query, "at": NOON + timedelta(hours=1)}),
    )
    assert [one.person.name for one in found] == ["Dr A", "Dr B", "Dr A"]


def test_an_access_says_for_whom_from_where_by_what_right_and_with_which_software():
    doctor = user(
        organization_id="urn:oid:2.999.50",
        organization_name="Clinique du Nord",
        on_behalf_of=Principal(PersonId("2.999.4", "77"), "Prof. B"),
        purpose_of_use=Role("ETREAT", "2.16.840.1.113883.5.8", "emergency treatment"),
        software="Praxis 4",
    )
    [found] = told(
        happening(
            ITI_43,
            user=doctor,
            patient_ids=(PATIENT,),
            documents=(DOCUMENT,),
            access_reasons=("the record is open", "a care relationship, for what is normal"),
        )
    )
    person = found.person
    assert (person.id, person.name) == ("<Dr A@https://idp.example>", "Dr A")
    assert person.profession is not None
    assert (person.profession.code, person.establishment) == ("2211", "Clinique du Nord")
    assert (person.on_behalf_of, found.software, found.basis) == ("Prof. B", "Praxis 4", Basis.CARE)
    assert found.emergency
    assert found.purpose is not None
    assert found.purpose.code == "ETREAT"


def test_without_a_user_the_machine_is_named():
    [found] = told(
        happening(ITI_18, patient_ids=(PATIENT,), query_xml=b"<q/>", peer_name="CN=lab.example,O=Lab,C=LU")
    )
    assert (found.person.is_machine, found.person.name) == (True, "lab.example")


@pytest.mark.parametrize(
    ("transaction", "known", "deed"),
    [
        (ITI_57, {"submission_set_unique_id": "1", "documents": (DOCUMENT,)}, Deed.CHANGED),
        (ITI_62, {"removed_entry_uuids": ("urn:uuid:1",)}, Deed.DELETED),
        (ITI_86, {"documents": (DOCUMENT,)}, Deed.DELETED),
        (ITI_44_ADD, {}, Deed.IDENTITY_CHANGED),
        (
            ITI_41,
            {
                "submission_set_unique_id": "1",
                "documents": (AuditedDocument("1", "2", replaced_entry_uuid="urn:uuid:2"),),
            },
            Deed.REPLACED,
        ),
    ],
)
def test_each_transaction_is_a_deed(transaction, known, deed):
    [found] = told(happening(transaction, patient_ids=(PATIENT,), **known))
    assert found.deed is deed


def test_what_operators_do_is_told_as_well():
    at = datetime(2030, 1, 1, 13, tzinfo=UTC)
    messages = [
        consent_touched(at, PATIENT, "excluded Dr C", "portal", "1", "coffre"),
        consent_touched(at, PATIENT, "", "portal", "1", "coffre"),
        audit_log_read(at, "https://arr.example/audit", "journal", PATIENT, "root", "1", "coffre"),
    ]
    found = accesses(enumerate(messages, 1))
    assert [(one.deed, one.person.name, one.change) for one in reversed(found)] == [
        (Deed.RIGHTS_CHANGED, "portal", "excluded Dr C"),
        (Deed.RIGHTS_SEEN, "portal", ""),
        (Deed.JOURNAL_READ, "root", ""),
    ]


def test_a_refused_access_is_told_as_one():
    [found] = told(happening(ITI_43, outcome=Outcome.MINOR, documents=(DOCUMENT,), user=user()))
    assert not found.succeeded
