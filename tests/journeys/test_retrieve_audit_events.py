"""The audit log over HTTP: each patient sees his own part of it, administrators all, nobody else anything."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from fhir.resources.R4B.bundle import Bundle
from lxml import etree

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from consent_broker.model import Right
from tests.journeys.test_journal import eventually
from tests.services.http_api import ask, read
from tests.services.platform import Platform, running
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules
from tests.wire import HttpAnswer

FHIR = "{http://hl7.org/fhir}"
DR_A, ADMINISTRATOR = Person("A"), Person("boss", "ADMIN")
PERIOD = (
    ("date", f"ge{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"),
    ("date", f"le{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def domain(request, tmp_path_factory) -> Iterator[Platform]:
    """A server whose domain has rules, on each database."""
    directory = write_rules(tmp_path_factory.mktemp("audit-events"))
    environment = {"COFFRE_API__ENABLED": "true"}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with running(directory, toml=RULED_DOMAIN, environment=environment) as platform:
        yield platform


@pytest.fixture(scope="module")
def record(domain) -> Record:
    """A record with a deposit, a look at the list, and an opening by Dr A; and another patient's."""
    record = Record(domain)
    record.grant(DR_A.party, Right.READ, Right.DEPOSIT)
    sent = record.deposit(DR_A)
    assert record.seen_by(DR_A) == [sent.unique_id]
    assert record.retrieve(DR_A, sent.unique_id).status == 200
    Record(domain)
    eventually(
        lambda: "document-opened" in [one["deed"] for one in journal(record, record.patient)["accesses"]]
    )
    return record


def journal(record: Record, by: Person) -> Any:
    answer = ask(record.platform, "GET", "/api/journal?language=en", by, patient_id=record.patient_id)
    assert answer.status == 200, answer.body
    return read(answer)


def search(record: Record, by: Person, *more: tuple[str, str], accept: str = "") -> HttpAnswer:
    headers = {"Accept": accept} if accept else {}
    return ask(record.platform, "GET", f"/fhir/AuditEvent?{urlencode((*PERIOD, *more))}", by, headers=headers)


def found(record: Record, by: Person, *more: tuple[str, str]) -> list[dict[str, Any]]:
    """The AuditEvents of a search, which are such as FHIR wants them."""
    answer = search(record, by, *more)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/fhir+json; charset=utf-8")
    bundle = read(answer)
    Bundle.model_validate(bundle)
    return [one["resource"] for one in bundle.get("entry", ())]


def test_the_journal_is_told_as_json_csv_and_pdf(record):
    """docs/http-api.md."""
    told = journal(record, record.patient)
    opened = next(one for one in told["accesses"] if one["deed"] == "document-opened")
    assert (opened["person"]["name"], opened["documents"][0]["title"]) == ("Dr A", "Report")
    for accept, begins in (("text/csv", b"\xef\xbb\xbfDate"), ("application/pdf", b"%PDF-")):
        answer = ask(record.platform, "GET", "/api/journal", record.patient, headers={"Accept": accept})
        assert (answer.status, answer.body[: len(begins)]) == (200, begins)
    one_row = ask(
        record.platform, "GET", "/api/journal?number=1", record.patient, headers={"Accept": "text/csv"}
    )
    rows = csv.reader(io.StringIO(one_row.body.decode("utf-8-sig")))
    assert len(list(rows)) == 2


def test_a_professional_does_not_read_a_journal_nor_events(record):
    """ITI TF-2: 3.81.6: access control."""
    for path in (
        "/api/journal",
        f"/fhir/AuditEvent?{urlencode(PERIOD)}",
        f"/syslogsearch?{urlencode(PERIOD)}",
    ):
        answer = ask(record.platform, "GET", path, DR_A, patient_id=record.patient_id)
        assert answer.status == 403, path
    assert ask(record.platform, "GET", f"/syslogsearch?{urlencode(PERIOD)}", record.patient).status == 403
    assert ask(record.platform, "GET", f"/fhir/AuditEvent?{urlencode(PERIOD)}").status == 401


def test_a_patient_finds_his_own_events_and_no_others(record):
    """ITI TF-2: 3.81.4.1.3; whatever he asks for."""
    own = f"urn:oid:2.999.5|{record.patient_id.partition('^')[0]}"
    events = found(record, record.patient)
    assert {"ITI-41", "ITI-42", "ITI-18", "ITI-43", "consent-changed"} <= {
        code["code"] for one in events for code in one["subtype"]
    }
    patients = {
        each["what"]["identifier"]["value"]
        for one in events
        for each in one["entity"]
        if each.get("role", {}).get("code") == "1"
    }
    assert patients == {record.patient_id.partition("^")[0]}
    assert found(record, record.patient, ("patient.identifier", "urn:oid:2.999.5|somebody-else")) == []
    assert len(found(record, ADMINISTRATOR, ("patient.identifier", own))) >= len(events)
    assert len(found(record, ADMINISTRATOR)) > len(events)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("subtype", "urn:ihe:event-type-code|ITI-43"),
        ("subtype", "ITI-43"),
        ("subtype", "ITI-43,ITI-99"),
        ("type", "http://dicom.nema.org/resources/ontology/DCM|110106"),
        ("agent.identifier", "<A@https://idp.example>"),
        ("agent-name", "dr a"),
        ("address", "127.0.0.1"),
        ("outcome", "0"),
        ("action", "R"),
        ("source.identifier", "coffre"),
        ("entity-type", "1"),
        ("entity-role", "3"),
    ],
)
def test_every_parameter_narrows_the_search(record, parameter, value):
    """ITI TF-2: 3.81.4.1.2."""
    assert [one for one in found(record, record.patient, (parameter, value)) if _is(one, "ITI-43")]
    nothing = {"outcome": "12", "action": "E", "entity-type": "3", "entity-role": "26"}.get(
        parameter, "nothing"
    )
    assert not [one for one in found(record, record.patient, (parameter, nothing)) if _is(one, "ITI-43")]


def _is(event: dict[str, Any], code: str) -> bool:
    return code in [one["code"] for one in event.get("subtype", ())]


def test_pages_follow_each_other_to_the_end(record):
    """FHIR R4: 3.1.1.5."""
    whole = [one["id"] for one in found(record, record.patient)]
    address, pages = f"/fhir/AuditEvent?{urlencode((*PERIOD, ('_count', '3')))}", []
    while address:
        bundle = read(ask(record.platform, "GET", address, record.patient))
        pages += [one["resource"]["id"] for one in bundle.get("entry", ())]
        following = [one["url"] for one in bundle["link"] if one["relation"] == "next"]
        address = following[0].removeprefix(record.platform.url) if following else ""
    # Reading is recorded, so later pages are of an older state and earlier ones of a younger.
    assert [one for one in pages if one in whole] == whole


def test_events_come_as_xml_and_by_post(record):
    """FHIR R4: 2.6.1, 3.1.1.2.1."""
    answer = search(record, record.patient, ("_format", "xml"))
    assert answer.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    tree = etree.fromstring(answer.body)
    assert tree.tag == f"{FHIR}Bundle"
    [first, *_] = tree.iter(f"{FHIR}AuditEvent")
    assert [etree.QName(one).localname for one in first][:3] == ["id", "type", "subtype"]
    assert search(record, record.patient, accept="application/fhir+xml").body[:5] == b"<?xml"
    posted = ask(
        record.platform,
        "POST",
        "/fhir/AuditEvent/_search",
        record.patient,
        body=urlencode((*PERIOD, ("subtype", "ITI-43"))).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert len(read(posted)["entry"]) == len(found(record, record.patient, ("subtype", "ITI-43")))


@pytest.mark.parametrize(
    "query", ["", "date=ge2030-01-01", "date=ge2030&date=leyesterday", "_count=0&date=2030"]
)
def test_a_search_without_its_period_is_refused(record, query):
    """ITI TF-2: 3.81.4.1.2.1."""
    answer = ask(record.platform, "GET", f"/fhir/AuditEvent?{query}", record.patient)
    assert answer.status == 400
    assert read(answer)["resourceType"] == "OperationOutcome"


def test_syslog_messages_are_found_by_their_headers(record):
    """ITI TF-2: 3.82."""
    query = urlencode((*PERIOD, ("app-name", "coffre"), ("pri", "85"), ("msg", "ITI-43")))
    found = read(ask(record.platform, "GET", f"/syslogsearch?{query}", ADMINISTRATOR))
    assert found["total"] == len(found["messages"]) > 0
    assert found["messages"][0]["msg-id"] == "IHE+RFC-3881"
    assert "<AuditMessage>" in found["messages"][0]["msg"]
    answer = ask(record.platform, "GET", f"/syslogsearch?{query}&facility=10", ADMINISTRATOR)
    assert answer.status == 400


def test_whoever_reads_the_log_stands_in_it(record):
    """ITI TF-2: 3.81.5.1, DICOM PS3.15 A.5.3.2."""
    search(record, record.patient, ("subtype", "ITI-43"))
    (spool,) = record.platform.audit_spools
    told = read_audit_message(list(stored_records(spool))[-1])
    event = told.event
    assert (event.event_id.code, event.action, event.type_codes[0].code) == ("110101", "R", "ITI-81")
    patient, log = told.objects
    assert patient.id == record.patient_id
    assert (log.name, log.id_type.code, log.role) == ("Security Audit Log", "12", "13")
    assert "subtype=ITI-43" in log.details[0].value


def test_events_of_other_systems_come_in_by_fhir_and_stand_in_the_journal(record):
    """ITI TF-2: 3.20, the RESTful feed: one as JSON, a batch, and who may send them."""
    administrator = {"Authorization": ADMINISTRATOR.authorization, "Content-Type": "application/fhir+json"}
    identifier, _, authority = record.patient_id.partition("^^^&")
    event = fed(identifier, authority.partition("&")[0], "Dr Mobile")
    assert ask(record.platform, "POST", "/fhir/AuditEvent", body=event, headers=administrator).status == 201
    # At least once: the same is kept once.
    assert ask(record.platform, "POST", "/fhir/AuditEvent", body=event, headers=administrator).status == 201
    other = json.loads(fed(identifier, authority.partition("&")[0], "Dr Batch"))
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": other}, {"resource": {}}]}
    answer = ask(record.platform, "POST", "/fhir", body=json.dumps(batch).encode(), headers=administrator)
    assert [one["response"]["status"][:3] for one in read(answer)["entry"]] == ["201", "400"]
    names = [one["person"]["name"] for one in journal(record, record.patient)["accesses"]]
    assert (names.count("Dr Mobile"), names.count("Dr Batch")) == (1, 1)
    nonsense = ask(record.platform, "POST", "/fhir/AuditEvent", body=b"{}", headers=administrator)
    assert (nonsense.status, read(nonsense)["resourceType"]) == (400, "OperationOutcome")
    stranger = {"Content-Type": "application/fhir+json"}
    assert ask(record.platform, "POST", "/fhir/AuditEvent", body=event, headers=stranger).status == 403
    doctor = {**administrator, "Authorization": DR_A.authorization}
    assert ask(record.platform, "POST", "/fhir/AuditEvent", body=event, headers=doctor).status == 403


def fed(identifier: str, authority: str, name: str) -> bytes:
    """A retrieval from another system's documents."""
    patient = {"identifier": {"system": f"urn:oid:{authority}", "value": identifier}}
    return json.dumps(
        {
            "resourceType": "AuditEvent",
            "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110112"},
            "recorded": f"{datetime.now(UTC).isoformat()}",
            "agent": [{"who": {"identifier": {"value": name}}, "name": name, "requestor": True}],
            "source": {"observer": {"display": "mobile.example"}},
            "entity": [{"what": patient, "type": {"code": "1"}, "role": {"code": "1"}}],
        }
    ).encode()
