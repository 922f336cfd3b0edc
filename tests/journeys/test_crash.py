"""What was acknowledged is there after a crash, and whatever is registered has its document."""

import threading
from contextlib import ExitStack
from http.client import HTTPException

import pytest

from tests.messages import requests
from tests.messages.requests import SUCCESS, Submission, submission
from tests.services.platform import Platform, running
from tests.services.postgresql import own_cluster
from tests.services.relay import relay_to

ROUNDS = 2
SUBMITTERS = 3
# A crash this long after the first acknowledgement finds all submitters at work.
SUBMISSIONS_BEFORE_CRASH = 8


def content_of(sent: Submission) -> bytes:
    return f"the document {sent.unique_id}\r\n".encode() * 50


class Submitter(threading.Thread):
    """Submits one document after the other until the server is gone."""

    def __init__(self, platform: Platform, patient_id: str, enough: threading.Semaphore) -> None:
        super().__init__(daemon=True)
        self._platform, self._patient_id, self._enough = platform, patient_id, enough
        self.begun: list[Submission] = []
        self.acknowledged: list[Submission] = []

    def run(self) -> None:
        while True:
            sent = submission(self._patient_id)
            self.begun.append(sent)
            try:
                answer = self._platform.provide(sent, content_of(sent))
            except (OSError, HTTPException, AssertionError):
                return
            if answer.status_urn == SUCCESS:
                self.acknowledged.append(sent)
                self._enough.release()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_acknowledged_document_survives_a_crash(kind, request):
    """ITI TF-2: 3.41.4.1.3; and nothing is registered without its bytes."""
    # In this order, so that the server ends before its database.
    url = "" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    fresh_platform = request.getfixturevalue("fresh_platform")
    submitters: list[Submitter] = []
    for _ in range(ROUNDS):
        platform = fresh_platform(database_url=url)
        enough = threading.Semaphore(0)
        now = [Submitter(platform, platform.add_patient(), enough) for _ in range(SUBMITTERS)]
        for one in now:
            one.start()
        for _ in range(SUBMISSIONS_BEFORE_CRASH):
            assert enough.acquire(timeout=30)
        platform.kill()
        for one in now:
            one.join(timeout=30)
        submitters += now

    platform = fresh_platform(database_url=url)
    for one in submitters:
        patient_id = one.begun[0].patient_id
        registered = set(platform.documents_of(patient_id))
        assert {sent.unique_id for sent in one.acknowledged} <= registered
        for sent in one.begun:
            answer = platform.retrieve(sent.unique_id)
            if sent.unique_id in registered:
                assert answer.status_urn == SUCCESS, answer.errors
                assert answer.parts[1][1] == content_of(sent)
        assert len(platform.query(requests.get_all(patient_id)).found("Association")) == len(registered)


def test_a_platform_works_on_after_a_crash(fresh_platform):
    """The same document, whose fate its sender does not know, may be sent again (ITI TF-2: 3.42.4.1.3)."""
    platform = fresh_platform()
    sent = submission(platform.add_patient())
    assert platform.provide(sent, content_of(sent)).status_urn == SUCCESS
    platform.kill()
    platform = fresh_platform()
    again = platform.provide(sent, content_of(sent))
    taken = f"uniqueId {sent.submission_set_unique_id} is registered already, expected a new one"
    context = f"SubmissionSet SubmissionSet1: {taken}"
    assert again.errors == [("XDSDuplicateUniqueIdInRegistry", context)]
    assert platform.retrieve(sent.unique_id).parts[1][1] == content_of(sent)
    later = submission(sent.patient_id)
    assert platform.provide(later, content_of(later)).status_urn == SUCCESS


def test_of_a_commit_that_got_no_answer_nobody_says_that_it_failed(tmp_path):
    """ITI TF-2: 3.41.4.1.3: a repository removes what was refused, and this is registered."""
    with ExitStack() as stack:
        cluster = stack.enter_context(own_cluster())
        relay = stack.enter_context(relay_to(cluster.url))
        url = cluster.url.replace(f":{cluster.port}/", f":{relay.port}/")
        platform = stack.enter_context(running(tmp_path, environment={"COFFRE_DATABASE_URL": url}))
        sent = submission(platform.add_patient())
        relay.lose_answer_to(b"COMMIT", after=sent.submission_set_unique_id.encode())
        answer = platform.provide(sent, content_of(sent))
        context = (
            "the registry gave no answer, and the submission may be registered; "
            "the same documents may be sent again unchanged"
        )
        assert answer.errors == [("XDSRegistryNotAvailable", context)]
        assert platform.documents_of(sent.patient_id) == [sent.unique_id]
        assert platform.retrieve(sent.unique_id).parts[1][1] == content_of(sent)
        slots = requests.registered("0" * 40, 0)
        alone = submission(sent.patient_id, slots=slots)
        relay.lose_answer_to(b"COMMIT", after=alone.submission_set_unique_id.encode())
        answer = platform.register(alone.submit_objects_request)
        said = "the database went away; what was sent was done, or nothing of it was"
        assert (answer.status, answer.fault) == (500, ("Receiver", None, said))
        assert set(platform.documents_of(sent.patient_id)) == {sent.unique_id, alone.unique_id}


def test_a_repository_without_its_registry_keeps_nothing(fresh_platform, migrated_database_url):
    """ITI TF-2: 3.41.4.1.3, XDSRegistryNotAvailable; documents that it has are still handed out."""
    platform = fresh_platform(apart=True, database_url=migrated_database_url)
    sent = submission(platform.add_patient())
    assert platform.provide(sent, content_of(sent)).status_urn == SUCCESS
    platform.registry.kill()
    before = platform.stored_files
    refused = platform.provide(submission(sent.patient_id), b"text")
    context = "the registry cannot be reached; nothing was stored"
    assert refused.errors == [("XDSRegistryNotAvailable", context)]
    assert platform.stored_files == before
    assert platform.retrieve(sent.unique_id).parts[1][1] == content_of(sent)
