"""The door of plain HTTP, from outside: who is let in, and how what is wrong is told."""

import base64
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from lxml import etree
from openapi_spec_validator import OpenAPIV31SpecValidator

from atna_audit.spool import stored_records
from tests.messages.assertions import DAY, assertion, held_by, keys, security, signed
from tests.messages.requests import ITI_18, find_documents
from tests.services.http_api import ask, read
from tests.services.platform import Platform, running
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules
from tests.wire import envelope, get, post

CONSENT = "/api/consent"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def domain(request, tmp_path_factory) -> Iterator[Platform]:
    """A server whose domain has rules, on each database."""
    directory = write_rules(tmp_path_factory.mktemp("ruled"))
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with running(directory, toml=RULED_DOMAIN, environment=environment) as platform:
        yield platform


@pytest.fixture
def record(domain) -> Record:
    return Record(domain)


def last_records(domain: Platform, number: int) -> list[etree._Element]:
    (spool,) = domain.audit_spools
    return [etree.fromstring(one) for one in list(stored_records(spool))[-number:]]


def names(found: list[etree._Element]) -> list[str]:
    """What each record tells of: its type, or else its event."""
    return [
        str(next(iter([*one.iter("EventTypeCode"), *one.iter("EventID")])).get("originalText"))
        for one in found
    ]


def test_the_patient_sees_what_holds_for_his_record(domain, record):
    """docs/http-api.md; RFC 9111: 5.2.2.5.

    The record of it names him, what he did, and whose record it was.
    """
    answer = ask(domain, "GET", CONSENT, record.patient)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    shown = read(answer)
    assert (shown["patientId"], shown["status"], shown["emergencyLevel"]) == (
        record.patient_id,
        "open",
        "normal",
    )
    (told,) = last_records(domain, 1)
    assert names([told]) == ["Consent Read"]
    assert [one.get("ParticipantObjectID") for one in told.iter("ParticipantObjectIdentification")] == [
        record.patient_id
    ]
    users = [one.get("UserID") for one in told.iter("ActiveParticipant")]
    assert f"<{record.patient.extension}@https://idp.example>" in users
    assert f"{domain.url}{CONSENT}" in users


def test_ihe_s_own_scheme_and_plain_base64_do_as_well(domain, record):
    """ITI TF-2: 3.72.6.2."""
    token = base64.b64encode(record.patient.token).decode()
    for scheme in ("IHE-SAML", "ihe-saml", "bearer"):
        shown = ask(domain, "GET", CONSENT, headers={"Authorization": f"{scheme} {token}"})
        assert shown.status == 200, shown.body


def test_without_an_assertion_nobody_is_answered(domain, record):
    """RFC 6750: 3; ITI TF-2: 3.72.7."""
    answer = ask(domain, "GET", CONSENT, patient_id=record.patient_id)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="coffre", IHE-SAML realm="coffre"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert read(answer) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "a user's assertion is required",
    }
    assert names(last_records(domain, 3)) == ["Consent Read", "Assertion Refused", "Login"]


BAD_ASSERTIONS = {
    "expired": lambda: signed(assertion(not_on_or_after=datetime.now(UTC) - DAY)),
    "of nobody known": lambda: signed(assertion(), keys("a stranger")),
    "unsigned": lambda: assertion().encode(),
    "no assertion": lambda: b"<Assertion/>",
    "no XML": lambda: b"\xff\xfe",
}


@pytest.mark.parametrize("made", BAD_ASSERTIONS.values(), ids=list(BAD_ASSERTIONS))
def test_an_assertion_is_held_to_the_rules_of_web_services(domain, record, made):
    """ITI TF-2: 3.40.4.1.3, 3.72.7: the same words as in the fault of a web service."""
    token = made()
    authorization = f"Bearer {base64.urlsafe_b64encode(token).decode().rstrip('=')}"
    answer = ask(
        domain, "GET", CONSENT, patient_id=record.patient_id, headers={"Authorization": authorization}
    )
    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    if token.startswith(b"<saml2"):
        query = envelope(ITI_18, find_documents(record.patient_id), more_headers=security(token))
        fault = post(domain.registry_url, query)
        assert read(answer)["detail"].encode() in fault.body


@pytest.mark.parametrize("value", ["Basic dXNlcjpwdw==", "Bearer", "Bearer x", "Bearer a b"])
def test_other_credentials_are_not_accepted(domain, value):
    """RFC 6750: 3.1."""
    assert ask(domain, "GET", CONSENT, headers={"Authorization": value}).status == 401


def test_whose_record_is_not_his_to_see_is_not_told(domain, record):
    """docs/consent.md: the reasons go to the record alone."""
    doctor = Person("A")
    answer = ask(domain, "GET", CONSENT, doctor, patient_id=record.patient_id)
    assert (answer.status, read(answer)["detail"]) == (403, "not permitted")
    (told,) = last_records(domain, 1)
    assert "nobody who may look here" in str(told.findtext("EventIdentification/EventOutcomeDescription"))
    unheard_of = ask(domain, "GET", CONSENT, doctor, patient_id="nobody^^^&2.999.5&ISO")
    assert (unheard_of.status, unheard_of.body) == (answer.status, answer.body)


def test_a_professional_says_whose_record(domain):
    """docs/http-api.md."""
    answer = ask(domain, "GET", CONSENT, Person("A"))
    assert (answer.status, read(answer)["detail"]) == (400, "whose record? Say so in the header Patient-Id")
    answer = ask(domain, "GET", CONSENT, Person("A"), patient_id="1980^2")
    assert (answer.status, read(answer)["detail"]) == (400, "Patient-Id is expected as ID^^^&OID&ISO")


def test_a_path_knows_its_methods(domain, record):
    """RFC 9110: 9.3.2, 9.3.7, 15.5.5, 15.5.6."""
    known = ask(domain, "OPTIONS", CONSENT)
    assert (known.status, known.headers["allow"], known.body) == (204, "GET, HEAD, OPTIONS", b"")
    head = ask(domain, "HEAD", CONSENT, record.patient)
    shown = ask(domain, "GET", CONSENT, record.patient)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(shown.body)))
    other = ask(domain, "DELETE", CONSENT, record.patient)
    assert (other.status, other.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert names(last_records(domain, 1)) == ["Unreadable Message"]
    for path in ("/api", "/api/", "/api/consents", "/api/consent/x/y"):
        answer = ask(domain, "GET", path, record.patient)
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_answer_that_cannot_be_had_as_wanted_is_not_sent(domain, record):
    """RFC 9110: 12.5.1, 15.5.7."""
    for wanted in ("application/json;q=0.1, text/html", "application/*", "*/*"):
        assert ask(domain, "GET", CONSENT, record.patient, headers={"Accept": wanted}).status == 200
    for wanted in ("text/html", "application/json;q=0, */*"):
        answer = ask(domain, "GET", CONSENT, record.patient, headers={"Accept": wanted})
        assert (answer.status, read(answer)["detail"]) == (406, "the answer can be had as application/json")


def test_what_is_sent_in_an_address_stands_in_no_log(domain, record):
    """Operators who read logs are not told who is a patient here."""
    quoted = urllib.parse.quote(record.patient_id)
    ask(domain, "GET", f"{CONSENT}?patient={quoted}", record.patient)
    ask(domain, "GET", f"/api/{quoted}", record.patient)
    extension = record.patient_id.partition("^")[0]
    assert extension not in domain.log


def test_a_connection_serves_many_requests(domain, record):
    """RFC 9112: 9.3."""
    assert "connection" not in ask(domain, "GET", CONSENT, record.patient).headers


def test_the_description_says_what_is_served(domain):
    """OpenAPI 3.1: 4.8; read by a validator that is not ours."""
    described = read(get(f"{domain.url}/api/openapi.json"))
    OpenAPIV31SpecValidator(described).validate()
    assert described["servers"] == [{"url": domain.url}]
    for path in described["paths"]:
        assert ask(domain, "OPTIONS", path).status == 204


def test_the_node_is_known_as_at_web_services(tmp_path):
    """ITI TF-2: 3.19; RFC 9440. By its certificate, here as a proxy passes it on, and that holds a key.

    Who comes without one is turned away as by a handshake; an assertion for a holder does at his node alone.
    """
    toml = f'{RULED_DOMAIN}\n[tls]\nproxies = ["127.0.0.1"]\n'
    holder, other = keys("them"), keys("us")
    token = signed(assertion(confirmation=held_by(holder)), keys("idp"))
    authorization = f"IHE-SAML {base64.urlsafe_b64encode(token).decode()}"
    with running(write_rules(tmp_path), toml=toml) as domain:
        statuses = []
        for certificate in ("", other.base64, holder.base64):
            headers = {"Authorization": authorization} | (
                {"Client-Cert": f":{certificate}:"} if certificate else {}
            )
            answer = ask(domain, "GET", CONSENT, patient_id="P1^^^&2.999.5&ISO", headers=headers)
            statuses.append((answer.status, answer.body and answer.headers["content-type"].split(";")[0]))
        assert statuses == [
            (403, "text/plain"),
            (401, "application/problem+json"),
            (403, "application/problem+json"),
        ]
        assert "the subject is not confirmed" in etree.tostring(last_records(domain, 2)[0]).decode()
        (known,) = last_records(domain, 1)
        assert "CN=them" in [one.get("UserName") for one in known.iter("ActiveParticipant")]


def test_nothing_of_it_is_there_unless_it_is_asked_for(platform):
    """[api] in server/coffre.toml."""
    assert get(f"{platform.url}/api/openapi.json").status == 404
    assert get(f"{platform.url}{CONSENT}").status == 404
