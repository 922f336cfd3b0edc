"""Messages out and answers in, whatever the answer is (ITI TF-2: Appendix V.3)."""

import hashlib
from pathlib import Path

import pytest

from client.errors import Fault, Unreachable
from client.wire import Wire
from ihe.transactions import ITI_18, ITI_43
from tests.client.answers import answering
from tests.services.ports import free_port
from tests.wire import MTOM_TYPE, envelope, mtom

FAULT = (
    '<s:Fault xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing">'
    "<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>wsa:ActionNotSupported</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">not here</s:Text></s:Reason></s:Fault>'
)
ANSWER = envelope("urn:answer", "<a/>")


@pytest.fixture
def wire():
    wire = Wire()
    yield wire
    wire.close()


def test_the_element_of_the_body_comes_back(wire):
    with answering(ANSWER) as url:
        assert wire.send(ITI_18, url, b"<q/>").tag == "a"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_fault_is_a_fault_whatever_its_http_status(wire, status):
    """SOAP 1.2 Part 2: table 20; many servers send 500 for all, some 200."""
    with answering(envelope("urn:fault", FAULT), status=status) as url, pytest.raises(Fault) as problem:
        wire.send(ITI_18, url, b"<q/>")
    assert (problem.value.code, problem.value.reason) == ("Sender ActionNotSupported", "not here")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"<html>Log in", "text/html", 200, "HTTP 200 OK with text/html, which is no SOAP answer"),
        (b"try later\n", "text/plain", 503, "HTTP 503 Service Unavailable with text/plain, which is no SOAP"),
        (b"try later\n", "text/plain", 503, "answer: try later"),
        (b"", "application/soap+xml", 200, "there is no XML element here"),
        (b"<a/>", "application/soap+xml", 200, "the root element must be Envelope of SOAP 1.2"),
        (b"<!DOCTYPE a><a/>", "application/soap+xml", 200, "a document type declaration is not accepted"),
        (mtom(ANSWER)[:-20], MTOM_TYPE, 200, "the message ends within MIME part 1"),
        (b"no parts", MTOM_TYPE, 200, "no SOAP answer"),
        (b"", "", 204, "which is no SOAP answer"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_said_to_be_none(wire, body, content_type, status, reason):
    with answering(body, content_type, status) as url, pytest.raises(Unreachable) as problem:
        wire.send(ITI_18, url, b"<q/>")
    assert reason in problem.value.reason


def test_nobody_there_is_told_from_nobody_answering(wire):
    """Only what was never sent can be sent again without a second look."""
    with pytest.raises(Unreachable) as problem:
        wire.send(ITI_18, f"http://127.0.0.1:{free_port()}/registry", b"<q/>")
    assert (problem.value.reason, problem.value.sent) == ("Connection refused", False)
    with pytest.raises(Unreachable) as problem:
        wire.send(ITI_18, "not an address", b"<q/>")
    assert not problem.value.sent


def test_documents_go_to_files_in_any_order_and_the_root_does_not(wire, tmp_path: Path):
    """RFC 2387: 3.2: start names the root, wherever it stands."""
    big = bytes(range(256)) * 4096 + b"\r\n--=_wir\r\n"
    message = (
        b"--=_wire\r\nContent-Type: application/pdf\r\nContent-ID: <b@x>\r\n\r\n" + big + b"\r\n"
        b"--=_wire\r\nContent-Type: application/xop+xml\r\nContent-ID: <root@wire>\r\n\r\n" + ANSWER + b"\r\n"
        b"--=_wire\r\nContent-Type: text/plain\r\nContent-ID: <a@x>\r\n\r\n\r\n--=_wire--\r\n"
    )
    seen: list[int] = []
    with answering(message, MTOM_TYPE) as url:
        answer = wire.send_mtom(ITI_43, url, b"<q/>", receive_into=tmp_path, received=seen.append)
    assert answer.body.tag == "a"
    assert {name: part.path.read_bytes() for name, part in answer.parts.items()} == {"b@x": big, "a@x": b""}
    digest = hashlib.sha1(big, usedforsecurity=False).hexdigest()
    assert (answer.parts["b@x"].size_bytes, answer.parts["b@x"].sha1) == (len(big), digest)
    assert sum(seen) == len(big)


def test_documents_that_nobody_asked_for_are_passed_over(wire):
    with answering(mtom(ANSWER, ("a@x", "text/plain", b"surprise")), MTOM_TYPE) as url:
        assert wire.send_mtom(ITI_43, url, b"<q/>").parts == {}
