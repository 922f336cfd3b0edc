"""A server that asks for users, and what every refusal of an assertion must look like from outside."""

import time
from pathlib import Path

from lxml import etree

from atna_audit.spool import stored_records
from tests.messages import requests
from tests.messages.assertions import ISSUER, assertion, keys, security, signed
from tests.messages.requests import ITI_18, ITI_42, registered, submission
from tests.services.platform import Platform
from tests.wire import HttpAnswer, envelope, get, post

# A refusal costs milliseconds; what takes a second has been made to work.
MOST_SECONDS = 2.0

XUA = f"""
[xua]
identity_providers = [
    {{ issuer = "{ISSUER}", certificates = "idp.pem" }},
    {{ issuer = "https://second.example", certificates = "second.pem" }},
]
decryption_keys = ["us.key"]
"""


def write_certificates(directory: Path) -> Path:
    """Put the files that XUA names where a server will look for them."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "idp.pem").write_bytes(keys("idp").pem + keys("next idp").pem)
    (directory / "second.pem").write_bytes(keys("second idp").pem)
    (directory / "us.key").write_bytes(keys("us").key_pem)
    return directory


def register(guarded: Platform, patient_id: str, headers: str) -> HttpAnswer:
    """A submission in which nothing is wrong but its user."""
    sent = submission(patient_id, slots=registered("da39a3ee5e6b4b0d3255bfef95601890afd80709", 0))
    message = envelope(ITI_42, sent.submit_objects_request, more_headers=headers)
    return post(guarded.registry_url, message)


def documents_of(guarded: Platform, patient_id: str) -> int:
    query = envelope(ITI_18, requests.find_documents(patient_id), more_headers=security(signed(assertion())))
    answer = post(guarded.registry_url, query)
    assert answer.status_urn == requests.SUCCESS, answer.body
    return len(answer.found("ExtrinsicObject"))


def last_records(guarded: Platform, number: int) -> list[etree._Element]:
    (spool,) = guarded.audit_spools
    return [etree.fromstring(one) for one in list(stored_records(spool))[-number:]]


def refused(guarded: Platform, patient_id: str, headers: str) -> tuple[str | None, str]:
    """Show that it is refused as everything here must be; the fault's subcode and reason."""
    began = time.monotonic()
    answer = register(guarded, patient_id, headers)
    assert time.monotonic() - began < MOST_SECONDS
    code, subcode, reason = answer.fault
    assert (answer.status, code) == (400, "Sender")
    whole, alert, login = last_records(guarded, 3)
    assert [
        (one.findall(".//EventID")[0].get("csd-code"), one.findall(".//EventTypeCode")[0].get("csd-code"))
        for one in (whole, alert, login)
    ] == [("110107", "ITI-42"), ("110113", "assertion-refused"), ("110114", "110122")]
    for record in (whole, alert, login):
        assert record[0].get("EventOutcomeIndicator") == "4"
        assert record.findtext("EventIdentification/EventOutcomeDescription") == reason
        assert b"mallory" not in etree.tostring(record)
        assert b"amuller" not in etree.tostring(record)
    assert "mallory" not in guarded.log
    assert documents_of(guarded, patient_id) == 0
    assert get(f"{guarded.url}/readyz").status == 200
    return subcode, reason
