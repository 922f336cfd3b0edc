"""The patient decides over HTTP and JSON; each change counts from the next request of a web service on."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from atna_audit.spool import stored_records
from tests.services.http_api import ask, read
from tests.services.platform import ROOT, Platform, running
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules
from tests.wire import HttpAnswer

DR_A, DR_B = Person("A"), Person("B")
FRIEND, GUARDIAN = Person("F", "FRIEND"), Person("G", "PARENT")
OPERATOR = Person("O", "ADMIN")


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


def change(
    record: Record, name: str, by: Person | None = None, *, tag: str = "", **content: Any
) -> HttpAnswer:
    """One change, by the patient unless said otherwise."""
    headers = {"If-Match": tag} if tag else {}
    return ask(
        record.platform,
        "POST",
        f"/api/consent/{name}",
        by or record.patient,
        patient_id=record.patient_id,
        content=content,
        headers=headers,
    )


def changed(record: Record, name: str, by: Person | None = None, **content: Any) -> list[dict[str, str]]:
    """A change that must be made; what it changed."""
    answer = change(record, name, by, **content)
    assert answer.status == 200, answer.body
    changes: list[dict[str, str]] = read(answer)["changes"]
    return changes


def shown(record: Record, by: Person | None = None) -> Any:
    answer = ask(record.platform, "GET", "/api/consent", by or record.patient, patient_id=record.patient_id)
    assert answer.status == 200, answer.body
    return read(answer)


def version(record: Record) -> str:
    return ask(record.platform, "GET", "/api/consent", record.patient).headers["etag"]


def party(person: Person) -> dict[str, str]:
    return {"kind": "person", "id": person.party.id}


def last_record(domain: Platform) -> etree._Element:
    (spool,) = domain.audit_spools
    return etree.fromstring(list(stored_records(spool))[-1])


def change_told(domain: Platform) -> str:
    """What the last record says that was changed."""
    (detail,) = last_record(domain).iter("ParticipantObjectDetail")
    return base64.b64decode(str(detail.get("value"))).decode()


def test_a_record_is_opened_closed_and_opened_again(domain):
    """docs/consent.md; at once nobody sees anything of a closed record, and then it is as it was."""
    record = Record(domain, opened=False)
    assert shown(record)["status"] == "not-opened"
    assert change(record, "reopen").status == 409
    assert [one["what"] for one in changed(record, "open")] == ["the record is open"]
    sent = record.deposit(record.patient)
    changed(record, "close")
    assert record.seen_by(record.patient) == []
    assert shown(record)["status"] == "closed"
    changed(record, "reopen")
    assert record.seen_by(record.patient) == [sent.unique_id]


def test_grants_and_exclusions_count_from_the_next_request(record):
    """docs/consent.md."""
    sent = record.deposit(record.patient)
    changed(record, "grant", party=party(DR_A), rights=["read"])
    assert record.seen_by(DR_A) == [sent.unique_id]
    (held,) = shown(record)["grants"]
    assert (held["party"], held["rights"], held["level"], held["origin"]) == (
        party(DR_A),
        ["read"],
        "normal",
        "portal",
    )
    changed(record, "exclude", party=party(DR_A))
    assert record.seen_by(DR_A) == []
    assert shown(record)["excluded"] == [party(DR_A)]
    changed(record, "admit", party=party(DR_A))
    assert record.seen_by(DR_A) == [sent.unique_id]
    changed(record, "revoke", party=party(DR_A))
    assert record.seen_by(DR_A) == []
    again = change(record, "revoke", party=party(DR_A))
    assert (again.status, read(again)["detail"]) == (409, "nothing of the kind holds")


def test_documents_are_hidden_reserved_and_given_a_level(record):
    """docs/consent.md."""
    sent = record.deposit(record.patient)
    document = record.entry_uuid(sent)
    for doctor in (DR_A, DR_B):
        changed(record, "grant", party=party(doctor), rights=["read"])
    changed(record, "hide", document=document)
    assert record.seen_by(DR_A) == []
    changed(record, "unhide", document=document)
    changed(record, "reserve", document=document, party=party(DR_A))
    assert (record.seen_by(DR_A), record.seen_by(DR_B)) == ([sent.unique_id], [])
    changed(record, "unreserve", document=document, party=party(DR_A))
    changed(record, "level", document=document, level="restricted")
    assert record.seen_by(DR_A) == []
    changed(record, "level", document=document, level=None)
    assert record.seen_by(DR_A) == [sent.unique_id]
    changed(record, "level", level="restricted")
    assert shown(record)["minimumLevel"] == "restricted"


def test_an_emergency_opens_what_the_patient_says(record):
    """docs/consent.md."""
    sent = record.deposit(record.patient)
    assert record.seen_by(DR_A.in_emergency()) == [sent.unique_id]
    changed(record, "emergency", level=None)
    assert record.seen_by(DR_A.in_emergency()) == []
    assert shown(record)["emergencyLevel"] is None


def test_the_patient_reads_who_got_in_by_an_emergency(record):
    """docs/consent.md: by name, when, and why in his own words."""
    record.deposit(record.patient)
    record.seen_by(DR_A.in_emergency("unconscious in the waiting room"))
    path = "/api/consent/notifications"
    (told,) = read(ask(record.platform, "GET", path, record.patient))["notifications"]
    assert (told["kind"], told["name"], told["reason"]) == (
        "emergency",
        "Dr A",
        "unconscious in the waiting room",
    )
    assert told["told"] is None
    assert ask(record.platform, "GET", path, DR_A, patient_id=record.patient_id).status == 403


def test_a_helper_decides_only_where_he_manages_and_names_no_other(record):
    """docs/consent.md; within his dates."""
    grant: dict[str, Any] = {"party": party(DR_A), "rights": ["read"]}
    assert change(record, "grant", FRIEND, **grant).status == 403
    changed(record, "helper", person=FRIEND.party.id, days=30)
    assert shown(record, FRIEND)["helpers"][0]["person"] == FRIEND.party.id
    assert change(record, "grant", FRIEND, **grant).status == 403
    changed(record, "helper", person=FRIEND.party.id, manages=True, days=30)
    assert changed(record, "grant", FRIEND, **grant)[0]["by"] == f"Dr F ({FRIEND.party.id})"
    for name, content in (("helper", {"person": DR_B.party.id}), ("close", {})):
        assert change(record, name, FRIEND, **content).status == 403
    changed(record, "dismiss-helper", person=FRIEND.party.id)
    assert change(record, "grant", FRIEND, **grant).status == 403


def test_a_representative_is_named_by_the_operator_and_stands_for_the_patient(record):
    """docs/consent.md."""
    named: dict[str, Any] = {"person": GUARDIAN.party.id, "basis": "guardianship", "manages": True}
    for person in (record.patient, DR_A):
        assert change(record, "representative", person, **named).status == 403
    changed(record, "representative", OPERATOR, **named)
    changed(record, "close", GUARDIAN)
    assert shown(record, GUARDIAN)["status"] == "closed"
    changed(record, "dismiss-representative", OPERATOR, person=GUARDIAN.party.id)
    assert change(record, "reopen", GUARDIAN).status == 403
    changed(record, "reopen", OPERATOR)


def test_professionals_learn_nothing_of_what_is_decided(record):
    """docs/consent.md: no operation tells a doctor more than that it is not for him."""
    changed(record, "grant", party=party(DR_A), rights=["read", "deposit"])
    unknown = Record(record.platform, opened=False)
    for one in (record, unknown):
        for method, name, content in (
            ("GET", "", None),
            ("GET", "/history", None),
            ("POST", "/explain", {"person": DR_A.party.id}),
            ("POST", "/grant", {"party": party(DR_A), "rights": ["read"]}),
            ("POST", "/admit", {"party": party(DR_A)}),
        ):
            path = f"/api/consent{name}"
            answer = ask(record.platform, method, path, DR_A, patient_id=one.patient_id, content=content)
            assert (answer.status, read(answer)["detail"]) == (403, "not permitted")


def test_a_professional_declares_that_he_cares_for_a_patient(record):
    """docs/consent.md; what the patient has decided himself stands, and the answer does not tell it."""
    sent = record.deposit(record.patient)
    declaration: dict[str, Any] = {"origin": "presence", "evidence": "card 1234 read"}
    answer = change(record, "declare", DR_A, **declaration)
    assert (answer.status, read(answer)) == (
        200,
        {"patientId": record.patient_id, "party": party(DR_A), "origin": "presence"},
    )
    assert "etag" not in answer.headers
    assert "card 1234 read" in change_told(record.platform)
    assert record.seen_by(DR_A) == [sent.unique_id]
    changed(record, "exclude", party=party(DR_B))
    excluded = change(record, "declare", DR_B, **declaration)
    assert excluded.status == 200
    assert record.seen_by(DR_B) == []
    changed(record, "grant", party=party(DR_A), rights=["deposit"])
    assert change(record, "declare", DR_A, **declaration).body == answer.body
    assert record.seen_by(DR_A) == []
    for by, content in (
        (record.patient, declaration),
        (FRIEND, declaration),
        (DR_A, {**declaration, "party": party(DR_B)}),
    ):
        assert change(record, "declare", by, **content).status == 403
    other = change(record, "declare", DR_A, **(declaration | {"origin": "admission"}))
    assert other.status == 409


def test_who_cares_for_a_patient_refers_him(record):
    """docs/consent.md."""
    sent = record.deposit(record.patient)
    referral: dict[str, Any] = {"origin": "referral", "party": party(DR_B), "evidence": "letter of today"}
    assert change(record, "declare", DR_A, **referral).status == 403
    change(record, "declare", DR_A, origin="presence", evidence="card read")
    assert change(record, "declare", DR_A, **referral).status == 200
    assert record.seen_by(DR_B) == [sent.unique_id]


def test_what_has_changed_since_it_was_seen_is_not_changed(record):
    """RFC 9110: 13.1.1."""
    seen = version(record)
    answer = change(record, "exclude", tag=seen, party=party(DR_A))
    assert (answer.status, answer.headers["etag"]) == (200, version(record))
    late = change(record, "exclude", tag=seen, party=party(DR_B))
    assert (late.status, read(late)["detail"]) == (412, "what holds has changed since; look again")
    assert shown(record)["excluded"] == [party(DR_A)]
    assert change(record, "exclude", tag=f'"x", {version(record)}', party=party(DR_B)).status == 200
    assert change(record, "admit", tag="*", party=party(DR_B)).status == 200
    assert change(record, "admit", tag=f"W/{version(record)}", party=party(DR_A)).status == 412


def test_of_changes_at_once_by_the_same_version_one_is_made(record):
    """RFC 9110: 13.1.1."""
    seen = version(record)
    with ThreadPoolExecutor(8) as clients:
        sent = [
            clients.submit(change, record, "exclude", tag=seen, party=party(Person(str(number))))
            for number in range(8)
        ]
        statuses = sorted(one.result().status for one in sent)
    assert statuses == [200] + [412] * 7
    assert len(shown(record)["excluded"]) == 1


@pytest.mark.parametrize(
    ("name", "content", "pointers"),
    [
        ("exclude", {}, ["/party"]),
        ("exclude", {"party": {"kind": "doctor", "id": ""}, "x": 1}, ["/party/kind", "/party/id", "/x"]),
        ("grant", {"party": {"kind": "person", "id": "x"}, "rights": []}, ["/rights"]),
        (
            "grant",
            {"party": {"kind": "person", "id": "x"}, "rights": ["read"], "level": "secret"},
            ["/level"],
        ),
        ("grant", {"party": {"kind": "person", "id": "x"}, "rights": ["read"], "days": "3"}, ["/days"]),
        ("hide", {"document": "urn:uuid:X"}, ["/document"]),
        ("helper", {"person": "amuller"}, ["/person"]),
        ("level", {}, ["/level"]),
        ("explain", {"language": "it", "at": "yesterday"}, ["/at", "/language"]),
    ],
)
def test_every_fault_of_a_body_is_named(record, name, content, pointers):
    """RFC 9457: 3.2; the values are not repeated."""
    answer = change(record, name, **content)
    assert answer.status == 422
    assert [one["pointer"] for one in read(answer)["errors"]] == pointers
    assert "amuller" not in answer.body.decode()


def test_history_tells_who_changed_what_from_which_state_whichever_way(record):
    """docs/consent.md: over HTTP and by the operator's command, one history."""
    changed(record, "exclude", party=party(DR_A))
    command = [sys.executable, "-m", "server.command_line", "consent", "admit", record.patient_id]
    command += ["--person", DR_A.party.id, "--config", str(record.platform.directory / "coffre.toml")]
    environment = {**os.environ, **record.platform.environment, "LOGNAME": "operator"}
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    answer = ask(record.platform, "GET", "/api/consent/history", record.patient)
    told = [(one["by"], one["what"], one["before"]) for one in read(answer)["changes"]]
    by_patient = f"Dr {record.patient.extension} ({record.patient.party.id})"
    exclusion = f"exclusion person {DR_A.party.id}"
    assert told[1:] == [(by_patient, exclusion, ""), ("operator", f"no longer: {exclusion}", exclusion)]


def test_what_somebody_could_do_is_explained_in_four_languages(record):
    """docs/consent.md."""
    changed(record, "exclude", party=party(DR_A))
    question: dict[str, Any] = {"person": DR_A.party.id, "profession": "DOCTOR|2.999.7"}
    answers = {
        language: read(change(record, "explain", **question, language=language))
        for language in ("fr", "de", "en", "lb")
    }
    assert {answer["permit"] for answer in answers.values()} == {False}
    assert answers["en"]["reasons"][-1] == "the patient has excluded him"
    assert len({json.dumps(answer) for answer in answers.values()}) == 4
    then = change(record, "explain", **question, at="2020-01-01T00:00:00Z")
    assert read(then)["reasons"] == ["the record was not opened"]


def test_the_patient_is_told_what_a_doctor_would_see_now_on_a_day_and_in_an_emergency(record):
    """docs/consent.md; it is what the doctor then sees. An operator is told no titles."""
    note, lab = record.deposit(record.patient), record.deposit(record.patient, type_code="LAB")
    restricted = record.deposit(record.patient, level="R")
    hidden = record.deposit(record.patient)
    record.hide(hidden)
    begins = datetime.now(UTC) + timedelta(days=10)
    changed(record, "grant", party=party(DR_A), rights=["read"], start=begins.isoformat(), days=5)

    def sees(by: Person = record.patient, **supposed: Any) -> Any:
        question = {"person": DR_A.party.id, "profession": "DOCTOR|2.999.7", **supposed}
        return read(change(record, "explain", by, **question))

    now = sees()
    assert (now["permit"], now["sees"], now["documents"]) == (True, "He would see no document.", [])
    assert record.seen_by(DR_A) == []
    in_emergency = sees(emergency=True)
    assert in_emergency["sees"] == "He would see 2 of 4 documents:"
    expected = [lab.unique_id, note.unique_id]
    assert [one["uniqueId"] for one in in_emergency["documents"]] == expected
    assert sorted(record.seen_by(DR_A.in_emergency())) == sorted(expected)
    then = sees(at=(begins + timedelta(days=1)).isoformat(), language="fr")
    assert then["sees"] == "Il verrait 2 documents sur 4 :"
    assert sees(at=(begins + timedelta(days=5)).isoformat())["documents"] == []
    nurse = sees(profession="NURSE|2.999.7", emergency=True)
    assert [one["uniqueId"] for one in nurse["documents"]] == [note.unique_id]
    changed(record, "emergency", level="restricted")
    assert restricted.unique_id in [one["uniqueId"] for one in sees(emergency=True)["documents"]]
    assert {one["title"] for one in sees(emergency=True)["documents"]} == {"Report"}
    assert {one["title"] for one in sees(OPERATOR, emergency=True)["documents"]} == {None}
    assert sees(verb="deposit")["sees"] is None
    changed(record, "close")
    assert sees(emergency=True)["sees"] == "He would see no document."


def test_a_change_is_recorded_with_who_made_it_and_what_it_was(record):
    """ITI TF-2: 3.20; refused ones as well."""
    changed(record, "exclude", party=party(DR_A))
    told = last_record(record.platform)
    assert [one.get("csd-code") for one in told.iter("EventTypeCode")] == ["consent-changed"]
    objects = [one.get("ParticipantObjectID") for one in told.iter("ParticipantObjectIdentification")]
    assert objects == [record.patient_id]
    assert change_told(record.platform) == f"exclusion person {DR_A.party.id} (before: nothing)"
    change(record, "admit", DR_A, party=party(DR_A))
    told = last_record(record.platform)
    assert [one.get("EventOutcomeIndicator") for one in told.iter("EventIdentification")] == ["4"]
    assert f"<{DR_A.extension}@https://idp.example>" in [
        one.get("UserID") for one in told.iter("ActiveParticipant")
    ]
