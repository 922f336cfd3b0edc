"""Documents that cannot be kept while they stream in: the answer is ITI-41's own, and names the document."""

import base64
import http.client
import resource
import socket
import subprocess
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests

from atna_audit.spool import stored_records
from audit_message.read import read_audit_message
from tests.messages.requests import FAILURE, ITI_41, ITI_43, SUCCESS, provide, retrieve, submission
from tests.services.platform import OPEN_DOMAIN, storing_nothing
from tests.wire import MTOM_TYPE, HttpAnswer, Part, envelope, include, mtom, multipart, post, root_part

MEGABYTE = 1024 * 1024
LIMITS = f"""{OPEN_DOMAIN}
[limits]
document_size_bytes = {2 * MEGABYTE}
request_size_bytes = {5 * MEGABYTE}
"""
SOAP_TYPE = "application/soap+xml; charset=UTF-8"
NO_ROOM = "no room is left to store the document"
TOO_LARGE = f"the document is longer than the {2 * MEGABYTE} bytes taken here"
# An answer that waits for the rest of its request never comes.
PROMPT_SECONDS = 10


def packaged(how, sent, *documents):
    """The submission with its documents, as a body and its Content-Type."""
    request = sent.submit_objects_request
    if how == "inline":
        inside = [base64.b64encode(one).decode() for one in documents]
        return envelope(ITI_41, provide(request, *named(inside))), SOAP_TYPE
    parts = [Part(f"part{n}@wire", one) for n, one in enumerate(documents, 1)]
    root = root_part(envelope(ITI_41, provide(request, *named([include(one.content_id) for one in parts]))))
    return multipart(*((*parts, root) if how == "envelope last" else (root, *parts))), MTOM_TYPE


def named(contents):
    return [(f"Document{n}", content) for n, content in enumerate(contents, 1)]


PACKAGINGS = pytest.mark.parametrize("how", ["inline", "envelope first", "envelope last"])


@contextmanager
def files_up_to(platform, size_bytes):
    """A disk that has room for so much in one file, and no more."""
    soft, hard = resource.prlimit(platform.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(platform.process.pid, resource.RLIMIT_FSIZE, (size_bytes, hard))
    yield
    resource.prlimit(platform.process.pid, resource.RLIMIT_FSIZE, (soft, hard))


def refusals(platform):
    """What the audit trail says of refused requests: the patient, and the reason."""
    told = [read_audit_message(record) for spool in platform.audit_spools for record in stored_records(spool)]
    return {(object_.id, one.event.outcome_description) for one in told for object_ in one.objects}


@PACKAGINGS
def test_a_full_disk_is_answered_in_the_transaction(platform, how):
    """ITI TF-2: 3.41.4.1.3, XDSRepositoryOutOfResources; nothing stays, and what comes later works."""
    sent = submission(platform.add_patient(), 3)
    documents = (b"small", b"x" * 12 * MEGABYTE, b"small as well")
    context = f"xds:Document Document2: {NO_ROOM}"
    with storing_nothing(platform, sent.patient_id):
        with files_up_to(platform, 8 * MEGABYTE):
            answer = post(platform.repository_url, *packaged(how, sent, *documents))
        assert (answer.status, answer.status_urn) == (200, FAILURE)
        assert answer.errors == [("XDSRepositoryOutOfResources", context)]
    assert (sent.patient_id, f"XDSRepositoryOutOfResources: {context}") in refusals(platform)
    assert post(platform.repository_url, *packaged(how, sent, *documents)).status_urn == SUCCESS


@PACKAGINGS
def test_a_disk_that_fails_is_answered_in_the_transaction(platform, how):
    """ITI TF-2: 3.41.4.1.3, XDSRepositoryError; what the system said stays in our log."""
    sent = submission(platform.add_patient())
    staging = platform.directory / "documents" / "staging"
    body, content_type = packaged(how, sent, b"x" * 2 * MEGABYTE)
    with storing_nothing(platform, sent.patient_id):
        staging.rename(staging.with_name("gone"))
        answer = post(platform.repository_url, body, content_type)
        staging.with_name("gone").rename(staging)
        assert (answer.status, answer.status_urn) == (200, FAILURE)
        context = "xds:Document Document1: the document could not be stored"
        assert answer.errors == [("XDSRepositoryError", context)]
    assert post(platform.repository_url, body, content_type).status_urn == SUCCESS


@PACKAGINGS
def test_a_document_over_the_limit_is_named(fresh_platform, how):
    """ITI TF-2: 3.41.4.1.3, XDSRepositoryOutOfResources; up to the limit a document is taken."""
    platform = fresh_platform(toml=LIMITS)
    sent = submission(platform.add_patient(), 2)
    with storing_nothing(platform, sent.patient_id):
        answer = post(platform.repository_url, *packaged(how, sent, b"small", b"x" * (2 * MEGABYTE + 1)))
        assert (answer.status, answer.status_urn) == (200, FAILURE)
        assert answer.errors == [("XDSRepositoryOutOfResources", f"xds:Document Document2: {TOO_LARGE}")]
    message = packaged(how, sent, b"small", b"x" * 2 * MEGABYTE)
    assert post(platform.repository_url, *message).status_urn == SUCCESS


@pytest.mark.parametrize("how", ["inline", "envelope first"])
@pytest.mark.parametrize("declared", [True, False], ids=["Content-Length", "chunked"])
def test_a_message_over_the_limit_is_refused_in_the_transaction(fresh_platform, how, declared):
    """ITI TF-2: 3.41.4.1.3; a Content-Length that is too large is known before the documents come."""
    platform = fresh_platform(toml=LIMITS)
    sent = submission(platform.add_patient(), 4)
    body, content_type = packaged(how, sent, *[b"x" * (2 * MEGABYTE)] * 4)
    with storing_nothing(platform, sent.patient_id):
        answer = post(platform.repository_url, body if declared else iter([body]), content_type)
    assert (answer.status, answer.status_urn) == (200, FAILURE)
    assert answer.errors == [
        ("XDSRepositoryOutOfResources", "the message is over the limit of 5242880 bytes")
    ]


@pytest.mark.parametrize("how", ["inline", "envelope first"])
def test_the_answer_comes_before_the_rest_of_the_document(fresh_platform, how):
    """RFC 9112: 9.3: whoever still sends can read it; the connection closes when he is done or stops."""
    platform = fresh_platform(toml=LIMITS)
    body, content_type = packaged(how, submission(platform.add_patient()), b"x" * 3 * MEGABYTE)
    began = time.monotonic()
    parts = urlsplit(platform.repository_url)
    with socket.create_connection((str(parts.hostname), parts.port), PROMPT_SECONDS) as connection:
        head = f"POST {parts.path} HTTP/1.1\r\nHost: wire\r\nContent-Type: {content_type}\r\n"
        # Most of it, and the rest never.
        connection.sendall(
            f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) * 9 // 10]
        )
        response = http.client.HTTPResponse(connection)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        answer = HttpAnswer(response.status, headers, response.read())
        assert time.monotonic() - began < PROMPT_SECONDS
    assert (answer.status, answer.status_urn, headers["connection"]) == (200, FAILURE, "close")
    assert answer.errors == [("XDSRepositoryOutOfResources", f"xds:Document Document1: {TOO_LARGE}")]


@pytest.mark.parametrize("client", ["curl", "requests"])
def test_clients_that_send_on_see_the_answer(fresh_platform, client, tmp_path):
    """RFC 9112: 9.6: 40 MB more than is taken, and whoever sends them all reads why in the end."""
    platform = fresh_platform(toml=OPEN_DOMAIN + f"\n[limits]\ndocument_size_bytes = {2 * MEGABYTE}\n")
    file = tmp_path / "message"
    body, content_type = packaged("envelope first", submission(platform.add_patient()), b"x" * 42 * MEGABYTE)
    file.write_bytes(body)
    if client == "curl":
        command = ["curl", "--silent", "--show-error", "--header", f"Content-Type: {content_type}"]
        command += ["--data-binary", f"@{file}", platform.repository_url]
        answer = subprocess.run(command, capture_output=True, check=True).stdout
    else:
        headers = {"Content-Type": content_type}
        with file.open("rb") as message:
            answer = requests.post(platform.repository_url, message, headers=headers, timeout=60).content
    assert TOO_LARGE.encode() in answer
    assert answer.endswith(b"--\r\n")


def test_a_part_that_nothing_refers_to_is_named_by_its_content_id(fresh_platform):
    """ITI TF-2: 3.41.4.1.3."""
    platform = fresh_platform(toml=LIMITS)
    sent = submission(platform.add_patient())
    body = provide(sent.submit_objects_request, ("Document1", include("part1@wire")))
    surplus = ("surplus@wire", "text/plain", b"x" * 3 * MEGABYTE)
    message = mtom(envelope(ITI_41, body), ("part1@wire", "text/plain", b"small"), surplus)
    with storing_nothing(platform, sent.patient_id):
        answer = post(platform.repository_url, message, MTOM_TYPE)
        assert answer.errors == [("XDSRepositoryOutOfResources", f"MIME part surplus@wire: {TOO_LARGE}")]
        answer = post(
            platform.repository_url, mtom(envelope(ITI_43, retrieve("2.999.1")), surplus), MTOM_TYPE
        )
    reason = "the envelope does not refer to the MIME part surplus@wire"
    assert (answer.status, answer.fault) == (400, ("Sender", None, reason))
