"""An operator takes a merge of patients back, and the audit trail says who it was."""

import getpass
import json
import subprocess
import sys

import pytest

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages import requests
from tests.messages.requests import SUCCESS
from tests.services.platform import ROOT, Platform
from tests.wire import envelope, post


@pytest.fixture(params=["sqlite", "postgresql"])
def merged(request):
    """A platform with two merged patients: the surviving id, the subsumed one, and a document of each."""
    # In this order, so that the server ends before its database.
    database_url = request.getfixturevalue(f"{request.param}_url")
    platform = request.getfixturevalue("fresh_platform")(database_url=database_url)
    one, other = platform.add_patient(), platform.add_patient()
    documents: list[str] = []
    for patient_id in (one, other):
        given = requests.submission(patient_id)
        assert platform.provide(given, b"a letter").status_urn == SUCCESS
        documents += given.unique_ids
    id, _, authority = other.partition("^^^&")
    replaced = (
        "<replacementOf><priorRegistration><subject1><priorRegisteredRole>"
        f'<id root="{authority.removesuffix("&ISO")}" extension="{id}"/>'
        "</priorRegisteredRole></subject1></priorRegistration></replacementOf></registrationEvent>"
    )
    message = requests.patient_added(one).replace("201301", "201304")
    message = message.replace("</registrationEvent>", replaced)
    answer = post(platform.registry_url, envelope("urn:hl7-org:v3:PRPA_IN201304UV02", message))
    assert [code.get("code") for code in answer.found("typeCode")] == ["CA"]
    assert sorted(platform.documents_of(one)) == sorted(documents)
    return platform, one, other, documents


def unmerge(platform: Platform, request, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "server.command_line", "patient", "unmerge", *words]
    command += ["--config", str(platform.directory / "coffre.toml")]
    environment = {"COFFRE_DATABASE_URL": request.getfixturevalue(f"{_kind(request)}_url")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def _kind(request) -> str:
    return str(request.node.callspec.params["merged"])


def records_of(platform: Platform):
    """Action, outcome, who asked, and patient of each record about an end of a merge."""
    messages = [read_audit_message(one) for spool in platform.audit_spools for one in stored_records(spool)]
    return [
        (str(each.event.action), int(each.event.outcome), each.participants[0].user_id, each.objects[0].id)
        for each in messages
        if each.event.type_codes[0].code == "patients-unmerged"
    ]


def test_an_operator_takes_a_merge_back_while_the_server_runs(merged, request):
    """Each has what was registered for him, and submissions for both are taken again."""
    platform, one, other, documents = merged
    done = unmerge(platform, request, other.partition("^")[0], "--from", one, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"restored": other, "from": one, "objects": 3, "joined": 0}
    assert [platform.documents_of(each) for each in (one, other)] == [[documents[0]], [documents[1]]]
    assert platform.provide(requests.submission(other), b"one more").status_urn == SUCCESS
    operator = getpass.getuser()
    assert records_of(platform) == [("C", 0, operator, other), ("U", 0, operator, one)]


def test_what_is_not_merged_stays_as_it_is_and_the_attempt_is_recorded(merged, request):
    """A mistaken id must not part a record that belongs together."""
    platform, one, other, documents = merged
    done = unmerge(platform, request, one, "--from", other)
    assert done.returncode == 2
    assert done.stderr.startswith(f"coffre: Patient {one.partition('^')[0]} is not merged into")
    assert sorted(platform.documents_of(one)) == sorted(documents)
    operator = getpass.getuser()
    assert records_of(platform) == [("C", 4, operator, one), ("U", 4, operator, other)]
