"""The judge finds no error in what our own client and server send each other and record."""

import subprocess
from urllib.parse import urlsplit

from atna_audit.spool import stored_records
from conformance.judging.message import judge
from tests.house.tree import PROGRAMS
from tests.messages import requests
from tests.messages.requests import ITI_51, STORED_QUERIES
from tests.server.test_command_line import clean_environment
from tests.services.recorder import recorder
from tests.wire import MTOM_TYPE, envelope, mtom, post


def errors_in(*messages):
    """(kind, where, rule, what was seen) of every error found in these messages."""
    return [
        (judgement.kind, one.where, one.rule, one.seen)
        for judgement in messages
        for one in judgement.findings
        if one.severity == "error"
    ]


def test_what_our_client_sends_and_our_server_answers_is_good(fresh_platform, tmp_path):
    """ITI TF-2: 3.41.4.1.2, 3.18.4.1.2, 3.43.4.1.2."""
    platform = fresh_platform()
    patient = platform.add_patient()
    with recorder(platform.registry_url) as kept:
        registry = kept.url + urlsplit(platform.registry_url).path
        repository = kept.url + urlsplit(platform.repository_url).path

        def coffre(*words):
            addresses = {"COFFRE_REGISTRY": registry, "COFFRE_REPOSITORY": repository}
            command = [str(PROGRAMS / "coffre"), *map(str, words)]
            done = subprocess.run(
                command, env=clean_environment() | addresses, capture_output=True, text=True, cwd=tmp_path
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        letter = tmp_path / "letter.txt"
        letter.write_text("Dear colleague")
        codes = ("--type", "laboratory", "--author", "Dr Anne Muller", "--language", "fr-LU")
        coffre(
            "submit", letter, "--patient", patient, *codes, "--unique-id", "2.999.77.1", "--folder", "Stay"
        )
        letter.write_text("Dear colleague, once more")
        coffre("submit", letter, "--replace", "2.999.77.1", "--unique-id", "2.999.77.2")
        coffre("find", "--patient", patient)
        coffre("fetch", "2.999.77.2", "--force")
        coffre("patient", "add", requests.fresh_patient_id())
    judged = [judge(one.content, one.content_type) for exchange in kept.exchanges for one in exchange]
    assert {one.transaction for one in judged} >= {"ITI-41", "ITI-18", "ITI-43"}
    assert errors_in(*judged) == []


def test_what_our_server_answers_is_good_whatever_it_is_asked(platform):
    """ITI TF-2: 3.18.4.1.3, 3.41.4.1.3, 3.43.4.1.3; DICOM PS3.15 A.5."""
    patient = platform.add_patient()
    sent = requests.submission(patient, with_folder=True)
    platform.provide(sent, b"Dear colleague")
    several = STORED_QUERIES["FindDocumentsForMultiplePatients"]
    slots = (
        ("$XDSDocumentEntryPatientId", f"('{patient}')"),
        ("$XDSDocumentEntryStatus", f"('{requests.APPROVED}')"),
    )
    by_several = envelope(ITI_51, requests.stored_query(several, *slots))
    retrieval = mtom(envelope(requests.ITI_43, requests.retrieve(sent.unique_id, "2.999.404")))
    answers = [
        platform.query(requests.get_all(patient)),
        platform.query(requests.find_documents(patient, return_type="ObjectRef")),
        platform.query(requests.stored_query(requests.GET_DOCUMENTS)),
        post(platform.registry_url, by_several),
        post(platform.repository_url, retrieval, MTOM_TYPE),
        post(platform.registry_url, b"no XML"),
        platform.provide(sent, b"Dear colleague, other bytes"),
    ]
    assert [one.status for one in answers] == [200, 200, 200, 200, 200, 400, 200]
    judged = [judge(one.body, one.headers["content-type"]) for one in answers]
    assert errors_in(*judged) == []
    records = [judge(record) for spool in platform.audit_spools for record in stored_records(spool)]
    assert len(records) > len(answers)
    assert errors_in(*records) == []
