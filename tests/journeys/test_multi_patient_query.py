"""Multi-Patient Stored Query at the registry's endpoint (ITI TF-2: 3.51)."""

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.requests import APPROVED, FAILURE, ITI_18, ITI_51, SUCCESS, stored_query, submission
from tests.wire import envelope, post

FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS = "urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f"
STATUS = ("$XDSDocumentEntryStatus", f"('{APPROVED}')")


def ask(platform, query, action=ITI_51):
    return post(platform.registry_url, envelope(action, query))


def for_patients(*more):
    return stored_query(FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS, STATUS, *more)


def test_one_answer_holds_the_documents_of_several_patients(platform):
    """ITI TF-2: 3.51.4.1.3; its audit record names each of them (3.51.5.1)."""
    patients = [platform.add_patient() for _ in range(2)]
    for patient_id in patients:
        assert platform.provide(submission(patient_id), b"text").status_urn == SUCCESS
    named = "','".join(patients)
    answer = ask(platform, for_patients(("$XDSDocumentEntryPatientId", f"('{named}')")))
    assert answer.status_urn == SUCCESS
    action = answer.envelope.find(".//{http://www.w3.org/2005/08/addressing}Action")
    assert action is not None
    assert action.text == "urn:ihe:iti:2009:MultiPatientStoredQueryResponse"
    assert len(answer.found("ExtrinsicObject")) == 2
    found = {one.get("value") for one in answer.found("ExternalIdentifier")}
    assert found >= set(patients)
    (record,) = (
        message
        for spool in platform.audit_spools
        for message in map(read_audit_message, stored_records(spool))
        if any(code.code == "ITI-51" for code in message.event.type_codes)
        and {one.id for one in message.objects} >= set(patients)
    )
    assert record.event.event_id.code == "110112"


def test_something_must_narrow_the_search(platform):
    """ITI TF-2: 3.51.4.1.2.3.1."""
    answer = ask(platform, for_patients())
    assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSStoredQueryMissingParam"])
    by_class = ask(platform, for_patients(("$XDSDocumentEntryClassCode", "('nothing^^2.999.1')")))
    assert (by_class.status_urn, by_class.found("ExtrinsicObject")) == (SUCCESS, [])


def test_the_queries_of_the_two_transactions_do_not_know_each_other(platform):
    """ITI TF-2: 3.18.4.1.3, 3.51.4.1.3."""
    single = requests.find_documents(platform.add_patient())
    several = for_patients(("$XDSDocumentEntryClassCode", "('nothing^^2.999.1')"))
    for query, action in ((single, ITI_51), (several, ITI_18)):
        answer = ask(platform, query, action)
        assert (answer.status_urn, answer.codes) == (FAILURE, ["XDSUnknownStoredQuery"])
