"""The patient's journal: who got to the record, by name, when, in what context and to do what."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consent_broker.model import Right
from tests.messages import requests
from tests.services.platform import Platform, running
from tests.services.ruled import RULED_DOMAIN, Person, Record, write_rules
from tests.wire import envelope, post

DR_A = Person("A", organization="urn:oid:2.999.50")
DR_B = Person("B")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def domain(request, tmp_path_factory) -> Iterator[Platform]:
    """A server whose domain has rules, on each database."""
    directory = write_rules(tmp_path_factory.mktemp("journal"))
    environment = {}
    if request.param == "postgresql":
        environment["COFFRE_DATABASE_URL"] = request.getfixturevalue("postgresql_url_of_module")
    with running(directory, toml=RULED_DOMAIN, environment=environment) as platform:
        yield platform


def printed(platform: Platform, patient_id: str, *words: str) -> bytes:
    command = [sys.executable, "-m", "server.command_line", "audit", "journal", "--patient", patient_id]
    command += words
    command += ["--config", str(platform.directory / "coffre.toml")]
    environment = {**os.environ, **platform.environment}
    return subprocess.run(command, check=True, capture_output=True, env=environment).stdout


def eventually(holds: Callable[[], bool]) -> None:
    """Records are on their way into the repository for a moment."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def accesses(record: Record, number: int, *words: str) -> list[dict[str, Any]]:
    """Wait until so many rows are there, the oldest first."""
    deadline = time.monotonic() + 30
    while True:
        content = printed(record.platform, record.patient_id, "--format", "json", "--language", "en", *words)
        rows = [one for one in json.loads(content)["accesses"] if one["deed"] != "journal-read"]
        if len(rows) >= number or time.monotonic() > deadline:
            assert len(rows) == number, rows
            return rows[::-1]
        time.sleep(0.2)


def test_voir_quel_professionnel_identifie_nominativement_quand_dans_quel_contexte(domain):
    """Who has seen and done what, by name, when, and in which context (docs/consent.md)."""
    record = Record(domain)
    record.grant(DR_A.party, Right.READ, Right.DEPOSIT)
    first = record.deposit(DR_A)
    assert record.seen_by(DR_A) == [first.unique_id]
    assert record.retrieve(DR_A, first.unique_id).status == 200
    second = record.deposit(DR_A, replaces=record.entry_uuid(first))
    assert record.seen_by(DR_B) == []
    assert record.retrieve(DR_B.in_emergency(), second.unique_id).status == 200

    record.hide(second)

    rows = accesses(record, 12)
    told = [(one["deed"], one["person"]["name"], [each["id"] for each in one["documents"]]) for one in rows]
    assert ("deposited", "Dr A", [first.unique_id]) in told
    assert ("list-seen", "Dr A", []) in told
    assert ("document-opened", "Dr A", [first.unique_id]) in told
    assert ("replaced", "Dr A", [second.unique_id]) in told
    assert ("list-seen", "Dr B", []) in told
    assert [person for deed, person, _ in told if deed == "emergency"] == ["Dr B"]
    assert ("document-opened", "Dr B", [second.unique_id]) in told
    assert [one["deed"] for one in rows].count("rights-changed") == 3
    opened = rows[told.index(("document-opened", "Dr A", [first.unique_id]))]
    assert opened["person"] == {
        "id": "<A@https://idp.example>",
        "name": "Dr A",
        "isMachine": False,
        "profession": "DOCTOR",
        "establishment": "urn:oid:2.999.50",
        "onBehalfOf": "",
    }
    assert opened["documents"] == [{"id": first.unique_id, "title": "Report"}]
    assert opened["context"] == {"purpose": "treatment", "relationship": "care relationship", "software": ""}
    assert opened["at"].endswith(("+01:00", "+02:00"))
    emergency = rows[told.index(("document-opened", "Dr B", [second.unique_id]))]
    assert emergency["emergency"]
    assert emergency["what"] == "EMERGENCY: Document opened"


def test_what_was_removed_keeps_its_name_in_the_journal(domain):
    """Also for the one who deposited it, and in every form (docs/operating.md)."""
    record = Record(domain)
    record.deposit(record.patient)
    there = "".join(
        f'<rim:ObjectRef id="{one.get("id")}"/>'
        for one in record.all_of_it(record.patient, "ObjectRef").found("ObjectRef")
    )
    body = (
        f'<lcm:RemoveObjectsRequest {requests.NAMESPACES} deletionScope="urn:oasis:names:tc:ebxml-regrep:'
        f'DeletionScopeType:DeleteAll"><rim:ObjectRefList>{there}</rim:ObjectRefList>'
        "</lcm:RemoveObjectsRequest>"
    )
    message = envelope(requests.ITI_62, body, more_headers=record.patient.headers)
    assert post(domain.registry_url, message).status_urn == requests.SUCCESS
    [deposited, deleted] = accesses(record, 2, "--document", "report", "--person", record.patient.extension)
    assert (deposited["deed"], deleted["deed"]) == ("deposited", "deleted")
    assert "Report" in [one["title"] for one in deleted["documents"]]
    assert deposited["context"]["relationship"] == "the patient himself"

    written = printed(domain, record.patient_id, "--format", "csv").decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(written)))
    assert rows[0][:3] == ["Date et heure", "Qui", "Profession"]
    assert any("Document déposé" in row for row in rows)
    assert any("Journal lu" in row for row in rows), "whoever reads the journal stands in it"
    assert printed(domain, record.patient_id, "--format", "pdf").startswith(b"%PDF-")
